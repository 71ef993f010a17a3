"""From the last stage's shards to release files, in pieces that are cached one by one and made by whoever is free.

measure_shard  digests and hashes of one shard's rows in files; its profile and quality, to be summed up
bin_shard      its numbers, counted between the bounds of the whole column
encode_group   one row group: a split's rows (or the lineage) of neighbouring shards, as a Parquet file of its own
join_groups    a release file of row groups
Results other than Parquet are pickled: only this hub's own processes write the cache.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache as cache_once
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from corpushub.base.errors import Invalid
from corpushub.base.identity import digest_of, file_sha256
from corpushub.engine import profile, quality
from corpushub.engine.cache import Cache, write_json
from corpushub.engine.digests import row_digests
from corpushub.engine.plan import Plan
from corpushub.engine.run.join import join
from corpushub.engine.run.write import arrow_schema, arrow_type, place_of, without_engine, write_group
from corpushub.engine.shards import Shard, read_small

LINEAGE = ""  # the group that is no split
SPLIT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,59}")
RESULT, FILE, DIGESTS = "result.pickle", "rows.parquet", "digests.npy"


@dataclass(frozen=True, slots=True)
class Measure:
    """One of the last stage's shards. `bounds` are the numeric columns' as ((column, low, high), …), for `bin_shard`."""

    key: str
    shard: Shard
    source: int
    slot: str
    bounds: tuple[tuple[str, Any, Any], ...] = ()

    @property
    def rows(self) -> int:
        return self.shard.rows


@dataclass(frozen=True, slots=True)
class Group:
    """A row group of `split`, from shards as they were measured."""

    key: str
    split: str
    parts: tuple[Measure, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class File:
    """A release file of the groups with these keys."""

    key: str
    groups: tuple[str, ...]
    rows: int


@dataclass(slots=True)
class Measured:
    """What is known of some rows. `rows` and `bytes` are by split, in order of appearance; `bounds` by numeric column."""

    rows: dict[str, int] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)
    columns: dict[str, profile.Column] = field(default_factory=dict)
    bounds: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    tallies: quality.Tallies = field(default_factory=quality.Tallies)

    def merge(self, other: Measured) -> None:
        for split, rows in other.rows.items():
            self.rows[split] = self.rows.get(split, 0) + rows
        merge_columns(self.columns, other.columns)
        for name, (low, high) in other.bounds.items():
            here = self.bounds.get(name, (low, high))
            self.bounds[name] = (min(here[0], low), max(here[1], high))
        self.tallies.merge(other.tallies)


def merge_columns(into: dict[str, profile.Column], more: Mapping[str, profile.Column]) -> None:
    for name, column in more.items():
        if name in into:
            into[name].merge(column)
        else:
            into[name] = column


def load(folder: Path) -> Any:
    return pickle.loads((folder / RESULT).read_bytes())  # noqa: S301  see the module's last sentence


def measured_in(folder: Path) -> Measured:
    """What `measure_shard` left; the hashes of its rows stay where they lie."""
    found: Measured = load(folder)
    found.tallies.folders = [folder]
    return found


@cache_once
def code_of(*names: str) -> str:
    """Digest of the modules that make a result: it is only reused while they are the same."""
    engine = Path(__file__).parent.parent
    return digest_of({name: file_sha256(engine / f"{name}.py") for name in names})


def measuring() -> str:
    return code_of("run/release", "run/write", "quality", "profile", "digests")


def writing() -> str:
    return code_of("run/release", "run/write", "run/join")


def released_columns(plan: Plan) -> dict[str, pl.DataType]:
    """Contract order first, then what the steps left besides."""
    schema = without_engine(plan.schema)
    promised = [name for name in plan.recipe.contract.names() if name in schema]
    return {name: schema[name] for name in (*promised, *(name for name in schema if name not in promised))}


def splits_of(frame: pl.DataFrame) -> pl.Series:
    if "split" in frame.columns:
        return frame.get_column("split")
    return pl.Series("split", ["train"], dtype=pl.String).new_from_index(0, frame.height)


def named(splits: list[str | None]) -> list[str]:
    """Splits as they may be called: their names become file names. Raises: Invalid("build.split_name")."""
    for split in splits:
        if not SPLIT_NAME.fullmatch(split or ""):
            raise Invalid("build.split_name", split=(split or "")[:40])
    return [split for split in splits if split]


def is_number(dtype: pl.DataType) -> bool:
    kind = arrow_type(dtype)
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def measure_shard(plan: Plan, task: Measure, cache: Cache) -> Path:
    if found := cache.get(task.key):
        return found
    with cache.make(task.key) as folder:
        columns = released_columns(plan)
        frame = task.shard.read()
        found_splits = named(splits_of(frame).unique(maintain_order=True).to_list())
        sizes = {split: int((splits_of(frame) == split).sum()) for split in found_splits}
        size = int(frame.estimated_size())
        np.save(folder / DIGESTS, np.frombuffer(b"".join(row_digests(frame, list(columns))), np.uint8).reshape(-1, 32))
        table = frame.select(*columns).to_arrow().cast(arrow_schema(columns)).combine_chunks()
        made = Measured(sizes, {split: size * rows // frame.height for split, rows in sizes.items()})
        for name, dtype in columns.items():
            if is_number(dtype):
                note_bounds(made.bounds, name, table.column(name))
                continue
            made.columns[name] = profile.accumulator(table.schema.field(name).type, None, None)
            add_arrays(made.columns[name], table.column(name))
        for split in few(sizes, frame.height):
            frame.filter(splits_of(frame) == split).select(*columns).write_ipc(folder / f"{split}.arrow", compression="lz4")
        if frame.height:
            told = pl.DataFrame(pl.from_arrow(table))
            quality.add(made.tallies, told, plan.recipe.contract)
            quality.write_hashes(told, plan.recipe.contract, folder)
        (folder / RESULT).write_bytes(pickle.dumps(made))
    return cache.place(task.key)


def few(sizes: Mapping[str, int], rows: int) -> list[str]:
    """Splits with a small part of the rows: these are laid apart, so that a row group of one does not read many shards whole."""
    return [split for split, count in sizes.items() if count * 4 <= rows]


def add_arrays(column: profile.Column, values: pa.ChunkedArray) -> None:
    for array in values.chunks:
        column.add(array)


def note_bounds(bounds: dict[str, tuple[Any, Any]], name: str, values: pa.ChunkedArray) -> None:
    """Smallest and largest value; a float that is no number has no place among them."""
    values = values.drop_null()
    if pa.types.is_floating(values.type):
        values = values.filter(pc.invert(pc.is_nan(values)))
    if len(values):
        both = pc.min_max(values)
        bounds[name] = (both["min"].as_py(), both["max"].as_py())


def bin_shard(plan: Plan, task: Measure, cache: Cache) -> Path:
    if found := cache.get(task.key):
        return found
    with cache.make(task.key) as folder:
        columns = {name: dtype for name, dtype in released_columns(plan).items() if is_number(dtype)}
        table = task.shard.read(list(columns)).select(*columns).to_arrow().cast(arrow_schema(columns))
        stated = {name: (low, high) for name, low, high in task.bounds}
        made = {name: profile.numbers_between(*stated.get(name, (None, None))) for name in columns}
        for name, column in made.items():
            add_arrays(column, table.column(name))
        (folder / RESULT).write_bytes(pickle.dumps(made))
    return cache.place(task.key)


def encode_group(plan: Plan, task: Group, cache: Cache) -> Path:
    if found := cache.get(task.key):
        return found
    with cache.make(task.key) as folder:
        make = lineage_of if task.split == LINEAGE else rows_of
        tables = [make(plan, part, task.split, cache) for part in task.parts]
        write_group(pa.concat_tables(tables).combine_chunks(), folder / FILE)
    return cache.place(task.key)


def rows_of(plan: Plan, part: Measure, split: str, cache: Cache) -> pa.Table:
    columns = released_columns(plan)
    apart = cache.place(part.key) / f"{split}.arrow"
    if apart.exists():
        frame = read_small(apart, list(columns))
    elif "split" in plan.schema:
        frame = part.shard.read([*columns, "split"]).filter(pl.col("split") == split)
    else:
        frame = part.shard.read(list(columns))
    return frame.select(*columns).to_arrow().cast(arrow_schema(columns))


def lineage_of(plan: Plan, part: Measure, _split: str, cache: Cache) -> pa.Table:
    """`id, split, source, source_sha256, source_file, source_row, part, row_sha256` of every row."""
    key, opened = plan.recipe.contract.key, plan.sources[part.source]
    wanted = [name for name in (key, "split") if name in plan.schema]
    frame = part.shard.read(wanted)
    place = place_of(frame, opened.name, part.shard.origins)
    files = pl.Series([opened.file_digest(name) for name in part.shard.origins], dtype=pl.String)
    digests = np.load(cache.place(part.key) / DIGESTS)
    none = pl.Series([""], dtype=pl.String).new_from_index(0, frame.height)
    rows = place.with_columns(
        (frame.get_column(key).cast(pl.String) if key in frame.columns else none).alias("id"),
        splits_of(frame).alias("split"),
        files.gather(frame.get_column("_origin").cast(pl.UInt32)).alias("source_sha256"),
        pl.Series("row_sha256", [value.tobytes() for value in digests], dtype=pl.Binary).bin.encode("hex"),
    ).select("id", "split", "source", "source_sha256", "source_file", "source_row", "part", "row_sha256")
    return rows.to_arrow().cast(arrow_schema(rows.schema))


def join_groups(_plan: Plan, task: File, cache: Cache) -> Path:
    if found := cache.get(task.key):
        return found
    with cache.make(task.key) as folder:
        target = folder / FILE
        digest = join([cache.place(key) / FILE for key in task.groups], target)
        write_json(folder / "file.json", {"rows": task.rows, "bytes": target.stat().st_size, "sha256": digest})
    return cache.place(task.key)


def group_key(plan: Plan, split: str, parts: Iterable[Measure]) -> str:
    """A row group depends on its shards and their place; the lineage also on their sources' names and files."""
    columns = {name: str(dtype) for name, dtype in released_columns(plan).items()}
    about: list[Any] = ["group", writing(), split, list(columns.items()), [part.shard.digest for part in parts]]
    if split == LINEAGE:
        about.append([plan.recipe.contract.key, measuring()])
        for part in parts:
            opened = plan.sources[part.source]
            about.append([opened.name, part.shard.base, [(name, opened.file_digest(name)) for name in part.shard.origins]])
    return digest_of(about)


def file_key(groups: Sequence[Group]) -> str:
    return digest_of(["file", writing(), [group.key for group in groups]])
