from datetime import UTC, date, datetime
from typing import Any

from corpushub.base.rulebook import load_rulebook
from corpushub.domain.duties import duties, quarter_of
from corpushub.domain.parties import Binding, Role
from corpushub.domain.workflow import Case

DAY = date(2026, 4, 20)
RULES = load_rulebook()


def a_case(id_: str, flow: str, state: str, org: str = "bureau", **data: Any) -> Case:
    at = datetime(2026, 1, 5, tzinfo=UTC)
    return Case(id_, flow, state, 1, data, "somebody", org, at, at, at)


def record(id_: str, kind: str, title: str = "t", about: str = "", **facts: Any) -> Case:
    return a_case(id_, "record", "confirmed", kind=kind, title=title, about=about, facts=facts)


def owed(
    records: list[Case], cases: list[Case] | None = None, seats: dict[str, list[Binding]] | None = None
) -> list[tuple[Any, ...]]:
    found = duties(records, cases or [], seats or {}, RULES, DAY)
    return [(duty.kind, duty.org, duty.about, duty.due.isoformat(), duty.days_late) for duty in found]


def test_a_decision_is_owed_a_second_look_until_another_decision_is_about_it() -> None:
    first = record("rec-1", "decision", "open the cameras", review_on="2026-04-10")
    far = record("rec-2", "decision", "later", review_on="2026-09-01")
    assert owed([first, far]) == [("decision_review", "bureau", "open the cameras", "2026-04-10", 10)]
    assert owed([first, far, record("rec-3", "decision", about="rec-1", review_on="2027-01-01")]) == []


def test_a_channel_outside_is_owed_its_end_and_a_word_that_is_no_day_is_passed_over() -> None:
    soon = record("rec-1", "external_channel", system="old exchange", sunset="2026-05-01", reason="x")
    odd = record("rec-2", "external_channel", system="older", sunset="some day", reason="x")
    assert owed([soon, odd]) == [("channel_sunset", "bureau", "old exchange", "2026-05-01", 0)]


def test_a_chief_data_officer_owes_a_statement_for_each_quarter_in_which_one_sat_at_its_end() -> None:
    seats = {
        "bureau": [Binding("s1", "li", Role.CDO, "2026-01-10")],
        "new": [Binding("s2", "wu", Role.CDO, "2026-04-02")],
        "gone": [Binding("s3", "xu", Role.CDO, "2025-01-01", "2026-02-01")],
        "none": [Binding("s4", "qi", Role.PROVIDER, "2025-01-01")],
    }
    assert owed([], seats=seats) == [("cdo_statement", "bureau", "2026-Q1", "2026-04-15", 5)]
    assert owed([record("rec-1", "cdo_statement", quarter="2026q1", statement="done")], seats=seats) == []
    assert quarter_of(" 2026-q3 ") == "2026-Q3"


def test_both_sides_of_an_authorization_owe_the_disclosure_of_a_year_in_which_it_was_in_force() -> None:
    data = {"implementer": "econ", "operator": "data-group", "valid_from": "2025-03-01", "valid_to": "2027-02-28"}
    older = a_case(
        "aut-2", "authorization", "ended", **{**data, "operator": "former", "valid_from": "2023-01-01", "valid_to": "2024-12-31"}
    )
    told = a_case("dis-1", "disclosure", "published", subject_org="econ", year=2025)
    found = owed([], [a_case("aut-1", "authorization", "active", **data), older, told])
    assert found == [("yearly_disclosure", "data-group", "2025", "2026-03-31", 20)]
