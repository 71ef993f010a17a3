from __future__ import annotations

from datetime import date

import pytest

from corpushub.services.matching_entries import months_of

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("2010-2014", (2010 * 12, 2014 * 12 + 11)),
        ("2010/2014", (2010 * 12, 2014 * 12 + 11)),
        ("2020-03/2024-12", (2020 * 12 + 2, 2024 * 12 + 11)),
        ("2021年", (2021 * 12, 2021 * 12 + 11)),
        ("2019年以来", (2019 * 12, 2026 * 12 + 10)),
        ("", None),
        ("不详", None),
    ],
)
def test_a_coverage_becomes_months(text: str, months: tuple[int, int] | None):
    assert months_of(text, TODAY) == months
