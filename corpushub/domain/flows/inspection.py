"""Inspection (articles 2, 6, 20): a sample drawn from a seed anybody can repeat, findings, orders to rectify with a due day, evidence of closure.

Nobody decides on the inspection of their own organisation, whatever seat they hold; whoever ordered to rectify does not close alone, but their
office may.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from corpushub.base.errors import Forbidden, HubError, Invalid
from corpushub.domain.flows.shared import NOTE, REASON, known_org, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.workflow import Case, Clock, Context, Data, Flow, Guard, Seat, step

ORDER = (
    Field("title"),
    Field("inspected", "org"),
    Field("about", required=False),
    Field("seed", required=False),
    Field("population", "words", required=False),
    Field("sample_size", "int", required=False),
)


def draw(population: Sequence[str], size: int, seed: str) -> list[str]:
    """The same sample from the same seed, whatever the order of the population: the smallest salted digests."""
    return sorted(set(population), key=lambda name: hashlib.sha256(f"{seed}\0{name}".encode()).hexdigest())[:size]


def note_sample(_: Case, __: Actor, data: Data, ___: Context) -> Data:
    return {"sample": draw(data["population"], data["sample_size"], data["seed"])} if data.get("population") else {}


def sample_stated(_: Case, __: Actor, data: Data, ___: Context) -> HubError | None:
    if data.get("population") and not (data.get("seed") and data.get("sample_size", 0) > 0):
        return Invalid("inspection.sample")
    return None


def from_outside(command: str) -> Guard:
    def guard(case: Case, actor: Actor, _: Data, context: Context) -> HubError | None:
        inspected = str(case.data["inspected"])
        if inspected in {actor.org, context.facts.org_of(actor.on_behalf_of)}:
            return Forbidden("case.own_org", command=command, case=case.id, org=inspected)
        return None

    return guard


INSPECTORS = (Seat(Role.IMPLEMENTER), Seat(Role.AUTHORITY), Seat(Role.SUPERVISOR), Seat(Role.AUDITOR))
INSPECTED = Seat(party="inspected")

FLOW = Flow(
    name="inspection",
    prefix="ins",
    subject="inspected",
    orgs=("inspected",),
    readers=(INSPECTED, *INSPECTORS),
    opening=step(
        "open",
        "-> begun",
        "begun",
        *INSPECTORS,
        fields=ORDER,
        guards=(known_org("inspected"), sample_stated),
        derive=note_sample,
        effects=(tell("notice.inspection_begun", "inspected"),),
    ),
    transitions=(
        step("clear", "begun -> closed", "found_clear", *INSPECTORS, fields=(NOTE,), guards=(from_outside("clear"),)),
        step(
            "order",
            "begun, rectified -> ordered",
            "rectification_ordered",
            *INSPECTORS,
            fields=(Field("findings", "records"), REASON),
            guards=(from_outside("order"),),
            effects=(tell("notice.inspection_order", "inspected"),),
        ),
        step("rectify", "ordered -> rectified", "rectified", INSPECTED, fields=(Field("evidence", "note", min_len=4),)),
        step(
            "close",
            "rectified -> closed",
            "closed",
            *INSPECTORS,
            fields=(NOTE,),
            guards=(from_outside("close"),),
            decides="person",
        ),
    ),
    clocks=(Clock("rectify", "inspection.rectify", ("ordered",), ("rectified", "closed")),),
)
