"""What happens by itself: rights used up, demands nobody met, refusals counted (articles 4, 6 and 10)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from corpushub.base.identity import iso
from corpushub.domain.parties import SYSTEM
from corpushub.domain.workflow import Case
from corpushub.services.access import Gated
from corpushub.store.tokens import Delivery
from tests.kit.gov import released
from tests.kit.hub import REPO, SomeHub, notices, some_hub

FILE = "data/test-00000-of-00001.parquet"


@pytest.fixture
def hub(tmp_path: Path) -> SomeHub:
    made = some_hub(tmp_path)
    made.city.made["release"] = released(made.city)
    made.publish(REPO, notices())
    return made


def taken(hub: SomeHub, right: Case, rows: int, number: int) -> None:
    row = Delivery(
        f"d-{number}",
        iso(hub.clock()),
        REPO,
        "0" * 40,
        "",
        1,
        10,
        rows,
        "developer",
        "beichen",
        "",
        right.id,
        "research",
        "file",
        "r",
    )
    with hub.database.begin() as unit:
        unit.deliveries.add([row, replace(row, id=f"d-{number}b", entitlement="", rows=9)])


def upkeep(hub: SomeHub) -> None:
    for duty in hub.jobs.upkeep:
        duty()


def test_a_right_whose_rows_are_used_up_is_exhausted_by_the_next_round(hub: SomeHub) -> None:
    right = hub.entitle(max_rows=100)
    hub.city.clock.forward(minutes=1)
    other = hub.entitle(max_rows=1000)
    taken(hub, right, 99, 1)
    upkeep(hub)
    assert hub.cases.get(SYSTEM, right.id).state == "active"
    taken(hub, right, 1, 2)
    taken(hub, other, 100, 3)
    upkeep(hub)
    assert (hub.cases.get(SYSTEM, right.id).state, hub.cases.get(SYSTEM, other.id).state) == ("exhausted", "active")
    assert hub.cases.get(SYSTEM, right.id).data["rows"] == 100
    events = hub.cases.get(SYSTEM, right.id).version
    upkeep(hub)
    assert hub.cases.get(SYSTEM, right.id).version == events


def test_rows_beyond_the_limit_are_refused_even_before_the_round(hub: SomeHub) -> None:
    right = hub.entitle(max_rows=100)
    taken(hub, right, 100, 1)
    with pytest.raises(Gated) as caught:
        hub.repositories.locate(hub.city["developer"], REPO, "v1.0.0", FILE)
    assert caught.value.why is not None
    assert caught.value.why.code == "delivery.rows"


def test_refused_deliveries_are_counted_and_the_first_of_a_day_is_an_event(hub: SomeHub) -> None:
    """Article 6: 严禁未经授权超范围使用; article 4: a use for another purpose is denied and logged."""
    hub.entitle()
    secret, token = hub.access.issue_token(hub.city["developer"], name="other purpose", purpose="contest")
    del token
    for _ in range(3):
        hub.access.forget()
        actor = hub.access.actor_of_token(secret)
        assert actor is not None
        with pytest.raises(Gated):
            hub.repositories.locate(actor, REPO, "v1.0.0", FILE)
    upkeep(hub)
    (row,) = hub.registers.rows(hub.city["supervisor"], "attempts")
    assert (row["org"], row["dataset"], row["rule"], row["count"]) == ("beichen", REPO, "delivery.purpose", 3)
    with hub.database.read() as unit:
        (event,) = unit.events.of("attempt:beichen")
        assert unit.ledger.find("attempt:beichen", 1) >= 0
    assert (event.type, event.data["rule"]) == ("attempt.refused", "delivery.purpose")
    hub.city.clock.forward(days=1)
    hub.access.forget()
    with pytest.raises(Gated):
        hub.repositories.locate(actor, REPO, "v1.0.0", FILE)
    upkeep(hub)
    assert len(hub.registers.rows(hub.city["supervisor"], "attempts")) == 2
    assert not [problem for problem in hub.audit.verify().problems if "attempt" in problem.path]


def demand(hub: SomeHub) -> Case:
    city = hub.city
    case = city.cases.open(city["developer"], "demand", {"title": "tide tables", "text": "hourly tides of the last ten years"})
    for person, command in (("developer", "submit"), ("operator", "acknowledge"), ("operator", "find_unmet")):
        case = city.do(person, case, command)
    return case


def test_a_demand_nothing_meets_becomes_a_work_order_when_its_time_is_up(hub: SomeHub) -> None:
    case = demand(hub)
    hub.city.clock.forward(days=10)
    upkeep(hub)
    assert hub.cases.get(SYSTEM, case.id).state == "unmet", "ten calendar days are fewer than ten working days"
    hub.city.clock.forward(days=6)
    upkeep(hub)
    assert hub.cases.get(SYSTEM, case.id).state == "work_order"
    (order,) = hub.cases.list(hub.city["operator"], flow="work_order").items
    assert (order.data["demand"], order.data["operator"], order.data["customer"]) == (case.id, "data-group", "beichen")
    assert "tide tables" in order.data["scope"]
    assert [notice.topic for notice in hub.cases.notices(hub.city["developer"])].count("notice.demand_ordered") == 1
    upkeep(hub)
    assert len(hub.cases.list(hub.city["operator"], flow="work_order").items) == 1


def test_without_an_operator_no_order_is_opened(tmp_path: Path) -> None:
    hub = some_hub(tmp_path)
    case = demand(hub)
    hub.city.clock.forward(days=30)
    upkeep(hub)
    assert hub.cases.get(SYSTEM, case.id).state == "unmet"
