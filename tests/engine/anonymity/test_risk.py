"""Risk measures against oracles written the slow way, straight from the definitions."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import combinations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.base.errors import Invalid
from corpushub.engine.anonymity.risk import risk

ROW = st.tuples(st.sampled_from("ab"), st.integers(1, 3) | st.none(), st.sampled_from(["x", "y", None]), st.integers(0, 4))
ROWS = st.lists(ROW, min_size=1, max_size=40)


def frame(rows: list[tuple]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"sex": pl.String, "age": pl.Int64, "illness": pl.String, "cost": pl.Int64}, orient="row")


def classes(rows: list[tuple]) -> dict[tuple, list[tuple]]:
    found = defaultdict(list)
    for row in rows:
        found[row[:2]].append(row)
    return found


@given(ROWS)
def test_k_is_the_smallest_class(rows: list[tuple]) -> None:
    sizes = [len(group) for group in classes(rows).values()]
    report = risk(frame(rows), ["sex", "age"])
    assert (report.k, report.classes, report.uniques) == (min(sizes), len(sizes), sizes.count(1))
    assert report.below_k[3] == sum(size for size in sizes if size < 3)


@given(ROWS)
def test_l_counts_distinct_and_effective_values(rows: list[tuple]) -> None:
    found = risk(frame(rows), ["sex", "age"], ["illness"]).sensitive[0]
    counts = [Counter(row[2] for row in group) for group in classes(rows).values()]
    assert found.l_distinct == min(len(count) for count in counts)
    entropies = [-sum(n / c.total() * math.log(n / c.total()) for n in c.values()) for c in counts]
    assert math.isclose(found.l_entropy, math.exp(min(entropies)), abs_tol=1e-9)


@given(ROWS)
def test_t_of_a_category_is_the_largest_variational_distance(rows: list[tuple]) -> None:
    found = risk(frame(rows), ["sex", "age"], ["illness"]).sensitive[0]
    overall, far = Counter(row[2] for row in rows), 0.0
    for group in classes(rows).values():
        own = Counter(row[2] for row in group)
        far = max(far, sum(abs(own[v] / len(group) - n / len(rows)) for v, n in overall.items()) / 2)
    assert math.isclose(found.t, far, abs_tol=1e-9)


@given(ROWS)
def test_t_of_a_number_is_the_earth_movers_distance_over_ranks(rows: list[tuple]) -> None:
    found = risk(frame(rows), ["sex", "age"], ["cost"]).sensitive[0]
    values, far = sorted({row[3] for row in rows}), 0.0
    for group in classes(rows).values():
        gap = moved = 0.0
        for value in values[:-1]:
            gap += sum(row[3] == value for row in group) / len(group) - sum(row[3] == value for row in rows) / len(rows)
            moved += abs(gap)
        far = max(far, moved / (len(values) - 1) if len(values) > 1 else 0.0)
    assert math.isclose(found.t, far, abs_tol=1e-9)


@given(ROWS)
def test_minimal_uniques_are_unique_for_the_pair_and_for_neither_alone(rows: list[tuple]) -> None:
    names = ("sex", "age", "illness")
    expected: Counter[str] = Counter()
    for row in rows:
        alone = {place for place in range(3) if sum(other[place] == row[place] for other in rows) == 1}
        expected.update(names[place] for place in alone)
        for a, b in combinations(range(3), 2):
            if not alone & {a, b} and sum((other[a], other[b]) == (row[a], row[b]) for other in rows) == 1:
                expected[f"{names[a]} + {names[b]}"] += 1
    assert risk(frame(rows), names).minimal_uniques == dict(expected)


def test_population_risk_follows_elliot() -> None:
    rows = [("a", n, None, 0) for n in (1, 2, 3, 3)]
    report = risk(frame(rows), ["sex", "age"], sampling=0.5)
    assert report.population == pytest.approx(0.5 * 2 / (0.5 * 2 + 2 * 0.5 * 1))


def test_grades_follow_gb_t_42460() -> None:
    few, many = frame([("a", 1, None, 0)] * 5), frame([("a", 1, None, 0)] * 20)
    grades = [risk(few, ["sex"], direct=True).grade, risk(few, ["sex"]).grade, risk(many, ["sex"]).grade]
    assert grades == [1, 2, 3]


def test_a_report_without_quasi_identifiers_is_refused() -> None:
    with pytest.raises(Invalid, match=r"anonymity\.no_columns"):
        risk(frame([("a", 1, None, 0)]), [])
