"""Incident (articles 15 and 16): detected, triaged, contained by freezing what is affected, notified in time, recovered, reviewed.

The freeze works in the transaction that orders it: releases are quarantined, entitlements suspended.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from corpushub.base.errors import Conflict, HubError, Invalid
from corpushub.domain.flows.shared import NOTE, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.workflow import CLOCK, Act, Case, Clock, Context, Data, Event, Flow, Notify, Reaction, step

AFFECTED = ("datasets", "entitlements")
NAMED = tuple(Field(name, "words", required=False) for name in AFFECTED)
KINDS = ("leak", "bulk_download", "over_scope", "integrity", "availability", "account", "other")
REPORT = (
    Field("title"),
    Field("kind", "choice", choices=KINDS),
    Field("text", "note", min_len=4, private=True),
    *NAMED,
    Field("orgs", "orgs", required=False),
    Field("signals", "record", required=False),
)


def in_reach(data: Data, context: Context) -> Iterable[Act]:
    """What a freeze of the datasets and entitlements `data` names does: their public versions and live entitlements, one by one."""
    for dataset in data.get("datasets", ()):
        for release in context.facts.cases("release", subject=dataset, states=("released", "superseded")):
            yield Act(release.id, "quarantine")
    for name in data.get("entitlements", ()):
        held = context.facts.case(name)
        if held is not None and held.state in {"active", "expiring"}:
            yield Act(held.id, "suspend")


def freeze(case: Case, _: Event, context: Context) -> Iterable[Reaction]:
    return (replace(act, data={"reason": case.id}) for act in in_reach(case.data, context))


def joined(case: Case, _: Actor, data: Data, __: Context) -> Data:
    """What a freeze names belongs to the incident from then on, beside what it named before."""
    return {name: list(dict.fromkeys((*case.data.get(name, ()), *data.get(name, ())))) for name in AFFECTED}


def known_names(_: Case, __: Actor, data: Data, context: Context) -> HubError | None:
    """A misspelt name would leave open what somebody believes to be frozen."""
    for dataset in data.get("datasets", ()):
        if not any(context.facts.cases(flow, subject=dataset) for flow in ("release", "entitlement")):
            return Invalid("incident.unknown_dataset", dataset=dataset)
    for name in data.get("entitlements", ()):
        if (held := context.facts.case(name)) is None or held.flow != "entitlement":
            return Invalid("incident.unknown_entitlement", entitlement=name)
    for org in data.get("orgs", ()):
        if context.facts.org(org) is None:
            return Invalid("party.unknown_org", org=org)
    return None


def something_open(case: Case, actor: Actor, data: Data, context: Context) -> HubError | None:
    """A freeze that freezes nothing must not stand in the record as one."""
    if next(iter(in_reach(joined(case, actor, data, context), context)), None) is None:
        return Invalid("incident.nothing_to_freeze")
    return None


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
    opening=step(
        "open", "-> detected", "detected", *RESPONDERS, Role.PROVIDER, Role.REVIEWER, CLOCK, fields=REPORT, guards=(known_names,)
    ),
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
            fields=NAMED,
            guards=(known_names, something_open),
            derive=joined,
        ),
        step("contain", "detected, triaged -> contained", "contained", *RESPONDERS, fields=(NOTE,), effects=(freeze,)),
        step(
            "notify",
            "detected, triaged, contained, recovered, reviewed ->",
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
        Clock("notify_authority", "incident.notify_authority", ("detected",), ("closed",), answer="notified_authorities"),
        Clock("notify_holders", "incident.notify_holders", ("triaged",), ("closed",), answer="notified_holders"),
    ),
)
