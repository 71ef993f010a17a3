"""The last look before a release (gates PII-01, G11, G23): every text cell of every split is read again, by the full engine and by the
second scan, under the policy the recipe scrubs with. Counts only; no text leaves this module.

A column the contract marks `pii: keep` is published with what stands in it by law or consent; numbers with check digits and credentials
block there too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpushub.base.errors import Problem
from corpushub.domain.build import BuiltFile
from corpushub.domain.measures import CHECKED_IDENTIFIERS
from corpushub.domain.recipe import Recipe

if TYPE_CHECKING:
    import polars as pl

    from corpushub.engine.pii.columns import Role
    from corpushub.engine.pii.policy import Policy

BATCH_ROWS = 8192
SHORT, REMEMBERED = 64, 200_000  # characters of a cell, and cells of a column, that are worth remembering as read


@dataclass(frozen=True, slots=True)
class Reading:
    """What the last look found: cells read, and findings by column and entity of the engine and of the second scan."""

    cells: int
    engine: Mapping[str, int] = field(default_factory=dict)
    second: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, int] = field(default_factory=dict)
    canaries: int = 0

    def measures(self) -> dict[str, float]:
        """Residuals, each counted by whichever scan finds more."""
        worst = Counter(self.engine) | Counter(self.second)
        return {
            "pii_scanned": 1,
            "pii_residual": sum(worst.values()),
            "sample_pii_residual": sum(worst.values()),
            "identifiers_residual": sum(worst[entity] for entity in CHECKED_IDENTIFIERS),
            "secrets_residual": sum(worst[entity] for entity in SECRETS),
            "canaries_left": self.canaries,
        }


SECRETS = ("SECRET", "URL_TOKEN")


def read_again(folder: Path, files: Iterable[BuiltFile], recipe: Recipe, canaries: Sequence[str] = ()) -> Reading:
    """Read all text cells of `files` below `folder`; memory of one batch, equal short cells of a column once. No canary may stand there."""
    from corpushub.engine.pii.verify import verify

    engine: Counter[str] = Counter()
    second: Counter[str] = Counter()
    columns: Counter[str] = Counter()
    kept = {column.name for column in recipe.contract.columns if column.pii == "keep"}
    strict, lenient = policies_of(recipe)
    cells = came_through = 0
    for name, texts in cells_of(folder, files):
        found = verify(texts.to_frame(name), [name], lenient if name in kept else strict, canaries=canaries)
        cells += found.cells
        came_through += found.canaries
        engine.update(found.engine)
        second.update(found.second)
        columns[name] += found.total
    return Reading(
        cells, dict(sorted(engine.items())), dict(sorted(second.items())), dict(sorted((+columns).items())), came_through
    )


def roles_of(folder: Path, files: Sequence[BuiltFile], recipe: Recipe) -> Sequence[Problem]:
    """Columns of the release that read like identifiers or attributes of people while the contract says nothing of them."""
    import polars as pl

    from corpushub.engine.pii.columns import HEAD, infer_roles, unconfirmed

    promised = set(recipe.contract.names())
    found: dict[str, Role] = {}
    for file in files:
        frame = pl.read_parquet(folder / file.path, n_rows=HEAD)
        wanted = [name for name in frame.columns if name in promised and name not in found]
        found |= {role.column: role for role in infer_roles(frame.select(wanted))}
    return unconfirmed(found.values(), recipe)


def canaries_of(secret: bytes, dataset: str) -> tuple[str, ...]:
    """What the scrubs of this dataset planted."""
    from corpushub.engine.pii.canaries import canaries
    from corpushub.engine.pii.steps import canary_key

    return tuple(canary.value for canary in canaries(canary_key(secret, dataset)))


def policies_of(recipe: Recipe) -> tuple[Policy, Policy]:
    """The policy of the recipe's last scrub step (`training` where it has none), and the one for columns whose content is kept."""
    from corpushub.engine.pii.policy import policy

    calls = [call.params for call in recipe.steps if call.step == "scrub"]
    given: Mapping[str, Any] = calls[-1] if calls else {}
    switches = {name: given[name] for name in ("keep_officials", "keep_institutions") if given.get(name) is not None}
    allow = frozenset(given.get("allow", ()))
    strict = policy(str(given.get("policy", "training")), overrides=given.get("actions", {}), allow=allow, **switches)
    return strict, policy("training", overrides=dict.fromkeys(kept_entities(), "keep"), allow=allow)


def kept_entities() -> Sequence[str]:
    """Kinds that may stay in a column marked `pii: keep`."""
    from corpushub.engine.pii.detect import RANK

    return [entity for entity in RANK if entity not in {*CHECKED_IDENTIFIERS, *SECRETS}]


def cells_of(folder: Path, files: Iterable[BuiltFile]) -> Iterator[tuple[str, pl.Series]]:
    """Text cells batch by batch with their column; text inside lists and records too, short cells that were read before left out."""
    import polars as pl
    import pyarrow.parquet as pq

    seen: dict[str, set[str]] = {}
    for file in files:
        for batch in pq.ParquetFile(folder / file.path).iter_batches(BATCH_ROWS):
            for column in pl.DataFrame(pl.from_arrow(batch)):
                for texts in text_in(column):
                    fresh = unread(texts.drop_nulls().unique(maintain_order=True), seen.setdefault(column.name, set()))
                    if len(fresh):
                        yield column.name, fresh


def text_in(series: pl.Series) -> Iterator[pl.Series]:
    """The text of a column, however deep it stands in lists and records."""
    import polars as pl

    match series.dtype:
        case pl.String | pl.Categorical:
            yield series.cast(pl.String)
        case pl.List() | pl.Array():
            yield from text_in(series.explode())
        case pl.Struct():
            for part in series.struct.unnest():
                yield from text_in(part)


def unread(texts: pl.Series, seen: set[str]) -> pl.Series:
    fresh = texts.filter(~texts.is_in(list(seen))) if seen else texts
    if len(seen) < REMEMBERED:
        seen.update(fresh.filter(fresh.str.len_chars() <= SHORT).to_list())
    return fresh
