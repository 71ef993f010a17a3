"""Numbers as Chinese texts write them: `一百二十三万`, `壹佰贰拾叁元伍角`, `百分之五`, `1.2亿`, `三点五公里`. The words stand in `rules/parsing.toml`.

Rules: a unit of value (ten, hundred, ten thousand, hundred million) multiplies what stands before it, larger ones everything so far; a last
digit right after a unit counts in tenths of it (`一百二` is 120); digits alone are read one by one (`二〇二六`). What remains unread makes
the whole unreadable: no number is better than a wrong one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from corpushub.engine.table.parsing import rules

MAX_CHARS = 60
PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+")


@dataclass(frozen=True, slots=True)
class Words:
    """The characters numbers are made of."""

    digits: dict[str, int]
    small: dict[str, int]  # units below ten thousand
    large: dict[str, int]
    fractions: dict[str, int]  # `百分之` and its like
    money: dict[str, Decimal]
    units: dict[str, tuple[str, Decimal]]  # word -> (dimension, in its base unit)
    strip: str
    minus: str
    point: str
    whole: str


@cache
def words() -> Words:
    stated = rules()["chinese_numbers"]
    units = {word: (kind, Decimal(str(value))) for kind, table in rules()["units"].items() for word, value in table.items()}
    return Words(
        stated["digits"], stated["small"], stated["large"], stated["fractions"],
        {word: Decimal(value) for word, value in stated["money"].items()},
        units, stated["strip"], stated["minus"], stated["point"], stated["whole"],
    )  # fmt: skip


def dimension_of(unit: str) -> str:
    """length, area, mass … of a unit's word; empty for an unknown one."""
    return words().units.get(unit, ("", Decimal(0)))[0]


def number(text: str, unit: str = "") -> float | None:
    """The number in `text`, in `unit` where one is asked for (a value that names none is taken to be in it); None where there is none."""
    known = words()
    plain = re.sub(known.strip, "", text)
    if not plain or len(plain) > MAX_CHARS:
        return None
    sign = -1 if plain[0] in known.minus else 1
    plain = plain[1:] if sign < 0 else plain
    value = parted(plain, known) or amount(plain, known)
    if value is None and unit:
        value = measured(plain, unit, known)
    return None if value is None else float(sign * value)


def measured(text: str, unit: str, known: Words) -> Decimal | None:
    """A value with a unit of the same dimension as `unit`, converted."""
    wanted, base = known.units[unit]
    for length in range(min(len(text) - 1, 4), 0, -1):
        dimension, size = known.units.get(text[-length:], ("", Decimal(0)))
        if dimension == wanted:
            value = amount(text[:-length], known)
            return None if value is None else value * size / base
    return None


def parted(text: str, known: Words) -> Decimal | None:
    """`百分之五`, `三分之一`."""
    for word, size in known.fractions.items():
        if text.startswith(word):
            value = amount(text[len(word) :], known)
            return None if value is None else value / size
    if text.endswith(("%", "％", "‰")):
        value = amount(text[:-1], known)
        return None if value is None else value / (1000 if text[-1] == "‰" else 100)
    below, word, above = text.partition(rules()["chinese_numbers"]["parts"])
    if word and below and above:
        whole, part = amount(below, known), amount(above, known)
        return part / whole if whole and part is not None else None
    return None


def amount(text: str, known: Words) -> Decimal | None:
    """A number, or money in yuan, jiao and fen."""
    text = text.rstrip(known.whole) if len(text) > 1 else text
    if not any(word in text for word in known.money):
        return value_of(text, known)
    total, rest, last = Decimal(0), text, Decimal(1000)
    for word, size in known.money.items():
        before, found, after = rest.partition(word)
        if found:
            part = value_of(before, known)
            if part is None or size >= last:
                return None
            total, rest, last = total + part * size, after, size
    return None if rest else total


def value_of(text: str, known: Words) -> Decimal | None:
    """A number without money or measure."""
    if PLAIN.fullmatch(text):
        return Decimal(text)
    whole, point, tenths = text.partition(known.point)
    if point:
        return pointed(whole, tenths, known)
    if text and all(char in known.digits for char in text):
        return Decimal("".join(str(known.digits[char]) for char in text))
    return built(text, known) if text else None


def pointed(whole: str, tenths: str, known: Words) -> Decimal | None:
    """`三点五`, `三点五万`."""
    scale = 1
    while tenths and tenths[-1] in known.small | known.large:
        scale *= (known.small | known.large)[tenths[-1]]
        tenths = tenths[:-1]
    head = value_of(whole, known)
    if head is None or not tenths or any(char not in known.digits for char in tenths):
        return None
    return (head + Decimal("0." + "".join(str(known.digits[char]) for char in tenths))) * scale


def built(text: str, known: Words) -> Decimal | None:
    """Digits and units: `一亿二千三百万零五`."""
    total = section = Decimal(0)
    held: Decimal | None = None
    unit, gap, at = 1, False, 0
    while at < len(text):
        char = text[at]
        if plain := PLAIN.match(text, at):
            if held is not None:
                return None
            held, at = Decimal(plain[0]), plain.end()
            continue
        at += 1
        if char in known.digits:
            digit = known.digits[char]
            if digit == 0:
                gap = True
            elif held is not None:
                return None
            else:
                held = Decimal(digit)
        elif char in known.small:
            unit, gap = known.small[char], False
            if held is None and unit > 10:  # only ten stands without a one before it
                return None
            section += (Decimal(1) if held is None else held) * unit
            held = None
        elif char in known.large:
            unit, gap = known.large[char], False
            section += held or 0
            if not section and not total:
                return None
            total = (total + section) * unit if unit > total > 0 and unit > 10_000 else total + section * unit
            section, held = Decimal(0), None
        else:
            return None
    if held is not None:
        tenth = unit > 1 and not gap and held < 10 and text[-1] in known.digits
        section += held * (unit // 10) if tenth and unit > 10 else held
    return total + section
