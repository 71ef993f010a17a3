"""My tasks: what waits for me, with clocks, one click from the place to act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corpushub.domain.clocks import Reading
from corpushub.portal import casework
from corpushub.portal.html import Safe, a, b, div, joined, li, section, span, ul
from corpushub.portal.pages import Ask, Page, Screen, Words, link
from corpushub.portal.parts import empty, heading, moment, reading, state_chip
from corpushub.services.cases import Task


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


def view(t: Words, name: str, waiting: Sequence[Waiting]) -> Safe:
    """Most urgent first; one group per flow keeps like with like."""
    late = sum(1 for item in waiting if item.clock and item.clock.left < 0)
    soon = sum(1 for item in waiting if item.clock and 0 <= item.clock.left <= 2)
    lead = t("tasks.lead", count=len(waiting), late=late, soon=soon) if waiting else None
    head = heading(t("tasks.hello", name=name), lead=lead)
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
    return Page(ask.t("tasks.title"), view(ask.t, ask.actor.name or ask.actor.person, waiting))


def waiting_of(ask: Ask, task: Task) -> Waiting:
    case = task.case
    return Waiting(
        case.id, case.flow, casework.title_of(ask, case), case.state, casework.href_of(ask, case), task.commands,
        case.opened_at.isoformat(), casework.org_name(ask, case.opened_org), task.clock,
    )  # fmt: skip


SCREENS = (Screen("/home/tasks", "tasks", show),)
