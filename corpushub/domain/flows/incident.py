"""Incident (articles 15 and 16): detected, triaged, contained by freezing what is affected, notified in time, recovered, reviewed.

The freeze works in the transaction that orders it: releases are quarantined, entitlements suspended.
"""

from __future__ import annotations

from collections.abc import Iterable

from corpushub.base.errors import Conflict, HubError
from corpushub.domain.flows.shared import NOTE, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.workflow import CLOCK, Act, Case, Clock, Context, Data, Event, Flow, Notify, Reaction, step

KINDS = ("leak", "bulk_download", "over_scope", "integrity", "availability", "account", "other")
REPORT = (
    Field("title"),
    Field("kind", "choice", choices=KINDS),
    Field("text", "note", min_len=4, private=True),
    Field("datasets", "words", required=False),
    Field("entitlements", "words", required=False),
    Field("orgs", "orgs", required=False),
    Field("signals", "record", required=False),
)


def freeze(case: Case, event: Event, context: Context) -> Iterable[Reaction]:
    for dataset in event.data.get("datasets", case.data.get("datasets", ())):
        for release in context.facts.cases("release", subject=dataset, states=("released", "superseded")):
            yield Act(release.id, "quarantine", {"reason": case.id})
    for name in event.data.get("entitlements", case.data.get("entitlements", ())):
        held = context.facts.case(name)
        if held is not None and held.flow == "entitlement" and held.state in {"active", "expiring"}:
            yield Act(held.id, "suspend", {"reason": case.id})


def tell_holders(case: Case, _: Event, context: Context) -> Iterable[Reaction]:
    holders = {
        str(item.data["holder"])
        for dataset in case.data.get("datasets", ())
        for item in context.facts.cases("entitlement", subject=dataset)
    } | set(case.data.get("orgs", ()))
    if holders:
        yield Notify(tuple(sorted(holders)), "notice.incident_holders", {"case": case.id})


def notified_before(case: Case, _: Actor, __: Data, ___: Context) -> HubError | None:
    missing = [name for name in ("authorities", "holders") if not case.data.get(f"notified_{name}")]
    return Conflict("incident.not_notified", missing=", ".join(missing)) if missing else None


def note_notified(_: Case, __: Actor, data: Data, ___: Context) -> Data:
    return {f"notified_{data['whom']}": True}


RESPONDERS = (Role.OPERATOR, Role.IMPLEMENTER, Role.AUTHORITY, Role.SUPERVISOR)

FLOW = Flow(
    name="incident",
    prefix="inc",
    subject="kind",
    opening=step("open", "-> detected", "detected", *RESPONDERS, Role.PROVIDER, Role.REVIEWER, CLOCK, fields=REPORT),
    transitions=(
        step(
            "triage",
            "detected -> triaged",
            "triaged",
            *RESPONDERS,
            fields=(Field("level", "choice", choices=("1", "2", "3", "4")), NOTE),
        ),
        step(
            "dismiss",
            "detected, triaged -> closed",
            "dismissed",
            Role.AUTHORITY,
            Role.SUPERVISOR,
            fields=(NOTE,),
            decides="person",
        ),
        step(
            "freeze",
            "detected, triaged, contained ->",
            "frozen",
            *RESPONDERS,
            effects=(freeze,),
            fields=(Field("datasets", "words", required=False), Field("entitlements", "words", required=False)),
        ),
        step("contain", "detected, triaged -> contained", "contained", *RESPONDERS, fields=(NOTE,), effects=(freeze,)),
        step(
            "notify",
            "triaged, contained, recovered ->",
            "notified",
            Role.OPERATOR,
            Role.IMPLEMENTER,
            Role.AUTHORITY,
            derive=note_notified,
            fields=(Field("whom", "choice", choices=("authorities", "holders")), Field("how", "note", min_len=2)),
            effects=(tell_holders,),
        ),
        step("recover", "contained -> recovered", "recovered", *RESPONDERS, fields=(Field("measures", "note", min_len=4),)),
        step(
            "review",
            "recovered -> reviewed",
            "reviewed",
            Role.AUTHORITY,
            Role.SUPERVISOR,
            Role.REVIEWER,
            decides="person",
            fields=(Field("cause", "note", min_len=4), Field("lessons", "note", min_len=4)),
        ),
        step(
            "close",
            "reviewed -> closed",
            "closed",
            Role.AUTHORITY,
            Role.SUPERVISOR,
            guards=(notified_before,),
            decides="person",
            effects=(tell("notice.incident_closed", "orgs"),),
        ),
    ),
    clocks=(
        Clock("notify_authority", "incident.notify_authority", ("detected",), ("recovered", "reviewed", "closed")),
        Clock("notify_holders", "incident.notify_holders", ("triaged",), ("reviewed", "closed")),
    ),
)
