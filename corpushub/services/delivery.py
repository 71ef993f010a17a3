"""The facts behind a delivery, gathered from one transaction and put to the one decision (`policy.decide_delivery`, INV-05).

The chain of a delivery is token, entitlement of the actor's organisation, and every authorization behind the entitlement. Each link is
read as it stands now, so that what is suspended, expired or revoked anywhere stops the next request.

A right to some regions or some fields is no right to whole files: it is served by query, cut to the rows and columns it covers (article 4).
A token of a zone (`zone:<case>` among its scopes) reaches nothing outside its zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

from corpushub.base.errors import HubError
from corpushub.domain.catalog import Resource
from corpushub.domain.flows.authorization import LIVE, terms_of
from corpushub.domain.flows.delegation import links as chain_of
from corpushub.domain.flows.entitlement import link_of
from corpushub.domain.parties import Actor, region_prefix
from corpushub.domain.policy import (
    CHANNELS,
    PURPOSES,
    Delivered,
    Link,
    Terms,
    Use,
    Verdict,
    common_regions,
    decide_delivery,
    refusal,
)
from corpushub.domain.workflow import Case
from corpushub.services.facts import UnitFacts
from corpushub.store.db import Unit
from corpushub.store.repos import Repo
from corpushub.store.tokens import Token

FILE_CHANNELS = ("file", "stream")
QUERY_CHANNELS = ("query", "file", "stream")
RELEASED = ("released", "superseded")


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of a table a right covers: rows whose `column` begins with one of `prefixes`, and `fields` of it; empty: all of it."""

    column: str = ""
    prefixes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.column or self.fields)


WHOLE = Cut()
NOTHING: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Permission:
    """A delivery allowed: the right it falls under ("" where none is needed), its purpose, and the part it covers.

    `counted`: the right covers so many rows; then `ask` is what was asked, to be asked again when it is known how many are taken.
    """

    entitlement: str = ""
    purpose: str = ""
    cut: Cut = WHOLE
    counted: bool = False
    ask: Ask | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What a client took: one file or part of it, or several of one commit added up (then `path` is one of them)."""

    repo: str
    commit: str
    path: str
    bytes: int
    channel: str = "hub"
    rows: int = 0
    files: int = 1
    downloads: int = 0  # whole files, as opposed to ranges


@dataclass(frozen=True, slots=True)
class Ask:
    """Who wants to take data of what, by one of `channels` (the first that is permitted counts)."""

    actor: Actor
    repo: Repo
    token: Token | None
    channels: Sequence[str] = FILE_CHANNELS
    versions: tuple[str, ...] | None = None  # of the release; None where the question is of the dataset as such
    rows: int = 1  # what a right to so many must still cover
    right: str = ""  # only under this one


def decide(unit: Unit, ask: Ask, day: date, held: Mapping[str, int] = NOTHING) -> Permission | HubError:
    """The permission, or the refusal that says most: of the entitlement that came closest, else that there is none.

    `held`: rows others are taking under a right just now.
    """
    resources = resources_of(unit, ask.repo.id, ask.versions)
    purpose = ask.token.purpose if ask.token else ""
    zones = zone_links(unit, ask)
    if not ask.repo.gated and not ask.repo.private and not resources and not zones:
        return Permission(purpose=purpose)
    verdict = judge(ask, Use(names(resources), purpose or "research", ask.channels[0]), resources, zones, day)
    if verdict.allowed or verdict.code != "delivery.missing":
        return Permission(purpose=purpose) if verdict.allowed else verdict.error()
    refusals: list[HubError] = []
    for case in held_by(unit, ask):
        links = (*zones, *token_links(ask.token, case), *links_of(unit, case))
        rows = rows_with(unit, case, ask, held)
        wanted = Use((), purpose or str(case.data["purpose"]), "", rows=rows, versions=ask.versions)
        found = by_channel(ask, resources, links, wanted, day)
        if isinstance(found, Verdict):
            refusals.append(found.error())
        else:
            return under(case, found, ask)
    handed_down = by_delegation(unit, ask, resources, zones, day, held)
    if isinstance(handed_down, Permission):
        return handed_down
    refusals += handed_down
    return refusals[0] if refusals else refusal("delivery", "missing", release=ask.repo.id).error()


def under(case: Case, found: Permission, ask: Ask) -> Permission:
    counted = bool(case.data.get("max_rows"))
    return replace(found, entitlement=case.id, counted=counted, ask=ask if counted else None)


def rows_with(unit: Unit, case: Case, ask: Ask, held: Mapping[str, int]) -> int:
    """How many rows were taken under a right once this question's are; 0 where it sets no limit."""
    if not case.data.get("max_rows"):
        return 0
    return int(unit.deliveries.used(case.id)["rows"]) + held.get(case.id, 0) + ask.rows


def by_delegation(
    unit: Unit, ask: Ask, resources: tuple[Resource, ...], zones: Sequence[Link], day: date, held: Mapping[str, int]
) -> Permission | list[HubError]:
    """A right handed down to the actor's organisation (article 4), as far as every link above it permits today."""
    refusals: list[HubError] = []
    facts = UnitFacts(unit, day)
    for case in unit.cases.list(flow="delegation", states=("active",)) if ask.actor.org and resources else ():
        if case.data["holder"] != ask.actor.org or ask.right not in {"", case.id}:
            continue
        if not set(names(resources)) <= set(case.data["resources"]):
            continue
        purpose = ask.token.purpose if ask.token and ask.token.purpose else str(case.data["purposes"][0])
        links = (*zones, *token_links(ask.token, case), *chain_of(case, facts))
        rows = rows_with(unit, case, ask, held)
        found = by_channel(ask, resources, links, Use((), purpose, "", rows=rows), day)
        if isinstance(found, Verdict):
            refusals.append(found.error())
        else:
            return under(case, found, ask)
    return refusals


def by_channel(ask: Ask, resources: tuple[Resource, ...], links: Sequence[Link], wanted: Use, day: date) -> Permission | Verdict:
    """The first of the asked channels the chain permits, with the part it covers; else why the first was refused."""
    verdicts: list[Verdict] = []
    for channel in ask.channels:
        regions, fields = common_regions(links), narrowed_fields(resources, links)
        column = region_column(resources)
        cuttable = channel == "query"
        use = replace(
            wanted,
            resources=names(resources),
            channel=channel,
            regions=regions if cuttable and column else (),
            fields=fields if cuttable else {entry.id: widest(entry, links) for entry in resources if entry.id in fields},
        )
        verdict = judge(ask, use, resources, links, day)
        if verdict.allowed:
            columns = tuple(dict.fromkeys(name for listed in fields.values() for name in listed))
            prefixes = tuple(region_prefix(code) for code in regions)
            cut = Cut(column if regions else "", prefixes, columns) if cuttable else WHOLE
            return Permission(purpose=wanted.purpose, cut=cut)
        verdicts.append(verdict)
    return verdicts[0]


def region_column(resources: Iterable[Resource]) -> str:
    """The column that tells where a row belongs, where every entry behind a release names the same."""
    named = {str(entry.coverage.get("region_column", "")) for entry in resources}
    return named.pop() if len(named) == 1 else ""


def widest(entry: Resource, links: Sequence[Link]) -> tuple[str, ...]:
    """The columns whole files may hold: those of the authorization they were built under, else all the entry lists."""
    stated = next(
        (link.terms.fields[entry.id] for link in links if link.kind == "authorization" and link.terms.fields.get(entry.id)), ()
    )
    return stated or tuple(sorted(entry.field_names()))


def narrowed_fields(resources: Iterable[Resource], links: Sequence[Link]) -> dict[str, tuple[str, ...]]:
    """Columns of each entry the nearest delegation permits, where they are fewer than whole files hold."""
    found = {}
    for entry in resources:
        held = next(
            (link.terms.fields[entry.id] for link in links if link.kind == "delegation" and link.terms.fields.get(entry.id)), ()
        )
        if held and set(held) < set(widest(entry, links)):
            found[entry.id] = held
    return found


def judge(ask: Ask, use: Use, resources: tuple[Resource, ...], links: Sequence[Link], day: date) -> Verdict:
    return decide_delivery(use, Delivered(ask.repo.id, "released", resources), links, day)


def names(resources: Iterable[Resource]) -> tuple[str, ...]:
    return tuple(entry.id for entry in resources)


def resources_of(unit: Unit, dataset: str, versions: Sequence[str] | None = None) -> tuple[Resource, ...]:
    """Catalogue entries the newest release of `dataset` was made of; with tags, those these were made of.

    Where no release has one of the tags: of all releases, for an older one may have been made of what is less open than the newest.
    """
    cases = unit.cases.list(flow="release", subject=dataset, states=RELEASED, limit=1 if versions is None else 0)
    asked = [case for case in cases if versions is not None and f"v{case.data['version']}" in versions] or cases
    named = dict.fromkeys(name for case in asked for name in case.data.get("resources", ()))
    return tuple(entry for name in named if (entry := unit.catalog.get(name)) is not None)


def held_by(unit: Unit, ask: Ask) -> list[Case]:
    """Entitlements of the actor's organisation to the dataset that name the actor, or nobody in particular; those in force first."""
    found = [
        case
        for case in unit.cases.list(flow="entitlement", subject=ask.repo.id)
        if ask.actor.org
        and case.data.get("holder") == ask.actor.org
        and (not case.data.get("members") or ask.actor.person in case.data["members"])
        and ask.right in {"", case.id}
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


def zone_links(unit: Unit, ask: Ask) -> list[Link]:
    """The zones a token is bound to; one that is closed, gone or not the holder's reaches nothing."""
    links = []
    for name in ask.actor.narrowed_to("zone"):
        case = unit.cases.get(name)
        member = case is not None and case.flow == "zone" and ask.actor.org in (*case.data["members"], case.data["operator"])
        terms = Terms(tuple(case.data["resources"]), PURPOSES, CHANNELS) if case is not None and member else Terms()
        links.append(
            Link(
                "zone",
                name,
                terms,
                case.state if case else "missing",
                active=member and case is not None and case.state == "open",
            )
        )
    return links
