"""Rows a slow kernel has already seen are not computed again, even when their shard changed.

A shard's place in its source (its slot) remembers, per step, the digest of each row's inputs and what the kernel made of them. When the shard
changes, rows with a known digest take the remembered values and only the others are computed. A kernel's result on a row depends on that
row alone (the contract of steps), so the outcome is the same as from scratch; a test compares both.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from corpushub.base.identity import cpu_seconds, digest_of
from corpushub.engine.cache import Cache
from corpushub.engine.digests import row_digests

Kernel = Callable[[pl.DataFrame], pl.DataFrame]
SLOW_SECONDS_A_BYTE = 3e-8  # at 33 MB a second, looking a row up costs less than computing it
ROW = "_memo"


@dataclass(slots=True)
class Memo:
    """The memory of one step in one slot. What its kernel costs a byte, in CPU time, decides, the first time, whether it is worth keeping."""

    path: Path
    known: pl.DataFrame | None = None
    seen: list[tuple[pl.DataFrame | pl.Series, pl.DataFrame]] = field(
        default_factory=list
    )  # inputs or their digests, and results
    seconds: float = 0.0
    bytes: int = 0
    fresh: int = 0

    def run(self, kernel: Kernel, frame: pl.DataFrame) -> pl.DataFrame:
        """`kernel(frame)`, from memory where it is known."""
        if self.known is None or not frame.height:
            made = self._timed(kernel, frame)
            self.seen.append((frame, made))
            return made
        keys = digests(frame)
        made = self._merged(kernel, frame, keys, self.known)
        self.seen.append((keys, made))
        return made

    def _timed(self, kernel: Kernel, frame: pl.DataFrame) -> pl.DataFrame:
        before = cpu_seconds()
        made = kernel(frame)
        self.seconds += cpu_seconds() - before
        self.bytes += int(frame.estimated_size())
        self.fresh += frame.height
        return made

    def _merged(self, kernel: Kernel, frame: pl.DataFrame, keys: pl.Series, known: pl.DataFrame) -> pl.DataFrame:
        old = keys.to_frame().with_row_index("_at").join(known, on=ROW, how="inner", maintain_order="left")
        if old.height == frame.height:
            return old.drop("_at", ROW)
        missing = np.ones(frame.height, dtype=bool)
        missing[old.get_column("_at").to_numpy()] = False
        fresh = self._timed(kernel, frame.filter(missing))
        if not old.height:
            return fresh
        new = fresh.with_columns(pl.Series("_at", np.flatnonzero(missing), dtype=pl.UInt32)).select("_at", *fresh.columns)
        kept = old.select(pl.col(name).cast(dtype) for name, dtype in new.schema.items())
        return pl.concat([kept, new]).sort("_at").drop("_at")

    def keep(self) -> None:
        """Remember this time's rows, if the kernel was slow or a memory was there already."""
        if not self.fresh or (self.known is None and self.seconds < SLOW_SECONDS_A_BYTE * self.bytes):
            return
        parts = [
            made.with_columns(of if isinstance(of, pl.Series) else digests(of)).select(ROW, *made.columns)
            for of, made in self.seen
            if made.height
        ]
        whole = pl.concat(parts).unique(ROW, keep="first", maintain_order=True)  # equal inputs gave equal outputs
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        whole.write_ipc(temporary, compression="lz4")
        temporary.replace(self.path)


def digests(frame: pl.DataFrame) -> pl.Series:
    return pl.Series(ROW, row_digests(frame, frame.columns), dtype=pl.Binary)


def memo_of(cache: Cache, mark: str, slot: str) -> Memo:
    """The memory of the step with this mark in this slot of a source."""
    path = cache.folder("memo") / f"{digest_of([mark, slot, pl.__version__])[:40]}.arrow"
    return Memo(path, pl.read_ipc(path) if path.exists() else None)
