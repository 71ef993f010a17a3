"""A clean room answers declared questions from a budget, keeps every question on record, and lets nobody else in."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from corpushub.base.errors import Conflict, Forbidden, Invalid, NotFound
from corpushub.base.settings import load_settings
from corpushub.domain.parties import Actor
from corpushub.services.access import Gated
from corpushub.services.hub import Hub, open_hub
from tests.kit.demo import copy_of

DATASET = "yunzhou/census-income"
DECLARED = {"unit": "id", "dimensions": ["sex", "income"], "measures": {}, "filters": ["sex"], "max_groups": 1, "max_rows": 1}
QUESTION = "select sex, count(*) as people from data group by sex"


@pytest.fixture(scope="module")
def hub(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Hub]:
    made = open_hub(load_settings({}, home=str(copy_of(prepared_home, tmp_path_factory.mktemp("room") / "home"))))
    made.cleanroom.open(made.parties.actor_of("chen.yu"), DATASET, DECLARED, epsilon=4.0)
    yield made
    made.close()


def developer(hub: Hub) -> Actor:
    return hub.parties.actor_of("sun.yue")


def test_a_granted_developer_gets_a_noisy_answer_on_record(hub: Hub) -> None:
    got = hub.cleanroom.ask(developer(hub), DATASET, QUESTION, epsilon=2.0)
    assert {row[0] for row in got.rows} == {"Male", "Female"}
    assert all(row[1] > 500 for row in got.rows)
    with hub.database.read() as unit:
        assert [event.name for event in unit.events.of(f"cleanroom:{DATASET}")][-2:] == ["opened", "asked"]


def test_an_empty_budget_refuses(hub: Hub) -> None:
    left = 4.0 - hub.cleanroom.room(DATASET)["spent"]
    with pytest.raises(Conflict, match=r"cleanroom\.budget"):
        hub.cleanroom.ask(developer(hub), DATASET, QUESTION, epsilon=left + 0.5)


def test_a_refused_query_costs_nothing(hub: Hub) -> None:
    before = hub.cleanroom.room(DATASET)["spent"]
    with pytest.raises(Invalid):
        hub.cleanroom.ask(developer(hub), DATASET, "select * from data", epsilon=1.0)
    assert hub.cleanroom.room(DATASET)["spent"] == before


def test_opening_a_room_again_gives_no_budget_back(hub: Hub) -> None:
    """Who declares a room anew, for themselves or for a friend who asks, does not undo what was told already."""
    hub.cleanroom.ask(developer(hub), DATASET, QUESTION, epsilon=0.25)
    spent = hub.cleanroom.room(DATASET)["spent"]
    curator = hub.parties.actor_of("chen.yu")
    hub.cleanroom.open(curator, DATASET, DECLARED, epsilon=4.0)
    assert hub.cleanroom.room(DATASET)["spent"] == spent > 0
    for endless in (float("inf"), float("nan"), 0.0):
        with pytest.raises(Invalid, match=r"cleanroom\.epsilon"):
            hub.cleanroom.open(curator, DATASET, DECLARED, epsilon=endless)


def test_nobody_asks_without_an_entitlement(hub: Hub) -> None:
    with pytest.raises(Gated):
        hub.cleanroom.ask(hub.parties.actor_of("he.xin"), DATASET, QUESTION, epsilon=1.0)


def test_only_curators_declare_and_only_what_exists(hub: Hub) -> None:
    with pytest.raises(Forbidden):
        hub.cleanroom.open(developer(hub), DATASET, DECLARED, epsilon=1.0)
    with pytest.raises(Invalid, match=r"cleanroom\.column"):
        hub.cleanroom.open(hub.parties.actor_of("chen.yu"), DATASET, {**DECLARED, "dimensions": ["salary"]}, epsilon=1.0)


def test_a_dataset_without_a_room_says_so(hub: Hub) -> None:
    with pytest.raises(NotFound, match=r"cleanroom\.no_room"):
        hub.cleanroom.ask(developer(hub), "yunzhou/legal-questions", QUESTION, epsilon=1.0)
