"""How many characters of each row stand in one of many phrases: asked of all rows, while few of them hold any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, permutations

import numpy as np
import polars as pl

from corpushub.engine.text.counts import HEAD_BYTES, HEAD_MIXER, HEAD_PLACES, HEAD_SHIFT
from corpushub.engine.text.utf8 import I64, U8, U16, compiled, spans

_FOLD = 0x20
Tables = tuple[U16, U16, U8, I64, I64]


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases to look for, at least one; the case of ASCII letters does not count."""

    words: tuple[str, ...]
    tables: Tables | None = field(init=False, compare=False, repr=False)
    """By the first bytes, the number of the last phrase that begins with them (0: none); for each phrase the one before it that shares its
    place; all phrases in small letters; where each begins; their characters. None where first bytes are not enough to find them by: one is
    too short, or stands within another, and then which of both counts is for the frame library to say."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", _tables([word.encode().lower() for word in self.words]))

    def chars(self, column: pl.Series, *, fast: bool | None = None) -> I64:
        """For each row its characters in phrases that do not overlap, looked for from left to right."""
        lie = spans(column)
        kernels = compiled(0, fast=fast) if self.tables else None
        if kernels is not None:
            counted: I64 = kernels.phrase_chars(lie.begins, lie.sizes, self.tables)
            return counted
        words = list(self.words)
        counted = np.zeros(len(column), dtype=np.int64)
        rows = column.str.contains_any(words, ascii_case_insensitive=True).fill_null(value=False).arg_true()
        if len(rows):
            matches = column.gather(rows).str.extract_many(words, ascii_case_insensitive=True)
            counted[rows.to_numpy()] = matches.list.eval(pl.element().str.len_chars()).list.sum().to_numpy()
        return counted


def _tables(words: Sequence[bytes]) -> Tables | None:
    is_long = min(map(len, words)) >= HEAD_BYTES and len(words) <= np.iinfo(np.uint16).max
    if not is_long or any(one in other for one, other in permutations(words, 2)):
        return None
    heads, before = np.zeros(HEAD_PLACES, np.uint16), np.zeros(len(words) + 1, np.uint16)
    for number, word in enumerate(words, start=1):
        head = int.from_bytes(bytes(byte | _FOLD for byte in word[:HEAD_BYTES]), "little")
        place = head * HEAD_MIXER % (1 << 64) >> HEAD_SHIFT
        before[number], heads[place] = heads[place], number
    bounds = np.array([0, *accumulate(map(len, words))], np.int64)
    made = heads, before, np.frombuffer(b"".join(words), np.uint8), bounds, np.array([len(word.decode()) for word in words])
    for one in made:
        one.flags.writeable = False
    return made
