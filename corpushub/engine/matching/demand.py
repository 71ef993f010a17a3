"""A demand in everyday words, read without a model: what remains are content words; everything else becomes an editable chip.

Longest match first, each letter used once: period, region, granularity, pace, use, delivery, wanted data items, then stop phrases.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Any

from corpushub.engine.matching.rules import gazetteer, lexicon, longest_at, matching_rules, region_range, stands_alone
from corpushub.engine.matching.text import fold

KINDS = ("region", "period", "granularity", "frequency", "use", "delivery", "items")
Value = str | tuple[str, ...] | tuple[int, int]


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing the parser understood: `said` is the folded text it came from, empty where the caller stated it."""

    kind: str
    value: Any
    said: str = ""


@dataclass(frozen=True, slots=True)
class Demand:
    """A parsed demand. `period` holds months as year * 12 + month - 1, both inclusive; `rank` is the strictest grade the asker is
    cleared for; -1 and empty values state nothing.
    """

    text: str
    content: str
    regions: tuple[str, ...] = ()
    period: tuple[int, int] | None = None
    granularity: str = ""
    frequency: str = ""
    use: str = ""
    purpose: str = ""
    delivery: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    price: float = -1.0
    rank: int = 4
    chips: tuple[Chip, ...] = field(default=(), compare=False)

    def to_json(self) -> dict[str, Any]:
        """The chips a portal shows, and what is left of the text."""
        chips = [{"kind": chip.kind, "value": chip.value, "said": chip.said} for chip in self.chips]
        return {
            "text": self.text,
            "content": self.content,
            "chips": chips,
            "purpose": self.purpose,
            "price": self.price,
            "rank": self.rank,
        }


def parse_demand(
    text: str, *, today: date, home: str = "110000", without: Sequence[str] = (), given: Mapping[str, Any] | None = None
) -> Demand:
    """Read `text`. `without` names kinds of chips the user took away, `given` values the user set; both win over the text.

    `home` is the hub's region code: among regions of one name those at home are meant.
    """
    reading = Reading(fold([text])[0])
    chips: list[Chip] = []
    for kind, read in READERS.items():
        found = read(reading, today, home)
        chips += [chip for chip in found if chip.kind not in without and chip.kind not in (given or {})]
        if kind in without:
            reading.restore(found)
    chips += [Chip(kind, value) for kind, value in (given or {}).items() if kind in KINDS]
    content = strip_phrases(reading.rest())
    made = Demand(text, content, chips=tuple(chips))
    for chip in chips:
        made = with_chip(made, chip)
    plain = {name: value for name, value in (given or {}).items() if name in {"purpose", "price", "rank"}}
    return replace(made, **plain)


def with_chip(demand: Demand, chip: Chip) -> Demand:
    match chip.kind:
        case "region":
            return replace(demand, regions=(*demand.regions, *as_tuple(chip.value)))
        case "delivery":
            return replace(demand, delivery=(*demand.delivery, *as_tuple(chip.value)))
        case "items":
            return replace(demand, items=(*demand.items, *as_tuple(chip.value)))
        case "period":
            return replace(demand, period=(int(chip.value[0]), int(chip.value[1])))
        case "granularity":
            return replace(demand, granularity=str(chip.value))
        case "frequency":
            return replace(demand, frequency=str(chip.value))
        case _:
            return replace(demand, use=str(chip.value))


def as_tuple(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


class Reading:
    """A folded text of which spans are taken away one after the other."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.taken = bytearray(len(text))

    def take(self, start: int, end: int) -> str:
        """Claim a span; empty where a letter of it is claimed already."""
        if any(self.taken[start:end]):
            return ""
        self.taken[start:end] = b"\x01" * (end - start)
        return self.text[start:end]

    def restore(self, chips: Sequence[Chip]) -> None:
        """Give back the words of chips the user does not want: they may be content."""
        for chip in chips:
            start = self.text.find(chip.said)
            if chip.said and start >= 0:
                self.taken[start : start + len(chip.said)] = bytes(len(chip.said))

    def rest(self) -> str:
        return "".join(" " if taken else letter for letter, taken in zip(self.text, self.taken, strict=True))


def read_period(reading: Reading, today: date, _: str) -> list[Chip]:
    for pattern in period_patterns():
        if (hit := pattern.search(reading.text)) and (said := reading.take(*hit.span())):
            return [Chip("period", months_of(hit.groupdict(), said, today), said)]
    return []


@cache
def period_patterns() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in matching_rules()["time"]["patterns"])


def months_of(parts: Mapping[str, str | None], said: str, today: date) -> tuple[int, int]:
    """First and last month."""
    rules = matching_rules()["time"]
    now = today.year * 12 + today.month - 1
    if count := parts.get("k"):
        years = int(count) if count.isdigit() else rules["digits"][count]
        return (now - 12 * years + 1, now)
    first, month = int(parts["a"] or 0), int(parts.get("m") or 0)
    start = first * 12 + (month - 1 if 1 <= month <= 12 else 0)
    if last := parts.get("b"):
        until = int(parts.get("n") or 0)
        end = int(last) * 12 + (until - 1 if 1 <= until <= 12 else 11)
        return (min(start, end), max(start, end))
    if any(word in said for word in rules["open_ended"]):
        return (start, max(start, now))
    return (start, start if month else start + 11)


def read_regions(reading: Reading, _: date, home: str) -> list[Chip]:
    known, chips = gazetteer(), list[Chip]()
    position = 0
    while position < len(reading.text):
        name = longest_at(reading.text, position, known.codes, known.longest)
        said = reading.take(position, position + len(name)) if name else ""
        if said:
            chips.append(Chip("region", known.choose(name, home), said))
        position += len(said) or 1
    return finest(chips)


def finest(chips: Sequence[Chip]) -> list[Chip]:
    """Without regions that only say where another one lies."""
    ranges = [[region_range(code) for code in chip.value] for chip in chips]

    def holds_another(number: int) -> bool:
        inside = [pair for other, pairs in enumerate(ranges) if other != number for pair in pairs]
        return any(
            low <= first and last <= high and (low, high) != (first, last)
            for low, high in ranges[number]
            for first, last in inside
        )

    return [chip for number, chip in enumerate(chips) if not holds_another(number)]


def read_coded(kind: str) -> Any:
    """A reader that finds words of one of the lexicons; delivery takes all, the others the first."""

    def read(reading: Reading, _: date, __: str) -> list[Chip]:
        words, chips = lexicon(kind), list[Chip]()
        for word in sorted(words, key=len, reverse=True):
            start = reading.text.find(word)
            if (
                start < 0
                or not stands_alone(reading.text, start, start + len(word))
                or not reading.take(start, start + len(word))
            ):
                continue
            chips.append(Chip(kind, (words[word],) if kind == "delivery" else words[word], word))
        return chips if kind == "delivery" else chips[:1]

    return read


def read_items(reading: Reading, _: date, __: str) -> list[Chip]:
    """The list after words like "with the fields". The items stay content: an entry that has them is the better match."""
    rules = matching_rules()["items"]
    text = reading.text
    for marker in sorted(fold(rules["markers"]), key=len, reverse=True):
        start = text.find(marker)
        if start < 0:
            continue
        after = start + len(marker)
        ends = [place for end in rules["ends"] if (place := text.find(end, after)) > after]
        listed = text[after : min(ends, default=len(text))]
        if rules["enumeration"] in listed:  # a list with marks of its own ends at the next comma
            tail = listed.rfind(rules["enumeration"])
            listed = listed[:tail] + re.split("[,\uff0c]", listed[tail:])[0]
        parts = re.split("|".join(re.escape(word) for word in rules["separators"]), listed)
        items = tuple(part.strip(" :：") for part in parts if 1 < len(part.strip(" :：")) <= 20)
        if items:
            reading.take(start, after)
            return [Chip("items", items)]
    return []


READERS = {
    "period": read_period,
    "region": read_regions,
    "items": read_items,
    "granularity": read_coded("granularity"),
    "frequency": read_coded("frequency"),
    "use": read_coded("use"),
    "delivery": read_coded("delivery"),
}


def strip_phrases(text: str) -> str:
    """`text` without stop phrases, longest first; all of it where nothing would be left."""
    left = stop_pattern().sub(" ", text)
    return " ".join(left.split()) or " ".join(text.split())


@cache
def stop_pattern() -> re.Pattern[str]:
    phrases = sorted(set(fold(matching_rules()["stop"]["phrases"])), key=len, reverse=True)
    latin = [rf"\b{re.escape(phrase)}\b" for phrase in phrases if phrase.isascii()]
    return re.compile("|".join([*(re.escape(phrase) for phrase in phrases if not phrase.isascii()), *latin]))
