"""Clean rooms for who asks and who opens them: what may be asked, how much of the budget is left, a question, and its noisy answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpushub.base.errors import Invalid
from corpushub.domain.parties import Role
from corpushub.portal import casework, choices
from corpushub.portal.forms import STAR, dialog_of
from corpushub.portal.html import (
    Child,
    Safe,
    a,
    b,
    button,
    code,
    div,
    form,
    input_,
    joined,
    label,
    option,
    p,
    select,
    span,
    textarea,
)
from corpushub.portal.pages import Ask, Form, Outcome, link
from corpushub.portal.parts import bar, card, chip, empty, facts, grid

OPENERS = (Role.OPERATOR,)
SHEET = "sheet-room"


def show(ask: Ask) -> Safe:
    """All rooms; the one asked is chosen in the address."""
    t = ask.t
    rooms = ask.hub.cleanroom.rooms()
    way, sheet = opening(ask)
    if not rooms:
        return joined(card(t("room.rooms"), empty(t("room.none"), t("room.none_next")), aside=way), sheet)
    chosen = next((room for room in rooms if room["dataset"] == ask.query.get("room")), rooms[0])
    return joined(
        card(t("room.rooms"), grid([t("room.dataset"), t("room.split"), t("room.left")], [row(ask, room) for room in rooms]),
             aside=way, c="flush"),
        div(id="answer", aria_live="polite"),
        div(card(t("room.question"), question(ask, chosen)), card(t("room.declared"), declared(ask, chosen)), c="two"),
        sheet,
    )  # fmt: skip


def row(ask: Ask, room: Mapping[str, Any]) -> list[Child]:
    left = max(room["epsilon"] - room["spent"], 0.0)
    name = str(room["dataset"])
    return [
        div(
            a(casework.dataset_title(ask, name), href=link(ask.lang, "/demand/mine", tab="cleanroom", room=name)),
            div(name, c="mono quiet small"),
        ),
        code(room["split"]),
        div(bar(left / room["epsilon"]), span(f"{left:g} / {room['epsilon']:g}", c="quiet small num")),
    ]


def declared(ask: Ask, room: Mapping[str, Any]) -> Safe:
    t = ask.t
    told = room["declared"]
    bounds = [chip(f"{name} {low}–{high}") for name, (low, high) in told["measures"].items()]
    lines: list[tuple[Child, Child]] = [
        (t("room.table"), code(told["table"])),
        (t("room.unit"), code(told["unit"])),
        (t("room.dimensions"), chips(told["dimensions"])),
        (t("room.measures"), span(*bounds, c="row") if bounds else "–"),
        (t("room.filters"), chips(told["filters"])),
        (t("room.bounds"), t("room.bounds_words", groups=told["max_groups"], rows=told["max_rows"])),
    ]
    return joined(facts(lines, c="top"), p(t("room.how"), c="quiet small sub"))


def chips(names: Sequence[str]) -> Child:
    return span(*[chip(name) for name in names], c="row") if names else "–"


def question(ask: Ask, room: Mapping[str, Any]) -> Safe:
    t = ask.t
    return form(
        input_(type_="hidden", name="dataset", value=room["dataset"]),
        label(
            span(t("room.sql")),
            textarea(example(room["declared"]), name="sql", rows=4, required=True, spellcheck="false", c="mono"),
        ),
        label(
            span(t("room.epsilon")),
            input_(name="epsilon", type_="number", value="1", min="0.01", max="10", step="any", required=True),
            span(t("room.epsilon_hint"), c="hint"),
        ),
        div(button(t("room.ask"), type_="submit", c="btn primary")),
        data_act="question",
        c="fields",
    )


def example(told: Mapping[str, Any]) -> str:
    """A question the declaration allows."""
    names = told["dimensions"][:1]
    listed = "".join(f"{name}, " for name in names)
    return f"select {listed}count(*) as people\nfrom {told['table']}" + (f"\ngroup by {names[0]}" if names else "")


def ask_room(ask: Ask, sent: Form) -> Outcome:
    """One question, and what came back with how far it may be off. Raises: what the clean room refuses with."""
    t = ask.t
    got = ask.hub.cleanroom.ask(
        ask.actor, str(sent.get("dataset", "")), str(sent.get("sql", "")), epsilon=number(sent.get("epsilon"), "epsilon")
    )
    cells = [[f"{value:,.0f}" if isinstance(value, int | float) else str(value) for value in row] for row in got.rows]
    numeric = [at for at, name in enumerate(got.columns) if name in got.error]
    off = t.listed(f"{name} ±{half:,.0f}" for name, half in got.error.items())
    shown = joined(
        grid([code(name) for name in got.columns], cells, numeric=numeric) if cells else empty(t("room.no_groups")),
        p(t("room.told", error=off or "–", threshold=got.threshold, epsilon=f"{got.epsilon:g}"), c="quiet small inset"),
    )
    return Outcome(t("room.answered"), extra={"into": "answer", "html": str(card(t("room.answer"), shown))})


def opening(ask: Ask) -> tuple[Safe | None, Safe | None]:
    """The button that opens a room and its sheet, for curators."""
    if not ask.actor.has(*OPENERS):
        return None, None
    t = ask.t
    datasets = [option(words, value=name) for name, words in choices.datasets(ask)]
    boxes = [
        label(span(t("room.dataset"), STAR), select(option("", value=""), *datasets, name="dataset", required=True)),
        div(
            label(span(t("room.split"), STAR), input_(name="split", value="train", required=True)),
            label(span(t("room.budget"), STAR), input_(name="epsilon", type_="number", value="10", min="0.01", step="any", required=True)),
            c="pair",
        ),
        label(span(t("room.unit"), STAR), input_(name="unit", required=True), span(t("room.unit_hint"), c="hint")),
        label(span(t("room.dimensions"), STAR), input_(name="dimensions", required=True), span(t("portal.hint_words"), c="hint")),
        label(span(t("room.filters")), input_(name="filters"), span(t("portal.hint_words"), c="hint")),
        label(span(t("room.measures")), textarea(name="measures", rows=2), span(t("room.measures_hint"), c="hint")),
        div(
            label(span(t("room.max_groups")), input_(name="max_groups", type_="number", value="1", min="1")),
            label(span(t("room.max_rows")), input_(name="max_rows", type_="number", value="1", min="1")),
            c="pair",
        ),
    ]  # fmt: skip
    way = button(t("room.open"), type_="button", c="btn small", data_sheet=SHEET)
    return way, dialog_of(ask, SHEET, t("room.open"), "open_room", joined(b(t("room.open_means"), c="note"), *boxes))


def open_room(ask: Ask, sent: Form) -> Outcome:
    """Raises: Invalid("room.number" | "room.measure"), and what the clean room refuses with."""
    said = {name: str(value).strip() for name, value in sent.items()}
    stated = {
        "unit": said.get("unit", ""),
        "dimensions": words(said.get("dimensions", "")),
        "filters": words(said.get("filters", "")),
        "measures": dict(measure(line) for line in said.get("measures", "").splitlines() if line.strip()),
        "max_groups": int(number(said.get("max_groups", "1"), "max_groups")),
        "max_rows": int(number(said.get("max_rows", "1"), "max_rows")),
    }
    name = said.get("dataset", "")
    budget = number(said.get("epsilon"), "budget")
    ask.hub.cleanroom.open(ask.actor, name, stated, epsilon=budget, split=said.get("split", "train"))
    return Outcome(ask.t("room.opened"), goto=link(ask.lang, "/demand/mine", tab="cleanroom", room=name))


def words(text: str) -> list[str]:
    return [part for part in text.replace(",", " ").replace("，", " ").split() if part]


def measure(line: str) -> tuple[str, tuple[int, int]]:
    """`age 0 120`. Raises: Invalid("room.measure")."""
    parts = line.split()
    try:
        name, low, high = parts
        return name, (int(low), int(high))
    except ValueError:
        raise Invalid("room.measure", line=line.strip()[:80]) from None


def number(value: object, field: str) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise Invalid("room.number", field=field) from None
