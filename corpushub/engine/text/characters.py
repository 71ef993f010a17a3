r"""Tables over code points: what a character folds to, which class it has, what normalising does to it.

All text kernels look characters up here instead of using regex classes, because `\\w`, `\\d` and `\\b` do not mean in Chinese what
they mean in English. The fold table shapes stored signatures, so it is built from the frozen Unicode 3.2 database that every Python
carries and never changes with an upgrade.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from corpushub.engine.kept import Arrays, kept

U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
PLANE: Final = 0x10000
"""Tables cover the first plane; the kernels treat what lies above with two comparisons."""

SPACE, BREAK, LATIN, LETTER, DIGIT, HAN, STOP, POINT, SYMBOL, BROKEN = range(10)
"""Classes: space, line break, Latin letter, other letter, digit, Han, sentence end, other punctuation, symbol, what no text contains."""
CLASSES: Final = 10

DROP, BLANK, NEWLINE = 0xD800, 0xD801, 0xD802
"""Actions of the normalising table, written as surrogates because text never holds one."""

_HAN: Final = ((0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF))
_SENTENCE_ENDS: Final = ".!?:;\u2026\u3002\uff01\uff1f\uff1a\uff1b\uff0e"
_CLOSERS: Final = "\"')]\u2019\u201d\u300b\u300d\u300f\u3011\uff09"
_SPACES: Final = (0x09, 0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
_BREAKS: Final = (0x0A, 0x0B, 0x0C, 0x85, 0x2028, 0x2029)
_INVISIBLE: Final = (
    0xAD,
    0x034F,
    0x061C,
    0x115F,
    0x1160,
    0x180E,
    0x200B,
    0x200E,
    0x200F,
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
)
_JOINERS: Final = (0x200C, 0x200D)


@cache
def _tables() -> Arrays:
    """The tables that take a look at each character to make, by name; they are made once for every version of the program and of Python."""
    tables = kept("characters", ("engine/text/characters.py",), _made)
    for table in tables.values():
        table.flags.writeable = False
    return tables


def _made() -> Arrays:
    return {"fold": _fold_table(), "class": _class_table(), "normal": _normal_table(), "compose": _compose_table()}


def fold_table() -> U16:
    """Code point -> canonical code point for comparing texts: compatibility forms and case folded, white space and controls 0."""
    return _tables()["fold"]


def _fold_table() -> U16:
    table = np.arange(PLANE, dtype=np.uint16)
    frozen = unicodedata.ucd_3_2_0
    for point in _not_plain():
        char = chr(point)
        if char.isspace() or frozen.category(char) in {"Cc", "Cf", "Cs"}:
            table[point] = 0
            continue
        folded = frozen.normalize("NFKC", char)[:1].lower()[:1]
        code = ord(folded)
        table[point] = 0 if folded.isspace() else (code if code < PLANE else point)
    table[0] = 0
    return table


def class_table() -> U8:
    """Code point -> class (`SPACE` … `BROKEN`)."""
    return _tables()["class"]


def _class_table() -> U8:
    table = np.full(PLANE, LETTER, dtype=np.uint8)
    for first, last in _HAN:
        table[first : last + 1] = HAN
    table[0xD800:0xF900] = BROKEN
    for point in _not_plain():
        table[point] = _class_of(point)
    for point in _SPACES:
        table[point] = SPACE
    for point in _BREAKS:
        table[point] = BREAK
    table[0x0D] = SPACE
    return table


def _class_of(point: int) -> int:
    for first, last in _HAN:
        if first <= point <= last:
            return HAN
    char = chr(point)
    if char in _SENTENCE_ENDS:
        return STOP
    category = unicodedata.category(char)
    if category[0] == "L" or category == "Mn":
        is_latin = "a" <= char.lower() <= "z" or 0xC0 <= point < 0x250 or 0xFF21 <= point <= 0xFF5A
        return LATIN if is_latin else LETTER
    if category == "Nd":
        return DIGIT
    if category[0] in "MN":
        return LETTER if category[0] == "M" else SYMBOL
    if category[0] == "P":
        return POINT
    if category[0] == "Z":
        return SPACE
    return SYMBOL if category[0] == "S" else BROKEN


@cache
def closing_table() -> U8:
    """1 for quotes and brackets that may follow the end of a sentence on the same line."""
    table = np.zeros(PLANE, dtype=np.uint8)
    table[[ord(char) for char in _CLOSERS]] = 1
    table.flags.writeable = False
    return table


def normal_table() -> U16:
    """Code point -> what it becomes, or `DROP`, `BLANK`, `NEWLINE`.

    Full-width letters and digits become ASCII, Kangxi radicals their ideographs, canonical singletons their standard form. Chinese
    punctuation stays as written: NFKC would turn it into ASCII.
    """
    return _tables()["normal"]


def _normal_table() -> U16:
    table = np.arange(PLANE, dtype=np.uint16)
    table[:0x20] = DROP
    table[0x7F:0xA0] = DROP
    table[0xD800:0xE000] = DROP
    for first, base, count in ((0xFF10, 0x30, 10), (0xFF21, 0x41, 26), (0xFF41, 0x61, 26)):
        table[first : first + count] = np.arange(base, base + count)
    for point in (*range(0x2F00, 0x2FD6), *_not_plain()):
        standard = unicodedata.normalize("NFKC" if 0x2F00 <= point < 0x2FE0 else "NFC", chr(point))
        if len(standard) == 1 and ord(standard) != point and len(standard.encode()) <= len(chr(point).encode()):
            table[point] = ord(standard)
    for points, action in (
        (_INVISIBLE, DROP),
        (_JOINERS, DROP),
        (range(0xFDD0, 0xFDF0), DROP),
        (_SPACES, BLANK),
        (_BREAKS, NEWLINE),
    ):
        table[list(points)] = action
    table[[0x0D, 0xFFFE, 0xFFFF]] = (NEWLINE, DROP, DROP)
    return table


def compose_table() -> U8:
    """1 where a row must still go through NFC: combining marks, conjoining jamo, characters whose standard form is longer."""
    return _tables()["compose"]


def _compose_table() -> U8:
    table = np.zeros(PLANE, dtype=np.uint8)
    table[0x1100:0x1200] = 1
    for point in _not_plain():
        char = chr(point)
        standard = unicodedata.normalize("NFC", char)
        longer = standard != char and (len(standard) > 1 or len(standard.encode()) > len(char.encode()))
        table[point] = bool(unicodedata.combining(char)) or unicodedata.category(char) == "Mc" or longer
    return table


@cache
def special_bits() -> U8:
    """One bit per code point, set where normalising has anything to decide. Eight kilobytes stay in the first-level cache; the tables do not."""
    special = (normal_table() != np.arange(PLANE)) | (compose_table() == 1)
    bits = np.packbits(special, bitorder="little")
    bits.flags.writeable = False
    return bits


@cache
def irregular_pattern() -> str:
    """A regular expression that finds all a normaliser changes: special characters, and white space at the wrong place."""
    special = np.flatnonzero(np.unpackbits(special_bits(), bitorder="little"))
    special = special[((special < 0xD800) | (special > 0xDFFF)) & (special != 0x20) & (special != 0x0A)]
    runs = np.split(special, np.flatnonzero(np.diff(special) > 1) + 1)
    ranges = "".join(rf"\x{{{run[0]:x}}}-\x{{{run[-1]:x}}}" for run in runs)
    return rf"[{ranges}\x{{10000}}-\x{{1EFFF}}\x{{E0000}}-\x{{E0FFF}}]|\A[ \n]|[ \n]\z| [ \n]|\n(?: |\n\n)"


@cache
def joining_table() -> U8:
    """1 for characters after which a zero-width joiner or non-joiner carries meaning (Arabic, Indic, Mongolian scripts, emoji)."""
    table = np.zeros(PLANE, dtype=np.uint8)
    table[0x0600:0x1000] = 1
    table[0x1800:0x18B0] = 1
    table[0x2600:0x27C0] = 1
    table[0xFE0F] = 1
    table.flags.writeable = False
    return table


@cache
def _not_plain() -> tuple[int, ...]:
    """All of the first plane but the blocks where every table is regular (unified Han, Hangul, surrogates, private use)."""
    return (*range(0x3400), *range(0x4DC0, 0x4E00), *range(0xA000, 0xAC00), *range(0xF900, PLANE))
