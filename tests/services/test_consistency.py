"""Organisations, people and seats are folds of their events: a row somebody changed by hand is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.kit.gov import released
from tests.kit.hub import SomeHub, some_hub


@pytest.fixture
def hub(tmp_path: Path) -> SomeHub:
    made = some_hub(tmp_path)
    released(made.city)
    made.city.parties.unbind(made.city["keeper"], "operator2", "operator")
    made.city.clock.forward(days=3)
    made.city.parties.bind(made.city["keeper"], "operator2", "operator", valid_to="2027-01-01")
    made.city.parties.depart(made.city["keeper"], "registrar2")
    made.city.parties.forget(made.city["keeper"], "registrar2")
    return made


def places(hub: SomeHub) -> set[str]:
    """Places of parties only: the releases of this kit have made-up manifests."""
    found = hub.audit.verify(with_objects=False).problems
    return {problem.path for problem in found if problem.path.startswith("parties/")}


def test_what_the_services_wrote_is_what_the_events_tell(hub: SomeHub) -> None:
    assert places(hub) == set()


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE bindings SET role = 'auditor' WHERE person = 'developer'", "parties/person:developer"),
        ("UPDATE bindings SET valid_to = '2030-01-01' WHERE person = 'operator2'", "parties/person:operator2"),
        ("DELETE FROM bindings WHERE person = 'auditor'", "parties/person:auditor"),
        ("INSERT INTO bindings (id, person, role, scope, valid_from, valid_to) VALUES ('x', 'developer', 'authority', '', '2026-01-01', '')", "parties/person:developer"),
        ("UPDATE people SET org = 'data-bureau' WHERE id = 'developer'", "parties/person:developer"),
        ("UPDATE people SET state = 'active' WHERE id = 'registrar2'", "parties/person:registrar2"),
        ("DELETE FROM people WHERE id = 'supervisor'", "parties/person:supervisor"),
        ("UPDATE orgs SET credit_code = 'x' WHERE id = 'beichen'", "parties/org:beichen"),
        ("UPDATE orgs SET kind = 'authority' WHERE id = 'beichen'", "parties/org:beichen"),
        ("DELETE FROM orgs WHERE id = 'audit'", "parties/org:audit"),
    ],
)  # fmt: skip
def test_a_row_changed_by_hand_is_named(hub: SomeHub, statement: str, place: str) -> None:
    with hub.database.engine.begin() as connection:
        connection.execute(sa.text(statement))
    assert places(hub) == {place}
