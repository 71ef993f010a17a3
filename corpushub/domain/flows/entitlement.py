"""Entitlement: what an organisation may use, for how long; tokens are minted under it and die with it (article 6, 5.6).

It opens only as the consequence of a granted request. Expiry is an event. Revocation tells the holder what to do with copies.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from corpushub.base.errors import Conflict, HubError, Invalid
from corpushub.base.rulebook import Deadline
from corpushub.domain.flows.shared import NOTE, REASON, day_end, published, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.policy import CHANNELS, PURPOSES, Link, Terms
from corpushub.domain.workflow import CLOCK, Case, Context, Data, Event, Flow, Open, Reaction, Seat, step

ACTIVE = ("active", "expiring")
GRANTED = (
    Field("dataset"),
    Field("holder", "org"),
    Field("request", "case"),
    Field("authorizations", "words", required=False),
    Field("resources", "resources", required=False),
    Field("purpose", "choice", choices=PURPOSES),
    Field("channels", "choices", choices=CHANNELS),
    Field("valid_from", "date"),
    Field("valid_to", "date"),
    Field("max_rows", "int", required=False),
    Field("regions", "words", required=False),
    Field("versions", required=False),
    Field("members", "words", required=False),
    Field("conditions", "note", required=False),
    Field("duties", "words", required=False),
)


def window_opens(case: Case, context: Context) -> datetime | None:
    last = datetime.fromisoformat(case.data["valid_to"]).date()
    return Deadline(last - timedelta(days=context.rules.number("access.renewal_window")), provisional=False).moment


def authorized_longer(case: Case, _: Actor, __: Data, context: Context) -> HubError | None:
    """A renewal never outlives the authorizations behind it."""
    ends = [
        item.data["valid_to"]
        for name in case.data.get("authorizations", ())
        if (item := context.facts.case(name)) and item.state == "active"
    ]
    if len(ends) < len(case.data.get("authorizations", ())) or (ends and min(ends) <= case.data["valid_to"]):
        return Conflict("entitlement.cannot_renew", case=case.id)
    return None


def version_id(dataset: str, named: str) -> str:
    """`owner/name@1.0.0` of a version named so, or by its number alone."""
    return f"{dataset}@{named.removeprefix(f'{dataset}@').removeprefix('v')}"


def known_versions(case: Case, _: Actor, data: Data, context: Context) -> HubError | None:
    """A recall finds whoever used a version by its name: one that never was out would be found by nobody."""
    dataset = str(case.data["dataset"])
    known = [version_id(dataset, item.data["version"]) for item in published(dataset, context)]
    unknown = [named for named in data.get("versions_used", ()) if version_id(dataset, named) not in known]
    return Invalid("entitlement.unknown_version", version=unknown[0], known=", ".join(known) or "-") if unknown else None


def use_kept(case: Case, _: Actor, data: Data, __: Context) -> Data:
    """Every report stays: the next model is trained on another version (article 9)."""
    ids = [version_id(str(case.data["dataset"]), named) for named in data["versions_used"]]
    use = {"model": data["model"], "task": data["task"], "versions_used": ids}
    return {"versions_used": ids, "uses": [*case.data.get("uses", ()), use]}


def models_of(entitlement: Case, version: str = "") -> list[str]:
    """Models its holder reported, of one version (`owner/name@1.0.0`) or of all."""
    uses = [use for use in entitlement.data.get("uses", ()) if not version or version in use["versions_used"]]
    return sorted({str(use["model"]) for use in uses})


def authorizations_active(case: Case, _: Actor, __: Data, context: Context) -> HubError | None:
    for name in case.data.get("authorizations", ()):
        held = context.facts.case(name)
        if held is None or held.state not in {"active", "amending"}:
            return Conflict("access.authorization_inactive", authorization=name)
    return Conflict("entitlement.over", ended=case.data["valid_to"]) if case.data["valid_to"] < context.day.isoformat() else None


def renewed(case: Case, _: Actor, __: Data, context: Context) -> Data:
    ends = [item.data["valid_to"] for name in case.data.get("authorizations", ()) if (item := context.facts.case(name))]
    return {"valid_to": min([context.rules.deadline("access.entitlement_days", context.day).day.isoformat(), *ends])}


def ask_attestation(case: Case, event: Event, _: Context) -> Iterable[Reaction]:
    """Copies already out: a duty with a clock (revocation effects)."""
    yield Open(
        "attestation",
        {"holder": case.data["holder"], "entitlement": case.id, "dataset": case.data["dataset"], "cause": event.name},
    )


def link_of(case: Case) -> Link:
    """The entitlement as a link of the delivery chain."""
    terms = Terms.from_json({**case.data, "purposes": [case.data["purpose"]], "fields": {}})
    return Link("entitlement", case.id, terms, case.state, active=case.state in ACTIVE)


HOLDER = Seat(party="holder")
GRANTORS = (Seat(Role.IMPLEMENTER), Seat(Role.AUTHORITY), Seat(Role.OPERATOR))
STOPPERS = (*GRANTORS, Seat(Role.SUPERVISOR), CLOCK)

FLOW = Flow(
    name="entitlement",
    prefix="ent",
    subject="dataset",
    readers=(HOLDER, *STOPPERS),
    opening=step("open", "-> active", "granted", CLOCK, fields=GRANTED),
    transitions=(
        step(
            "suspend",
            "active, expiring -> suspended",
            "suspended",
            *STOPPERS,
            fields=(REASON,),
            effects=(tell("notice.entitlement_suspended", "holder"),),
        ),
        step(
            "resume",
            "suspended -> active",
            "resumed",
            Role.IMPLEMENTER,
            Role.AUTHORITY,
            CLOCK,
            fields=(NOTE,),
            guards=(authorizations_active,),
            effects=(tell("notice.entitlement_resumed", "holder"),),
        ),
        step(
            "open_renewal",
            "active -> expiring",
            "renewal_opened",
            CLOCK,
            due=window_opens,
            effects=(tell("notice.entitlement_expiring", "holder"),),
        ),
        step(
            "renew",
            "expiring -> active",
            "renewed",
            Role.IMPLEMENTER,
            Role.AUTHORITY,
            fields=(NOTE,),
            decides="org",
            guards=(authorized_longer,),
            derive=renewed,
            effects=(tell("notice.entitlement_renewed", "holder"),),
        ),
        step(
            "expire",
            "active, expiring, suspended -> expired",
            "expired",
            CLOCK,
            due=day_end("valid_to"),
            effects=(tell("notice.entitlement_expired", "holder"), ask_attestation),
        ),
        step(
            "exhaust",
            "active, expiring -> exhausted",
            "exhausted",
            CLOCK,
            fields=(Field("rows", "int"),),
            effects=(tell("notice.entitlement_exhausted", "holder"),),
        ),
        step(
            "revoke",
            "active, expiring, suspended, exhausted -> revoked",
            "revoked",
            *STOPPERS,
            fields=(REASON,),
            effects=(tell("notice.entitlement_revoked", "holder"), ask_attestation),
        ),
        step(
            "give_up", "active, expiring, suspended -> revoked", "given_up", HOLDER, fields=(REASON,), effects=(ask_attestation,)
        ),
        step(
            "report_use",
            "active, expiring, expired, exhausted, revoked, suspended ->",
            "use_reported",
            HOLDER,
            fields=(Field("model"), Field("task", "note"), Field("versions_used", "words")),
            guards=(known_versions,),
            derive=use_kept,
        ),
    ),
)
