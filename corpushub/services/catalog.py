"""The one catalog: entries, their versions, and whether a build may open its sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid, NotFound, Problem
from corpushub.base.identity import Clock, business_day, digest_of, system_clock
from corpushub.domain.catalog import Attribute, Resource, amend
from corpushub.domain.feed import Into, document_of, harvested
from corpushub.domain.flows.authorization import LIVE, terms_of
from corpushub.domain.parties import SYSTEM, Actor, Role
from corpushub.domain.policy import SourceGrant, Use, Verdict, refusal, within
from corpushub.domain.registers import PRODUCTS
from corpushub.domain.workflow import Case
from corpushub.services.cases import Cases
from corpushub.store import peers
from corpushub.store.db import Database, Unit

KEEPERS = (Role.AUTHORITY, Role.SECTOR, Role.PROVIDER, Role.DISTRICT, Role.SYSTEM)
CODERS = (Role.AUTHORITY, Role.REGISTRAR, Role.SYSTEM)
_FIXED = frozenset(
    {
        "id",
        "version",
        "share_attribute",
        "open_attribute",
        "attributes",
        "registration_code",
        "registration_to",
        "state",
        "secrecy",
    }
)


class SourceLike(Protocol):
    """What of a recipe's source the decision needs."""

    @property
    def name(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def select(self) -> tuple[str, ...]: ...


class RecipeLike(Protocol):
    """What of a recipe the decision needs."""

    @property
    def purpose(self) -> str: ...
    @property
    def sources(self) -> Sequence[SourceLike]: ...


@dataclass(frozen=True, slots=True)
class Found:
    """A page of entries in id order; `cursor` asks for the next, empty at the end."""

    items: tuple[Resource, ...]
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import added, and what was wrong with the other rows."""

    added: tuple[str, ...]
    problems: tuple[Problem, ...]


class Catalog:
    def __init__(self, *, database: Database, cases: Cases, clock: Clock = system_clock) -> None:
        self.database = database
        self.cases = cases
        self.clock = clock

    def add(self, actor: Actor, resource: Mapping[str, Any] | Resource) -> Resource:
        """Enter a resource. Only a registry or authority may bring a registration code that was given elsewhere.

        Raises: Forbidden("resource.keepers_only" | "resource.not_owner" | "resource.code_not_yours"), Invalid("resource.invalid"),
        Conflict("resource.exists" | "resource.element_taken").
        """
        if not actor.has(*KEEPERS, Role.OPERATOR, Role.REGISTRAR):
            raise Forbidden("resource.keepers_only")
        entry = resource if isinstance(resource, Resource) else Resource.from_json(resource)
        if actor.org != entry.owner and not actor.has(Role.AUTHORITY, Role.SECTOR, Role.REGISTRAR, Role.SYSTEM):
            raise Forbidden("resource.not_owner", resource=entry.id, owner=entry.owner)
        if entry.registration_code and not actor.has(*CODERS):
            raise Forbidden("resource.code_not_yours", resource=entry.id)
        with self.database.begin() as unit:
            self._check_new(unit, entry)
            self.cases.amend_in(unit, actor, entry.id, "added", entry.to_json())
            return amend(None, "added", entry.to_json())

    def import_entries(self, actor: Actor, rows: Iterable[Mapping[str, Any]]) -> Imported:
        """Enter many resources in one transaction (article 1): those that are right are added, the others told with their row number.

        Raises: Forbidden("resource.keepers_only").
        """
        if not actor.has(*KEEPERS):
            raise Forbidden("resource.keepers_only")
        problems: list[Problem] = []
        added: list[str] = []
        with self.database.begin() as unit:
            for line, row in enumerate(rows, 1):
                try:
                    entry = Resource.from_json(row)
                    if actor.org != entry.owner and not actor.has(Role.AUTHORITY, Role.SECTOR, Role.SYSTEM):
                        raise Forbidden("resource.not_owner", resource=entry.id, owner=entry.owner)
                    if entry.registration_code and not actor.has(*CODERS):
                        raise Forbidden("resource.code_not_yours", resource=entry.id)
                    self._check_new(unit, entry)
                except Invalid as wrong:
                    found = wrong.problems or (Problem(wrong.code, dict(wrong.facts)),)
                    problems += [Problem(item.code, item.facts, line=line, path=item.path) for item in found]
                    continue
                except HubError as refused:
                    problems.append(Problem(refused.code, dict(refused.facts), line=line))
                    continue
                self.cases.amend_in(unit, actor, entry.id, "added", entry.to_json())
                added.append(entry.id)
        return Imported(tuple(added), tuple(problems))

    def harvest(self, actor: Actor, document: Any, into: Into) -> Imported:
        """Enter what a catalog of CKAN, DCAT or data.json lists. Raises: Forbidden("resource.keepers_only"), Invalid("harvest.unknown_form")."""
        return self.import_entries(actor, harvested(document, into))

    def harvest_at(self, actor: Actor, address: str, hosts: str, into: Into) -> Imported:
        """As `harvest`, of what `address` answers with, on one of `hosts`. Raises: Forbidden("federation.host"), Unavailable, and as `harvest`."""
        if not actor.has(*KEEPERS):
            raise Forbidden("resource.keepers_only")
        return self.harvest(actor, document_of(peers.fetch(address, hosts)), into)

    def public(self) -> tuple[Resource, ...]:
        """Every entry that is no secret, for feeds."""
        with self.database.read() as unit:
            return tuple(entry for entry in unit.catalog.search(limit=0) if not entry.secrecy)

    def _check_new(self, unit: Unit, entry: Resource) -> None:
        if entry.secrecy not in {True, False}:  # any word, also “no”, would count as a secret
            wrong = Problem("form.not_choice", {"field": "secrecy", "choices": "true, false"}, path="secrecy")
            raise Invalid("resource.invalid", problems=[wrong], resource=entry.id)
        if unit.catalog.get(entry.id):
            raise Conflict("resource.exists", resource=entry.id)
        if unit.parties.org(entry.owner) is None:
            raise Invalid("party.unknown_org", org=entry.owner)
        if entry.registration_code and unit.catalog.by_code(entry.registration_code):
            raise Conflict("resource.code_taken", registration_code=entry.registration_code)
        self._check_elements(unit, entry)
        self._check_parents(unit, entry)

    def _check_parents(self, unit: Unit, entry: Resource) -> None:
        """What is made from entries names them, and is of no lower class than any of them (articles 1 and 15, INV-06)."""
        for name in entry.parents:
            parent = unit.catalog.get(name)
            if parent is None:
                raise Invalid("resource.parent_unknown", resource=entry.id, parent=name)
            if parent.classification.rank > entry.classification.rank:
                raise Conflict("resource.below_parents", resource=entry.id, parent=name)
        if entry.kind in PRODUCTS and not entry.parents:
            raise Invalid("resource.no_parents", resource=entry.id)

    def _check_elements(self, unit: Unit, entry: Resource) -> None:
        """One element, one source, one standard (article 2)."""
        for element in entry.elements:
            others = [name for name in unit.catalog.authoritative(element) if name != entry.id]
            if others:
                raise Conflict("resource.element_taken", element=element, resource=others[0])

    def revise(self, actor: Actor, resource_id: str, changes: Mapping[str, Any]) -> Resource:
        """Change the description of an entry. Attributes, codes and secrecy have their own flows.

        Raises: Forbidden("resource.not_owner"), Invalid("resource.invalid" | "resource.own_flow"), Conflict("resource.element_taken").
        """
        if fixed := sorted(set(changes) & _FIXED):
            raise Invalid("resource.own_flow", field=fixed[0])
        with self.database.begin() as unit:
            held = self._held(unit, resource_id)
            if actor.org != held.owner and not actor.has(Role.AUTHORITY, Role.SYSTEM):
                raise Forbidden("resource.not_owner", resource=resource_id, owner=held.owner)
            after = amend(held, "revised", changes)
            self._check_elements(unit, after)
            self._check_parents(unit, after)
            self.cases.amend_in(unit, actor, resource_id, "revised", changes)
            return after

    def get(self, actor: Actor, resource_id: str) -> Resource:
        """Raises: NotFound("resource.unknown"), also for a secret entry outside its owner and oversight (article 15)."""
        with self.database.read() as unit:
            held = self._held(unit, resource_id)
        if not _visible(held, actor):
            raise NotFound("resource.unknown", resource=resource_id)
        return held

    def _held(self, unit: Unit, resource_id: str) -> Resource:
        held = unit.catalog.get(resource_id)
        if held is None:
            raise NotFound("resource.unknown", resource=resource_id)
        return held

    def search(self, actor: Actor, query: str = "", *, limit: int = 50, cursor: str = "", **equal: str) -> Found:
        """Entries holding every word of `query`; `equal` filters owner, kind, domain, region, state, share_attribute, open_attribute."""
        if unknown := sorted(set(equal) - {"owner", "kind", "domain", "region", "state", "share_attribute", "open_attribute"}):
            raise Invalid(
                "form.unknown", field=unknown[0], known="owner, kind, domain, region, state, share_attribute, open_attribute"
            )
        found: list[Resource] = []
        after = cursor
        with self.database.read() as unit:
            while len(found) <= limit:
                batch = unit.catalog.search(query.split(), after=after, limit=200, **equal)
                found += [entry for entry in batch if _visible(entry, actor)]
                if len(batch) < 200:
                    break
                after = batch[-1].id
        return Found(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else "")

    def as_of(self, actor: Actor, resource_id: str, day: str) -> Mapping[str, Attribute]:
        """Share and open attribute as they stood on `day` (ISO). Raises: NotFound("resource.unknown")."""
        entry = self.get(actor, resource_id)
        return {name: entry.attribute_on(name, day) for name in ("share_attribute", "open_attribute")}

    # May a build open its sources?

    def authorize_build(self, actor: Actor, recipe: RecipeLike) -> tuple[SourceGrant, ...]:
        """The grant each source rests on; asked before a source is opened.

        Raises: NotFound("resource.unknown"), Forbidden("authorization.missing" | "authorization.purpose" | "authorization.fields" |
        "authorization.expired" | "authorization.not_yet" | "authorization.inactive" | "authorization.unregistered" | "authorization.secrecy" |
        "authorization.unlisted").
        """
        with self.database.read() as unit:
            agreements = unit.cases.list(flow="authorization", states=(*LIVE, "suspended", "exiting", "ended"))
            return tuple(self._source_grant(unit, actor, recipe.purpose, source, agreements) for source in recipe.sources)

    def check_columns(self, sources: Iterable[tuple[SourceLike, Iterable[str]]]) -> None:
        """A source without `select` brings what its file holds, which shows once it is open: no more than its entry lists.

        Raises: Forbidden("authorization.unlisted").
        """
        with self.database.read() as unit:
            for source, columns in sources:
                if not source.select:
                    check_listed(self._held(unit, source.resource), source, columns)

    def _source_grant(
        self, unit: Unit, actor: Actor, purpose: str, source: SourceLike, agreements: Iterable[Case]
    ) -> SourceGrant:
        day = business_day(self.clock())
        entry = self._held(unit, source.resource)
        if entry.secrecy:
            raise refusal("authorization", "secrecy", resource=entry.id).error()
        if not entry.is_registered_on(day.isoformat()):
            raise refusal("authorization", "unregistered", resource=entry.id).error()
        over = [
            case
            for case in agreements
            if entry.id in case.data["resources"] and (actor == SYSTEM or case.data["operator"] == actor.org)
        ]
        if not over:
            raise refusal("authorization", "missing", resource=entry.id, org=actor.org).error()
        check_listed(entry, source, source.select)
        use = Use((entry.id,), purpose, "compute", {entry.id: source.select or tuple(sorted(entry.field_names()))})
        verdicts = [(case, self._under(case, use)) for case in over]
        for case, verdict in verdicts:
            if verdict.allowed:
                return _grant(source, entry, case)
        raise verdicts[0][1].error()

    def _under(self, case: Case, use: Use) -> Verdict:
        if case.state not in LIVE:
            return refusal("authorization", "inactive", link=case.id, state=case.state)
        terms = terms_of(case)
        # Building is what the operator is authorised for; the channels of the agreement speak of what goes out.
        building = Use(use.resources, use.purpose, terms.channels[0] if terms.channels else "", use.fields, terms.regions)
        return within(building, terms, business_day(self.clock()), area="authorization", link=case.id)


def check_listed(entry: Resource, source: SourceLike, columns: Iterable[str]) -> None:
    """An entry that lists its fields is about those and no others. Raises: Forbidden("authorization.unlisted")."""
    listed = entry.field_names()
    beyond = sorted(set(columns) - listed) if listed else []
    if beyond:
        known = ", ".join(sorted(listed))
        raise refusal(
            "authorization", "unlisted", source=source.name, resource=entry.id, asked=", ".join(beyond), known=known
        ).error()


def _grant(source: SourceLike, entry: Resource, case: Case) -> SourceGrant:
    terms = terms_of(case)
    return SourceGrant(
        source=source.name,
        resource=entry.id,
        registration_code=entry.registration_code,
        authorization=case.id,
        grantor=str(case.data["implementer"]),
        operator=str(case.data["operator"]),
        purposes=terms.purposes,
        valid_from=terms.valid_from,
        valid_to=terms.valid_to,
        terms_digest=digest_of(terms.to_json()),
    )


def _visible(entry: Resource, actor: Actor) -> bool:
    return not entry.secrecy or actor.org == entry.owner or actor.has(Role.AUTHORITY, Role.SUPERVISOR, Role.AUDITOR, Role.SYSTEM)
