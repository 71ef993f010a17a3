"""Demands nothing meets become work orders by themselves when their time is up (article 10): nobody has to remember them."""

from __future__ import annotations

from collections.abc import Iterable

from corpushub.base.identity import Clock, business_day
from corpushub.domain.parties import SYSTEM
from corpushub.services.cases import Cases
from corpushub.services.matching import Matching
from corpushub.store.db import Database, Unit

WAITING = ("pooled", "unmet", "evaluated")


class Orders:
    def __init__(self, *, database: Database, cases: Cases, matching: Matching, clock: Clock) -> None:
        self.database = database
        self.cases = cases
        self.matching = matching
        self.clock = clock

    def open_due(self) -> int:
        """Open an order for every demand that has waited longer than the rule allows and that matching calls unmet; once a day, as upkeep."""
        today = business_day(self.clock())
        with self.database.read() as unit:
            if unit.documents.get("cursor", "orders") == today.isoformat():
                return 0
            longest = self.cases.rules.number("demand.order_after")
            waiting = [
                case
                for case in unit.cases.list(flow="demand", states=WAITING, oldest_first=True)
                if self.cases.rules.working_days(business_day(case.entered_at), today) >= longest
            ]
        opened = 0
        for case in waiting:
            why = self.matching.unmet(SYSTEM, case.id)
            with self.database.begin() as unit:
                operator = operator_for(unit, why.holders) if why else ""
                if why and operator:
                    scope = f"{case.data['title']} ({', '.join(why.reasons)})"
                    self.cases.execute_in(unit, SYSTEM, case.id, "order_when_due", {"operator": operator, "scope": scope})
                    opened += 1
        with self.database.begin() as unit:
            unit.documents.put("cursor", "orders", today.isoformat())
        return opened


def operator_for(unit: Unit, holders: Iterable[str]) -> str:
    """The operator authorised over entries of the likeliest holder; of any holder, where none of those has one; empty without operators."""
    running = unit.cases.list(flow="authorization", states=("active", "amending"), oldest_first=True)
    for holder in holders:
        for case in running:
            entries = [entry for name in case.data["resources"] if (entry := unit.catalog.get(name)) is not None]
            if any(entry.owner == holder for entry in entries):
                return str(case.data["operator"])
    return str(running[0].data["operator"]) if running else ""
