from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.domain.measures import clopper_pearson_upper, measures_of, rounded, wilson_lower
from tests.kit.cards import a_build


def test_four_thousand_rows_need_3861_passes_to_show_96_percent() -> None:
    assert wilson_lower(3861, 4000) >= 0.96 > wilson_lower(3860, 4000)
    assert wilson_lower(3935, 4000) >= 0.98 > wilson_lower(3934, 4000)


def test_the_exact_bound_without_a_hit_is_the_rule_of_three() -> None:
    assert clopper_pearson_upper(0, 300) == pytest.approx(1 - 0.05 ** (1 / 300), abs=1e-9)
    assert clopper_pearson_upper(0, 0) == 1.0


@given(st.integers(1, 500), st.data())
def test_bounds_contain_the_observed_share(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    assert wilson_lower(hits, n) <= hits / n + 1e-12
    assert hits / n <= clopper_pearson_upper(hits, n) + 1e-12


@given(st.floats(-1e12, 1e12))
def test_rounding_twice_changes_nothing(value: float) -> None:
    assert rounded(rounded(value)) == rounded(value)


def test_a_row_that_left_without_a_reason_is_counted(tmp_path: Path) -> None:
    from dataclasses import replace

    built = a_build(tmp_path)
    assert measures_of(built)["unexplained_drops"] == 0
    steps = (*built.steps[:1], replace(built.steps[1], dropped={}), *built.steps[2:])
    assert measures_of(replace(built, steps=steps))["unexplained_drops"] == 1
