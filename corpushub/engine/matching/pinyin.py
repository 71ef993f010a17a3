"""Chinese written in Latin letters without tones: `jiaotong` is read as syllables, and these as the characters they may stand for."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise

import numpy as np

from corpushub.engine.matching.text import Ints

_MOST = 8  # ways to cut one word into syllables
_LONGEST = 48  # letters of a word that anybody would type as pinyin


@cache
def readings() -> Mapping[str, Ints]:
    """Syllable -> the code points of its characters. What is typed with `v` for the rounded u may be typed with `u` too."""
    text = files("corpushub.rules").joinpath("pinyin.toml").read_text("utf-8")
    held: dict[str, str] = dict(tomllib.loads(text)["readings"])
    for syllable in [name for name in held if "v" in name]:
        held[syllable.replace("v", "u")] = held.get(syllable.replace("v", "u"), "") + held[syllable]
    return {syllable: np.array([ord(letter) for letter in letters], np.int64) for syllable, letters in held.items()}


@lru_cache(1024)
def starting(begin: str) -> Ints:
    """Characters whose reading starts with `begin`."""
    found = [letters for syllable, letters in readings().items() if syllable.startswith(begin)]
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)


def cuts(word: str) -> list[tuple[str, ...]]:
    """Ways to read all of `word` as syllables, those with the longest first syllables first: `xian` is one syllable or two."""
    if len(word) > _LONGEST:
        return []
    ending = {len(word)}  # places from which the rest can be read
    for place in range(len(word) - 1, -1, -1):
        if any(end in ending and word[place:end] in readings() for end in range(place + 1, min(place + 6, len(word)) + 1)):
            ending.add(place)
    done: list[tuple[str, ...]] = []
    begun: list[tuple[tuple[str, ...], int]] = [((), 0)] if 0 in ending else []
    while begun and len(done) < _MOST:
        said, place = begun.pop()
        if place == len(word):
            done.append(said)
        ends = [end for end in range(place + 1, min(place + 6, len(word)) + 1) if end in ending and word[place:end] in readings()]
        begun += [((*said, word[place:end]), end) for end in ends]
    fewest = min(map(len, done), default=0)
    return [syllables for syllables in done if len(syllables) <= fewest + 1]


def pairs(sounds: Sequence[Ints]) -> list[Ints]:
    """For sounds in a row, the grams each two neighbours may be written as; of one sound alone, its characters."""
    if len(sounds) == 1:
        return [sounds[0]]
    return [((one[:, None] << np.int64(21)) | other[None, :]).ravel() for one, other in pairwise(sounds)]


def spelled(word: str, least: int = 1) -> list[list[Ints]]:
    """The grams `word` may stand for: per way of cutting it into `least` syllables or more, one array of alternatives per place."""
    return [pairs([readings()[syllable] for syllable in syllables]) for syllables in cuts(word) if len(syllables) >= least]


def begun(word: str) -> list[list[Ints]]:
    """The same while the last syllable is still being typed."""
    found = []
    for length in range(1, min(5, len(word) - 1) + 1):
        before, last = cuts(word[:-length]), starting(word[-length:])
        found += [pairs([*(readings()[syllable] for syllable in syllables), last]) for syllables in before if len(last)]
    return found
