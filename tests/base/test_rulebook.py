# ruff: noqa: RUF043 - codes hold a dot, and any character there will do
from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.base.errors import NotFound
from corpushub.base.rulebook import add_years, load_rulebook

BOOK = load_rulebook("beijing")
DAYS = st.dates(date(2024, 1, 1), date(2040, 12, 31))


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-02-14", True),
        ("2026-02-16", False),
        ("2026-02-28", True),
        ("2026-10-08", True),
        ("2025-10-08", False),
        ("2026-11-21", False),
    ],
)
def test_make_up_saturdays_work_and_holidays_rest(day: str, works: bool) -> None:
    assert BOOK.is_working_day(date.fromisoformat(day)) == (works, False)


def test_a_deadline_beyond_the_published_calendar_is_marked_and_does_not_fail() -> None:
    deadline = BOOK.deadline("registration.notice", date(2026, 12, 25))
    assert deadline.provisional
    assert not BOOK.deadline("registration.notice", date(2026, 11, 2)).provisional
    assert BOOK.is_working_day(date(2035, 5, 7)) == (True, True)


@given(DAYS, st.integers(1, 60))
def test_counting_back_gives_the_working_days_added(day: date, count: int) -> None:
    end = BOOK.add_working_days(day, count).day
    assert BOOK.working_days(day, end) == count
    assert BOOK.is_working_day(end)[0]


@given(DAYS, st.integers(0, 40), st.integers(0, 40))
def test_working_days_add_up(day: date, first: int, second: int) -> None:
    assert (
        BOOK.add_working_days(BOOK.add_working_days(day, first).day, second).day == BOOK.add_working_days(day, first + second).day
    )


def test_three_years_end_the_day_before() -> None:
    assert BOOK.deadline("registration.validity", date(2026, 3, 2)).day == date(2029, 3, 1)
    assert add_years(date(2024, 2, 29), 3) == date(2027, 3, 1)
    assert add_years(date(2024, 2, 29), 3) - timedelta(days=1) == date(2027, 2, 28)


def test_every_rule_names_its_basis_and_whether_it_was_verified() -> None:
    for rule in BOOK.rules.values():
        assert rule.basis
        assert isinstance(rule.verified, bool)
        date.fromisoformat(rule.effective_from)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(NotFound, match="rulebook.unknown_rule"):
        BOOK.number("registration.nothing")
    with pytest.raises(NotFound, match="rulebook.unknown_pack"):
        load_rulebook("atlantis")
