"""Registration (article 3; Interim Measures 26/2025): apply, accept, formal review, public notice, code.

A change or correction is a case of its own that names the code it revises; the old code stays in force until the new case is coded, and
is kept. A code is never given twice. What is cancelled or expired suspends every authorization that rests on it in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid
from corpushub.base.identity import business_day
from corpushub.base.rulebook import Deadline, add_years
from corpushub.domain.catalog import incomplete
from corpushub.domain.flows.authorization import LIVE
from corpushub.domain.flows.shared import NOTE, REASON, known_resources, other_person_than, remember, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role, credit_check
from corpushub.domain.workflow import (
    ANYBODY,
    CLOCK,
    OPENER,
    SIGNED_IN,
    Act,
    Amend,
    Case,
    Clock,
    Context,
    Data,
    Event,
    Flow,
    Reaction,
    Seat,
    step,
)

KINDS = ("first", "change", "correct")
UNDER_WAY = ("submitted", "fix", "accepted", "notice", "disputed")
MATERIALS = ("applicant", "legality", "situation", "evidence", "products", "scenarios", "risk_assessment")


def materials_complete(case: Case, _: Actor, __: Data, ___: Context) -> HubError | None:
    missing = [name for name in MATERIALS if not (case.data.get("materials") or {}).get(name)]
    return Invalid("registration.materials", missing=", ".join(missing)) if missing else None


def entry_complete(case: Case, _: Actor, __: Data, context: Context) -> HubError | None:
    """All missing points at once, so that nobody is sent back twice."""
    entry = context.facts.resource(case.data["resource"])
    missing = incomplete(entry) if entry else ()
    return (
        Conflict("registration.entry_incomplete", resource=case.data["resource"], missing=", ".join(missing)) if missing else None
    )


def not_registered_twice(_: Case, __: Actor, data: Data, context: Context) -> HubError | None:
    running = context.facts.cases("registration", subject=data["resource"], states=UNDER_WAY)
    if running:
        return Conflict("registration.running", resource=data["resource"], case=running[0].id)
    entry = context.facts.resource(data["resource"])
    code = entry.registration_code if entry else ""
    if data["kind"] == "first" and code:
        return Conflict("registration.has_code", resource=data["resource"], registration_code=code)
    if data["kind"] != "first" and not code:
        return Conflict("registration.has_no_code", resource=data["resource"])
    return None


def commitment_signed(case: Case, _: Actor, __: Data, ___: Context) -> HubError | None:
    return None if case.data.get("commitment") else Invalid("registration.commitment")


def holder_applies(_: Case, actor: Actor, data: Data, context: Context) -> HubError | None:
    """A correction may come from anybody with an interest; everything else from the owner or an operator."""
    entry = context.facts.resource(data["resource"])
    if data["kind"] == "correct" or entry is None or actor.org == entry.owner or actor.has(Role.OPERATOR):
        return None
    return Forbidden("registration.not_holder", resource=data["resource"], owner=entry.owner)


def give_code(case: Case, _: Actor, __: Data, context: Context) -> Data:
    """Code, first and last day in force. A revision keeps its code."""
    entry = context.facts.resource(case.data["resource"])
    held = entry.registration_code if entry and case.data["kind"] != "first" else ""
    region = (entry.region if entry and entry.region else case.data["resource"])[:6]
    body = f"{region}{case.id[-11:]}".translate(str.maketrans("ISOVZ", "1XYUA"))[-17:]
    years = context.rules.number("registration.validity")
    code = held or f"{region}-{case.id[-10:]}-{credit_check(body)}"
    return {"registration_code": code, "coded_on": context.day.isoformat(), "valid_to": _last_day(context, years)}


def renewed(_: Case, __: Actor, ___: Data, context: Context) -> Data:
    return {"valid_to": _last_day(context, context.rules.number("registration.validity"))}


def _last_day(context: Context, years: int) -> str:
    return (add_years(context.day, years) - timedelta(days=1)).isoformat()


def notice_left(case: Case, _: Actor, __: Data, context: Context) -> Data:
    """Working days of public notice still to run when somebody objects; they continue when the objection is dismissed."""
    total = int(case.data.get("notice_days", context.rules.number("registration.notice")))
    used = context.rules.working_days(business_day(case.entered_at), context.day)
    return {"notice_days": max(1, total - used), "objected": True}


def notice_ends(case: Case, context: Context) -> datetime | None:
    days = int(case.data.get("notice_days", context.rules.number("registration.notice")))
    return context.rules.add_working_days(business_day(case.entered_at), days).moment


def window_opens(case: Case, context: Context) -> datetime | None:
    last = datetime.fromisoformat(case.data["valid_to"]).date()
    return Deadline(last - timedelta(days=context.rules.number("registration.renewal_window")), provisional=False).moment


def runs_out(case: Case, _: Context) -> datetime | None:
    return Deadline(datetime.fromisoformat(case.data["valid_to"]).date(), provisional=False).moment


def publish_code(case: Case, _: Event, __: Context) -> Iterable[Reaction]:
    code = {"registration_code": case.data["registration_code"], "registration_to": case.data["valid_to"], "state": "published"}
    yield Amend(case.data["resource"], "registered", code)


def replace_older(case: Case, _: Event, context: Context) -> Iterable[Reaction]:
    for older in context.facts.cases("registration", subject=case.data["resource"], states=("coded", "expiring")):
        if older.id != case.id:
            yield Act(older.id, "replace", {"by_case": case.id})


def suspend_authorizations(case: Case, event: Event, context: Context) -> Iterable[Reaction]:
    """Nothing may be operated on what is no longer registered (5.2, revocation effects)."""
    yesterday = (context.day - timedelta(days=1)).isoformat()
    yield Amend(case.data["resource"], "registration_ended", {"registration_to": yesterday, "state": "lapsed"})
    for running in context.facts.cases("authorization", states=LIVE):
        if case.data["resource"] in running.data.get("resources", ()):
            yield Act(running.id, "suspend", {"reason": f"{case.id} {event.name}"})


APPLY = (
    Field("resource", "resource"),
    Field("kind", "choice", choices=KINDS),
    Field("materials", "record"),
    Field("evidence_digest", "digest"),
    Field("commitment", "bool"),
    Field("delegate", "org", required=False),
)
REGISTRAR = Seat(Role.REGISTRAR)
EVIDENCE = Field("evidence", "note", min_len=4)
EDIT = (
    Field("materials", "record", required=False),
    Field("evidence_digest", "digest", required=False),
    Field("commitment", "bool", required=False),
)
COMPLETE = (materials_complete, commitment_signed, entry_complete)

FLOW = Flow(
    name="registration",
    prefix="reg",
    subject="resource",
    public_states=("notice", "disputed", "coded", "expiring", "expired", "cancelled", "replaced"),
    opening=step(
        "open",
        "-> draft",
        "opened",
        SIGNED_IN,
        fields=APPLY,
        guards=(known_resources("resource"), holder_applies, not_registered_twice),
    ),
    transitions=(
        step("edit", "draft, fix ->", "edited", OPENER, fields=EDIT, involves=True),
        step("submit", "draft -> submitted", "submitted", OPENER, guards=COMPLETE, involves=True),
        step("withdraw", "draft, submitted, fix -> withdrawn", "withdrawn", OPENER),
        step("accept", "submitted -> accepted", "accepted", REGISTRAR, decides="org", derive=remember("accept")),
        step("request_fix", "submitted -> fix", "fix_requested", REGISTRAR, fields=(Field("points", "words"),), decides="org"),
        step("resubmit", "fix -> submitted", "resubmitted", OPENER, guards=COMPLETE, involves=True),
        step("refuse", "submitted -> refused", "refused", REGISTRAR, fields=(REASON,), decides="org"),
        step(
            "pass_formal",
            "accepted -> notice",
            "passed_formal_review",
            REGISTRAR,
            fields=(NOTE,),
            decides="org",
            derive=remember("pass_formal"),
            effects=(tell("notice.registration_published", "opener"),),
        ),
        step("reject", "accepted -> refused", "rejected", REGISTRAR, fields=(REASON,), decides="org"),
        step("object", "notice -> disputed", "objected", ANYBODY, fields=(REASON, EVIDENCE), derive=notice_left),
        step(
            "dismiss",
            "disputed -> notice",
            "objection_dismissed",
            REGISTRAR,
            fields=(REASON,),
            decides="org",
            guards=(other_person_than("accept", "pass_formal"),),
        ),
        step(
            "uphold",
            "disputed -> fix",
            "objection_upheld",
            REGISTRAR,
            fields=(REASON, Field("points", "words")),
            decides="org",
            guards=(other_person_than("accept", "pass_formal"),),
        ),
        step(
            "refuse_upheld",
            "disputed -> refused",
            "refused_after_objection",
            REGISTRAR,
            fields=(REASON,),
            decides="org",
            guards=(other_person_than("accept", "pass_formal"),),
        ),
        step(
            "end_notice",
            "notice -> coded",
            "coded",
            CLOCK,
            due=notice_ends,
            derive=give_code,
            effects=(publish_code, replace_older, tell("notice.registration_coded", "opener")),
        ),
        step(
            "open_renewal",
            "coded -> expiring",
            "renewal_opened",
            CLOCK,
            due=window_opens,
            effects=(tell("notice.registration_expiring", "opener"),),
        ),
        step("renew", "expiring -> coded", "renewed", OPENER, derive=renewed, effects=(publish_code,), guards=(entry_complete,)),
        step(
            "expire",
            "expiring -> expired",
            "expired",
            CLOCK,
            due=runs_out,
            effects=(suspend_authorizations, tell("notice.registration_expired", "opener")),
        ),
        step(
            "cancel",
            "coded, expiring -> cancelled",
            "cancelled",
            OPENER,
            REGISTRAR,
            fields=(REASON,),
            effects=(suspend_authorizations,),
        ),
        step("replace", "coded, expiring -> replaced", "replaced", CLOCK, fields=(Field("by_case", "case"),)),
    ),
    clocks=(
        Clock(
            "formal_review",
            "registration.formal_review",
            ("submitted", "accepted"),
            ("notice", "refused", "withdrawn"),
            ("fix", "draft"),
        ),
    ),
)
