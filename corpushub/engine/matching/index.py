"""A BM25F index in numpy: per gram the entries that hold it and the weight it gives them, three fields folded into one impact.

One build pass over all texts; scoring adds up the postings of the demand's grams, a few milliseconds for 100,000 entries. New entries go
into a small index that borrows the statistics of the large one, so they are found within a second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corpushub.engine.matching.rules import Thesaurus, matching_rules
from corpushub.engine.matching.text import Ints, fold, grams, is_single

Floats = npt.NDArray[np.float32]
FIELDS = ("title", "items", "summary")
_LATIN = re.compile("[0-9a-z\u00df-\u024f]{2,}")
_CHUNK = 20_000  # entries tokenised at once: bounds memory at a million


@dataclass(frozen=True, slots=True)
class Query:
    """The grams of a demand: key, weight, and the letters to show in an explanation. `said` are those of its own words alone."""

    keys: Ints
    weights: Floats
    names: tuple[str, ...]
    said: Ints


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
    words: tuple[str, ...] = ()  # in Latin letters, sorted

    @classmethod
    def build(cls, texts: Mapping[str, Sequence[str]], like: Statistics | None = None) -> Index:
        """Index folded texts, one sequence per field of FIELDS, all of one length; `like` lends its statistics."""
        rules = matching_rules()["bm25"]
        count = len(texts[FIELDS[0]])
        chunks = [counted(texts, low, min(low + _CHUNK, count)) for low in range(0, count, _CHUNK)] or [counted(texts, 0, 0)]
        key, entry, counts = (np.concatenate(parts) for parts in zip(*(chunk[:3] for chunk in chunks), strict=True))
        lengths = np.concatenate([chunk[3] for chunk in chunks])
        words = tuple(sorted(set().union(*(latin_words(held) for held in texts.values()))))
        del chunks
        means = like.lengths if like else tuple(np.maximum(1.0, lengths.mean(axis=0)).tolist() if count else (1.0,) * len(FIELDS))
        worth = np.array([rules[field] for field in FIELDS]) / (1 - rules["b"] + rules["b"] * lengths / np.array(means))
        frequency = np.einsum("pf,pf->p", counts, worth.astype(np.float32)[entry], dtype=np.float32)
        order = np.argsort(key, kind="stable")  # chunks and their rows ascend, so entries ascend within each gram
        key, entry, frequency = key[order], entry[order], frequency[order]
        first = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1]))) if len(key) else np.empty(0, np.int64)
        vocabulary, starts = key[first], np.append(first, len(key)).astype(np.int64)
        holders = np.diff(starts)
        statistics = like or Statistics(count, means, vocabulary, holders)
        rarity = np.repeat(statistics.rarity(vocabulary), holders)
        impacts = (rarity * frequency * np.float32(rules["k1"] + 1) / (np.float32(rules["k1"]) + frequency)).astype(np.float32)
        return cls(count, vocabulary, starts, entry, impacts, statistics, words)

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

    def holding(self, keys: Ints, guessed: bool = False) -> Floats:
        """The most that any of the grams `keys` gives every entry; 0 for those that hold none.

        Where what was meant is `guessed` from its sound, a gram few entries have is the less likely one, not the more telling one.
        """
        best = np.zeros(self.count, np.float32)
        places = np.minimum(np.searchsorted(self.vocabulary, keys), max(len(self.vocabulary) - 1, 0))
        known = places[self.vocabulary[places] == keys] if len(self.vocabulary) else places[:0]
        first, last = self.starts[known], self.starts[known + 1]
        likely = (last - first) / max((last - first).max(initial=0), 1) if guessed else np.ones(len(known))
        for low, high, weight in zip(first.tolist(), last.tolist(), likely.astype(np.float32), strict=True):
            rows = self.entries[low:high]
            best[rows] = np.maximum(best[rows], self.impacts[low:high] * weight)
        return best

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


def shares(lists: Sequence[Postings], rows: npt.NDArray[np.int64]) -> list[list[tuple[str, float]]]:
    """For each of `rows`, what each gram gave it, largest first."""
    found: list[list[tuple[str, float]]] = [[] for _ in rows]
    for held in lists:
        if not len(held.entries):
            continue
        places = np.minimum(held.entries.searchsorted(rows), len(held.entries) - 1)
        for number in np.flatnonzero(held.entries[places] == rows).tolist():
            found[number].append((held.name, float(held.impacts[places[number]])))
    return [sorted(pairs, key=lambda pair: (-pair[1], pair[0])) for pairs in found]


Counted = tuple[Ints, npt.NDArray[np.int32], npt.NDArray[np.float32], Ints]


def counted(texts: Mapping[str, Sequence[str]], low: int, high: int) -> Counted:
    """Grams of entries low..high: key, entry and how often in each field, ordered by gram then entry; and grams per entry and field."""
    parts = [grams(texts[field][low:high]) for field in FIELDS]
    lengths = np.stack([np.bincount(part.text, minlength=high - low)[: high - low] for part in parts], axis=1)
    key = np.concatenate([part.key for part in parts])
    entry = np.concatenate([part.text for part in parts]).astype(np.int32)
    fields = np.repeat(np.arange(len(FIELDS)), [len(part.key) for part in parts])
    if not len(key):
        return key, entry, np.empty((0, len(FIELDS)), np.float32), lengths
    by_entry = np.argsort(entry, kind="stable")
    order = by_entry[np.argsort(key[by_entry], kind="stable")]
    key, entry, fields = key[order], entry[order], fields[order]
    first = np.flatnonzero(np.concatenate(([True], (key[1:] != key[:-1]) | (entry[1:] != entry[:-1]))))
    counts = np.stack([np.add.reduceat((fields == field).astype(np.float32), first) for field in range(len(FIELDS))], axis=1)
    return key[first], entry[first] + np.int32(low), counts, lengths


def latin_words(texts: Sequence[str]) -> set[str]:
    return set().union(*(_LATIN.findall("\n".join(texts[low : low + _CHUNK])) for low in range(0, len(texts), _CHUNK)))


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
    said = np.unique(found.key[found.text == 0])
    return Query(keys, np.array([pair[0] for pair in best.values()], np.float32), tuple(pair[1] for pair in best.values()), said)


def self_score(query: Query, statistics: Statistics) -> float:
    """What an entry would get that says just this demand in its title: the yardstick that makes scores of all demands comparable."""
    rules = matching_rules()["bm25"]
    keys = query.said
    weight = np.where(is_single(keys), rules["single"], 1.0) * np.where(statistics.knows(keys), 1.0, rules["unknown"])
    full = rules["title"] * (rules["k1"] + 1) / (rules["k1"] + rules["title"])
    return float((statistics.rarity(keys) * weight).sum() * full)


def field_texts(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Folded texts by field."""
    return {field: fold([str(row.get(field, "")) for row in rows]) for field in FIELDS}
