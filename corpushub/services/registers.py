"""Tables the policy names, made from the record at the moment of asking (see `domain/registers.py`), and the pack an exchange is given."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from corpushub.base.errors import Conflict, Forbidden, NotFound
from corpushub.base.identity import Clock, business_day, system_clock
from corpushub.base.rulebook import Rulebook
from corpushub.domain import registers as r
from corpushub.domain.duties import duties
from corpushub.domain.flows import flows
from corpushub.domain.flows.record import is_readable
from corpushub.domain.parties import Actor, Binding
from corpushub.domain.workflow import Case, Event, fold
from corpushub.services.attempts import KIND as ATTEMPTS
from corpushub.services.cases import Cases
from corpushub.services.oversight import OVERSIGHT
from corpushub.store.db import Database, Unit
from corpushub.store.watch import Watch

Row = r.Row
SCHEMA = "corpushub/listing/v1"
_EVERYTHING = ("authorization", "release", "entitlement", "revenue", "objection", "delegation", "demand")


def records(unit: Unit) -> tuple[Case, ...]:
    return tuple(case for case in unit.cases.list(flow="record", states=("confirmed",)) if is_readable(case))


def with_history(unit: Unit, flow: str) -> list[Case]:
    streams = unit.events.of_many([case.id for case in unit.cases.list(flow=flow)])
    return [case for events in streams.values() if (case := fold(events)) is not None]


def sales(unit: Unit) -> list[Event]:
    return [event for case in with_history(unit, "revenue") for event in case.history if event.name == "sale_recorded"]


def every(unit: Unit) -> list[Case]:
    return [case for name in _EVERYTHING for case in unit.cases.list(flow=name)]


def visible(unit: Unit) -> list[Any]:
    """Entries that are no secret: no register tells of those."""
    return [entry for entry in unit.catalog.search(limit=0) if not entry.secrecy]


@dataclass(frozen=True, slots=True)
class Asked:
    """The day a register is made for, the rules in force, and who reads clocks."""

    day: date
    rules: Rulebook
    cases: Cases


def owed(unit: Unit, asked: Asked) -> list[Row]:
    seats: dict[str, list[Binding]] = {org.id: list(unit.parties.bindings(org=org.id)) for org in unit.parties.orgs()}
    cases = [case for flow in ("authorization", "disclosure") for case in unit.cases.list(flow=flow)]
    return [duty.row() for duty in duties(records(unit), cases, seats, asked.rules, asked.day)]


def late(unit: Unit, asked: Asked) -> list[Row]:
    timed = [table for table in flows().values() if table.clocks]
    held = [case for table in timed for case in unit.cases.list(flow=table.name, states=sorted(set(table.states) - table.finals))]
    return r.overdue(held, asked.cases.clocks_in(unit, held, asked.day))


Make = Callable[[Unit, Asked], list[Row]]
PUBLIC: Mapping[str, Make] = MappingProxyType({
    "products": lambda unit, _: r.products(visible(unit), unit.cases.list(flow="price")),
    "elements": lambda unit, _: r.elements(visible(unit)),
    "standards": lambda unit, _: r.standards(records(unit), visible(unit)),
    "channels": lambda unit, asked: r.channels(records(unit), Watch(unit.connection).by_channel(), asked.day.isoformat()),
    "districts": lambda unit, _: r.districts(unit.parties.orgs(), visible(unit), every(unit)),
    "scenarios": lambda unit, _: r.scenarios(records(unit), unit.cases.list(flow="release", states=r.OUT)),
    "contests": lambda unit, _: r.contests(records(unit)),
    "bases": lambda unit, _: r.bases(unit.cases.list(flow="authorization", states=("active", "amending", "suspended")), records(unit)),
})  # fmt: skip
OVERSEEN: Mapping[str, Make] = MappingProxyType({
    "duties": owed,
    "overdue": late,
    "surveys": lambda unit, _: r.surveys(records(unit), visible(unit)),
    "sharing": lambda unit, _: r.sharing(with_history(unit, "share_item")),
    "settlements": lambda unit, _: r.settlements(records(unit)),
    "operators": lambda unit, _: r.operators(unit.parties.orgs(), every(unit)),
    "revenue": lambda unit, _: r.revenue(records(unit), sales(unit)),
    "costs": lambda unit, _: r.costs(records(unit), unit.cases.list(flow="zone")),
    "research": lambda unit, _: r.research(records(unit)),
    "attempts": lambda unit, _: [value for _, value in unit.documents.list(ATTEMPTS)],
    "deals": lambda unit, _: r.deals(records(unit)),
})  # fmt: skip
NAMES = (*PUBLIC, *OVERSEEN)


class Registers:
    def __init__(self, *, database: Database, cases: Cases, clock: Clock = system_clock) -> None:
        self.database = database
        self.cases = cases
        self.clock = clock

    def rows(self, actor: Actor, name: str) -> list[Row]:
        """One register. Raises: NotFound("register.unknown"), Forbidden("oversight.only") for those the public has no part in."""
        make = PUBLIC.get(name) or OVERSEEN.get(name)
        if make is None:
            raise NotFound("register.unknown", name=name, known=", ".join(NAMES))
        if name in OVERSEEN and not actor.has(*OVERSIGHT):
            raise Forbidden("oversight.only")
        with self.database.read() as unit:
            return make(unit, Asked(business_day(self.clock()), self.cases.rules, self.cases))

    def csv(self, actor: Actor, name: str) -> str:
        """`rows` as CSV. Raises: as `rows`."""
        return r.to_csv(self.rows(actor, name))

    def listing_pack(self, actor: Actor, dataset: str, version: str) -> dict[str, Any]:
        """What an exchange asks for before a product is listed (article 12): sheet, quality, compliance, price, where the sample is.

        Everything in it is public. Raises: NotFound("oversight.unknown_id"), Conflict("record.not_released").
        """
        del actor
        with self.database.read() as unit:
            found = [case for case in unit.cases.list(flow="release", subject=dataset) if case.data["version"] == version]
            if not found:
                raise NotFound("oversight.unknown_id", id=f"{dataset}@{version}")
            case = found[0]
            if case.state not in r.OUT:
                raise Conflict("record.not_released", product=dataset, version=version)
            entries = [entry for name in case.data.get("resources", ()) if (entry := unit.catalog.get(name)) is not None]
            prices = list(unit.cases.list(flow="price", subject=dataset, states=("listed",)))
            zones = [
                zone.id
                for zone in unit.cases.list(flow="zone", states=("open",))
                if set(zone.data["resources"]) & set(case.data.get("resources", ()))
            ]
        return {
            "schema": SCHEMA,
            "product": {
                "id": f"{dataset}@{version}",
                "title": case.data.get("title") or {},
                "manifest_sha256": case.data["manifest_digest"],
                "rows": int(case.data.get("rows") or 0),
                "bytes": int(case.data.get("bytes") or 0),
                "licence": str(case.data.get("licence") or ""),
                "purpose": str(case.data.get("purpose") or ""),
            },
            "quality": [
                {"gate": gate.get("gate") or gate.get("id"), "status": gate["status"]} for gate in case.data.get("gates", ())
            ],
            "compliance": {
                "registrations": {entry.id: entry.registration_code for entry in entries},
                "authorizations": sorted({str(grant["authorization"]) for grant in case.data.get("grants", ())}),
                "approvals": len(case.data.get("approvals", ())),
            },
            "price": [
                {"case": item.id, "unit": item.data["unit"], "cap_fen": item.data["cap_fen"], "tiers": item.data["tiers"]}
                for item in prices
            ],
            "sample": f"/v1/samples/{dataset}?revision=v{version}",
            "network": {"resolver": f"/v1/id/{dataset}@{version}", "zones": sorted(zones)},
        }


def listing_schema() -> dict[str, Any]:
    """JSON schema of a listing pack."""
    read: dict[str, Any] = json.loads(files("corpushub.rules").joinpath("listing.schema.json").read_text("utf-8"))
    return read
