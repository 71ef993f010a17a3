"""Filing a record of one kind: an input for each fact by what it has to be, and back into the types registers count with."""

from __future__ import annotations

from typing import Any

from corpushub.base.errors import Invalid
from corpushub.domain.flows.record import COUNTS, DAYS, KINDS, LISTS, QUOTA
from corpushub.portal import casework, forms
from corpushub.portal.html import Safe, button, fieldset, input_, joined, label, legend, span, textarea
from corpushub.portal.lines import pairs
from corpushub.portal.pages import Ask, Form, Outcome

PAIRS = frozenset({"shares", "answered", "metrics"})  # asked line by line, a name and a number each


def opening(ask: Ask, kind: str) -> tuple[Safe | None, Safe | None]:
    """The button that files a record of this kind and its sheet, one input for each fact."""
    if not casework.may_open(ask, "record"):
        return None, None
    t = ask.t
    name = t("records.file", kind=t.name("choice", kind))
    title = label(span(t.name("field", "title"), forms.STAR), input_(name="title", required=True))
    about = label(span(t.name("field", "about")), input_(name="about"))
    inside = joined(forms.hiddens({"kind": kind}), title, *[fact(ask, kind, item) for item in KINDS[kind]], about)
    way = button(name, type_="button", c="btn primary", data_sheet="sheet-record", data_key="n")
    return way, forms.dialog_of(ask, "sheet-record", name, "file", inside)


def fact(ask: Ask, kind: str, name: str) -> Safe:
    """The input of one fact, by what it has to be."""
    t = ask.t
    words = span(t.name("field", name), forms.STAR)
    if name == "quota":
        boxes = [
            label(span(t(f"records.quota_{part}")), input_(name=f"quota.{part}", type_="number", min="0", required=True))
            for part in QUOTA
        ]
        return fieldset(legend(words), *boxes, c="field")
    if name in DAYS:
        return label(words, input_(name=name, type_="date", required=True))
    if name in COUNTS:
        return label(words, input_(name=name, type_="number", min="0", required=True))
    if name == "score":
        return label(words, input_(name=name, type_="number", step="any", required=True))
    if name == "agreement":
        return label(words, input_(name=name, type_="number", min="-1", max="1", step="0.001", required=True))
    if name in PAIRS:
        return label(words, textarea(name=name, rows=3, required=True), span(t("records.hint_pairs"), c="hint"))
    if name in LISTS.get(kind, ()):
        return label(words, textarea(name=name, rows=2, required=True), span(t("portal.hint_words"), c="hint"))
    return label(words, textarea(name=name, rows=2, required=True))


def file(ask: Ask, sent: Form) -> Outcome:
    """File the record. Raises: Invalid("records.pairs" | "record.*"), and what the case service refuses with."""
    kind = str(sent.get("kind", ""))
    if kind not in KINDS:
        raise Invalid("form.not_choice", field="kind", choices=", ".join(KINDS))
    facts = {name: read(kind, name, sent) for name in KINDS[kind]}
    data = {"kind": kind, "title": str(sent.get("title", "")), "facts": facts, "about": str(sent.get("about", ""))}
    case = ask.hub.cases.open(ask.actor, "record", {name: value for name, value in data.items() if value})
    return Outcome(ask.t("portal.opened", flow=ask.t.name("choice", kind)), goto=casework.href_of(ask, case))


def read(kind: str, name: str, sent: Form) -> Any:
    """A fact in the type its register counts with."""
    if name == "quota":
        return {part: whole(str(sent.get(f"quota.{part}", ""))) for part in QUOTA}
    text = str(sent.get(name, "")).strip()
    if name in COUNTS:
        return whole(text)
    if name in {"agreement", "score"}:
        return number_of(text)
    if name in PAIRS:
        return pairs([line for line in text.splitlines() if line.strip()])
    return words(text) if name in LISTS.get(kind, ()) else text


def words(text: str) -> list[str]:
    return [part.strip() for part in forms.PARTS.split(text) if part.strip()]


def number_of(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def whole(text: str) -> int | str:
    return int(text) if text.isdecimal() else text
