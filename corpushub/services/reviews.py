"""Sample reviews: people look at a sample nobody could choose, two of them blind, a third where they differ.

1. The sample is drawn by hash rank from every released row; its seed follows from the data and the version.
2. Two people judge each row without seeing each other's verdict; where they differ a third, who saw neither row before, settles it.
3. Nobody of the organisation that built the data reviews it, and nobody judges a row twice.
4. A verdict belongs to the row's digest: unchanged rows of a later version are not judged again.
5. Results are counts and bounds; who judged is kept as a pseudonym in the report.
A review can be left at any row and taken up again by anybody who may review.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpushub.base.errors import Conflict, Forbidden, Invalid, NotFound
from corpushub.base.identity import Clock, iso, new_id, sha256, system_clock
from corpushub.domain.measures import clopper_pearson_upper, rounded, wilson_lower
from corpushub.domain.parties import SYSTEM, Actor, Role
from corpushub.domain.sampling import BY_SOURCE, PURPOSES, Row, Verdict, draw, kappa, seed_of, settled, stage_for
from corpushub.store.db import Database, Unit

if TYPE_CHECKING:
    from corpushub.services.releases import BuildRecord, Builds

REVIEWS, VERDICTS, RESULTS = "review", "review_verdict", "review_result"
REVIEWERS = (Role.REVIEWER, Role.ASSESSOR, Role.IMPLEMENTER, Role.AUTHORITY, Role.PROVIDER)
OPENERS = (Role.OPERATOR, *REVIEWERS)


@dataclass(frozen=True, slots=True)
class Review:
    """A sample of one build for one purpose (safety, ip, metadata, pii)."""

    id: str
    purpose: str
    dataset: str
    build: str
    version: str
    logical_digest: str
    seed: str
    builder_org: str
    opened_by: str
    opened_at: str
    rows: Sequence[Mapping[str, str]] = field(default_factory=tuple, repr=False)

    @property
    def size(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A row to judge: its content, and whether this settles a difference (stage 2). Earlier verdicts are not told."""

    review: str
    row: str
    digest: str
    stage: int
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReviewResult:
    """How far a review is and what it shows. `lower_bound`: one-sided 95 % Wilson bound of the pass rate."""

    review: str
    purpose: str
    required: int
    reviewed: int
    passed: int
    open: int
    disputed: int
    agreement: float
    kappa: float
    lower_bound: float

    @property
    def rate(self) -> float:
        return self.passed / self.reviewed if self.reviewed else 0.0

    @property
    def is_complete(self) -> bool:
        return self.reviewed == self.required


class Reviews:
    """Acts on sample reviews."""

    def __init__(self, *, database: Database, builds: Builds, clock: Clock = system_clock) -> None:
        self.database = database
        self.builds = builds
        self.clock = clock

    def open(self, actor: Actor, build_id: str, purpose: str, *, version: str = "1.0.0", n: int | None = None) -> Review:
        """Draw the sample of a build; the same build, purpose and version give the same review.

        Raises: Forbidden("reviews.seat"), Invalid("reviews.purpose"), NotFound("build.unknown").
        """
        if not (actor.has(*OPENERS) or actor == SYSTEM):
            raise Forbidden("reviews.seat")
        if purpose not in PURPOSES:
            raise Invalid("reviews.purpose", given=purpose, known=", ".join(PURPOSES))
        record = self.builds.get(actor, build_id)
        seed = seed_of(record.built.logical_digest, version)
        sample = draw(lineage(record, by_source=purpose in BY_SOURCE), seed, n or PURPOSES[purpose])
        with self.database.begin() as unit:
            if known := self._same(unit, record, purpose, version):
                return known
            review = Review(
                id=new_id("review", clock=self.clock), purpose=purpose, dataset=record.built.dataset, build=build_id, version=version,
                logical_digest=record.built.logical_digest, seed=seed, builder_org=record.builder_org, opened_by=actor.person,
                opened_at=iso(self.clock()), rows=[asdict(row) for row in sample],
            )  # fmt: skip
            unit.documents.put(REVIEWS, review.id, asdict(review))
            self._conclude(unit, review)
        return review

    def _same(self, unit: Unit, record: BuildRecord, purpose: str, version: str) -> Review | None:
        wanted = (record.built.logical_digest, purpose, version)
        rows = (Review(**value) for _, value in unit.documents.list(REVIEWS))
        return next((item for item in rows if (item.logical_digest, item.purpose, item.version) == wanted), None)

    def list(self, actor: Actor) -> tuple[ReviewResult, ...]:
        """Every review the actor may see, newest first, with how far it is."""
        with self.database.read() as unit:
            found = [Review(**value) for _, value in unit.documents.list(REVIEWS, newest_first=True)]
            return tuple(self._result(unit, review) for review in found if may_see(actor, review))

    def get(self, actor: Actor, review_id: str) -> Review:
        """Raises: NotFound("reviews.unknown")."""
        with self.database.read() as unit:
            return self._get(unit, actor, review_id)

    def _get(self, unit: Unit, actor: Actor, review_id: str) -> Review:
        value = unit.documents.get(REVIEWS, review_id)
        if value is None or not may_see(actor, review := Review(**value)):
            raise NotFound("reviews.unknown", review=review_id)
        return review

    def queue(self, actor: Actor, review_id: str, *, limit: int = 20) -> tuple[ReviewItem, ...]:
        """The next rows this person may judge, in sample order; empty where nothing is left for them.

        Raises: NotFound("reviews.unknown"), Forbidden("reviews.seat" | "reviews.own_data").
        """
        with self.database.read() as unit:
            review = self._get(unit, actor, review_id)
            check_seat(actor, review)
            verdicts = self._verdicts(unit, review)
        waiting = []
        for row in review.rows:
            stage = stage_for(verdicts.get(row["digest"], ()), actor.person)
            if stage:
                waiting.append((row, stage))
            if len(waiting) == limit:
                break
        record = self.builds.get(SYSTEM, review.build)
        content = contents(record, [row["id"] for row, _ in waiting])
        return tuple(ReviewItem(review_id, row["id"], row["digest"], stage, content.get(row["id"], {})) for row, stage in waiting)

    def judge(self, actor: Actor, review_id: str, row: str, *, passed: bool, reason: str = "") -> ReviewResult:
        """Give a verdict on one row of the sample.

        Raises: Forbidden("reviews.seat" | "reviews.own_data"), NotFound("reviews.unknown" | "reviews.not_in_sample"),
        Conflict("reviews.already_judged"), Invalid("reviews.reason") where a failed row has none.
        """
        with self.database.begin() as unit:
            review = self._get(unit, actor, review_id)
            check_seat(actor, review)
            found = next((item for item in review.rows if item["id"] == row), None)
            if found is None:
                raise NotFound("reviews.not_in_sample", row=row)
            if not passed and not reason.strip():
                raise Invalid("reviews.reason", row=row)
            stage = stage_for(self._verdicts(unit, review).get(found["digest"], ()), actor.person)
            if not stage:
                raise Conflict("reviews.already_judged", row=row)
            verdict = Verdict(found["digest"], actor.person, actor.org, passed, reason.strip(), stage)
            unit.documents.put(VERDICTS, f"{family(review)}/{found['digest']}/{actor.person}", asdict(verdict))
            self._conclude(unit, review)
            return self._result(unit, review)

    def result(self, actor: Actor, review_id: str) -> ReviewResult:
        """Raises: NotFound("reviews.unknown")."""
        with self.database.read() as unit:
            return self._result(unit, self._get(unit, actor, review_id))

    def _verdicts(self, unit: Unit, review: Review) -> dict[str, Sequence[Verdict]]:
        """Verdicts by row digest, also those given when the row stood in an earlier version."""
        found: dict[str, Sequence[Verdict]] = {}
        for _, value in unit.documents.list(VERDICTS, prefix=f"{family(review)}/"):
            found[value["row"]] = (*found.get(value["row"], ()), Verdict(**value))
        return found

    def _result(self, unit: Unit, review: Review) -> ReviewResult:
        return summed(review, self._verdicts(unit, review))

    def _conclude(self, unit: Unit, review: Review) -> None:
        """Keep what the gates and the card read, under the data's digest."""
        verdicts = self._verdicts(unit, review)
        kept = unit.documents.get(RESULTS, review.logical_digest) or {"measures": {}, "samples": {}}
        kept["measures"] |= gate_measures(summed(review, verdicts))
        kept["samples"][review.purpose] = report(review, verdicts)
        unit.documents.put(RESULTS, review.logical_digest, kept)


def family(review: Review) -> str:
    """What verdicts are shared over: every version of a dataset, for one purpose."""
    return f"{review.dataset}/{review.purpose}"


def may_see(actor: Actor, review: Review) -> bool:
    return actor == SYSTEM or actor.has(*REVIEWERS, Role.AUDITOR) or actor.org == review.builder_org


def check_seat(actor: Actor, review: Review) -> None:
    if not actor.has(*REVIEWERS):
        raise Forbidden("reviews.seat")
    if actor.org == review.builder_org:
        raise Forbidden("reviews.own_data")


def lineage(record: BuildRecord, *, by_source: bool) -> Iterable[Row]:
    """Every released row with its digest, from the lineage file."""
    for path in sorted((record.folder / "provenance").glob("lineage*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(columns=["id", "row_sha256", "source"]):
            for row in batch.to_pylist():
                yield Row(str(row["id"]), str(row["row_sha256"]), str(row["source"]) if by_source else "")


def contents(record: BuildRecord, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The released rows with these keys."""
    key = record.recipe.contract.key
    found: dict[str, dict[str, Any]] = {}
    if not ids or not key:
        return {}
    for file in record.built.files:
        table = pq.read_table(Path(record.folder) / file.path, filters=pc.field(key).isin(list(ids)))
        found |= {str(row[key]): row for row in table.to_pylist()}
    return found


def summed(review: Review, verdicts: Mapping[str, Sequence[Verdict]]) -> ReviewResult:
    outcomes = [settled(verdicts.get(row["digest"], ())) for row in review.rows]
    done = [outcome for outcome in outcomes if outcome is not None]
    blind = [[item.passed for item in verdicts.get(row["digest"], ()) if item.stage == 1] for row in review.rows]
    pairs = [(given[0], given[1]) for given in blind if len(given) >= 2]
    disputed = sum(1 for pair, outcome in zip(blind, outcomes, strict=True) if len(pair) >= 2 and outcome is None)
    agreed = sum(one == two for one, two in pairs) / len(pairs) if pairs else 0.0
    passed = sum(done)
    return ReviewResult(
        review.id, review.purpose, review.size, len(done), passed, review.size - len(done), disputed, rounded(agreed), rounded(kappa(pairs)),
        rounded(wilson_lower(passed, len(done))),
    )  # fmt: skip


def gate_measures(result: ReviewResult) -> dict[str, float]:
    """The measures of the gate a purpose serves."""
    found = {
        f"{result.purpose}_reviewed": result.reviewed, f"{result.purpose}_required": result.required, f"{result.purpose}_passed": rounded(result.rate),
        "reviewer_agreement": result.agreement,
    }  # fmt: skip
    if result.purpose == "pii":
        del found["pii_passed"]
        found["pii_upper_bound"] = rounded(clopper_pearson_upper(result.reviewed - result.passed, result.reviewed))
    return found


def report(review: Review, verdicts: Mapping[str, Sequence[Verdict]]) -> dict[str, Any]:
    """The evidence of one sample: seed, row keys, verdicts, and reviewers as pseudonyms."""
    rows = [
        {
            "id": row["id"], "row_sha256": row["digest"], "stratum": row["stratum"], "passed": settled(given := verdicts.get(row["digest"], ())),
            "verdicts": [
                {"reviewer": sha256(f"{review.seed}{item.person}".encode())[:12], "stage": item.stage, "passed": item.passed, "reason": item.reason}
                for item in given
            ],
        }
        for row in review.rows
    ]  # fmt: skip
    return {"seed": review.seed, "rank": "sha256(seed || row_sha256)", "drawn": len(rows), "rows": rows}
