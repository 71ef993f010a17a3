"""Catalog entries and released datasets in memory, for matching and for looking things up.

Derived, never the place of any truth: built from the catalog at first use, brought up to date by the ledger's newest leaves, always as of
the transaction that asks.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.util import find_spec
from threading import Lock

import numpy as np
import numpy.typing as npt
import polars as pl

from corpushub.base.errors import Invalid
from corpushub.base.identity import Clock, business_day, system_clock
from corpushub.domain.catalog import Resource
from corpushub.engine.matching.entries import Entry
from corpushub.engine.matching.rules import Thesaurus, base_thesaurus
from corpushub.engine.matching.search import Engine, Matcher
from corpushub.engine.matching.tantivy_search import Tantivy
from corpushub.services.matching_entries import DATASET, dataset_entry, resource_entry
from corpushub.store.db import Unit
from corpushub.store.repos import Repo

SYNONYM = "synonym"
ENGINES = ("numpy", "tantivy")
FACETS = ("owner", "kind", "domain", "region", "state", "share_attribute", "open_attribute")
_BATCH = 1000
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Facet:
    """One property of every row as a number; 0 is no value."""

    values: tuple[str, ...]
    codes: npt.NDArray[np.int32]

    @classmethod
    def of(cls, column: Sequence[str], known: Sequence[str] = ("",)) -> Facet:
        numbers = {value: number for number, value in enumerate(known)}
        codes = np.fromiter((numbers.setdefault(value, len(numbers)) for value in column), np.int32, len(column))
        return cls(tuple(numbers), codes)

    def head_and(self, count: int, column: Sequence[str]) -> Facet:
        """The first `count` rows, then those of `column`."""
        added = Facet.of(column, self.values)
        return Facet(added.values, np.concatenate((self.codes[:count], added.codes)))

    def is_(self, value: str) -> Mask:
        return np.asarray(self.codes == (self.values.index(value) if value in self.values else -1), np.bool_)

    def counted(self, rows: npt.NDArray[np.int64]) -> dict[str, int]:
        """How many of `rows` have each value, most first."""
        counts = np.bincount(self.codes[rows], minlength=len(self.values)).tolist()
        pairs = [(value, count) for value, count in zip(self.values, counts, strict=True) if value and count]
        return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


@dataclass(frozen=True, slots=True)
class Stock:
    """What is on the shelf: an index, the facets of its rows, and whose rows are secret. Datasets have no facets."""

    matcher: Matcher
    facets: Mapping[str, Facet]
    secret: Mask
    listed: Mask
    order: npt.NDArray[np.int64]  # each row's place among the ids
    names: pl.Series  # ids and owners in lower case

    @classmethod
    def of(cls, matcher: Matcher, properties: Mapping[str, tuple[str, ...]], before: Stock | None = None) -> Stock:
        """The stock of `matcher`; where `before` is of the same main index, only what is new is looked at."""
        kept = matcher.main.count if before else 0
        fresh = [properties.get(entry.id, ("",) * len(FACETS)) for entry in matcher.table.entries[kept:]]
        columns = zip(FACETS, zip(*fresh, strict=True) if fresh else [()] * len(FACETS), strict=True)
        facets = {name: before.facets[name].head_and(kept, column) if before else Facet.of(column) for name, column in columns}
        ids = [entry.id for entry in matcher.table.entries]
        order = np.empty(len(ids), np.int64)
        order[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
        secret = np.array([entry.secrecy for entry in matcher.table.entries], np.bool_)
        names = pl.Series([f"{entry.id} {entry.owner}".lower() for entry in matcher.table.entries[kept:]], dtype=pl.String)
        return cls(
            matcher=matcher,
            facets=facets,
            secret=secret,
            listed=matcher.alive & (facets["kind"].codes > 0),
            order=order,
            names=pl.concat((before.names[:kept], names)) if before else names,
        )


class Shelf:
    """The stock, kept up with the ledger."""

    def __init__(self, *, clock: Clock = system_clock, engine: str = "numpy") -> None:
        """`engine` names what picks candidates. Raises: Invalid("form.not_choice")."""
        self.clock = clock
        self.engine = engine_named(engine)
        self._lock = Lock()
        self._stock: Stock | None = None
        self._seen = 0
        self._day = ""
        self._properties: dict[str, tuple[str, ...]] = {}
        self._coming: dict[str, str] = {}  # entries with an attribute that takes effect on a later day

    def current(self, unit: Unit) -> Stock:
        """The stock as of this transaction."""
        with self._lock:
            size, day = unit.ledger.size(), business_day(self.clock()).isoformat()
            held = self._stock
            if held is None:
                matcher = Matcher.of(self._load(unit), thesaurus=thesaurus(unit), engine=self.engine)
                held = Stock.of(matcher, self._properties)
            elif names := self._changed(unit, size, day):
                matcher = held.matcher.with_entries(self._load(unit, names), removed=names)
                held = Stock.of(matcher, self._properties, held if matcher.main is held.matcher.main else None)
            self._stock, self._seen, self._day = held, size, day
            return held

    def learn(self, unit: Unit) -> None:
        """Take up synonyms that were approved."""
        with self._lock:
            if self._stock is not None:
                self._stock = replace(self._stock, matcher=replace(self._stock.matcher, thesaurus=thesaurus(unit)))

    def _changed(self, unit: Unit, size: int, day: str) -> set[str]:
        names = touched(unit, self._seen) if size > self._seen else set()
        if day > self._day:
            names |= {name for name, since in self._coming.items() if since <= day}
        return names

    def _load(self, unit: Unit, names: Iterable[str] | None = None) -> list[Entry]:
        """The entries called `names`, or all."""
        today, accepted = business_day(self.clock()), acceptance(unit)
        found: list[Entry] = []
        for resource in every(unit) if names is None else unit.catalog.many(names):
            found.append(resource_entry(resource, today, accepted))
            self._note(resource, today)
        wanted = [repo for repo in datasets(unit) if names is None or f"{DATASET}{repo.id}" in set(names)]
        return found + dataset_entries(unit, wanted, today, accepted)

    def _note(self, resource: Resource, today: date) -> None:
        self._properties[resource.id] = tuple(str(getattr(resource, name)) for name in FACETS)
        later = [item.effective_from for item in resource.attributes if item.effective_from > today.isoformat()]
        if later:
            self._coming[resource.id] = min(later)
        else:
            self._coming.pop(resource.id, None)


def engine_named(name: str) -> Callable[[Sequence[Entry]], Engine] | None:
    """Tantivy where it is asked for and installed, else None: numpy does it all."""
    if name not in ENGINES:
        raise Invalid("form.not_choice", field="search_engine", choices=", ".join(ENGINES))
    return Tantivy if name == "tantivy" and find_spec("tantivy") else None


def every(unit: Unit) -> Iterable[Resource]:
    after = ""
    while batch := unit.catalog.search(after=after, limit=_BATCH):
        yield from batch
        after = batch[-1].id


def touched(unit: Unit, since: int) -> set[str]:
    """Ids of entries that leaves after `since` speak of."""
    names: set[str] = set()
    for _, entry, *_ in unit.ledger.rows(since):
        if b'"resource:' in entry:
            names.add(json.loads(entry)["stream"].partition(":")[2])
        elif b'"release.' in entry:
            names.update(f"{DATASET}{repo.id}" for repo in datasets(unit))
    return names


def datasets(unit: Unit) -> Sequence[Repo]:
    """Repositories whose release anybody may know of."""
    return [repo for repo, _ in unit.repos.touched() if repo.head and not repo.private]


def dataset_entries(unit: Unit, repos: Sequence[Repo], today: date, accepted: Mapping[str, float]) -> list[Entry]:
    if not repos:
        return []
    released = {str(case.data["dataset"]): case.data for case in reversed(unit.cases.list(flow="release", states=("released",)))}
    found = []
    for repo in repos:
        data = released.get(repo.id, {})
        parents = [resource_entry(item, today, accepted) for item in unit.catalog.many(data.get("resources") or ())]
        found.append(dataset_entry(repo, data, parents, accepted))
    return found


def acceptance(unit: Unit) -> dict[str, float]:
    """How often an entry was taken where it was offered, drawn towards a half while there are few offers."""
    offered, chosen = Counter[str](), Counter[str]()
    for case in unit.cases.list(flow="demand", states=("offered", "accepted", "fulfilled", "closed")):
        offered.update(str(name) for name in case.data.get("offers", ()))
        if case.data.get("chosen"):
            chosen[str(case.data["chosen"])] += 1
    return {name: (chosen[name] + 1) / (count + 2) for name, count in offered.items()}


def synonyms(unit: Unit) -> list[tuple[str, str]]:
    """Pairs that people approved."""
    return [(value["pair"][0], value["pair"][1]) for _, value in unit.documents.list(SYNONYM)]


def thesaurus(unit: Unit) -> Thesaurus:
    return base_thesaurus().grown(synonyms(unit))
