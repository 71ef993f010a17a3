"""What a screen is: paths it answers, who sees it, how it shows, and the acts its forms and buttons may send."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from corpushub.base.errors import HubError
from corpushub.base.identity import BEIJING
from corpushub.base.messages import Lang, catalogue, text
from corpushub.base.regions import regions
from corpushub.domain.parties import Actor, Role
from corpushub.portal.areas import EVERYBODY
from corpushub.portal.html import Safe
from corpushub.services.hub import Hub

CODES: Mapping[str, tuple[str, ...]] = {
    "command": ("command",),
    "state": ("state",),
    "flow": ("name",),
    "role": ("role",),
    "limits": ("field",),
    "field": ("field",),
    "gates": ("gate",),
    "gate": ("gate",),
    "asked": ("choice",),
    "allowed": ("choice",),
    "choices": ("choice",),
    "kinds": ("sensitivity",),
    "kind": ("choice",),
}
"""Facts of refusals that are codes, one or several, and the areas of the catalogue that have words for them."""


@dataclass(frozen=True, slots=True)
class Words:
    """The portal in one language: `t("tasks.title")`."""

    lang: Lang

    def __call__(self, key: str, /, **facts: object) -> str:
        return text(key, self.lang, **facts)

    def name(self, area: str, code: str) -> str:
        """The word for a code of an open list (a state, an entity, a step); the code itself where the catalogue has none."""
        words = catalogue(self.lang)
        for key in (f"{family}{area}.{code}" for family in ("ui_", "flow_", "card_", "pii_", "")):
            if key in words and "{" not in words[key]:
                return words[key]
        return code.replace("_", " ")

    def of(self, both: Mapping[str, str] | str | None) -> str:
        """The text of a `{zh: …, en: …}` value in this language, else in the other."""
        if both is None or isinstance(both, str):
            return both or ""
        return both.get(self.lang) or next((value for value in both.values() if value), "")

    def hint(self, name: str) -> str:
        """What to write in a field and what it means; empty where its name says it."""
        return catalogue(self.lang).get(f"ui_hint.{name}", "")

    def area(self, name: str) -> dict[str, str]:
        """Every code of an open list with its word, in the order of the catalogue."""
        return {key.partition(".")[2]: word for key, word in catalogue(self.lang).items() if key.startswith(f"{name}.")}

    def explain(self, error: HubError) -> str:
        """The sentence of a refusal, its codes (a state, a command, seats) in the words the screens use for them."""
        return error.sentence(self.lang, {name: self.fact(name, value) for name, value in error.facts.items()})

    def fact(self, name: str, value: object) -> object:
        if name == "seats":
            return self.listed(self.seat(label) for label in str(value).split(", "))
        if name == "missing":
            return self.listed(map(self.lack, str(value).split(", ")))
        return self.listed(self.word(code, *CODES[name]) for code in str(value).split(", ")) if name in CODES else value

    def word(self, code: str, *areas: str) -> str:
        """The word for a code; where the catalogue has none it is no code but a name (a column, a place) and stays as it is."""
        said = (self.name(area, code) for area in areas)
        return next((word for word in said if word != code.replace("_", " ")), code)

    def lack(self, name: str) -> str:
        """What something lacks, in words: an answer, a step, or what a column of an entry means."""
        column = name.removeprefix("items.").removesuffix(".meaning")
        return self.word(name, "field", "choice") if column == name else self("portal.meaning_of", column=column)

    def seat(self, label: str) -> str:
        """`provider@owner` in words: the role, and whose."""
        role, _, party = label.partition("@")
        words = [self.name(area, code) for area, code in (("role", role), ("party", party)) if code]
        return words[0] if len(words) == 1 else self("portal.role_of", role=words[0], party=words[1])

    def region(self, code: str) -> str:
        """Name of a place by its code; the code where the language has none."""
        return regions().get(code, code) if self.lang == "zh" else code

    def listed(self, words: Iterable[str]) -> str:
        """Words one after another, with the language's own comma."""
        return ("、" if self.lang == "zh" else ", ").join(words)

    def moment(self, at: datetime | str | None, *, day: bool = False) -> str:
        """`2026-11-22 11:04` Beijing time; the day alone where asked."""
        if not at:
            return ""
        when = datetime.fromisoformat(at) if isinstance(at, str) else at
        return when.astimezone(BEIJING).strftime("%Y-%m-%d" if day else "%Y-%m-%d %H:%M")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for a screen: who asks, in which language, at which path (below the language) and with which query."""

    hub: Hub
    actor: Actor
    t: Words
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict, compare=False)  # names already asked for, for this request only

    def once(self, key: str, find: Callable[[], str]) -> str:
        """A name that many rows of a screen show; looked up the first time."""
        if key not in self.known:
            self.known[key] = find()
        return self.known[key]

    @property
    def lang(self) -> Lang:
        return self.t.lang

    def href(self, path: str = "", /, **query: object) -> str:
        """Address of a screen in this language; without `path`, this screen with `query` laid over the present one."""
        if path:
            return link(self.lang, path, **query)
        merged = {**self.query, **{name: str(value) for name, value in query.items()}}
        return link(self.lang, self.path, **{name: value for name, value in merged.items() if value not in {"", "None"}})

    def number(self, name: str, default: int, *, least: int = 1, most: int = 10_000_000) -> int:
        """A whole number of the query, held inside its limits; anything else is the default."""
        word = self.query.get(name, "")
        return min(max(int(word), least), most) if word.isdecimal() and len(word) < 12 else default


def link(lang: Lang, path: str, **query: object) -> str:
    """`/zh/data/catalog?q=…`; `path` begins with a slash and is quoted here."""
    tail = urlencode({name: str(value) for name, value in query.items() if value not in (None, "")})
    return f"/{lang}{quote(path, safe='/:@')}" + (f"?{tail}" if tail else "")


@dataclass(frozen=True, slots=True)
class Page:
    """A shown screen. `wide` uses the whole window (two panes)."""

    title: str
    body: Safe
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an act led to: a notice, and where to go (empty: show the same screen again). `extra` is handed to the screen's script."""

    notice: str = ""
    goto: str = ""
    tone: str = "good"
    extra: Mapping[str, Any] = field(default_factory=dict)


Form = Mapping[str, Any]
Act = Callable[[Ask, Form], Outcome]


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen. `pattern` holds `{name}` (one path part) and `{name+}` (the rest); `place` is the navigation entry it belongs to."""

    pattern: str
    place: str
    show: Callable[[Ask], Page]
    acts: Mapping[str, Act] = field(default_factory=dict)
    roles: frozenset[Role] = EVERYBODY

    @property
    def area(self) -> str:
        return self.pattern.split("/", 2)[1]

    def matches(self, path: str) -> dict[str, str] | None:
        """Path parameters when `path` (below the language, without query) is this screen's."""
        found = compiled(self.pattern).fullmatch(path.rstrip("/") or "/")
        return None if found is None else found.groupdict()

    def admits(self, actor: Actor) -> bool:
        return not self.roles or actor.has(*self.roles)


_PATTERNS: dict[str, re.Pattern[str]] = {}


def compiled(pattern: str) -> re.Pattern[str]:
    if pattern not in _PATTERNS:
        body = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern))
        _PATTERNS[pattern] = re.compile(body)
    return _PATTERNS[pattern]


def query_of(text_: str) -> dict[str, str]:
    """Query parameters, the last of each name; long values are cut (no query of ours needs more)."""
    return {name: value[:2000] for name, value in parse_qsl(text_, max_num_fields=60)}
