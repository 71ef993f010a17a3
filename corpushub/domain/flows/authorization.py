"""Authorization (articles 6 and 8; Implementation Norms 27/2025): an agency lets an operator work on registered entries, for purposes and a term.

Never active without the authority's approval, the agency's recorded collective decision, five mandatory sections and registered entries.
Managing and operating never meet in one organisation or person (article 14, INV-03). `active` is asked for at every delivery, not only
when something is granted. It ends through an exit: grants frozen, tokens dead, attestations, hand-over, final disclosure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid
from corpushub.base.rulebook import add_years
from corpushub.domain.catalog import Category
from corpushub.domain.flows.shared import NOTE, REASON, day_end, known_org, known_resources, period_in_order, review_named, tell
from corpushub.domain.form import Field, read_form
from corpushub.domain.parties import MANAGERS, OPERATORS, Actor, OrgKind, Role
from corpushub.domain.policy import CHANNELS, PURPOSES, Terms
from corpushub.domain.workflow import CLOCK, Act, Case, Context, Data, Event, Flow, Reaction, Seat, step

MODES = ("domain", "scenario", "whole")  # 分领域、依场景、整体授权
SECTIONS = ("conditions", "operation", "term", "exit", "security")  # 授权条件、运营模式、运营期限、退出机制、安全管理责任
MODE_FIELD = {"domain": "domains", "scenario": "scenario", "whole": "exclusions"}
EXIT_STEPS = ("holders_notified", "data_deleted", "products_handed_over", "keys_revoked", "final_disclosure")
LIVE = ("active", "amending")
AMENDABLE = ("resources", "fields", "purposes", "channels", "valid_to", "regions", "sections")

CONTENT = (
    Field("mode", "choice", choices=MODES),
    Field("implementer", "org"),
    Field("operator", "org"),
    Field("resources", "resources"),
    Field("fields", "record", required=False),
    Field("regions", "words", required=False),
    Field("purposes", "choices", choices=PURPOSES),
    Field("channels", "choices", choices=CHANNELS),
    Field("valid_from", "date"),
    Field("valid_to", "date"),
    Field("sections", "record"),
    Field("domains", "words", required=False),
    Field("scenario", "note", required=False),
    Field("exclusions", "words", required=False),
    Field("zone", "text", required=False),
    Field("consents", "record", required=False),
    Field("cooperation", "bool", required=False),
    Field("review_number", "text", required=False),
    Field("authorizer", "org", required=False),
)
DECISION = (
    Field("minutes", "text"),
    Field("decided_on", "date"),
    Field("participants", "int"),
    Field("minutes_digest", "digest"),
)
SELECTION = (
    Field("method", "choice", choices=("tender", "negotiation", "designation", "contest")),
    Field("selection_record", "note"),
)


def sections_complete(_: Case, __: Actor, data: Data, ___: Context) -> HubError | None:
    if not data:
        return None
    missing = [name for name in SECTIONS if not data["sections"].get(name)]
    if missing:
        return Invalid("authorization.sections", missing=", ".join(missing))
    wanted = MODE_FIELD[data["mode"]]
    return None if wanted == "exclusions" or data.get(wanted) else Invalid("form.missing", field=wanted)


def period_within_cap(_: Case, __: Actor, data: Data, context: Context) -> HubError | None:
    if not data:
        return None
    cap = add_years(date.fromisoformat(data["valid_from"]), context.rules.number("authorization.max_years"))
    if date.fromisoformat(data["valid_to"]) >= cap:
        return Invalid("authorization.too_long", years=context.rules.number("authorization.max_years"), ends=data["valid_to"])
    return None


def opened_by_implementer(_: Case, actor: Actor, data: Data, __: Context) -> HubError | None:
    if data and actor.org != data["implementer"]:
        return Forbidden("authorization.not_implementer", implementer=data["implementer"])
    return None


def roles_apart(case: Case, _: Actor, data: Data, context: Context) -> HubError | None:
    """The two sides are two organisations, and neither holds a seat of the other side (INV-03)."""
    terms = {**case.data, **data}
    if not terms:
        return None
    manager, operator = terms["implementer"], terms["operator"]
    if manager == operator:
        return Invalid("authorization.one_org", org=manager)
    if context.facts.roles_in(operator) & MANAGERS or context.facts.roles_in(manager) & OPERATORS:
        return Conflict("authorization.roles_mixed", implementer=manager, operator=operator)
    org = context.facts.org(operator)
    return (
        Conflict("authorization.operator_kind", operator=operator)
        if org and org.kind in {OrgKind.AUDIT, OrgKind.REGISTRY}
        else None
    )


def entries_registered(case: Case, _: Actor, __: Data, context: Context) -> HubError | None:
    """Everything in scope is registered, in date, and of a class that may be operated on (article 3, G01, G04)."""
    day = context.day.isoformat()
    for name in case.data["resources"]:
        entry = context.facts.resource(name)
        if entry is None or not entry.is_registered_on(day):
            return Conflict("authorization.unregistered", resource=name, article=3)
        if entry.secrecy or entry.classification.category is Category.CORE:
            return Conflict("authorization.secret", resource=name, article=15)
        if entry.classification.category is Category.IMPORTANT and set(case.data["channels"]) - {"compute"}:
            return Conflict("authorization.important", resource=name, article=6)
        if entry.origin == "shared" and not (case.data.get("consents") or {}).get(name):
            return Conflict("authorization.consent", resource=name)
    return None


def no_overlap(case: Case, _: Actor, __: Data, context: Context) -> HubError | None:
    """Two agreements never give one operator the same entry for the same purpose at the same time."""
    mine = case.data
    for other in context.facts.cases("authorization", states=("active", "amending", "suspended")):
        theirs = other.data
        same = set(mine["resources"]) & set(theirs["resources"])
        if (
            other.id != case.id
            and theirs["operator"] == mine["operator"]
            and same
            and set(mine["purposes"]) & set(theirs["purposes"])
            and mine["valid_from"] <= theirs["valid_to"]
            and theirs["valid_from"] <= mine["valid_to"]
        ):
            return Conflict("authorization.overlap", resource=min(same), other=other.id)
    return None


def not_ended(case: Case, _: Actor, __: Data, context: Context) -> HubError | None:
    ended = context.day.isoformat() > case.data["valid_to"]
    return Conflict("authorization.over", ended=case.data["valid_to"]) if ended else None


def has_been_decided(_: Case, __: Actor, data: Data, context: Context) -> HubError | None:
    ahead = data and data["decided_on"] > context.day.isoformat()
    return Invalid("authorization.not_decided_yet", day=data["decided_on"]) if ahead else None


def exit_complete(case: Case, _: Actor, __: Data, context: Context) -> HubError | None:
    missing = [name for name in EXIT_STEPS if name not in case.data.get("exit_done", ())]
    if missing:
        return Conflict("authorization.exit_open", missing=", ".join(missing))
    live = [item for item in entitlements_under(case, context) if item.state in {"active", "expiring", "suspended"}]
    return Conflict("authorization.grants_alive", count=len(live)) if live else None


def copies_accounted_for(case: Case, _: Actor, data: Data, context: Context) -> HubError | None:
    """Every holder has said what became of the copies, or it is on record what is done about those who stay silent (article 6)."""
    rights = [item.id for item in entitlements_under(case, context)]
    asked = [item for right in rights for item in context.facts.cases("attestation", subject=right)]
    silent = sorted({str(item.data["holder"]) for item in asked if item.state in {"due", "questioned"}})
    if not silent or data.get("unattested"):
        return None
    return Invalid("authorization.unattested", count=len(silent), holders=", ".join(silent))


def note_exit_step(case: Case, _: Actor, data: Data, __: Context) -> Data:
    return {"exit_done": sorted({*case.data.get("exit_done", ()), data["step"]})}


def amended(proposed: Mapping[str, Any]) -> Data:
    """What is proposed, read as strictly as the agreement was when it was drafted. Raises: Invalid("case.form")."""
    read = read_form(tuple(item for item in CONTENT if item.name in proposed), proposed)
    lifted: Mapping[str, Any] = {"fields": {}, "regions": []}  # the limits an amendment may take away
    return {name: read.get(name, lifted.get(name)) for name in proposed}


def apply_amendment(case: Case, _: Actor, __: Data, ___: Context) -> Data:
    return {**amended(case.data.get("proposed", {})), "proposed": {}}


def amendment_valid(case: Case, actor: Actor, data: Data, context: Context) -> HubError | None:
    """An amended agreement meets every rule a new one meets: of form, and of what may be in force (articles 3, 6 and 15)."""
    proposed = data.get("proposed") or (case.data.get("proposed") if case.state == "amending" else None)
    if not proposed:
        return None
    if unknown := sorted(set(proposed) - set(AMENDABLE)):
        return Invalid("form.unknown", field=unknown[0], known=", ".join(AMENDABLE))
    try:
        terms = {**case.data, **amended(proposed)}
    except Invalid as wrong:
        return wrong
    form = (sections_complete, period_in_order, period_within_cap, known_resources())
    force = (not_ended, roles_apart, entries_registered, no_overlap)
    wider = replace(case, data=terms)
    return next((refusal for guard in (*form, *force) if (refusal := guard(wider, actor, terms, context))), None)


def entitlements_under(case: Case, context: Context) -> tuple[Case, ...]:
    return tuple(item for item in context.facts.cases("entitlement") if case.id in item.data.get("authorizations", ()))


def suspend_grants(case: Case, _: Event, context: Context) -> Iterable[Reaction]:
    for item in entitlements_under(case, context):
        if item.state in {"active", "expiring"}:
            yield Act(item.id, "suspend", {"reason": case.id})


def resume_grants(case: Case, _: Event, context: Context) -> Iterable[Reaction]:
    for item in entitlements_under(case, context):
        if item.state == "suspended" and item.data.get("reason") == case.id:
            yield Act(item.id, "resume", {"note": case.id})


def revoke_grants(case: Case, _: Event, context: Context) -> Iterable[Reaction]:
    for item in entitlements_under(case, context):
        if item.state in {"active", "expiring", "suspended", "pending"}:
            yield Act(item.id, "revoke", {"reason": case.id})
    for item in context.facts.cases("delegation", states=("active", "suspended", "accepted", "proposed")):
        if item.data.get("root") == case.id:
            yield Act(item.id, "revoke", {"reason": case.id})


def terms_of(case: Case) -> Terms:
    """What the authorization permits."""
    return Terms.from_json(case.data)


AUTHORITY = Seat(Role.AUTHORITY)
IMPLEMENTER = Seat(Role.IMPLEMENTER, "implementer")
OPERATOR = Seat(Role.OPERATOR, "operator")
SUPERVISOR = Seat(Role.SUPERVISOR)
TOLD = ("implementer", "operator")

FLOW = Flow(
    name="authorization",
    prefix="aut",
    subject="operator",
    orgs=("implementer", "operator"),
    public_states=("active", "amending", "suspended", "exiting", "ended"),
    opening=step(
        "open",
        "-> draft",
        "opened",
        Role.IMPLEMENTER,
        fields=CONTENT,
        guards=(
            opened_by_implementer,
            known_org("implementer", "operator"),
            known_resources(),
            period_in_order,
            period_within_cap,
            sections_complete,
            roles_apart,
            review_named,
        ),
    ),
    transitions=(
        step(
            "record_decision",
            "draft -> decided",
            "decision_recorded",
            IMPLEMENTER,
            fields=DECISION,
            guards=(has_been_decided,),
            involves=True,
        ),
        step("void", "draft, decided, approved, selecting, signed -> void", "voided", IMPLEMENTER, fields=(REASON,)),
        step("approve", "decided -> approved", "approved", AUTHORITY, fields=(NOTE,), decides="org", guards=(roles_apart,)),
        step(
            "refuse",
            "decided -> refused",
            "refused",
            AUTHORITY,
            fields=(REASON,),
            decides="org",
            effects=(tell("notice.refused", "opener"),),
        ),
        step(
            "select",
            "approved -> selecting",
            "operator_selected",
            IMPLEMENTER,
            fields=SELECTION,
            effects=(tell("notice.authorization_to_sign", "operator"),),
        ),
        step("sign", "selecting -> signed", "signed", OPERATOR, fields=(Field("agreement_digest", "digest"),), involves=True),
        step(
            "activate",
            "signed -> active",
            "activated",
            IMPLEMENTER,
            guards=(not_ended, roles_apart, entries_registered, no_overlap),
            effects=(tell("notice.authorization_active", *TOLD),),
        ),
        step(
            "suspend",
            "active, amending -> suspended",
            "suspended",
            AUTHORITY,
            IMPLEMENTER,
            SUPERVISOR,
            CLOCK,
            fields=(REASON,),
            effects=(suspend_grants, tell("notice.authorization_suspended", *TOLD)),
        ),
        step(
            "resume",
            "suspended -> active",
            "resumed",
            AUTHORITY,
            IMPLEMENTER,
            fields=(NOTE,),
            guards=(not_ended, entries_registered, no_overlap),
            effects=(resume_grants, tell("notice.authorization_active", *TOLD)),
        ),
        step(
            "propose_amendment",
            "active -> amending",
            "amendment_proposed",
            IMPLEMENTER,
            OPERATOR,
            fields=(Field("proposed", "record"), REASON),
            guards=(amendment_valid,),
            involves=True,
        ),
        step(
            "confirm_amendment",
            "amending -> active",
            "amended",
            AUTHORITY,
            fields=(NOTE,),
            decides="org",
            guards=(amendment_valid,),
            derive=apply_amendment,
        ),
        step("drop_amendment", "amending -> active", "amendment_dropped", AUTHORITY, IMPLEMENTER, fields=(REASON,)),
        step(
            "begin_exit",
            "active, amending, suspended -> exiting",
            "exit_begun",
            AUTHORITY,
            IMPLEMENTER,
            OPERATOR,
            fields=(REASON,),
            effects=(revoke_grants, tell("notice.authorization_exiting", *TOLD)),
        ),
        step(
            "expire",
            "active, amending, suspended -> exiting",
            "expired",
            CLOCK,
            due=day_end("valid_to"),
            effects=(revoke_grants, tell("notice.authorization_exiting", *TOLD)),
        ),
        step(
            "attest",
            "exiting ->",
            "exit_step_attested",
            OPERATOR,
            IMPLEMENTER,
            fields=(Field("step", "choice", choices=EXIT_STEPS), Field("evidence", "note")),
            derive=note_exit_step,
        ),
        step(
            "finish",
            "exiting -> ended",
            "ended",
            AUTHORITY,
            fields=(NOTE, Field("unattested", "note", required=False, min_len=4)),
            decides="org",
            guards=(exit_complete, copies_accounted_for),
        ),
    ),
)
