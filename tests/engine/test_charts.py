from __future__ import annotations

from collections.abc import Callable

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine import charts

ROWS = st.lists(st.tuples(st.text(max_size=40), st.floats(0, 1e9)), max_size=20)
ROW_CHARTS: list[Callable[[str, list[tuple[str, float]]], str]] = [charts.bar, charts.line, charts.heat_strip, charts.funnel]


@pytest.mark.parametrize("draw", ROW_CHARTS)
@given(rows=ROWS, title=st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))
def test_any_rows_make_safe_accessible_xml(
    draw: Callable[[str, list[tuple[str, float]]], str], rows: list[tuple[str, float]], title: str
) -> None:
    svg = draw(title, [(charts.cut(name, 30), value) for name, value in rows])
    root = fromstring(svg)
    assert root.get("role") == "img"
    assert {"title", "desc"} <= {element.tag.rpartition("}")[2] for element in root}
    assert svg == draw(title, [(charts.cut(name, 30), value) for name, value in rows])


def test_values_stand_in_the_chart_as_text() -> None:
    svg = charts.bar("行数", [("训练", 1234.0), ("测试", 5.0)])
    assert "1,234" in svg
    assert "训练" in svg
    assert "prefers-color-scheme: dark" in svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_a_wide_letter_takes_the_room_of_two_narrow_ones() -> None:
    assert charts.ems("中文") == 2.0
    assert charts.ems("ab") == pytest.approx(1.1)
    assert charts.cut("很长的标签" * 9, 10).endswith("…")


def test_stacked_and_histogram_are_well_formed() -> None:
    for svg in (
        charts.stacked("t", [("a", (1, 2)), ("b", (0, 0))], ["found", "left"]),
        charts.histogram("t", [0, 1.5, 3], [4, 0]),
    ):
        assert fromstring(svg).get("role") == "img"
