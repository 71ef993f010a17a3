"""Ranking inside the constraints: one text score, seven softer reasons, and for every match an explanation that adds up to its score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from corpushub.engine.matching.demand import Demand
from corpushub.engine.matching.entries import Column, Entry, Table
from corpushub.engine.matching.index import Query
from corpushub.engine.matching.rules import FREQUENCIES, GRANULARITIES, Thesaurus, matching_rules

UNKNOWN = 0.5
BETWEEN = " , "  # between the items of one entry
_SHOWN_GRAMS = 8
_SIMILAR = 0.5
_FREE_RANK = 2  # what may be had without a grant of its own


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature: value 0..1, its weight, and their product."""

    name: str
    value: float
    weight: float

    @property
    def points(self) -> float:
        return self.value * self.weight


@dataclass(frozen=True, slots=True)
class Match:
    """An entry for a demand. `score` is the sum of the reasons' points; `failed` names constraints a near miss does not satisfy; `path`
    says what has to be asked for before it may be used.
    """

    id: str
    title: str
    score: float
    reasons: tuple[Reason, ...]
    grams: tuple[tuple[str, float], ...] = ()
    items: tuple[tuple[str, str, str], ...] = ()  # wanted item, found | similar | missing, the entry's item
    failed: tuple[str, ...] = ()
    path: str = ""

    def reason(self, name: str) -> float:
        return next((reason.value for reason in self.reasons if reason.name == name), 0.0)


@dataclass(frozen=True, slots=True)
class Group:
    """Matches that appear when one constraint is given up; never mixed with the others."""

    constraint: str
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """Everything to tell about one demand. `more` says how many further entries each constraint keeps out."""

    demand: Demand
    matches: tuple[Match, ...]
    near: tuple[Match, ...] = ()
    relaxed: tuple[Group, ...] = ()
    more: Mapping[str, int] = field(default_factory=dict)
    engine: str = "numpy"

    @property
    def best(self) -> float:
        """Text agreement of the best match, 0..1: what the rule for unmet demands looks at."""
        return max((match.reason("text") for match in self.matches), default=0.0)

    def to_json(self) -> dict[str, Any]:
        return {
            "demand": self.demand.to_json(),
            "matches": [asdict(match) for match in self.matches],
            "near": [asdict(match) for match in self.near],
            "relaxed": [asdict(group) for group in self.relaxed],
            "more": dict(self.more),
            "engine": self.engine,
        }


def granularity(table: Table, demand: Demand, picked: Column) -> Column:
    """1 at the wanted level or finer, less for every level it is coarser."""
    if not demand.granularity:
        return np.full(len(picked), UNKNOWN)
    held = table.granularity[picked]
    short = np.maximum(0, GRANULARITIES.index(demand.granularity) - held)
    return np.where(held < 0, UNKNOWN, 1 - short / len(GRANULARITIES))


def freshness(table: Table, demand: Demand, picked: Column) -> Column:
    held = table.frequency[picked]
    if not demand.frequency:
        return np.where(held < 0, UNKNOWN, held / (len(FREQUENCIES) - 1))
    short = np.maximum(0, FREQUENCIES.index(demand.frequency) - held)
    return np.where(held < 0, UNKNOWN, 1 - short / len(FREQUENCIES))


def quality(table: Table, _: Demand, picked: Column) -> Column:
    held = table.quality[picked]
    return np.where(held < 0, UNKNOWN, held / 100)


def period(table: Table, demand: Demand, picked: Column) -> Column:
    """The part of the wanted months the entry has."""
    if demand.period is None:
        return np.full(len(picked), UNKNOWN)
    first, last = demand.period
    common = np.minimum(table.last[picked], last) - np.maximum(table.first[picked], first) + 1
    return np.clip(common / (last - first + 1), 0, 1)


def price(table: Table, demand: Demand, picked: Column) -> Column:
    held = table.price[picked]
    known = held >= 0
    if demand.price < 0:
        return np.where(known & (held == 0), 1.0, UNKNOWN)
    return np.where(~known, UNKNOWN, np.where(held <= demand.price, 1.0, demand.price / np.maximum(held, 1e-6)))


def acceptance(table: Table, _: Demand, picked: Column) -> Column:
    held = table.acceptance[picked]
    return np.where(held < 0, UNKNOWN, held)


SOFT: Mapping[str, Callable[[Table, Demand, Column], Column]] = {
    "granularity": granularity,
    "freshness": freshness,
    "quality": quality,
    "period": period,
    "price": price,
    "acceptance": acceptance,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A data item somebody asks for: its folded name, the forms that count as it, and its pairs of characters."""

    name: str
    forms: tuple[str, ...]
    pairs: frozenset[str]

    @classmethod
    def of(cls, name: str, thesaurus: Thesaurus) -> Wanted:
        return cls(name, (name, *thesaurus.others(name)), pairs_of(name))

    def best(self, held: str) -> tuple[str, str, str]:
        """Wanted item, found | similar (half its pairs) | missing, and which of the folded items `held` (` , ` between them) it is."""
        for form in self.forms:
            if form in held:
                return self.name, "found", next(item for item in held.split(BETWEEN) if form in item)
        if sum(pair in held for pair in self.pairs) < _SIMILAR * len(self.pairs):
            return self.name, "missing", ""
        items = held.split(BETWEEN)
        for item in items:
            if len(item) > 1 and any(item in form for form in self.forms):
                return self.name, "found", item
        share, item = max((len(self.pairs & pairs_of(item)) / len(self.pairs), item) for item in items)
        return (self.name, "similar", item) if share >= _SIMILAR else (self.name, "missing", "")


def pairs_of(text: str) -> frozenset[str]:
    return frozenset(text[place : place + 2] for place in range(max(1, len(text) - 1)))


def covered(items: Sequence[tuple[str, str, str]]) -> float:
    if not items:
        return UNKNOWN
    return sum({"found": 1.0, "similar": 0.5}.get(state, 0.0) for _, state, _ in items) / len(items)


@dataclass(slots=True)
class Ranker:
    """Ranks picked rows of a table for one demand; `text` is 0..1 for every row."""

    table: Table
    demand: Demand
    query: Query
    text: npt.NDArray[np.float32]
    explain: Callable[[Column], Sequence[Sequence[tuple[str, float]]]]
    items: Sequence[str]
    thesaurus: Thesaurus

    def rank(self, picked: Column, limit: int, failed: Callable[[int], tuple[str, ...]] | None = None) -> tuple[Match, ...]:
        """The best `limit` of `picked`, explained."""
        if not len(picked):
            return ()
        weights = matching_rules()["weights"]
        picked, values, total = self.firm(picked, limit)
        covers = np.full(len(picked), UNKNOWN)
        items: dict[int, tuple[tuple[str, str, str], ...]] = {}
        if self.demand.items:
            wanted = [Wanted.of(name, self.thesaurus) for name in self.demand.items]
            for place, row in enumerate(picked.tolist()):
                items[place] = tuple(item.best(self.items[row]) for item in wanted)
                covers[place] = covered(items[place])
        values["items"] = covers
        total = np.round(total + covers * weights["items"], 9)
        order = np.lexsort((self.table.tie[picked], -total))[:limit]
        told = self.explain(picked[order])
        ranked = zip(picked[order].tolist(), order.tolist(), told, strict=True)
        return tuple(
            self.match(row, {name: float(held[place]) for name, held in values.items()}, shares, items.get(place, ()), failed)
            for row, place, shares in ranked
        )

    def firm(self, picked: Column, limit: int) -> tuple[Column, dict[str, Column], Column]:
        """All but the item coverage, which is dear, for the rows that could still be among the best `limit` with full coverage."""
        weights = matching_rules()["weights"]
        values = {"text": self.text[picked], **{name: soft(self.table, self.demand, picked) for name, soft in SOFT.items()}}
        total = np.sum([values[name] * weights[name] for name in values], axis=0)
        if len(picked) > limit:
            hope = total >= np.partition(total, len(total) - limit)[len(total) - limit] - weights["items"]
            picked, total = picked[hope], total[hope]
            values = {name: held[hope] for name, held in values.items()}
        return picked, values, total

    def match(
        self,
        row: int,
        values: Mapping[str, float],
        shares: Sequence[tuple[str, float]],
        items: tuple[tuple[str, str, str], ...],
        failed: Callable[[int], tuple[str, ...]] | None,
    ) -> Match:
        weights = matching_rules()["weights"]
        entry = self.table.entries[row]
        reasons = tuple(Reason(name, round(values[name], 6), weights[name]) for name in weights)
        shown = tuple((name, round(points, 4)) for name, points in shares[:_SHOWN_GRAMS])
        score = round(sum(reason.points for reason in reasons), 6)
        return Match(
            entry.id, entry.title, score, reasons, shown, items, failed(row) if failed else (), path_of(entry, self.demand)
        )


def path_of(entry: Entry, demand: Demand) -> str:
    """What stands between the asker and the entry: nothing, a request, a grant for its grade, or work inside the zone."""
    if entry.rank >= 10:
        return "zone"
    if entry.rank > demand.rank:
        return "grant"
    return "" if entry.openness == "unconditional" and entry.rank <= _FREE_RANK else "request"
