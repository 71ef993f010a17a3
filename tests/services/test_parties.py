# ruff: noqa: RUF043 - codes hold a dot, and any character there will do
from __future__ import annotations

from pathlib import Path

import pytest

from corpushub.base.errors import Conflict, Forbidden, Invalid, NotFound
from corpushub.domain.parties import SYSTEM, Role
from tests.kit.gov import City, a_city, credit_code


@pytest.fixture
def city(tmp_path: Path) -> City:
    return a_city(tmp_path)


def test_managing_and_operating_never_meet_in_one_organisation(city: City) -> None:
    with pytest.raises(Conflict, match="party.roles_exclusive"):
        city.parties.bind(city["keeper"], "operator2", "reviewer")
    with pytest.raises(Conflict, match="party.roles_exclusive"):
        city.parties.bind(city["authority"], "implementer2", "operator")


def test_nobody_gives_themselves_a_seat(city: City) -> None:
    with pytest.raises(Forbidden, match="party.own_role"):
        city.parties.bind(city["keeper"], "keeper", "authority")


def test_seats_end_and_people_leave(city: City) -> None:
    assert city["implementer"].has(Role.REVIEWER)
    assert city.parties.unbind(city["keeper"], "implementer", "reviewer") == 1
    assert not city["implementer"].has(Role.REVIEWER)
    city.parties.depart(city["keeper"], "implementer")
    with pytest.raises(Forbidden, match="party.departed"):
        city.parties.actor_of("implementer")


def test_days_of_seats_and_interests_are_days_and_a_seat_does_not_end_before_it_begins(city: City) -> None:
    for given, code in (("soon", "party.not_date"), ("2026-02-30", "party.not_date"), ("2020-01-01", "party.over")):
        with pytest.raises(Invalid) as caught:
            city.parties.bind(city["keeper"], "developer", "developer", valid_to=given)
        assert caught.value.code == code
    assert city.parties.bind(city["keeper"], "developer", "developer", valid_to="20991231").valid_to == "2099-12-31"
    with pytest.raises(Invalid, match=r"party\.not_date"):
        city.parties.declare_conflict(city["keeper"], person="operator", org="beichen", kind="shares", ended="last year")


def test_credit_codes_are_checked(city: City) -> None:
    bad = credit_code(99)[:-1] + ("0" if credit_code(99)[-1] != "0" else "1")
    with pytest.raises(Invalid, match="party.credit_code"):
        city.parties.add_org(city["keeper"], credit_code=bad, kind="agency", region="110000", name={"zh": "x", "en": "x"})
    with pytest.raises(Conflict, match="party.org_exists"):
        city.parties.add_org(
            city["keeper"], credit_code=credit_code(1), kind="agency", region="110000", name={"zh": "x", "en": "x"}
        )


def test_only_keepers_change_accounts(city: City) -> None:
    with pytest.raises(Forbidden, match="party.keepers_only"):
        city.parties.add_person(city["developer"], id="x", org="beichen", name="x")
    with pytest.raises(NotFound, match="party.unknown_person"):
        city.parties.actor_of("nobody")


def test_names_of_people_stay_out_of_the_ledger(city: City) -> None:
    city.parties.add_person(city["keeper"], id="p.1", org="beichen", name="Zhuge Kongming")
    with city.database.read() as unit:
        assert all(b"Zhuge" not in entry for _, entry, _, _ in unit.ledger.rows())


def test_bootstrap_twice_changes_nothing(city: City) -> None:
    with city.database.read() as unit:
        before = unit.events.count()
    assert city.parties.bootstrap(people=[{"id": "operator", "org": "data-group", "name": "x"}]) == ()
    with city.database.read() as unit:
        assert unit.events.count() == before


def test_forgetting_somebody_breaks_no_proof(city: City) -> None:
    case = city.cases.open(
        city["developer"], "demand", {"title": "streets", "text": "call me, I am the second Wang of the street"}
    )
    with city.database.read() as unit:
        root = unit.ledger.tree().root()
        size = unit.ledger.size()
    with pytest.raises(Conflict, match="party.still_here"):
        city.parties.forget(city["keeper"], "developer")
    city.parties.depart(city["keeper"], "developer")
    assert city.parties.forget(city["keeper"], "developer") == 2
    assert city.parties.person("developer").name == ""
    told = city.cases.get(SYSTEM, case.id).data["text"]
    assert set(told) == {"commitment"}
    with city.database.read() as unit:
        assert unit.ledger.tree(size).root() == root
        assert not unit.ledger.opens(told["commitment"], '"call me, I am the second Wang of the street"')
        kept = unit.cases.get(case.id)
    assert kept is not None
    assert kept.data == city.cases.get(SYSTEM, case.id).data
