"""Class tables of releases tell how many people two releases point at together, and nothing else."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine.anonymity.linkage import check, class_table, link, tables

KEY = b"a key of the hub, 32 bytes long!"
ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3) | st.none()), min_size=1, max_size=30)


def frame(rows: list[tuple[str, int | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"sex": pl.String, "age": pl.Int64}, orient="row")


@given(ROWS, ROWS)
def test_linkage_counts_what_a_join_on_values_counts(one: list[tuple], two: list[tuple]) -> None:
    found = link(class_table(frame(one), ["sex", "age"], KEY), class_table(frame(two), ["age", "sex"], KEY))
    common = set(one) & set(two)
    assert found.common_classes == len(common)
    assert found.rows_here == sum(one.count(row) for row in common)
    assert found.one_to_one == sum(one.count(row) == two.count(row) == 1 for row in common)


def test_tables_under_two_keys_do_not_join() -> None:
    rows = frame([("a", 1), ("b", 2)])
    assert link(class_table(rows, ["sex"], KEY), class_table(rows, ["sex"], KEY[::-1])).common_classes == 0


def test_a_release_is_checked_against_the_widest_columns_both_have() -> None:
    earlier = {"one/data 1.0.0": tables(frame([("a", 1), ("b", 2)]), ["sex", "age"], KEY, [["sex"]])}
    wide = check(frame([("a", 1), ("a", 1), ("b", 2)]), ["sex", "age"], KEY, earlier)["one/data 1.0.0"]
    narrow = check(frame([("a", 1)]), ["sex"], KEY, earlier)["one/data 1.0.0"]
    assert (wide.shared, wide.one_to_one, wide.is_risky) == (("age", "sex"), 1, True)
    assert narrow.shared == ("sex",)


def test_a_class_table_holds_hashes_and_sizes_only() -> None:
    made = class_table(frame([("secret", 1)]), ["sex"], KEY)
    assert made.columns == ["class", "rows"]
    assert "secret" not in str(made.rows())
