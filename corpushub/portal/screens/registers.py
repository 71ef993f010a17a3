"""Registers the policy names, made from the record at the moment of asking; those the public has no part in for who oversees."""

from __future__ import annotations

from corpushub.portal import register_view
from corpushub.portal.html import joined, span
from corpushub.portal.pages import Ask, Page, Screen
from corpushub.portal.parts import chooser, empty, heading, way_to
from corpushub.services.oversight import OVERSIGHT
from corpushub.services.registers import NAMES, PUBLIC

PATH = "/oversee/registers"


def show(ask: Ask) -> Page:
    t = ask.t
    chosen = ask.query.get("name") if ask.query.get("name") in NAMES else "surveys"
    rows = ask.hub.registers.rows(ask.actor, str(chosen))
    filed = empty(t("registers.none"), way_to(ask, t("registers.none_next"), "/govern/records"))
    none = empty(t("registers.none_overdue"), t("registers.none_overdue_next")) if chosen == "overdue" else filed
    seen_by = span(t("registers.public" if chosen in PUBLIC else "registers.overseen"), c="quiet small")
    body = joined(
        heading(t("registers.title"), lead=t("registers.lead")),
        chooser(ask, t("registers.which"), "name", [(name, t.name("register", name)) for name in NAMES], str(chosen), seen_by),
        register_view.register_card(ask, str(chosen), rows, none),
    )
    return Page(t("registers.title"), body)


SCREENS = (Screen(PATH, "registers", show, roles=frozenset(OVERSIGHT)),)
