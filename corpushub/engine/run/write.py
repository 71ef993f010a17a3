"""How released rows become Parquet: types, the one pinned writer, and which shards make a row group and a file.

The writer: pyarrow, zstd, content-defined chunks with the Hub's own bounds (so that a local edit changes few bytes), page index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any
from zlib import crc32

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from polars.datatypes import DataTypeClass

from corpushub.engine.shards import ENGINE

GROUP_BYTES = 32_000_000
FILE_BYTES = 800_000_000  # of rows: a file is between the half and the whole of it, which text makes 100 to 300 MB on disk
SIDE_ROWS = 1 << 18  # of a row group of a side table
CHUNKS = {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0}
SPLITS = ("train", "validation", "test")
AnyType = pl.DataType | DataTypeClass  # as the frame library states the types inside a list or struct


def arrow_type(dtype: AnyType) -> pa.DataType:
    """The Parquet type of a column: plain strings and lists, as other readers expect them."""
    if dtype == pl.String or dtype in {pl.Categorical, pl.Enum}:
        return pa.string()
    if isinstance(dtype, pl.List):
        return pa.list_(arrow_type(dtype.inner))
    if isinstance(dtype, pl.Struct):
        return pa.struct([pa.field(one.name, arrow_type(one.dtype)) for one in dtype.fields])
    return pl.Series([], dtype=dtype).to_arrow().type


def hub_type(dtype: AnyType) -> str:
    """The Hugging Face feature type of a column."""
    if isinstance(dtype, pl.List):
        return f"list<{hub_type(dtype.inner)}>"
    kind = str(arrow_type(dtype))
    return {"double": "float64", "float": "float32"}.get(kind, kind)


def runs(sizes: Sequence[int], places: Sequence[str], limit: int) -> list[range]:
    """Neighbours gathered until they have `limit` bytes, as ranges of positions.

    A run also ends, once it is half full, with an item whose place says so: then an edit, or an item more or less, changes the run it lies
    in and leaves the others as they were.
    """
    found, start, size = [], 0, 0
    for at, (more, place) in enumerate(zip(sizes, places, strict=True)):
        size += more
        if size >= limit or (size >= limit // 2 and crc32(f"{limit}|{place}".encode()) % 4 == 0) or at == len(sizes) - 1:
            found.append(range(start, at + 1))
            start, size = at + 1, 0
    return found


def arrow_schema(columns: Mapping[str, pl.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, arrow_type(dtype)) for name, dtype in columns.items()])


def write_group(table: pa.Table, path: Path) -> None:
    """One row group as a Parquet file."""
    with pq.ParquetWriter(
        path, table.schema, compression="zstd", compression_level=3, use_content_defined_chunking=CHUNKS, write_page_index=True,
        store_schema=False, version="2.6", data_page_size=1 << 20,
    ) as writer:  # fmt: skip
        writer.write_table(table, row_group_size=max(1, table.num_rows))


def split_order(name: str) -> tuple[int, str]:
    return (SPLITS.index(name) if name in SPLITS else len(SPLITS), name)


def write_small(frames: Iterable[pl.DataFrame], path: Path) -> None:
    """A side table of frames with one schema, by the same pinned writer; none where there are no rows. Memory: twice a row group."""
    held: list[pa.Table] = []
    with ExitStack() as stack:
        writer: pq.ParquetWriter | None = None
        for frame in chain(frames, (None,)):  # behind the last one comes what is left
            if frame is not None:
                held.append(frame.to_arrow().cast(arrow_schema(frame.schema)))
            while held and (rows := sum(one.num_rows for one in held)) and (rows >= SIDE_ROWS or frame is None):
                whole = pa.concat_tables(held)
                writer = writer or stack.enter_context(
                    pq.ParquetWriter(
                        path, whole.schema, compression="zstd", compression_level=3, store_schema=False, version="2.6"
                    )
                )
                writer.write_table(whole.slice(0, SIDE_ROWS).combine_chunks(), row_group_size=SIDE_ROWS)
                held = [whole.slice(SIDE_ROWS)]


def place_of(frame: pl.DataFrame, source: str, origins: Sequence[str]) -> pl.DataFrame:
    """Where each row of one source came from."""
    origin = frame.get_column("_origin").cast(pl.UInt32)
    return pl.DataFrame(
        {
            "source": pl.Series([source], dtype=pl.String).new_from_index(0, frame.height),
            "source_file": pl.Series(origins, dtype=pl.String).gather(origin),
            "source_row": frame.get_column("_row"),
            "part": frame.get_column("_part"),
        }
    )


def without_engine(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: dtype for name, dtype in schema.items() if name not in ENGINE and name != "split"}
