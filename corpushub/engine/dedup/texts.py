"""Texts fetched once, in row order, and given back in any order: those of a shard are read together, whatever pairs they are in."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Final, Self

import numpy as np
import polars as pl

from corpushub.engine.text.utf8 import I64, Utf8, utf8

_HELD_BYTES: Final = 64_000_000  # more than this waits in a file
_FETCHED: Final = 12_000_000  # shingles of the texts fetched at once


class Texts:
    """The texts of `rows` (ascending); `lengths` (shingles of every row) tell how many to fetch at once."""

    def __init__(self, rows: I64, lengths: I64, fetch: Callable[[I64], pl.Series], folder: Path | None = None) -> None:
        self.rows = rows
        self._file = SpooledTemporaryFile(max_size=_HELD_BYTES, dir=str(folder) if folder else None)  # noqa: SIM115  (closed by __exit__)
        bounds = [np.zeros(1, np.int64)]
        parts = np.searchsorted(np.cumsum(lengths[rows]), np.arange(_FETCHED, int(lengths[rows].sum()) + _FETCHED, _FETCHED))
        for start, stop in pairwise([0, *np.unique(np.minimum(parts + 1, rows.size)).tolist()]):
            text = utf8(fetch(rows[start:stop]))
            self._file.write(text.data.data)
            bounds.append(bounds[-1][-1] + text.offsets[1:])
        self._bounds = np.concatenate(bounds)

    def of(self, rows: I64) -> Utf8:
        """The texts of some of the rows (ascending)."""
        at = np.searchsorted(self.rows, rows)
        edges = np.flatnonzero(np.diff(at, prepend=-2, append=-2) != 1)
        parts = []
        for first, last in pairwise(edges.tolist()):
            start, stop = int(self._bounds[at[first]]), int(self._bounds[at[last - 1] + 1])
            self._file.seek(start)
            parts.append(self._file.read(stop - start))
        sizes = self._bounds[at + 1] - self._bounds[at]
        offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))
        return Utf8(np.frombuffer(b"".join(parts), dtype=np.uint8), offsets, np.zeros(rows.size, dtype=bool))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
