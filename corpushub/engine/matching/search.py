"""Finds the entries that serve a demand: constraints inside the search, BM25F on folded text, soft scores with reasons.

The numpy engine is always there and is the yardstick; tantivy takes its place for the first pick where it is installed
(`tantivy_search`). Ranking and explanations are the same for both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from corpushub.engine.matching.demand import Demand
from corpushub.engine.matching.entries import RELAXABLE, Column, Entry, Mask, Table, masks
from corpushub.engine.matching.index import (
    Floats,
    Index,
    Postings,
    Query,
    Statistics,
    field_texts,
    make_query,
    self_score,
    shares,
)
from corpushub.engine.matching.rank import Group, Match, Ranker, Result
from corpushub.engine.matching.rules import Thesaurus, base_thesaurus, matching_rules

_NEAR_ROWS = 20
_MERGE_AT = 5000  # entries in the small index before both become one


class Engine(Protocol):
    """Picks the rows worth ranking; the text scores decide among them."""

    name: str

    def pick(self, query: Query, demand: Demand, allowed: Mask, count: int) -> npt.NDArray[np.int64]: ...


def top(scores: Floats, allowed: Mask, count: int) -> npt.NDArray[np.int64]:
    """The best `count` allowed rows. Ties at the edge all come along, so that the order of entries decides nothing."""
    held = np.where(allowed, scores, 0.0)
    rows = np.flatnonzero(held > 0)
    if len(rows) <= count:
        return rows
    edge = np.partition(held[rows], len(rows) - count)[len(rows) - count]
    return np.asarray(rows[held[rows] >= edge], np.int64)


@dataclass(frozen=True, slots=True)
class Matcher:
    """An index over entries. Rows of `main` come first, then those of `fresh`; rows not `alive` were replaced or removed."""

    thesaurus: Thesaurus
    main: Index
    table: Table
    items: Sequence[str]
    rows: Mapping[str, int]
    alive: Mask
    fresh: Index | None = None
    engine: Engine | None = None

    @classmethod
    def of(
        cls,
        entries: Sequence[Entry],
        *,
        thesaurus: Thesaurus | None = None,
        like: Statistics | None = None,
        engine: Callable[[Sequence[Entry]], Engine] | None = None,
    ) -> Matcher:
        """Index `entries`; `like` lends the statistics of a larger collection, so that scores compare."""
        texts = field_texts([entry.texts() for entry in entries])
        return cls(
            thesaurus=thesaurus or base_thesaurus(),
            main=Index.build(texts, like),
            table=Table.of(entries),
            items=texts["items"],
            rows={entry.id: row for row, entry in enumerate(entries)},
            alive=np.ones(len(entries), np.bool_),
            engine=engine(entries) if engine else None,
        )

    def with_entries(self, changed: Sequence[Entry], removed: Iterable[str] = ()) -> Matcher:
        """The same with some entries added, replaced or gone; a few thousand changes cost milliseconds, then both indexes merge."""
        gone = {*removed, *(entry.id for entry in changed)}
        added = [*(entry for entry in self.table.entries[self.main.count :] if entry.id not in gone), *changed]
        if len(added) > _MERGE_AT:
            every = [*(entry for entry in self.living() if entry.id not in gone), *changed]
            return Matcher.of(every, thesaurus=self.thesaurus, engine=type(self.engine) if self.engine else None)
        texts = field_texts([entry.texts() for entry in added])
        alive = self.alive[: self.main.count].copy()
        alive[[row for row in (self.rows.get(name) for name in gone) if row is not None]] = False
        return replace(
            self,
            fresh=Index.build(texts, self.main.statistics) if added else None,
            table=self.table.head(self.main.count).joined(Table.of(added)),
            items=[*self.items[: self.main.count], *texts["items"]],
            alive=np.concatenate((alive, np.ones(len(added), np.bool_))),
        )

    def living(self) -> Iterator[Entry]:
        """The entries that can be found."""
        return (entry for entry, alive in zip(self.table.entries, self.alive.tolist(), strict=True) if alive)

    def among(self, names: Iterable[str]) -> Matcher:
        """A matcher of a few entries, with the statistics of all."""
        wanted = set(names)
        chosen = [entry for entry in self.living() if entry.id in wanted]
        return Matcher.of(chosen, thesaurus=self.thesaurus, like=self.main.statistics)

    def query(self, demand: Demand) -> Query:
        return make_query(demand.content, self.thesaurus)

    def match(self, demand: Demand, limit: int = 10) -> Result:
        """The best entries, what nearly fits, and what giving something up would bring."""
        ranker, stated, missed = self.ranker(demand)
        matches = self.ranked(ranker, missed, limit)
        near, relaxed, more = self.beyond(ranker, stated, missed, len(matches))
        return Result(demand, matches, near, relaxed, more, self.engine.name if self.engine else "numpy")

    def best(self, demand: Demand, limit: int) -> tuple[Match, ...]:
        """The best entries alone."""
        ranker, _, missed = self.ranker(demand)
        return self.ranked(ranker, missed, limit)

    def ranker(self, demand: Demand) -> tuple[Ranker, dict[str, Mask], Column]:
        """What ranks the entries, which of them meet each constraint that is stated, and how many each fails."""
        query = self.query(demand)
        lists = Lists(self.main, self.fresh, query)
        text = np.minimum(lists.scores() / max(self_score(query, self.main.statistics), 1e-9), 1.0).astype(np.float32)
        stated = masks(self.table, demand)
        return Ranker(self.table, demand, query, text, lists.shares, self.items, self.thesaurus), stated, self.missed(stated)

    def ranked(self, ranker: Ranker, missed: Column, limit: int) -> tuple[Match, ...]:
        """The entries that fail nothing and say enough of what is asked for, best first."""
        allowed = (missed == 0) & self.alive & (ranker.text >= matching_rules()["thresholds"]["fair"])
        return ranker.rank(self.pick(ranker.query, ranker.demand, ranker.text, allowed), limit)

    def pick(self, query: Query, demand: Demand, text: Floats, allowed: Mask) -> Column:
        """Rows worth ranking. An engine knows the main index; what is newer is picked here."""
        count = matching_rules()["bm25"]["candidates"]
        if self.engine is None:
            return top(text, allowed, count)
        inside = self.engine.pick(query, demand, allowed, count + int((~self.alive[: self.main.count]).sum()))
        newer = top(text[self.main.count :], allowed[self.main.count :], count) + self.main.count
        return np.concatenate((inside, newer))

    def missed(self, stated: dict[str, Mask]) -> Column:
        """How many stated constraints each entry fails."""
        count = np.zeros(len(self.table), np.int8)
        for mask in stated.values():
            count += ~mask
        return count

    def beyond(
        self, ranker: Ranker, stated: dict[str, Mask], missed: Column, found: int
    ) -> tuple[tuple[Match, ...], tuple[Group, ...], dict[str, int]]:
        """Near misses (one constraint failed), groups for what could be given up when there are few matches, and counts."""
        rules = matching_rules()["thresholds"]
        once = (missed == 1) & self.alive & (ranker.text >= rules["fair"])
        kept_out = {name: mask for name in RELAXABLE if name in stated and (mask := once & ~stated[name]).any()}

        def failed(row: int) -> tuple[str, ...]:
            return tuple(name for name, mask in stated.items() if not mask[row])

        groups = [
            Group(name, ranker.rank(top(ranker.text, mask, _NEAR_ROWS), rules["near"], failed)) for name, mask in kept_out.items()
        ]
        near = sorted((match for group in groups for match in group.matches), key=lambda match: -match.score)[: rules["near"]]
        more = {name: int(mask.sum()) for name, mask in kept_out.items()}
        return tuple(near), tuple(groups) if found < rules["few"] else (), more


@dataclass(frozen=True, slots=True)
class Lists:
    """The postings of one query in both indexes."""

    main: Index
    fresh: Index | None
    query: Query
    large: list[Postings] = field(init=False)
    small: list[Postings] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "large", self.main.lists(self.query))
        object.__setattr__(self, "small", self.fresh.lists(self.query) if self.fresh else [])

    def scores(self) -> Floats:
        large = self.main.scores(self.large)
        return np.concatenate((large, self.fresh.scores(self.small))) if self.fresh else large

    def shares(self, rows: Column) -> list[list[tuple[str, float]]]:
        """What each gram gave each row."""
        if self.fresh is None:
            return shares(self.large, rows)
        inside = shares(self.large, np.where(rows < self.main.count, rows, -1))
        beside = shares(self.small, rows - self.main.count)
        return [one or other for one, other in zip(inside, beside, strict=True)]
