"""Catalog entries as matching sees them: texts to search and columns to hold constraints against, one row each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from corpushub.engine.matching.demand import Demand
from corpushub.engine.matching.rules import DELIVERIES, FREQUENCIES, GRANULARITIES, region_range

Mask = npt.NDArray[np.bool_]
Column = npt.NDArray[Any]
FAR = 10**6  # a month after all others


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource or dataset to be found. Empty and -1 mean unknown, which never fails a constraint; `purposes` empty means any.

    `rank` is the classification rank (10 and above is important data), `quality` 0..100, `acceptance` 0..1, `months` inclusive.
    """

    id: str
    title: str
    items: tuple[str, ...] = ()
    summary: str = ""
    owner: str = ""
    domain: str = ""
    region: str = ""
    granularity: str = ""
    frequency: str = ""
    months: tuple[int, int] | None = None
    rank: int = 1
    secrecy: bool = False
    published: bool = True
    openness: str = "conditional"
    delivery: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    price: float = -1.0
    quality: float = -1.0
    acceptance: float = -1.0

    def texts(self) -> dict[str, str]:
        return {"title": self.title, "items": " , ".join(self.items), "summary": f"{self.summary} , {self.domain}"}


@dataclass(frozen=True, slots=True)
class Table:
    """Columns over all entries, in their order."""

    entries: tuple[Entry, ...]
    low: Column
    high: Column
    granularity: Column
    frequency: Column
    first: Column
    last: Column
    rank: Column
    servable: Mask
    delivery: Column
    purposes: tuple[frozenset[str], ...]
    purpose_bits: Mapping[str, Mask]
    price: Column
    quality: Column
    acceptance: Column
    tie: Column

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Table:
        ranges = [region_range(entry.region) for entry in entries]
        months = [entry.months or (0, FAR) for entry in entries]
        named = {purpose for entry in entries for purpose in entry.purposes}
        return cls(
            entries=tuple(entries),
            low=np.array([low for low, _ in ranges], np.int64),
            high=np.array([high for _, high in ranges], np.int64),
            granularity=codes([entry.granularity for entry in entries], GRANULARITIES),
            frequency=codes([entry.frequency for entry in entries], FREQUENCIES),
            first=np.array([first for first, _ in months], np.int64),
            last=np.array([last for _, last in months], np.int64),
            rank=np.array([entry.rank for entry in entries], np.int16),
            servable=np.array(
                [entry.published and not entry.secrecy and entry.openness != "none" for entry in entries], np.bool_
            ),
            delivery=np.array([bits(entry.delivery) for entry in entries], np.int8),
            purposes=tuple(frozenset(entry.purposes) for entry in entries),
            purpose_bits={name: np.array([not e.purposes or name in e.purposes for e in entries], np.bool_) for name in named},
            price=np.array([entry.price for entry in entries], np.float32),
            quality=np.array([entry.quality for entry in entries], np.float32),
            acceptance=np.array([entry.acceptance for entry in entries], np.float32),
            tie=np.array([tie_of(entry.id) for entry in entries], np.uint64),
        )

    def __len__(self) -> int:
        return len(self.entries)

    def head(self, count: int) -> Table:
        """The first `count` rows."""
        cut = {name: getattr(self, name)[:count] for name in COLUMNS}
        return replace(self, **cut, purpose_bits={name: held[:count] for name, held in self.purpose_bits.items()})

    def joined(self, other: Table) -> Table:
        """These rows, then those of `other`."""
        both = {name: np.concatenate((getattr(self, name), getattr(other, name))) for name in COLUMNS[2:]}
        named = self.purpose_bits.keys() | other.purpose_bits.keys()
        purpose_bits = {name: np.concatenate((self.allowing(name), other.allowing(name))) for name in named}
        return Table(
            entries=(*self.entries, *other.entries), purposes=(*self.purposes, *other.purposes), **both, purpose_bits=purpose_bits
        )

    def allowing(self, purpose: str) -> Mask:
        """Entries that may serve `purpose`: those that name it, and those that name none."""
        held = self.purpose_bits.get(purpose)
        return held if held is not None else np.array([not named for named in self.purposes], np.bool_)


COLUMNS = (
    "entries",
    "purposes",
    "low",
    "high",
    "granularity",
    "frequency",
    "first",
    "last",
    "rank",
    "servable",
    "delivery",
    "price",
    "quality",
    "acceptance",
    "tie",
)


def codes(values: Sequence[str], order: Sequence[str]) -> Column:
    known = {name: number for number, name in enumerate(order)}
    return np.array([known.get(value, -1) for value in values], np.int8)


def bits(deliveries: Sequence[str]) -> int:
    return sum(1 << DELIVERIES.index(name) for name in deliveries if name in DELIVERIES)


def tie_of(entry_id: str) -> int:
    """Ties are broken by a hash of the id, so that no name or owner comes first by habit."""
    return int.from_bytes(hashlib.sha256(entry_id.encode()).digest()[:8], "big")


CORE_RANK = 20
"""Core data is never obtainable through the hub."""


def is_servable(table: Table, _: Demand) -> Mask:
    return table.servable & (table.rank < CORE_RANK)


def allows_purpose(table: Table, demand: Demand) -> Mask:
    return table.allowing(demand.purpose)


def covers_region(table: Table, demand: Demand) -> Mask:
    """The entry's region is one of the demand's, or holds it; it is not inside one the demand does not want."""
    found = np.full(len(table), not demand.regions)
    for code in demand.regions:
        low, high = region_range(code)
        found |= (table.low <= low) & (table.high >= high)
    for code in demand.apart:
        low, high = region_range(code)
        found &= (table.low < low) | (table.high > high)
    return found


def overlaps_period(table: Table, demand: Demand) -> Mask:
    first, last = demand.period or (0, FAR)
    return np.asarray((table.first <= last) & (table.last >= first), np.bool_)


def is_fine_enough(table: Table, demand: Demand) -> Mask:
    wanted = GRANULARITIES.index(demand.granularity)
    return np.asarray((table.granularity >= wanted) | (table.granularity < 0), np.bool_)


def is_deliverable(table: Table, demand: Demand) -> Mask:
    return np.asarray(((table.delivery & bits(demand.delivery)) != 0) | (table.delivery == 0), np.bool_)


CONSTRAINTS: Mapping[str, tuple[Callable[[Demand], object], Callable[[Table, Demand], Mask]]] = {
    "servable": (lambda _: True, is_servable),
    "purpose": (lambda demand: demand.purpose, allows_purpose),
    "granularity": (lambda demand: demand.granularity, is_fine_enough),
    "period": (lambda demand: demand.period, overlaps_period),
    "region": (lambda demand: demand.regions or demand.apart, covers_region),
    "delivery": (lambda demand: demand.delivery, is_deliverable),
}
RELAXABLE = ("granularity", "period", "region", "delivery")
"""In the order they are given up; nobody gives up the law."""


def masks(table: Table, demand: Demand) -> dict[str, Mask]:
    """Which entries satisfy each constraint the demand states."""
    return {name: test(table, demand) for name, (states, test) in CONSTRAINTS.items() if states(demand)}
