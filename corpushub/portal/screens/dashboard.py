"""City and district dashboard: figures counted from the record, each with its formula and the cases it was counted from (articles 17 and 20)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain

from corpushub.base.errors import HubError
from corpushub.base.identity import business_day
from corpushub.domain.indicators import Indicator
from corpushub.portal import casework, pictures, values
from corpushub.portal.downloads import REPORT
from corpushub.portal.html import (
    Child,
    Safe,
    a,
    b,
    button,
    code,
    details,
    dialog,
    div,
    form,
    h2,
    input_,
    joined,
    label,
    li,
    option,
    p,
    select,
    span,
    summary,
    ul,
)
from corpushub.portal.pages import Ask, Page, Screen, link
from corpushub.portal.parts import bar, card, figure, grid, heading
from corpushub.services.oversight import OVERSIGHT

TIMED = 100  # newest cases of a flow whose clocks are read
CODED = frozenset({"coded", "expiring"})  # states of a registration whose code stands
WEEKS, MONTHS = 12, 6
SHOWN = ("registration", "authorization", "release", "access", "entitlement", "demand", "objection", "incident")


Tally = Counter[tuple[str, date]]  # cases of a flow by state and the day they were opened


@dataclass(frozen=True, slots=True)
class Figure:
    """One indicator: its words' key, the figure, and the flow whose cases it was counted from."""

    key: str
    value: str
    flow: str


def show(ask: Ask) -> Page:
    t = ask.t
    held = ask.hub.cases.tally(ask.actor, SHOWN)
    entries = ask.hub.finder.find(ask.actor, size=1)
    figures = [
        Figure("entries", f"{entries.total:,}", "registration"),
        Figure("registered", share(min(states(held["registration"], *CODED), entries.total), entries.total), "registration"),
        Figure("authorizations", str(states(held["authorization"], "active")), "authorization"),
        Figure("releases", str(states(held["release"], "released")), "release"),
        Figure("grants", str(states(held["entitlement"], "active")), "entitlement"),
        Figure("in_time", in_time(ask), "access"),
        Figure("objections", str(running("objection", held["objection"])), "objection"),
    ]
    way, sheet = exporting(ask)
    body = joined(
        heading(t("dashboard.title"), lead=t("dashboard.lead"), actions=way),
        div(*[tile(ask, figure) for figure in figures], c="tiles"),
        div(
            card(t("dashboard.activity"), pictures.weeks(activity(ask, held)), aside=t("dashboard.weeks", count=WEEKS)),
            card(t("dashboard.flows"), flow_bars(ask, held), aside=t("dashboard.flows_note")),
            c="halves",
        ),
        div(
            card(
                t("dashboard.domains"),
                counted({t.name("domain", name) or "–": count for name, count in entries.counts["domain"].items()}),
            ),
            card(t("dashboard.owners"), owners(ask, entries.counts["owner"])),
            c="halves",
        ),
    )
    return Page(t("dashboard.title"), joined(body, indicators(ask), sheet))


def exporting(ask: Ask) -> tuple[Safe | None, Safe | None]:
    """The button that takes the periodic report away and its sheet, for those who oversee (article 17)."""
    if not ask.actor.has(*OVERSIGHT):
        return None, None
    t, today = ask.t, business_day(ask.hub.clock())
    days = {"first": today.replace(month=1, day=1), "last": today}
    boxes = [
        label(span(t(f"dashboard.report_{name}")), input_(type_="date", name=name, value=str(day), required=True))
        for name, day in days.items()
    ]
    forms_ = select(*[option(t(f"dashboard.report_{name}"), value=name) for name in ("docx", "html", "md")], name="form")
    inside = form(
        div(
            h2(t("dashboard.report")),
            button("×", type_="button", c="icon-btn", data_close=True, aria_label=t("portal.close")),
            c="sheet-head",
        ),
        div(
            div(
                div(t("dashboard.report_note"), c="note"),
                *boxes,
                label(span(t("dashboard.report_form")), forms_),
                input_(type_="hidden", name="lang", value=ask.lang),
                c="fields",
            ),
            c="sheet-body",
        ),
        div(
            button(t("portal.cancel"), type_="button", c="btn", data_close=True),
            button(t("dashboard.report"), type_="submit", c="btn primary"),
            c="sheet-foot",
        ),
        action=REPORT,
        method="get",
    )
    way = button(t("dashboard.report"), type_="button", c="btn", data_sheet="sheet-report", data_key="n")
    return way, dialog(inside, id="sheet-report", c="sheet", aria_label=t("dashboard.report"))


def indicators(ask: Ask) -> Safe | None:
    """Every indicator of the rulebook with its formula and, folded, the events it was counted from; for those who oversee."""
    t = ask.t
    try:
        found = ask.hub.oversight.indicators(ask.actor)
    except HubError:
        return None
    groups: dict[str, list[Indicator]] = {}
    for item in found:
        groups.setdefault(item.group, []).append(item)
    before = trends(ask)
    heads = [
        t("dashboard.indicator"),
        t("dashboard.value"),
        t("dashboard.trend", count=MONTHS),
        t("dashboard.formula"),
        t("dashboard.evidence"),
    ]
    cards = [
        card(
            t.name("indicator_group", group),
            grid(heads, [indicator_row(ask, item, before) for item in items], numeric=(1,), c="indicators"),
            c="flush",
        )
        for group, items in groups.items()
    ]
    return div(h2(t("dashboard.indicators")), *cards, c="stack")


def trends(ask: Ask) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Each indicator over the last months, oldest first: the same formulas on the events of each month."""
    found: dict[str, list[tuple[str, float]]] = {}
    for month, items in ask.hub.oversight.trend(ask.actor, MONTHS).items():
        for item in items:
            found.setdefault(item.id, []).append((month, item.value))
    return found


def indicator_row(ask: Ask, item: Indicator, before: Mapping[str, Sequence[tuple[str, float]]]) -> list[Child]:
    t = ask.t
    unit = {"percent": "%", "working_day": t("dashboard.working_days"), "points": ""}.get(item.unit, "")
    streams = dict.fromkeys(name.partition("@")[0] for name in item.events[:20])
    links = ul(*[li(values.stream(ask, name)) for name in streams], c="plain")
    drill = details(summary(t("dashboard.events", count=item.count)), links, c="fold") if item.events else str(item.count)
    return [
        t.name("indicator", item.id),
        f"{figure(item.value)}{unit}"
        if item.count or item.unit == "count"
        else "–",  # of nothing there is no share and no median
        pictures.spark(before.get(item.id, ())),
        code(item.formula, c="small quiet"),
        drill,
    ]


def tile(ask: Ask, figure: Figure) -> Safe:
    t = ask.t
    where = casework.screen_of(ask, figure.flow)
    return div(
        b(a(figure.value, href=link(ask.lang, where, show="all")) if where else figure.value),
        span(t(f"dashboard.{figure.key}")),
        span(t(f"dashboard.{figure.key}_how"), c="formula"),
        c="tile",
    )


def share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "–"


def states(tally: Tally, *wanted: str) -> int:
    return sum(number for (state, _), number in tally.items() if state in wanted)


def running(flow: str, tally: Tally) -> int:
    return sum(number for (state, _), number in tally.items() if casework.runs(flow, state))


def in_time(ask: Ask) -> str:
    """Clocks met among clocks ended, over the newest requests, demands, objections and releases."""
    newest = [
        ask.hub.cases.list(ask.actor, flow=flow, limit=TIMED).items for flow in ("access", "demand", "objection", "release")
    ]
    clocks = ask.hub.cases.clocks_of(ask.actor, chain.from_iterable(newest))
    readings = [reading for listed in clocks.values() for reading in listed]
    met = sum(reading.state == "met" for reading in readings)
    return share(met, met + sum(reading.state == "missed" for reading in readings))


def activity(ask: Ask, held: Mapping[str, Tally]) -> list[tuple[str, int]]:
    """Cases opened in each of the last weeks, oldest first."""
    now = ask.hub.clock()
    counts = [0] * WEEKS
    for tally in held.values():
        for (_, day), number in tally.items():
            back = (now.date() - day).days // 7
            if 0 <= back < WEEKS:
                counts[WEEKS - 1 - back] += number
    return [
        (ask.t.moment(now - timedelta(days=7 * (WEEKS - 1 - index)), day=True)[5:], count) for index, count in enumerate(counts)
    ]


def flow_bars(ask: Ask, held: Mapping[str, Tally]) -> Safe:
    """Open cases of each flow, with the way to them."""
    t = ask.t
    counts = [(flow, running(flow, tally), tally.total()) for flow, tally in held.items()]
    most = max((whole for _, _, whole in counts), default=1) or 1
    rows = [
        div(
            a(t.name("name", flow), href=link(ask.lang, where))
            if (where := casework.screen_of(ask, flow))
            else span(t.name("name", flow)),
            bar(whole / most),
            b(t("dashboard.open_of", open=open_, all=whole)),
            c="bar-row",
        )
        for flow, open_, whole in counts
    ]
    return div(*rows)


def counted(counts: Mapping[str, int]) -> Safe:
    """The largest ten, as they come."""
    most = max(counts.values(), default=1)
    return (
        div(*[div(span(name), bar(count / most), b(f"{count:,}"), c="bar-row") for name, count in list(counts.items())[:10]])
        if counts
        else p("–")
    )


def owners(ask: Ask, counts: Mapping[str, int]) -> Safe:
    return counted({casework.org_name(ask, name): count for name, count in list(counts.items())[:10]})


SCREENS = (Screen("/oversee/dashboard", "dashboard", show),)
