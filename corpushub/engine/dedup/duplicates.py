"""Duplicates found, proved and resolved.

* Exact: rows with one SHA-256 digest; the first stays.
* Near: MinHash bands propose pairs, estimates thin them, the exact Jaccard similarity of the shingle sets decides. Nothing is removed on
  an estimate.
* Who stays: rows are taken by number of near-duplicates (then length, then position); each one taken stays and removes its own
  neighbours. So every removed row has a survivor that was compared with it, and no two survivors are near-duplicates of each other.

Every function is a function of the sketches and texts alone; verified similarities may be remembered between builds because they depend
only on the two texts, which makes an incremental result equal to one from scratch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from corpushub.engine.dedup.minhash import jaccard
from corpushub.engine.dedup.texts import Texts
from corpushub.engine.text.utf8 import I64, U64

ALL_PAIRS: Final = 24  # in larger buckets a row meets only the first and the previous row
MARGIN: Final = 0.1  # pairs estimated this far below the threshold are not verified (three standard errors)
_CHUNK: Final = 4_000_000  # shingles verified at once
_PLACES: Final = 22  # bits of a key that tell whether it may be shared: a table of four million places
_PIECE: Final = 1_000_000  # rows sorted at once

Similarities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Row pairs with `first < second`, sorted, each once."""

    first: I64
    second: I64

    @property
    def count(self) -> int:
        return int(self.first.size)

    def where(self, kept: npt.NDArray[np.bool_]) -> Pairs:
        return Pairs(self.first[kept], self.second[kept])

    def rows(self) -> I64:
        return _distinct(np.concatenate((self.first, self.second)))


def leaders(digests: U64, rank: I64 | None = None) -> I64:
    """For each row the first row with the same digest, or of these the first with the highest `rank`. `digests`: two columns."""
    leader = np.arange(len(digests))
    for same in buckets(digests[:, 0]):
        rows = same.rows
        order = rows[np.lexsort((rows, np.zeros_like(rows) if rank is None else -rank[rows], digests[rows, 1], digests[rows, 0]))]
        ordered = digests[order]
        starts = np.concatenate(([True], (ordered[1:] != ordered[:-1]).any(axis=1)))[: order.size]
        leader[order] = order[np.flatnonzero(starts)][np.cumsum(starts) - 1]
    return leader


@dataclass(frozen=True, slots=True)
class Buckets:
    """Rows that share a key: those of bucket i are `rows[starts[i] : starts[i] + sizes[i]]`, ascending, at least two; keys ascend."""

    keys: U64
    rows: I64
    starts: I64
    sizes: I64


def buckets(keys: U64) -> Iterator[Buckets]:
    """The buckets of all rows, in pieces by key: sorting holds a million rows at a time."""
    bits = max(0, (keys.size // _PIECE).bit_length())
    if not bits:
        yield buckets_among(keys, np.arange(keys.size))
        return
    piece = (keys >> np.uint64(64 - bits)).astype(np.uint16)
    for at in range(1 << bits):
        yield buckets_among(keys, np.flatnonzero(piece == at), bits)


def buckets_among(keys: U64, members: I64, same_bits: int = 0) -> Buckets:
    """The buckets of `members` (ascending), whose keys agree in their first `same_bits`."""
    mine = keys[members]
    shared = maybe_shared(mine << np.uint64(same_bits))
    members, mine = members[shared], mine[shared]
    order = np.argsort(mine, kind="stable")
    mine = mine[order]
    firsts = np.flatnonzero(np.concatenate(([True], mine[1:] != mine[:-1]))[: mine.size])
    sizes = np.diff(np.concatenate((firsts, [mine.size])))
    several = sizes > 1
    rows = members[order[np.repeat(several, sizes)]]
    sizes = sizes[several]
    return Buckets(mine[firsts[several]], rows, np.cumsum(sizes) - sizes, sizes)


def candidates(bands: Iterable[U64], rows: I64) -> Pairs:
    """Pairs of `rows` that share a band. `bands` gives one array of keys per band, aligned with `rows`; memory is one band at a time."""
    found = [np.zeros(0, dtype=np.int64)]
    scale = np.int64(rows.max() + 1 if rows.size else 1)
    for keys in bands:
        for shared in buckets(keys):
            first, second = bucket_pairs(shared.starts, shared.sizes)
            a, b = rows[shared.rows[first]], rows[shared.rows[second]]
            found.append(_distinct(np.minimum(a, b) * scale + np.maximum(a, b)))
    pairs = _distinct(np.concatenate(found))
    return Pairs(pairs // scale, pairs % scale)


def _distinct(values: I64) -> I64:
    values.sort()  # vector code, several times as fast as the hash table behind np.unique
    return values[np.concatenate(([True], values[1:] != values[:-1]))[: values.size]]


def maybe_shared(keys: U64) -> npt.NDArray[np.bool_]:
    """False for most keys that occur once: sorting the few others costs a tenth of sorting all."""
    bits = min((8 * keys.size).bit_length(), _PLACES)
    places = (keys >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(0, np.int64)
    shared: npt.NDArray[np.bool_] = np.bincount(places)[places] > 1
    return shared


def bucket_pairs(starts: I64, sizes: I64) -> tuple[I64, I64]:
    """Positions of the pairs looked at in each bucket."""
    large = sizes > ALL_PAIRS
    at = _ramps(starts[large] + 1, sizes[large] - 1)
    firsts, seconds = [at - 1, np.repeat(starts[large], sizes[large] - 1)], [at, at]
    starts, sizes = starts[~large], sizes[~large]
    counts = sizes * (sizes - 1) // 2
    base, place = np.repeat(starts, counts), _ramps(np.zeros_like(starts), counts)
    second, first = np.tril_indices(ALL_PAIRS, -1)  # in an order that holds for buckets of every size
    return np.concatenate((*firsts, base + first[place])), np.concatenate((*seconds, base + second[place]))


def _ramps(starts: I64, counts: I64) -> I64:
    """start, start + 1, … for each start."""
    ends = np.cumsum(counts)
    ramps: I64 = np.arange(ends[-1] if counts.size else 0) + np.repeat(starts - (ends - counts), counts)
    return ramps


def similarities(pairs: Pairs, lengths: I64, fetch: Callable[[I64], pl.Series]) -> Similarities:
    """Exact Jaccard similarity of every pair. `lengths`: shingles per row, to bound memory; `fetch(rows)` gives their texts in order."""
    with Texts() as texts:
        texts.fetch(pairs.rows(), lengths, fetch)
        return compared(pairs, lengths, texts)


def compared(pairs: Pairs, lengths: I64, texts: Texts) -> Similarities:
    """Exact Jaccard similarity of every pair of `texts`."""
    texts.sort()
    out = np.empty(pairs.count, dtype=np.float64)
    for start, stop in _chunks(pairs, lengths):
        part = Pairs(pairs.first[start:stop], pairs.second[start:stop])
        rows = part.rows()
        out[start:stop] = jaccard(texts.of(rows), np.searchsorted(rows, part.first), np.searchsorted(rows, part.second))
    return out


def _chunks(pairs: Pairs, lengths: I64) -> Iterator[tuple[int, int]]:
    cost = np.cumsum(lengths[pairs.second] + lengths[pairs.first] * np.concatenate(([True], np.diff(pairs.first) != 0)))
    start = 0
    while start < pairs.count:
        spent = cost[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(cost, spent + _CHUNK, side="right")))
        yield start, stop
        start = stop


def cover(rows: int, edges: Pairs, lengths: I64, rank: I64 | None = None) -> I64:
    """For each row -1 where it stays, else the neighbour that stays in its place. A higher `rank` stays before a better connected row."""
    survivor = np.full(rows, -1, dtype=np.int64)
    degrees = np.bincount(edges.first, minlength=rows) + np.bincount(edges.second, minlength=rows)
    alone = (degrees[edges.first] == 1) & (degrees[edges.second] == 1)
    first, second = edges.first[alone], edges.second[alone]
    better = lengths[second] > lengths[first]
    if rank is not None:
        better = (rank[second] > rank[first]) | ((rank[second] == rank[first]) & better)
    survivor[np.where(better, first, second)] = np.where(better, second, first)
    _cover_groups(survivor, edges.where(~alone), lengths, rank)
    return survivor


def _cover_groups(survivor: I64, edges: Pairs, lengths: I64, rank: I64 | None) -> None:
    """As `cover`, for rows with several neighbours, one after the other."""
    sources = np.concatenate((edges.first, edges.second))
    targets = np.concatenate((edges.second, edges.first))
    order = np.lexsort((targets, sources))
    sources, targets = sources[order], targets[order]
    nodes, starts, degrees = np.unique(sources, return_index=True, return_counts=True)
    bounds = np.concatenate((starts, [sources.size])).tolist()
    taken = np.zeros(survivor.size, dtype=bool)
    first = np.zeros(nodes.size, np.int64) if rank is None else -rank[nodes]
    for place in np.lexsort((nodes, -lengths[nodes], -degrees, first)).tolist():
        node = nodes[place]
        if taken[node]:
            continue
        near = targets[bounds[place] : bounds[place + 1]]
        free = near[~taken[near]]
        survivor[free] = node
        taken[free] = True
        taken[node] = True
