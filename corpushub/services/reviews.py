"""Sample reviews: people look at a sample nobody could choose, two of them blind, a third where they differ.

1. The sample is drawn by hash rank from every released row; its seed follows from the data and the version.
2. Two people judge each row without seeing each other's verdict; where they differ a third, who saw neither row before, settles it.
3. Nobody of the organisation that built the data reviews it, and nobody judges a row twice.
4. A verdict belongs to the row's digest: unchanged rows of a later version are not judged again.
5. A release draws its own sample and counts the verdicts on those rows: nobody passes a gate with a smaller or another sample.
6. Results are counts and bounds; who judged is kept as a pseudonym in the report.
A review can be left at any row and taken up again by anybody who may review.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpushub.base.errors import Conflict, Forbidden, Invalid, NotFound
from corpushub.base.identity import Clock, business_day, iso, new_id, sha256, system_clock
from corpushub.domain.measures import clopper_pearson_upper, rounded, wilson_lower
from corpushub.domain.parties import SYSTEM, Actor, Role
from corpushub.domain.sampling import BY_SOURCE, PURPOSES, Row, Verdict, draw, kappa, seed_of, settled, stage_for
from corpushub.engine.risks import library
from corpushub.services.release_cases import BuildRecord, Builds
from corpushub.store.db import Database, Unit

REVIEWS, VERDICTS, LIBRARY = "review", "review_verdict", "keyword_library"
REVIEWERS = (Role.REVIEWER, Role.ASSESSOR, Role.IMPLEMENTER, Role.AUTHORITY, Role.PROVIDER)
REMARKS = 3  # of a sample stand in the card; the report has all
OPENERS = (Role.OPERATOR, *REVIEWERS)
Versions = Callable[[Actor, str], str]
"""The version that a release of a build would get."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows drawn for one purpose: key, digest and stratum of each."""

    purpose: str
    seed: str
    rows: Sequence[Mapping[str, str]] = field(default_factory=tuple, repr=False)

    @property
    def size(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review(Sample):
    """A sample of one build for one purpose (safety, ip, metadata, pii)."""

    id: str
    dataset: str
    build: str
    version: str
    logical_digest: str
    builder_org: str
    opened_by: str
    opened_at: str


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
    """How far a sample is judged and what that shows. `lower_bound`: one-sided 95 % Wilson bound of the pass rate."""

    review: str  # empty for the sample a release draws
    purpose: str
    required: int
    reviewed: int
    passed: int
    open: int
    disputed: int
    agreement: float
    kappa: float
    lower_bound: float
    dataset: str = ""  # of a review: what it is a sample of
    version: str = ""

    @property
    def rate(self) -> float:
        return self.passed / self.reviewed if self.reviewed else 0.0

    @property
    def is_complete(self) -> bool:
        return self.reviewed == self.required


class Reviews:
    """Acts on sample reviews."""

    def __init__(self, *, database: Database, builds: Builds, versions: Versions, clock: Clock = system_clock) -> None:
        self.database = database
        self.builds = builds
        self.versions = versions
        self.clock = clock
        self._sums: dict[
            str, tuple[tuple[int, str], ReviewResult]
        ] = {}  # by review, with the mark of the verdicts they were made of

    def open(self, actor: Actor, build_id: str, purpose: str, *, version: str = "", n: int | None = None) -> Review:
        """Draw the sample of a build; the same build, purpose and version give the same review. Without a version it is the one that a
        release of the build would get today.

        Raises: Forbidden("reviews.seat"), Invalid("reviews.purpose"), NotFound("build.unknown").
        """
        if not (actor.has(*OPENERS) or actor == SYSTEM):
            raise Forbidden("reviews.seat")
        if purpose not in PURPOSES:
            raise Invalid("reviews.purpose", given=purpose, known=", ".join(PURPOSES))
        record = self.builds.get(actor, build_id)
        version = version or self.versions(actor, build_id)
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
        return review

    def _same(self, unit: Unit, record: BuildRecord, purpose: str, version: str) -> Review | None:
        wanted = (record.built.logical_digest, purpose, version)
        rows = (Review(**value) for _, value in unit.documents.list(REVIEWS))
        return next((item for item in rows if (item.logical_digest, item.purpose, item.version) == wanted), None)

    def list(self, actor: Actor, *, dataset: str = "", version: str = "") -> tuple[ReviewResult, ...]:
        """Every review the actor may see, of one dataset and version where they are named, newest first, with how far it is."""
        with self.database.read() as unit:
            reviews = (Review(**value) for _, value in unit.documents.list(REVIEWS, newest_first=True))
            wanted = [review for review in reviews if dataset in ("", review.dataset) and version in ("", review.version)]
            return tuple(self._results(unit, [review for review in wanted if may_see(actor, review)]))

    def _results(self, unit: Unit, reviews: Sequence[Review]) -> Iterator[ReviewResult]:
        """How far reviews are. Versions of a dataset share their verdicts: they are read once, and not again while no new one is given."""
        marks: dict[str, tuple[int, str]] = {}
        known: dict[str, dict[str, Sequence[Verdict]]] = {}
        for review in reviews:
            shared = family(review.dataset, review.purpose)
            mark = marks.get(shared) or marks.setdefault(shared, unit.documents.mark(VERDICTS, prefix=shared))
            kept, result = self._sums.get(review.id, (None, None))
            if result is None or kept != mark:
                if shared not in known:
                    known[shared] = self._verdicts(unit, review)
                result = summed(review, known[shared])
                self._sums[review.id] = mark, result
            yield result

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
        return self.judge_all(actor, review_id, {row: (passed, reason)})

    def judge_all(self, actor: Actor, review_id: str, given: Mapping[str, tuple[bool, str]]) -> ReviewResult:
        """Give verdicts on several rows at once: row -> passed and reason. All are kept, or none. Raises: as `judge`."""
        with self.database.begin() as unit:
            review = self._get(unit, actor, review_id)
            check_seat(actor, review)
            drawn, verdicts = {item["id"]: item["digest"] for item in review.rows}, self._verdicts(unit, review)
            for row, (passed, reason) in given.items():
                if row not in drawn:
                    raise NotFound("reviews.not_in_sample", row=row)
                if not passed and not reason.strip():
                    raise Invalid("reviews.reason", row=row)
                before = verdicts.get(drawn[row], ())
                stage = stage_for(before, actor.person)
                if not stage:
                    raise Conflict("reviews.already_judged", row=row)
                verdict = Verdict(drawn[row], actor.person, actor.org, passed, reason.strip(), stage)
                verdicts[verdict.row] = (*before, verdict)
                unit.documents.put(
                    VERDICTS, f"{family(review.dataset, review.purpose)}{verdict.row}/{actor.person}", asdict(verdict)
                )
        return summed(review, verdicts)

    def confirm_library(self, actor: Actor) -> Mapping[str, str]:
        """A reviewer states that the keyword library in use was looked through today; its age counts from here (SAF-03).

        Raises: Forbidden("reviews.seat").
        """
        if not actor.has(Role.REVIEWER):
            raise Forbidden("reviews.seat")
        told = {"sha256": library().digest, "confirmed": business_day(self.clock()).isoformat(), "by": actor.person}
        with self.database.begin() as unit:
            unit.documents.put(LIBRARY, told["sha256"], told)
        return told

    def result(self, actor: Actor, review_id: str) -> ReviewResult:
        """Raises: NotFound("reviews.unknown")."""
        with self.database.read() as unit:
            return self._result(unit, self._get(unit, actor, review_id))

    def _verdicts(self, unit: Unit, review: Review) -> dict[str, Sequence[Verdict]]:
        return verdicts_of(unit, review.dataset, review.purpose)

    def _result(self, unit: Unit, review: Review) -> ReviewResult:
        return next(self._results(unit, [review]))


def review_evidence(unit: Unit, record: BuildRecord, version: str, day: date) -> dict[str, Any]:
    """Measures and reports of every purpose somebody judged rows for, on the samples that a release of `record` as `version` draws."""
    judged = {purpose: verdicts_of(unit, record.built.dataset, purpose) for purpose in PURPOSES}
    found: dict[str, Any] = {"measures": {}, "samples": {}, "library": unit.documents.get(LIBRARY, library().digest) or {}}
    if since := found["library"].get("confirmed"):
        found["measures"]["keyword_age"] = max(0, (day - date.fromisoformat(since)).days)
    seed = seed_of(record.built.logical_digest, version)
    for purpose, verdicts in judged.items():
        if verdicts:
            rows = draw(lineage(record, by_source=purpose in BY_SOURCE), seed, PURPOSES[purpose])
            sample = Sample(purpose, seed, [asdict(row) for row in rows])
            measures = gate_measures(summed(sample, verdicts), record.built.rows)
            agreed = min(measures["reviewer_agreement"], found["measures"].get("reviewer_agreement", 1.0))
            found["measures"] |= {**measures, "reviewer_agreement": agreed}
            found["samples"][purpose] = report(sample, verdicts)
    return found


def verdicts_of(unit: Unit, dataset: str, purpose: str) -> dict[str, Sequence[Verdict]]:
    """Verdicts by row digest, also those given when the row stood in an earlier version."""
    found: dict[str, Sequence[Verdict]] = {}
    for _, value in unit.documents.list(VERDICTS, prefix=family(dataset, purpose)):
        found[value["row"]] = (*found.get(value["row"], ()), Verdict(**value))
    return found


def family(dataset: str, purpose: str) -> str:
    """What verdicts are shared over: every version of a dataset, for one purpose."""
    return f"{dataset}/{purpose}/"


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


def summed(sample: Sample, verdicts: Mapping[str, Sequence[Verdict]]) -> ReviewResult:
    outcomes = [settled(verdicts.get(row["digest"], ())) for row in sample.rows]
    done = [outcome for outcome in outcomes if outcome is not None]
    blind = [[item.passed for item in verdicts.get(row["digest"], ()) if item.stage == 1] for row in sample.rows]
    pairs = [(given[0], given[1]) for given in blind if len(given) >= 2]
    disputed = sum(1 for pair, outcome in zip(blind, outcomes, strict=True) if len(pair) >= 2 and outcome is None)
    agreed = sum(one == two for one, two in pairs) / len(pairs) if pairs else 0.0
    passed = sum(done)
    return ReviewResult(
        getattr(sample, "id", ""), sample.purpose, sample.size, len(done), passed, sample.size - len(done), disputed, rounded(agreed),
        rounded(kappa(pairs)), rounded(wilson_lower(passed, len(done))), getattr(sample, "dataset", ""), getattr(sample, "version", ""),
    )  # fmt: skip


def gate_measures(result: ReviewResult, population: int) -> dict[str, float]:
    """The measures of the gate a purpose serves. Where every row of `population` was judged, the rate found is the rate itself."""
    found = {
        f"{result.purpose}_reviewed": result.reviewed, f"{result.purpose}_required": result.required, f"{result.purpose}_passed": rounded(result.rate),
        "reviewer_agreement": result.agreement,
    }  # fmt: skip
    if result.purpose == "pii":
        del found["pii_passed"]
        failed = result.reviewed - result.passed
        census = result.reviewed == population > 0
        found["pii_upper_bound"] = rounded(failed / population if census else clopper_pearson_upper(failed, result.reviewed))
    return found


def report(sample: Sample, verdicts: Mapping[str, Sequence[Verdict]]) -> dict[str, Any]:
    """The evidence of one sample: seed, row keys, verdicts, and reviewers as pseudonyms."""
    rows = [
        {
            "id": row["id"], "row_sha256": row["digest"], "stratum": row["stratum"], "passed": settled(given := verdicts.get(row["digest"], ())),
            "verdicts": [
                {"reviewer": sha256(f"{sample.seed}{item.person}".encode())[:12], "stage": item.stage, "passed": item.passed, "reason": item.reason}
                for item in given
            ],
        }
        for row in sample.rows
    ]  # fmt: skip
    drawn = {row["digest"] for row in sample.rows}
    said = Counter(item.reason for digest in sorted(drawn) for item in verdicts.get(digest, ()) if item.reason)
    top = [{"text": text, "count": count} for text, count in sorted(said.items(), key=most_said)[:REMARKS]]
    return {"seed": sample.seed, "rank": "sha256(seed || row_sha256)", "drawn": len(rows), "remarks": top, "rows": rows}


def most_said(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]
