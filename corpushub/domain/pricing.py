"""Prices (article 7; price rules 65/2025): cost statement -> permitted revenue -> cap -> price; free where the purpose serves the public.

Amounts are whole fen (1/100 yuan), so that nothing is lost to rounding. No profit formula is built in: the approved profit is a stated figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from corpushub.base.errors import Invalid, Problem
from corpushub.domain.policy import FREE_PURPOSES

COST_KINDS = (
    "platform_build",
    "platform_operation",
    "transfer",
    "collection",
    "storage",
    "processing",
    "labour",
    "security",
    "other",
)
UNITS = ("product", "call", "hour", "gigabyte", "row", "year")


@dataclass(frozen=True, slots=True)
class Tier:
    """From this many units on, this price per unit holds (for the units above the threshold)."""

    from_units: int
    unit_price_fen: int


@dataclass(frozen=True, slots=True)
class CostStatement:
    """Yearly costs by kind, what was paid by subsidy, approved profit and tax, all in fen."""

    costs: Mapping[str, int]
    subsidy: int = 0
    profit: int = 0
    tax: int = 0

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> CostStatement:
        """Raises: Invalid("price.statement") with every problem."""
        costs = value.get("costs") or {}
        if not isinstance(costs, Mapping):
            raise Invalid("price.statement", problems=[Problem("form.not_record", {"field": "costs"})])
        problems = [
            Problem("price.cost_kind", {"kind": kind, "known": ", ".join(COST_KINDS)}) for kind in costs if kind not in COST_KINDS
        ]
        amounts = {**costs, **{name: value.get(name, 0) for name in ("subsidy", "profit", "tax")}}
        problems += [Problem("price.amount", {"field": name}) for name, amount in amounts.items() if not _is_amount(amount)]
        if not costs:
            problems.append(Problem("form.missing", {"field": "costs"}))
        if not problems and value.get("subsidy", 0) > sum(costs.values()):
            problems.append(Problem("price.subsidy", {"subsidy": value["subsidy"], "costs": sum(costs.values())}))
        if problems:
            raise Invalid("price.statement", problems=problems)
        return cls(dict(costs), int(value.get("subsidy", 0)), int(value.get("profit", 0)), int(value.get("tax", 0)))

    @property
    def permitted_revenue(self) -> int:
        """Highest permitted revenue: operating cost net of subsidy, permitted profit, tax."""
        return sum(self.costs.values()) - self.subsidy + self.profit + self.tax


def _is_amount(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15


def _is_percent(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 100


def unit_cap(permitted_revenue: int, expected_units: int, carried_excess: int = 0) -> int:
    """Highest price per unit in fen: what may be earned, less last period's excess, over the expected units; rounded down."""
    return max(0, permitted_revenue - carried_excess) // max(1, expected_units)


def charge(tiers: Sequence[Tier], units: int, purpose: str) -> int:
    """Fen for `units`; nothing for public governance and public welfare (conditions of free use apply instead)."""
    if purpose in FREE_PURPOSES:
        return 0
    total = 0
    for place, tier in enumerate(tiers):
        upper = tiers[place + 1].from_units if place + 1 < len(tiers) else units
        total += max(0, min(units, upper) - tier.from_units) * tier.unit_price_fen
    return total


def read_tiers(value: Iterable[Mapping[str, Any]]) -> tuple[Tier, ...]:
    """Tiers in rising order, the first from zero. Raises: Invalid("price.tiers")."""
    listed = list(value)
    if not all(_is_amount(row.get("from_units")) and _is_amount(row.get("unit_price_fen")) for row in listed):
        raise Invalid("price.tiers")
    tiers = tuple(Tier(row["from_units"], row["unit_price_fen"]) for row in listed)
    rising = all(before.from_units < after.from_units for before, after in pairwise(tiers))
    if not tiers or tiers[0].from_units != 0 or not rising:
        raise Invalid("price.tiers")
    return tiers


def meter(earned: int, permitted: int, warn_percent: int) -> str:
    """`green`, `amber` from the warning share on, `red` at the ceiling."""
    if permitted <= 0 or earned >= permitted:
        return "red"
    return "amber" if earned * 100 >= permitted * warn_percent else "green"


def parts_of(amount: int, shares: Mapping[str, Any]) -> dict[str, int]:
    """`amount` fen by percentage shares, whole fen that sum to it: what rounding leaves goes to the largest remainders."""
    exact = {name: amount * Fraction(str(part)) / 100 for name, part in shares.items()}
    parts = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (parts[name] - exact[name], name))
    for name in by_remainder[: amount - sum(parts.values())]:
        parts[name] += 1
    return parts


def parts_of_whole(amount: int, weights: Mapping[str, int]) -> dict[str, int]:
    """`amount` fen in proportion to `weights`, whole fen that sum to it; nothing to anybody where nothing weighs."""
    total = sum(weights.values())
    return parts_of(amount, {name: Fraction(100 * weight, total) for name, weight in weights.items()}) if total else {}


def shares_problem(shares: Any) -> str:
    """Why a revenue-share table can't be right, empty if it can: parties with positive percentages that sum to 100."""
    if not isinstance(shares, Mapping) or not shares or not all(_is_percent(part) for part in shares.values()):
        return "positive"
    return "" if abs(sum(shares.values()) - 100) < 1e-9 else "sum"
