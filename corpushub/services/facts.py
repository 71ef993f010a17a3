"""What guards may ask, answered from the running transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from corpushub.domain.catalog import Resource
from corpushub.domain.parties import Org, Role
from corpushub.domain.workflow import Case
from corpushub.store.db import Unit

Linked = Callable[[Unit, str, str], Sequence[str]]


def nothing_linked(_: Unit, __: str, ___: str) -> Sequence[str]:
    return ()


class UnitFacts:
    """Implements `domain.workflow.Facts`. `linkage` looks into the data (see `services.joins`)."""

    def __init__(self, unit: Unit, day: date, linkage: Linked = nothing_linked) -> None:
        self.unit = unit
        self.day = day
        self.linkage = linkage
        self._conflicts: dict[str, frozenset[str]] = {}  # asked again for every row that decides, of every case in a list

    def case(self, case_id: str) -> Case | None:
        return self.unit.cases.get(case_id)

    def cases(self, flow: str, *, subject: str = "", states: Sequence[str] = ()) -> Sequence[Case]:
        return self.unit.cases.list(flow=flow, subject=subject, states=states)

    def resource(self, resource_id: str) -> Resource | None:
        return self.unit.catalog.get(resource_id)

    def org(self, org_id: str) -> Org | None:
        return self.unit.parties.org(org_id)

    def roles_of(self, person: str) -> frozenset[Role]:
        """Seats in force today; none for somebody who left."""
        found = self.unit.parties.person(person)
        if found is None or found.state != "active":
            return frozenset()
        return frozenset(binding.role for binding in self.unit.parties.bindings(person=person) if binding.holds_on(self.day))

    def roles_in(self, org_id: str) -> frozenset[Role]:
        return frozenset(binding.role for binding in self.unit.parties.bindings(org=org_id) if binding.holds_on(self.day))

    def org_of(self, person: str) -> str:
        found = self.unit.parties.person(person) if person else None
        return found.org if found else ""

    def conflicts_of(self, person: str) -> frozenset[str]:
        """Organisations a person has declared an interest in that stands today."""
        if person not in self._conflicts:
            day = self.day.isoformat()
            held = self.unit.documents.list("conflict", prefix=f"{person}/")
            self._conflicts[person] = frozenset(
                str(value["org"]) for _, value in held if not value.get("ended") or day <= value["ended"]
            )
        return self._conflicts[person]

    def linked(self, dataset: str, org: str) -> Sequence[str]:
        """Versions `org` holds that single people out when joined with `dataset`."""
        return self.linkage(self.unit, dataset, org)
