"""Samples for everybody (article 5, 目录和样例数据开放): a few rows of a release, the same for all who ask, read again for personal information.

Rows come from released files alone, so the recipe that scrubbed the release scrubbed its sample. The draw follows from the release's digest
(`domain/sampling.py`): nobody chooses it, anybody repeats it. `synthetic` shuffles every column by itself, so that no row is anybody's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corpushub.base.errors import Invalid
from corpushub.base.identity import Clock, business_day, canonical, sha256
from corpushub.domain.parties import Actor
from corpushub.domain.policy import Delivered, Use, decide_delivery
from corpushub.domain.sampling import Row, draw, rank, seed_of
from corpushub.services.delivery import names, resources_of
from corpushub.services.residuals import seal_of
from corpushub.services.viewer import Viewer
from corpushub.store.db import Database

if TYPE_CHECKING:
    import polars as pl

MOST_ROWS = 100
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

    def draw(self, actor: Actor, dataset: str, *, revision: str = "main", rows: int = 10, synthetic: bool = False) -> Sample:
        """`rows` rows of the first split.

        Raises: Invalid("viewer.length_invalid"), Forbidden("delivery.*") for what may not leave, Conflict("pii.residual"), NotFound.
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
        seed = seed_of(table.snapshot.commit.id, "synthetic" if synthetic else "sample")
        frame = self.viewer.frame(table).head(POOL).collect()
        found = shuffled(frame, seed, rows) if synthetic else drawn(frame, seed, rows)
        require_clean(found, seal_of(self.secret(), dataset).key)
        return Sample(
            dataset, table.snapshot.commit.id, seed, synthetic, tuple(plain(row) for row in found.iter_rows(named=True))
        )


def drawn(frame: pl.DataFrame, seed: str, rows: int) -> pl.DataFrame:
    """The rows of lowest rank, in the order of the release."""
    pool = [Row(str(place), sha256(canonical(plain(row)))) for place, row in enumerate(frame.iter_rows(named=True))]
    return frame[sorted(int(row.id) for row in draw(pool, seed, rows))]


def shuffled(frame: pl.DataFrame, seed: str, rows: int) -> pl.DataFrame:
    """Each column in an order of its own: values are real, rows are not."""

    def order(name: str) -> list[int]:
        ranked = [(rank(seed, sha256(f"{name} {place}".encode())), place) for place in range(frame.height)]
        return [place for _, place in sorted(ranked)[:rows]]

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
