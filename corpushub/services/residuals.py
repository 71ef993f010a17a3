"""The last look before a release (gates PII-01, G11, G23): every text cell of every split is read again, by the full engine and by the
second scan, under the policy the recipe scrubs with. Counts and places only; no text leaves this module.

A column the contract marks `pii: keep` is published with what stands in it by law or consent; numbers with check digits and credentials
block there too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpushub.base.errors import Problem
from corpushub.domain.build import BuiltFile
from corpushub.domain.measures import CHECKED_IDENTIFIERS
from corpushub.domain.places import KEY_CHARS, MOST, Place
from corpushub.domain.recipe import Recipe

if TYPE_CHECKING:
    import polars as pl

    from corpushub.engine.pii.columns import Role
    from corpushub.engine.pii.policy import Policy

BATCH_ROWS = 8192
ROW, TEXT = "row", "text"
SHORT, REMEMBERED = 64, 200_000  # characters of a cell, and cells of a column, that are worth remembering as read


@dataclass(frozen=True, slots=True)
class Seal:
    """What the scrubs of a dataset planted and what they wrote with; both follow from the hub's secret and are never shown."""

    canaries: tuple[str, ...] = ()
    key: bytes = b""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the last look found: cells read, and findings by column and entity of the engine and of the second scan; the first cells in
    which something was left, equal short cells of a column once.
    """

    cells: int
    engine: Mapping[str, int] = field(default_factory=dict)
    second: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, int] = field(default_factory=dict)
    canaries: int = 0
    places: tuple[Place, ...] = ()

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


def read_again(folder: Path, files: Iterable[BuiltFile], recipe: Recipe, seal: Seal = Seal()) -> Reading:
    """Read all text cells of `files` below `folder`; memory of one batch, equal short cells of a column once. No canary may stand there."""
    from corpushub.engine.pii.verify import verify

    engine: Counter[str] = Counter()
    second: Counter[str] = Counter()
    columns: Counter[str] = Counter()
    places: list[Place] = []
    kept = {column.name for column in recipe.contract.columns if column.pii == "keep"}
    strict, lenient = policies_of(recipe)
    cells = came_through = 0
    for cell in cells_of(folder, files, recipe.contract.key):
        policy = lenient if cell.column in kept else strict
        found = verify(cell.texts.to_frame(cell.column), [cell.column], policy, canaries=seal.canaries, key=seal.key)
        cells += found.cells
        came_through += found.canaries
        engine.update(found.engine)
        second.update(found.second)
        columns[cell.column] += found.total
        places += [
            Place(cell.config, cell.split, cell.rows[left.row], cell.key(left.row), cell.column, left.entities)
            for left in found.left[: MOST - len(places)]
        ]
    if columns[recipe.contract.key]:  # a key that holds personal information itself is not shown
        places = [replace(place, key="") for place in places]
    return Reading(
        cells, dict(sorted(engine.items())), dict(sorted(second.items())), dict(sorted((+columns).items())), came_through, tuple(places)
    )  # fmt: skip


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


def seal_of(secret: bytes, dataset: str) -> Seal:
    """What the scrubs of this dataset planted, and the key its surrogates are drawn with."""
    from corpushub.engine.pii.canaries import canaries
    from corpushub.engine.pii.pseudonyms import derive
    from corpushub.engine.pii.steps import canary_key

    planted = canaries(canary_key(secret, dataset))
    return Seal(tuple(canary.value for canary in planted), derive(secret, dataset))


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


@dataclass(frozen=True, slots=True)
class Cells:
    """Text of one column of one batch; `rows` are numbers within the split, `keys` those rows' keys where the contract names one."""

    config: str
    split: str
    column: str
    texts: pl.Series
    rows: pl.Series
    keys: pl.Series | None

    def key(self, number: int) -> str:
        return str(self.keys[number])[:KEY_CHARS] if self.keys is not None else ""


def cells_of(folder: Path, files: Iterable[BuiltFile], key: str = "") -> Iterator[Cells]:
    """Text cells batch by batch with their column; text inside lists and records too, short cells that were read before left out."""
    import polars as pl
    import pyarrow.parquet as pq

    seen: dict[str, set[str]] = {}
    begins: Counter[tuple[str, str]] = Counter()
    for file in files:
        where = (file.config, file.split)
        for batch in pq.ParquetFile(folder / file.path).iter_batches(BATCH_ROWS):
            frame = pl.DataFrame(pl.from_arrow(batch))
            for column in frame:
                for found in text_in(pl.DataFrame({ROW: range(frame.height), TEXT: column})):
                    fresh = unread(found.drop_nulls(TEXT).unique(TEXT, maintain_order=True), seen.setdefault(column.name, set()))
                    if fresh.height:
                        keys = frame[key].gather(fresh[ROW]) if key in frame.columns else None
                        yield Cells(*where, column.name, fresh[TEXT], fresh[ROW] + begins[where], keys)
            begins[where] += frame.height


def text_in(cells: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The text of cells with the numbers of their rows, however deep it stands in lists and records."""
    import polars as pl

    match cells.schema[TEXT]:
        case pl.String | pl.Categorical:
            yield cells.with_columns(pl.col(TEXT).cast(pl.String))
        case pl.List() | pl.Array():
            yield from text_in(cells.explode(TEXT))
        case pl.Struct():
            for part in cells[TEXT].struct.unnest():
                yield from text_in(cells.with_columns(part.alias(TEXT)))


def unread(cells: pl.DataFrame, seen: set[str]) -> pl.DataFrame:
    import polars as pl

    fresh = cells.filter(~pl.col(TEXT).is_in(list(seen))) if seen else cells
    if len(seen) < REMEMBERED:
        seen.update(fresh[TEXT].filter(fresh[TEXT].str.len_chars() <= SHORT).to_list())
    return fresh
