"""Rows that stand in two splits: exact copies of the text, and near-duplicates proved by their shingle sets.

Computed on the released text, after scrubbing: replacing names can make two texts alike that were not before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from corpushub.domain.build import BuiltFile
from corpushub.domain.places import KEY_CHARS, MOST, Place, located
from corpushub.engine.dedup import minhash
from corpushub.engine.dedup.alike import alike, rows_of
from corpushub.engine.shards import Shard
from corpushub.engine.sketches import SKETCH, StoredSketches

MAX_CHARS = 2_000_000_000
"""More text than this is compared exactly only: near pairs would cost about what the build did."""


@dataclass(frozen=True, slots=True)
class Leak:
    """Rows of a later split whose text also stands in an earlier one; `near` is None where it was not looked for. `places`: the first."""

    exact: int
    near: int | None
    places: tuple[Place, ...] = ()


def across_splits(folder: Path, files: Iterable[BuiltFile], column: str, jaccard: float = 0.8, key: str = "") -> Leak:
    """Compare one text column between splits; empty texts are not compared. Texts are read piece by piece. `key` names the rows found."""
    files = list(files)
    names = list(dict.fromkeys(file.split for file in files))
    if len(names) < 2:
        return Leak(0, 0)
    shards = [(shard, names.index(file.split)) for file in files for shard in pieces_of(folder / file.path, column)]
    if not shards:
        return Leak(0, 0)
    split = np.repeat([at for _, at in shards], [shard.rows for shard, _ in shards])
    with TemporaryDirectory(prefix="leakage-") as kept:
        sketches = StoredSketches(
            [shard for shard, _ in shards], [Path(kept) / shard.place for shard, _ in shards], [], Path(kept)
        )
        chars = sum(_sketched(shard, column, Path(kept) / shard.place) for shard, _ in shards)
        rows = rows_of(sketches)
        filled = sketches.gather(["filled"])["filled"].to_numpy()
        exact = np.flatnonzero((split[rows.leader] != split) & filled)
        if chars > MAX_CHARS:
            return Leak(exact.size, None, _places(folder, files, {int(row): "copy" for row in exact[:MOST]}, column, key))
        pairs, alike_by = alike(sketches, column, rows, jaccard)
    leaking = (alike_by >= jaccard) & (split[pairs.first] != split[pairs.second])
    near = np.unique(np.maximum(pairs.first, pairs.second)[leaking])
    found = {int(row): "near_copy" for row in near[:MOST]} | {int(row): "copy" for row in exact[:MOST]}
    return Leak(exact.size, near.size, _places(folder, files, found, column, key))


def _places(folder: Path, files: Sequence[BuiltFile], found: Mapping[int, str], column: str, key: str) -> tuple[Place, ...]:
    """The first of the rows found, by their numbers over all files; the key of each is read from its own file."""
    begins = list(accumulate((file.rows for file in files), initial=0))
    keys: dict[int, pl.Series] = {}

    def key_of(row: int) -> str:
        at = bisect_right(begins, row) - 1
        if at not in keys:
            path = folder / files[at].path
            known = key in pl.read_parquet_schema(path)
            keys[at] = pl.read_parquet(path, columns=[key])[key].cast(pl.String) if known else pl.Series()
        return str(keys[at][row - begins[at]] or "")[:KEY_CHARS] if len(keys[at]) else ""

    return tuple(Place(*located(files, row), key_of(row), column, {found[row]: 1}) for row in sorted(found)[:MOST])


def pieces_of(path: Path, column: str) -> Iterator[Shard]:
    """The row groups of a Parquet file, as shards with one column."""
    start = 0
    with pq.ParquetFile(path) as file:
        for at in range(file.metadata.num_row_groups):
            rows = file.metadata.row_group(at).num_rows
            yield Shard(str(path), rows, "", "parquet", start, select=(column,), place=f"{path.stem}-{at}")
            start += rows


def _sketched(shard: Shard, column: str, place: Path) -> int:
    """Leave the sketch of a shard in `place`; gives the bytes of its text."""
    text = shard.read([column])[column].cast(pl.String).fill_null("")
    sizes = text.str.len_bytes()
    place.mkdir()
    minhash.sketch(text).with_columns((sizes > 0).alias("filled")).write_ipc(place / SKETCH, compression="uncompressed")
    return int(sizes.sum() or 0)
