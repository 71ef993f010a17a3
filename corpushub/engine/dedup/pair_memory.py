"""What a search for alike texts remembers until the next build: its pairs, and the crowds of every band, by the texts they are about.

Two files. `alike.npz` has the digests of all rows, the pairs and the crowds, and is written whole beside the old one and put in its place; `texts.bin`
has the texts of rows in pairs or with copies, where the other file says. Who searches takes the texts away under a name of its own, adds new ones behind
the old (or, where less than half is still wanted, begins a new file), and puts them back: of two builds at once the other finds none, and a killed one
leaves none. So neither file outgrows the present rows. A file that cannot be read, or that another way of searching left, counts as none, and a
text must have its row's digest; so whatever lies there, the outcome is the same, only sooner or later.
"""

from __future__ import annotations

import os
import secrets
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from corpushub.engine.cache import is_alive
from corpushub.engine.dedup import duplicates, minhash
from corpushub.engine.dedup.duplicates import Buckets, Pairs, Similarities
from corpushub.engine.dedup.texts import Fetch, Remembered, Texts, claimed
from corpushub.engine.text.shingling import MIX_1
from corpushub.engine.text.utf8 import I64, U32, U64

FILE: Final = "alike.npz"
TEXTS: Final = "texts.bin"
_BROKEN: Final = (OSError, ValueError, KeyError, EOFError, IndexError, zipfile.BadZipFile, zlib.error)
_KINDS: Final = {
    "texts": np.uint64, "pairs": np.int64, "bands": np.uint32, "exact": np.float64, "keys": np.uint64, "marks": np.uint64, "edges": np.int64,
    "held": np.int64, "spans": np.int64,
}  # fmt: skip

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Table:
    """Pairs of compared rows by `code`, first * rows + second, ascending. Bit b of `bands`: band b proposes the pair; `exact`: nan until known."""

    codes: I64
    bands: U32
    exact: Similarities

    def where(self, kept: Flags) -> Table:
        return Table(self.codes[kept], self.bands[kept], self.exact[kept])

    def pairs(self, rows: int) -> Pairs:
        return Pairs(*np.divmod(self.codes, max(1, rows)))

    def merged(self, codes: I64, bands: U32) -> Table:
        """With these proposals added; `codes` ascending, each once."""
        at = np.searchsorted(self.codes, codes)
        known = np.zeros(codes.size, dtype=bool)
        inside = at < self.codes.size
        known[inside] = self.codes[at[inside]] == codes[inside]
        self.bands[at[known]] |= bands[known]
        whole = np.concatenate((self.codes, codes[~known]))
        order = np.argsort(whole, kind="stable")
        exact = np.concatenate((self.exact, np.full(whole.size - self.codes.size, np.nan)))
        return Table(whole[order], np.concatenate((self.bands, bands[~known]))[order], exact[order])


@dataclass(frozen=True, slots=True)
class Crowds:
    """Buckets of one band too large for all pairs: their keys, ascending, and 128 bits that tell their texts in order."""

    keys: U64
    marks: U64

    def among(self, others: Crowds) -> Flags:
        """Which of these crowds the others hold unchanged."""
        at = np.searchsorted(others.keys, self.keys)
        found = np.flatnonzero(at < others.keys.size)
        same = np.zeros(self.keys.size, dtype=bool)
        at = at[found]
        same[found] = (others.keys[at] == self.keys[found]) & (others.marks[at] == self.marks[found]).all(axis=1)
        return same


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before the search. `fresh`: rows whose text was not there; `order`: rows by digest; `held`: rows whose texts lie in `spans`."""

    fresh: Flags
    order: I64
    table: Table
    crowds: Sequence[Crowds]
    held: I64
    spans: I64


def crowds_of(buckets: Buckets, digests: U64) -> Crowds:
    """The crowds among these buckets; `digests` of the rows the buckets number.

    The mark of a crowd is the sum of its digests, each times an odd number that its place in the crowd gives.
    """
    large = np.flatnonzero(buckets.sizes > duplicates.ALL_PAIRS)
    if not large.size:
        return joined(())
    sizes = buckets.sizes[large]
    starts = np.cumsum(sizes) - sizes
    place = np.arange(int(sizes.sum())) - np.repeat(starts, sizes)
    rows = buckets.rows[np.repeat(buckets.starts[large], sizes) + place]
    times = (place.astype(np.uint64) + np.uint64(1)) * np.uint64(MIX_1) | np.uint64(1)
    return Crowds(buckets.keys[large], np.add.reduceat(digests[rows] * times[:, None], starts))


def joined(parts: Sequence[Crowds]) -> Crowds:
    if not parts:
        return Crowds(np.zeros(0, np.uint64), np.zeros((0, 2), np.uint64))
    return Crowds(np.concatenate([part.keys for part in parts]), np.concatenate([part.marks for part in parts]))


def recall(folder: Path | None, tag: str, digests: U64) -> Known:
    """What the memory in `folder` knows about rows with these digests, each different; nothing where it was left by another search than `tag`."""
    order = np.argsort(digests[:, 0], kind="stable")
    nothing = Known(
        np.ones(len(digests), dtype=bool),
        order,
        Table(np.zeros(0, np.int64), np.zeros(0, np.uint32), np.zeros(0)),
        [joined(())] * minhash.BANDS,
        np.zeros(0, np.int64),
        np.zeros((0, 2), np.int64),
    )
    if folder is None:
        return nothing
    try:
        with np.load(folder / FILE, allow_pickle=False) as file:
            if str(file["tag"]) != tag:
                return nothing
            kept = {name: file[name] for name in file.files}
        if any(kept[name].dtype != kind for name, kind in _KINDS.items()) or len(kept["edges"]) != minhash.BANDS + 1:
            return nothing
        return _matched(kept, digests, nothing)
    except _BROKEN:
        return nothing


def _matched(kept: Mapping[str, npt.NDArray[Any]], digests: U64, nothing: Known) -> Known:
    """The remembered pairs between texts that are still there, by the rows they have now."""
    order, texts = nothing.order, kept["texts"]
    at = np.minimum(np.searchsorted(texts[:, 0], digests[order, 0]), max(0, len(texts) - 1))
    same = (texts[at] == digests[order]).all(axis=1) if len(texts) else np.zeros(order.size, dtype=bool)
    fresh = nothing.fresh.copy()
    fresh[order[same]] = False
    place = np.full(len(texts), -1)
    place[at[same]] = order[same]
    first, second = place[kept["pairs"][:, 0]], place[kept["pairs"][:, 1]]
    codes = np.minimum(first, second) * max(1, len(digests)) + np.maximum(first, second)
    there = np.flatnonzero((first >= 0) & (second >= 0))
    there = there[np.argsort(codes[there])]
    edges = kept["edges"].tolist()
    crowds = [Crowds(kept["keys"][low:high], kept["marks"][low:high]) for low, high in pairwise(edges)]
    rows = place[kept["held"]]
    table = Table(codes[there], kept["bands"][there], kept["exact"][there])
    return Known(fresh, order, table, crowds, rows[rows >= 0], kept["spans"][rows >= 0])


class Keeper:
    """The next memory while it is made: its texts are those the pairs are compared by."""

    def __init__(self, folder: Path | None, known: Known) -> None:
        self._folder, self._known = folder, known
        self._stem = f"tmp-{os.getpid()}-{secrets.token_hex(6)}"
        self._old: Remembered | None = None
        if folder is None:
            self.texts = Texts()
            return
        for path in folder.iterdir():
            is_in_work = path.name.startswith("tmp-") and is_alive(path)
            if path.is_file() and path.name not in {FILE, TEXTS} and not is_in_work:
                path.unlink(missing_ok=True)  # of a killed build, or of an earlier way of remembering
        file = claimed(folder / TEXTS, folder / f"{self._stem}.bin")
        self._old = Remembered(file, known.held, known.spans) if file else None
        if self._old is not None and self._old.is_most_of_its_file():
            self.texts = self._old
        else:
            (folder / f"{self._stem}.bin").unlink(missing_ok=True)  # what is open can still be read
            self.texts = Texts((folder / f"{self._stem}.bin").open("w+b"))

    def fetch(self, rows: I64, spare: I64, digests: U64, lengths: I64, fetch: Fetch) -> None:
        """Have the texts of `rows` (ascending), remembered or fetched; those of `spare` rows are only fetched along with all others."""
        if self._old is not None:
            found = self._old.among(rows, digests[rows])
            if self._old is not self.texts:
                self._old.copy(self.texts, rows[found])
            rows = rows[~found]
        elif self._folder is not None:
            rows = np.union1d(rows, spare)
        self.texts.fetch(rows, lengths, fetch)

    def keep(self, tag: str, digests: U64, table: Table, crowds: Sequence[Crowds], spare: I64) -> None:
        """Remember these pairs, crowds and texts for the next build."""
        if self._folder is None:
            return
        order = self._known.order
        rank = np.empty(order.size, dtype=np.int64)
        rank[order] = np.arange(order.size)
        pairs = table.pairs(order.size)
        wanted = np.union1d(pairs.rows(), spare)
        if self._old is not None and self._old is not self.texts:
            self._old.copy(self.texts, np.setdiff1d(wanted, self.texts.rows))
        held = np.isin(self.texts.rows, wanted, assume_unique=True)
        every = joined(crowds)
        np.savez(
            self._folder / f"{self._stem}.npz",
            tag=np.array(tag),
            texts=digests[order],
            pairs=np.column_stack((rank[pairs.first], rank[pairs.second])),
            bands=table.bands,
            exact=table.exact,
            keys=every.keys,
            marks=every.marks,
            edges=np.cumsum([0, *(crowd.keys.size for crowd in crowds)]),
            held=rank[self.texts.rows[held]],
            spans=self.texts.spans[held],
        )
        self.texts.flush()
        for name, ending in ((TEXTS, "bin"), (FILE, "npz")):
            (self._folder / f"{self._stem}.{ending}").replace(self._folder / name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.texts.__exit__(kind, error, trace)
        if self._old is not None:
            self._old.__exit__(kind, error, trace)
        if self._folder is not None:
            for ending in ("bin", "npz"):
                (self._folder / f"{self._stem}.{ending}").unlink(missing_ok=True)
