"""Authorizations and zones: terms, the chain of decisions, what rests on them, and the checklist of an exit (article 6)."""

from __future__ import annotations

from corpushub.domain.flows.authorization import EXIT_STEPS
from corpushub.domain.workflow import Case
from corpushub.portal.board import Board
from corpushub.portal.html import Child, Safe, li, span, ul
from corpushub.portal.pages import Ask
from corpushub.portal.parts import card, chip, facts


def extra(ask: Ask, case: Case) -> Child:
    """The five mandatory sections, and the exit's steps once it has begun."""
    return [sections(ask, case), exit_list(ask, case) if case.state in {"exiting", "ended"} else None]


def sections(ask: Ask, case: Case) -> Safe | None:
    said = case.data.get("sections")
    if not said:
        return None
    return card(
        ask.t("authorizations.sections"), facts([(ask.t.name("field", name), str(words)) for name, words in said.items()])
    )


def exit_list(ask: Ask, case: Case) -> Safe:
    done = set(case.data.get("exit_done", ()))
    rows = [
        li(
            span(ask.t.name("choice", step)),
            chip(ask.t("portal.done_word"), "good") if step in done else chip(ask.t("portal.open_word"), "warn"),
            c="clock-row",
        )
        for step in EXIT_STEPS
    ]
    return card(
        ask.t("authorizations.exit"), ul(*rows), aside=ask.t("authorizations.exit_done", done=len(done), all=len(EXIT_STEPS))
    )


SCREENS = Board(
    "authorizations",
    "/govern/authorizations",
    ("authorization", "zone", "share_item"),
    extra,
    hidden=frozenset({"sections", "exit_done"}),
).screens()
