"""Texts that pairs are compared by: fetched once, in row order, so that a shard is read once whatever pairs its rows are in; given back in any order.

They wait in a file. Where a search remembers, that file stays: a text that is near another will most likely be compared again after the next change,
and finding it here costs nothing, while finding it in its shard costs reading the shard. A remembered text counts only if its digest is the row's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, Any, Final, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from corpushub.engine.text.utf8 import I64, U64, Utf8, utf8

_HELD_BYTES: Final = 64_000_000  # more than this waits in a file
_FETCHED: Final = 4_000_000  # shingles of the texts fetched at once
_COPIED: Final = 4_000_000

Fetch = Callable[[I64], pl.Series]


class Texts:
    """Texts by row. `file`: where they are kept, a temporary one if none is given."""

    def __init__(self, file: IO[bytes] | None = None) -> None:
        self._file: IO[Any] = file or SpooledTemporaryFile(max_size=_HELD_BYTES)  # noqa: SIM115  (closed by __exit__)
        self.rows = np.zeros(0, np.int64)
        self.spans = np.zeros((0, 2), np.int64)  # where the text of each row begins, and its bytes

    def add(self, rows: I64, parts: Sequence[bytes | memoryview], sizes: I64) -> None:
        """Texts of rows behind those that are here already, one after the other in `parts`."""
        start = self._file.seek(0, 2)
        self._file.writelines(parts)
        self.rows = np.concatenate((self.rows, rows))
        self.spans = np.concatenate((self.spans, np.column_stack((start + np.cumsum(sizes) - sizes, sizes))))

    def fetch(self, rows: I64, lengths: I64, fetch: Fetch) -> None:
        """Add the texts of `rows` (ascending); `lengths` (shingles of every row) tell how many are asked for at once."""
        total = np.cumsum(lengths[rows])
        marks = np.searchsorted(total, np.arange(_FETCHED, int(total[-1]) + _FETCHED if rows.size else 0, _FETCHED))
        for start, stop in pairwise([0, *np.unique(np.minimum(marks + 1, rows.size)).tolist()]):
            text = utf8(fetch(rows[start:stop]))
            self.add(rows[start:stop], [text.data.data], np.diff(text.offsets))

    def sort(self) -> None:
        order = np.argsort(self.rows)
        self.rows, self.spans = self.rows[order], self.spans[order]

    def of(self, rows: I64) -> Utf8:
        """The texts of some of the rows (ascending), once they are sorted."""
        spans = self.spans[np.searchsorted(self.rows, rows)]
        offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(spans[:, 1])))
        data = np.frombuffer(b"".join(self._read(spans)), dtype=np.uint8)
        return Utf8(data, offsets, np.zeros(rows.size, dtype=bool))

    def _read(self, spans: I64) -> list[bytes]:
        """The bytes of these spans in order; neighbours are read at once."""
        parts = []
        breaks = np.flatnonzero(spans[1:, 0] != spans[:-1].sum(axis=1)) + 1
        for first, last in pairwise([0, *breaks.tolist(), len(spans)]) if len(spans) else ():
            self._file.seek(int(spans[first, 0]))
            parts.append(self._file.read(int(spans[first:last, 1].sum())))
        return parts

    def flush(self) -> None:
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()


class Remembered(Texts):
    """Texts an earlier search left in `file`, by the rows they have now."""

    def __init__(self, file: IO[bytes], rows: I64, spans: I64) -> None:
        super().__init__(file)
        self.rows, self.spans = rows, spans
        self.sort()

    def among(self, rows: I64, digests: U64) -> npt.NDArray[np.bool_]:
        """Which of `rows` (ascending) are here unharmed: with the digests that belong to `rows`. Harmed ones are here no longer."""
        here = np.isin(rows, self.rows, assume_unique=True)
        places = np.flatnonzero(here)
        for place, (start, size) in zip(
            places.tolist(), self.spans[np.searchsorted(self.rows, rows[here])].tolist(), strict=True
        ):
            self._file.seek(start)
            here[place] = hashlib.sha256(self._file.read(size)).digest()[:16] == digests[place].astype("<u8").tobytes()
        kept = np.isin(self.rows, rows[places[~here[places]]], assume_unique=True, invert=True)
        self.rows, self.spans = self.rows[kept], self.spans[kept]
        return here

    def is_most_of_its_file(self) -> bool:
        return 2 * int(self.spans[:, 1].sum()) >= self._file.seek(0, 2)

    def copy(self, others: Texts, wanted: I64) -> None:
        """Add to `others` what is here of the `wanted` rows (ascending), as it is."""
        kept = np.isin(self.rows, wanted, assume_unique=True)
        rows, spans = self.rows[kept], self.spans[kept]
        order = np.argsort(spans[:, 0])
        rows, spans = rows[order], spans[order]
        marks = np.searchsorted(np.cumsum(spans[:, 1]), np.arange(_COPIED, int(spans[:, 1].sum()) + _COPIED, _COPIED))
        for start, stop in pairwise([0, *np.unique(np.minimum(marks + 1, rows.size)).tolist()]):
            others.add(rows[start:stop], self._read(spans[start:stop]), spans[start:stop, 1])


def claimed(path: Path, name: Path) -> IO[bytes] | None:
    """The file of texts, if there is one, under a `name` of one's own: of two searches at once one gets it."""
    try:
        path.rename(name)
        return name.open("r+b")
    except OSError:
        return None
