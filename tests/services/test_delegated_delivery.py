"""Rights handed down deliver as far as every link above permits, and no further (articles 4 and 6, INV-04, INV-05)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from corpushub.base.errors import HubError
from corpushub.base.identity import business_day
from corpushub.domain.workflow import Case
from corpushub.services.delivery import Ask, Permission, decide
from corpushub.store.repos import Repo
from tests.kit.gov import RESOURCE, City, a_released_city, an_entry, draft, entitled

WHY = {"reason": "because it has to be"}


@pytest.fixture
def city(tmp_path: Path) -> City:
    return a_released_city(tmp_path)


def handed_down(city: City, **over: object) -> Case:
    content = {"parent": city.made["authorization"].id, "holder": "district", "resources": [RESOURCE], "purposes": ["research"]}
    content |= {
        "fields": {RESOURCE: ["id", "title", "text"]},
        "channels": ["file"],
        "valid_from": "2026-03-02",
        "valid_to": "2027-03-01",
    }
    case = city.cases.open(city["implementer"], "delegation", content | over)
    return city.do("district", case, "accept")


def answer(city: City, person: str = "district") -> str:
    with city.database.begin() as unit:
        unit.repos.ensure("city/notices", org="data-group", by="operator", gated="manual")
        repo = unit.repos.get("city/notices")
        assert isinstance(repo, Repo)
        found = decide(unit, Ask(city[person], repo, None), business_day(city.clock()))
    return found.entitlement if isinstance(found, Permission) else found.code if isinstance(found, HubError) else "?"


def test_a_delegation_delivers_and_dies_with_anything_above_it(city: City) -> None:
    assert answer(city) == "delivery.missing"
    case = handed_down(city)
    assert answer(city) == case.id
    assert answer(city, "developer") == "delivery.missing"
    city.do("supervisor", city.made["authorization"], "suspend", **WHY)
    assert answer(city) == "delivery.inactive"
    city.do("authority", city.made["authorization"], "resume")
    assert answer(city) == case.id
    city.do("implementer", case, "revoke", **WHY)
    assert answer(city) == "delivery.missing"


def test_a_region_is_no_right_to_whole_files(city: City) -> None:
    handed_down(city, regions=["990101"])
    assert answer(city) == "delivery.region"


def test_some_fields_are_no_right_to_whole_files(city: City) -> None:
    handed_down(city, fields={RESOURCE: ["id"]})
    assert answer(city) == "delivery.fields"


def test_an_entitlement_does_not_grow_with_the_sources_of_a_later_version(city: City) -> None:
    right = entitled(city)
    assert answer(city, "developer") == right.id
    other = city.catalog.add(city["registrar"], an_entry(id="990100/stats/other", registration_code="R-2"))
    city.clock.forward(minutes=5)
    wider = city.cases.open(city["operator"], "release", draft(city, version="2.0.0", resources=[RESOURCE, other.id]))
    for person, command in (("operator", "submit"), ("implementer", "approve"), ("reviewer", "approve"), ("operator", "publish")):
        city.do(person, wider, command)
    assert answer(city, "developer") == "delivery.resource"


def test_time_is_read_in_china() -> None:
    assert business_day(datetime(2026, 12, 31, 17, tzinfo=UTC)).isoformat() == "2027-01-01"
