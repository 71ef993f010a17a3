"""People inside who try for more than their seat gives: each attempt is refused, or leaves things as they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpushub.base.errors import Forbidden, HubError, Invalid
from corpushub.domain.parties import ANONYMOUS
from corpushub.domain.workflow import Case
from corpushub.services.access import Gated
from corpushub.services.viewer import Asked
from tests.kit.gov import (
    City,
    a_city,
    a_released_city,
    authorized,
    proposed,
    registered,
    released,
)
from tests.kit.hub import CURATOR, REPO, STRANGER, SomeHub, get, notices, some_hub

FILE = "data/test-00000-of-00001.parquet"
OPEN = "990100/stats/open"


@pytest.fixture
def hub(tmp_path: Path) -> SomeHub:
    return some_hub(tmp_path)


@pytest.fixture
def city(tmp_path: Path) -> City:
    return a_city(tmp_path)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(HubError) as caught:
        call()
    assert all(caught.value.explain(lang) for lang in ("zh", "en"))
    return str(caught.value.code)


# What an older release was made of


@pytest.fixture
def opened(hub: SomeHub) -> SomeHub:
    """Version 1 of an entry open on conditions, version 2 of one open to everybody."""
    released(hub.city)
    hub.publish(REPO, notices())
    hub.city.clock.forward(days=1)
    registered(hub.city, id=OPEN, open_attribute="unconditional")
    hub.city.made["authorization"] = authorized(hub.city, resources=[OPEN], fields={OPEN: ["id", "title", "text"]})
    released(hub.city, version="2.0.0", manifest_digest="1" * 64, resources=[OPEN])
    hub.publish(REPO, notices() | {"more.bin": b"more"}, tag="v2.0.0")
    hub.access.forget()
    return hub


def test_an_open_newer_release_does_not_open_the_older_one(opened: SomeHub) -> None:
    for anybody in (ANONYMOUS, STRANGER):
        assert opened.repositories.locate(anybody, REPO, "v2.0.0", FILE).permission.entitlement == ""
        for revision in ("v1.0.0", opened.repositories.at(anybody, REPO, "v1.0.0").commit.id):
            with pytest.raises(Gated):
                opened.repositories.locate(anybody, REPO, revision, FILE)


def test_a_dataset_counts_as_open_only_where_every_release_of_it_is(opened: SomeHub) -> None:
    opened.repositories.describe_new()
    assert opened.repositories.get(ANONYMOUS, REPO).gated


# Publishing


def test_no_interface_publishes_past_the_gates_of_publication(hub: SomeHub) -> None:
    """The command itself, as REST and the command line give it, goes through the same door as the portal's button."""
    registered(hub.city)
    hub.city.made["authorization"] = authorized(hub.city)
    case = proposed(hub.city)
    for person in ("implementer", "reviewer"):
        case = hub.city.do(person, case, "approve")
    operator = hub.city["operator"]
    assert refused(lambda: hub.cases.execute(operator, case.id, "publish")) == "releases.changed_since_approval"
    assert refused(lambda: hub.cases.execute(operator, case.id, "publish", expected_version=1)) == "case.stale"
    assert hub.cases.get(operator, case.id).state == "approved"


def test_a_stranger_stops_no_release_until_somebody_has_looked(tmp_path: Path) -> None:
    city = a_released_city(tmp_path)
    told = {"about": "city/notices", "kind": "wrong_value", "severity": "blocking", "text": "all of it is wrong"}
    case = city.cases.open(ANONYMOUS, "objection", told)
    newer = proposed(city, version="1.0.1")
    for person in ("implementer", "reviewer"):
        newer = city.do(person, newer, "approve")
    taken_up = city.do("provider", case, "accept")
    assert refused(lambda: city.do("operator", newer, "publish")) == "release.objection_open"
    city.do("authority", taken_up, "find_unfounded", reason="nothing is wrong")
    city.cases.open(ANONYMOUS, "objection", told)
    assert city.do("operator", newer, "publish").state == "released"


# Tokens


def test_a_token_makes_no_token(hub: SomeHub) -> None:
    writes = hub.access.actor_of_token(hub.token(CURATOR, "read", "write", "request"))
    assert refused(lambda: hub.access.issue_token(writes, name="for ever", days=366)) == "token.by_token"


def test_a_token_for_some_repositories_acts_on_nothing_else(hub: SomeHub) -> None:
    narrow = hub.access.actor_of_token(hub.token(CURATOR, "write", "request", "repo:city/notices"))
    hub.access.require_scope(narrow, "write", "city/notices")
    for scope in ("write", "request"):
        with pytest.raises(Forbidden, match=r"token\.elsewhere"):
            hub.access.require_scope(narrow, scope)


# People


def test_a_password_given_to_somebody_else_is_on_record_and_one_s_own_is_not(hub: SomeHub) -> None:
    keeper = hub.city["keeper"]
    hub.accounts.set_password(keeper, "reviewer", "given by the administrator")
    hub.accounts.link_subject(keeper, "reviewer", "https://id.example", "s-1")
    hub.accounts.set_password(hub.city["reviewer"], "reviewer", "my own new password")
    with hub.database.read() as unit:
        told = [(event.type, event.actor) for event in unit.events.of("person:reviewer")][-2:]
    assert told == [("person.password_given", "keeper"), ("person.identity_linked", "keeper")]


def test_nobody_ends_the_interest_that_keeps_them_from_deciding(city: City) -> None:
    case = proposed(city)
    city.parties.declare_conflict(city["auditor"], person="reviewer", org="data-group", kind="shares")
    itself = city["reviewer"]
    assert (
        refused(
            lambda: city.parties.declare_conflict(itself, person="reviewer", org="data-group", kind="none", ended="2026-01-01")
        )
        == "party.own_interest"
    )
    with pytest.raises(Forbidden, match=r"case\.conflict_of_interest"):
        city.do("reviewer", case, "approve")
    city.parties.declare_conflict(city["auditor"], person="reviewer", org="data-group", kind="shares", ended="2026-01-01")
    city.do("reviewer", case, "approve")


def test_one_identity_is_one_person(city: City) -> None:
    city.parties.add_person(city["keeper"], id="first", org="assess", name="A", oidc_subject="s-7")
    assert (
        refused(lambda: city.parties.add_person(city["keeper"], id="second", org="econ-bureau", name="A", oidc_subject="s-7"))
        == "account.subject_taken"
    )


# Terms of a right


def asked(city: City, **over: Any) -> Case:
    form = {"dataset": "city/notices", "purpose": "research", "plan": "look at the notices", "terms_accepted": True}
    case = city.cases.open(city["developer"], "access", form | over)
    for person, command in (("developer", "submit"), ("operator", "triage")):
        case = city.do(person, case, command)
    return case


def test_more_time_for_the_review_changes_nothing_of_what_is_asked(tmp_path: Path) -> None:
    city = a_released_city(tmp_path)
    case = city.do("operator", asked(city, days=30), "extend", more_days=5, reason="holidays")
    assert case.data["days"] == 30
    assert refused(lambda: city.do("operator", case, "extend", more_days=10**9, reason="for ever")) == "case.form"


@pytest.mark.parametrize("wrong", [{"days": 10**9}, {"days": -1}, {"max_rows": 0}, {"max_rows": -5}])
def test_terms_without_bounds_are_not_taken(tmp_path: Path, wrong: dict[str, int]) -> None:
    city = a_released_city(tmp_path)
    with pytest.raises(Invalid, match=r"case\.form") as caught:
        asked(city, **wrong)
    assert [problem.code for problem in caught.value.problems] == ["form.not_between"]


def test_the_last_voice_grants_no_more_than_the_others_saw(tmp_path: Path) -> None:
    city = a_city(tmp_path)
    registered(city, classification={"category": "general", "grade": 3})
    city.made["authorization"] = authorized(city)
    released(city)
    case = city.do("reviewer", asked(city, days=100, max_rows=50), "propose")
    case = city.do("implementer", case, "approve", max_rows=20, conditions="no names")
    case = city.do("authority", case, "approve", days=3000, max_rows=10**6)
    assert case.state == "approved"
    assert {name: case.data[name] for name in ("days", "max_rows", "conditions")} == {
        "days": 100,
        "max_rows": 20,
        "conditions": "no names",
    }


def test_a_day_is_written_in_one_way(tmp_path: Path) -> None:
    """`20260101` is a day too, and later than every `2026-…` to whoever compares words."""
    city = a_city(tmp_path)
    quota = {"seconds": 60, "rows": 10, "bytes": 1000}
    facts = {"dataset": ["city/notices"], "image": "plain", "quota": quota, "ends": "20260401"}
    with pytest.raises(Invalid, match=r"record\.odd_fact"):
        city.cases.open(city["developer"], "record", {"kind": "compute_booking", "title": "a model", "facts": facts})


# Rows


def test_a_right_to_some_rows_gives_no_more_of_them(hub: SomeHub) -> None:
    """150 rows lie in the file, 20 in the other: what does not fit is refused before it is sent, not noticed afterwards."""
    released(hub.city)
    hub.publish(REPO, notices())
    hub.entitle(max_rows=25, channels=["file", "query"])
    secret = hub.token(hub.city["developer"])
    large = f"/datasets/{REPO}/resolve/v1.0.0/data/train-00000-of-00002.parquet"
    answer = get(hub, large, secret)
    assert (answer.status_code, answer.headers["x-error-code"]) == (403, "GatedRepo")
    assert "25 rows, 150" in answer.headers["x-error-message"]
    table = hub.viewer.table(hub.city["developer"], REPO, "v1.0.0", "", "train")
    with pytest.raises(Gated):
        hub.viewer.part(hub.city["developer"], table)
    assert get(hub, large, secret, headers={"range": "bytes=-8"}).status_code == 403
    assert get(hub, f"/datasets/{REPO}/resolve/v1.0.0/{FILE}", secret).status_code == 200
    for begin in (0, 2, 4):  # much less than a row each, and yet one
        assert get(hub, large, secret, headers={"range": f"bytes={begin}-{begin + 1}"}).status_code == 206
    page = hub.viewer.page(hub.city["developer"], table, Asked(length=100))
    assert len(page.rows) == 2
    hub.access.forget()
    with pytest.raises(Gated) as caught:
        hub.viewer.page(hub.city["developer"], table, Asked(length=1))
    assert caught.value.why is not None
    assert caught.value.why.code == "delivery.rows"
