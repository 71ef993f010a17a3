"""Special categories beside a person: ethnicity, religion, health, biometric data, criminal record, age below fourteen.

A mention alone says nothing about anybody (民族政策, 高血压的预防). It counts in a sentence that names a person, in the sentence right after one
without a subject of its own, and behind its own label. The words are in rules/pii-lexicon.toml; the policy flags rather than removes.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from functools import cache

from corpushub.engine.recognizers.lexicon import lexicon

Found = tuple[int, int, str, float, str]
KINDS = {
    "ETHNICITY": "ethnicity", "RELIGION": "religion", "HEALTH": "health", "BIOMETRIC": "biometric", "CRIMINAL_RECORD": "criminal", "MINOR": "minor",
}  # fmt: skip
SCORE = 0.5  # the lowest that passes: any identifier in the same place wins
_SENTENCE = re.compile(r"[^。！？!?；;\n]+")
_LEANING = re.compile(r"\s*(?:[其他她]|患者|该|本人|既往|主诉|现病史|因|后|曾|经|诊断|查体|入院|目前|自述)")
REACH = 3  # sentences after a person that may still be about that person


@cache
def patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    words = lexicon()["special"]
    return tuple((entity, re.compile(words[key])) for entity, key in KINDS.items())


@cache
def _any() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern.pattern})" for _, pattern in patterns()))


@cache
def _label() -> re.Pattern[str]:
    return re.compile(rf"(?:{lexicon()['special']['labels']})[:：|=\"”]{{1,3}}[ \t\"“]{{0,2}}$")


def special(text: str, people: Iterable[tuple[int, int]]) -> list[Found]:
    """Mentions that say something about one of `people` (spans of names), or stand behind their label."""
    if not _any().search(text):
        return []
    starts = sorted(start for start, _ in people)
    found: list[Found] = []
    left = 0
    for sentence in _SENTENCE.finditer(text):
        begin, end = sentence.span()
        following = bisect_left(starts, begin)
        named = following < len(starts) and starts[following] < end
        left = REACH if named else left - 1 if left > 0 and _LEANING.match(text, begin, end) else 0
        for entity, pattern in patterns():
            for match in pattern.finditer(text, begin, end):
                if named or left > 0:
                    found.append((*match.span(), entity, SCORE, "beside a person"))
                elif _label().search(text[max(begin, match.start() - 12) : match.start()]):
                    found.append((*match.span(), entity, SCORE, "after its label"))
    return found
