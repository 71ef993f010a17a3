"""Delegation (article 4): rights handed down city -> district -> street -> community, each a part of what its parent holds.

Attenuation is judged when a delegation is made, accepted and used; a parent may shrink later, and what lies outside it then is gone
(INV-04). Revoking or ending a parent ends the whole subtree in the same transaction. Nobody delegates back to their own ancestors.
"""

from __future__ import annotations

from collections.abc import Iterable

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid
from corpushub.domain.flows.authorization import LIVE
from corpushub.domain.flows.shared import NOTE, REASON, day_end, known_org, period_in_order, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.policy import CHANNELS, PURPOSES, Link, Terms, excess, narrowed
from corpushub.domain.workflow import CLOCK, Act, Case, Context, Data, Effect, Event, Facts, Flow, Reaction, Seat, step

ACTIVE = ("active",)
CONTENT = (
    Field("parent", "case"),
    Field("holder", "org"),
    Field("resources", "resources"),
    Field("fields", "record", required=False),
    Field("regions", "words", required=False),
    Field("purposes", "choices", choices=PURPOSES),
    Field("channels", "choices", choices=CHANNELS),
    Field("valid_from", "date"),
    Field("valid_to", "date"),
    Field("max_rows", "int", required=False, least=1),
)
NARROWER = tuple(
    Field(item.name, item.kind, required=False, choices=item.choices) for item in CONTENT if item.name not in {"parent", "holder"}
)


def parents(case_or_parent: str, facts: Facts) -> tuple[Case, ...]:
    """The chain from the nearest parent up to the authorization it all rests on."""
    chain: list[Case] = []
    name = case_or_parent
    while name and len(chain) <= 64:
        held = facts.case(name)
        if held is None:
            break
        chain.append(held)
        name = str(held.data.get("parent", "")) if held.flow == "delegation" else ""
    return tuple(chain)


def holder_of(case: Case) -> frozenset[str]:
    """Who may hand on what a link gives: the holder of a delegation, the two parties of an authorization."""
    keys = ("holder",) if case.flow == "delegation" else ("implementer", "operator")
    return frozenset(str(case.data[key]) for key in keys if case.data.get(key))


def is_live(case: Case) -> bool:
    return case.state in (LIVE if case.flow == "authorization" else ACTIVE)


def effective_terms(case: Case, facts: Facts) -> Terms:
    """What is left of a delegation under what its parents permit today."""
    terms = Terms.from_json(case.data)
    for parent in parents(str(case.data.get("parent", "")), facts):
        terms = narrowed(terms, Terms.from_json(parent.data))
    return terms


def links(case: Case, facts: Facts) -> tuple[Link, ...]:
    """The delegation and all above it as links of a delivery chain."""
    chain = (case, *parents(str(case.data["parent"]), facts))
    own = Link("delegation", case.id, effective_terms(case, facts), case.state, active=is_live(case))
    return (own, *(Link(item.flow, item.id, Terms.from_json(item.data), item.state, active=is_live(item)) for item in chain[1:]))


def parent_holds(_: Case, actor: Actor, data: Data, context: Context) -> HubError | None:
    if not data:
        return None
    chain = parents(data["parent"], context.facts)
    if not chain or chain[0].flow not in {"authorization", "delegation"} or chain[-1].flow != "authorization":
        return Invalid("delegation.no_parent", parent=data["parent"])
    if not all(is_live(item) for item in chain):
        return Conflict("delegation.parent_inactive", parent=data["parent"])
    if actor.org not in holder_of(chain[0]) and not actor.has(Role.AUTHORITY):
        return Forbidden("delegation.not_holder", parent=data["parent"])
    return None


def attenuates(case: Case, _: Actor, data: Data, context: Context) -> HubError | None:
    """No descendant ever exceeds an ancestor."""
    content = {**case.data, **data}
    if not content:
        return None
    child = Terms.from_json(content)
    for parent in parents(str(content["parent"]), context.facts):
        if beyond := excess(child, Terms.from_json(parent.data)):
            return Forbidden("delegation.exceeds", parent=parent.id, limits=", ".join(beyond))
    return None


def no_cycle_and_depth(_: Case, actor: Actor, data: Data, context: Context) -> HubError | None:
    if not data:
        return None
    chain = parents(data["parent"], context.facts)
    above = {org for item in chain for org in holder_of(item)} | {actor.org}
    if data["holder"] in above:
        return Conflict("delegation.cycle", org=data["holder"])
    deepest = context.rules.number("authorization.max_delegation_depth")
    depth = sum(item.flow == "delegation" for item in chain) + 1
    return Conflict("delegation.too_deep", deepest=deepest) if depth > deepest else None


def note_root(_: Case, __: Actor, data: Data, context: Context) -> Data:
    chain = parents(data["parent"], context.facts)
    return {
        "root": chain[-1].id,
        "depth": sum(item.flow == "delegation" for item in chain) + 1,
        "grantor": sorted(holder_of(chain[0])),
    }


def still_under_parent(case: Case, _: Actor, __: Data, context: Context) -> HubError | None:
    if not all(is_live(item) for item in parents(case.data["parent"], context.facts)):
        return Conflict("delegation.parent_inactive", parent=case.data["parent"])
    return None


def smaller(case: Case, _: Actor, data: Data, __: Context) -> HubError | None:
    beyond = excess(Terms.from_json({**case.data, **data}), Terms.from_json(case.data)) if data else ()
    return Forbidden("delegation.exceeds", parent=case.id, limits=", ".join(beyond)) if beyond else None


def children(case: Case, context: Context) -> tuple[Case, ...]:
    return tuple(
        item for item in context.facts.cases("delegation", subject=case.data["root"]) if item.data.get("parent") == case.id
    )


def passing_down(command: str, *states: str) -> Effect:
    """What happens to a delegation happens to everything below it."""

    def effect(case: Case, _: Event, context: Context) -> Iterable[Reaction]:
        for child in children(case, context):
            if child.state in states:
                yield Act(child.id, command, {"reason": case.id} if command != "resume" else {"note": case.id})

    return effect


GRANTOR = Seat(party="grantor")
HOLDER = Seat(party="holder")
STOPPERS = (GRANTOR, Seat(Role.AUTHORITY), Seat(Role.SUPERVISOR), CLOCK)
LIVING = ("proposed", "active", "suspended")

FLOW = Flow(
    name="delegation",
    prefix="del",
    subject="root",
    orgs=("grantor",),
    readers=(HOLDER, GRANTOR, Seat(Role.IMPLEMENTER)),
    opening=step(
        "open",
        "-> proposed",
        "proposed",
        Role.AUTHORITY,
        Role.IMPLEMENTER,
        Role.OPERATOR,
        Role.DISTRICT,
        fields=CONTENT,
        guards=(known_org("holder"), period_in_order, parent_holds, no_cycle_and_depth, attenuates),
        derive=note_root,
        effects=(tell("notice.delegation_proposed", "holder"),),
    ),
    transitions=(
        step(
            "accept",
            "proposed -> active",
            "accepted",
            HOLDER,
            fields=(NOTE,),
            guards=(still_under_parent, attenuates),
            decides="org",
        ),
        step(
            "decline", "proposed -> declined", "declined", HOLDER, fields=(REASON,), effects=(tell("notice.refused", "opener"),)
        ),
        step(
            "shrink",
            "active, suspended ->",
            "shrunk",
            GRANTOR,
            Role.AUTHORITY,
            fields=NARROWER,
            guards=(smaller,),
            effects=(tell("notice.delegation_shrunk", "holder"),),
        ),
        step(
            "suspend",
            "active -> suspended",
            "suspended",
            *STOPPERS,
            fields=(REASON,),
            effects=(passing_down("suspend", "active"),),
        ),
        step(
            "resume",
            "suspended -> active",
            "resumed",
            GRANTOR,
            Role.AUTHORITY,
            CLOCK,
            fields=(NOTE,),
            guards=(still_under_parent,),
            effects=(passing_down("resume", "suspended"),),
        ),
        step(
            "revoke",
            "proposed, active, suspended -> revoked",
            "revoked",
            *STOPPERS,
            fields=(REASON,),
            effects=(passing_down("revoke", *LIVING), tell("notice.delegation_revoked", "holder")),
        ),
        step(
            "give_up",
            "active, suspended -> revoked",
            "given_up",
            HOLDER,
            fields=(REASON,),
            effects=(passing_down("revoke", *LIVING),),
        ),
        step(
            "expire",
            "active, suspended -> expired",
            "expired",
            CLOCK,
            due=day_end("valid_to"),
            effects=(passing_down("revoke", *LIVING),),
        ),
    ),
)
