"""Indicators kept as the record grows, so that a dashboard of a million events costs what happened since it was last asked.

What is kept is a fold of the record up to a number (of everything, and of each month), under the rulebook it was counted with: another
rulebook, or nothing kept, and the record is read from its beginning. It can be thrown away at any time; what it says is what the record says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from corpushub.base.identity import business_day
from corpushub.domain.flows import flows
from corpushub.domain.indicators import ENDS, Tally, Waiting, counted_types, spans_ended, waiting_in
from corpushub.domain.workflow import Event
from corpushub.services.cases import Cases
from corpushub.store.db import Database, Unit

KIND = "tally"
_PAGE, _ROUND = 5000, 20_000


@dataclass(slots=True)
class Kept:
    """Tallies of the record up to event number `upto`: everything, and month by month (`2026-11`, Beijing time)."""

    rules: str
    upto: int = 0
    everything: Tally = field(default_factory=Tally)
    months: dict[str, Tally] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        months = {month: tally.to_json() for month, tally in self.months.items()}
        return {"rules": self.rules, "upto": self.upto, "everything": self.everything.to_json(), "months": months}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Kept:
        months = {month: Tally.from_json(tally) for month, tally in value["months"].items()}
        return cls(value["rules"], value["upto"], Tally.from_json(value["everything"]), months)


class Tallies:
    def __init__(self, *, database: Database, cases: Cases) -> None:
        self.database = database
        self.rules = cases.rules

    def current(self, unit: Unit) -> Kept:
        """What is kept and what came since; nothing is written."""
        kept = self._kept(unit)
        while self._advance(unit, kept):
            pass
        return kept

    def keep_up(self) -> int:
        """Fold what is new into what is kept, some twenty thousand events at most; upkeep. How far that is."""
        with self.database.read() as unit:
            kept = self._kept(unit)
            before = kept.upto
            while kept.upto - before < _ROUND and self._advance(unit, kept):
                pass
        if kept.upto > before:
            with self.database.begin() as unit:
                if self._kept(unit).upto == before:  # else somebody else did it
                    unit.documents.put(KIND, "all", kept.to_json())
        return kept.upto

    def _kept(self, unit: Unit) -> Kept:
        held = unit.documents.get(KIND, "all")
        return Kept.from_json(held) if held is not None and held["rules"] == self.rules.digest else Kept(self.rules.digest)

    def _advance(self, unit: Unit, kept: Kept) -> bool:
        """Count one page of the record; was there more than that?"""
        page = unit.events.since(kept.upto, types=sorted(counted_types(flows())), limit=_PAGE)
        waiting = self._waiting(unit, page)
        for seq, event in page:
            self._count(kept, event, waiting)
            kept.upto = seq
        return len(page) == _PAGE

    def _waiting(self, unit: Unit, page: Sequence[tuple[int, Event]]) -> Waiting:
        """Spans under way before this page, in the streams where it ends some."""
        first: dict[str, int] = {}
        ending: set[str] = set()
        for _, event in page:
            first.setdefault(event.stream, event.version)
            if event.type in ENDS:
                ending.add(event.stream)
        older = unit.events.of_many(sorted(stream for stream in ending if first[stream] > 1))
        return waiting_in(event for stream, listed in older.items() for event in listed if event.version < first[stream])

    def _count(self, kept: Kept, event: Event, waiting: Waiting) -> None:
        day = business_day(event.at)
        ended = [(name, begun, self.rules.working_days(begun, day)) for name, begun in spans_ended(event, waiting)]
        kept.everything.add(event, [(name, days) for name, _, days in ended])
        month = kept.months.setdefault(f"{day:%Y-%m}", Tally(shown=0))
        month.add(event, [(name, days) for name, begun, days in ended if (begun.year, begun.month) == (day.year, day.month)])
