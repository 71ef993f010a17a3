"""Records asked line by line, so that nobody writes JSON: names with numbers, names with words, tables of whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from corpushub.base.errors import Invalid


def read(name: str, text: str) -> Any:
    """What the lines of the record `name` say. Raises: Invalid("records.pairs" | "records.named" | "records.numbers")."""
    return READERS[name][1]([line.strip() for line in text.splitlines() if line.strip()])


def pairs(lines: list[str]) -> dict[str, float]:
    return dict(pair(line) for line in lines)


def pair(line: str) -> tuple[str, float]:
    """`beichen 60` as name and number."""
    name, _, number = line.strip().rpartition(" ")
    try:
        found = float(number.rstrip("%"))
    except ValueError:
        raise Invalid("records.pairs", line=line.strip()[:80]) from None
    if not name:
        raise Invalid("records.pairs", line=line.strip()[:80])
    return name.strip(), int(found) if found.is_integer() else found


def named(lines: list[str]) -> dict[str, str]:
    """`990100/sfj/laws: letter 12 of 2026` as name and words."""
    out: dict[str, str] = {}
    for line in lines:
        name, sign, words = line.replace("：", ":", 1).partition(":")
        if not sign or not name.strip() or not words.strip():
            raise Invalid("records.named", line=line[:80])
        out[name.strip()] = words.strip()
    return out


def listed(lines: list[str]) -> dict[str, list[str]]:
    """`990100/sfj/laws: title, text` as name and list."""
    return {
        name: [part.strip() for part in words.replace("，", ",").replace("、", ",").split(",") if part.strip()]
        for name, words in named(lines).items()
    }


def tiers(lines: list[str]) -> list[dict[str, int]]:
    """`0 500` as a step of a price: from so many units, so many fen each."""
    out = []
    for line in lines:
        parts = line.replace(",", " ").replace("，", " ").split()
        if len(parts) != 2 or not all(part.isdecimal() for part in parts):
            raise Invalid("records.numbers", line=line[:80])
        out.append({"from_units": int(parts[0]), "unit_price_fen": int(parts[1])})
    return out


def findings(lines: list[str]) -> list[dict[str, str]]:
    return [{"finding": line} for line in lines]


# Name of the record, key of its hint, and how its lines are read.
READERS: Mapping[str, tuple[str, Callable[[list[str]], Any]]] = {
    "shares": ("records.hint_pairs", pairs),
    "null_rates": ("records.hint_pairs", pairs),
    "costs": ("records.hint_pairs", pairs),
    "benefits": ("records.hint_pairs", pairs),
    "fields": ("records.hint_listed", listed),
    "consents": ("records.hint_named", named),
    "signals": ("records.hint_named", named),
    "tiers": ("records.hint_tiers", tiers),
    "findings": ("records.hint_findings", findings),
}
