"""Which rows hold one of many phrases: the first question of every list, asked of all rows, while few of them hold any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import polars as pl

from corpushub.engine.text.counts import HEAD_BYTES, HEAD_MIXER, HEAD_PLACES, HEAD_SHIFT
from corpushub.engine.text.utf8 import I64, U8, compiled, spans

U16 = npt.NDArray[np.uint16]
_FOLD = 0x20


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases to look for, at least one; the case of ASCII letters does not count."""

    words: tuple[str, ...]
    tables: tuple[U16, U16, U8, I64] | None = field(init=False, compare=False, repr=False)
    """By the first bytes, the number of the last phrase that begins with them (0: none); for each phrase the one before it that shares its
    place; all phrases in small letters; where each begins. None where a phrase is too short to be found by its first bytes."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", _tables([word.encode().lower() for word in self.words]))

    def held(self, column: pl.Series, *, fast: bool | None = None) -> pl.Series:
        """For each row whether it holds a phrase; a null row holds none."""
        lie = spans(column)
        kernels = compiled(0, fast=fast) if self.tables else None
        if kernels is None:
            return column.str.contains_any(list(self.words), ascii_case_insensitive=True).fill_null(value=False)
        return pl.Series(column.name, kernels.holds(lie.begins, lie.sizes, self.tables))


def _tables(words: Sequence[bytes]) -> tuple[U16, U16, U8, I64] | None:
    if min(map(len, words)) < HEAD_BYTES or len(words) > np.iinfo(np.uint16).max:
        return None
    heads, before = np.zeros(HEAD_PLACES, np.uint16), np.zeros(len(words) + 1, np.uint16)
    for number, word in enumerate(words, start=1):
        head = int.from_bytes(bytes(byte | _FOLD for byte in word[:HEAD_BYTES]), "little")
        place = head * HEAD_MIXER % (1 << 64) >> HEAD_SHIFT
        before[number], heads[place] = heads[place], number
    made = heads, before, np.frombuffer(b"".join(words), np.uint8), np.array([0, *accumulate(map(len, words))], np.int64)
    for one in made:
        one.flags.writeable = False
    return made
