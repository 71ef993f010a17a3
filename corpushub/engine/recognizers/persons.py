"""Names of people: the tagger's own, and rules where forms of public offices write them."""

from __future__ import annotations

import re

from corpushub.engine.recognizers.tagging import Word

ODD = re.compile(r"[0-9_@/\\]")
Found = tuple[int, int, float, str]


def persons(text: str, words: list[Word]) -> list[Found]:
    return [
        (w.start, w.end, 0.6, "tagger")
        for w in words
        if w.tag in {"PER", "nr"} and w.end - w.start > 1 and not ODD.search(text, w.start, w.end)
    ]
