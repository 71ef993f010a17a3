"""Deadlines, caps and code lists as data with their legal basis, and the working-day calendar the clocks count in.

A rulebook is the national pack with a city's overlay on top; its digest stands in every event, so that a deadline can be recomputed under
the rules that held then (INV-11). A day outside the published calendar is judged Monday to Friday and marked provisional; it never fails.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

from corpushub.base.errors import NotFound
from corpushub.base.identity import BEIJING, digest_of, sha256

DayKind = Literal["work", "rest"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `unit`: working_day, calendar_day, year, percent, count, hour, yuan or text; unverified ones rest on memory, not on a read text."""

    id: str
    value: Any
    unit: str
    basis: str
    verified: bool
    effective_from: str
    pack: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """A day and whether it rests on a calendar not yet published."""

    day: date
    provisional: bool

    @property
    def moment(self) -> datetime:
        """The last second of the day in China."""
        return datetime.combine(self.day, time(23, 59, 59), BEIJING)


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All rules in force, by id."""

    name: str
    rules: Mapping[str, Rule]
    calendar: Mapping[date, DayKind]
    published_years: frozenset[int]
    digest: str

    def rule(self, rule_id: str) -> Rule:
        """Raises: NotFound("rulebook.unknown_rule")."""
        found = self.rules.get(rule_id)
        if found is None:
            raise NotFound("rulebook.unknown_rule", rule=rule_id, pack=self.name)
        return found

    def number(self, rule_id: str) -> int:
        return int(self.rule(rule_id).value)

    def is_working_day(self, day: date) -> tuple[bool, bool]:
        """Is `day` worked, and is that answer provisional?"""
        known = self.calendar.get(day)
        return (day.weekday() < 5 if known is None else known == "work"), day.year not in self.published_years

    def add_working_days(self, day: date, count: int) -> Deadline:
        """The `count`-th working day after `day`; the day itself does not count."""
        provisional = False
        while count > 0:
            day += timedelta(days=1)
            works, unsure = self.is_working_day(day)
            provisional |= unsure
            count -= works
        return Deadline(day, provisional)

    def working_days(self, first: date, last: date) -> int:
        """Working days after `first` up to and including `last`."""
        return sum(self.is_working_day(first + timedelta(days=step))[0] for step in range(1, (last - first).days + 1))

    def deadline(self, rule_id: str, start: date, *, more: int = 0) -> Deadline:
        """The day `rule_id` gives for something that starts on `start`, `more` units later where extended or paused."""
        rule = self.rule(rule_id)
        count = int(rule.value) + more
        match rule.unit:
            case "working_day":
                return self.add_working_days(start, count)
            case "year":
                return Deadline(add_years(start, count) - timedelta(days=1), provisional=False)
            case _:
                return Deadline(start + timedelta(days=count), provisional=False)


def add_years(day: date, years: int) -> date:
    """The same date `years` later; 29 February becomes 1 March."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


@cache
def load_rulebook(name: str = "beijing") -> Rulebook:
    """The national pack, with the overlay `name` on top (`cn` alone for none).

    Raises: NotFound("rulebook.unknown_pack").
    """
    folder = files("corpushub").joinpath("rules")
    packs = ["cn-2025"] if name == "cn" else ["cn-2025", name]
    rules: dict[str, Rule] = {}
    for pack in packs:
        entry = folder.joinpath(f"{pack}.toml")
        if not entry.is_file():
            raise NotFound("rulebook.unknown_pack", pack=pack)
        for area, table in tomllib.loads(entry.read_text("utf-8")).items():
            for key, body in table.items():
                rules[f"{area}.{key}"] = Rule(
                    f"{area}.{key}", body["value"], body["unit"], body["basis"], body["verified"], body["effective_from"], pack
                )
    calendar_text = folder.joinpath("calendar-cn.csv").read_text("utf-8")
    stated = {rule.id: [rule.value, rule.unit, rule.basis, rule.verified, rule.effective_from] for rule in rules.values()}
    digest = digest_of({"rules": stated, "calendar": sha256(calendar_text.encode())})
    days, published = _calendar(calendar_text)
    return Rulebook(name, MappingProxyType(rules), MappingProxyType(days), published, digest)


def _calendar(text: str) -> tuple[dict[date, DayKind], frozenset[int]]:
    """Days that differ from Monday to Friday, and the years whose calendar is published."""
    rows = list(csv.DictReader(line for line in text.splitlines() if line and not line.startswith("#")))
    days: dict[date, DayKind] = {date.fromisoformat(row["date"]): "work" if row["kind"] == "work" else "rest" for row in rows}
    return days, frozenset(int(row["date"][:4]) for row in rows if row["status"] == "published")
