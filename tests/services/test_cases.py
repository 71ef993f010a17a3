# ruff: noqa: RUF043 - codes hold a dot, and any character there will do
from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from corpushub.base.errors import Conflict, Forbidden, Invalid, NotFound
from corpushub.domain.parties import ANONYMOUS
from corpushub.domain.workflow import fold
from corpushub.services import cases
from corpushub.store import tables
from tests.kit.gov import (
    ASK,
    PEOPLE,
    RESOURCE,
    City,
    a_city,
    a_released_city,
    draft,
    entitled,
    proposed,
    registered,
    released,
    votes_at_once,
)


@pytest.fixture
def city(tmp_path: Path) -> City:
    return a_city(tmp_path)


def test_a_release_needs_two_people_of_two_organisations(city: City) -> None:
    registered(city)
    case = proposed(city)
    assert city.do("implementer", case, "approve").state == "in_review"
    assert city.do("implementer2", case, "approve").state == "in_review", "two people of one organisation are one voice"
    case = city.do("reviewer", case, "approve")
    assert case.state == "approved"
    assert {vote["org"] for vote in case.data["approvals"]} == {"econ-bureau", "assess"}


@pytest.mark.parametrize("person", ["operator", "operator2"])
def test_neither_builder_nor_colleague_can_approve(city: City, person: str) -> None:
    case = proposed(city, built_by="someone.else")
    actor = city[person]
    given = type(actor)(actor.person, actor.org, actor.roles | city["authority"].roles)
    with pytest.raises(Forbidden, match="case.own"):
        city.cases.execute(given, case.id, "approve")


def test_a_bot_counts_as_the_person_it_acts_for(city: City) -> None:
    case = proposed(city, builder_org="elsewhere")
    bot = city.parties.actor_of("implementer", on_behalf_of="operator")
    with pytest.raises(Forbidden, match="case.own_act"):
        city.cases.execute(bot, case.id, "approve")


def test_nobody_votes_twice(city: City) -> None:
    case = proposed(city)
    city.do("implementer", case, "approve")
    with pytest.raises(Conflict, match="case.already_voted"):
        city.do("implementer", case, "approve")


def test_a_return_clears_the_votes(city: City) -> None:
    case = proposed(city)
    city.do("implementer", case, "approve")
    city.do("reviewer", case, "return", reason="the card is thin")
    case = city.do("operator", case, "resubmit")
    assert case.votes == ()
    assert city.do("reviewer", case, "approve").state == "in_review"


def test_a_vote_of_somebody_who_left_does_not_count(city: City) -> None:
    registered(city)
    case = proposed(city)
    city.do("implementer", case, "approve")
    city.parties.depart(city["keeper"], "implementer")
    assert city.do("reviewer", case, "approve").state == "in_review"
    assert city.do("authority", case, "approve").state == "approved"


def test_quorum_is_counted_again_at_publication(city: City) -> None:
    registered(city)
    case = proposed(city)
    city.do("implementer", case, "approve")
    city.do("reviewer", case, "approve")
    city.parties.depart(city["keeper"], "reviewer")
    with pytest.raises(Conflict, match="release.quorum_lost"):
        city.do("operator", case, "publish")


def test_conflict_of_interest_keeps_a_reviewer_out(city: City) -> None:
    case = proposed(city)
    city.parties.declare_conflict(city["reviewer"], person="reviewer", org="data-group", kind="shares")
    with pytest.raises(Forbidden, match="case.conflict_of_interest"):
        city.do("reviewer", case, "approve")


def test_blocking_gates_block_until_waived_by_somebody_else(city: City) -> None:
    failed = [{"gate": "SRC-03", "status": "fail", "effect": "block", "waivable_by": ["reviewer"]}]
    case = city.cases.open(city["operator"], "release", draft(city, gates=failed))
    assert case.state == "blocked"
    with pytest.raises(Conflict, match="case.wrong_state"):
        city.do("operator", case, "submit")
    with pytest.raises(Forbidden, match="case.wrong_seat"):
        city.do("operator", case, "waive", gate="SRC-03", reason="one source is enough")
    assert city.do("reviewer", case, "waive", gate="SRC-03", reason="one source is enough").state == "gated"


def test_a_gate_nobody_may_waive_stays_shut(city: City) -> None:
    failed = [{"gate": "PII-01", "status": "fail", "effect": "block", "waivable_by": []}]
    case = city.cases.open(city["operator"], "release", draft(city, gates=failed))
    with pytest.raises(Forbidden, match="release.gate_not_waivable"):
        city.do("reviewer", case, "waive", gate="PII-01", reason="it is only a little")


def test_a_version_number_is_used_once(city: City) -> None:
    proposed(city)
    with pytest.raises(Conflict, match="release.version_taken"):
        proposed(city)


def test_a_new_version_supersedes_the_old_one_in_the_same_act(city: City) -> None:
    first = released(city)
    second = released(city, version="1.1.0")
    assert city.cases.get(ANONYMOUS, first.id).state == "superseded"
    assert city.cases.get(ANONYMOUS, second.id).state == "released"


def test_one_person_may_quarantine_but_lifting_takes_two(city: City) -> None:
    case = released(city)
    assert city.do("supervisor", case, "quarantine", reason="a leak was reported").state == "quarantined"
    assert city.do("reviewer", case, "lift").state == "quarantined"
    assert city.do("implementer", case, "lift").state == "released"


def test_who_lifts_or_withdraws_does_not_take_the_place_of_who_approved(city: City) -> None:
    """Two of one organisation may lift or withdraw; what was released rests on the two of two organisations who approved it (INV-08)."""
    case = released(city)
    approvals = case.data["approvals"]
    assert {vote["org"] for vote in approvals} == {"econ-bureau", "assess"}
    city.do("supervisor", case, "quarantine", reason="a leak was reported")
    for command, data, kept in (("lift", {}, "lifted_by"), ("withdraw", {"reason": "wrong source"}, "withdrawn_by")):
        city.do("implementer", case, command, **data)
        case = city.do("implementer2", case, command, **data)
        assert case.data["approvals"] == approvals
        assert [voice["person"] for voice in case.data[kept]] == ["implementer", "implementer2"]


def test_a_withdrawn_version_leaves_a_tombstone_for_ever(city: City) -> None:
    case = released(city)
    city.do("reviewer", case, "withdraw", reason="wrong source", successor="city/notices@1.0.1")
    case = city.do("implementer", case, "withdraw", reason="wrong source", successor="city/notices@1.0.1")
    assert case.data["tombstone"]["id"] == "city/notices@1.0.0"
    assert city.cases.allowed(city["authority"], case.id) == ()
    with pytest.raises(Conflict, match="release.version_taken"):
        proposed(city)


def test_publishing_needs_a_registration_in_force(city: City) -> None:
    case = proposed(city)
    city.do("implementer", case, "approve")
    city.do("reviewer", case, "approve")
    with pytest.raises(Conflict, match="release.unregistered"):
        city.do("operator", case, "publish")


def test_a_stale_version_changes_nothing(city: City) -> None:
    case = proposed(city)
    with pytest.raises(Conflict, match="case.stale"):
        city.cases.execute(city["implementer"], case.id, "approve", expected_version=1)
    assert city.cases.get(city["operator"], case.id) == case


def test_a_clock_that_runs_backwards_changes_nothing(city: City) -> None:
    city.clock.forward(days=1)
    case = proposed(city)
    city.clock.forward(minutes=-30)
    with pytest.raises(Conflict, match="case.clock_back"):
        city.do("implementer", case, "approve")


def test_a_form_reports_every_problem_at_once(city: City) -> None:
    with pytest.raises(Invalid, match="case.form") as refused:
        city.cases.open(city["operator"], "release", {"dataset": "", "manifest_digest": "zz", "colour": "red"})
    assert {problem.path for problem in refused.value.problems} >= {"dataset", "version", "manifest_digest", "colour", "built_by"}


def test_unknown_case_command_and_flow(city: City) -> None:
    case = proposed(city)
    with pytest.raises(NotFound, match="case.unknown_command"):
        city.do("operator", case, "dance")
    with pytest.raises(NotFound, match="case.unknown_flow"):
        city.cases.open(city["operator"], "dance", {})
    with pytest.raises(NotFound, match="case.unknown"):
        city.cases.get(city["operator"], "rel-nothing")


def test_a_case_is_hidden_from_those_it_does_not_concern(city: City) -> None:
    case = proposed(city)
    for actor in (ANONYMOUS, city["developer"]):
        with pytest.raises(NotFound, match="case.unknown"):
            city.cases.get(actor, case.id)
    assert city.cases.get(city["auditor"], case.id).id == case.id


def test_a_case_is_the_fold_of_its_own_stream(city: City) -> None:
    case = released(city)
    with city.database.read() as unit:
        assert fold(unit.events.of(case.id)) == case
        row = unit.cases.get(case.id)
    assert row is not None
    assert (row.state, row.version, dict(row.data)) == (case.state, case.version, dict(case.data))


def test_tasks_show_what_waits_for_whom_with_its_clock(city: City) -> None:
    case = proposed(city)
    for person in ("implementer", "reviewer"):
        (task,) = [task for task in city.cases.tasks(city[person]) if task.case.id == case.id]
        assert "approve" in task.commands
        assert task.clock is not None
        assert task.clock.rule == "release.review"
        (same,) = city.cases.waiting(city[person], [case]).values()
        assert (same.case.id, same.commands, same.clock) == (case.id, task.commands, task.clock)
        assert city.cases.waiting(city[person], []) == {}
    assert city.cases.tasks(city["operator2"]) == ()
    assert city.cases.waiting(city["operator2"], [case]) == city.cases.waiting(ANONYMOUS, [case]) == {}
    city.do("implementer", case, "approve")
    assert all("approve" not in task.commands for task in city.cases.tasks(city["implementer"]))


def test_clocks_of_many_are_those_of_each_and_of_no_hidden_case(city: City) -> None:
    cases = [proposed(city, version=f"1.0.{number}") for number in range(3)]
    of_each = {case.id: city.cases.clocks(city["operator"], case.id) for case in cases}
    assert city.cases.clocks_of(city["operator"], cases) == of_each
    assert all(of_each.values())
    assert city.cases.clocks_of(ANONYMOUS, cases) == {}


def test_cases_are_tallied_as_they_are_listed(city: City) -> None:
    for number in range(3):
        proposed(city, version=f"1.0.{number}")
    city.clock.forward(days=1)
    released(city, version="1.0.7")
    flows = ("release", "access")
    for person in ("operator", "operator2", "auditor", "developer"):
        listed = city.cases.list(city[person], flow="release").items
        tally = city.cases.tally(city[person], flows)
        assert tally["release"] == Counter((case.state, case.opened_at.date()) for case in listed)
        assert not tally["access"]
    assert city.cases.tally(city["auditor"], flows)["release"].total() == 4


def test_tasks_ask_as_many_questions_however_many_cases_wait(city: City) -> None:
    asked: list[str] = []
    sa.event.listen(city.cases.database.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    counts = []
    for number in range(4):
        proposed(city, version=f"1.0.{number}")
        asked.clear()
        assert len(city.cases.tasks(city["reviewer"])) == number + 1
        counts.append(len(asked))
    assert len(set(counts)) == 1
    assert sum("FROM cases" in question for question in asked) == 1


def test_what_waits_for_one_is_found_behind_what_waits_for_many_others(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    released(city)
    monkeypatch.setattr(cases, "_MOST_WAITING", 2)
    for _ in range(4):
        city.cases.open(city["district"], "access", ASK)
    city.clock.forward(minutes=1)
    mine = city.cases.open(city["developer"], "access", ASK)
    assert mine.id in {task.case.id for task in city.cases.tasks(city["developer"])}


def test_a_clock_once_read_is_read_again_after_an_event_and_on_another_day(city: City) -> None:
    registered(city)
    case = city.cases.open(city["developer"], "objection", {"about": RESOURCE, "kind": "missing", "text": "a day is missing"})
    case = city.cases.execute(city["provider"], case.id, "accept", {})

    def left() -> tuple[int, date]:
        (task,) = [task for task in city.cases.tasks(city["provider"]) if task.case.id == case.id]
        assert task.clock is not None
        return task.clock.left, task.clock.due

    first = left()
    assert left() == first
    city.cases.execute(city["provider"], case.id, "extend", {"more_days": 3, "reason": "the archive is closed"})
    assert left() == (first[0] + 3, left()[1])
    assert left()[1] > first[1]
    before = left()
    city.clock.forward(days=1)
    assert left() == (before[0] - 1, before[1])


def test_private_answers_of_many_cases_are_asked_for_together(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    told = [
        city.cases.open(city["developer"], "demand", {"title": f"tides {n}", "text": f"the tides, part {n}"}).id for n in range(7)
    ]
    asked: list[str] = []
    sa.event.listen(city.cases.database.engine, "before_cursor_execute", lambda *sent: asked.append(sent[2]))
    for most, questions in ((5_000, 2), (3, 6)):
        monkeypatch.setattr(tables, "AT_ONCE", most)
        asked.clear()
        with city.database.read() as unit:
            streams = unit.events.of_many(told)
        assert [streams[name][0].data["text"] for name in told] == [f"the tides, part {n}" for n in range(7)]
        assert len([question for question in asked if question.startswith("SELECT")]) == questions


def test_allowed_tells_why_not_and_who_else_must_decide(city: City) -> None:
    case = proposed(city)
    city.do("implementer", case, "approve")
    again = {item.command: item for item in city.cases.allowed(city["implementer"], case.id)}["approve"]
    assert again.refusal is not None
    assert again.refusal.code == "case.already_voted"
    assert (again.missing_people, again.missing_orgs) == (1, 1)
    free = {item.command: item for item in city.cases.allowed(city["reviewer"], case.id)}
    assert free["approve"].refusal is None
    assert [field.name for field in free["return"].fields] == ["reason"]


def test_sixteen_people_at_once_lose_no_event(city: City) -> None:
    registered(city)
    case = proposed(city)
    results = votes_at_once(city, case)
    assert len(results) == 16
    assert results.count("approved") == 1
    with city.database.read() as unit:
        versions = [event.version for event in unit.events.of(case.id)]
    assert versions == list(range(1, len(versions) + 1))


def test_granted_access_opens_an_entitlement_no_longer_than_its_authorization(city: City) -> None:
    released(city)
    ask = {
        "dataset": "city/notices",
        "purpose": "model-training",
        "plan": "train a small language model",
        "terms_accepted": True,
        "days": 5000,
    }
    case = city.cases.open(city["developer"], "access", ask)
    case = city.do("developer", case, "submit")
    case = city.do("operator", case, "triage")
    case = city.do("implementer", case, "propose")
    with pytest.raises(Forbidden, match="case.wrong_seat"):
        city.do("developer", case, "approve")
    case = city.do("implementer", case, "approve")
    assert city.do("developer", case, "countersign").state == "granted"
    (right,) = city.cases.list(city["developer"], flow="entitlement").items
    assert right.data["holder"] == "beichen"
    assert right.data["valid_to"] == "2028-12-31"
    city.do("authority", city.made["authorization"], "suspend", reason="an inspection is under way")
    assert city.cases.get(city["developer"], right.id).state == "suspended"
    city.do("authority", city.made["authorization"], "resume")
    assert city.cases.get(city["developer"], right.id).state == "active"


def test_a_purpose_outside_the_authorization_is_not_granted(city: City) -> None:
    released(city)
    ask = {"dataset": "city/notices", "purpose": "product-development", "plan": "a product for students", "terms_accepted": True}
    case = city.cases.open(city["developer"], "access", ask)
    city.do("developer", case, "submit")
    city.do("operator", case, "triage")
    city.do("implementer", case, "propose")
    with pytest.raises(Forbidden, match="access.purpose"):
        city.do("implementer", case, "approve")


def test_what_expires_takes_the_authorization_with_it(city: City) -> None:
    released(city)
    city.clock.forward(days=3 * 366)
    city.tick()
    assert city.cases.get(ANONYMOUS, city.made["authorization"].id).state == "exiting"
    assert city.catalog.get(ANONYMOUS, RESOURCE).registration_to < "2029-04-01"


def test_lists_page_without_gaps(city: City) -> None:
    for number in range(7):
        proposed(city, version=f"1.0.{number}")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = city.cases.list(city["operator"], flow="release", limit=3, cursor=cursor)
        seen += [case.id for case in page.items]
        cursor = page.cursor
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 7


def test_what_has_waited_longest_is_never_hidden_by_newer_cases(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corpushub.services.cases._MOST_WAITING", 3)
    first = proposed(city, version="0.0.1")
    for number in range(5):
        city.clock.forward(minutes=5)
        proposed(city, version=f"1.0.{number}")
    waiting = [task.case for task in city.cases.tasks(city["reviewer"])]
    assert first.id in {case.id for case in waiting}
    assert len([case for case in waiting if case.flow == "release"]) == 3


def test_what_may_be_done_is_told_of_every_case_to_everybody_who_reads_it(tmp_path: Path) -> None:
    """Guards are asked without a form, too: one that took its answers for given broke the page of every right."""
    city = a_released_city(tmp_path)
    entitled(city)
    told = 0
    for person in PEOPLE:
        for case in city.cases.list(city[person], limit=500).items:
            told += len(city.cases.allowed(city[person], case.id))
    assert told > 20
