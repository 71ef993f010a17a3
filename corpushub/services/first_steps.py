"""What a new hub still needs before its first dataset is out, in the order it is needed."""

from __future__ import annotations

from dataclasses import dataclass

from corpushub.base.identity import Clock, business_day
from corpushub.domain.flows import flow_named
from corpushub.domain.parties import Actor, Role
from corpushub.store.db import Database

SEATS = (Role.PROVIDER, Role.REGISTRAR, Role.AUTHORITY, Role.IMPLEMENTER, Role.OPERATOR, Role.REVIEWER)
"""Without one of them no release comes about: nobody stands in for another."""
_CODED = ("coded", "expiring", "expired", "replaced")
_PUBLISHED = flow_named("release").public_states


@dataclass(frozen=True, slots=True)
class FirstStep:
    """`missing`: seats nobody holds, where seats are what is missing."""

    name: str
    done: bool
    missing: tuple[Role, ...] = ()


def first_steps(database: Database, clock: Clock, actor: Actor) -> tuple[FirstStep, ...]:
    """For whoever sets the hub up; nothing once a dataset is published."""
    if not actor.has(Role.ADMIN, Role.AUTHORITY):
        return ()
    with database.read() as unit:
        counts = unit.cases.counts()
        if any(("release", state) in counts for state in _PUBLISHED):
            return ()
        held = {binding.role for binding in unit.parties.bindings() if binding.holds_on(business_day(clock()))}
        entries = bool(unit.catalog.search(limit=1))
    missing = tuple(seat for seat in SEATS if seat not in held)
    return (
        FirstStep("people", not missing, missing),
        FirstStep("catalog", entries),
        FirstStep("registration", any(("registration", state) in counts for state in _CODED)),
        FirstStep("authorization", ("authorization", "active") in counts),
        FirstStep("proposal", any(flow == "release" for flow, _ in counts)),
        FirstStep("release", done=False),
    )
