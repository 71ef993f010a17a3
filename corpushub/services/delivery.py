"""The facts behind a delivery, gathered from one transaction and put to the one decision (`policy.decide_delivery`, INV-05).

The chain of a delivery is token, entitlement of the actor's organisation, and every authorization behind the entitlement. Each link is
read as it stands now, so that what is suspended, expired or revoked anywhere stops the next request.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from corpushub.base.errors import HubError
from corpushub.domain.catalog import Resource
from corpushub.domain.flows.authorization import LIVE, terms_of
from corpushub.domain.flows.delegation import links as chain_of
from corpushub.domain.flows.entitlement import link_of
from corpushub.domain.parties import Actor
from corpushub.domain.policy import CHANNELS, Delivered, Link, Terms, Use, Verdict, decide_delivery, refusal
from corpushub.domain.workflow import Case
from corpushub.services.facts import UnitFacts
from corpushub.store.db import Unit
from corpushub.store.repos import Repo
from corpushub.store.tokens import Token

FILE_CHANNELS = ("file", "stream")
QUERY_CHANNELS = ("query", "file", "stream")
RELEASED = ("released", "superseded")


@dataclass(frozen=True, slots=True)
class Permission:
    """A delivery allowed: the entitlement it falls under ("" where none is needed) and its purpose."""

    entitlement: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Who wants to take data of what, by one of `channels` (the first that is permitted counts)."""

    actor: Actor
    repo: Repo
    token: Token | None
    channels: Sequence[str] = FILE_CHANNELS


def decide(unit: Unit, ask: Ask, day: date) -> Permission | HubError:
    """The permission, or the refusal that says most: of the entitlement that came closest, else that there is none."""
    resources = resources_of(unit, ask.repo.id)
    purpose = ask.token.purpose if ask.token else ""
    if not ask.repo.gated and not ask.repo.private and not resources:
        return Permission(purpose=purpose)
    verdict = judge(ask, Use(names(resources), purpose or "research", ask.channels[0]), resources, (), day)
    if verdict.allowed or verdict.code != "delivery.missing":
        return Permission(purpose=purpose) if verdict.allowed else verdict.error()
    refusals: list[HubError] = []
    for case in held_by(unit, ask.actor, ask.repo.id):
        use_purpose = purpose or str(case.data["purpose"])
        links = (*token_links(ask.token, case), *links_of(unit, case))
        for channel in ask.channels:
            rows = int(unit.deliveries.used(case.id)["rows"]) if case.data.get("max_rows") else 0
            use = Use(
                names(resources),
                use_purpose,
                channel,
                regions=tuple(case.data.get("regions", ())),
                rows=rows,
            )
            verdict = judge(ask, use, resources, links, day)
            if verdict.allowed:
                return Permission(case.id, use_purpose)
            refusals.append(verdict.error())
    handed_down = by_delegation(unit, ask, resources, day)
    if isinstance(handed_down, Permission):
        return handed_down
    refusals += handed_down
    return refusals[0] if refusals else refusal("delivery", "missing", release=ask.repo.id).error()


def by_delegation(unit: Unit, ask: Ask, resources: tuple[Resource, ...], day: date) -> Permission | list[HubError]:
    """A right handed down to the actor's organisation (article 4), as far as every link above it permits today."""
    refusals: list[HubError] = []
    facts = UnitFacts(unit, day)
    for case in unit.cases.list(flow="delegation", states=("active",)) if ask.actor.org and resources else ():
        if case.data["holder"] != ask.actor.org or not set(names(resources)) <= set(case.data["resources"]):
            continue
        purpose = ask.token.purpose if ask.token and ask.token.purpose else str(case.data["purposes"][0])
        for channel in ask.channels:
            use = Use(names(resources), purpose, channel)
            verdict = judge(ask, use, resources, (*token_links(ask.token, case), *chain_of(case, facts)), day)
            if verdict.allowed:
                return Permission(case.id, purpose)
            refusals.append(verdict.error())
    return refusals


def judge(ask: Ask, use: Use, resources: tuple[Resource, ...], links: Sequence[Link], day: date) -> Verdict:
    return decide_delivery(use, Delivered(ask.repo.id, "released", resources), links, day)


def names(resources: Iterable[Resource]) -> tuple[str, ...]:
    return tuple(entry.id for entry in resources)


def resources_of(unit: Unit, dataset: str) -> tuple[Resource, ...]:
    """Catalogue entries the newest release of `dataset` was made of."""
    cases = unit.cases.list(flow="release", subject=dataset, states=RELEASED, limit=1)
    named = cases[0].data.get("resources", ()) if cases else ()
    return tuple(entry for name in named if (entry := unit.catalog.get(name)) is not None)


def held_by(unit: Unit, actor: Actor, dataset: str) -> list[Case]:
    """Entitlements of the actor's organisation to `dataset` that name the actor, or nobody in particular; those in force first."""
    found = [
        case
        for case in unit.cases.list(flow="entitlement", subject=dataset)
        if actor.org
        and case.data.get("holder") == actor.org
        and (not case.data.get("members") or actor.person in case.data["members"])
    ]
    return sorted(found, key=lambda case: not link_of(case).active)


def links_of(unit: Unit, entitlement: Case) -> list[Link]:
    """The entitlement and every authorization it rests on; one that is gone stands as inactive."""
    links = [link_of(entitlement)]
    for name in entitlement.data.get("authorizations", ()):
        case = unit.cases.get(str(name))
        if case is None:
            links.append(Link("authorization", str(name), Terms(), "missing", active=False))
        else:
            links.append(
                Link("authorization", case.id, narrowed_to(terms_of(case), entitlement), case.state, active=case.state in LIVE)
            )
    return links


def narrowed_to(terms: Terms, entitlement: Case) -> Terms:
    """An authorization permits the entries it names; the entitlement may rest on several, each for its own."""
    resources = tuple(dict.fromkeys((*terms.resources, *entitlement.data.get("resources", ()))))
    return Terms(resources, terms.purposes, terms.channels, {}, terms.regions, terms.valid_from, terms.valid_to, terms.max_rows)


def token_links(token: Token | None, entitlement: Case) -> list[Link]:
    """A token made for one purpose serves no other."""
    if token is None or not token.purpose:
        return []
    terms = Terms(resources=tuple(entitlement.data.get("resources", ())), purposes=(token.purpose,), channels=CHANNELS)
    return [Link("token", token.id, terms, "live", active=True)]
