"""Where a gate found something: rows that a curator can look up, by split, number and key. Never what stands there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from corpushub.base.messages import Lang, catalogue
from corpushub.domain.build import BuiltFile

MOST = 200  # places named one by one; counts are of all
KEY_CHARS = 64  # of a key are shown


@dataclass(frozen=True, slots=True)
class Place:
    """One cell. `row` counts from 0 within the split, as viewers do; `found` says how many of which kind, or which rules are broken."""

    config: str
    split: str
    row: int
    key: str
    column: str
    found: Mapping[str, int]


def by_gates(screened: Mapping[str, Any], more: Mapping[str, Sequence[Place]]) -> list[dict[str, Any]]:
    """Places of a screen and `more` by gate, with the gates that count them, as proposals keep and show them."""
    looks = (("PII-01", "residual"), ("G08", "contract"))
    kept = [{"gate": gate, **place} for gate, look in looks for place in screened.get(look, {}).get("places", ())]
    return kept + [{"gate": gate, **asdict(place)} for gate, places in more.items() for place in places]


def located(files: Iterable[BuiltFile], row: int) -> tuple[str, str, int]:
    """Config, split and number within the split of a row of all files."""
    before: Counter[tuple[str, str]] = Counter()
    for file in files:
        if row < file.rows:
            return file.config, file.split, row + before[file.config, file.split]
        row -= file.rows
        before[file.config, file.split] += file.rows
    raise IndexError(row)


def in_words(found: Mapping[str, int], lang: Lang) -> str:
    """Kinds of personal information or broken rules, in the reader's language."""
    words = catalogue(lang)

    def named(kind: str) -> str:
        return next(
            (words[key] for area in ("pii_entity", "place_found", "risk_class") if (key := f"{area}.{kind}") in words), kind
        )

    return ", ".join(named(kind) + (f" ×{count}" if count > 1 else "") for kind, count in found.items())


def split_of(place: Mapping[str, Any]) -> str:
    """`split`, with the configuration in front where there is one."""
    return "/".join(filter(None, (str(place["config"]), str(place["split"]))))
