"""Screens of flows, drawn from the flows' own tables: a list of cases with what may be opened, and one case with its facts, picture and commands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from corpushub.domain.flows import flow_named
from corpushub.domain.parties import Role
from corpushub.domain.workflow import Case, Seat
from corpushub.portal import casework, choices, diagrams, values
from corpushub.portal.forms import Command
from corpushub.portal.html import Child, Safe, a, b, div, joined, li, span, ul
from corpushub.portal.pages import Ask, Page, Screen, Words, link
from corpushub.portal.parts import card, empty, grid, heading, moment, reading, state_chip, steps, tabs
from corpushub.services.cases import Task

PER_PAGE = 50
Extra = Callable[[Ask, Case], Child]
Top = Callable[[Ask], Child]


@dataclass(frozen=True, slots=True)
class Board:
    """One screen over some flows. `evidence` adds evidence to a case, `top` something above the list, `start` answers to the opening form
    beside those of the address.
    """

    place: str
    path: str
    flows: tuple[str, ...]
    evidence: Extra | None = None
    top: Top | None = None
    start: Callable[[Ask], Mapping[str, Any]] | None = None
    hidden: frozenset[str] = field(default_factory=frozenset)
    public: bool = False

    def screens(self) -> tuple[Screen, Screen]:
        """The list and the case; the case's pattern comes last so that named paths of the same screen win."""
        return (
            Screen(self.path, self.place, self.list, casework.ACTS),
            Screen(f"{self.path}/{{case}}", self.place, self.show, casework.ACTS),
        )

    def list(self, ask: Ask) -> Page:
        t = ask.t
        flow = ask.query.get("flow") if ask.query.get("flow") in self.flows else self.flows[0]
        assert flow is not None
        tally = ask.hub.cases.tally(ask.actor, (flow,))[flow]
        counts = Counter[str]()
        for (state, _), number in tally.items():
            counts[state] += number
        running = casework.running(flow)
        usual = "open" if not tally or any(counts[state] for state in running) else "all"
        which = ask.query.get("show") or usual
        states = {"open": running, "closed": [state for state in flow_named(flow).states if state not in running]}.get(which)
        page = ask.hub.cases.list(ask.actor, flow=flow, states=states, limit=PER_PAGE, cursor=ask.query.get("after") or None)
        cases = list(page.items)
        tasks = ask.hub.cases.waiting(ask.actor, cases)
        cases.sort(key=waiting_first(tasks))
        preset = {**ask.query, **(self.start(ask) if self.start else {})}
        way, sheet = casework.opening(ask, flow, choices.all_of(ask, flow_named(flow).opening.fields), preset)
        kinds = [(name, t.name("name", name), None) for name in self.flows]
        shown: list[tuple[str, str, Child]] = [
            ("open", t("board.open"), None),
            ("closed", t("board.closed"), None),
            ("all", t("board.all"), None),
        ]
        body = joined(
            heading(t(f"{self.place}.title"), lead=t(f"{self.place}.lead"), actions=way),
            self.top(ask) if self.top else None,
            tabs(ask, kinds, flow, name="flow") if len(self.flows) > 1 else None,
            div(tabs(ask, shown, which, name="show", default=usual), c="subtabs"),
            table(ask, cases, tasks) if cases else self.nothing(ask, flow, way is not None),
            further(ask, page.cursor),
            flow_card(ask, flow, counts),
            sheet,
        )
        return Page(t(f"{self.place}.title"), body)

    def nothing(self, ask: Ask, flow: str, may_open: bool) -> Safe:
        t = ask.t
        name = t.name("name", flow)
        return empty(t("board.none", flow=name), t("board.none_open" if may_open else "board.none_wait", flow=name))

    def show(self, ask: Ask) -> Page:
        case = ask.hub.cases.get(ask.actor, ask.params["case"])
        title = casework.title_of(ask, case)
        return Page(title, case_view(ask, case, self))


def further(ask: Ask, cursor: str) -> Safe | None:
    """The way to the next page, where there is one."""
    return a(ask.t("portal.next"), href=ask.href(after=cursor), c="btn small") if cursor else None


def flow_card(ask: Ask, flow: str, counts: Mapping[str, int]) -> Safe:
    """How cases of this flow go, with how many the reader may see stand where."""
    picture = diagrams.flow_picture(ask.t, flow_named(flow), counts=counts)
    return card(ask.t("board.flow_how", flow=ask.t.name("name", flow)), picture, aside=ask.t("board.flow_note"))


def waiting_first(tasks: Mapping[str, Task]) -> Callable[[Case], tuple[int, float]]:
    def rank(case: Case) -> tuple[int, float]:
        task = tasks.get(case.id)
        left = task.clock.left if task and task.clock else 10_000
        return (left if task else 20_000, -case.updated_at.timestamp())

    return rank


def table(ask: Ask, cases: Sequence[Case], tasks: Mapping[str, Task]) -> Safe:
    """Cases as rows; those that wait for the reader first, with their clock."""
    t = ask.t
    rows = []
    for case in cases:
        task = tasks.get(case.id)
        rows.append(
            [
                div(a(casework.title_of(ask, case), href=casework.href_of(ask, case)), div(case.id, c="mono quiet small")),
                span(state_chip(t, case.state), reading(t, task.clock) if task else None, c="row"),
                " · ".join(t.name("command", name) for name in task.commands[:4]) if task else span("–", c="quiet"),
                casework.org_name(ask, case.opened_org),
                moment(t, case.updated_at),
            ]
        )
    heads = [t("board.case"), t("board.state"), t("board.yours"), t("board.from"), t("board.updated")]
    return card(None, grid(heads, rows, links=[casework.href_of(ask, case) for case in cases]), c="flush")


def case_view(ask: Ask, case: Case, board: Board) -> Safe:
    """One case: what it says, where it stands, what has happened, what the reader may do and on whom it waits."""
    t = ask.t
    flow = flow_named(case.flow)
    clocks = ask.hub.cases.clocks(ask.actor, case.id)
    running = [item for item in clocks if item.state in {"running", "paused"}]
    first = min(running, key=lambda item: (item.state == "paused", item.left), default=None)
    acts = casework.commands(ask, case)
    ways, sheets = casework.buttons(ask, acts, choices.all_of(ask, [item for act in acts for item in act.fields], case))
    left = div(
        board.evidence(ask, case) if board.evidence else None,
        card(t("board.facts"), values.facts_of(ask, case, hidden=board.hidden)),
        card(t("board.flow"), diagrams.flow_picture(t, flow, case)),
        c="stack",
    )
    right = div(
        card(t("board.clocks"), clock_list(ask, case)) if clocks else None,
        card(t("reviews.history"), steps(casework.history(ask, case))),
        c="stack",
    )
    return joined(
        heading(
            casework.title_of(ask, case),
            lead=t(
                "board.lead",
                flow=t.name("name", case.flow),
                org=casework.org_name(ask, case.opened_org),
                at=t.moment(case.opened_at),
            ),
            actions=[state_chip(t, case.state), reading(t, first, named=True)],
            crumbs=[(t(f"{board.place}.title"), link(ask.lang, board.path)), (case.id, ask.href())],
        ),
        div(left, right, c="two"),
        div(div(who_decides(ask, case), refusals(t, acts), c="grow"), ways, c="decide in-page"),
        sheets,
    )


def refusals(t: Words, acts: Sequence[Command]) -> Safe | None:
    """Why what the reader's seat covers can't be done yet: said in the open, not only at the button."""
    rows = [li(b(t.name("command", act.name)), " ", act.refusal) for act in acts if act.refusal]
    return ul(*rows, c="refusals small") if rows else None


def clock_list(ask: Ask, case: Case) -> Safe:
    t = ask.t
    rows = [
        li(span(t.name("clock", item.clock)), span(str(item.due), c="quiet num"), reading(t, item), c="clock-row")
        for item in ask.hub.cases.clocks(ask.actor, case.id)
    ]
    return ul(*rows)


def who_decides(ask: Ask, case: Case) -> Safe:
    """What is still wanting where several have to agree, else whose turn it is."""
    t = ask.t
    wanting = [
        t(
            "board.wanting",
            command=t.name("command", item.command),
            people=item.missing_people,
            orgs=item.missing_orgs,
            seats=t("board.including", seats=names(ask, item.missing_seats)) if item.missing_seats else "",
        )
        for item in ask.hub.cases.allowed(ask.actor, case.id)
        if item.missing_people or item.missing_orgs or item.missing_seats
    ]
    if wanting:
        return span(b(t("board.who")), " ", " ".join(wanting), c="who-else")
    turn = turn_of(ask, case)
    return span(b(t("board.who")), " ", turn or t("board.nobody"), c="who-else")


def turn_of(ask: Ask, case: Case) -> str:
    """Seats that can move the case from where it stands, in words."""
    found: list[str] = []
    for row in flow_named(case.flow).transitions:
        if case.state in row.sources and row.target:
            found += [seat_words(ask, seat) for seat in row.by]
    words = list(dict.fromkeys(word for word in found if word))
    return ask.t.listed(words)


def seat_words(ask: Ask, seat: Seat) -> str:
    return ask.t("board.clock_moves") if seat.role is Role.SYSTEM else ask.t.seat(seat.label())


def names(ask: Ask, seats: Sequence[str]) -> str:
    return ask.t.listed(ask.t.name("role", seat) for seat in seats)
