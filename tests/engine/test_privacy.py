"""The clean room answers declared aggregates with bounded noise, and refuses everything else."""

from __future__ import annotations

import polars as pl
import pytest

from corpushub.base.errors import Invalid
from corpushub.engine.privacy import Declared, answer, bounded, parse_query

DECLARED = Declared(
    table="visits",
    unit="person",
    dimensions=("district", "sex"),
    measures={"cost": (0, 500)},
    filters=("district", "age"),
    max_groups=2,
    max_rows=3,
)

HOSTILE = [
    "select * from visits",
    "select district, person, count(*) from visits group by district, person",
    "select cost from visits",
    "select count(*) from people",
    "select count(*) from visits, people",
    "select count(*) from visits join people using (person)",
    "with t as (select * from visits) select count(*) from t",
    "select count(*) from (select * from visits)",
    "select count(*) from visits where cost in (select cost from visits)",
    "select count(*) from visits union select count(*) from visits",
    "select district, count(*) from visits group by district having count(*) = 1",
    "select count(*) from visits limit 1",
    "select count(*) from visits order by 1",
    "select count(distinct person) from visits",
    "select sum(cost) over (partition by district) from visits",
    "select count(*) filter (where age = 3) from visits",
    "select count(*) from read_csv('/etc/passwd')",
    "select count(*) from '/etc/passwd'",
    "select sum(cost * 1000) from visits",
    "select sum(age) from visits",
    "select count(*) from visits where person = 'a'",
    "select count(*) from visits where 1 / (age - 3) > 0",
    "select district, sex, count(*) from visits group by rollup (district, sex)",
    "select district, count(*) from visits group by district, sex",
    "select max(cost) from visits",
    "select count(*) from visits; select count(*) from visits",
    "delete from visits",
    "select count(*) from visits where age = 'old' and",
    "select district as x, count(*) from visits group by district",
    "select count(*) from other.visits",
    "select count(*) from visits tablesample (10)",
]


def visits(people: int = 4000) -> pl.LazyFrame:
    """`people` persons with five visits each; the last person alone lives in `rare`."""
    return pl.LazyFrame({"person": [n for n in range(people) for _ in range(5)]}).with_columns(
        pl.when(pl.col("person") == people - 1)
        .then(pl.lit("rare"))
        .otherwise(pl.lit("d") + (pl.col("person") % 4).cast(pl.String))
        .alias("district"),
        pl.when(pl.col("person") % 2 == 0).then(pl.lit("f")).otherwise(pl.lit("m")).alias("sex"),
        (pl.col("person") % 700).alias("cost"),
        (pl.col("person") % 90).alias("age"),
    )


@pytest.mark.parametrize("sql", HOSTILE)
def test_hostile_query_is_refused(sql: str) -> None:
    with pytest.raises(Invalid) as refused:
        query = parse_query(sql, DECLARED)
        answer(query, visits(20), DECLARED, 1.0)
    assert refused.value.code.startswith("cleanroom.")


def test_counts_are_near_the_bounded_truth() -> None:
    query = parse_query("select district, count(*) as n, avg(cost) from visits where age >= 10 group by district", DECLARED)
    got = answer(query, visits(), DECLARED, 3.0)
    assert got.columns == ("district", "n", "avg_cost")
    assert [row[0] for row in got.rows] == ["d0", "d1", "d2", "d3"]
    truth = 4000 / 4 * (80 / 90) * 3
    assert all(abs(row[1] - truth) < truth * 0.05 + 4 * got.error["n"] for row in got.rows)
    assert all(0 <= row[2] <= 500 for row in got.rows)


def test_a_lone_person_is_never_a_group() -> None:
    query = parse_query("select district, count(*) from visits group by district", DECLARED)
    for _ in range(20):
        assert "rare" not in [row[0] for row in answer(query, visits(), DECLARED, 5.0).rows]


def test_nobody_counts_more_than_declared() -> None:
    rows = visits(50).select(pl.col("person").alias("_unit"), "district").collect()
    kept = bounded(rows, ("district",), DECLARED)
    assert kept.group_by("_unit").len()["len"].max() == DECLARED.max_rows


def test_empty_answer_without_groups_is_still_noisy() -> None:
    query = parse_query("select count(*), sum(cost) from visits where age > 1000", DECLARED)
    got = answer(query, visits(50), DECLARED, 1.0)
    assert len(got.rows) == 1


@pytest.mark.parametrize("epsilon", [0, -1, 11])
def test_epsilon_has_bounds(epsilon: float) -> None:
    with pytest.raises(Invalid):
        answer(parse_query("select count(*) from visits", DECLARED), visits(5), DECLARED, epsilon)
