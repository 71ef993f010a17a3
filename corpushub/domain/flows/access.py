"""Access request (articles 4, 5, 6, 15): who wants which dataset for what, decided by a quorum that grows with the class of the data.

The clock rests only while the request lies with the requester. An automatic approval names the person who answers for its rule, and
only for entries open without condition. A rejection has a reason code and can be appealed once, to people who did not decide it (INV-12).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid
from corpushub.domain.catalog import Attribute
from corpushub.domain.flows.shared import MORE_DAYS, NOTE, REASON, after_rule, known_org, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.policy import CHANNELS, FREE_PURPOSES, PURPOSES, unreadable_version
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
    Quorum,
    Reaction,
    Seat,
    step,
)

REASON_CODES = (
    "have_public",
    "have_on_request",
    "not_held",
    "not_collected",
    "secret",
    "personal",
    "trade_secret",
    "quality",
    "cost",
    "duplicate",
    "forwarded",
    "out_of_scope",
)
MOST_DAYS = 36_500  # the authorizations behind a release end sooner
ASK = (
    Field("dataset"),
    Field("purpose", "choice", choices=PURPOSES),
    Field("channels", "choices", choices=CHANNELS, default=["file", "stream"]),
    Field("plan", "note", min_len=10),
    Field("days", "int", required=False, least=1, most=MOST_DAYS),
    Field("versions", required=False),
    Field("members", "words", required=False),
    Field("max_rows", "int", required=False, least=1),
    Field("regions", "words", required=False),
    Field("terms_accepted", "bool"),
    Field("contest", "case", required=False),
    Field("copied_from", "case", required=False),
)
DUTIES = ("report_use", "no_resale")  # conditions of free use (article 7)
CONDITIONS = (
    Field("conditions", "note", required=False),
    Field("days", "int", required=False, least=1, most=MOST_DAYS),
    Field("max_rows", "int", required=False, least=1),
)
REFUSE = (Field("reason_code", "choice", choices=REASON_CODES), REASON)


def terms_accepted(_: Case, __: Actor, data: Data, ___: Context) -> HubError | None:
    return Invalid("access.terms") if data and not data["terms_accepted"] else None


def has_release(_: Case, __: Actor, data: Data, context: Context) -> HubError | None:
    if data and not context.facts.cases("release", subject=data["dataset"], states=("released", "superseded")):
        return Invalid("access.nothing_released", dataset=data["dataset"])
    return None


def versions_readable(_: Case, __: Actor, data: Data, ___: Context) -> HubError | None:
    word = unreadable_version(data.get("versions", ""))
    return Invalid("access.versions_unreadable", word=word) if word else None


def contest_runs(_: Case, __: Actor, data: Data, context: Context) -> HubError | None:
    """Data of a contest is asked for under a confirmed contest over this dataset that has not ended (article 9)."""
    if data.get("purpose") != "contest":
        return None
    held = context.facts.case(data.get("contest", ""))
    if held is None or held.flow != "record" or held.data["kind"] != "contest" or held.state != "confirmed":
        return Invalid("access.no_contest", contest=data.get("contest", "") or "-")
    facts = held.data["facts"]
    if data["dataset"] not in facts["datasets"] or context.day.isoformat() > facts["ends"]:
        return Conflict("access.contest_over", contest=held.id, ended=facts["ends"], dataset=data["dataset"])
    return None


def verified_org(_: Case, actor: Actor, __: Data, context: Context) -> HubError | None:
    org = context.facts.org(actor.org)
    return None if org and org.state == "active" else Forbidden("access.org_unverified", org=actor.org)


def newest_release(dataset: str, context: Context) -> Case | None:
    found = context.facts.cases("release", subject=dataset, states=("released", "superseded"))
    return found[0] if found else None


def purpose_authorized(case: Case, _: Actor, __: Data, context: Context) -> HubError | None:
    """INV-04: nothing is granted that the authorizations behind the release do not permit."""
    release = newest_release(case.data["dataset"], context)
    for grant in release.data.get("grants", ()) if release else ():
        held = context.facts.case(str(grant.get("authorization", "")))
        if held is None or held.state not in {"active", "amending"}:
            return Conflict("access.authorization_inactive", authorization=grant.get("authorization", ""))
        if case.data["purpose"] not in held.data["purposes"]:
            return Forbidden(
                "access.purpose", asked=case.data["purpose"], allowed=", ".join(held.data["purposes"]), authorization=held.id
            )
        if wide := sorted(set(case.data["channels"]) - set(held.data["channels"])):
            return Forbidden(
                "access.channel", asked=", ".join(wide), allowed=", ".join(held.data["channels"]), authorization=held.id
            )
    return None


def open_without_condition(case: Case, _: Actor, __: Data, context: Context) -> HubError | None:
    release = newest_release(case.data["dataset"], context)
    day = context.day.isoformat()
    entries = [context.facts.resource(name) for name in (release.data.get("resources", ()) if release else ())]
    if entries and all(
        entry is not None and entry.attribute_on("open_attribute", day) is Attribute.UNCONDITIONAL for entry in entries
    ):
        return None
    return Forbidden("access.not_automatic", dataset=case.data["dataset"])


def names_a_human(_: Case, actor: Actor, __: Data, ___: Context) -> HubError | None:
    return None if actor.on_behalf_of else Forbidden("access.bot_without_owner")


def level_of(case: Case, context: Context) -> int:
    """Rank of the strictest entry behind the dataset: 1 to 4 general, above 10 important."""
    release = newest_release(case.data["dataset"], context)
    entries = [context.facts.resource(name) for name in (release.data.get("resources", ()) if release else ())]
    return max((entry.classification.rank for entry in entries if entry), default=1)


def assessed(case: Case, _: Actor, __: Data, context: Context) -> HubError | None:
    """Article 15: above general grade 3 a valid third-party assessment is needed before a grant (G26)."""
    if level_of(case, context) < 4:
        return None
    today = context.day.isoformat()
    found = [
        item
        for item in context.facts.cases("assessment", subject=case.data["dataset"], states=("accepted",))
        if item.data["valid_to"] >= today
    ]
    return None if found else Conflict("access.assessment_missing", dataset=case.data["dataset"], article=15)


def joins_harmlessly(case: Case, _: Actor, __: Data, context: Context) -> HubError | None:
    """Article 15: what the asking organisation holds already, joined with this, singles nobody out."""
    held = context.facts.linked(case.data["dataset"], case.opened_org)
    return Conflict("access.linkage", dataset=case.data["dataset"], held=", ".join(held), article=15) if held else None


def quorum(case: Case, context: Context) -> Quorum:
    """1 person up to grade 2, 2 people of 2 orgs above, 3 with the chief data officer for important data"""
    level = level_of(case, context)
    if level >= 10:
        return Quorum(3, 2, frozenset({Role.CDO}))
    return Quorum(2, 2) if level >= 3 else Quorum(1, 1)


def new_panel(case: Case, actor: Actor, _: Data, __: Context) -> HubError | None:
    """Nobody who decided the first time decides the appeal."""
    decided = set(case.data.get("first_panel", ()))
    return Forbidden("access.first_panel", case=case.id) if {actor.person, actor.on_behalf_of} & decided else None


def strictest(case: Case, _: Actor, data: Data, context: Context) -> Data:
    """The shortest term, the fewest rows and every condition that any voice asked for: whoever speaks last grants no more than the others saw."""
    said = [data]
    for event in reversed(case.history):
        if event.state != case.state:
            break
        if event.name == "voted" and event.data.get("command") == "approve":
            said.insert(0, event.data)
    standing = {"days": context.rules.number("access.entitlement_days"), **case.data}
    found: dict[str, Any] = {
        name: min(one[name] for one in (standing, *said) if one.get(name))
        for name in ("days", "max_rows")
        if any(one.get(name) for one in said)
    }
    if words := list(dict.fromkeys(one["conditions"] for one in (case.data, *said) if one.get("conditions"))):
        found["conditions"] = "\n".join(words)
    return found


def note_panel(case: Case, actor: Actor, _: Data, __: Context) -> Data:
    return {"first_panel": sorted({*case.data.get("first_panel", ()), actor.person})}


def not_appealed(case: Case, _: Actor, __: Data, ___: Context) -> HubError | None:
    return Conflict("access.appealed_once", case=case.id) if case.data.get("appealed") else None


def note_appeal(_: Case, __: Actor, ___: Data, ____: Context) -> Data:
    return {"appealed": True}


def entitle(case: Case, _: Event, context: Context) -> Iterable[Reaction]:
    """What was granted, no longer than the authorizations behind it last."""
    release = newest_release(case.data["dataset"], context)
    grants = release.data.get("grants", ()) if release else ()
    authorizations = sorted({str(grant["authorization"]) for grant in grants})
    ends = [item.data["valid_to"] for name in authorizations if (item := context.facts.case(name))]
    contest = context.facts.case(case.data.get("contest", ""))
    ends += [contest.data["facts"]["ends"]] if contest is not None and case.data["purpose"] == "contest" else []
    days = int(case.data.get("days", 0)) or context.rules.number("access.entitlement_days")
    own_end = context.rules.deadline(
        "access.entitlement_days", context.day, more=days - context.rules.number("access.entitlement_days")
    )
    terms = {
        name: case.data[name]
        for name in ("purpose", "channels", "max_rows", "regions", "versions", "members", "conditions")
        if name in case.data
    }
    if case.data["purpose"] in FREE_PURPOSES:
        terms["duties"] = list(DUTIES)
    yield Open(
        "entitlement",
        {
            **terms,
            "dataset": case.data["dataset"],
            "holder": case.opened_org,
            "request": case.id,
            "authorizations": authorizations,
            "resources": list(release.data.get("resources", ())) if release else [],
            "valid_from": context.day.isoformat(),
            "valid_to": min([own_end.day.isoformat(), *ends]),
        },
        person=case.opened_by,
    )


HANDLERS = (Seat(Role.IMPLEMENTER), Seat(Role.OPERATOR), Seat(Role.PROVIDER))
DECIDERS = (Seat(Role.IMPLEMENTER), Seat(Role.REVIEWER), Seat(Role.AUTHORITY), Seat(Role.CDO))

FLOW = Flow(
    name="access",
    prefix="acc",
    subject="dataset",
    opening=step(
        "open",
        "-> draft",
        "opened",
        SIGNED_IN,
        fields=ASK,
        guards=(verified_org, terms_accepted, has_release, versions_readable, contest_runs),
    ),
    transitions=(
        step(
            "submit",
            "draft -> submitted",
            "submitted",
            OPENER,
            involves=True,
            effects=(tell("notice.access_received", "opener"),),
        ),
        step("delete", "draft -> deleted", "deleted", OPENER),
        step(
            "auto_approve",
            "submitted -> approved",
            "approved_by_rule",
            CLOCK,
            guards=(names_a_human, open_without_condition, purpose_authorized, joins_harmlessly),
        ),
        step("triage", "submitted -> in_review", "triaged", *HANDLERS, fields=(NOTE,), decides="person"),
        step(
            "forward",
            "submitted ->",
            "forwarded",
            *HANDLERS,
            fields=(Field("to", "org"), REASON),
            guards=(known_org("to"),),
            decides="person",
            effects=(tell("notice.access_forwarded", "to"),),
        ),
        step(
            "return",
            "submitted, in_review, decision -> returned",
            "returned",
            *HANDLERS,
            *DECIDERS,
            fields=(REASON,),
            decides="person",
            effects=(tell("notice.access_returned", "opener"),),
        ),
        step(
            "resubmit",
            "returned -> submitted",
            "resubmitted",
            OPENER,
            involves=True,
            fields=(Field("plan", "note", required=False, min_len=10), NOTE),
        ),
        step("withdraw", "submitted, returned, in_review, decision -> withdrawn", "withdrawn", OPENER),
        step(
            "add_review",
            "in_review ->",
            "reviewed",
            Role.REVIEWER,
            Role.ASSESSOR,
            decides="org",
            fields=(Field("opinion", "choice", choices=("for", "against", "conditional")), NOTE),
        ),
        step("propose", "in_review -> decision", "proposed", *HANDLERS, Role.REVIEWER, fields=CONDITIONS, decides="org"),
        step(
            "extend",
            "submitted, in_review, decision ->",
            "extended",
            *HANDLERS,
            fields=(MORE_DAYS, REASON),
            decides="person",
        ),
        step(
            "approve",
            "decision -> approved",
            "approved",
            *DECIDERS,
            fields=CONDITIONS,
            decides="org",
            quorum=quorum,
            guards=(new_panel, purpose_authorized, assessed, joins_harmlessly),
            derive=strictest,
            effects=(tell("notice.access_approved", "opener"),),
        ),
        step(
            "reject",
            "decision -> rejected",
            "rejected",
            *DECIDERS,
            fields=REFUSE,
            decides="org",
            guards=(new_panel,),
            derive=note_panel,
            effects=(tell("notice.access_rejected", "opener"),),
        ),
        step(
            "countersign",
            "approved -> granted",
            "countersigned",
            OPENER,
            fields=(Field("terms_digest", "digest", required=False),),
            guards=(purpose_authorized, joins_harmlessly),
            effects=(entitle,),
            involves=True,
        ),
        step(
            "lapse",
            "approved -> closed",
            "lapsed",
            CLOCK,
            due=after_rule("access.countersign"),
            effects=(tell("notice.access_lapsed", "opener"),),
        ),
        step("appeal", "rejected -> appealed", "appealed", OPENER, fields=(REASON,), guards=(not_appealed,), derive=note_appeal),
        step(
            "uphold",
            "appealed -> rejected",
            "rejection_upheld",
            Role.AUTHORITY,
            fields=REFUSE,
            decides="org",
            guards=(new_panel,),
        ),
        step(
            "overturn",
            "appealed -> decision",
            "rejection_overturned",
            Role.AUTHORITY,
            fields=(NOTE,),
            decides="org",
            guards=(new_panel,),
        ),
    ),
    clocks=(
        Clock("acknowledge", "access.acknowledge", ("submitted",), ("in_review", "approved", "withdrawn"), ("returned",)),
        Clock("decision", "access.decision", ("submitted",), ("approved", "rejected", "withdrawn"), ("returned",)),
        Clock("appeal", "access.appeal", ("appealed",), ("rejected", "decision")),
    ),
)
