"""Forms drawn from the fields a flow's command asks for: one sheet per command, the same for every flow."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from corpushub.domain.flows.attribute import CHECKS
from corpushub.domain.flows.authorization import SECTIONS
from corpushub.domain.flows.registration import MATERIALS
from corpushub.domain.form import Field
from corpushub.domain.policy import CHANNELS, PURPOSES
from corpushub.domain.pricing import COST_KINDS
from corpushub.portal import lines
from corpushub.portal.html import (
    Child,
    Safe,
    b,
    button,
    dialog,
    div,
    fieldset,
    form,
    h2,
    input_,
    joined,
    label,
    legend,
    option,
    select,
    span,
    textarea,
)
from corpushub.portal.lines import READERS
from corpushub.portal.pages import Ask, Form, Words

LONG = frozenset({"note", "record", "records", "words"})
MANY = frozenset({"choices", "orgs", "resources", "words"})
PARTS: Final = re.compile(r"[,，、;；\n]")
"""What people write between the items of a list."""
TOO_MANY: Sequence[tuple[str, str]] = ()
"""Stands for a list of choices nobody would read to its end."""
YUAN = frozenset({"budget", "price"})
TYPES = {"date": "date", "int": "number", "number": "number"}
Choices = Mapping[str, Sequence[tuple[str, str]]]
"""Choices the portal knows for a field's kind or name: value and words."""


# Records whose parts are known: asked one by one, so that nobody writes JSON. A dot goes one level down.
RECORDS: Mapping[str, tuple[str, ...]] = {
    "sections": SECTIONS,
    "materials": MATERIALS,
    "checks": CHECKS,
    "statement": (*(f"costs.{kind}" for kind in COST_KINDS), "subsidy", "profit", "tax"),
}
PARTED: Mapping[str, Sequence[Field]] = {  # records whose parts are questions of their own kinds
    "proposed": (
        Field("valid_to", "date", required=False),
        Field("purposes", "choices", required=False, choices=PURPOSES),
        Field("channels", "choices", required=False, choices=CHANNELS),
        Field("resources", "resources", required=False),
        Field("fields", "record", required=False),
        Field("regions", "words", required=False),
    ),
}
WHOLE = frozenset({"statement"})  # their parts are whole numbers


@dataclass(frozen=True, slots=True)
class Command:
    """A command the reader may give (or why not), as the flow's table says."""

    name: str
    case: str
    fields: tuple[Field, ...] = ()
    refusal: str = ""
    version: int = 0
    consequence: str = ""
    preset: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Given:
    """What a form starts from: choices by field name or kind, and answers already known."""

    choices: Choices = field(default_factory=dict)
    preset: Mapping[str, Any] = field(default_factory=dict)


def sheet(ask: Ask, command: Command, choices: Choices | None = None) -> Safe:
    """A dialog with the command's form; opened by a button with `data-sheet`."""
    name = ask.t.name("command", command.name)
    inputs = [control(ask.t, item, Given(choices or {}, command.preset)) for item in command.fields] or [
        span(ask.t("portal.sure", command=name))
    ]
    hidden = {"case": command.case, "command": command.name, "version": str(command.version)}
    lead = div(command.consequence, c="note") if command.consequence else None
    return dialog_of(ask, f"sheet-{command.name}", name, "command", joined(lead, hiddens(hidden), *inputs))


def open_sheet(ask: Ask, flow: str, name: str, fields: Sequence[Field], given: Given) -> Safe:
    """A dialog with the form that opens a case of `flow`."""
    return dialog_of(
        ask,
        f"sheet-open-{flow}",
        name,
        "open",
        joined(hiddens({"flow": flow}), *[control(ask.t, item, given) for item in fields]),
    )


def hiddens(values: Mapping[str, str]) -> list[Safe]:
    return [input_(type_="hidden", name=name, value=value) for name, value in values.items()]


def dialog_of(ask: Ask, id_: str, name: str, act: str, inside: Safe) -> Safe:
    t = ask.t
    return dialog(
        form(
            div(
                h2(name), button("×", type_="button", c="icon-btn", data_close=True, aria_label=t("portal.close")), c="sheet-head"
            ),
            div(div(inside, c="fields"), c="sheet-body"),
            div(
                button(t("portal.cancel"), type_="button", c="btn", data_close=True),
                button(name, type_="submit", c="btn primary"),
                c="sheet-foot",
            ),
            data_act=act,
        ),
        id=id_,
        c="sheet",
        aria_label=name,
    )


def control(t: Words, item: Field, start: Given) -> Safe:
    """One question with its words, its hint and the input its kind asks for."""
    words, held = label_of(t, item.name), start.preset.get(item.name)
    given = (
        start.choices.get(item.name)
        or start.choices.get(item.kind)
        or [(value, t.name("choice", value)) for value in item.choices]
    )
    if item.name in RECORDS and item.kind == "record":
        return parts_of(t, item, held)
    if item.name in PARTED and item.kind == "record":
        inside = [control(t, replace(part, name=f"{item.name}.{part.name}"), start) for part in PARTED[item.name]]
        return fieldset(legend(words, star(item)), *inside, c="field")
    if item.kind == "bool":
        ticked = bool(item.default if held is None else held)
        box = label(input_(type_="checkbox", name=item.name, value="true", checked=ticked), span(words), c="check")
        told = hint(t, item)
        return div(box, told) if told else box
    if item.kind in MANY and given:
        chosen = held or item.default or ()
        boxes = [
            label(input_(type_="checkbox", name=item.name, value=value, checked=value in chosen), span(name), c="check")
            for value, name in given
        ]
        return fieldset(legend(words, star(item)), *boxes, hint(t, item), c="field")
    ids = [t("portal.hint_ids"), t("portal.hint_words") if item.kind in MANY - LONG else None] if is_too_long(item, start) else []
    told = joined(hint(t, item), *[span(words, c="hint") for words in ids if words])
    asked = label(span(words, star(item)), single(item, given, spelled(item, held)), told)
    return div(asked, digester(t, item.name)) if item.kind == "digest" else asked


def is_too_long(item: Field, start: Given) -> bool:
    """Is there so much to choose from that the form asks for an id instead?"""
    return any(start.choices.get(name) is TOO_MANY for name in (item.name, item.kind))


def digester(t: Words, name: str) -> Safe:
    """Choose the file a digest is of: the browser computes it and fills it in; the file is not sent."""
    return label(span(t("portal.digest_of_file"), c="hint"), file_box(t, data_digest=name))


def file_box(t: Words, **attributes: object) -> Safe:
    """Choose a file, in the language of the page: the browser's own box speaks the language of the browser."""
    none = t("portal.no_file")
    face = (span(t("portal.choose_file"), c="btn"), span(none, c="chosen", data_none=none))
    return span(input_(type_="file", **attributes), span(*face, aria_hidden="true", c="face"), c="file")


def parts_of(t: Words, item: Field, held: Any = None) -> Safe:
    """One input for each part of a record, with what it says already."""
    whole = item.name in WHOLE
    boxes = [
        label(
            span(t.name("field", part.rpartition(".")[2])),
            input_(name=f"{item.name}.{part}", type_="number", min="0", value=part_of(held, part) or None)
            if whole
            else textarea(part_of(held, part), name=f"{item.name}.{part}", rows=2),
        )
        for part in RECORDS[item.name]
    ]
    words = t("portal.statement_fen") if whole else label_of(t, item.name)
    told = span(t.hint(item.name), c="hint") if t.hint(item.name) else None
    return fieldset(legend(words, star(item)), told, div(*boxes, c="parts whole" if whole else "parts"), c="field")


def part_of(held: Any, path: str) -> str:
    """What a record says at `costs.labour`; empty where it says nothing."""
    for name in path.split("."):
        held = held.get(name) if isinstance(held, Mapping) else None
    return "" if held is None else str(held)


def spelled(item: Field, held: Any) -> str:
    """An answer already given, as its box takes it: words one on each line, records as they stand."""
    if held is None or isinstance(held, str):
        return held or ""
    if item.kind in {"record", "records"}:
        return json.dumps(held, ensure_ascii=False, indent=1)
    return "\n".join(map(str, held)) if isinstance(held, list | tuple) else str(held)


STAR = b(" *", aria_hidden="true")


def star(item: Field) -> Child:
    return STAR if item.required else None


def single(item: Field, given: Sequence[tuple[str, str]], preset: str) -> Safe:
    default = preset or ("" if item.default is None or isinstance(item.default, list | tuple | dict) else str(item.default))
    if given:
        blank = [option("", value="")] if not item.required or (item.kind != "choice" and not default) else []
        known = given if not default or any(value == default for value, _ in given) else [(default, default), *given]
        return select(
            *blank,
            *[option(name, value=value, selected=value == default) for value, name in known],
            name=item.name,
            required=item.required,
        )
    if item.kind in LONG:
        return textarea(
            default, name=item.name, required=item.required, minlength=item.min_len or None, rows=4 if item.kind == "note" else 3
        )
    kind = TYPES.get(item.kind, "text")
    return input_(
        name=item.name,
        type_=kind,
        value=default or None,
        required=item.required,
        minlength=item.min_len or None,
        step="any" if kind == "number" else None,
    )


def hint(t: Words, item: Field) -> Safe | None:
    """What to write there and what it means: the words for the field, and how its box is filled."""
    words = [t.hint(item.name.rpartition(".")[2]), filling(t, item)]
    return span(("" if t.lang == "zh" else " ").join(words), c="hint") if any(words) else None


def filling(t: Words, item: Field) -> str:
    """How a box is filled; empty where it says so itself."""
    if by_line(item):
        return t(READERS[item.name.rpartition(".")[2]][0])
    if item.min_len:
        return t("portal.hint_least", count=item.min_len)
    if item.name in YUAN and item.kind in TYPES:
        return t("portal.hint_yuan")
    key = {
        "words": "portal.hint_words",
        "record": "portal.hint_record",
        "records": "portal.hint_record",
        "digest": "portal.hint_digest",
    }.get(item.kind)
    return t(key) if key else ""


def by_line(item: Field) -> bool:
    return item.kind in {"record", "records"} and item.name.rpartition(".")[2] in READERS


def label_of(t: Words, name: str) -> str:
    return t.name("field", name.rpartition(".")[2])


def answers(sent: Form, fields: Sequence[Field]) -> dict[str, Any]:
    """What a sent form says, in the types `read_form` wants: parts become records, single boxes lists, JSON text what it says."""
    out: dict[str, Any] = {}
    for item in fields:
        value = sent.get(item.name)
        if item.name in PARTED and item.kind == "record" and value is None:
            inside = {name.partition(".")[2]: answer for name, answer in sent.items() if name.startswith(f"{item.name}.")}
            out |= {item.name: found} if (found := answers(inside, PARTED[item.name])) else {}
        elif item.name in RECORDS and item.kind == "record" and value is None:
            if parts := gathered(sent, item.name):
                out[item.name] = parts
        elif item.kind == "bool":
            out[item.name] = value in {"true", True}
        elif value is not None and value != "":
            out[item.name] = read(item, value)
    return out


def read(item: Field, value: Any) -> Any:
    if item.kind in {"choices", "orgs", "resources"} and isinstance(value, str):
        return [part.strip() for part in PARTS.split(value) if part.strip()]
    if by_line(item) and isinstance(value, str) and value.lstrip()[:1] not in {"{", "["}:
        return lines.read(item.name, value)
    if item.kind in {"record", "records"} and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value  # the form's own check says what is wrong
    return value


def gathered(sent: Form, name: str) -> dict[str, Any]:
    """`{"costs": {"labour": 3}}` of `statement.costs.labour=3`; empty parts are left out."""
    out: dict[str, Any] = {}
    for key, value in sent.items():
        path = key.split(".")
        if path[0] != name or len(path) < 2 or value == "":
            continue
        here = out
        for part in path[1:-1]:
            here = here.setdefault(part, {})
        here[path[-1]] = int(value) if name in WHOLE and str(value).isdecimal() else value
    return out
