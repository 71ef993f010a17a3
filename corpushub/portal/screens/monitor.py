"""Monitor and incidents: what was noticed, who froze what, who held it, and how it ended (articles 15 and 16)."""

from __future__ import annotations

from corpushub.base.errors import HubError
from corpushub.domain.flows.incident import KINDS
from corpushub.domain.workflow import Case
from corpushub.portal import casework, values
from corpushub.portal.board import Board
from corpushub.portal.html import Child, Safe, a, b, button, details, div, form, input_, label, p, span, summary
from corpushub.portal.pages import Ask, Form, Outcome, Screen, link
from corpushub.portal.parts import card, chip, empty, grid, size, state_chip
from corpushub.services.oversight import OVERSIGHT

PUBLIC = ("released", "superseded", "quarantined", "withdrawn")


def evidence(ask: Ask, case: Case) -> Child:
    """Of an incident: the versions it concerns with the way to recall them, and who holds them."""
    if case.flow != "incident":
        return None
    names = [str(name) for name in case.data.get("datasets", ())]
    if not names:
        return card(ask.t("monitor.affected"), empty(ask.t("monitor.no_datasets"), ask.t("monitor.no_datasets_next")))
    return [versions(ask, names), holders(ask, names)]


def versions(ask: Ask, names: list[str]) -> Safe:
    t = ask.t
    found = [
        item
        for name in names
        for item in ask.hub.cases.list(ask.actor, flow="release", states=PUBLIC, subject=name, limit=50).items
    ]
    rows = [
        [
            a(casework.title_of(ask, item), href=link(ask.lang, f"/make/reviews/{item.id}")),
            state_chip(t, item.state),
            a(t("monitor.recall"), href=link(ask.lang, f"/make/reviews/{item.id}"), c="btn small bad")
            if item.state in {"released", "superseded", "quarantined"}
            else chip(t("monitor.gone"), "quiet"),
        ]
        for item in found
    ]
    heads = [t("dataset.version"), t("board.state"), t("board.yours")]
    return card(
        t("monitor.affected"), grid(heads, rows), p(t("monitor.recall_note"), c="quiet small"), aside=t("monitor.affected_note")
    )


def holders(ask: Ask, names: list[str]) -> Safe:
    """Who holds the data, told only to those who oversee or operate."""
    t = ask.t
    try:
        found = [(name, row) for name in names for row in ask.hub.oversight.holders(ask.actor, name)]
    except HubError as refused:
        return card(t("audit_screen.holders"), p(refused.explain(ask.lang), c="quiet"))
    rows = [
        [
            casework.org_name(ask, row.org),
            casework.dataset_title(ask, name),
            state_chip(t, row.state),
            f"{row.deliveries:,}",
            size(row.bytes),
            ", ".join(row.models) or "–",
            values.case_link(ask, row.entitlement),
        ]
        for name, row in found
    ]
    heads = [
        t("audit_screen.org"),
        t("audit_screen.dataset"),
        t("board.state"),
        t("audit_screen.times"),
        t("dataset.size"),
        t.name("field", "models"),
        t.name("name", "entitlement"),
    ]
    return card(t("audit_screen.holders"), grid(heads, rows, numeric=(3, 4)) if rows else empty(t("audit_screen.nobody")))


def alerts(ask: Ask) -> Safe | None:
    """Which incidents the reader is told of, for those who oversee."""
    if not ask.actor.has(*OVERSIGHT):
        return None
    t = ask.t
    mine = ask.hub.oversight.subscribed(ask.actor)
    boxes = [
        label(input_(type_="checkbox", name="kinds", value=name, checked=name in mine), span(t.name("choice", name)), c="check")
        for name in KINDS
    ]
    way = button(t("monitor.subscribe"), type_="submit", c="btn")
    inside = form(div(*boxes, c="checks"), div(way, c="row"), data_act="subscribe")
    aside = t("monitor.subscribed", count=len(mine)) if mine else t("monitor.not_subscribed")
    return details(
        summary(b(t("monitor.alerts")), " ", span(aside, c="quiet")),
        p(t("monitor.alerts_note"), c="quiet"),
        inside,
        c="card fold alerts",
    )


def subscribe(ask: Ask, sent: Form) -> Outcome:
    kinds = sent.get("kinds") or []
    kept = ask.hub.oversight.subscribe(ask.actor, [kinds] if isinstance(kinds, str) else kinds)
    return Outcome(ask.t("monitor.kept", count=len(kept)))


BOARD = Board("monitor", "/oversee/monitor", ("incident", "inspection", "probe"), evidence, alerts)
SCREENS = (
    Screen(BOARD.path, "monitor", BOARD.list, {**casework.ACTS, "subscribe": subscribe}),
    Screen(f"{BOARD.path}/{{case}}", "monitor", BOARD.show, casework.ACTS),
)
