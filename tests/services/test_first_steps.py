"""A new hub says what it still needs, in order, until its first dataset is out."""

from __future__ import annotations

from pathlib import Path

from corpushub.domain.parties import SYSTEM, Actor, Role
from corpushub.services.first_steps import SEATS, first_steps
from corpushub.store.db import Database
from tests.kit.gov import City, a_city, authorized, proposed, registered, released


def done(city: City, person: str = "authority") -> list[str]:
    return [step.name for step in first_steps(city.database, city.clock, city[person]) if step.done]


def test_an_empty_hub_names_the_seats_nobody_holds(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "hub.db"))
    boss = Actor("li.wei", "bureau", frozenset({Role.ADMIN}))
    steps = first_steps(database, database.clock, boss)
    assert [step.name for step in steps] == ["people", "catalog", "registration", "authorization", "proposal", "release"]
    assert not any(step.done for step in steps)
    assert steps[0].missing == SEATS


def test_a_step_is_done_when_it_is_and_the_list_goes_with_the_first_release(tmp_path: Path) -> None:
    city = a_city(tmp_path)
    assert done(city) == ["people"]
    registered(city)
    assert done(city) == ["people", "catalog", "registration"]
    city.made["authorization"] = authorized(city)
    assert done(city) == ["people", "catalog", "registration", "authorization"]
    proposed(city, version="0.9.0")
    assert done(city, "keeper") == ["people", "catalog", "registration", "authorization", "proposal"]
    released(city)
    assert first_steps(city.database, city.clock, city["authority"]) == ()


def test_an_ended_seat_is_missing_again_and_others_are_not_told(tmp_path: Path) -> None:
    city = a_city(tmp_path)
    city.parties.unbind(SYSTEM, "operator", Role.OPERATOR)
    city.parties.unbind(SYSTEM, "operator2", Role.OPERATOR)
    people = first_steps(city.database, city.clock, city["keeper"])[0]
    assert (people.done, people.missing) == (False, (Role.OPERATOR,))
    assert first_steps(city.database, city.clock, city["developer"]) == ()
