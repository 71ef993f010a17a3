"""My tasks: what waits for me, with clocks, one click from the place to act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corpushub.domain.clocks import Reading
from corpushub.portal import casework
from corpushub.portal.areas import leads
from corpushub.portal.html import Safe, a, b, div, joined, li, ol, p, section, span, ul
from corpushub.portal.pages import Ask, Page, Screen, Words, link
from corpushub.portal.parts import card, empty, heading, moment, reading, state_chip
from corpushub.services.cases import Task
from corpushub.services.first_steps import FirstStep

WAYS = {
    "people": "/home/people",
    "catalog": "/govern/resources",
    "registration": "/govern/registrations",
    "authorization": "/govern/authorizations",
    "proposal": "/make/studio",
    "release": "/make/reviews",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """One case that waits for the reader: what it is, what may be done, and until when."""

    id: str
    flow: str
    title: str
    state: str
    href: str
    commands: tuple[str, ...]
    opened_at: str
    org: str
    clock: Reading | None = None


def view(t: Words, name: str, waiting: Sequence[Waiting], first: Safe | None = None) -> Safe:
    """Most urgent first; one group per flow keeps like with like. `first`: what a new hub says instead of that nothing waits."""
    late = sum(1 for item in waiting if item.clock and item.clock.left < 0)
    soon = sum(1 for item in waiting if item.clock and 0 <= item.clock.left <= 2)
    lead = t("tasks.lead", count=len(waiting), late=late, soon=soon) if waiting else None
    head = joined(heading(t("tasks.hello", name=name), lead=lead), first)
    if not waiting and first:
        return head
    if not waiting:
        ways = joined(
            a(t("tasks.to_datasets"), href=link(t.lang, "/data/datasets")),
            " · ",
            a(t("tasks.to_ask"), href=link(t.lang, "/demand/ask")),
        )
        return joined(head, empty(t("tasks.empty"), ways))
    groups: dict[str, list[Waiting]] = {}
    for item in waiting:
        groups.setdefault(item.flow, []).append(item)
    return joined(head, *[group(t, flow, items) for flow, items in groups.items()])


def opening(ask: Ask) -> Safe | None:
    """The way to a new hub's first dataset: what is done has a tick, what comes next is bold."""
    steps, t = ask.hub.oversight.first_steps(ask.actor), ask.t
    if not steps:
        return None
    ahead = next(step for step in steps if not step.done)
    done = sum(step.done for step in steps)
    return card(
        t("first.title"),
        p(t("first.lead"), c="quiet"),
        ol(*[first_step(ask, step, is_next=step is ahead) for step in steps], c="first-steps"),
        aside=t("first.done", done=done, all=len(steps)),
    )


def first_step(ask: Ask, step: FirstStep, *, is_next: bool) -> Safe:
    t, way = ask.t, WAYS[step.name]
    missing = t("first.missing", seats=t.listed(t.name("role", seat.value) for seat in step.missing)) if step.missing else None
    mark = span("✓" if step.done else None, c="tick", role="img", aria_label=t("first.is_done" if step.done else "first.is_open"))
    name = t(f"first.{step.name}")
    words = div(
        a(name, href=ask.href(way), c="name") if leads(ask.actor, way) else span(name, c="name"),
        p(missing or t(f"first.{step.name}_how"), c="quiet"),
    )
    return li(mark, words, c="done" if step.done else "next" if is_next else None)


def group(t: Words, flow: str, items: Sequence[Waiting]) -> Safe:
    head = div(b(t.name("name", flow)), span(len(items), c="quiet num"), c="row group-head")
    return section(head, ul(*[entry(t, item) for item in items], c="results"), c="stack tight")


def entry(t: Words, item: Waiting) -> Safe:
    return li(
        div(a(item.title, href=item.href, c="name"), span(item.id, c="id")),
        div(span(t("tasks.due", day=item.clock.due)) if item.clock else None, reading(t, item.clock), c="side"),
        div(
            state_chip(t, item.state),
            span(t("tasks.from_org", org=item.org)),
            moment(t, item.opened_at, day=True),
            span(t("tasks.you_may", what=" · ".join(t.name("command", name) for name in item.commands[:5])))
            if item.commands
            else None,
            c="meta",
        ),
    )


def show(ask: Ask) -> Page:
    waiting = [waiting_of(ask, task) for task in ask.hub.cases.tasks(ask.actor)]
    return Page(ask.t("tasks.title"), view(ask.t, ask.actor.name or ask.actor.person, waiting, opening(ask)))


def waiting_of(ask: Ask, task: Task) -> Waiting:
    case = task.case
    return Waiting(
        case.id, case.flow, casework.title_of(ask, case), case.state, casework.href_of(ask, case), task.commands,
        case.opened_at.isoformat(), casework.org_name(ask, case.opened_org), task.clock,
    )  # fmt: skip


SCREENS = (Screen("/home/tasks", "tasks", show),)
