"""A shard is a bounded piece of rows with a digest: what stages compute on, what the cache knows, what workers get.

Every frame a shard gives has the engine's columns first: `_origin` (UInt32, file of the source), `_row` (UInt32, line or row in it) and
`_part` (UInt32, 0 unless a step made several rows of one), which together order and name a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from corpushub.base.errors import Invalid
from corpushub.base.identity import digest_of, file_sha256
from corpushub.engine.dtypes import named_dtype, safe_name, widest

SHARD_BYTES = 8_000_000
EDGE_BYTES = 2_000_000  # a shard may end after a file from here on, where the file's name says so
SHARD_ROWS = 200_000
ENGINE = {"_origin": pl.UInt32(), "_row": pl.UInt32(), "_part": pl.UInt32()}


@dataclass(frozen=True, slots=True)
class Shard:
    """`kind` ipc: a file of ours. `kind` parquet: rows `start … start + rows` of a foreign file, renamed.

    `base`: what an ipc file's `_row` lacks to the row's number in its source file; it is no part of the digest, so that rows before a shard do
    not make another one of it. `place` names the shard in its source, where its number or first file would not be stable. `kept` is a file that
    says which rows of an ipc file are the shard's, where those are not all (see `work.left_in_place`).
    """

    path: str
    rows: int
    digest: str
    kind: str = "ipc"
    start: int = 0
    rename: Mapping[str, str] = field(default_factory=dict)
    select: tuple[str, ...] = ()
    schema: Mapping[str, str] = field(default_factory=dict)
    origins: tuple[str, ...] = ()  # file names by `_origin`
    base: int = 0
    place: str = ""
    kept: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path, "rows": self.rows, "digest": self.digest, "kind": self.kind, "start": self.start,
            "rename": dict(self.rename), "select": list(self.select), "schema": list(self.schema.items()),
            "origins": list(self.origins), "base": self.base, "place": self.place, "kept": self.kept,
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Shard:
        return cls(
            **{**value, "select": tuple(value["select"]), "schema": dict(value["schema"]), "origins": tuple(value["origins"])}
        )

    def scan(self) -> pl.LazyFrame:
        """The rows lazily, with the source's whole schema (columns a file lacks are null)."""
        if self.kind == "parquet":
            frame = pl.scan_parquet(self.path, glob=False).slice(self.start, self.rows)
            frame = frame.select(self.select) if self.select else frame
            place = [pl.lit(0, pl.UInt32).alias("_origin"), pl.lit(0, pl.UInt32).alias("_part")]
            frame = frame.rename(dict(self.rename)).with_row_index("_row", self.start + 1).with_columns(place)
            return frame.select(*ENGINE, pl.exclude(*ENGINE))
        frame = pl.scan_ipc(self.path, glob=False)
        frame = frame.filter(self.mask()) if self.kept else frame.head(self.rows)
        frame = frame.with_columns(pl.col("_row") + pl.lit(self.base, pl.UInt32)) if self.base else frame
        return matched(frame, self.schema)

    def mask(self) -> pl.Series:
        """For each row of the file whether it is the shard's."""
        return pl.Series(np.load(self.kept)) if self.kept else pl.repeat(value=True, n=self.rows, eager=True)

    def read(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The rows (only `columns` and the engine's where given)."""
        if (
            self.kind == "ipc" and not self.schema
        ):  # what a stage left, as it is: a plan for it would cost more than small pieces do
            names = None if columns is None else [*ENGINE, *(name for name in columns if name not in ENGINE)]
            found = read_small(self.path, names) if columns == [] else pl.read_ipc(self.path, columns=names)
            found = found.filter(self.mask()) if self.kept else found.head(self.rows)
            return found.with_columns(pl.col("_row") + pl.lit(self.base, pl.UInt32)) if self.base else found
        frame = self.scan()
        if columns is not None:
            frame = frame.select(*ENGINE, *(name for name in columns if name not in ENGINE))
        return frame.collect()


def read_small(path: Path | str, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """A small Arrow file of ours. The frame library makes a plan for every file it reads, which takes several times as long as the reading."""
    how = pa.ipc.IpcReadOptions(use_threads=False)
    with pa.memory_map(str(path)) as file:
        if columns is not None:  # to be named by their places, which only an opened file tells
            names = pa.ipc.open_file(file).schema.names
            how.included_fields = [names.index(name) for name in columns]
        table = pa.ipc.open_file(file, options=how).read_all()
    return pl.DataFrame(pl.from_arrow(table))


def matched(frame: pl.LazyFrame, schema: Mapping[str, str]) -> pl.LazyFrame:
    """`frame` with exactly the columns of `schema` (names of `sources.DTYPES`), in its order."""
    if not schema:
        return frame
    return frame.select(*ENGINE, *as_typed(frame.collect_schema(), {name: named_dtype(word) for name, word in schema.items()}))


def as_typed(here: Mapping[str, pl.DataType], wanted: Mapping[str, pl.DataType]) -> Iterator[pl.Expr]:
    """The columns `wanted` of a frame that has those of `here`: null where it lacks one; a list that meets text becomes text."""
    for name, dtype in wanted.items():
        if name not in here:
            yield pl.lit(None, dtype).alias(name)
        elif here[name] == dtype:
            yield pl.col(name)
        elif isinstance(here[name], pl.List) and dtype == pl.String:
            yield pl.concat_str(pl.lit("["), pl.col(name).list.join(", "), pl.lit("]")).alias(name)
        else:
            yield pl.col(name).cast(dtype)


class ShardWriter:
    """Collects batches into shard files `shard-00000.arrow` of bounded size; one type per column over all of them.

    A shard's digest is that of its content, and where a source has many files shards end at files chosen by their names: a file that is
    added, changed or removed touches its own shard only.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shards: list[Shard] = []
        self.schema: dict[str, pl.DataType] = {}
        self.origins: list[str] = []
        self.rows = 0
        self._pending: list[tuple[int, pl.DataFrame]] = []  # the file's number in the open shard, rows
        self._size = self._height = 0
        self._here: list[str] = []  # files of the open shard

    def origin(self, name: str) -> None:
        """The next file begins."""
        if self._size >= EDGE_BYTES and crc32(name.encode()) % 4 == 0:
            self._flush()
        self.origins.append(name)

    def add(self, frame: pl.DataFrame) -> None:
        """Rows of the present file."""
        self._learn(frame)
        if not frame.height:
            return
        if not self._here or self._here[-1] != self.origins[-1]:
            self._here.append(self.origins[-1])
        self._pending.append((len(self._here) - 1, frame))
        self._size += int(frame.estimated_size())
        self._height += frame.height
        self.rows += frame.height
        if self._size >= SHARD_BYTES or self._height >= SHARD_ROWS:
            self._flush()

    def _learn(self, frame: pl.DataFrame) -> None:
        for name, dtype in frame.schema.items():
            if name not in ENGINE:
                self.schema[name] = widest(self.schema[name], dtype) if name in self.schema else dtype

    def _flush(self) -> None:
        if not self._pending:
            return
        frames = [one for _, one in self._pending]
        if any(one.schema != frames[0].schema or len(one.schema) <= len(self.schema) for one in frames):
            frames = [one.select("_row", *as_typed(one.schema, self.schema)) for one in frames]
        heights = [one.height for one in frames]
        origins = pl.Series("_origin", np.repeat([at for at, _ in self._pending], heights), dtype=pl.UInt32)
        parts = pl.Series("_part", np.zeros(len(origins)), dtype=pl.UInt32)
        frame = pl.concat(frames, how="vertical").with_columns(origins, parts).select(*ENGINE, *self.schema)
        path = self.folder / f"shard-{len(self.shards):05d}.arrow"
        frame.write_ipc(path, compression="lz4")
        digest = digest_of([file_sha256(path), self._here])
        self.shards.append(Shard(path.name, frame.height, digest, origins=tuple(self._here)))
        self._pending, self._size, self._height, self._here = [], 0, 0, []

    def finish(self) -> dict[str, pl.DataType]:
        """Write what is left; gives the columns and the type each needs (Null where no row has a value)."""
        self._flush()
        return self.schema


def shards_of_parquet(path: Path, whole: Shard) -> tuple[list[Shard], dict[str, pl.DataType]]:
    """Row-group aligned shards of a Parquet file, each a part of `whole`, and its columns under our names.

    Raises: Invalid("source.parquet" | "source.no_such_column" | "source.column_name").
    """
    name = whole.origins[0]
    try:
        file = pq.ParquetFile(path)
        meta = file.metadata
        schema = dict(pl.Schema(file.schema_arrow))
    except (pa.ArrowException, OSError) as error:
        raise Invalid("source.parquet", name=name, kind=type(error).__name__) from error
    if missing := [column for column in whole.select if column not in schema]:
        raise Invalid("source.no_such_column", source=name, column=missing[0], known=", ".join(schema))
    kept = {whole.rename.get(column, column): schema[column] for column in (whole.select or schema)}
    if bad := [column for column in kept if safe_name(column) != column]:
        raise Invalid("source.column_name", source=name, column=bad[0])
    shards, start, rows, size = [], 0, 0, 0
    for at in range(meta.num_row_groups):
        group = meta.row_group(at)
        rows, size = rows + group.num_rows, size + group.total_byte_size
        if size >= SHARD_BYTES or rows >= SHARD_ROWS or at == meta.num_row_groups - 1:
            shards.extend(pieces(replace(whole, start=start, rows=rows), size))
            start, rows, size = start + rows, 0, 0
    return shards, kept


def pieces(shard: Shard, size: int) -> list[Shard]:
    """A shard cut so that no piece is much over the bound (writers with huge row groups exist)."""
    count = max(1, -(-size // (2 * SHARD_BYTES)), -(-shard.rows // (2 * SHARD_ROWS)))
    edges = [shard.start + shard.rows * at // count for at in range(count + 1)]
    return [
        replace(shard, start=low, rows=high - low, digest=digest_of([shard.digest, low, high, dict(shard.rename), shard.select]))
        for low, high in pairwise(edges)
        if high > low
    ]
