"""Cut long texts into pieces of bounded length at the best boundary: paragraph, line, sentence, clause, and only then anywhere."""

from __future__ import annotations

import re
from functools import cache

from corpushub.engine.table.parsing import rules


@cache
def boundaries() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in rules()["chunks"]["boundaries"])


def chunks(text: str, most: int, overlap: int = 0) -> list[str]:
    """Pieces of at most `most` characters that follow each other; with `overlap` each begins up to so many characters earlier.

    Without overlap the pieces joined are the text again, but for blanks at their ends.
    """
    pieces = []
    start = 0
    while len(text) - start > most:
        end = cut(text, start, start + most)
        pieces.append(text[start:end].strip())
        start = max(end - overlap, start + 1) if overlap else end
    pieces.append(text[start:].strip())
    return [piece for piece in pieces if piece]


def cut(text: str, start: int, limit: int) -> int:
    """The last good place to cut between the middle of the window and its end."""
    middle = start + (limit - start) // 2
    for pattern in boundaries():
        last = 0
        for found in pattern.finditer(text, middle, limit):
            last = found.end()
        if last > middle:
            return last
    return limit
