"""Resource editor: describe an entry; propose a change of attribute or class, and see what it would touch (articles 1, 2, 5, 15)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpushub.domain.catalog import FREQUENCIES, Resource, incomplete
from corpushub.domain.flows import flow_named
from corpushub.domain.parties import Role
from corpushub.domain.workflow import Case
from corpushub.portal import casework, choices, entry_form, forms
from corpushub.portal.board import PER_PAGE, further, table
from corpushub.portal.html import Child, Safe, a, button, div, form, input_, joined, label, option, p, select, span, textarea
from corpushub.portal.pages import Ask, Form, Outcome, Page, Screen, link
from corpushub.portal.parts import card, chip, empty, grid, heading, tabs

FLOWS = ("attribute", "classification")
RESTING = ("active", "expiring", "released", "superseded", "amending")  # states in which something rests on an entry
MOST = 200  # of a kind, and entries on a page


def listing(ask: Ask) -> Page:
    """Entries the reader's organisation answers for; the authority sees all."""
    t = ask.t
    own: Mapping[str, str] = {} if ask.actor.has(Role.AUTHORITY, Role.SECTOR, Role.REGISTRAR) else {"owner": ask.actor.org}
    after = ask.query.get("after", "")
    found = ask.hub.catalog.search(ask.actor, ask.query.get("q", ""), limit=MOST, cursor=after, **own)
    flow = ask.query.get("flow", "")
    words: list[tuple[str, str, Child]] = [
        ("", t("resources.entries"), None if after or found.cursor else len(found.items)),
        *[(name, t.name("name", name), None) for name in FLOWS],
    ]
    way, sheet = entry_form.entering(ask)
    many = a(t("intake.title"), href=link(ask.lang, entry_form.MANY), c="btn") if ask.actor.has(*entry_form.BULK) else None
    head = heading(t("resources.title"), lead=t("resources.lead"), actions=[many, way])
    body = running(ask, flow) if flow in FLOWS else joined(entries(ask, found.items), further(ask, found.cursor))
    return Page(t("resources.title"), joined(head, tabs(ask, words, flow, name="flow"), body, sheet))


def entries(ask: Ask, found: tuple[Resource, ...]) -> Safe:
    t = ask.t
    if not found:
        may = ask.actor.has(*entry_form.MAY)
        key = "none_next" if may and ask.actor.has(*entry_form.BULK) else "none_one" if may else "none_others"
        return empty(t("resources.none"), t(f"resources.{key}"))
    rows: list[list[Child]] = []
    for entry in found:
        gaps = incomplete(entry)
        rows.append(
            [
                div(
                    a(t.of(entry.title), href=link(ask.lang, f"/govern/resources/{entry.id}")),
                    div(entry.id, c="mono quiet small"),
                ),
                casework.org_name(ask, entry.owner),
                t.name("choice", entry.share_attribute.value),
                t.name("choice", entry.open_attribute.value),
                chip(entry.registration_code, "good") if entry.registration_code else chip(t("catalog.unregistered"), "warn"),
                chip(t("resources.gaps", count=len(gaps)), "warn") if gaps else chip(t("resources.whole"), "good"),
            ]
        )
    heads = [
        t("resources.entry"),
        t.name("field", "owner"),
        t.name("field", "share_attribute"),
        t.name("field", "open_attribute"),
        t("catalog.code"),
        t("resources.state"),
    ]
    return card(None, grid(heads, rows, links=[link(ask.lang, f"/govern/resources/{entry.id}") for entry in found]), c="flush")


def running(ask: Ask, flow: str) -> Safe:
    page = ask.hub.cases.list(ask.actor, flow=flow, limit=PER_PAGE, cursor=ask.query.get("after") or None)
    if not page.items:
        return empty(ask.t("board.none", flow=ask.t.name("name", flow)), ask.t("resources.none_cases_next"))
    tasks = ask.hub.cases.waiting(ask.actor, page.items)
    return joined(table(ask, page.items, tasks), further(ask, page.cursor))


def editor(ask: Ask) -> Page:
    t = ask.t
    entry = ask.hub.catalog.get(ask.actor, ask.params["id"])
    opened = [change_sheet(ask, flow, entry) for flow in FLOWS if casework.may_open(ask, flow)]
    ways = [way for way, _ in opened]
    register = a(t("portal.open_registration"), href=link(ask.lang, "/govern/registrations", resource=entry.id), c="btn")
    body = joined(
        heading(
            t.of(entry.title),
            lead=entry.id,
            actions=[*ways, register],
            crumbs=[(t("resources.title"), link(ask.lang, "/govern/resources")), (entry.id, ask.href())],
        ),
        div(
            card(t("resources.describe"), edit_form(ask, entry)),
            div(
                entry_form.lacking(t, entry),
                card(t("resources.impact"), impact(ask, entry), aside=t("resources.impact_note")),
                c="stack",
            ),
            c="two wide-side",
        ),
        *[sheet for _, sheet in opened],
    )
    return Page(t.of(entry.title), body)


def change_sheet(ask: Ask, flow: str, entry: Resource) -> tuple[Safe, Safe]:
    name = ask.t("portal.open_any", flow=ask.t.name("name", flow))
    fields = flow_named(flow).opening.fields
    given = forms.Given(
        choices.all_of(ask, fields), {"resource": entry.id, "effective_from": ask.t.moment(ask.hub.clock(), day=True)}
    )
    way = button(name, type_="button", c="btn", data_sheet=f"sheet-open-{flow}")
    return way, forms.open_sheet(ask, flow, name, fields, given)


def edit_form(ask: Ask, entry: Resource) -> Safe:
    """What may be changed by hand; attributes, codes and secrecy have flows of their own."""
    t = ask.t

    def box(name: str, value: str, *, long: bool = False) -> Safe:
        field = textarea(value, name=name, rows=3) if long else input_(name=name, value=value)
        return label(span(t(f"resources.{name.replace('.', '_')}")), field)

    pick = select(
        *[option(t.name("frequency", name), value=name, selected=name == entry.frequency) for name in FREQUENCIES],
        name="frequency",
    )
    return form(
        div(box("title.zh", entry.title.get("zh", "")), box("title.en", entry.title.get("en", "")), c="pair"),
        div(
            box("summary.zh", entry.summary.get("zh", ""), long=True),
            box("summary.en", entry.summary.get("en", ""), long=True),
            c="pair",
        ),
        div(entry_form.domain(t, entry.domain), label(span(t("catalog.frequency")), pick), c="pair"),
        div(box("volume", entry.volume), box("licence", entry.licence), c="pair"),
        div(
            box("interpreter.person", entry.interpreter.get("person", "")),
            box("interpreter.contact", entry.interpreter.get("contact", "")),
            c="pair",
        ),
        *[
            label(
                span(span(item.name, c="mono"), " · ", t("catalog.meaning")),
                input_(name=f"meaning.{item.name}", value=t.of(item.meaning)),
            )
            for item in entry.items
        ],
        None if entry.secrecy_checked_by else entry_form.secrecy_check(ask),
        div(button(t("portal.save"), type_="submit", c="btn primary")),
        data_act="revise",
        c="fields",
    )


def impact(ask: Ask, entry: Resource) -> Safe:
    """What a change of this entry would touch: grants, authorizations and releases that rest on it."""
    found: list[Case] = []
    for flow in ("authorization", "delegation", "release", "entitlement"):
        held = ask.hub.cases.list(ask.actor, flow=flow, states=RESTING, naming=entry.id, limit=MOST).items
        found += [case for case in held if entry.id in case.data.get("resources", ())]
    if not found:
        return p(ask.t("resources.no_impact"), c="quiet")
    rows = [
        [
            ask.t.name("name", case.flow),
            a(casework.title_of(ask, case), href=casework.href_of(ask, case)),
            ask.t.name("state", case.state),
        ]
        for case in found
    ]
    return grid([ask.t("resources.kind"), ask.t("board.case"), ask.t("board.state")], rows)


def revise(ask: Ask, sent: Form) -> Outcome:
    """Save what differs from the entry as it stands."""
    entry = ask.hub.catalog.get(ask.actor, ask.params["id"])
    now = entry.to_json()
    changes: dict[str, Any] = {}
    for name in ("domain", "volume", "licence", "frequency", "secrecy_checked_by"):
        if name in sent and str(sent[name]) != now[name]:
            changes[name] = str(sent[name])
    for name in ("title", "summary", "interpreter"):
        after = {**now[name], **{key.partition(".")[2]: str(value) for key, value in sent.items() if key.startswith(f"{name}.")}}
        after = {key: value for key, value in after.items() if value}
        if after != now[name]:
            changes[name] = after
    items = [{**item, "meaning": meaning(ask, item, sent)} for item in now["items"]]
    if items != now["items"]:
        changes["items"] = items
    if not changes:
        return Outcome(ask.t("resources.nothing"), tone="")
    ask.hub.catalog.revise(ask.actor, entry.id, changes)
    return Outcome(ask.t("resources.saved", count=len(changes)))


def meaning(ask: Ask, item: Mapping[str, Any], sent: Form) -> dict[str, str]:
    said = str(sent.get(f"meaning.{item['name']}", ""))
    held = dict(item.get("meaning") or {})
    return held if not said or said == ask.t.of(held) else {**held, ask.lang: said}


SCREENS = (
    Screen("/govern/resources", "resources", listing, {**casework.ACTS, "enter": entry_form.enter}),
    Screen("/govern/resources/{id+}", "resources", editor, {**casework.ACTS, "revise": revise}),
)
