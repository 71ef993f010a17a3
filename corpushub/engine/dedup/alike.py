"""Pairs of rows whose texts are alike: proposed by MinHash bands, thinned by estimates, compared exactly, remembered between builds.

A bucket is what one band proposes for one key: all pairs of its rows, or in a crowd (more than `ALL_PAIRS` rows) each row with the first and the
row before. After a change only pairs with a text that was not there before are proposed, and crowds whose rows or their order changed as a whole;
every other pair stands as it was. That is the same as from scratch, because estimate and similarity of a pair hang on its two texts alone, and
because a text that leaves takes its own pairs from a small bucket and nothing else.

Nothing here is held per row and band: keys are read a few bands at a time, proposals are thinned whenever `_PROPOSALS` have come together, check bytes
are read in as many slices as the bound asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from corpushub.engine.dedup import duplicates, minhash, pair_memory
from corpushub.engine.dedup.duplicates import MARGIN, Buckets, Pairs, Similarities
from corpushub.engine.dedup.pair_memory import Crowds, Known, Table
from corpushub.engine.step import Sketches
from corpushub.engine.text.shingling import MINIMA
from corpushub.engine.text.utf8 import I64, U8, U32, U64

_PROPOSALS: Final = 4_000_000
_SLICE: Final = 250_000
_KEY_BYTES: Final = 64_000_000
_CHECK_BYTES: Final = 96_000_000
_AT_HAND: Final = 200_000  # rows of 320 bytes
_BAND_BITS: Final = 5  # of a proposal: which band made it
_MANY: Final = 4  # with more than one new text in so many, buckets are found as from scratch

Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


class AtHand:
    """`Sketches` of few rows: read once, and held."""

    def __init__(self, sketches: Sketches) -> None:
        self._sketches = sketches
        self._frame = sketches.gather()
        self.rows, self.memory = sketches.rows, sketches.memory
        self.digests, self.fetch = sketches.digests, sketches.fetch

    def frames(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """All of them as one."""
        yield self.gather(columns)

    def gather(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        return self._frame if columns is None else self._frame.select(columns)


def at_hand(sketches: Sketches) -> Sketches:
    """For a search that asks for them several times."""
    return AtHand(sketches) if 0 < sketches.rows <= _AT_HAND else sketches


@dataclass(frozen=True, slots=True)
class Rows:
    """What is known of every row. `leader`: the row that speaks for all with the same text; `compared`: leaders that have text, ascending."""

    lengths: I64
    leader: I64
    compared: I64

    def copied(self) -> I64:
        """Places in `compared` of texts that several rows have."""
        return np.flatnonzero(np.bincount(self.leader, minlength=self.leader.size)[self.compared] > 1)


def rows_of(sketches: Sketches, rank: I64 | None = None) -> Rows:
    """Of rows with one text the first speaks, or of these the first with the highest `rank`."""
    leader = duplicates.leaders(digests_of(sketches), rank)
    lengths = sketches.gather(["shingles"])["shingles"].cast(pl.Int64).to_numpy()
    return Rows(lengths, leader, np.flatnonzero((leader == np.arange(leader.size)) & (lengths > 0)))


def digests_of(sketches: Sketches) -> U64:
    """128 bits of each row's text, in two columns; read when asked for, because all of them together are a large part of what a ruling holds."""
    basis = sketches.gather(["digest_0", "digest_1"])
    return np.column_stack([basis["digest_0"].to_numpy(), basis["digest_1"].to_numpy()])


def alike(sketches: Sketches, column: str, rows: Rows, threshold: float) -> tuple[Pairs, Similarities]:
    """The pairs worth comparing among `rows.compared`, as global rows, with the exact similarity of their texts in `column`."""
    digests = digests_of(sketches)[rows.compared]
    tag = f"{minhash.SCHEME} {minhash.BANDS}x{minhash.ROWS} {duplicates.ALL_PAIRS} {threshold - MARGIN!r}"
    known = pair_memory.recall(sketches.memory, tag, digests)
    table, crowds = proposed(sketches, rows.compared, digests, known, threshold)
    pairs = table.pairs(rows.compared.size)
    missing = np.isnan(table.exact)
    lengths, copied = rows.lengths[rows.compared], rows.copied()

    def fetch(wanted: I64) -> pl.Series:
        return sketches.fetch(rows.compared[wanted], [column])[column]

    with pair_memory.Keeper(sketches.memory, known) as keeper:
        # Of a text with copies one may be edited, and then it is compared with the others.
        keeper.fetch(pairs.where(missing).rows(), copied, digests, lengths, fetch)
        table.exact[missing] = duplicates.compared(pairs.where(missing), lengths, keeper.texts)
        keeper.keep(tag, digests, table, crowds, copied)
    return Pairs(rows.compared[pairs.first], rows.compared[pairs.second]), table.exact


def proposed(sketches: Sketches, rows: I64, digests: U64, known: Known, threshold: float) -> tuple[Table, list[Crowds]]:
    """All pairs that some band proposes and an estimate does not refuse, and the crowds of every band."""
    table, crowds = known.table, []
    fresh = None if known.fresh.all() else known.fresh
    pending: list[I64] = []
    for band, keys in _banded(sketches, rows):
        here = []
        for buckets in _touched(keys, known.fresh, known.crowds[band].keys):
            crowd = pair_memory.crowds_of(buckets, digests)
            whole, grown = _changed(buckets, crowd, known.fresh, known.crowds[band])
            here.append(crowd)
            if known.table.codes.size:
                _withdraw(table, buckets, whole, band, rows.size)
            codes = (_codes(buckets, whole, rows.size), _codes(buckets, grown, rows.size, fresh))
            pending.extend((part << _BAND_BITS) | band for part in codes)
        crowds.append(pair_memory.joined(here))
        if sum(part.size for part in pending) > _PROPOSALS:
            table, pending = _settled(sketches, rows, table, pending, threshold), []
    table = _settled(sketches, rows, table, pending, threshold)
    return table.where(table.bands > 0), crowds


def _banded(sketches: Sketches, rows: I64) -> Iterator[tuple[int, U64]]:
    """The keys of each band for `rows`, as many bands read at once as memory allows."""
    step = max(1, min(minhash.BANDS, _KEY_BYTES // max(1, 8 * sketches.rows)))
    everything = rows.size == sketches.rows
    for start in range(0, minhash.BANDS, step):
        group = range(start, min(start + step, minhash.BANDS))
        frame = sketches.gather([minhash.band_name(band) for band in group])
        for band in group:
            keys = frame.get_column(minhash.band_name(band)).to_numpy()
            yield band, keys if everything else keys[rows]


def _touched(keys: U64, fresh: Flags, crowds: U64) -> Iterator[Buckets]:
    """Buckets in which something may have changed, with some in which nothing has, in order of their keys."""
    if _MANY * int(np.count_nonzero(fresh)) > fresh.size:
        yield from duplicates.buckets(keys)
        return
    wanted = np.concatenate((keys[fresh], crowds))
    bits = np.uint64(64 - min(22, (64 * wanted.size).bit_length()))
    sieve = np.zeros(1 << (64 - int(bits)), dtype=bool)
    sieve[(wanted >> bits).astype(np.int64)] = True
    yield duplicates.buckets_among(keys, np.flatnonzero(sieve[(keys >> bits).astype(np.int64)]))


def _changed(buckets: Buckets, crowd: Crowds, fresh: Flags, before: Crowds) -> tuple[Flags, Flags]:
    """Which buckets must be proposed again as a whole: those that were crowds, and crowds that are not as they were. Of which others only pairs
    with a new text are proposed: the pairs of all other rows were, each time such a text came.
    """
    whole = np.isin(buckets.keys, before.keys)
    whole[buckets.sizes > duplicates.ALL_PAIRS] = ~crowd.among(before)
    grown = buckets.sizes <= duplicates.ALL_PAIRS
    if buckets.keys.size:
        grown &= np.logical_or.reduceat(fresh[buckets.rows], buckets.starts)
    return whole, grown & ~whole


def _codes(buckets: Buckets, wanted: Flags, rows: int, fresh: Flags | None = None) -> I64:
    """The pairs of the `wanted` buckets, or those of them with a `fresh` row."""
    first, second = duplicates.bucket_pairs(buckets.starts[wanted], buckets.sizes[wanted])
    first, second = buckets.rows[first], buckets.rows[second]
    if fresh is not None:
        some = fresh[first] | fresh[second]
        first, second = first[some], second[some]
    codes: I64 = first * rows + second
    return codes


def _withdraw(table: Table, buckets: Buckets, changed: Flags, band: int, rows: int) -> None:
    """What changed buckets proposed before no longer counts."""
    touched = np.zeros(rows, dtype=bool)
    touched[buckets.rows[np.repeat(changed, buckets.sizes)]] = True
    table.bands[touched[table.codes // rows]] &= ~np.uint32(1 << band)


def _settled(sketches: Sketches, rows: I64, table: Table, pending: list[I64], threshold: float) -> Table:
    """`table` with the pending proposals that are likely enough."""
    proposals = np.concatenate([np.zeros(0, np.int64), *pending])
    pending.clear()
    if not proposals.size:
        return table
    proposals.sort()
    codes, bands = _by_pair(proposals)
    del proposals  # estimates need the room
    wanted = np.isin(codes, table.codes, assume_unique=True) if table.codes.size else np.zeros(codes.size, dtype=bool)
    unknown = np.flatnonzero(~wanted)
    wanted[unknown] = _estimates(sketches, rows, codes[unknown]) >= threshold - MARGIN
    return table.merged(codes[wanted], bands[wanted])


def _by_pair(proposals: I64) -> tuple[I64, U32]:
    """Each pair of sorted proposals once, with the bands that proposed it; in slices, because what is made on the way is several times as large."""
    codes, bands = [], []
    start = 0
    while start < proposals.size:
        # A slice ends where its last pair does.
        last = proposals[min(start + _SLICE, proposals.size) - 1] | ((1 << _BAND_BITS) - 1)
        stop = int(np.searchsorted(proposals, last, side="right"))
        part = proposals[start:stop]
        pairs = part >> _BAND_BITS
        firsts = np.flatnonzero(np.concatenate(([True], pairs[1:] != pairs[:-1])))
        codes.append(pairs[firsts])
        bands.append(np.bitwise_or.reduceat(np.uint32(1) << (part & ((1 << _BAND_BITS) - 1)).astype(np.uint32), firsts))
        start = stop
    return np.concatenate(codes), np.concatenate(bands)


def _estimates(sketches: Sketches, rows: I64, codes: I64) -> Similarities:
    """Estimated similarity of pairs of `rows`, from their check bytes."""
    first = (codes // rows.size).astype(np.int32)
    second = (codes % rows.size).astype(np.int32)
    used = np.zeros(rows.size, dtype=bool)
    used[first] = True
    used[second] = True
    place = np.cumsum(used, dtype=np.int32) - np.int32(1)
    first, second = place[first], place[second]
    wanted = rows[used]
    equal = np.zeros(codes.size, dtype=np.uint8)
    width = min(MINIMA, max(8, _CHECK_BYTES // max(1, wanted.size)))
    for start in range(0, MINIMA, width):
        equal += minhash.matches(checks(sketches, wanted, slice(start, start + width)), first, second)
    return minhash.estimate(equal)


def checks(sketches: Sketches, rows: I64, part: slice) -> U8:
    """The check bytes of `rows` (ascending), or a part of each; shard by shard, so that only what is wanted is held."""
    out = np.empty((rows.size, len(range(MINIMA)[part])), dtype=np.uint8)
    start = done = 0
    for frame in sketches.frames(["check"]):
        stop = done + int(np.searchsorted(rows[done:], start + frame.height))
        if stop > done:
            out[done:stop] = minhash.check_bytes(frame.get_column("check"))[rows[done:stop] - start, part]
        start, done = start + frame.height, stop
    return out
