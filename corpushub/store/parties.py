"""Organisations, people and the seats they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from corpushub.domain.parties import Binding, Org, OrgKind, Person, Role
from corpushub.store.tables import bindings, orgs, people

# Built once: making a statement costs as much as running it.
_PERSON = sa.select(people).where(people.c.id == sa.bindparam("of"))
_ORG = sa.select(orgs).where(orgs.c.id == sa.bindparam("of"))
_SEATS = sa.select(bindings).where(bindings.c.person == sa.bindparam("of")).order_by(bindings.c.id)


class Parties:
    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    def org(self, org_id: str) -> Org | None:
        row = self.connection.execute(_ORG, {"of": org_id}).mappings().one_or_none()
        return None if row is None else _org(row)

    def org_by_code(self, credit_code: str) -> Org | None:
        row = self.connection.execute(sa.select(orgs).where(orgs.c.credit_code == credit_code)).mappings().one_or_none()
        return None if row is None else _org(row)

    def orgs(self) -> tuple[Org, ...]:
        return tuple(_org(row) for row in self.connection.execute(sa.select(orgs).order_by(orgs.c.id)).mappings())

    def save_org(self, org: Org) -> None:
        row = {
            "credit_code": org.credit_code,
            "kind": org.kind.value,
            "region": org.region,
            "state": org.state,
            "name": dict(org.name),
            "data": {"state_assets": org.state_assets, "parent": org.parent},
        }
        self._save(orgs, org.id, row)

    def person(self, person_id: str) -> Person | None:
        row = self.connection.execute(_PERSON, {"of": person_id}).mappings().one_or_none()
        return None if row is None else _person(row)

    def person_by_subject(self, oidc_subject: str) -> Person | None:
        """The person an identity provider knows under this subject."""
        query = sa.select(people).where(people.c.oidc_subject == oidc_subject, people.c.oidc_subject != "")
        row = self.connection.execute(query).mappings().first()
        return None if row is None else _person(row)

    def people(self, org: str = "") -> tuple[Person, ...]:
        query = sa.select(people).order_by(people.c.id)
        return tuple(
            _person(row) for row in self.connection.execute(query.where(people.c.org == org) if org else query).mappings()
        )

    def save_person(self, person: Person) -> None:
        row = {"org": person.org, "name": person.name, "state": person.state, "oidc_subject": person.oidc_subject, "data": {}}
        self._save(people, person.id, row)

    def bindings(self, *, person: str = "", org: str = "") -> tuple[Binding, ...]:
        """Seats of a person, or of everybody in an organisation."""
        query = _SEATS if person else sa.select(bindings).order_by(bindings.c.id)
        if org:
            query = query.join(people, people.c.id == bindings.c.person).where(people.c.org == org)
        return tuple(
            Binding(row["id"], row["person"], Role(row["role"]), row["valid_from"], row["valid_to"], row["scope"])
            for row in self.connection.execute(query, {"of": person} if person else {}).mappings()
        )

    def save_binding(self, binding: Binding) -> None:
        row = {
            "person": binding.person,
            "role": binding.role.value,
            "scope": binding.scope,
            "valid_from": binding.valid_from,
            "valid_to": binding.valid_to,
        }
        self._save(bindings, binding.id, row)

    def _save(self, table: sa.Table, id_: str, row: dict[str, Any]) -> None:
        changed = self.connection.execute(table.update().where(table.c.id == id_).values(**row))
        if changed.rowcount == 0:
            self.connection.execute(table.insert().values(id=id_, **row))


def _org(row: Mapping[Any, Any]) -> Org:
    extra = row["data"]
    return Org(
        row["id"],
        row["credit_code"],
        OrgKind(row["kind"]),
        row["region"],
        row["name"],
        row["state"],
        bool(extra.get("state_assets")),
        str(extra.get("parent", "")),
    )


def _person(row: Mapping[Any, Any]) -> Person:
    return Person(row["id"], row["org"], row["name"], row["state"], row["oidc_subject"])
