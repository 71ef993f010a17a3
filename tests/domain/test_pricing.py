from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.base.errors import Invalid
from corpushub.domain.policy import FREE_PURPOSES
from corpushub.domain.pricing import CostStatement, Tier, charge, meter, read_tiers, shares_problem, unit_cap

FEN = st.integers(0, 10**9)


@given(st.dictionaries(st.sampled_from(("labour", "storage")), FEN, min_size=1), FEN, FEN)
def test_permitted_revenue_is_cost_and_profit_and_tax(costs: dict[str, int], profit: int, tax: int) -> None:
    assert (
        CostStatement.from_json({"costs": costs, "profit": profit, "tax": tax}).permitted_revenue
        == sum(costs.values()) + profit + tax
    )


@given(FEN, st.integers(1, 10**6), FEN)
def test_selling_the_expected_units_at_the_cap_never_earns_too_much(permitted: int, units: int, excess: int) -> None:
    assert unit_cap(permitted, units, excess) * units <= max(0, permitted - excess)


@given(st.integers(0, 10**6), st.sampled_from(sorted(FREE_PURPOSES)))
def test_public_purposes_are_never_billed(units: int, purpose: str) -> None:
    assert charge((Tier(0, 100),), units, purpose) == 0


@given(st.integers(0, 5000))
def test_tiers_bill_each_unit_once(units: int) -> None:
    tiers = read_tiers(
        [
            {"from_units": 0, "unit_price_fen": 10},
            {"from_units": 100, "unit_price_fen": 7},
            {"from_units": 1000, "unit_price_fen": 5},
        ]
    )
    expected = sum(10 if unit < 100 else (7 if unit < 1000 else 5) for unit in range(units))
    assert charge(tiers, units, "model-training") == expected


@pytest.mark.parametrize(
    "tiers",
    [
        [],
        [{"from_units": 5, "unit_price_fen": 1}],
        [{"from_units": 0, "unit_price_fen": -1}],
        [{"from_units": 0, "unit_price_fen": 1}, {"from_units": 0, "unit_price_fen": 1}],
    ],
)
def test_tiers_that_cannot_be_right(tiers: list[dict[str, int]]) -> None:
    with pytest.raises(Invalid):
        read_tiers(tiers)


def test_a_statement_names_all_its_problems() -> None:
    with pytest.raises(Invalid) as refused:
        CostStatement.from_json({"costs": {"dinners": 5, "labour": -1}, "tax": "much"})
    assert [problem.code for problem in refused.value.problems] == ["price.cost_kind", "price.amount", "price.amount"]


def test_the_meter_warns_before_the_ceiling() -> None:
    assert [meter(earned, 100, 80) for earned in (79, 80, 99, 100)] == ["green", "amber", "amber", "red"]


def test_shares_sum_to_a_hundred() -> None:
    assert shares_problem({"a": 60, "b": 40}) == ""
    assert shares_problem({"a": 60}) == "sum"
    assert shares_problem({"a": 160, "b": -60}) == "positive"
