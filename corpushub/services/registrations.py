"""Applications for registration before they are written: what they can say already, and which entries are owed one (article 3)."""

from __future__ import annotations

from typing import Any

from corpushub.base.messages import Lang
from corpushub.domain.catalog import Resource
from corpushub.domain.flows.authorization import LIVE
from corpushub.domain.flows.registration import UNDER_WAY
from corpushub.domain.parties import Actor
from corpushub.domain.registering import Known, prepared
from corpushub.services.cases import Cases
from corpushub.services.catalog import Catalog
from corpushub.services.parties import Parties
from corpushub.store.db import Database

_MOST = 20  # agreements and assessments an application names


class Registrations:
    def __init__(self, *, database: Database, cases: Cases, catalog: Catalog, parties: Parties) -> None:
        self.database, self.cases, self.catalog, self.parties = database, cases, catalog, parties

    def prepare(self, actor: Actor, resource_id: str, lang: Lang) -> dict[str, Any]:
        """Answers to the form that opens a registration of this entry, as far as anybody can know them; what they name the actor may see.

        Raises: NotFound("resource.unknown"), NotFound("party.unknown_org") for somebody without an organisation.
        """
        entry = self.catalog.get(actor, resource_id)
        mine = self.cases.list(actor, flow="registration", mine=True, limit=1).items
        same = self.cases.list(actor, flow="registration", mine=True, subject=entry.id, limit=1).items
        agreements = self.cases.list(actor, flow="authorization", states=LIVE, naming=entry.id, limit=_MOST).items
        assessed = self.cases.list(actor, flow="assessment", states=("accepted",), subject=entry.id, limit=_MOST).items
        with self.database.read() as unit:
            made = unit.catalog.made_from(entry.id)
            people = map(unit.parties.person, {entry.secrecy_checked_by, entry.interpreter.get("person", "")} - {""})
            names = {person.id: person.name for person in people if person}
            collector = unit.parties.org(entry.collector) if entry.collector else None
        if collector:
            names[collector.id] = collector.name.get(lang) or next(iter(collector.name.values()), collector.id)
        known = Known(
            entry=entry,
            org=self.parties.org(actor.org),
            earlier=mine[0].data["materials"] if mine else {},
            before=same[0].data["materials"] if same else {},
            names=names,
            products=[item for item in made if not item.secrecy],
            agreements=[case for case in agreements if entry.id in case.data["resources"]],
            assessments=assessed,
        )
        return prepared(known, lang)

    def owed(self, actor: Actor, most: int) -> tuple[Resource, ...]:
        """Entries of the actor's organisation without a code and without an application under way; in the order of their ids."""
        page = self.cases.list(actor, flow="registration", states=("draft", *UNDER_WAY), mine=True, limit=1000)
        under_way = {str(case.data["resource"]) for case in page.items}
        found: list[Resource] = []
        after = ""
        while len(found) < most:
            batch = self.catalog.search(actor, owner=actor.org, limit=200, cursor=after)
            found += [entry for entry in batch.items if not entry.registration_code and entry.id not in under_way]
            if not batch.cursor:
                break
            after = batch.cursor
        return tuple(found[:most])
