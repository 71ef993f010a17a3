"""Public disclosure, without signing in: who is authorized for what, services and prices, the opening plan, registers, yearly packs (article 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from corpushub.base.errors import Invalid
from corpushub.base.identity import business_day
from corpushub.domain.flows import flow_named
from corpushub.domain.workflow import Case
from corpushub.portal import casework, choices, forms, register_view, values
from corpushub.portal.board import Board, further
from corpushub.portal.html import Child, Safe, a, b, button, div, joined, span
from corpushub.portal.pages import Ask, Form, Outcome, Page, Screen, link
from corpushub.portal.parts import card, digest, empty, grid, heading, moment, number, state_chip, tabs
from corpushub.services.registers import PUBLIC

FLOWS = ("authorization", "price", "plan_item", "share_item", "disclosure", "record")
TABS = (*FLOWS, "register")
PER_PAGE = 100


def show(ask: Ask) -> Page:
    t = ask.t
    tab = ask.query.get("tab") if ask.query.get("tab") in TABS else TABS[0]
    assert tab is not None
    words: list[tuple[str, str, Child]] = [(name, t(f"disclosure.tab_{name}"), None) for name in TABS]
    way, sheet = disclosing(ask)
    body = joined(
        heading(t("disclosure.title"), lead=t("disclosure.lead"), actions=way),
        tabs(ask, words, tab),
        registers(ask) if tab == "register" else listed(ask, tab),
        sheet,
    )
    return Page(t("disclosure.title"), body)


def listed(ask: Ask, flow: str) -> Safe:
    t = ask.t
    states = [state for state in flow_named(flow).states if state != "draft"]
    page = ask.hub.cases.list(ask.actor, flow=flow, states=states, limit=PER_PAGE, cursor=ask.query.get("after") or None)
    if not page.items:
        return empty(t(f"disclosure.none_{flow}"), t("disclosure.none_next"))
    return joined(card(None, TABLES[flow](ask, page.items), c="flush"), further(ask, page.cursor))


def disclosing(ask: Ask) -> tuple[Safe | None, Safe | None]:
    """The button that compiles a year's pack, for those who may: year, kind and organisation are asked, the rest is on record."""
    if not casework.may_open(ask, "disclosure"):
        return None, None
    t = ask.t
    asked = {"year", "kind", "subject_org", "replaces"}
    fields = [item for item in flow_named("disclosure").opening.fields if item.name in asked]
    given = forms.Given(choices.all_of(ask, fields), {"year": str(business_day(ask.hub.clock()).year)})
    name = t("disclosure.compile")
    inside = joined(div(t("disclosure.compile_note"), c="note"), *[forms.control(t, item, given) for item in fields])
    way = button(name, type_="button", c="btn primary", data_sheet="sheet-disclose", data_key="n")
    return way, forms.dialog_of(ask, "sheet-disclose", name, "disclose", inside)


def disclose(ask: Ask, sent: Form) -> Outcome:
    """Compile the pack and open its case. Raises: Invalid("disclosure.year_whole"), and what the oversight service refuses with."""
    year = str(sent.get("year", ""))
    if not year.isdecimal():
        raise Invalid("disclosure.year_whole")
    stated = {name: str(sent.get(key, "")) for name, key in (("kind", "kind"), ("org", "subject_org"), ("replaces", "replaces"))}
    case = ask.hub.oversight.disclose(ask.actor, int(year), **{name: value for name, value in stated.items() if value})
    return Outcome(ask.t("disclosure.compiled"), goto=casework.href_of(ask, case))


def registers(ask: Ask) -> Safe:
    """The registers anybody may read: which there are, one of them as a table, each as CSV."""
    t = ask.t
    chosen = ask.query.get("name") if ask.query.get("name") in PUBLIC else next(iter(PUBLIC))
    rows = ask.hub.registers.rows(ask.actor, str(chosen))
    words: list[tuple[str, str, Child]] = [(name, t.name("register", name), None) for name in PUBLIC]
    none = empty(t("disclosure.none_register"), t("disclosure.none_next"))
    return div(
        div(tabs(ask, words, str(chosen), name="name"), c="subtabs"),
        register_view.register_card(ask, str(chosen), rows, none),
        c="stack",
    )


def pack(ask: Ask, case: Case) -> Child:
    """What a compiled pack holds, part by part, with the digest it is published under."""
    told: Mapping[str, object] = case.data.get("pack") or {}
    if case.flow != "disclosure" or not told:
        return None
    t = ask.t
    parts = [
        card(
            t.name("pack", name),
            values.many(ask, "", name, rows),
            aside=number(len(rows)),
        )
        for name, rows in told.items()
        if isinstance(rows, list) and rows
    ]
    totals = told.get("totals")
    tiles = [
        div(b(f"{count:,}"), span(t.name("pack", name)), c="tile")
        for name, count in (totals.items() if isinstance(totals, Mapping) else ())
    ]
    return [
        div(*tiles, c="tiles"),
        div(t("disclosure.pack_digest"), " ", digest(str(case.data.get("pack_digest", "")), length=24), c="note"),
        *parts,
    ]


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
            a(casework.title_of(ask, case), href=link(ask.lang, f"/data/disclosure/{case.id}")),
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


def duties(ask: Ask, cases: Sequence[Case]) -> Safe:
    """The sharing responsibility list: for what, between whom, which entries, how often (article 4)."""
    t = ask.t
    rows = [
        [
            a(casework.title_of(ask, case), href=link(ask.lang, f"/data/disclosure/{case.id}")),
            casework.org_name(ask, str(case.data["demander"])),
            casework.org_name(ask, str(case.data["supplier"])),
            span(*[values.resource(ask, str(name)) for name in case.data.get("resources", ())], c="list-cell"),
            t.name("frequency", str(case.data["frequency"])),
            state_chip(t, case.state),
        ]
        for case in cases
    ]
    heads = [t.name("field", name) for name in ("scenario", "demander", "supplier", "resources", "frequency")]
    return grid([*heads, t("board.state")], rows)


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
    "share_item": duties,
    "disclosure": any_case,
    "record": any_case,
}
BOARD = Board("disclosure", "/data/disclosure", FLOWS, pack)
SCREENS = (
    Screen("/data/disclosure", "disclosure", show, {**casework.ACTS, "disclose": disclose}),
    Screen("/data/disclosure/{case}", "disclosure", BOARD.show, casework.ACTS),
)
