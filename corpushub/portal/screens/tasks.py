"""My tasks: what waits for me, with clocks, one click from the place to act."""

from __future__ import annotations

from collections.abc import Sequence

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


SHOWN = 10  # of each kind, until somebody asks for all of that kind
MOST = 200


def show(ask: Ask) -> Page:
    """Most urgent first; one group per flow keeps like with like."""
    t, tasks = ask.t, ask.hub.cases.tasks(ask.actor)
    late = sum(1 for task in tasks if task.clock and task.clock.left < 0)
    soon = sum(1 for task in tasks if task.clock and 0 <= task.clock.left <= 2)
    lead = t("tasks.lead", count=len(tasks), late=late, soon=soon) if tasks else None
    first = opening(ask)
    head = joined(heading(t("tasks.hello", name=ask.actor.name or ask.actor.person), lead=lead), first)
    return Page(t("tasks.title"), joined(head, groups(ask, tasks) if tasks else None if first else nothing(t)))


def nothing(t: Words) -> Safe:
    ways = joined(
        a(t("tasks.to_datasets"), href=link(t.lang, "/data/datasets")),
        " · ",
        a(t("tasks.to_ask"), href=link(t.lang, "/demand/ask")),
    )
    return empty(t("tasks.empty"), ways)


def groups(ask: Ask, tasks: Sequence[Task]) -> Safe:
    """The first of each kind, or all of the kind that was asked for."""
    kinds: dict[str, list[Task]] = {}
    for task in tasks:
        kinds.setdefault(task.case.flow, []).append(task)
    chosen = ask.query.get("flow", "")
    if chosen in kinds:
        back = p(a(ask.t("tasks.every_kind"), href=ask.href("/home/tasks")))
        return joined(back, group(ask, chosen, kinds[chosen], MOST))
    return joined(*[group(ask, flow, found, SHOWN) for flow, found in kinds.items()])


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


def group(ask: Ask, flow: str, tasks: Sequence[Task], most: int) -> Safe:
    t = ask.t
    head = div(b(t.name("name", flow)), span(len(tasks), c="quiet num"), c="row group-head")
    more = len(tasks) - most
    rest = p(a(t("tasks.more", count=more), href=ask.href("/home/tasks", flow=flow))) if more > 0 and most < MOST else None
    ends = p(t("tasks.most", count=most), c="quiet") if more > 0 and most == MOST else None
    return section(head, ul(*[entry(ask, task) for task in tasks[:most]], c="results"), rest, ends, c="stack tight")


def entry(ask: Ask, task: Task) -> Safe:
    """One case that waits for the reader: what it is, what may be done, and until when."""
    t, case, clock = ask.t, task.case, task.clock
    return li(
        div(a(casework.title_of(ask, case), href=casework.href_of(ask, case), c="name"), span(case.id, c="id")),
        div(span(t("tasks.due", day=clock.due)) if clock else None, reading(t, clock), c="side"),
        div(
            state_chip(t, case.state),
            span(t("tasks.from_org", org=casework.org_name(ask, case.opened_org))),
            moment(t, case.opened_at.isoformat(), day=True),
            span(t("tasks.you_may", what=" · ".join(t.name("command", name) for name in task.commands[:5])))
            if task.commands
            else None,
            c="meta",
        ),
    )


SCREENS = (Screen("/home/tasks", "tasks", show),)
