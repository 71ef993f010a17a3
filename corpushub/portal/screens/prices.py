"""Prices and revenue: cost statement, permitted revenue, cap, list price, and the ceiling's meter (article 7)."""

from __future__ import annotations

from corpushub.domain.flows.revenue import ceiling
from corpushub.domain.workflow import Case
from corpushub.portal import values
from corpushub.portal.board import Board
from corpushub.portal.html import Child, Safe, b, div, span
from corpushub.portal.pages import Ask
from corpushub.portal.parts import Tone, bar, card, grid

AMBER, RED = 0.8, 1.0


def extra(ask: Ask, case: Case) -> Child:
    return meter(ask, case) if case.flow == "revenue" else statement(ask, case)


def statement(ask: Ask, case: Case) -> Safe | None:
    """Costs by kind, and what follows: permitted revenue over expected units is the highest price."""
    said = case.data.get("statement") or {}
    costs = said.get("costs") or {}
    if not costs:
        return None
    t, most = ask.t, max(*costs.values(), 1)
    rows = [
        div(span(t.name("field", kind)), bar(amount / most), b(values.money(t, amount)), c="bar-row")
        for kind, amount in costs.items()
    ]
    permitted = sum(costs.values()) - said.get("subsidy", 0) + said.get("profit", 0) + said.get("tax", 0)
    sums: list[list[Child]] = [
        [t.name("field", name), values.money(t, said.get(name, 0))] for name in ("subsidy", "profit", "tax")
    ]
    lines: list[list[Child]] = [*sums, [b(t("prices.permitted")), b(values.money(t, permitted))]]
    if case.data.get("cap_fen"):
        lines.append([t("prices.cap"), values.money(t, case.data["cap_fen"])])
    return card(t("prices.statement"), *rows, grid([t("prices.item"), t("prices.amount")], lines, numeric=(1,)))


def meter(ask: Ask, case: Case) -> Safe:
    """Earned against the ceiling: amber at 80 %, red at the ceiling."""
    t = ask.t
    permitted, earned = ceiling(case), int(case.data.get("earned_fen", 0))
    share = earned / permitted if permitted > 0 else 0.0
    tone: Tone = "bad" if share >= RED else "warn" if share >= AMBER else "good"
    line = t("prices.earned", earned=values.money(t, earned), permitted=values.money(t, permitted), share=f"{share:.0%}")
    return card(t("prices.meter"), bar(share, tone=tone, label=line), div(line, c="sub"))


SCREENS = Board("prices", "/govern/prices", ("price", "revenue"), extra, hidden=frozenset({"statement"})).screens()
