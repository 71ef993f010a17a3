"""Parquet inside archives and folders (a lone Parquet file is not read here: its row groups are shards already)."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from corpushub.base.errors import Invalid
from corpushub.engine.dtypes import widest
from corpushub.engine.sources.batches import BATCH_ROWS, Batch
from corpushub.engine.sources.files import Blob, Limits


def read_parquet(blob: Blob, options: Mapping[str, Any], limits: Limits) -> Iterator[Batch]:
    """Batches of a Parquet file. Raises: Invalid("source.parquet")."""
    _ = options, limits
    at = 1
    try:
        file = pq.ParquetFile(blob.path or io.BytesIO(blob.read()))
        for piece in file.iter_batches(batch_size=BATCH_ROWS // 4):
            frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([piece])))
            yield Batch(blob.name, frame.with_row_index("_row", at), (), "parquet")
            at += frame.height
    except (pa.ArrowException, OSError) as error:
        raise Invalid("source.parquet", name=blob.name, kind=type(error).__name__) from error


def write_batches(frames: Iterator[pl.DataFrame], path: Path, source: str) -> None:
    """Frames of one schema (types that widen become text) as one Parquet file. Raises: Invalid("source.empty")."""
    pieces: list[pl.DataFrame] = []
    schema: dict[str, pl.DataType] = {}
    for frame in frames:
        pieces.append(frame)
        for name, dtype in frame.schema.items():
            schema[name] = widest(schema[name], dtype) if name in schema else dtype
    if not pieces:
        raise Invalid("source.empty", name=source)
    schema = {name: pl.String() if dtype == pl.Null else dtype for name, dtype in schema.items()}
    with pq.ParquetWriter(path, pl.DataFrame(schema=schema).to_arrow().schema, compression="lz4") as writer:
        for frame in pieces:
            writer.write_table(frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items()).to_arrow())
