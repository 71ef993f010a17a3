"""What the words of a demand state beside their subject: each reader claims the letters it understood and tells them as chips.

A letter is claimed once, by the first reader that knows it: what is not wanted, then periods and places, then the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from corpushub.engine.matching.rules import (
    base_thesaurus,
    gazetteer,
    lexicon,
    longest_at,
    matching_rules,
    region_range,
    stands_alone,
)
from corpushub.engine.matching.text import fold

_SIGNS = ",\uff0c;\u3002.?!:\u3001()"
_GAP = re.compile(rf"[{_SIGNS}\s]*\s[{_SIGNS}\s]*")
Reader = Callable[["Reading", date, str], "list[Chip]"]


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing the parser understood: `said` is the folded text it came from, empty where the caller stated it."""

    kind: str
    value: Any
    said: str = ""


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

    def rest(self) -> str:
        return "".join(" " if taken else letter for letter, taken in zip(self.text, self.taken, strict=True))


def patterns(table: str) -> tuple[re.Pattern[str], ...]:
    """The expressions of one table of the rules, in their order."""
    return compiled(tuple(matching_rules()[table]["patterns"]))


@cache
def compiled(expressions: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(expression) for expression in expressions)


def read_unwanted(reading: Reading, _: date, home: str) -> list[Chip]:
    """What the demand says it does not want; regions among it are kept out of the matches."""
    chips = []
    for pattern in patterns("unwanted"):
        for hit in pattern.finditer(reading.text):
            if not hit["what"].strip() or not (said := reading.take(*hit.span())):
                continue
            places = read_regions(Reading(hit["what"]), date.min, home)
            chips += [Chip("apart", place.value, place.said) for place in places]
            chips += [] if places else [Chip("unwanted", hit["what"].strip(), said)]
    return chips


def read_period(reading: Reading, today: date, _: str = "") -> list[Chip]:
    for pattern in patterns("time"):
        if (hit := pattern.search(reading.text)) and (said := reading.take(*hit.span())):
            return [Chip("period", months_of(hit.groupdict(), said, today), said)]
    return []


def months_of(parts: Mapping[str, str | None], said: str, today: date) -> tuple[int, int]:
    """First and last month."""
    now = today.year * 12 + today.month - 1
    if count := parts.get("k"):
        return (now - 12 * counted(count) + 1, now)
    if count := parts.get("j"):
        return (now - counted(count) + 1, now)
    if name := parts.get("w"):
        return (now - matching_rules()["time"]["months"][name],) * 2
    first, length = begin_of(parts, today)
    if (until := parts.get("b")) or parts.get("n"):
        last = int(until or first // 12) * 12 + counted(parts.get("n") or "12") - 1
        return (min(first, last), max(first, last))
    if any(word in said for word in matching_rules()["time"]["open_ended"]):
        return (first, max(first, now))
    return (first, first + length - 1)


def begin_of(parts: Mapping[str, str | None], today: date) -> tuple[int, int]:
    """First month and number of months of the first thing said: a year, a half, a quarter or a month; without a year the latest such."""
    rules = matching_rules()["time"]
    named, month = parts.get("y"), counted(parts.get("m") or "0")
    written = "".join(str(counted(digit)) for digit in parts.get("z") or "") or parts.get("a")
    year = today.year - rules["years"][named] if named else int(written or today.year - (month > today.month))
    if quarter := parts.get("q"):
        return year * 12 + 3 * (counted(quarter) - 1), 3
    if half := parts.get("h"):
        return year * 12 + rules["halves"][half], 6
    return (year * 12 + month - 1, 1) if 1 <= month <= 12 else (year * 12, 12)


def counted(word: str) -> int:
    return int(word) if word.isdigit() else int(matching_rules()["time"]["numbers"][word])


def read_regions(reading: Reading, _: date, home: str) -> list[Chip]:
    """Names of places; not where they are letters of a longer phrase that is known, as a place name may be inside a word."""
    known, phrases, chips = gazetteer(), base_thesaurus(), list[Chip]()
    position = 0
    while position < len(reading.text):
        name = longest_at(reading.text, position, known.codes, known.longest)
        phrase = longest_at(reading.text, position, phrases.by_phrase, phrases.longest)
        whole = len(name) >= len(phrase) and not known.is_begun(name, reading.text[position + len(name) :])
        said = reading.take(position, position + len(name)) if name and whole else ""
        if said:
            chips.append(Chip("region", known.choose(name, home), said))
        position += len(said) or len(phrase) or 1
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


def read_coded(kind: str) -> Reader:
    """A reader that finds words of one of the lexicons; of deliveries and formats all count, of the others the first."""
    several = kind in {"delivery", "format"}

    def read(reading: Reading, _: date, __: str) -> list[Chip]:
        words, chips = lexicon(kind), list[Chip]()
        for word in sorted(words, key=len, reverse=True):
            for start in places_of(word, reading.text):
                if not reading.take(start, start + len(word)):
                    continue
                value = (words[word],) if several else words[word]
                if value not in [chip.value for chip in chips]:
                    chips.append(Chip(kind, value, word))
        return chips if several else chips[:1]

    return read


def places_of(word: str, text: str) -> Iterator[int]:
    """Where `word` stands in `text` as a word of its own."""
    start = text.find(word)
    while start >= 0:
        if stands_alone(text, start, start + len(word)):
            yield start
        start = text.find(word, start + 1)


def read_amount(kind: str) -> Reader:
    """A reader of numbers with a unit: `price` in yuan, `volume` in rows. A word like "free" is the number 0."""

    def read(reading: Reading, _: date, __: str) -> list[Chip]:
        for pattern in patterns(kind):
            if (hit := pattern.search(reading.text)) and (said := reading.take(*hit.span())):
                number, unit = hit.groupdict().get("v") or "0", hit.groupdict().get("u") or ""
                times = matching_rules()["units"].get(unit, 1)
                return [Chip(kind, times * (counted(number) if not number[0].isdigit() else float(number)), said)]
        return []

    return read


def read_items(reading: Reading, _: date, __: str) -> list[Chip]:
    """The list after words like "with the fields", or a list in a later clause. The items stay content: an entry that has them is the
    better match.
    """
    rules = matching_rules()["items"]
    text = reading.text
    for marker in sorted(fold(rules["markers"]), key=len, reverse=True):
        start = text.find(marker)
        if start < 0 or any(reading.taken[start : start + len(marker)]):
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
    return listed_later(reading)


def listed_later(reading: Reading) -> list[Chip]:
    """A list of three and more in a clause after the first, where nothing says what it is."""
    mark, position = matching_rules()["items"]["enumeration"], 0
    for number, clause in enumerate(re.split("[,，;。?!]", reading.text)):
        parts = [strip_phrases(part) for part in clause.split(mark)]
        free = not any(reading.taken[position : position + len(clause)])
        position += len(clause) + 1
        if number and free and len(parts) > 2 and all(1 < len(part) <= 12 for part in parts):
            return [Chip("items", tuple(parts))]
    return []


def read_aim(reading: Reading, _: date, __: str) -> list[Chip]:
    """What the data is wanted for, where something else is left to look for."""
    for pattern in patterns("aim"):
        for hit in pattern.finditer(reading.text):
            rest = reading.rest()
            inside, around = rest[hit.start() : hit.end()], f"{rest[: hit.start()]} {rest[hit.end() :]}"
            if not all(strip_signs(stop_pattern().sub(" ", part)) for part in (inside, around)):
                continue
            said = reading.take(*hit.span())  # empty where a letter told something else already, as fine-tuning does
            reading.taken[hit.start() : hit.end()] = b"\x01" * len(hit[0])
            return [Chip("aim", strip_signs(hit[0]), said)]
    return []


READERS: Mapping[str, Reader] = {
    "unwanted": read_unwanted,
    "period": read_period,
    "region": read_regions,
    "format": read_coded("format"),
    "items": read_items,
    "granularity": read_coded("granularity"),
    "frequency": read_coded("frequency"),
    "use": read_coded("use"),
    "delivery": read_coded("delivery"),
    "price": read_amount("price"),
    "volume": read_amount("volume"),
    "aim": read_aim,
}


def strip_phrases(text: str) -> str:
    """`text` without stop phrases, longest first, and without signs that then stand alone; all of it where nothing would be left."""
    left = _GAP.sub(lambda gap: " " if gap[0].isspace() else ", ", stop_pattern().sub(" ", text))
    return strip_signs(left) or " ".join(text.split())


def strip_signs(text: str) -> str:
    return text.strip(_SIGNS + " ")


@cache
def stop_pattern() -> re.Pattern[str]:
    phrases = sorted(set(fold(matching_rules()["stop"]["phrases"])), key=len, reverse=True)
    latin = [rf"\b{re.escape(phrase)}\b" for phrase in phrases if phrase.isascii()]
    return re.compile("|".join([*(re.escape(phrase) for phrase in phrases if not phrase.isascii()), *latin]))
