"""A BM25F index in numpy: per gram the entries that hold it and the weight it gives them, three fields folded into one impact.

One build pass over all texts; scoring adds up the postings of the demand's grams, a few milliseconds for 100,000 entries. New entries go
into a small index that borrows the statistics of the large one, so they are found within a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corpushub.engine.matching_rules import Thesaurus, matching_rules
from corpushub.engine.matching_text import Ints, fold, grams, is_single

Floats = npt.NDArray[np.float32]
FIELDS = ("title", "items", "summary")


@dataclass(frozen=True, slots=True)
class Query:
    """The grams of a demand: key, weight, and the letters to show in an explanation."""

    keys: Ints
    weights: Floats
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statistics:
    """What scoring needs to know of a whole collection."""

    count: int
    lengths: tuple[float, ...]  # mean grams per field
    vocabulary: Ints  # sorted
    holders: Ints  # entries per gram

    def rarity(self, keys: Ints) -> Floats:
        """Inverse document frequency; a gram nobody has counts as one that a single entry has."""
        if not len(self.vocabulary):
            return np.ones(len(keys), np.float32)
        place = np.minimum(np.searchsorted(self.vocabulary, keys), len(self.vocabulary) - 1)
        holders = np.where(self.vocabulary[place] == keys, self.holders[place], 1)
        return np.log1p((self.count - holders + 0.5) / (holders + 0.5)).clip(min=1e-3).astype(np.float32)

    def knows(self, keys: Ints) -> npt.NDArray[np.bool_]:
        if not len(self.vocabulary):
            return np.zeros(len(keys), np.bool_)
        return np.asarray(
            self.vocabulary[np.minimum(np.searchsorted(self.vocabulary, keys), len(self.vocabulary) - 1)] == keys, np.bool_
        )


@dataclass(frozen=True, slots=True)
class Index:
    """Postings in compressed columns: those of `vocabulary[i]` are at `starts[i]:starts[i + 1]`."""

    count: int
    vocabulary: Ints
    starts: Ints
    entries: npt.NDArray[np.int32]
    impacts: Floats
    statistics: Statistics

    @classmethod
    def build(cls, texts: Mapping[str, Sequence[str]], like: Statistics | None = None) -> Index:
        """Index folded texts, one sequence per field of FIELDS, all of one length; `like` lends its statistics."""
        rules = matching_rules()["bm25"]
        count = len(texts[FIELDS[0]])
        parts = [grams(texts[field]) for field in FIELDS]
        lengths = [np.bincount(part.text, minlength=count) for part in parts]
        means = like.lengths if like else tuple(max(1.0, float(held.mean())) if count else 1.0 for held in lengths)
        shares = [
            rules[field] / (1 - rules["b"] + rules["b"] * held / mean)
            for field, held, mean in zip(FIELDS, lengths, means, strict=True)
        ]
        key = np.concatenate([part.key for part in parts])
        entry = np.concatenate([part.text for part in parts])
        share = np.concatenate([shared[part.text] for shared, part in zip(shares, parts, strict=True)])
        vocabulary, starts, held_by, frequency = grouped(key, entry, share)
        holders = np.diff(starts)
        statistics = like or Statistics(count, means, vocabulary, holders)
        rarity = np.repeat(statistics.rarity(vocabulary), holders)
        impacts = (rarity * frequency * (rules["k1"] + 1) / (rules["k1"] + frequency)).astype(np.float32)
        return cls(count, vocabulary, starts, held_by, impacts, statistics)

    def lists(self, query: Query) -> list[Postings]:
        """The postings of each gram of `query`, impacts already weighted."""
        if not len(self.vocabulary):
            return [Postings(name, self.entries[:0], self.impacts[:0]) for name in query.names]
        places = np.minimum(np.searchsorted(self.vocabulary, query.keys), len(self.vocabulary) - 1)
        ends = np.where(self.vocabulary[places] == query.keys, self.starts[places + 1], self.starts[places])
        spans = zip(query.names, self.starts[places].tolist(), ends.tolist(), query.weights.tolist(), strict=True)
        return [
            Postings(name, self.entries[low:high], self.impacts[low:high] * np.float32(weight))
            for name, low, high, weight in spans
        ]

    def scores(self, lists: Sequence[Postings]) -> Floats:
        """The text score of every entry. Single characters add to a score, but alone they make none."""
        single = [held for held in lists if len(held.name) == 1]
        more = [held for held in lists if len(held.name) > 1]
        sums = self.summed(more or single)
        return np.where(sums > 0, sums + self.summed(single), 0).astype(np.float32) if more else sums

    def summed(self, lists: Sequence[Postings]) -> Floats:
        if not lists:
            return np.zeros(self.count, np.float32)
        entries = np.concatenate([held.entries for held in lists])
        impacts = np.concatenate([held.impacts for held in lists])
        return np.bincount(entries, weights=impacts, minlength=self.count).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Postings:
    """Who holds a gram, ascending, and what it gives each."""

    name: str
    entries: npt.NDArray[np.int32]
    impacts: Floats


def shares(lists: Sequence[Postings], entry: int) -> list[tuple[str, float]]:
    """What each gram gave `entry`, largest first."""
    found: list[tuple[str, float]] = []
    for held in lists:
        place = int(held.entries.searchsorted(entry))
        if place < len(held.entries) and held.entries[place] == entry:
            found.append((held.name, float(held.impacts[place])))
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def grouped(key: Ints, entry: Ints, share: npt.NDArray[np.float64]) -> tuple[Ints, Ints, npt.NDArray[np.int32], Floats]:
    """Vocabulary, starts, entries and summed shares, ordered by gram, then entry."""
    if not len(key):
        return np.empty(0, np.int64), np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32)
    by_entry = np.argsort(entry.astype(np.int32), kind="stable")
    order = by_entry[np.argsort(key[by_entry], kind="stable")]
    key, entry = key[order], entry[order]
    new_key = np.concatenate(([True], key[1:] != key[:-1]))
    new = new_key | np.concatenate(([True], entry[1:] != entry[:-1]))
    first = np.flatnonzero(new)
    vocabulary = key[new_key]
    starts = np.append(np.flatnonzero(new_key[first]), len(first))
    return (
        vocabulary,
        starts.astype(np.int64),
        entry[first].astype(np.int32),
        np.add.reduceat(share[order], first).astype(np.float32),
    )


def make_query(content: str, thesaurus: Thesaurus) -> Query:
    """The grams of a folded demand with its synonyms; a single character counts little, a synonym a little less than what was said."""
    rules = matching_rules()["bm25"]
    others = thesaurus.others(content)
    found = grams([content, *others])
    singles = is_single(found.key)
    weight = np.where(singles, rules["single"], 1.0) * np.where(found.text == 0, 1.0, rules["synonym"])
    weight = np.where(singles & (found.text > 0), 0.0, weight)
    best: dict[int, tuple[float, str]] = {}
    for number in np.flatnonzero(weight > 0):
        gram, name = int(found.key[number]), found.name(int(number))
        worth = float(weight[number]) * (rules["pair"] if name.isascii() and not name.isalnum() else 1.0)
        if worth > best.get(gram, (0.0, ""))[0]:
            best[gram] = (worth, name)
    keys = np.array(list(best), np.int64)
    return Query(keys, np.array([pair[0] for pair in best.values()], np.float32), tuple(pair[1] for pair in best.values()))


def self_score(content: str, statistics: Statistics) -> float:
    """What an entry would get that says just this demand in its title: the yardstick that makes scores of all demands comparable."""
    rules = matching_rules()["bm25"]
    found = grams([content])
    keys = np.unique(found.key)
    weight = np.where(is_single(keys), rules["single"], 1.0) * np.where(statistics.knows(keys), 1.0, rules["unknown"])
    full = rules["title"] * (rules["k1"] + 1) / (rules["k1"] + rules["title"])
    return float((statistics.rarity(keys) * weight).sum() * full)


def field_texts(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Folded texts by field."""
    return {field: fold([str(row.get(field, "")) for row in rows]) for field in FIELDS}
