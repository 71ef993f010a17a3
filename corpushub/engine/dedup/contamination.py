"""Whether a text holds pieces of an evaluation set, or of another release: windows of canonical text found again, in any script.

A window is `weight` long, where a Han character weighs three and any other letter or digit one (24 characters of Chinese, 72 letters of
English: about thirteen words of either). White space, punctuation, case and width do not count. Every window of the evaluation texts is
indexed, every window of the corpus is looked up, so a quotation is found wherever it starts. Whoever gives an evaluation set that yields
nothing to look for is told so: silence would read as a clean corpus.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from corpushub.engine.text import characters as ch
from corpushub.engine.text.stats import span_hashes
from corpushub.engine.text.utf8 import I64, U8, U64, Utf8, points, utf8

WEIGHT: Final = 72
_HAN_WEIGHT: Final = 3
_SIEVE_BITS: Final = 24


@dataclass(frozen=True, slots=True)
class Index:
    """Hashes of all windows of the evaluation texts, sorted, with a sieve in front. `short`: texts too short to hold a window."""

    hashes: U64
    sieve: U8
    weight: int
    texts: int
    short: int


def index(texts: pl.Series, weight: int = WEIGHT) -> Index:
    """The windows of `texts` (String; nulls are left out)."""
    present = texts.drop_nulls()
    hashes, counts = _all_windows(utf8(present), weight)
    distinct = np.unique(hashes)
    sieve = np.zeros((1 << _SIEVE_BITS) // 8, dtype=np.uint8)
    slots = distinct >> np.uint64(64 - _SIEVE_BITS)
    np.bitwise_or.at(
        sieve,
        (slots >> np.uint64(3)).astype(np.int64),
        np.left_shift(1, (slots & np.uint64(7)).astype(np.uint8)).astype(np.uint8),
    )
    return Index(distinct, sieve, weight, len(present), int((counts == 0).sum()))


def hits(column: pl.Series, known: Index) -> npt.NDArray[np.int64]:
    """How many windows of each row are in the index; nulls have none."""
    text = utf8(column)
    out = np.zeros(text.rows, dtype=np.int64)
    for first, last in text.blocks():
        hashes, counts = _windows(text.block(first, last), known.weight)
        slots = hashes >> np.uint64(64 - _SIEVE_BITS)
        maybe = np.flatnonzero(
            (known.sieve[(slots >> np.uint64(3)).astype(np.int64)] >> (slots & np.uint64(7)).astype(np.uint8)) & 1
        )
        found = maybe[np.isin(hashes[maybe], known.hashes)]
        rows = np.repeat(np.arange(last - first), counts)
        out[first:last] = np.bincount(rows[found], minlength=last - first)
    return out


def _all_windows(text: Utf8, weight: int) -> tuple[U64, I64]:
    parts = [_windows(text.block(first, last), weight) for first, last in text.blocks()]
    if not parts:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    return np.concatenate([hashes for hashes, _ in parts]), np.concatenate([counts for _, counts in parts])


def _windows(text: Utf8, weight: int) -> tuple[U64, I64]:
    """Hashes of all windows, and how many each row has."""
    values, offsets = points(text)
    low = np.minimum(values, ch.PLANE - 1)
    classes = ch.class_table()[low]
    wide = values >= ch.PLANE
    counted = np.isin(classes, (ch.LATIN, ch.LETTER, ch.DIGIT, ch.HAN)) | ((values >= 0x20000) & (values < 0x40000))
    folded = np.where(wide, values, ch.fold_table()[low])[counted].astype(np.uint64)
    bounds = np.concatenate((np.zeros(1, np.int64), np.cumsum(counted)))[offsets]
    if not folded.size:
        return np.zeros(0, np.uint64), np.zeros(text.rows, np.int64)
    heavy = np.where((classes == ch.HAN) | wide, _HAN_WEIGHT, 1)[counted]
    reach = np.concatenate((np.zeros(1, np.int64), np.cumsum(heavy)))
    starts = np.arange(folded.size)
    ends: I64 = np.searchsorted(reach, reach[:-1] + weight, side="left").astype(np.int64)
    row_end: I64 = np.repeat(bounds[1:], np.diff(bounds))
    inside = ends <= row_end
    rows = np.repeat(np.arange(text.rows), np.diff(bounds))[inside]
    return span_hashes(folded, starts[inside], (ends - starts)[inside]), np.bincount(rows, minlength=text.rows).astype(np.int64)
