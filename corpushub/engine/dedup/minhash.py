"""Shingles, MinHash signatures and exact Jaccard similarity of texts in any script.

A shingle is five neighbouring characters of the canonical text (width, case and compatibility forms folded, white space left out): no
tokenizer, so Chinese and English are measured alike. The top bits of a shingle's hash put it into one of 128 bins, and a signature is the
least of each bin (one permutation, empty bins borrow); 126 of them make 21 bands of 6. Two texts alike by 0.8 miss all bands once in six
hundred times, alike by 0.85 once in twenty thousand. Candidates beyond need are cheap, because estimates thin them and exact similarity
decides.
What is stored of a row is small (312 bytes): its digest, one 64-bit key per band, and the low byte of each minimum for estimates.
All constants are drawn from SHA-256 of this module's scheme name: stored sketches survive any library upgrade.
"""

from __future__ import annotations

import hashlib
import itertools
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from corpushub.engine.text import characters as ch
from corpushub.engine.text.shingling import BASE, BIN_SHIFT, MINIMA, MIX_1, MIX_2, NOTHING, VALUE, WIDTH
from corpushub.engine.text.utf8 import I64, U8, U32, U64, Utf8, compiled, points, utf8

SCHEME: Final = "corpushub minhash 2"
BANDS: Final = 21
ROWS: Final = 6

I32 = npt.NDArray[np.int32]
U64Matrix = npt.NDArray[np.uint64]


@cache
def probes() -> U8:
    """For each bin all bins in an order of its own: where a bin without shingles looks for a minimum to borrow."""
    drawn = np.frombuffer(
        b"".join(hashlib.sha256(f"{SCHEME} {place}".encode()).digest() for place in range(MINIMA * MINIMA // 8)), dtype="<u4"
    )
    order = drawn.reshape(MINIMA, MINIMA).argsort(axis=1, kind="stable").astype(np.uint8)
    order.flags.writeable = False
    return order


def shingles(text: Utf8) -> tuple[U32, I64]:
    """32-bit shingle hashes of all rows, in text order and with repeats, and the row offsets into them.

    A row with one to four characters has one shingle; a row without any has none.
    """
    values, offsets = points(text)
    low = np.minimum(values, ch.PLANE - 1)
    folded = np.where(values < ch.PLANE, ch.fold_table()[low], values).astype(np.uint64)
    kept = folded != 0
    place = np.concatenate((np.zeros(1, np.int64), np.cumsum(kept)))[offsets]
    folded = folded[kept]
    counts = np.diff(place)
    windows = np.where(counts >= WIDTH, counts - WIDTH + 1, np.minimum(counts, 1))
    bounds = np.concatenate((np.zeros(1, np.int64), np.cumsum(windows)))
    padded = np.concatenate((folded, np.zeros(WIDTH, np.uint64)))
    starts = np.arange(bounds[-1]) + np.repeat(place[:-1] - bounds[:-1], windows)
    short = np.repeat(np.where(counts < WIDTH, counts, WIDTH), windows)
    hashes = np.zeros(starts.size, dtype=np.uint64)
    for at in range(WIDTH):
        hashes *= np.uint64(BASE)
        hashes += np.where(short > at, padded[starts + at], np.uint64(0))
    return _mixed(hashes), bounds


def _mixed(hashes: U64) -> U32:
    hashes ^= hashes >> np.uint64(30)
    hashes *= np.uint64(MIX_1)
    hashes ^= hashes >> np.uint64(27)
    hashes *= np.uint64(MIX_2)
    return (hashes >> np.uint64(32)).astype(np.uint32)


def signatures(text: Utf8, *, fast: bool | None = None) -> tuple[npt.NDArray[np.uint32], I64]:
    """Per row of text 128 minima (`NOTHING` everywhere for a row without shingles), and how many shingles it has, with repeats."""
    kernels = compiled(text.data.size, fast=fast)
    if kernels is not None:
        found: tuple[npt.NDArray[np.uint32], I64] = kernels.signatures(text.data, text.offsets, ch.fold_table(), probes())
        return found
    out, counts = np.full((text.rows, MINIMA), NOTHING, dtype=np.uint32), np.zeros(text.rows, dtype=np.int64)
    for first, last in text.blocks():
        hashes, bounds = shingles(text.block(first, last))
        counts[first:last] = np.diff(bounds)
        places = np.repeat(np.arange(first, last) * MINIMA, counts[first:last]) + (hashes >> np.uint32(BIN_SHIFT))
        np.minimum.at(out.reshape(-1), places, hashes & np.uint32(VALUE))
        _borrow(out[first:last])
    return out, counts


def _borrow(minima: npt.NDArray[np.uint32]) -> None:
    """Empty bins take the minimum of the first bin in their order that had one: equal texts borrow alike."""
    empty = minima == NOTHING
    rows, bins = np.nonzero(empty & ~empty.all(axis=1, keepdims=True))
    for turn in range(MINIMA):
        if not rows.size:
            return
        source = probes()[bins, turn]
        lent = ~empty[rows, source]
        minima[rows[lent], bins[lent]] = minima[rows[lent], source[lent]]
        rows, bins = rows[~lent], bins[~lent]


def band_keys(minima: npt.NDArray[np.uint32]) -> U64Matrix:
    """One 64-bit key per row and band: equal keys mean equal minima in that band (up to 2**-64)."""
    grouped = minima[:, : BANDS * ROWS].reshape(len(minima), BANDS, ROWS).astype(np.uint64)
    keys = np.zeros((len(minima), BANDS), dtype=np.uint64)
    for place in range(ROWS):
        keys *= np.uint64(BASE)
        keys += grouped[:, :, place]
        keys ^= keys >> np.uint64(29)
    return keys * np.uint64(MIX_2)


def digests(text: Utf8) -> U64Matrix:
    """The first 16 bytes of SHA-256 of every row's UTF-8 bytes, as two 64-bit numbers."""
    view, bounds = text.data.data, text.offsets.tolist()
    sha256 = hashlib.sha256
    joined = b"".join([sha256(view[start:stop]).digest() for start, stop in itertools.pairwise(bounds)])
    return np.ascontiguousarray(np.frombuffer(joined, dtype="<u8").reshape(-1, 4)[:, :2]).astype(np.uint64, copy=False)


def sketch(column: pl.Series, *, fast: bool | None = None) -> pl.DataFrame:
    """What near-duplicate search keeps of each row of `column`.

    Columns `digest_0`, `digest_1`, `shingles` (count, with repeats), `check` (128 bytes), `band_00` … `band_20`.
    """
    text = utf8(column)
    minima, counts = signatures(text, fast=fast)
    keys = band_keys(minima)
    check = np.ascontiguousarray(minima.astype(np.uint8))
    digest = digests(text)
    columns: dict[str, pl.Series] = {
        "digest_0": pl.Series(digest[:, 0], dtype=pl.UInt64),
        "digest_1": pl.Series(digest[:, 1], dtype=pl.UInt64),
        "shingles": pl.Series(counts, dtype=pl.UInt32),
        "check": pl.Series([row.tobytes() for row in check], dtype=pl.Binary),
    }
    columns |= {band_name(place): pl.Series(keys[:, place], dtype=pl.UInt64) for place in range(BANDS)}
    return pl.DataFrame(columns)


def band_name(place: int) -> str:
    return f"band_{place:02d}"


def check_bytes(column: pl.Series) -> U8:
    """The check bytes of a sketch, one row each."""
    kept = column.cast(pl.Binary).rechunk().to_arrow().cast(pa.large_binary())
    data = kept.buffers()[2]
    flat = np.frombuffer(data, dtype=np.uint8) if len(kept) and data else np.zeros(0, dtype=np.uint8)
    return flat.reshape(-1, MINIMA)[kept.offset : kept.offset + len(kept)]


def matches(check: U8, first: I32, second: I32, *, fast: bool | None = None) -> U8:
    """How many check bytes of row pairs are equal (at most 128)."""
    kernels = compiled(check.size, fast=fast)
    equal = np.empty(first.size, dtype=np.uint8)
    if kernels is not None:
        kernels.matches(check, first, second, equal)
        return equal
    for start in range(0, first.size, 1 << 14):
        part = slice(start, start + (1 << 14))
        equal[part] = np.count_nonzero(check[first[part]] == check[second[part]], axis=1)
    return equal


def estimate(equal: U8) -> npt.NDArray[np.float64]:
    """Estimated Jaccard similarity: the share of equal minima, corrected for low bytes that agree by chance."""
    return (equal / MINIMA - 1 / 256) / (1 - 1 / 256)


def shingle_sets(text: Utf8, *, fast: bool | None = None) -> tuple[U32, I64]:
    """Sorted distinct shingles of all rows and the row offsets into them."""
    kernels = compiled(text.data.size, fast=fast)
    hashes, bounds = shingles(text) if kernels is None else kernels.shingles(text.data, text.offsets, ch.fold_table())
    hashes = hashes.copy()
    edges = bounds.tolist()
    for start, stop in itertools.pairwise(edges):
        hashes[start:stop].sort()  # one short sort per row is vector code; one long sort of wider keys is not
    fresh = np.concatenate(([True], hashes[1:] != hashes[:-1])) if hashes.size else np.zeros(0, dtype=bool)
    fresh[bounds[:-1][np.diff(bounds) > 0]] = True
    return hashes[fresh], np.concatenate((np.zeros(1, np.int64), np.cumsum(fresh)))[bounds]


def jaccard(text: Utf8, first: I64, second: I64, *, fast: bool | None = None) -> npt.NDArray[np.float64]:
    """Exact Jaccard similarity of the shingle sets of row pairs, best in order of `first`; two rows without shingles are 0 alike."""
    kernels = compiled(text.data.size, fast=fast)
    if kernels is None:
        values, bounds = shingle_sets(text, fast=False)
        sizes, shared = np.diff(bounds), _shared(values, bounds, first, second)
    else:
        hashes, edges = kernels.shingles(text.data, text.offsets, ch.fold_table())
        sizes, shared = kernels.overlaps(hashes, edges, first, second)
    union = sizes[first] + sizes[second] - shared
    return np.divide(shared, union, out=np.zeros(first.size), where=union > 0)


def _shared(values: U32, bounds: I64, first: I64, second: I64) -> I64:
    shared = np.empty(first.size, dtype=np.int64)
    for pair, (left, right) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        a, b = values[bounds[left] : bounds[left + 1]], values[bounds[right] : bounds[right + 1]]
        if a.size > b.size:
            a, b = b, a
        at = np.searchsorted(b, a)
        at[at == b.size] = 0
        shared[pair] = np.count_nonzero(b[at] == a) if b.size else 0
    return shared
