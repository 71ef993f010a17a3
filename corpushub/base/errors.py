"""Every failure a caller can act on. The class says what kind, the code which rule, the facts why.

HubError
├── Invalid      422  exit 2   the input cannot be right (carries every problem found)
├── Forbidden    403  exit 3   wrong actor, or outside the terms
├── NotFound     404  exit 4
├── Conflict     409  exit 5   right input, wrong moment
└── Unavailable  503  exit 75  a store or peer did not answer; trying again may help

`code` is "area.name" and a key of both languages' catalogues. Facts are ids, names, numbers and limits, never cell values,
tokens or paths outside the project.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from corpushub.base.messages import Lang, text


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: which rule, the facts, and where (a file's name, 1-based line and column, a field)."""

    code: str
    facts: dict[str, object] = field(default_factory=dict)
    file: str = ""
    line: int = 0
    column: int = 0
    path: str = ""

    def place(self) -> str:
        """`file:line:column`, as far as known."""
        parts = [self.file, str(self.line) if self.line else "", str(self.column) if self.line and self.column else ""]
        where = ":".join(part for part in parts if part)
        return f"{where} ({self.path})" if self.path and where else where or self.path

    def explain(self, lang: Lang) -> str:
        place = self.place()
        return f"{place}: {text(self.code, lang, **self.facts)}" if place else text(self.code, lang, **self.facts)


class HubError(Exception):
    """A refusal with a stable code and the facts that explain it in any language."""

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, /, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts

    def explain(self, lang: Lang) -> str:
        return self.sentence(lang, self.facts)

    def sentence(self, lang: Lang, facts: Mapping[str, object]) -> str:
        """What the rule says; `facts` are its own, or the same with words for their codes."""
        return text(self.code, lang, **facts)

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.code} ({facts})" if facts else self.code


class Invalid(HubError):
    """Input that cannot be right; `problems` lists all that was found, not only the first."""

    status = 422
    exit_code = 2

    def __init__(self, code: str, /, *, problems: Iterable[Problem] = (), **facts: object) -> None:
        super().__init__(code, **facts)
        self.problems = tuple(problems)

    def explain(self, lang: Lang) -> str:
        return "\n".join((super().explain(lang), *(problem.explain(lang) for problem in self.problems)))


class Forbidden(HubError):
    status = 403
    exit_code = 3


class NotFound(HubError):
    status = 404
    exit_code = 4


class Conflict(HubError):
    status = 409
    exit_code = 5


class Unavailable(HubError):
    status = 503
    exit_code = 75
