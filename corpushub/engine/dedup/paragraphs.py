"""Paragraphs that come again: hashed per row, marked over all rows, cut out of the text. A paragraph is a line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from tempfile import SpooledTemporaryFile
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from corpushub.engine.dedup.duplicates import maybe_shared
from corpushub.engine.dedup.minhash import digests
from corpushub.engine.text.utf8 import I64, U64, utf8

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

    `frames()` gives the sketches, from the first on whenever it is called: twice, where more than `_HELD` paragraphs are to be compared. Then their
    hashes wait in temporary files by their first bits, so that about as many are compared at once.
    """
    counts, held, total = [], [np.zeros((0, 2), np.uint64)], 0
    for count, told in _told(frames()):
        counts.append(count)
        total += int(count.sum())
        if total <= _HELD:
            held.append(told)
        else:
            held.clear()
    again = (
        _came_before(np.concatenate(held)) if total <= _HELD else _came_before_in_files(frames(), (total // _HELD).bit_length())
    )
    parts = [pl.Series("repeated", [], dtype=pl.List(pl.UInt32))]
    start = 0
    for count in counts:
        bounds = np.concatenate((np.zeros(1, np.int64), np.cumsum(count))) + start
        at = np.searchsorted(again, bounds)
        numbers = again[at[0] : at[-1]] - np.repeat(bounds[:-1], np.diff(at))
        flat = pl.Series(numbers, dtype=pl.UInt32).to_arrow()
        lists = pa.LargeListArray.from_arrays(pl.Series(at - at[0], dtype=pl.Int64).to_arrow(), flat)
        parts.append(pl.Series("repeated", pl.from_arrow(lists), dtype=pl.List(pl.UInt32)))
        start = int(bounds[-1])
    return pl.concat(parts)


def _told(frames: Iterable[pl.DataFrame]) -> Iterator[tuple[I64, U64]]:
    """Of each sketch how many paragraphs its rows have, and (hash, place among all paragraphs) of those that count."""
    start = 0
    for frame in frames:
        lists = frame["paragraphs"].rechunk().to_arrow()
        flat = lists.flatten()
        mine = np.flatnonzero(flat.is_valid().to_numpy(zero_copy_only=False)) + start
        yield (
            lists.value_lengths().fill_null(0).to_numpy().astype(np.int64),
            np.column_stack((flat.drop_null().to_numpy(), mine.astype(np.uint64))),
        )
        start += len(flat)


def _came_before_in_files(frames: Iterable[pl.DataFrame], bits: int) -> I64:
    """As `_came_before`, for more paragraphs than are held at once."""
    with ExitStack() as stack:
        files = [stack.enter_context(SpooledTemporaryFile(max_size=_HELD * 16 >> bits)) for _ in range(1 << bits)]
        for _, told in _told(frames):
            piece = told[:, 0] >> np.uint64(64 - bits)
            order = np.argsort(piece, kind="stable")
            edges = np.searchsorted(piece[order], np.arange(len(files) + 1)).tolist()
            for file, (low, high) in zip(files, pairwise(edges), strict=True):
                file.write(told[order[low:high]].tobytes())
        again = []
        for file in files:
            file.seek(0)
            again.append(_came_before(np.frombuffer(file.read(), dtype=np.uint64).reshape(-1, 2), bits))
    found = np.concatenate(again)
    found.sort()
    return found


def _came_before(told: U64, same_bits: int = 0) -> I64:
    """The places, ascending, of hashes that stand in `told` once more in front; there places ascend, and the first bits of all hashes are the same."""
    told = told[maybe_shared(told[:, 0] << np.uint64(same_bits))]
    order = np.argsort(told[:, 0], kind="stable")
    keys = told[order, 0]
    places: I64 = told[order[1:][keys[1:] == keys[:-1]], 1].astype(np.int64)
    places.sort()
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
