"""The rules matching reads: words of demands, weights, regions, synonyms. Loaded once; `rules/matching.toml` says what each means."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from corpushub.base.regions import regions
from corpushub.engine.matching.text import fold

GRANULARITIES = ("city", "district", "street", "community", "grid", "point")  # coarse to fine
FREQUENCIES = ("once", "irregular", "yearly", "quarterly", "monthly", "weekly", "daily", "realtime")  # slow to fast
DELIVERIES = ("download", "api", "zone", "cleanroom")
_PROVINCE, _COUNTY = 1, 3


@cache
def matching_rules() -> Mapping[str, Any]:
    """`rules/matching.toml` as it is."""
    return tomllib.loads(files("corpushub.rules").joinpath("matching.toml").read_text("utf-8"))


@cache
def lexicon(table: str) -> Mapping[str, str]:
    """Folded word -> code of one of the tables granularity, frequency, use and delivery."""
    words = matching_rules()[table]
    pairs = [(word, code) for code, listed in words.items() for word in listed]
    return dict(zip(fold([word for word, _ in pairs]), [code for _, code in pairs], strict=True))


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """Region names and short names, folded; several codes where a name is used more than once."""

    codes: Mapping[str, tuple[str, ...]]
    names: Mapping[str, str]
    longest: int
    groups: frozenset[str]

    def is_begun(self, name: str, after: str) -> bool:
        """Is `name`, before the text `after`, only the beginning of a longer name, such as that of a street?"""
        rules = matching_rules()["region"]
        return not name.endswith(tuple(rules["suffixes"])) and re.match(rules["longer"], after) is not None

    def choose(self, name: str, home: str) -> tuple[str, ...]:
        """The codes meant by `name`: provinces, then districts at home, then the highest level, at home before elsewhere."""
        codes = self.codes[name]
        if name in self.groups:
            return codes
        provinces = [code for code in codes if level_of(code) == _PROVINCE]
        inside = [code for code in codes if code[:2] == home[:2] and level_of(code) <= _COUNTY]
        ranked = sorted(provinces or inside or codes, key=lambda code: (level_of(code), code[:2] != home[:2]))
        return tuple(code for code in ranked if level_of(code) == level_of(ranked[0]))[:1] if len(codes) > 1 else codes


@cache
def gazetteer() -> Gazetteer:
    rules = matching_rules()["region"]
    never = set(rules["never_short"])
    found: dict[str, list[str]] = {}
    for code, name in regions().items():
        for form in {name, *(short_forms(name, rules["suffixes"]))}:
            if form == name or (len(form) >= 2 and form not in never and may_be_short(code)):
                found.setdefault(form, []).append(code)
    for name, codes in rules["groups"].items():
        found[name] = list(codes)
    keys = fold(list(found))
    codes = {key: tuple(listed) for key, listed in zip(keys, found.values(), strict=True)}
    groups = set(fold(list(rules["groups"])))
    one = {key: listed if key in groups else tuple(sorted(set(listed))) for key, listed in codes.items()}
    return Gazetteer(one, dict(regions()), max(map(len, one)), frozenset(groups))


def short_forms(name: str, suffixes: Iterable[str]) -> list[str]:
    return [name.removesuffix(suffix) for suffix in suffixes if name.endswith(suffix) and len(name) > len(suffix) + 1][:1]


def may_be_short(code: str) -> bool:
    """Counties far away share too many names with everything else; provinces, prefectures and Beijing's own districts do not."""
    return level_of(code) <= 2 or code.startswith("11")


def level_of(code: str) -> int:
    """1 province, 2 prefecture, 3 county, 4 street and below."""
    if len(code) > 6:
        return 4
    return 1 if code.endswith("0000") else 2 if code.endswith("00") else 3


def region_range(code: str) -> tuple[int, int]:
    """The half-open range of twelve-digit codes inside `code`; everything for an empty code."""
    if not code:
        return 0, 10**12
    stem = code.rstrip() if len(code) > 6 else code[:2] if code.endswith("0000") else code[:4] if code.endswith("00") else code
    span = 10 ** (12 - len(stem))
    return int(stem) * span, (int(stem) + 1) * span


@dataclass(frozen=True, slots=True)
class Thesaurus:
    """Groups of folded phrases that mean the same in a demand and an entry. `grown` adds approved pairs."""

    groups: tuple[tuple[str, ...], ...]
    by_phrase: Mapping[str, tuple[int, ...]]
    longest: int

    @classmethod
    def of(cls, groups: Iterable[Iterable[str]]) -> Thesaurus:
        held = tuple(tuple(dict.fromkeys(fold(list(group)))) for group in groups)
        by_phrase: dict[str, tuple[int, ...]] = {}
        for number, group in enumerate(held):
            for phrase in dict.fromkeys(map(singular, group)):
                by_phrase[phrase] = (*by_phrase.get(phrase, ()), number)
        return cls(held, by_phrase, max((len(phrase) for phrase in by_phrase), default=0))

    def grown(self, pairs: Iterable[tuple[str, str]]) -> Thesaurus:
        return Thesaurus.of((*self.groups, *pairs))

    def others(self, text: str) -> dict[str, str]:
        """Synonyms of every phrase in the folded `text` (longest match first, plurals too): synonym -> the phrase it stands for."""
        found: dict[str, str] = {}
        position, text = 0, singular(text)
        while position < len(text):
            phrase = longest_at(text, position, self.by_phrase, self.longest)
            if not phrase:
                position += 1
                continue
            for number in self.by_phrase[phrase]:
                found |= {other: phrase for other in self.groups[number] if other != phrase and other not in text}
            position += len(phrase)
        return found


_PLURAL = re.compile(r"(?<=[a-z]{3})(?<!s)s\b")


def singular(text: str) -> str:
    """Without the s of plurals, as `grams` reads words."""
    return _PLURAL.sub("", text)


def longest_at(text: str, position: int, known: Mapping[str, object], longest: int) -> str:
    """The longest key of `known` that starts at `position` and, in Latin script, is a word of its own; empty where there is none."""
    for length in range(min(longest, len(text) - position), 0, -1):
        piece = text[position : position + length]
        if piece in known and stands_alone(text, position, position + length):
            return piece
    return ""


def stands_alone(text: str, start: int, end: int) -> bool:
    """Not a part of a longer word in Latin letters."""
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (is_latin(text[start]) and is_latin(before)) and not (is_latin(text[end - 1]) and is_latin(after))


def is_latin(letter: str) -> bool:
    return letter.isascii() and letter.isalnum()


@cache
def base_thesaurus() -> Thesaurus:
    """The groups of `rules/thesaurus-zh.toml`."""
    rules = tomllib.loads(files("corpushub.rules").joinpath("thesaurus-zh.toml").read_text("utf-8"))
    return Thesaurus.of(group for area in rules.values() for group in area["groups"])
