"""The one tokenizer of matching: entries, demands and thesaurus all pass through `fold` and `grams`.

* Folding: NFKC, lower case, simplified script, line breaks to spaces.
* Chinese text gives every character and every pair of neighbours; pairs never reach across other signs.
* Words of letters and digits lose a plural s and give themselves and the pair with the next word.
A gram is a 64-bit key, made in one vectorised pass over all texts at once, so that a hundred thousand entries take seconds.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from corpushub.engine.text.chinese_script import to_script

Ints = npt.NDArray[np.int64]
_WORD_BIT = np.int64(1) << np.int64(62)
_MASK = np.uint64((1 << 61) - 1)
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_LONGEST = 64  # letters of a word that count


def fold(texts: Sequence[str]) -> list[str]:
    """The form in which texts are compared; folding again changes nothing."""
    normal = [unicodedata.normalize("NFKC", text).lower() for text in texts]
    other = traditional()
    rows = [row for row, text in enumerate(normal) if not other.isdisjoint(text)]
    if rows:
        plain = to_script(pl.Series([normal[row] for row in rows], dtype=pl.String), "simplified").to_list()
        for row, text in zip(rows, plain, strict=True):
            normal[row] = text
    return [" ".join(text.split()) for text in normal]


@cache
def traditional() -> frozenset[str]:
    """Characters that have another, simplified form: a text without any needs no conversion."""
    every = [chr(code) for code in (*range(0x3400, 0xA000), *range(0xF900, 0xFB00))]
    plain = to_script(pl.Series(every, dtype=pl.String), "simplified").to_list()
    return frozenset(letter for letter, other in zip(every, plain, strict=True) if letter != other)


@dataclass(frozen=True, slots=True)
class Grams:
    """Every gram of many folded texts: which text, which key, and where it stands in `joined`."""

    text: Ints
    key: Ints
    start: Ints
    end: Ints
    joined: str

    def name(self, position: int) -> str:
        """The gram at `position` of the arrays as one reads it: two words with one space between, whatever sign stood there."""
        found = self.joined[self.start[position] : self.end[position]]
        if self.key[position] < _WORD_BIT:
            return found
        code = np.array([ord(letter) for letter in found], np.int64)
        return " ".join(found[first:last] for first, last in zip(*word_spans(code, is_chinese(code)), strict=True))


def grams(folded: Sequence[str]) -> Grams:
    """All grams of `folded` texts, ordered by text."""
    joined = "\n".join(folded) + "\n"
    code = np.frombuffer(joined.encode("utf-32-le"), dtype="<u4").astype(np.int64)
    text = np.cumsum(code == 10) - (code == 10)
    chinese = is_chinese(code)
    pair = np.flatnonzero(chinese[:-1] & chinese[1:])
    single = np.flatnonzero(chinese)
    words = word_spans(code, chinese)
    hashes = word_hashes(code, *words)
    first, last = words
    near = (
        np.flatnonzero((first[1:] - last[:-1] <= 1) & (text[first[1:]] == text[first[:-1]]))
        if len(first) > 1
        else np.empty(0, np.int64)
    )
    keys = [code[single], (code[pair] << np.int64(21)) | code[pair + 1], tagged(hashes), tagged(joined_hash(hashes, near))]
    starts = [single, pair, first, first[near]]
    ends = [single + 1, pair + 2, last, last[near + 1] if len(near) else near]
    start = np.concatenate(starts)
    owner = text[start]
    order = np.argsort(owner, kind="stable")
    return Grams(owner[order], np.concatenate(keys)[order], start[order], np.concatenate(ends)[order], joined)


def is_chinese(code: Ints) -> npt.NDArray[np.bool_]:
    return ((code >= 0x3400) & (code <= 0x9FFF)) | ((code >= 0xF900) & (code <= 0xFAFF)) | ((code >= 0x20000) & (code <= 0x3FFFF))


def is_single(key: Ints) -> npt.NDArray[np.bool_]:
    """Grams of one Chinese character."""
    return key < (1 << 21)


def word_spans(code: Ints, chinese: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """First and past-the-last positions of words of letters and digits, a plural s left out."""
    digit = (code >= 48) & (code <= 57)
    letter = (code >= 97) & (code <= 122)
    other = (code >= 0xC0) & (code < 0x2000) | (code >= 0xAC00) & (code <= 0xD7A3) | (code >= 0x3041) & (code <= 0x30FF)
    word = (digit | letter | other) & ~chinese
    edge = np.diff(np.concatenate(([0], word.astype(np.int8), [0])))
    first, last = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
    plural = (last - first > 3) & (code[last - 1] == 115) & (code[last - 2] != 115) if len(first) else np.empty(0, np.bool_)
    return first, last - plural


def word_hashes(code: Ints, first: Ints, last: Ints) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of each word, by letters and their places."""
    if not len(first):
        return np.empty(0, np.uint64)
    length = np.minimum(last - first, _LONGEST)
    place = np.arange(int(length.sum()), dtype=np.int64) - np.repeat(np.cumsum(length) - length, length)
    powers = np.cumprod(np.full(_LONGEST, _PRIME, np.uint64))
    letters = code[np.repeat(first, length) + place].astype(np.uint64) * powers[place]
    sums = np.add.reduceat(letters, np.cumsum(length) - length)
    return np.asarray(sums ^ (sums >> np.uint64(29)), np.uint64)


def joined_hash(hashes: npt.NDArray[np.uint64], near: Ints) -> npt.NDArray[np.uint64]:
    """Hashes of words and their right neighbours."""
    if not len(near):
        return np.empty(0, np.uint64)
    return np.asarray(hashes[near] * _PRIME + hashes[near + 1], np.uint64)


def tagged(hashes: npt.NDArray[np.uint64]) -> Ints:
    """Word keys stand apart from those of characters."""
    return (hashes & _MASK).astype(np.int64) | _WORD_BIT
