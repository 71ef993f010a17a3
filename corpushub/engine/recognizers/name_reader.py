"""A second reader of names: a small network over what the tagger's layers know of each character, trained for names nobody has.

The tagger learnt its names from news: a rare surname or given name it reads as a word. Its hidden layers still know that a name must stand
there. Two dense steps over them, and over what the character is (a surname, a frequent given name, part of a word of the dictionary), say for
each character whether a name begins, goes on, ends there, or is a single surname. `tools/name_reader` made the weights; its note says from what.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpushub.engine.recognizers.name_shapes import FUNCTION
from corpushub.engine.recognizers.surnames import DOUBLE, SINGLE, TITLES, WEAK, dictionary

Floats = NDArray[np.float32]
Guess = tuple[int, int, float]
WEIGHTS = Path(__file__).with_name("name_reader.npz")
REACH = 2  # neighbours seen to either side
KINDS = 17  # of facts about a character
OUT, BEGIN, INSIDE, END, ALONE = range(5)
LONGEST = 16
LEAST = 0.1


class Reader:
    """The weights: facts and hidden values to `first`, a window of those to `second`, that to the five parts of a name."""

    def __init__(self, weights: dict[str, Floats]) -> None:
        self.first, self.first_bias = weights["first"], weights["first_bias"]
        self.second, self.second_bias = weights["second"], weights["second_bias"]
        self.third, self.third_bias = weights["third"], weights["third_bias"]

    def guesses(self, hidden: Floats, sentences: Sequence[str]) -> list[list[Guess]]:
        """Names in each sentence with their chance; `hidden` holds the rows of all sentences in order."""
        facts = np.concatenate([facts_of(sentence) for sentence in sentences])
        width = len(self.first_bias)
        seen = np.maximum(hidden @ self.first[: -facts.shape[1]] + facts @ self.first[-facts.shape[1] :] + self.first_bias, 0)
        lengths = np.array([len(sentence) for sentence in sentences])
        rows = np.arange(len(seen)) + np.repeat(np.arange(len(lengths)) * REACH + REACH, lengths)
        padded = np.zeros((len(seen) + REACH * (len(lengths) + 1), width), np.float32)
        padded[rows] = seen
        inner = np.repeat(self.second_bias[None], len(seen), axis=0)
        for step in range(2 * REACH + 1):
            inner += padded[rows + step - REACH] @ self.second[step * width : (step + 1) * width]
        scores = np.maximum(inner, 0, out=inner) @ self.third + self.third_bias
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
        ends = np.cumsum(lengths).tolist()
        return [spans(scores[end - length : end]) for end, length in zip(ends, lengths.tolist(), strict=True)]


@cache
def reader() -> Reader | None:
    """The one reader of this process, or None where its file is not there: names are then the tagger's and the rules' alone."""
    if not WEIGHTS.is_file():
        return None
    with np.load(WEIGHTS) as file:
        return Reader({key: file[key].astype(np.float32) for key in file.files})


def spans(chances: Floats) -> list[Guess]:
    """Names that do not overlap, the likeliest first: a begin, what is inside and an end, or a single surname."""
    begins = np.flatnonzero((chances[:, BEGIN] >= LEAST) | (chances[:, ALONE] >= LEAST)).tolist()
    found: list[Guess] = []
    for start in begins:
        chance = float(chances[start, BEGIN])
        if chances[start, ALONE] >= LEAST:
            found.append((start, start + 1, round(float(chances[start, ALONE]), 2)))
        for at in range(start + 1, min(len(chances), start + LONGEST)):
            if (whole := chance * float(chances[at, END])) >= LEAST:
                found.append((start, at + 1, round(whole, 2)))
            chance *= float(chances[at, INSIDE])
            if chance < LEAST:
                break
    if len(found) < 2:
        return found
    kept: list[Guess] = []
    for guess in sorted(found, key=lambda item: (-item[2], item[0])):
        if all(guess[1] <= start or end <= guess[0] for start, end, _ in kept):
            kept.append(guess)
    return sorted(kept)


def facts_of(sentence: str) -> Floats:
    """What each character is by itself and with its neighbours."""
    size = len(sentence)
    result = np.zeros((size, KINDS), np.float32)
    if not size:
        return result
    codes = np.frombuffer(sentence.encode("utf-16-le", "replace"), "<u2")
    table = characters()
    result[:, : table.shape[1]] = table[codes] if len(codes) == size else table[[min(ord(char), 65535) for char in sentence]]
    words, pairs, column = _words(), _pairs(), table.shape[1]
    twos = [sentence[at : at + 2] for at in range(size)]
    two = np.array([words.get(word, 0) for word in twos], np.float32)
    three = np.array([words.get(sentence[at : at + 3], 0) if two[at] else 0 for at in range(size)], np.float32)
    result[:, column], result[1:, column + 1] = two, two[:-1]
    result[:, column + 2], result[2:, column + 3] = three, three[:-2]
    for at in [at for at, word in enumerate(twos) if word in pairs]:
        result[at, column + 4 + pairs[twos[at]]] = 1
    return result


@cache
def _pairs() -> dict[str, int]:
    """Compound surnames and words of address, of two characters each."""
    return {word: 1 for word in TITLES if len(word) > 1} | dict.fromkeys(DOUBLE, 0)


@cache
def _words() -> dict[str, float]:
    """How frequent each word of two or three characters is, on a scale of about one."""
    return {word: 0.2 + math.log10(count) / 6 for word, (_, count) in dictionary().items() if len(word) < 4}


@cache
def characters() -> Floats:
    """By code point: surname, weak surname, Han, digit, Latin, mark, function word, how often it begins and how often it goes on in names."""
    table = np.zeros((65536, 11), np.float32)
    for column, some in enumerate((SINGLE, WEAK, FUNCTION, frozenset("某"))):
        table[[ord(char) for char in some], column] = 1
    table[0x3400:0xA000, 4] = 1
    table[[*range(48, 58)], 5] = 1
    table[[*range(65, 91), *range(97, 123)], 6] = 1
    table[[ord(char) for char in ",.:;()\"' 、，。；：（）"], 7] = 1
    table[ord("·"), 8] = 1
    for column, counts in zip((9, 10), name_characters(), strict=True):
        for char, count in counts.items():
            table[ord(char), column] = math.log10(1 + count) / 6
    return table


@cache
def name_characters() -> tuple[dict[str, int], dict[str, int]]:
    """How often characters begin a name and how often they go on in one, in jieba's dictionary."""
    spec = find_spec("jieba")
    file = Path((spec.submodule_search_locations or [""])[0]) / "dict.txt" if spec else Path()
    first: dict[str, int] = {}
    given: dict[str, int] = {}
    for line in file.read_text("utf-8").split("\n") if file.is_file() else ():
        word, _, rest = line.partition(" ")
        if rest.endswith(" nr") and 2 <= len(word) <= 3 and word.isalpha() and all(ord(char) < 65536 for char in word):
            count = int(rest.split(" ")[0])
            first[word[0]] = first.get(word[0], 0) + count
            for char in word[1:]:
                given[char] = given.get(char, 0) + count
    return first, given
