"""Laws every flow table keeps, whatever it is about."""

from __future__ import annotations

from itertools import product

import pytest

from corpushub.base.messages import LANGS, catalogue
from corpushub.base.rulebook import load_rulebook
from corpushub.domain.clocks import with_escalation
from corpushub.domain.flows import NAMES, flows
from corpushub.domain.form import _KINDS
from corpushub.domain.parties import Role
from corpushub.domain.workflow import Flow, Transition

ALL = list(flows().values())


def rows(flow: Flow) -> tuple[Transition, ...]:
    return (flow.opening, *flow.transitions)


DECISIONS = {
    "approve",
    "reject",
    "refuse",
    "cap",
    "accept_release",
    "uphold",
    "overturn",
    "waive",
    "confirm_amendment",
    "lift",
    "review",
    "confirm",
}


def label(value: object) -> str:
    return value.name if isinstance(value, Flow) else str(value)


@pytest.mark.parametrize("flow", ALL, ids=label)
def test_every_state_can_be_reached(flow: Flow) -> None:
    reached = {flow.opening.target} | ({"blocked"} if flow.name == "release" else set())
    routed = {"probe": {"drifted"}, "share_item": {"effective"}}.get(flow.name, set())
    while True:
        more = {row.target for row in flow.transitions if row.target and reached & set(row.sources)} | reached | routed
        if more == reached:
            break
        reached = more
    assert set(flow.states) - reached == set()


@pytest.mark.parametrize("flow", ALL, ids=label)
def test_every_word_stands_in_both_languages(flow: Flow) -> None:
    keys = {f"flow_name.{flow.name}"} | {f"flow_state.{state}" for state in flow.states}
    for row in (flow.opening, *flow.transitions):
        keys |= {f"flow_command.{row.command}", f"flow_event.{row.event}", *(f"flow_field.{item.name}" for item in row.fields)}
        keys |= {f"flow_choice.{choice}" for item in row.fields for choice in item.choices if item.kind in {"choice", "choices"}}
    for lang in LANGS:
        assert keys - set(catalogue(lang)) == set()


@pytest.mark.parametrize("flow", ALL, ids=label)
def test_clocks_name_known_rules_and_states(flow: Flow) -> None:
    for clock in flow.clocks:
        assert load_rulebook().rule(clock.rule).unit in {"working_day", "calendar_day"}
        assert {*clock.starts, *clock.stops, *clock.pauses} - {"closed"} <= set(flow.states)


@pytest.mark.parametrize("flow", ALL, ids=label)
def test_fields_have_a_known_kind_and_choices_only_where_they_are_asked(flow: Flow) -> None:
    for row in rows(flow):
        for item in row.fields:
            assert item.kind in _KINDS
            assert bool(item.choices) == (item.kind in {"choice", "choices"})


@pytest.mark.parametrize("flow", ALL, ids=label)
def test_decisions_are_kept_from_those_with_a_stake(flow: Flow) -> None:
    for row in rows(flow):
        if row.command in DECISIONS:
            assert row.decides, f"{flow.name}.{row.command} decides, so it has to name who must stay out"


@pytest.mark.parametrize("flow", ALL, ids=label)
def test_administrators_and_auditors_change_nothing_by_their_seat(flow: Flow) -> None:
    for row in rows(flow):
        held = {seat.role for seat in row.by}
        assert Role.ADMIN not in held
        assert Role.AUDITOR not in held or flow.name == "inspection"


@pytest.mark.parametrize("flow", ALL, ids=label)
def test_what_a_clock_does_is_done_by_the_system_only(flow: Flow) -> None:
    for row in rows(flow):
        if row.due is not None:
            assert {seat.role for seat in row.by} == {Role.SYSTEM}
            assert row.fields == ()


@pytest.mark.parametrize("flow", ALL, ids=label)
def test_a_command_leads_from_one_state_to_one_row_per_seat(flow: Flow) -> None:
    for one, two in product(flow.transitions, repeat=2):
        if one is not two and one.command == two.command:
            assert not (set(one.sources) & set(two.sources) and set(one.by) & set(two.by)), (flow.name, one.command)


def test_names_and_prefixes_are_unique() -> None:
    assert [flow.name for flow in ALL] == list(NAMES)
    assert len({flow.prefix for flow in ALL}) == len(ALL)


def test_escalation_is_added_once() -> None:
    for flow in ALL:
        assert sum(row.command == "escalate" for row in flow.transitions) == bool(flow.clocks)
        assert len(with_escalation(flow).rows("approve")) == len(flow.rows("approve"))
