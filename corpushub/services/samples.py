"""Samples for everybody (article 5, 目录和样例数据开放): a few rows of a release, the same for all who ask, read again for personal information.

Rows come from released files alone, so the recipe that scrubbed the release scrubbed its sample. The draw follows from the release's digest
(`domain/sampling.py`): nobody chooses it, anybody repeats it. `synthetic` shuffles every column by itself, so that no row is anybody's.

Anybody may ask, and reading text for personal information takes long: each row of a release is read once, and one sample at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from corpushub.base.errors import Conflict, Invalid, Unavailable
from corpushub.base.identity import Clock, business_day, canonical, sha256
from corpushub.domain.parties import Actor
from corpushub.domain.policy import Delivered, Use, decide_delivery
from corpushub.domain.sampling import Row, draw, rank, seed_of
from corpushub.services.delivery import names, resources_of
from corpushub.services.residuals import seal_of
from corpushub.services.viewer import Table, Viewer
from corpushub.store.db import Database

if TYPE_CHECKING:
    import polars as pl

MOST_ROWS = 100
MOST_KEPT = 20
BACK_SECONDS = 10
POOL = 2000  # the first rows of the first split: a sample shows what rows look like, it does not estimate anything


@dataclass(frozen=True, slots=True)
class Sample:
    """`seed` and `digest` let anybody check that two samples are one; digest is over the rows."""

    dataset: str
    commit: str
    seed: str
    synthetic: bool
    rows: tuple[dict[str, Any], ...]

    @property
    def digest(self) -> str:
        return sha256(canonical(list(self.rows)))


class Samples:
    def __init__(self, *, database: Database, viewer: Viewer, secret: Callable[[], bytes], clock: Clock) -> None:
        self.database = database
        self.viewer = viewer
        self.secret = secret  # the key of builds: by it surrogates are told from people
        self.clock = clock
        self._picks: dict[tuple[str, bool], Pick] = {}  # by commit, which never changes
        self._looking = Lock()

    def draw(self, actor: Actor, dataset: str, *, revision: str = "main", rows: int = 10, synthetic: bool = False) -> Sample:
        """`rows` rows of the first split.

        Raises: Invalid("viewer.length_invalid"), Forbidden("delivery.*") for what may not leave, Conflict("pii.residual"), NotFound,
        Unavailable("http.busy").
        """
        if not 1 <= rows <= MOST_ROWS:
            raise Invalid("viewer.length_invalid", limit=MOST_ROWS)
        table = self.viewer.table(actor, dataset, revision, "", "")
        with self.database.read() as unit:
            entries = resources_of(unit, dataset, table.snapshot.versions)
        use = Use(names(entries), "research", "query")
        verdict = decide_delivery(use, Delivered(dataset, "released", entries), (), business_day(self.clock()))
        if not verdict.allowed and verdict.code != "delivery.missing":
            raise verdict.error()
        commit = table.snapshot.commit.id
        pick = self._picks.get((commit, synthetic))
        if pick is None or pick.clean < min(rows, pick.frame.height):
            pick = self._looked_at(table, rows, synthetic=synthetic)
        found = pick.frame[sorted(range(rows)[: pick.frame.height], key=pick.places.__getitem__)]
        return Sample(dataset, commit, pick.seed, synthetic, tuple(plain(row) for row in found.iter_rows(named=True)))

    def _looked_at(self, table: Table, rows: int, *, synthetic: bool) -> Pick:
        """The rows of a release in the order they are drawn, of which the first `rows` are clean.

        Raises: Unavailable("http.busy") while another sample is looked at, Conflict("pii.residual").
        """
        if not self._looking.acquire(blocking=False):
            raise Unavailable("http.busy", seconds=BACK_SECONDS)
        try:
            commit = table.snapshot.commit.id
            pick = self._picks.get((commit, synthetic)) or self._picked(table, synthetic=synthetic)
            if pick.fault is None:
                try:
                    require_clean(pick.frame[pick.clean : rows], seal_of(self.secret(), table.snapshot.repo.id).key)
                    pick.clean = max(pick.clean, rows)
                except Conflict as fault:
                    pick.fault = fault
            while len(self._picks) >= MOST_KEPT:
                self._picks.pop(next(iter(self._picks)))
            self._picks[commit, synthetic] = pick
        finally:
            self._looking.release()
        if pick.fault is not None and pick.clean < rows:
            raise pick.fault
        return pick

    def _picked(self, table: Table, *, synthetic: bool) -> Pick:
        seed = seed_of(table.snapshot.commit.id, "synthetic" if synthetic else "sample")
        frame = self.viewer.frame(table).head(POOL).collect()
        if synthetic:
            found = shuffled(frame, seed)
            return Pick(seed, found, range(found.height))
        places = drawn(frame, seed)
        return Pick(seed, frame[places], places)


@dataclass(slots=True)
class Pick:
    """Rows of a release in the order they are drawn, with their places in it; the first `clean` hold nothing, or `fault` says what one does."""

    seed: str
    frame: pl.DataFrame
    places: Sequence[int]
    clean: int = 0
    fault: Conflict | None = None


def drawn(frame: pl.DataFrame, seed: str) -> list[int]:
    """The places of the rows of lowest rank, lowest first."""
    pool = [Row(str(place), sha256(canonical(plain(row)))) for place, row in enumerate(frame.iter_rows(named=True))]
    return [int(row.id) for row in draw(pool, seed, MOST_ROWS)]


def shuffled(frame: pl.DataFrame, seed: str) -> pl.DataFrame:
    """Each column in an order of its own: values are real, rows are not."""

    def order(name: str) -> list[int]:
        ranked = [(rank(seed, sha256(f"{name} {place}".encode())), place) for place in range(frame.height)]
        return [place for _, place in sorted(ranked)[:MOST_ROWS]]

    return frame.select(frame[name].gather(order(name)) for name in frame.columns)


def require_clean(frame: pl.DataFrame, key: bytes) -> None:
    """Raises: Conflict("pii.residual") where the last look finds anything but surrogates written with `key`."""
    import polars as pl

    from corpushub.engine.pii.policy import policy
    from corpushub.engine.pii.surrogates import KEYED
    from corpushub.engine.pii.verify import verify

    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    natural = dict.fromkeys(KEYED, "surrogate")
    verify(frame, texts, policy("training", overrides=natural), key=key).require_clean()


def plain(row: dict[str, Any]) -> dict[str, Any]:
    from corpushub.engine.rows import shown

    return {name: shown(value) for name, value in row.items()}
