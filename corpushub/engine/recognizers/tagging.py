"""Texts in, tagged words out: sentences cut and folded the way the sequence tagger was trained."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpushub.engine.recognizers.name_reader import Guess
from corpushub.engine.recognizers.tagger import MAX_CHARS, tagger

HAN = re.compile(r"[\u4e00-\u9fff]")
_PIECE = re.compile(rf"[^\n。！？!?；;\x0b-\x1f]{{1,{MAX_CHARS}}}[。！？!?；;]{{0,3}}")
_SOFT = re.compile(r"[，,、：:）)》” ]")
_PAIRS = {"。": ".", "、": ",", "“": '"', "”": '"', "‘": "'", "’": "'", "—": "-", "…": ".", "【": "[", "】": "]", "〔": "[", "〕": "]",
          "「": '"', "」": '"', "『": '"', "』": '"', "〈": "<", "〉": ">", "﹑": ",", "·": "·", "•": "·", "‧": "·", "・": "·", "．": "·"}  # fmt: skip


class Word(NamedTuple):
    """A word of the tagger: positions in the text, its tag (PER, nr, LOC, ns, ORG, nt, m, n, v ...), and how likely it is somebody's name."""

    start: int
    end: int
    tag: str
    chance: float = 1.0


@cache
def folds() -> dict[int, str]:
    """Characters as the weights know them: half-width, lower case, simplified; the embeddings of all others were never trained."""
    table = {code: chr(code - 0xFEE0).lower() for code in range(0xFF01, 0xFF5F)}
    table |= {code: chr(code).lower() for code in range(65, 91)}
    table |= dict.fromkeys(map(ord, " \t\u3000\xa0"), ",")
    table |= {ord(char): plain for char, plain in _PAIRS.items()}
    characters = files("opencc").joinpath("dictionary", "TSCharacters.txt")
    for line in characters.read_text("utf-8").split("\n"):
        old, _, new = line.strip().partition("\t")
        if len(old) == 1 and new and new[0] != old:
            table[ord(old)] = new[0]
    return table


@cache
def simplified() -> dict[int, str]:
    """Traditional characters as simplified ones, one for one: rules are written in simplified characters."""
    return {code: char for code, char in folds().items() if code > 0x3400}


def pieces(text: str) -> Iterator[tuple[int, int]]:
    """Spans of sentences that hold a Han character, none longer than the tagger takes."""
    for found in _PIECE.finditer(text):
        start, end = found.span()
        while end - start > MAX_CHARS - 8 and (cut := _last_soft(text, start, end)):
            yield start, cut
            start = cut
        if HAN.search(text, start, end):
            yield start, end


def _last_soft(text: str, start: int, end: int) -> int:
    cut = 0
    for found in _SOFT.finditer(text, start + MAX_CHARS // 3, end):
        cut = found.end()
    return cut if start < cut < end else 0


class Reading(NamedTuple):
    """The words of a text, and where the second reader sees names, each with its chance."""

    words: list[Word]
    names: list[Guess]


def tagged(texts: Sequence[str]) -> list[list[Word]]:
    """Words of each text in order."""
    return [reading.words for reading in readings(texts)]


def readings(texts: Sequence[str]) -> list[Reading]:
    """Words and names of each text in order. Equal sentences are read once."""
    places: list[tuple[int, int]] = []
    numbers: dict[str, int] = {}
    sentences: list[tuple[int, str]] = []
    table = folds()
    for index, text in enumerate(texts):
        for start, end in pieces(text):
            folded = text[start:end].translate(table)
            number = numbers.setdefault(folded, len(numbers))
            places.append((index, start))
            sentences.append((number, folded))
    model = tagger()
    cuts = [(words_of(tags, chances, model.vocabulary), names) for tags, chances, names in model.tags(list(numbers))]
    result = [Reading([], []) for _ in texts]
    for (index, start), (number, _) in zip(places, sentences, strict=True):
        words, names = result[index]
        words += [Word(start + begin, start + end, tag, chance) for begin, end, tag, chance in cuts[number][0]]
        names += [(start + begin, start + end, chance) for begin, end, chance in cuts[number][1]]
    return result


def words_of(tags: NDArray[np.uint8], chances: NDArray[np.float32], vocabulary: Sequence[str]) -> list[Word]:
    """The words of one sentence: a word begins at a `-B` and where the tag changes; its chance is the mean of its characters."""
    if not len(tags):
        return []
    kinds = _kinds(tuple(vocabulary))
    begins, kind = kinds[0][tags], kinds[1][tags]
    starts = np.flatnonzero(begins | np.concatenate(([True], kind[1:] != kind[:-1])))
    ends = np.append(starts[1:], len(tags))
    names, mean = kinds[2], np.round(np.add.reduceat(chances, starts) / (ends - starts), 2)
    return [
        Word(start, end, names[tag], chance)
        for start, end, tag, chance in zip(starts.tolist(), ends.tolist(), kind[starts].tolist(), mean.tolist(), strict=True)
    ]


@cache
def _kinds(vocabulary: tuple[str, ...]) -> tuple[NDArray[np.bool_], NDArray[np.uint8], list[str]]:
    names = list(dict.fromkeys(word.split("-")[0] for word in vocabulary))
    return (
        np.array([word.endswith("-B") or word == "O" for word in vocabulary]),
        np.array([names.index(word.split("-")[0]) for word in vocabulary], dtype=np.uint8),
        names,
    )
