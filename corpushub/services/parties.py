"""Organisations, people and seats. Every change is an event; seats that manage and seats that operate never meet (article 14, INV-03)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from corpushub.base.errors import Conflict, Forbidden, Invalid, NotFound
from corpushub.base.identity import Clock, business_day, is_name, new_id, system_clock
from corpushub.domain.parties import SYSTEM, Actor, Binding, Org, OrgKind, Person, Role, exclusive, is_credit_code, is_region
from corpushub.domain.workflow import Event, fold
from corpushub.services.facts import UnitFacts
from corpushub.store.db import Database, Unit

KEEPERS = (Role.ADMIN, Role.AUTHORITY, Role.SYSTEM)


class Parties:
    """Accounts of organisations and people; sign-in is elsewhere."""

    def __init__(self, *, database: Database, clock: Clock = system_clock) -> None:
        self.database = database
        self.clock = clock

    def add_org(  # noqa: PLR0913 - the record of an organisation
        self,
        actor: Actor,
        *,
        credit_code: str,
        kind: str,
        region: str,
        name: Mapping[str, str],
        id: str = "",  # noqa: A002 - the field's name
        parent: str = "",
        state_assets: bool = False,
    ) -> Org:
        """Register an organisation under its checked credit code.

        Raises: Invalid("party.credit_code" | "party.region" | "party.kind" | "party.bad_id"), Conflict("party.org_exists").
        """
        _keeper(actor)
        org = Org(
            id or credit_code.lower(), credit_code, _kind(kind), region, dict(name), state_assets=state_assets, parent=parent
        )
        if not is_credit_code(credit_code):
            raise Invalid("party.credit_code", credit_code=credit_code)
        if not is_region(region):
            raise Invalid("party.region", region=region)
        _named(org.id)
        with self.database.begin() as unit:
            if unit.parties.org(org.id) or unit.parties.org_by_code(credit_code):
                raise Conflict("party.org_exists", org=org.id, credit_code=credit_code)
            unit.parties.save_org(org)
            told: dict[str, Any] = {
                "credit_code": credit_code,
                "kind": org.kind.value,
                "region": region,
                "name": dict(name),
                "parent": parent,
            }
            told |= {"state_assets": True} if state_assets else {}
            self._note(unit, actor, f"org:{org.id}", "org.added", told, "active")
        return org

    def add_person(  # noqa: PLR0913 - the record of a person
        self,
        actor: Actor,
        *,
        id: str,  # noqa: A002 - the field's name
        org: str,
        name: str,
        roles: Iterable[Role | str] = (),
        oidc_subject: str = "",
        valid_to: str = "",
    ) -> Person:
        """Add a person with seats from today on. The name stays out of the ledger.

        Raises: Invalid("party.bad_id" | "party.unknown_org" | "party.role"), Conflict("party.person_exists" | "party.roles_exclusive" | "account.subject_taken").
        """
        _keeper(actor)
        _named(id)
        with self.database.begin() as unit:
            if unit.parties.org(org) is None:
                raise Invalid("party.unknown_org", org=org)
            if unit.parties.person(id):
                raise Conflict("party.person_exists", person=id)
            if oidc_subject and (known := unit.parties.person_by_subject(oidc_subject)):
                raise Conflict("account.subject_taken", person=known.id)  # one human, one vote
            person = Person(id, org, name, oidc_subject=oidc_subject)
            unit.parties.save_person(person)
            self._note(unit, actor, f"person:{id}", "person.added", {"org": org, "name": name}, "active", private=("name",))
            for role in roles:
                self._bind(unit, actor, person, _role(role), valid_to)
        return person

    def bind(self, actor: Actor, person_id: str, role: Role | str, *, valid_to: str = "") -> Binding:
        """Give a seat, to the end of the day `valid_to` where one is stated. Nobody gives one to themselves.

        Raises: Forbidden("party.own_role"), NotFound("party.unknown_person"), Conflict("party.roles_exclusive"),
        Invalid("party.not_date" | "party.over").
        """
        _keeper(actor)
        if actor.person == person_id:
            raise Forbidden("party.own_role", person=person_id)
        with self.database.begin() as unit:
            return self._bind(unit, actor, _existing(unit, person_id), _role(role), valid_to)

    def _bind(self, unit: Unit, actor: Actor, person: Person, role: Role, valid_to: str) -> Binding:
        day = business_day(self.clock())
        valid_to = _stated_day(valid_to)
        if valid_to and valid_to < day.isoformat():
            raise Invalid("party.over", valid_to=valid_to, today=day.isoformat())
        facts = UnitFacts(unit, day)
        if exclusive((*facts.roles_in(person.org), role)):
            raise Conflict("party.roles_exclusive", person=person.id, org=person.org, role=role.value)
        binding = Binding(new_id("seat", clock=self.clock), person.id, role, day.isoformat(), valid_to)
        unit.parties.save_binding(binding)
        told = {"binding": binding.id, "role": role.value, "valid_from": binding.valid_from, "valid_to": valid_to}
        self._note(unit, actor, f"person:{person.id}", "person.seated", told, "active")
        return binding

    def unbind(self, actor: Actor, person_id: str, role: Role | str) -> int:
        """End a seat at once (its last day was yesterday); votes cast from it stop counting (INV-18). How many seats ended."""
        _keeper(actor)
        wanted = _role(role)
        with self.database.begin() as unit:
            person = _existing(unit, person_id)
            day = business_day(self.clock())
            held = [
                binding for binding in unit.parties.bindings(person=person_id) if binding.role is wanted and binding.holds_on(day)
            ]
            for binding in held:
                unit.parties.save_binding(replace(binding, valid_to=_day_before(day)))
                self._note(
                    unit,
                    actor,
                    f"person:{person.id}",
                    "person.unseated",
                    {"binding": binding.id, "role": wanted.value},
                    person.state,
                )
        return len(held)

    def depart(self, actor: Actor, person_id: str) -> Person:
        """The person left: no seat, no session, no pending vote counts from now on."""
        _keeper(actor)
        with self.database.begin() as unit:
            person = replace(_existing(unit, person_id), state="departed")
            unit.parties.save_person(person)
            self._note(unit, actor, f"person:{person_id}", "person.departed", {}, "departed")
        return person

    def forget(self, actor: Actor, person_id: str) -> int:
        """Erase what is personal about somebody who left: the name, and everything private they wrote. The record keeps commitments nobody
        can open any more, and every proof holds (INV-15). How many streams were touched.

        Raises: Forbidden("party.keepers_only"), NotFound("party.unknown_person"), Conflict("party.still_here").
        """
        _keeper(actor)
        with self.database.begin() as unit:
            person = _existing(unit, person_id)
            if person.state != "departed":
                raise Conflict("party.still_here", person=person_id)
            touched = unit.events.forget(person_id)
            unit.parties.save_person(replace(person, name="", oidc_subject=""))
            for stream in touched:
                held, folded = unit.cases.get(stream), fold(unit.events.of(stream))
                if held is not None and folded is not None:
                    unit.cases.refold(folded)
            self._note(unit, actor, f"person:{person_id}", "person.forgotten", {}, "departed")
        return len(touched)

    def actor_of(self, person_id: str, *, on_behalf_of: str = "", token: str = "") -> Actor:
        """The actor a signed-in person is today.

        Raises: NotFound("party.unknown_person"), Forbidden("party.departed").
        """
        with self.database.read() as unit:
            person = _existing(unit, person_id)
            if person.state != "active":
                raise Forbidden("party.departed", person=person_id)
            roles = UnitFacts(unit, business_day(self.clock())).roles_of(person_id)
        return Actor(person.id, person.org, roles, person.name, on_behalf_of, token)

    def person(self, person_id: str) -> Person:
        """Raises: NotFound("party.unknown_person")."""
        with self.database.read() as unit:
            return _existing(unit, person_id)

    def person_by_subject(self, oidc_subject: str) -> Person | None:
        with self.database.read() as unit:
            return unit.parties.person_by_subject(oidc_subject)

    def people(self, actor: Actor, org: str = "") -> tuple[Person, ...]:
        """Everybody for those who keep accounts or oversee, else the people of one's own organisation."""
        wide = actor.has(*KEEPERS, Role.AUDITOR, Role.SUPERVISOR)
        with self.database.read() as unit:
            return unit.parties.people(org if wide else actor.org) if wide or actor.org else ()

    def seats(self, person_id: str) -> tuple[Binding, ...]:
        with self.database.read() as unit:
            return unit.parties.bindings(person=person_id)

    def org(self, org_id: str) -> Org:
        """Raises: NotFound("party.unknown_org")."""
        with self.database.read() as unit:
            found = unit.parties.org(org_id)
        if found is None:
            raise NotFound("party.unknown_org", org=org_id)
        return found

    def orgs(self, kind: str = "") -> tuple[Org, ...]:
        """All organisations, or those of one kind (utilities, say). Raises: Invalid("party.kind")."""
        wanted = _kind(kind) if kind else None
        with self.database.read() as unit:
            return tuple(org for org in unit.parties.orgs() if wanted is None or org.kind is wanted)

    def bootstrap(
        self, actor: Actor = SYSTEM, *, orgs: Iterable[Mapping[str, Any]] = (), people: Iterable[Mapping[str, Any]] = ()
    ) -> tuple[Person, ...]:
        """First set-up: add what is not there yet, from plain records; running it again changes nothing."""
        known_orgs = {org.id for org in self.orgs()}
        for org in orgs:
            if org["id"] not in known_orgs:
                self.add_org(actor, **org)
        with self.database.read() as unit:
            known = {person.id for person in unit.parties.people()}
        return tuple(self.add_person(actor, **person) for person in people if person["id"] not in known)

    def declare_conflict(self, actor: Actor, *, person: str, org: str, kind: str, ended: str = "") -> None:
        """Register an interest a person has in an organisation (article 16). Everybody may declare their own; keepers and auditors any.

        That one is over is said by somebody else: it would let its holder decide. Raises: Forbidden("party.keepers_only" | "party.own_interest"),
        Invalid("party.not_date" | "party.unknown_org").
        """
        if actor.person != person and not actor.has(*KEEPERS, Role.AUDITOR, Role.SUPERVISOR):
            raise Forbidden("party.keepers_only")
        if actor.person == person and ended:
            raise Forbidden("party.own_interest", person=person, org=org)
        ended = _stated_day(ended)
        with self.database.begin() as unit:
            _existing(unit, person)
            if unit.parties.org(org) is None:
                raise Invalid("party.unknown_org", org=org)
            told = {"person": person, "org": org, "kind": kind, "ended": ended}
            unit.documents.put("conflict", f"{person}/{org}", told)
            self._note(
                unit, actor, f"person:{person}", "person.conflict_declared", {"org": org, "kind": kind, "ended": ended}, "active"
            )

    def conflicts(self, actor: Actor) -> tuple[Mapping[str, Any], ...]:
        """The register of interests: all of it for oversight, one's own for everybody else."""
        wide = actor.has(Role.AUDITOR, Role.SUPERVISOR, Role.AUTHORITY, Role.ADMIN)
        with self.database.read() as unit:
            return tuple(value for _, value in unit.documents.list("conflict", prefix="" if wide else f"{actor.person}/"))

    def _note(  # noqa: PLR0913 - one place that writes an event
        self,
        unit: Unit,
        actor: Actor,
        stream: str,
        type_: str,
        data: Mapping[str, Any],
        state: str,
        *,
        private: Iterable[str] = (),
    ) -> None:
        version = unit.events.version_of(stream) + 1
        event = Event(stream, version, type_, actor.person, actor.org, self.clock(), data, state, actor.on_behalf_of)
        unit.events.append(event, private)


def _stated_day(word: str) -> str:
    """A day as the records write it, or nothing."""
    try:
        return date.fromisoformat(word).isoformat() if word else ""
    except ValueError:
        raise Invalid("party.not_date", given=word[:40]) from None


def _day_before(day: date) -> str:
    return (day - timedelta(days=1)).isoformat()


def _keeper(actor: Actor) -> None:
    if not actor.has(*KEEPERS):
        raise Forbidden("party.keepers_only")


def _existing(unit: Unit, person_id: str) -> Person:
    found = unit.parties.person(person_id)
    if found is None:
        raise NotFound("party.unknown_person", person=person_id)
    return found


def _named(id_: str) -> None:
    if not is_name(id_):
        raise Invalid("party.bad_id", id=id_)


def _kind(kind: str) -> OrgKind:
    if kind not in tuple(OrgKind):
        raise Invalid("party.kind", kind=kind, known=", ".join(OrgKind))
    return OrgKind(kind)


def _role(role: Role | str) -> Role:
    if role not in tuple(Role) or role == Role.SYSTEM:
        raise Invalid("party.role", role=str(role), known=", ".join(item.value for item in Role if item is not Role.SYSTEM))
    return Role(role)
