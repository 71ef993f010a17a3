"""Demand (articles 5 and 10): somebody needs data; it is acknowledged, matched, offered, pooled or made to order - or answered why not.

Two clocks: the first reply and the fulfilment. A demand is never closed without an offer accepted or one of twelve reason codes, and the one
who asked rates it and may have it reopened once.
"""

from __future__ import annotations

from collections.abc import Iterable

from corpushub.base.errors import Conflict, HubError, Invalid
from corpushub.domain.flows.access import REASON_CODES
from corpushub.domain.flows.shared import NOTE, REASON, known_data, known_org, operates, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.policy import PURPOSES
from corpushub.domain.workflow import (
    CLOCK,
    OPENER,
    SIGNED_IN,
    Case,
    Clock,
    Context,
    Data,
    Event,
    Flow,
    Open,
    Reaction,
    Seat,
    step,
)

ASK = (
    Field("title", min_len=2),
    Field("text", "note", min_len=4, private=True),
    Field("purpose", "choice", choices=PURPOSES, required=False),
    Field("parsed", "record", required=False),
    Field("budget", "int", required=False),
    Field("deadline", "date", required=False),
    Field("public", "bool", required=False),
    Field("copied_from", "case", required=False),
)
DECLINE = (Field("reason_code", "choice", choices=REASON_CODES), REASON, Field("refer_to", required=False))


def referred(_: Case, __: Actor, data: Data, ___: Context) -> HubError | None:
    needs = data.get("reason_code") in {"duplicate", "forwarded", "have_public", "have_on_request"}
    return Invalid("demand.refer_to", reason_code=data["reason_code"]) if needs and not data.get("refer_to") else None


def one_of_the_offers(case: Case, _: Actor, data: Data, __: Context) -> HubError | None:
    offers = case.data["offers"]
    return (
        None
        if data.get("chosen") in offers
        else Invalid("demand.not_offered", chosen=data.get("chosen", "-"), offers=", ".join(offers))
    )


def reopened_once(case: Case, _: Actor, __: Data, ___: Context) -> HubError | None:
    return Conflict("demand.reopened_once", case=case.id) if case.data.get("reopened") else None


def note_reopened(_: Case, __: Actor, ___: Data, ____: Context) -> Data:
    return {"reopened": True}


def make_order(case: Case, event: Event, _: Context) -> Iterable[Reaction]:
    """A custom-made dataset begins where a demand can't be met from what there is."""
    yield Open(
        "work_order",
        {
            "demand": case.id,
            "customer": case.opened_org,
            "operator": event.data["operator"],
            "title": case.data["title"],
            "scope": event.data["scope"],
        },
        person=case.opened_by,
    )


DESK = (Seat(Role.OPERATOR), Seat(Role.PROVIDER), Seat(Role.IMPLEMENTER), Seat(Role.AUTHORITY))
OPEN = ("submitted", "acknowledged", "matching", "offered", "pooled", "unmet", "evaluated", "reopened")

FLOW = Flow(
    name="demand",
    prefix="dem",
    subject="title",
    opening=step("open", "-> draft", "opened", SIGNED_IN, fields=ASK),
    transitions=(
        step(
            "edit",
            "draft ->",
            "edited",
            OPENER,
            fields=tuple(Field(item.name, item.kind, required=False, choices=item.choices, private=item.private) for item in ASK),
        ),
        step("submit", "draft -> submitted", "submitted", OPENER, effects=(tell("notice.demand_received", "opener"),)),
        step(
            "withdraw",
            "draft, submitted, acknowledged, matching, offered, pooled, unmet, evaluated -> withdrawn",
            "withdrawn",
            OPENER,
        ),
        step(
            "acknowledge",
            "submitted, reopened -> acknowledged",
            "acknowledged",
            *DESK,
            fields=(NOTE,),
            decides="org",
            effects=(tell("notice.demand_acknowledged", "opener"),),
        ),
        step(
            "forward",
            "submitted, acknowledged ->",
            "forwarded",
            *DESK,
            fields=(Field("to", "org"), REASON),
            guards=(known_org("to"),),
            decides="org",
            effects=(tell("notice.demand_forwarded", "to"),),
        ),
        step("match", "acknowledged, pooled -> matching", "matching_begun", *DESK, decides="org"),
        step(
            "offer",
            "acknowledged, matching, pooled -> offered",
            "offered",
            *DESK,
            decides="org",
            fields=(Field("offers", "words"), Field("explanation", "records", required=False), NOTE),
            guards=(known_data("offers"),),
            effects=(tell("notice.demand_offered", "opener"),),
        ),
        step("accept", "offered -> accepted", "offer_accepted", OPENER, fields=(Field("chosen"),), guards=(one_of_the_offers,)),
        step("refuse_offer", "offered -> matching", "offer_refused", OPENER, fields=(REASON,)),
        step("pool", "acknowledged, matching -> pooled", "pooled", *DESK, fields=(Field("pool"), NOTE), decides="org"),
        step("find_unmet", "acknowledged, matching, pooled -> unmet", "found_unmet", *DESK, fields=(NOTE,), decides="org"),
        step(
            "evaluate",
            "unmet -> evaluated",
            "evaluated",
            *DESK,
            decides="org",
            fields=(Field("feasible", "bool"), Field("findings", "note", min_len=4)),
        ),
        step(
            "make_order",
            "evaluated -> work_order",
            "order_made",
            Role.OPERATOR,
            Role.IMPLEMENTER,
            decides="org",
            fields=(Field("operator", "org"), Field("scope", "note", min_len=4)),
            guards=(operates(),),
            effects=(make_order,),
        ),
        step(
            "order_when_due",
            "pooled, unmet, evaluated -> work_order",
            "order_made",
            CLOCK,
            fields=(Field("operator", "org"), Field("scope", "note", min_len=4)),
            effects=(make_order, tell("notice.demand_ordered", "opener")),
        ),
        step(
            "decline",
            "submitted, acknowledged, matching, unmet, evaluated, pooled -> declined",
            "declined",
            *DESK,
            fields=DECLINE,
            decides="org",
            guards=(referred,),
            effects=(tell("notice.demand_declined", "opener"),),
        ),
        step("fulfil", "accepted -> fulfilled", "fulfilled", OPENER, *DESK, fields=(NOTE,)),
        step("fulfil_by_order", "work_order -> fulfilled", "fulfilled", CLOCK, fields=(NOTE,)),
        step(
            "close",
            "fulfilled, declined -> closed",
            "closed",
            OPENER,
            fields=(
                Field("rating", "choice", choices=("1", "2", "3", "4", "5")),
                Field("comment", "note", required=False, private=True),
            ),
        ),
        step(
            "reopen",
            "closed, declined, fulfilled -> reopened",
            "reopened",
            OPENER,
            fields=(REASON,),
            guards=(reopened_once,),
            derive=note_reopened,
        ),
    ),
    clocks=(
        Clock("acknowledge", "demand.acknowledge", ("submitted", "reopened"), ("acknowledged", "declined", "withdrawn")),
        Clock(
            "first_reply",
            "demand.first_reply",
            ("submitted", "reopened"),
            ("offered", "pooled", "unmet", "declined", "withdrawn"),
        ),
        Clock("fulfil", "demand.fulfil", ("submitted", "reopened"), ("fulfilled", "declined", "withdrawn", "closed")),
    ),
)
