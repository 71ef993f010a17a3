"""Public disclosure, without signing in: who is authorized for what, services and prices, the opening plan, yearly packs (article 8)."""

from __future__ import annotations

from collections.abc import Sequence

from corpushub.domain.workflow import Case
from corpushub.portal import casework, values
from corpushub.portal.board import Board
from corpushub.portal.html import Child, Safe, a, div, joined, span
from corpushub.portal.pages import Ask, Page, Screen, link
from corpushub.portal.parts import card, empty, grid, heading, moment, state_chip, tabs

TABS = ("authorization", "price", "plan_item", "share_item", "disclosure", "record")
BOARD = Board("disclosure", "/data/disclosure", TABS)


def show(ask: Ask) -> Page:
    t = ask.t
    tab = ask.query.get("tab") if ask.query.get("tab") in TABS else TABS[0]
    assert tab is not None
    found = ask.hub.cases.list(ask.actor, flow=tab, limit=200).items
    rows = [case for case in found if case.state != "draft"]
    words: list[tuple[str, str, Child]] = [
        (name, t(f"disclosure.tab_{name}"), len(rows) if name == tab else None) for name in TABS
    ]
    way, sheet = casework.opening(ask, "disclosure")
    body = joined(
        heading(t("disclosure.title"), lead=t("disclosure.lead"), actions=way),
        tabs(ask, words, tab),
        card(None, TABLES[tab](ask, rows), c="flush") if rows else empty(t(f"disclosure.none_{tab}"), t("disclosure.none_next")),
        sheet,
    )
    return Page(t("disclosure.title"), body)


def authorizations(ask: Ask, cases: Sequence[Case]) -> Safe:
    t = ask.t
    rows = [
        [
            div(
                a(casework.org_name(ask, str(case.data["operator"])), href=link(ask.lang, f"/data/disclosure/{case.id}")),
                div(case.id, c="mono quiet small"),
            ),
            casework.org_name(ask, str(case.data["implementer"])),
            t.name("choice", str(case.data["mode"])),
            span(*[values.resource(ask, str(name)) for name in case.data.get("resources", ())], c="list-cell"),
            t.listed(t.name("choice", str(name)) for name in case.data.get("purposes", ())),
            f"{case.data['valid_from']} – {case.data['valid_to']}",
            state_chip(t, case.state),
        ]
        for case in cases
    ]
    heads = [
        t("disclosure.operator"),
        t("disclosure.implementer"),
        t("disclosure.mode"),
        t("disclosure.content"),
        t("disclosure.scope"),
        t("disclosure.term"),
        t("board.state"),
    ]
    return grid(heads, rows)


def prices(ask: Ask, cases: Sequence[Case]) -> Safe:
    t = ask.t
    rows = [
        [
            a(str(case.data["product"]), href=link(ask.lang, f"/data/disclosure/{case.id}")),
            casework.org_name(ask, str(case.data["operator"])),
            t.name("choice", str(case.data["unit"])),
            values.money(t, case.data["cap_fen"]) if case.data.get("cap_fen") else "–",
            t.name("choice", str(case.data.get("kind", ""))),
            state_chip(t, case.state),
        ]
        for case in cases
    ]
    return grid(
        [
            t("disclosure.product"),
            t("disclosure.operator"),
            t("disclosure.unit"),
            t("prices.cap"),
            t("disclosure.kind"),
            t("board.state"),
        ],
        rows,
        numeric=(3,),
    )


def plan(ask: Ask, cases: Sequence[Case]) -> Safe:
    t = ask.t
    rows = [
        [
            values.resource(ask, str(case.data["resource"])),
            casework.org_name(ask, str(case.data["owner"])),
            t.name("choice", str(case.data["action"])),
            f"{case.data['year']} Q{case.data['quarter']}",
            str(case.data["due"]),
            state_chip(t, case.state),
        ]
        for case in cases
    ]
    return grid(
        [
            t("resources.entry"),
            t.name("field", "owner"),
            t.name("field", "action"),
            t("disclosure.quarter"),
            t.name("field", "due"),
            t("board.state"),
        ],
        rows,
    )


def any_case(ask: Ask, cases: Sequence[Case]) -> Safe:
    t = ask.t
    rows = [
        [
            a(casework.title_of(ask, case), href=link(ask.lang, f"/data/disclosure/{case.id}")),
            casework.org_name(ask, case.opened_org),
            moment(t, case.updated_at, day=True),
            state_chip(t, case.state),
        ]
        for case in cases
    ]
    return grid([t("board.case"), t("board.from"), t("board.updated"), t("board.state")], rows)


TABLES = {
    "authorization": authorizations,
    "price": prices,
    "plan_item": plan,
    "share_item": any_case,
    "disclosure": any_case,
    "record": any_case,
}
SCREENS = (
    Screen("/data/disclosure", "disclosure", show, casework.ACTS),
    Screen("/data/disclosure/{case}", "disclosure", BOARD.show, casework.ACTS),
)
