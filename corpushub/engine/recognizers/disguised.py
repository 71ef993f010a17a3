"""Numbers in disguise behind their label: cut by any separators, broken over lines, in Han, circled or mixed digits, with look-alike letters.

What stands behind a label is read without separators, each character as the digit it stands for, and compared with what the label promises.
Labels and shapes are words of rules/pii-lexicon.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from corpushub.engine.recognizers.lexicon import lexicon

REACH = 56  # characters read behind a label
_SEPARATORS = frozenset(" \t\r\n\u3000-‐‑‒–—―−.·•・_/\\,，、*|~:：()（）")
_GAP = r"(?:号码|號碼|号|號|ID|id)?[\"'”】\])）]?[ \t]*[:：为是=|]?[ \t\"'“]*"


def disguised(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and entity of every value behind its label, however it is written."""
    for place in _labels().finditer(text):
        for entity, (label, value, kept) in _shapes().items():
            found = label.match(text, place.start())
            if found and (span := _read(text, found.end(), value, kept)):
                yield *span, entity


def _read(text: str, at: int, value: re.Pattern[str], kept: frozenset[str]) -> tuple[int, int] | None:
    """The span of a value that begins at `at`."""
    plain, places, meant = "", list[int](), _meant()
    for place, char in enumerate(text[at : at + REACH], at):
        if char in kept:
            plain += char
        elif char in _SEPARATORS:
            continue
        elif char in meant:
            plain += meant[char]
        elif char.isascii() and char.isalnum():
            plain += char.upper()
        else:
            break
        places.append(place)
    found = value.match(plain)
    if not found:
        return None
    end = places[found.end() - 1] + 1
    return None if re.match(r"[0-9A-Za-z]", text[end : end + 1]) else (places[0], end)


@cache
def _shapes() -> dict[str, tuple[re.Pattern[str], re.Pattern[str], frozenset[str]]]:
    """By entity: its label with what follows it, its value without separators, and characters that separate nothing in it."""
    return {
        entity: (re.compile(rf"(?:{row[0]})(?!(?<=[A-Za-z])[a-z]){_GAP}"), re.compile(row[1]), frozenset(row[2]))
        for entity, row in lexicon()["disguised"].items()
    }


@cache
def _labels() -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z])(?:{'|'.join(row[0] for row in lexicon()['disguised'].values())})")


@cache
def _meant() -> dict[str, str]:
    """The digit a character stands for: Han characters, enclosed numerals, and letters that are read as digits."""
    digits = {char: digit for digit, chars in lexicon()["digits"].items() for char in chars}
    return digits | {"O": "0", "o": "0", "I": "1", "l": "1"}
