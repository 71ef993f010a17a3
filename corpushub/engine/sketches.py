"""Sketches of shards as files: what barriers decide by, read shard by shard so that only what is asked for is held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.ipc

from corpushub.engine.shards import Shard

SKETCH = "sketch.arrow"
_READ_BYTES: Final = 8_000_000


@dataclass(frozen=True, slots=True)
class StoredSketches:
    """`Sketches` over files. `folders[i]` holds the sketch of `shards[i]`, whose content has the digest `keys[i]`."""

    shards: Sequence[Shard]
    folders: Sequence[Path]
    keys: Sequence[str]
    memory: Path | None

    @property
    def rows(self) -> int:
        return sum(shard.rows for shard in self.shards)

    def _tables(self, columns: Sequence[str] | None) -> Iterator[pa.Table]:
        fields = None
        for folder in self.folders:
            with pa.OSFile(str(folder / SKETCH)) as file:
                if fields is None:  # all sketches of a step have the same columns
                    names = pa.ipc.open_file(file).schema.names
                    fields = [names.index(name) for name in (names if columns is None else columns)]
                # Read and not mapped: of a thousand files no page stays behind.
                options = pa.ipc.IpcReadOptions(included_fields=sorted(fields), use_threads=False)
                table = pa.ipc.open_file(file, options=options).read_all()
            yield table if columns is None else table.select(list(columns))

    def frames(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        for table in self._tables(columns):
            yield pl.DataFrame(pl.from_arrow(table))

    def digests(self) -> Sequence[str]:
        return self.keys

    def gather(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        parts, held, size = [], [], 0
        for folder, table in zip(self.folders, self._tables(columns), strict=True):
            held.append(table)
            size += (folder / SKETCH).stat().st_size
            # Columns that were read hold room for all of their file until they are copied.
            if size > _READ_BYTES and len(held) > 1:
                parts.append(pa.concat_tables(held).combine_chunks())
                held, size = [], 0
        parts += held
        return pl.DataFrame(pl.from_arrow(pa.concat_tables(parts), rechunk=False)) if parts else pl.DataFrame()

    def fetch(self, rows: np.ndarray, columns: Sequence[str]) -> pl.DataFrame:
        if not rows.size:
            return self.shards[0].read(columns).select(columns).head(0) if self.shards else pl.DataFrame()
        edges = np.cumsum([0, *(shard.rows for shard in self.shards)])
        home = np.searchsorted(edges, rows, side="right") - 1
        order = np.argsort(home, kind="stable")
        parts = []
        for mine in np.split(order, np.flatnonzero(np.diff(home[order])) + 1):
            at = int(home[mine[0]])
            parts.append(self.shards[at].read(columns).select(columns)[(rows[mine] - edges[at]).astype(np.int64)])
        back = np.empty(len(rows), np.int64)
        back[order] = np.arange(len(rows))
        whole: pl.DataFrame = pl.concat(parts)[back]
        return whole
