"""A text column as plain buffers: UTF-8 bytes with row offsets, or code points with row offsets.

Kernels work on these and never on Python strings. `compiled()` hands out the numba twins of the numpy kernels once a process has seen
enough text to repay loading them; both give identical results, so the switch never shows in an output.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from corpushub.engine.loading import for_good

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]
U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]

_IN_VIEW: Final = 12  # bytes a view holds itself
BLOCK_BYTES: Final = 1 << 21  # temporary arrays of one block stay near the last-level cache
WORTH_BYTES: Final = 24_000_000  # below this numpy finishes before numba is loaded


@dataclass(frozen=True, slots=True)
class Utf8:
    """Row i is `data[offsets[i]:offsets[i + 1]]`; a null row is empty and marked in `null`."""

    data: U8
    offsets: I64
    null: npt.NDArray[np.bool_]

    @property
    def rows(self) -> int:
        return len(self.offsets) - 1

    def block(self, first: int, last: int) -> Utf8:
        """Rows `first` to `last` as their own column, offsets from 0."""
        offsets = self.offsets[first : last + 1]
        return Utf8(self.data[offsets[0] : offsets[-1]], offsets - offsets[0], self.null[first:last])

    def blocks(self, size: int = BLOCK_BYTES) -> Iterator[tuple[int, int]]:
        """Row ranges of about `size` bytes each, at least one row."""
        first = 0
        while first < self.rows:
            last = int(np.searchsorted(self.offsets, self.offsets[first] + size, side="right")) - 1
            last = min(max(last, first + 1), self.rows)
            yield first, last
            first = last

    def row(self, index: int) -> str:
        return self.data[self.offsets[index] : self.offsets[index + 1]].tobytes().decode()


def utf8(column: pl.Series) -> Utf8:
    """The buffers of a String column, without copying where its memory is already contiguous."""
    array = column.cast(pl.String).rechunk().to_arrow()
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if array.type != pa.large_string():
        array = array.cast(pa.large_string())  # loads a tenth of a second of pyarrow
    _, offsets, data = array.buffers()
    bounds = (
        np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
        if offsets
        else np.zeros(1, dtype=np.int64)
    )
    body = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.zeros(0, dtype=np.uint8)
    null = column.is_null().to_numpy()
    if null.any():
        lengths = np.where(null, 0, np.diff(bounds))
        if (lengths != np.diff(bounds)).any():  # bytes may hide behind a null
            filled = utf8(column.fill_null(""))
            return Utf8(filled.data, filled.offsets, null)
    return Utf8(body[bounds[0] : bounds[-1]], bounds - bounds[0], null)


@dataclass(frozen=True, slots=True)
class Spans:
    """Rows where they lie in memory: an address and a number of bytes each (0 for nulls). `held` keeps that memory alive."""

    begins: U64
    sizes: I64
    held: object

    @property
    def bytes(self) -> int:
        return int(self.sizes.sum())

    @property
    def longest(self) -> int:
        return int(self.sizes.max(initial=0))


def spans(column: pl.Series) -> Spans:
    """The rows of a String column without copying a byte: Polars keeps views into shared buffers, and short strings in the views themselves."""
    array = column.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
    if not len(array):
        return Spans(np.zeros(0, np.uint64), np.zeros(0, np.int64), array)
    _, kept, *shared = array.buffers()
    views = np.frombuffer(kept, dtype=np.uint32).reshape(-1, 4)[array.offset : array.offset + len(array)]
    sizes = views[:, 0].astype(np.int64)
    is_short = sizes <= _IN_VIEW
    starts = np.array([buffer.address for buffer in shared] or [0], dtype=np.uint64)
    own = np.uint64(views.ctypes.data + 4) + np.arange(0, 16 * len(array), 16, dtype=np.uint64)
    begins = np.where(is_short, own, starts[np.where(is_short, 0, views[:, 2])] + views[:, 3])
    if column.null_count():
        sizes[column.is_null().to_numpy()] = 0
    return Spans(begins, sizes, array)


def series(name: str, text: Utf8) -> pl.Series:
    """The String column of these buffers."""
    valid = None if not text.null.any() else pa.py_buffer(np.packbits(~text.null, bitorder="little"))
    buffers = [valid, pa.py_buffer(np.ascontiguousarray(text.offsets)), pa.py_buffer(np.ascontiguousarray(text.data))]
    array = pa.Array.from_buffers(pa.large_string(), text.rows, buffers)
    converted = pl.from_arrow(array)
    return pl.Series(name, converted, dtype=pl.String)


def points(text: Utf8) -> tuple[U32, I64]:
    """Code points of all rows and the row offsets into them."""
    values = np.frombuffer(text.data.tobytes().decode().encode("utf-32-le"), dtype="<u4").astype(np.uint32, copy=False)
    begins = (text.data & 0xC0) != 0x80
    total = np.concatenate(([0], np.cumsum(begins, dtype=np.int64)))
    return values, total[text.offsets]


def from_points(values: U32, offsets: I64, null: npt.NDArray[np.bool_]) -> Utf8:
    """The UTF-8 column of code points."""
    data = np.frombuffer(values.astype("<u4", copy=False).tobytes().decode("utf-32-le").encode(), dtype=np.uint8)
    widths = 1 + (values >= 0x80).astype(np.int64) + (values >= 0x800) + (values >= 0x10000)
    total = np.concatenate(([0], np.cumsum(widths)))
    return Utf8(data, total[offsets], null)


@dataclass(slots=True)
class _Seen:
    bytes: int = 0


_seen = _Seen()


@cache
def _kernels() -> ModuleType | None:
    """The compiled kernels, or None where numba is not installed.

    Numba looks whether there is linear algebra when its array functions are first loaded, and for that imports all of SciPy's where it is
    installed: a third of what loading takes. No kernel of ours has any, so it is told that there is none (a numba that looks elsewhere loads as it does).
    """
    if find_spec("numba") is None:
        return None
    with for_good():
        linear: Any = import_module("numba.np.linalg")
        look = getattr(linear, "ensure_blas", None)
        linear.ensure_blas = _no_linear_algebra
        try:
            import_module("numba.np.arraymath")
        finally:
            linear.ensure_blas = look
        return import_module("corpushub.engine.text.compiled")


def _no_linear_algebra() -> None:
    raise ImportError


def compiled(size: int, *, fast: bool | None = None) -> ModuleType | None:
    """The compiled kernels for a column of `size` bytes, or None where numpy does the work.

    `fast` forces one or the other (equality tests, benchmarks).
    """
    _seen.bytes += size
    if fast is False or (fast is None and _seen.bytes < WORTH_BYTES):
        return None
    return _kernels()
