"""Small pieces every card section is built from: words, numbers, Markdown tables. Pure text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from corpushub.base.messages import Lang, catalogue, text
from corpushub.domain.card import Facts, prose
from corpushub.domain.measures import MEASURES

AREAS = {"entity": "pii_entity"}  # words another area keeps
UNITS = ("B", "KB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Writer:
    """Facts in one language. `t("h_fields")` is the locale's `card.h_fields`."""

    facts: Facts
    lang: Lang

    def t(self, name: str, **facts: object) -> str:
        return text(f"card.{name}", self.lang, **facts)

    def word(self, area: str, name: str) -> str:
        """The locale's word for a measure, gate, role or reason; the id itself where a plugin brought its own."""
        return catalogue(self.lang).get(f"{AREAS.get(area, f'card_{area}')}.{name}", name)

    def prose(self, section: str) -> str:
        return prose(self.facts, self.lang, section)

    def said(self, section: str, otherwise: str) -> str:
        """The curator's words, or the stated absence of them."""
        return self.prose(section) or self.t(otherwise)

    def heading(self, name: str, level: int = 3) -> str:
        return f"{'#' * level} {self.t(name)}"

    def table(self, names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
        """A Markdown table; a column is right-aligned when its heading's key ends in `_n`."""
        rule = ["---:" if name.endswith("_n") else "---" for name in names]
        head = [self.t(name) for name in names]
        body = [[cell(value) for value in row] for row in rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *body))

    def chart(self, name: str) -> str:
        """An image with its title as alternative text; empty where the chart was not drawn."""
        path = self.facts.charts.get(f"{name}.{self.lang}") or self.facts.charts.get(name)
        return f"![{self.t(f'chart_{name}')}]({path})" if path else ""


def cell(value: object) -> str:
    """A value inside a table: numbers grouped, pipes and line breaks escaped."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return number(value)
    return (
        str(value)
        .replace("\\", "\\\\")
        .replace("|", "\\|")
        .replace("\r", "")
        .replace("\n", "<br>")
        .replace("<script", "&lt;script")
    )


def number(value: float) -> str:
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.4f}".rstrip("0").rstrip(".") if abs(value) >= 0.0001 else f"{value:.2e}"


def percent(value: float) -> str:
    return f"{100 * value:.2f}%"


def figure(measure: str, value: float) -> str:
    """A measure's value as people read it: rates as percentages, everything else as numbers."""
    known = MEASURES.get(measure)
    return percent(value) if known is not None and known.unit == "rate" else number(value)


def size(count: float) -> str:
    """`1.5 MB`: powers of 1000, one digit."""
    for unit in UNITS:
        if count < 1000 or unit == UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return ""


def fence(code: str, language: str) -> str:
    return f"```{language}\n{code.rstrip()}\n```"


def blocks(*parts: str) -> str:
    """Parts separated by one empty line; empty parts leave no trace."""
    return "\n\n".join(part.strip("\n") for part in parts if part and part.strip())


def quoted(words: str) -> str:
    return f"`{words}`" if words else "–"


def short(digest: str) -> str:
    return f"`{digest[:16]}…`" if digest else "–"


def measured(w: Writer, names: Iterable[str]) -> str:
    """A table of the measures that were taken; says so where none was."""
    rows = [
        (w.word("measure", name), figure(name, w.facts.measures[name]), quoted(name))
        for name in names
        if name in w.facts.measures
    ]
    return w.table(("measure", "value_n", "id"), rows) if rows else w.t("not_measured")
