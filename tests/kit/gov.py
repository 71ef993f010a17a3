"""A small fictional city: organisations, people and the flows up to an active authorization, on a real SQLite database."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from corpushub.base.errors import HubError
from corpushub.domain.parties import SYSTEM, Actor, credit_check
from corpushub.domain.workflow import Case
from corpushub.services.cases import Cases
from corpushub.services.catalog import Catalog
from corpushub.services.parties import Parties
from corpushub.store.db import Database

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # a Monday morning in China
ORGS = {
    "data-bureau": ("authority", 1),
    "econ-bureau": ("agency", 2),
    "stats-bureau": ("agency", 3),
    "data-group": ("operator", 4),
    "registry": ("registry", 5),
    "assess": ("assessor", 6),
    "beichen": ("developer", 7),
    "audit": ("audit", 8),
    "cyber": ("agency", 9),
    "district": ("district", 10),
}
PEOPLE = {
    "authority": ("data-bureau", ["authority", "cdo"]),
    "implementer": ("econ-bureau", ["implementer", "reviewer"]),
    "implementer2": ("econ-bureau", ["implementer"]),
    "provider": ("stats-bureau", ["provider", "sector"]),
    "operator": ("data-group", ["operator"]),
    "operator2": ("data-group", ["operator"]),
    "registrar": ("registry", ["registrar"]),
    "registrar2": ("registry", ["registrar"]),
    "reviewer": ("assess", ["reviewer", "assessor"]),
    "developer": ("beichen", ["developer"]),
    "auditor": ("audit", ["auditor"]),
    "supervisor": ("cyber", ["supervisor"]),
    "district": ("district", ["district", "provider"]),
    "keeper": ("data-bureau", ["admin"]),
}
RESOURCE = "990100/stats/notices"
ASK = {"dataset": "city/notices", "purpose": "research", "plan": "look at the notices", "terms_accepted": True}


def credit_code(number: int) -> str:
    body = f"11990100MB{number:06d}Y"
    return body + credit_check(body)


class Ticker:
    """A clock that moves only when told to."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, *, days: float = 0, minutes: float = 0) -> None:
        self.now += timedelta(days=days, minutes=minutes)


@dataclass
class City:
    database: Database
    clock: Ticker
    parties: Parties
    cases: Cases
    catalog: Catalog
    made: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, person: str) -> Actor:
        return self.parties.actor_of(person)

    def do(self, person: str, case: Case, command: str, **data: Any) -> Case:
        return self.cases.execute(SYSTEM if person == "clock" else self[person], case.id, command, data)

    def tick(self) -> int:
        """Let the clock act on everything that is due."""
        done = 0
        while True:
            with self.database.read() as unit:
                due = unit.cases.due(self.clock().strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
            if not due:
                return done
            for case_id, command, _ in due:
                self.cases.execute(SYSTEM, case_id, command)
                done += 1


def a_city(folder: Path, url: str = "") -> City:
    """A fresh city; on SQLite a copy of one made once, because setting up writes some fifty durable transactions."""
    clock = Ticker()
    if not url:
        shutil.copy(_template(), folder / "city.db")
    database = Database(url or str(folder / "city.db"), clock)
    city = _city(database, clock)
    if url:
        _populate(city)
    return city


def a_released_city(folder: Path) -> City:
    """A city with a registered entry, an active authorization and a release of it."""
    path, now, made = _released_template()
    shutil.copy(path, folder / "city.db")
    clock = Ticker(now)
    city = _city(Database(str(folder / "city.db"), clock), clock)
    city.made.update(made)
    return city


@cache
def _template() -> Path:
    path = Path(tempfile.mkdtemp()) / "city.db"
    clock = Ticker()
    database = Database(str(path), clock)
    _populate(_city(database, clock))
    database.close()
    return path


@cache
def _released_template() -> tuple[Path, datetime, dict[str, Any]]:
    folder = Path(tempfile.mkdtemp())
    city = a_city(folder)
    city.made["release"] = released(city)
    city.database.close()
    return folder / "city.db", city.clock.now, city.made


def _city(database: Database, clock: Ticker) -> City:
    cases = Cases(database=database, clock=clock)
    return City(
        database, clock, Parties(database=database, clock=clock), cases, Catalog(database=database, cases=cases, clock=clock)
    )


def _populate(city: City) -> None:
    city.parties.bootstrap(
        orgs=[
            {"id": name, "credit_code": credit_code(number), "kind": kind, "region": "990100", "name": {"zh": name, "en": name}}
            for name, (kind, number) in ORGS.items()
        ],
        people=[{"id": name, "org": org, "name": name, "roles": roles} for name, (org, roles) in PEOPLE.items()],
    )


def an_entry(**over: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": RESOURCE,
        "title": {"zh": "通知公告", "en": "Notices"},
        "summary": {"zh": "通知公告全文", "en": "Full text of notices"},
        "owner": "stats-bureau",
        "domain": "statistics",
        "region": "990100",
        "items": [
            {"name": "id", "meaning": {"zh": "编号", "en": "number"}},
            {"name": "title", "meaning": {"zh": "标题", "en": "title"}},
            {"name": "text", "meaning": {"zh": "正文", "en": "body"}},
            {"name": "phone", "meaning": {"zh": "电话", "en": "phone"}, "sensitivity": "personal"},
        ],
        "interpreter": {"person": "provider", "contact": "12345"},
        "secrecy_checked_by": "provider",
    }
    return entry | over


MATERIALS = dict.fromkeys(
    ("applicant", "legality", "situation", "evidence", "products", "scenarios", "risk_assessment"), "stated"
)


def registered(city: City, **over: Any) -> str:
    """A registered entry, through its flow and its public notice."""
    entry = city.catalog.add(city["provider"], an_entry(**over))
    data = {"resource": entry.id, "kind": "first", "materials": MATERIALS, "evidence_digest": "a" * 64, "commitment": True}
    case = city.cases.open(city["provider"], "registration", data)
    case = city.do("provider", case, "submit")
    case = city.do("registrar", case, "accept")
    city.do("registrar", case, "pass_formal")
    city.clock.forward(days=20)
    city.tick()
    return entry.id


def terms(**over: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "mode": "domain",
        "domains": ["statistics"],
        "implementer": "econ-bureau",
        "operator": "data-group",
        "resources": [RESOURCE],
        "fields": {RESOURCE: ["id", "title", "text"]},
        "purposes": ["model-training", "research"],
        "channels": ["file", "stream", "query"],
        "valid_from": "2026-01-01",
        "valid_to": "2028-12-31",
        "sections": dict.fromkeys(("conditions", "operation", "term", "exit", "security"), "as agreed"),
    }
    return base | over


def authorized(city: City, **over: Any) -> Case:
    """An active authorization, through its flow."""
    case = city.cases.open(city["implementer"], "authorization", terms(**over))
    case = city.do(
        "implementer", case, "record_decision", minutes="2026-7", decided_on="2026-03-01", participants=9, minutes_digest="b" * 64
    )
    case = city.do("authority", case, "approve")
    case = city.do("implementer", case, "select", method="tender", selection_record="three bids, best score")
    case = city.do("operator", case, "sign", agreement_digest="c" * 64)
    return city.do("implementer", case, "activate")


def draft(city: City, **over: Any) -> Mapping[str, Any]:
    base: dict[str, Any] = {
        "dataset": "city/notices",
        "version": "1.0.0",
        "manifest_digest": "d" * 64,
        "recipe_digest": "e" * 64,
        "built_by": "operator",
        "builder_org": "data-group",
        "gates": [{"gate": "PII-01", "status": "pass", "effect": "block"}],
        "resources": [RESOURCE],
        "grants": [{"authorization": city.made["authorization"].id}] if "authorization" in city.made else [],
    }
    return base | over


def proposed(city: City, **over: Any) -> Case:
    """A release in review."""
    case = city.cases.open(city["operator"], "release", draft(city, **over))
    return city.do("operator", case, "submit")


def released(city: City, **over: Any) -> Case:
    """A published release on a registered and authorized entry."""
    if "authorization" not in city.made:
        registered(city)
        city.made["authorization"] = authorized(city)
    case = proposed(city, **over)
    city.do("implementer", case, "approve")
    case = city.do("reviewer", case, "approve")
    return city.do("operator", case, "publish")


def entitled(city: City, **over: Any) -> Case:
    """An entitlement in force for the developer's organisation, through request, decision and countersignature."""
    case = city.cases.open(city["developer"], "access", ASK | over)
    for person, command in (
        ("developer", "submit"),
        ("operator", "triage"),
        ("reviewer", "propose"),
        ("implementer", "approve"),
        ("developer", "countersign"),
    ):
        case = city.do(person, case, command)
    held = city.cases.list(city["developer"], flow="entitlement").items
    return next(right for right in held if right.data["request"] == case.id)


def votes_at_once(city: City, case: Case) -> list[str]:
    """What sixteen approvals of `case` in the same moment, by four people, are answered: a state or a refusal's code."""
    answers: list[str] = []

    def vote(person: str) -> None:
        try:
            answers.append(city.do(person, case, "approve").state)
        except HubError as error:
            answers.append(error.code)

    threads = [
        threading.Thread(target=vote, args=(person,)) for person in ("implementer", "implementer2", "reviewer", "authority") * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
