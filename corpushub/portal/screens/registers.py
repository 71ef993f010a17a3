"""Registers the policy names, made from the record at the moment of asking; those the public has no part in for who oversees."""

from __future__ import annotations

from corpushub.portal import values
from corpushub.portal.html import Child, a, joined, span
from corpushub.portal.pages import Ask, Page, Screen, link
from corpushub.portal.parts import card, chooser, empty, grid, heading
from corpushub.services.oversight import OVERSIGHT
from corpushub.services.registers import NAMES, PUBLIC

PATH = "/oversee/registers"
SHOWN_ROWS = 200


def show(ask: Ask) -> Page:
    t = ask.t
    chosen = ask.query.get("name") if ask.query.get("name") in NAMES else "surveys"
    rows = ask.hub.registers.rows(ask.actor, str(chosen))
    heads = list(rows[0]) if rows else []
    cells = [[cell(ask, name, row.get(name, "")) for name in heads] for row in rows[:SHOWN_ROWS]]
    numeric = [
        at
        for at, name in enumerate(heads)
        if rows and isinstance(rows[0][name], int | float) and not isinstance(rows[0][name], bool)
    ]
    none = empty(t("registers.none"), a(t("registers.none_next"), href=link(ask.lang, "/govern/records")))
    take = a(t("disclosure.csv"), href=f"/v1/registers/{chosen}?csv=true", download=f"{chosen}.csv", c="btn small")
    seen_by = span(t("registers.public" if chosen in PUBLIC else "registers.overseen"), c="quiet small")
    body = joined(
        heading(t("registers.title"), lead=t("registers.lead")),
        chooser(ask, t("registers.which"), "name", [(name, t.name("register", name)) for name in NAMES], str(chosen), seen_by),
        card(
            t.name("register", str(chosen)),
            grid([t.name("field", name) for name in heads], cells, numeric=numeric) if rows else none,
            aside=span(t("disclosure.count", count=len(rows)), " ", take) if rows else None,
            c="flush",
        ),
    )
    return Page(t("registers.title"), body)


def cell(ask: Ask, name: str, value: object) -> Child:
    """One value as people read it; an organisation by its name."""
    if value is None or value == "":
        return span("–", c="quiet")
    if name in {"kind", "state"}:
        return ask.t.name("choice" if name == "kind" else "state", str(value))
    kind = "org" if name in {"org", "operator", "owner", "district", "supplier", "demander", "party", "buyer"} else ""
    return values.value_of(ask, kind, name, value)


SCREENS = (Screen(PATH, "registers", show, roles=frozenset(OVERSIGHT)),)
