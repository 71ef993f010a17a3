"""A second reader of names: a small network over what the tagger's layers know of each character, trained for names nobody has.

The tagger learnt its names from news: a rare surname or given name it reads as a word. Its hidden layers still know that a name must stand
there. Two dense steps over them, and over what the character is (a surname, a frequent given name, part of a word of the dictionary), say for
each character whether a name begins, goes on, ends there, or is a single surname. `tools/name_reader` made the weights; its note says from what.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from corpushub.engine.recognizers.name_shapes import FUNCTION
from corpushub.engine.recognizers.surnames import DOUBLE, SINGLE, TITLES, WEAK, dictionary, dictionary_lines

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
        facts = facts_of(sentences)
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


def facts_of(sentences: Sequence[str]) -> Floats:
    """What each character of the sentences, one after the other, is by itself and with its neighbours."""
    lengths = np.array([len(sentence) for sentence in sentences])
    codes = np.frombuffer("".join(sentences).encode("utf-32-le", "replace"), "<u4").astype(np.uint64)
    behind = np.repeat(np.cumsum(lengths), lengths) - np.arange(1, len(codes) + 1)  # characters of the sentence that follow
    before = np.repeat(lengths, lengths) - 1 - behind
    second, third = (np.where(behind >= step, np.roll(codes, -step), 0).astype(np.uint64) for step in (1, 2))
    pairs = codes << _TWO | second << _ONE
    two = _among(_words(), pairs)
    three = np.where(two > 0, _among(_words(), pairs | third), 0)
    said = _among(_pairs(), pairs)
    table = characters()
    return np.column_stack(
        (
            table[np.minimum(codes, len(table) - 1)],
            two,
            np.where(before >= 1, np.roll(two, 1), 0),
            three,
            np.where(before >= 2, np.roll(three, 2), 0),
            said == _SURNAME,
            said == _ADDRESS,
        ),
    ).astype(np.float32)


_ONE, _TWO = np.uint64(21), np.uint64(42)  # bits a character takes in the number of a word
_SURNAME, _ADDRESS = 1, 2
Words = tuple[NDArray[np.uint64], Floats]


def _numbered(words: Mapping[str, float]) -> Words:
    """Words of up to three characters as ascending numbers, each with its value."""
    codes = (
        np.frombuffer("".join(word.ljust(3, "\0") for word in words).encode("utf-32-le"), "<u4").reshape(-1, 3).astype(np.uint64)
    )
    keys, values = codes[:, 0] << _TWO | codes[:, 1] << _ONE | codes[:, 2], np.array(list(words.values()), np.float32)
    order = np.argsort(keys)
    return keys[order], values[order]


def _among(words: Words, asked: NDArray[np.uint64]) -> Floats:
    """The value of each word asked for, 0 where there is none."""
    keys, values = words
    at = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    return np.where(keys[at] == asked, values[at], np.float32(0))


@cache
def _pairs() -> Words:
    """Compound surnames and words of address, of two characters each."""
    return _numbered(dict.fromkeys((word for word in TITLES if len(word) > 1), _ADDRESS) | dict.fromkeys(DOUBLE, _SURNAME))


@cache
def _words() -> Words:
    """How frequent each word of two or three characters is, on a scale of about one."""
    return _numbered({word: 0.2 + math.log10(count) / 6 for word, (_, count) in dictionary().items() if len(word) < 4})


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
    plain = pl.col("word").str.contains(r"^\p{L}{2,3}$") & ~pl.col("word").str.contains(r"[\x{10000}-\x{10FFFF}]")
    names = dictionary_lines().filter((pl.col("tag") == "nr") & plain)
    chars = names.with_columns(pl.col("word").str.split("")).with_columns(
        first=pl.col("word").list.head(1), given=pl.col("word").list.slice(1)
    )
    begins, goes_on = (
        chars.select("count", pl.col(part)).explode(part).group_by(part).agg(pl.col("count").sum()) for part in ("first", "given")
    )
    return dict(begins.iter_rows()), dict(goes_on.iter_rows())
