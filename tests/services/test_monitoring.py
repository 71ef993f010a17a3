"""Article 15, 监测预警: what is unusual is seen by itself, told once, and can be frozen."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from corpushub.base.errors import Forbidden
from corpushub.base.identity import BEIJING, iso
from corpushub.domain.parties import SYSTEM
from corpushub.domain.workflow import Case
from corpushub.services.access import Gated
from corpushub.services.monitoring import Monitoring
from corpushub.store.tokens import Delivery
from tests.kit.gov import released
from tests.kit.hub import REPO, SomeHub, notices, some_hub

_numbers = count()


@pytest.fixture
def hub(tmp_path: Path) -> SomeHub:
    made = some_hub(tmp_path)
    made.city.made["release"] = released(made.city)
    made.publish(REPO, notices())
    return made


def take(hub: SomeHub, right: Case, *, rows: int = 0, size: int = 0) -> None:
    facts = ("developer", "beichen", "", right.id, "research", "file", "r")
    with hub.database.begin() as unit:
        unit.deliveries.add([Delivery(f"d-{next(_numbers)}", iso(hub.clock()), REPO, "0" * 40, "", 9, size, rows, *facts)])


def watch(hub: SomeHub) -> list[Case]:
    """The incidents this round opens."""

    def standing() -> dict[str, Case]:
        return {case.id: case for case in hub.cases.list(hub.city["supervisor"], flow="incident").items}

    before = standing()
    hub.access.attempts.flush()
    opened = Monitoring(database=hub.database, cases=hub.cases, clock=hub.clock).watch()
    new = [case for name, case in standing().items() if name not in before]
    assert len(new) == opened
    return new


def at_hour(hub: SomeHub, hour: int) -> None:
    now = hub.clock().astimezone(BEIJING)
    then = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), BEIJING) + timedelta(hours=hour)
    hub.city.clock.forward(minutes=int((then - now).total_seconds()) // 60 + 1)


def test_a_bulk_download_raises_one_alert_and_the_freeze_works(hub: SomeHub) -> None:
    right = hub.entitle()
    take(hub, right, rows=4_999_999)
    at_hour(hub, 10)
    assert watch(hub) == []
    take(hub, right, rows=4_999_999)
    assert watch(hub) == []
    take(hub, right, rows=1)
    (incident,) = watch(hub)
    assert (incident.data["kind"], incident.data["signals"]["monitor"]) == ("bulk_download", "rows_an_hour")
    assert incident.data["signals"]["rows"] == 5_000_000
    assert watch(hub) == [], "one alert a day is enough"
    hub.city.do("supervisor", incident, "contain")
    assert hub.cases.get(SYSTEM, right.id).state == "suspended"
    hub.city.clock.forward(days=1)
    assert watch(hub) == []


def test_many_bytes_of_few_rows_are_seen_too(hub: SomeHub) -> None:
    right = hub.entitle()
    at_hour(hub, 9)
    for _ in range(4):
        take(hub, right, rows=10, size=50 * 10**9)
        hub.city.clock.forward(minutes=120)
    (incident,) = watch(hub)
    assert (incident.data["signals"]["monitor"], incident.data["signals"]["bytes"]) == ("bytes_a_day", 200 * 10**9)


def test_what_is_taken_at_night_counts_from_the_evening_on_and_only_at_night(hub: SomeHub) -> None:
    right = hub.entitle()
    at_hour(hub, 21)
    take(hub, right, rows=999_999)
    hub.city.clock.forward(minutes=120)  # 23:00
    take(hub, right, rows=999_999)
    assert watch(hub) == []
    hub.city.clock.forward(minutes=240)  # 03:00
    take(hub, right, rows=1)
    (incident,) = watch(hub)
    assert (incident.data["signals"]["monitor"], incident.data["signals"]["rows"]) == ("rows_at_night", 1_000_000)
    hub.city.clock.forward(minutes=120)
    assert watch(hub) == [], "it is still the same night"
    hub.city.clock.forward(minutes=300)  # 10:00
    assert watch(hub) == []


def test_use_for_another_purpose_again_and_again_is_an_incident(hub: SomeHub) -> None:
    hub.entitle()
    secret, _ = hub.access.issue_token(hub.city["developer"], name="other purpose", purpose="contest")
    actor = hub.access.actor_of_token(secret)
    for tried in range(50):
        assert watch(hub) == [], tried
        with pytest.raises(Gated):
            hub.repositories.locate(actor, REPO, "v1.0.0", "data/test-00000-of-00001.parquet")
    (incident,) = watch(hub)
    assert (incident.data["kind"], incident.data["orgs"]) == ("over_scope", ["beichen"])
    assert incident.data["signals"] == {
        "monitor": "refused_again",
        "person": "developer",
        "rule": "delivery.purpose",
        "count": 50,
    }


def test_credentials_that_fail_again_and_again_are_an_incident_whoever_has_them(hub: SomeHub) -> None:
    hub.accounts.set_password(SYSTEM, "developer", "a good long password")
    for name in ("developer", "nobody at all"):
        for _ in range(30):
            with pytest.raises(Forbidden):
                hub.accounts.sign_in(name, "wrong")
    for number in range(30):
        assert hub.access.actor_of_token(f"chub_{number}") is None
    found = {
        (case.data["signals"]["rule"], case.data["signals"].get("person", ""), *case.data.get("orgs", ())) for case in watch(hub)
    }
    assert found == {("account.wrong", "developer", "beichen"), ("account.wrong", ""), ("token.unknown", "")}
    secret, token = hub.access.issue_token(hub.city["developer"], name="old")
    hub.access.revoke(hub.city["developer"], token.id)
    hub.access.forget()
    for _ in range(30):
        assert hub.access.actor_of_token(secret) is None
    (incident,) = watch(hub)
    assert incident.data["signals"]["person"] == "developer", "whose token it was is known"


def test_an_incident_that_opened_by_itself_says_why_in_both_languages(hub: SomeHub) -> None:
    right = hub.entitle()
    at_hour(hub, 10)
    take(hub, right, rows=5_000_000)
    (incident,) = watch(hub)
    text = hub.cases.get(hub.city["supervisor"], incident.id).data["text"]
    assert "取走 5000000 行" in text
    assert "took 5000000 rows" in text
