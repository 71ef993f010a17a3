"""One register as a table: codes in words, organisations by name, and the way to its CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpushub.domain.registers import NO_STANDARD, UNREGISTERED
from corpushub.portal import values
from corpushub.portal.html import Child, Safe, a, span
from corpushub.portal.pages import Ask
from corpushub.portal.parts import card, grid

SHOWN_ROWS = 200
ORGS = frozenset({"org", "root", "chain", "operator", "owner", "district", "supplier", "demander", "party", "buyer"})
NO_NAMES = {UNREGISTERED: "registers.unregistered", NO_STANDARD: "registers.no_standard"}
RESOURCES = frozenset({"authoritative", "resource"})


def register_card(ask: Ask, name: str, rows: Sequence[Mapping[str, Any]], none: Safe) -> Safe:
    """The first rows of a register; `none` stands where it has none."""
    t = ask.t
    take = a(t("disclosure.csv"), href=f"/v1/registers/{name}?csv=true", download=f"{name}.csv", c="btn small")
    heads = list(rows[0]) if rows else []
    numeric = [at for at, head in enumerate(heads) if any(is_number(row[head]) for row in rows)]
    cells = [[cell(ask, head, row.get(head, "")) for head in heads] for row in rows[:SHOWN_ROWS]]
    return card(
        t.name("register", name),
        grid([t.name("field", head) for head in heads], cells, numeric=numeric) if rows else none,
        aside=span(t("disclosure.count", count=len(rows)), take, c="row") if rows else None,
        c="flush",
    )


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def cell(ask: Ask, name: str, value: object) -> Child:
    """One value as people read it."""
    if value is None or value == "":
        return span("–", c="quiet")
    if name in {"kind", "channel"}:
        return ask.t.name("choice", str(value))
    if name == "name" and value in NO_NAMES:
        return ask.t(NO_NAMES[value])
    if name in {"state", "clock"}:
        return ask.t.name(name, str(value))
    if name == "flow":
        return ask.t.name("name", str(value))
    if name == "system" and value == "hub":
        return ask.t("registers.this_hub")
    return values.value_of(ask, "org" if name in ORGS else "resource" if name in RESOURCES else "", name, value)
