"""The release's files: Parquet by split in stable order, lineage and drop log, row digests.

One writer, pinned: pyarrow, zstd, content-defined chunks with the Hub's own bounds (so that a local edit changes few bytes), page index,
row groups by bytes. File names carry the final count, so files are written under working names and renamed at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from corpushub.base.identity import file_sha256
from corpushub.domain.build import BuiltFile
from corpushub.engine.digests import row_digests
from corpushub.engine.shards import ENGINE

ROW_GROUP_BYTES = 32_000_000
FILE_BYTES = 512_000_000
CHUNKS = {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0}
SPLITS = ("train", "validation", "test")


def arrow_type(dtype: pl.DataType) -> pa.DataType:
    """The Parquet type of a column: plain strings and lists, as other readers expect them."""
    if dtype == pl.String or dtype in {pl.Categorical, pl.Enum}:
        return pa.string()
    if isinstance(dtype, pl.List):
        return pa.list_(arrow_type(dtype.inner))  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        return pa.struct([pa.field(one.name, arrow_type(one.dtype)) for one in dtype.fields])  # type: ignore[arg-type]
    return pl.Series([], dtype=dtype).to_arrow().type


def hub_type(dtype: pl.DataType) -> str:
    """The Hugging Face feature type of a column."""
    if isinstance(dtype, pl.List):
        return f"list<{hub_type(dtype.inner)}>"  # type: ignore[arg-type]
    kind = str(arrow_type(dtype))
    return {"double": "float64", "float": "float32"}.get(kind, kind)


@dataclass(slots=True)
class SplitWriter:
    """Files of one split, rolled when they are full."""

    folder: Path
    split: str
    schema: pa.Schema
    files: list[tuple[Path, int]] = field(default_factory=list)
    pending: list[pa.Table] = field(default_factory=list)
    size: int = 0
    file_size: int = 0
    rows: int = 0
    open: pq.ParquetWriter | None = None

    def add(self, frame: pl.DataFrame) -> None:
        self.pending.append(frame.to_arrow().cast(self.schema))
        self.size += int(frame.estimated_size())
        if self.size >= ROW_GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        if not self.pending:
            return
        table = pa.concat_tables(self.pending).combine_chunks()
        if self.open is None:
            path = self.folder / f"{self.split}-{len(self.files):05d}.part"
            self.open = pq.ParquetWriter(
                path, self.schema, compression="zstd", compression_level=3, use_content_defined_chunking=CHUNKS, write_page_index=True,
                store_schema=False, version="2.6", data_page_size=1 << 20,
            )  # fmt: skip
            self.files.append((path, 0))
        self.open.write_table(table, row_group_size=max(1, table.num_rows))
        path, rows = self.files[-1]
        self.files[-1] = (path, rows + table.num_rows)
        self.file_size += self.size
        self.pending, self.size = [], 0
        if self.file_size >= FILE_BYTES:
            self.close()

    def edge(self, place: str) -> None:
        """Here a shard ended. A file may end with it once it is half full, where the shard's place says so: then an edit, or a shard more
        or less, changes the file it lies in and leaves the others as they were.
        """
        if self.file_size + self.size >= FILE_BYTES // 2 and crc32(place.encode()) % 4 == 0:
            self.flush()
            self.close()

    def close(self) -> None:
        if self.open is not None:
            self.open.close()
        self.open, self.file_size = None, 0

    def finish(self) -> list[BuiltFile]:
        """Close, give the files their final names and digests."""
        self.flush()
        self.close()
        done = []
        for at, (path, rows) in enumerate(self.files):
            name = f"{self.split}-{at:05d}-of-{len(self.files):05d}.parquet"
            final = path.rename(path.with_name(name))
            done.append(BuiltFile(f"data/{name}", "default", self.split, rows, final.stat().st_size, file_sha256(final)))
        return done


@dataclass(slots=True)
class ReleaseWriter:
    """Writes rows in the order they come. `columns` is the released schema, without the engine's columns and `split`."""

    folder: Path
    columns: Mapping[str, pl.DataType]
    key: str = ""
    splits: dict[str, SplitWriter] = field(default_factory=dict)
    digests: list[pl.Series] = field(default_factory=list)
    lineage: SplitWriter | None = None

    def __post_init__(self) -> None:
        (self.folder / "data").mkdir(parents=True)
        (self.folder / "provenance").mkdir()
        (self.folder / "reports").mkdir()

    def edge(self, place: str) -> None:
        for writer in self.splits.values():
            writer.edge(place)

    def add(self, frame: pl.DataFrame, place: pl.DataFrame) -> None:
        """Rows with the engine's columns; `place` says for each where it came from (source, source_sha256, source_file, source_row, part)."""
        if not frame.height:
            return
        digests = pl.Series("row_sha256", row_digests(frame, list(self.columns)), dtype=pl.Binary)
        self.digests.append(digests)
        names = (
            frame.get_column("split")
            if "split" in frame.columns
            else pl.Series("split", ["train"]).new_from_index(0, frame.height)
        )
        ids = (
            frame.get_column(self.key).cast(pl.String).alias("id")
            if self.key in frame.columns
            else pl.Series("id", [""]).new_from_index(0, frame.height)
        )
        self.record(place.with_columns(ids, names.alias("split"), digests.bin.encode("hex")))
        for split in names.unique(maintain_order=True).to_list():
            writer = self.splits.get(split)
            if writer is None:
                schema = pa.schema([pa.field(name, arrow_type(dtype)) for name, dtype in self.columns.items()])
                writer = self.splits[split] = SplitWriter(self.folder / "data", split, schema)
            writer.add(frame.filter(names == split).select(*self.columns))

    def record(self, rows: pl.DataFrame) -> None:
        rows = rows.select("id", "split", "source", "source_sha256", "source_file", "source_row", "part", "row_sha256")
        if self.lineage is None:
            schema = pa.schema([pa.field(name, arrow_type(dtype)) for name, dtype in rows.schema.items()])
            self.lineage = SplitWriter(self.folder / "provenance", "lineage", schema)
        self.lineage.add(rows)

    def finish(self) -> tuple[list[BuiltFile], pl.Series]:
        """(files in split order, row digests)."""
        order = sorted(self.splits, key=lambda name: (SPLITS.index(name) if name in SPLITS else len(SPLITS), name))
        files = [file for name in order for file in self.splits[name].finish()]
        if self.lineage is not None:
            self.lineage.finish()
            for at, path in enumerate(sorted((self.folder / "provenance").glob("lineage-*.parquet"))):
                path.rename(path.with_name("lineage.parquet" if at == 0 else f"lineage-{at:05d}.parquet"))
        return files, pl.concat(self.digests) if self.digests else pl.Series("row_sha256", [], dtype=pl.Binary)


def write_small(frame: pl.DataFrame, path: Path) -> None:
    """A side table with the same pinned writer."""
    schema = pa.schema([pa.field(name, arrow_type(dtype)) for name, dtype in frame.schema.items()])
    pq.write_table(
        frame.to_arrow().cast(schema), path, compression="zstd", compression_level=3, store_schema=False, version="2.6"
    )


def place_of(frame: pl.DataFrame, source: str, digest: str, origins: Sequence[str]) -> pl.DataFrame:
    """Where each row of one source came from."""
    origin = frame.get_column("_origin").cast(pl.UInt32)
    return pl.DataFrame(
        {
            "source": pl.Series([source]).new_from_index(0, frame.height),
            "source_sha256": pl.Series([digest]).new_from_index(0, frame.height),
            "source_file": pl.Series(origins, dtype=pl.String).gather(origin),
            "source_row": frame.get_column("_row"),
            "part": frame.get_column("_part"),
        }
    )


def without_engine(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: dtype for name, dtype in schema.items() if name not in ENGINE and name != "split"}
