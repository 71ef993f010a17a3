"""Release of a dataset version (articles 9, 10, 15, 16): gates, approval by two people of two organisations, publication, recall.

Whoever built, proposed or operates it never approves, nor anybody of their organisation (INV-02, INV-08). What is published has the digest
that was gated and approved (INV-07). One person may start a quarantine at once; lifting it or withdrawing takes two. A withdrawn version
leaves a tombstone for ever (INV-13).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid
from corpushub.domain.flows.entitlement import models_of
from corpushub.domain.flows.objection import is_blocking
from corpushub.domain.flows.shared import NOTE, REASON, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.workflow import (
    CLOCK,
    OPENER,
    Act,
    Case,
    Clock,
    Context,
    Data,
    Event,
    Flow,
    Notify,
    Quorum,
    Reaction,
    Seat,
    step,
)

DRAFT = (
    Field("dataset"),
    Field("version"),
    Field("manifest_digest", "digest"),
    Field("recipe_digest", "digest"),
    Field("logical_digest", "digest", required=False),
    Field("card_digest", "digest", required=False),
    Field("gates_digest", "digest", required=False),
    Field("built_by", "person"),
    Field("builder_org", "org"),
    Field("gates", "records", default=[]),
    Field("build", required=False),
    Field("previous", required=False),
    Field("resources", "resources", required=False),
    Field("grants", "records", required=False),
    Field("purpose", required=False),
    Field("licence", required=False),
    Field("rows", "int", required=False),
    Field("bytes", "int", required=False),
    Field("title", "record", required=False),
    Field("notes", "record", required=False),
    Field("change", "record", required=False),
    Field("facts", "record", required=False),
    Field("parents", "words", required=False),
    Field("level", "int", required=False),
)
STOPPED, WAIVED = "fail", "waived"


def stopping(gates: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Ids of gates that block: failed, blocking and not waived."""
    return tuple(name_of(gate) for gate in gates if gate.get("status") == STOPPED and gate.get("effect", "block") == "block")


def name_of(gate: Mapping[str, Any]) -> str:
    return str(gate.get("gate") or gate.get("id"))


def by_gates(_: Case, data: Data, __: Context) -> str:
    return "blocked" if stopping(data.get("gates", ())) else "gated"


def version_is_new(_: Case, __: Actor, data: Data, context: Context) -> HubError | None:
    """A version number is used once, also by what was withdrawn or rejected."""
    if not data:
        return None
    same = [item for item in context.facts.cases("release", subject=data["dataset"]) if item.data["version"] == data["version"]]
    taken = [item for item in same if item.state not in {"rejected", "cancelled"}]
    return (
        Conflict("release.version_taken", dataset=data["dataset"], version=data["version"], case=taken[0].id) if taken else None
    )


def gates_open(case: Case, _: Actor, __: Data, ___: Context) -> HubError | None:
    stopped = stopping(effective_gates(case.data))
    return Conflict("release.blocked", gates=", ".join(stopped)) if stopped else None


def waivers_in_date(case: Case, _: Actor, __: Data, context: Context) -> HubError | None:
    day = context.day.isoformat()
    over = [name for name, signed in case.data.get("waivers", {}).items() if any(item["expires"] < day for item in signed)]
    return Conflict("release.waiver_over", gates=", ".join(over)) if over else None


def resources_released(case: Case, _: Actor, __: Data, context: Context) -> HubError | None:
    """G01, G04: entries still registered, none secret; G24: no blocking objection on them or on the version before."""
    day = context.day.isoformat()
    for name in case.data.get("resources", ()):
        entry = context.facts.resource(name)
        if entry is None or not entry.is_registered_on(day):
            return Conflict("release.unregistered", resource=name, article=3)
        if entry.secrecy:
            return Conflict("release.secret", resource=name, article=15)
    subjects = {case.data["dataset"], *case.data.get("resources", ())}
    for item in context.facts.cases(
        "objection", states=("filed", "accepted", "checking", "confirmed", "correcting", "escalated")
    ):
        if is_blocking(item) and item.data.get("about") in subjects:
            return Conflict("release.objection_open", case=item.id, about=item.data["about"])
    return None


def grants_active(case: Case, _: Actor, __: Data, context: Context) -> HubError | None:
    """G02: every authorization the build rested on is active today (not only when it was built)."""
    for grant in case.data.get("grants", ()):
        held = context.facts.case(str(grant.get("authorization", "")))
        if held is None or held.state not in {"active", "amending"} or held.data["valid_to"] < context.day.isoformat():
            return Conflict("release.authorization_inactive", authorization=grant.get("authorization", ""), article=6)
    return None


def digest_unchanged(case: Case, _: Actor, data: Data, __: Context) -> HubError | None:
    """INV-07: whoever names a digest has to name the approved one."""
    named = data.get("manifest_digest")
    if named and named != case.data["manifest_digest"]:
        return Conflict("release.digest_differs", approved=case.data["manifest_digest"][:12], given=named[:12])
    return None


def quorum_stands(case: Case, _: Actor, __: Data, context: Context) -> HubError | None:
    """At publication at least the needed people and organisations among the approvers still hold seats (INV-08, INV-18)."""
    standing = [vote for vote in case.data.get("approvals", ()) if context.facts.roles_of(vote["person"])]
    people, orgs = {vote["person"] for vote in standing}, {vote["org"] for vote in standing}
    if len(people) < context.rules.number("release.approvers") or len(orgs) < context.rules.number("release.approver_orgs"):
        return Conflict("release.quorum_lost", people=len(people), orgs=len(orgs))
    return None


def waivable(case: Case, actor: Actor, data: Data, _: Context) -> HubError | None:
    if not data:
        return None
    found = next((gate for gate in case.data.get("gates", ()) if name_of(gate) == data["gate"]), None)
    if found is None or found.get("status") != STOPPED:
        return Invalid("release.gate_not_failed", gate=data["gate"])
    if not found.get("waivable_by"):
        return Forbidden("release.gate_not_waivable", gate=data["gate"])
    if not seat_to_sign(case, actor, found):
        return Forbidden("release.gate_waiver_seat", gate=data["gate"], seats=", ".join(found["waivable_by"]))
    return None


def seat_to_sign(case: Case, actor: Actor, gate: Mapping[str, Any]) -> str:
    """The seat from which this person may sign the gate's waiver: one the gate lists, they hold, and nobody signed from yet.

    Empty where there is none; nobody signs twice.
    """
    signed = case.data.get("waivers", {}).get(name_of(gate), ())
    if any(item["by"] == actor.person for item in signed):
        return ""
    open_seats = [seat for seat in gate["waivable_by"] if seat not in {item["role"] for item in signed}]
    held = {role.value for role in actor.roles}
    return next((seat for seat in open_seats if seat in held), "")


def add_waiver(case: Case, actor: Actor, data: Data, context: Context) -> Data:
    last = context.day + timedelta(days=context.rules.number("release.waiver_days"))
    expires = min(date.fromisoformat(data["expires"]), last) if data.get("expires") else last
    gate = next(gate for gate in case.data["gates"] if name_of(gate) == data["gate"])
    waiver = {
        "gate": data["gate"],
        "by": actor.person,
        "org": actor.org,
        "role": seat_to_sign(case, actor, gate),
        "reason": data["reason"],
        "expires": expires.isoformat(),
    }
    signed = case.data.get("waivers", {})
    return {"waivers": {**signed, data["gate"]: [*signed.get(data["gate"], ()), waiver]}}


def after_waiver(case: Case, data: Data, _: Context) -> str:
    return "blocked" if stopping(effective_gates({**case.data, **data})) else "gated"


def effective_gates(data: Data) -> list[dict[str, Any]]:
    """Gates with the waivers signed in this case; one is waived once every seat it lists has signed."""
    return [with_waivers(gate, data.get("waivers", {}).get(name_of(gate), ())) for gate in data.get("gates", ())]


def with_waivers(gate: Mapping[str, Any], signed: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if not signed:
        return dict(gate)
    complete = set(gate["waivable_by"]) <= {item["role"] for item in signed}
    return {**gate, "waivers": list(signed), **({"status": WAIVED} if complete else {})}


def quorum(case: Case, context: Context) -> Quorum:
    """2 people, 2 orgs; important data: 3 people with the chief data officer (G28)"""
    important = any(
        (entry := context.facts.resource(name)) is not None and entry.classification.rank >= 10
        for name in case.data.get("resources", ())
    )
    including = frozenset({Role.CDO}) if important else frozenset()
    people = context.rules.number("release.approvers") + (1 if important else 0)
    return Quorum(people, context.rules.number("release.approver_orgs"), including)


def two_people(_: Case, context: Context) -> Quorum:
    """Two people"""
    return Quorum(context.rules.number("release.approvers"), 1)


def supersede_older(case: Case, _: Event, context: Context) -> Iterable[Reaction]:
    for older in context.facts.cases("release", subject=case.data["dataset"], states=("released",)):
        if older.id != case.id:
            yield Act(older.id, "supersede", {"by_version": case.data["version"]})


def holders_told(topic: str) -> Any:
    """Every organisation holding an entitlement on the dataset, and the owners of what was derived from it, have to know."""

    def effect(case: Case, _: Event, context: Context) -> Iterable[Reaction]:
        facts = {"dataset": case.data["dataset"], "version": case.data["version"], "digest": case.data["manifest_digest"]}
        holders = {
            item.data["holder"]
            for item in context.facts.cases("entitlement", subject=case.data["dataset"])
            if item.data.get("holder")
        }
        derived = {
            item.opened_org
            for item in context.facts.cases("derived", states=("registered",))
            if f"{facts['dataset']}@{facts['version']}" in item.data["parents"] or facts["dataset"] in item.data["parents"]
        }
        if holders | derived:
            yield Notify(tuple(sorted(holders | derived)), topic, {**facts, "case": case.id})

    return effect


def users_told(case: Case, _: Event, context: Context) -> Iterable[Reaction]:
    """Whoever reported a model made with this version is told of the model, by its name (article 9)."""
    version = f"{case.data['dataset']}@{case.data['version']}"
    models: dict[str, set[str]] = {}
    for item in context.facts.cases("entitlement", subject=case.data["dataset"]):
        models.setdefault(str(item.data["holder"]), set()).update(models_of(item, version))
    for holder, named in sorted(models.items()):
        if named:
            told = {"dataset": case.data["dataset"], "version": case.data["version"], "models": ", ".join(sorted(named))}
            yield Notify((holder,), "notice.release_used_withdrawn", {**told, "case": case.id})


def flag_derived(case: Case, event: Event, context: Context) -> Iterable[Reaction]:
    for item in context.facts.cases("derived", states=("registered",)):
        if {case.data["dataset"], f"{case.data['dataset']}@{case.data['version']}"} & set(item.data["parents"]):
            yield Act(item.id, "flag", {"reason": f"{case.id} {event.name}"})


def tombstone(case: Case, actor: Actor, data: Data, context: Context) -> Data:
    del actor
    stone = {
        "id": f"{case.data['dataset']}@{case.data['version']}",
        "digest": case.data["manifest_digest"],
        "day": context.day.isoformat(),
    }
    return {"tombstone": {**stone, "reason": data["reason"], "successor": data.get("successor", "")}}


BODIES = (Seat(Role.REVIEWER), Seat(Role.IMPLEMENTER), Seat(Role.AUTHORITY), Seat(Role.CDO))
STOPPERS = (*BODIES, Seat(Role.OPERATOR, "opener"), Seat(Role.SUPERVISOR), CLOCK)
WITHDRAW = (REASON, Field("successor", required=False))
AT_PUBLICATION = (gates_open, waivers_in_date, resources_released, grants_active, digest_unchanged, quorum_stands)

FLOW = Flow(
    name="release",
    prefix="rel",
    subject="dataset",
    persons=("built_by", "proposed_by"),
    orgs=("builder_org",),
    public_states=("released", "superseded", "quarantined", "withdrawn"),
    opening=step(
        "open", "-> gated", "proposed", Role.OPERATOR, Role.DEVELOPER, fields=DRAFT, guards=(version_is_new,), route=by_gates
    ),
    transitions=(
        step(
            "waive",
            "blocked -> gated",
            "gate_waived",
            Role.AUTHORITY,
            Role.REVIEWER,
            Role.PROVIDER,
            decides="org",
            guards=(waivable,),
            derive=add_waiver,
            route=after_waiver,
            fields=(Field("gate"), REASON, Field("expires", "date", required=False)),
        ),
        step("submit", "gated -> in_review", "submitted", OPENER, guards=(gates_open,), involves=True),
        step("cancel", "blocked, gated, returned -> cancelled", "cancelled", OPENER, fields=(REASON,)),
        step(
            "approve",
            "in_review -> approved",
            "approved",
            *BODIES,
            fields=(NOTE,),
            decides="org",
            quorum=quorum,
            guards=(gates_open, waivers_in_date),
            effects=(tell("notice.release_approved", "opener"),),
        ),
        step(
            "return",
            "in_review -> returned",
            "returned",
            *BODIES,
            fields=(REASON,),
            decides="org",
            effects=(tell("notice.release_returned", "opener"),),
        ),
        step("resubmit", "returned -> in_review", "resubmitted", OPENER, fields=(NOTE,), guards=(gates_open,), involves=True),
        step(
            "reject",
            "in_review -> rejected",
            "rejected",
            *BODIES,
            fields=(REASON,),
            decides="org",
            effects=(tell("notice.release_rejected", "opener"),),
        ),
        step("unapprove", "approved -> in_review", "approval_withdrawn", *BODIES, CLOCK, fields=(REASON,), decides="org"),
        step(
            "publish",
            "approved -> released",
            "published",
            Seat(Role.OPERATOR, "opener"),
            Seat(Role.DEVELOPER, "opener"),
            Role.AUTHORITY,
            guards=AT_PUBLICATION,
            effects=(supersede_older, holders_told("notice.release_published")),
            fields=(Field("manifest_digest", "digest", required=False), Field("commit", required=False)),
        ),
        step("supersede", "released -> superseded", "superseded", CLOCK, fields=(Field("by_version"),)),
        step(
            "quarantine",
            "released, superseded -> quarantined",
            "quarantined",
            *STOPPERS,
            fields=(REASON,),
            effects=(holders_told("notice.release_quarantined"),),
        ),
        step(
            "lift",
            "quarantined -> released",
            "quarantine_lifted",
            *BODIES,
            fields=(NOTE,),
            decides="org",
            quorum=two_people,
            voices="lifted_by",
            guards=(resources_released,),
        ),
        step(
            "withdraw",
            "quarantined, released, superseded -> withdrawn",
            "withdrawn",
            *BODIES,
            fields=WITHDRAW,
            decides="org",
            quorum=two_people,
            voices="withdrawn_by",
            derive=tombstone,
            effects=(holders_told("notice.release_withdrawn"), users_told, flag_derived),
        ),
    ),
    clocks=(Clock("review", "release.review", ("in_review",), ("approved", "rejected", "released", "cancelled"), ("returned",)),),
)
