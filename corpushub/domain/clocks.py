"""Clocks read from events: when a deadline began, rested, was extended, met or missed. Recomputable by anybody from the record (INV-11).

A clock rests only while the case lies with the requester; resting working days are added to the deadline, an `extended` event adds its days.
An overdue clock is escalated once per working week by an event of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from corpushub.base.identity import business_day
from corpushub.base.rulebook import Deadline, Rulebook
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor
from corpushub.domain.workflow import CLOCK, Case, Clock, Context, Data, Derive, Event, Flow, step

State = Literal["running", "paused", "met", "missed"]
Light = Literal["green", "amber", "red"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One clock of one case on one day. `left` counts working days, negative when overdue; provisional: beyond the published calendar."""

    clock: str
    rule: str
    verified: bool
    started: date
    due: date
    provisional: bool
    state: State
    light: Light
    left: int


def read_clocks(flow: Flow, case: Case, rules: Rulebook, day: date) -> tuple[Reading, ...]:
    """Every clock of `case` that has begun; needs the case's history."""
    readings = (_read(clock, case, rules, day) for clock in flow.clocks)
    return tuple(reading for reading in readings if reading)


def _read(clock: Clock, case: Case, rules: Rulebook, day: date) -> Reading | None:
    started: date | None = None
    stopped: date | None = None
    paused_since: date | None = None
    rested = extended = 0
    for event in case.history:
        when = business_day(event.at)
        if event.state in clock.starts and (started is None or stopped is not None) and not _stays(case, event):
            started, stopped, rested, extended = (
                (when, None, 0, 0) if started is None or stopped else (started, None, rested, extended)
            )
        if started is None or stopped is not None:
            continue
        if event.name == "extended":
            extended += int(event.data.get("more_days") or event.data.get("days", 0))  # `days` in older records
        if event.state in clock.pauses and paused_since is None:
            paused_since = when
        elif event.state not in clock.pauses and paused_since is not None:
            rested += rules.working_days(paused_since, when)
            paused_since = None
        if event.state in clock.stops or event.data.get(clock.answer):
            stopped = when
    if started is None:
        return None
    if paused_since is not None and stopped is None:
        rested += rules.working_days(paused_since, max(day, paused_since))
    deadline = rules.deadline(clock.rule, started, more=extended + rested)
    return _reading(clock, rules, deadline, (started, stopped, paused_since), day)


def _stays(case: Case, event: Event) -> bool:
    """Did the case stand in this state already before the event?"""
    return event.version > 1 and case.history[event.version - 2].state == event.state


def _reading(
    clock: Clock, rules: Rulebook, deadline: Deadline, spans: tuple[date, date | None, date | None], day: date
) -> Reading:
    started, stopped, paused = spans
    judged = stopped or day
    late = judged > deadline.day
    left = -rules.working_days(deadline.day, judged) if late else rules.working_days(judged, deadline.day)
    state: State = ("missed" if late else "met") if stopped else ("paused" if paused else "running")
    light: Light = "red" if late else ("amber" if not stopped and left <= 2 else "green")
    rule = rules.rule(clock.rule)
    return Reading(clock.name, clock.rule, rule.verified, started, deadline.day, deadline.provisional, state, light, left)


def overdue(flow: Flow, case: Case, context: Context) -> Iterable[tuple[datetime, str]]:
    """When a running clock has to be escalated next: at its end, then every five working days."""
    levels = case.data.get("escalated", {})
    for reading in read_clocks(flow, case, context.rules, context.day):
        if reading.state == "running":
            level = int(levels.get(reading.clock, 0))
            yield (
                context.rules.add_working_days(reading.due, 5 * level).moment
                if level
                else Deadline(reading.due, provisional=False).moment,
                reading.clock,
            )


def note_level(flow: Flow) -> Derive:
    """Raise by one every clock whose time to escalate has come."""

    def derive(case: Case, _: Actor, __: Data, context: Context) -> Data:
        levels = dict(case.data.get("escalated", {}))
        for moment, clock in overdue(flow, case, context):
            if moment <= context.at:
                levels[clock] = int(levels.get(clock, 0)) + 1
        return {"escalated": levels}

    return derive


def with_escalation(flow: Flow) -> Flow:
    """The flow with the clock's own row, where it has clocks."""
    if not flow.clocks:
        return flow
    running = ", ".join(state for state in flow.states if state not in flow.finals)
    row = step("escalate", f"{running} ->", "escalated", CLOCK, fields=(Field("clock", required=False),), derive=note_level(flow))
    return replace(flow, transitions=(*flow.transitions, row))


def next_wake(flow: Flow, case: Case, context: Context) -> tuple[datetime, str] | None:
    """When the clock has to act on this case next, and with which command."""
    wakes = [
        (moment, row.command)
        for row in flow.transitions
        if row.due is not None and case.state in row.sources and (moment := row.due(case, context)) is not None
    ]
    wakes += [(moment, "escalate") for moment, _ in overdue(flow, case, context)]
    return min(wakes, default=None)
