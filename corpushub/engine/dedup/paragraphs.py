"""Paragraphs that come again: hashed per row, marked over all rows, cut out of the text. A paragraph is a line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from itertools import pairwise
from tempfile import SpooledTemporaryFile
from typing import IO, Final

import numpy as np
import polars as pl
import pyarrow as pa

from corpushub.engine.dedup.minhash import digests
from corpushub.engine.text.utf8 import I64, utf8

_HELD: Final = 4_000_000


def sketch(column: pl.Series, min_chars: int) -> pl.DataFrame:
    """Column `paragraphs`: one 64-bit hash per line of the row (white space at its ends left out), null for lines below `min_chars`."""
    lines = column.fill_null("").str.split("\n")
    flat = lines.explode(empty_as_null=True).fill_null("").str.strip_chars()
    hashes = pl.Series(digests(utf8(flat))[:, 0], dtype=pl.UInt64).set(flat.str.len_chars() < min_chars, None)
    return pl.DataFrame({"paragraphs": regrouped(hashes, lines.list.len().cast(pl.Int64).to_numpy())})


def regrouped(flat: pl.Series, lengths: I64) -> pl.Series:
    rows = pl.Series("row", np.repeat(np.arange(lengths.size), lengths))
    grouped = pl.DataFrame({"row": rows, "value": flat}).group_by("row", maintain_order=True).agg("value")
    return grouped["value"]


def repeated(frames: Callable[[], Iterable[pl.DataFrame]]) -> pl.Series:
    """For each row the numbers (from 0) of the paragraphs whose hash came before, in row order.

    `frames()` gives the sketches, from the first on whenever it is called. Hashes wait in temporary files by their first bits, so that about `_HELD`
    are compared at once.
    """
    counts = [frame["paragraphs"].list.len().fill_null(0).cast(pl.Int64).to_numpy() for frame in frames()]
    total = sum(int(count.sum()) for count in counts)
    bits = max(0, (total // _HELD).bit_length())
    with ExitStack() as stack:
        files = [stack.enter_context(SpooledTemporaryFile(max_size=_HELD * 16 >> bits)) for _ in range(1 << bits)]
        _spread(frames(), files, bits)
        again = np.concatenate([_came_before(file) for file in files])
    again.sort()
    parts = [pl.Series("repeated", [], dtype=pl.List(pl.UInt32))]
    start = 0
    for count in counts:
        bounds = np.concatenate((np.zeros(1, np.int64), np.cumsum(count))) + start
        at = np.searchsorted(again, bounds)
        numbers = again[at[0] : at[-1]] - np.repeat(bounds[:-1], np.diff(at))
        lists = pa.LargeListArray.from_arrays(pa.array(at - at[0]), pa.array(numbers.astype(np.uint32)))
        parts.append(pl.Series("repeated", pl.from_arrow(lists), dtype=pl.List(pl.UInt32)))
        start = int(bounds[-1])
    return pl.concat(parts)


def _spread(frames: Iterable[pl.DataFrame], files: Sequence[IO[bytes]], bits: int) -> None:
    """Every hash with its place among all paragraphs, into the file of its first `bits`."""
    start = 0
    for frame in frames:
        flat = frame["paragraphs"].explode(empty_as_null=False, keep_nulls=False)
        mine = np.flatnonzero(flat.is_not_null().to_numpy())
        values = flat.fill_null(0).to_numpy()[mine]
        piece = (values >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(values.size, np.int64)
        order = np.argsort(piece, kind="stable")
        told = np.column_stack((values, (mine + start).astype(np.uint64)))[order]
        edges = np.searchsorted(piece[order], np.arange(len(files) + 1)).tolist()
        for file, (low, high) in zip(files, pairwise(edges), strict=True):
            file.write(told[low:high].tobytes())
        start += len(flat)


def _came_before(file: IO[bytes]) -> I64:
    """The places of hashes in a file that stand there once more in front; places ascend in it."""
    file.seek(0)
    told = np.frombuffer(file.read(), dtype=np.uint64).reshape(-1, 2)
    order = np.argsort(told[:, 0], kind="stable")
    keys = told[order, 0]
    places: I64 = told[order[1:][keys[1:] == keys[:-1]], 1].astype(np.int64)
    return places


def without(column: pl.Series, marked: pl.Series) -> pl.Series:
    """`column` without the paragraphs numbered in `marked`; rows without any come back as they were."""
    rows = (marked.list.len() > 0).fill_null(value=False).arg_true()
    if not len(rows):
        return column
    cut = []
    for text, numbers in zip(column.gather(rows).to_list(), marked.gather(rows).to_list(), strict=True):
        gone = set(numbers)
        cut.append("\n".join(line for number, line in enumerate((text or "").split("\n")) if number not in gone).strip("\n"))
    return column.clone().scatter(rows, pl.Series(cut, dtype=pl.String))
