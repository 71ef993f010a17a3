"""What a row of text is made of, counted in one pass: the integers every quality profile is built from.

Counts only, so that numpy and numba agree to the last bit; ratios are taken afterwards. Length is in characters (code points), never in
"words": a Chinese clause is not a word. Rows of one block must be fewer than 65,536.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from corpushub.engine.kept import Arrays, kept
from corpushub.engine.text import characters as ch
from corpushub.engine.text.counts import (
    _ENDED,
    _FUNCTION,
    _GRAMS,
    _LINES,
    _MARKS,
    _MARKUP,
    _MOJIBAKE,
    _REPEATED_GRAMS,
    _REPEATED_LINES,
    _RUN,
    _SEPARATORS,
    _STOP_WORDS,
    _WORDS,
    BITS_PER_GRAM,
    CLOSER,
    COLUMNS,
    FUNCTION,
    GRAM,
    GRAM_BASE,
    IDEOGRAPH,
    LEAD,
    LEAST_BITS,
    LINE_BASE,
    LINE_INVERSE,
    MARK,
    MARKUP,
    MIXER,
    MOJIBAKE,
    PLAIN_SYMBOL,
    SEPARATOR,
    SLOT_SHIFT,
    STOPS,
    TALLY,
    TRAIL,
)
from corpushub.engine.text.utf8 import I64, U16, U32, U64, Utf8, compiled, points, spans, utf8

MADE_OF = ("engine/text/stats.py", "engine/text/characters.py", "engine/text/counts.py", "rules/text-quality.toml")


@cache
def rules() -> dict[str, Any]:
    """`rules/text-quality.toml`."""
    return tomllib.loads(files("corpushub").joinpath("rules", "text-quality.toml").read_text("utf-8"))


@cache
def attributes() -> U16:
    """Code point -> class and flags."""
    table: U16 = kept("attributes", MADE_OF, _attributes)["table"]
    table.flags.writeable = False
    return table


def _attributes() -> Arrays:
    table = ch.class_table().astype(np.uint16)
    lexicon = rules()["characters"]
    for flag, chars in ((FUNCTION, lexicon["function"]), (MARKUP, lexicon["markup"]), (SEPARATOR, lexicon["separator"])):
        table[[ord(char) for char in chars]] |= flag
    table[[ord(char) for char in rules()["spam"]["marks"]]] |= MARK
    table[sorted(_mistaken())] |= MOJIBAKE
    table[ch.closing_table() == 1] |= CLOSER
    table[0xC2:0xF5] |= LEAD
    trails = {ord(bytes([byte]).decode("cp1252", "ignore") or "\x00") for byte in range(0x80, 0xC0)} | set(range(0x80, 0xC0))
    table[sorted(trails - {0})] |= TRAIL
    return {"table": table}


@cache
def kinds() -> tuple[npt.NDArray[np.uint8], U16]:
    """`attributes` in two steps that stay in the cache: code point -> kind, and kind -> class and flags.

    Behind the 256 kinds stand those of an ideograph and of a symbol without flags.
    """
    flags, places = np.unique(attributes(), return_inverse=True)
    table = np.zeros(PLAIN_SYMBOL + 1, np.uint16)
    table[: flags.size] = flags
    table[IDEOGRAPH], table[PLAIN_SYMBOL] = ch.HAN, ch.SYMBOL
    tables = places.astype(np.uint8), table
    for one in tables:
        one.flags.writeable = False
    return tables


@cache
def tallies() -> U64:
    """Kind -> what an ideograph or symbol of that kind adds to a tally: see `counts.TALLY`."""
    flags = kinds()[1].astype(np.uint64)
    parts = (flags & 15 == ch.SYMBOL, *(flags & flag != 0 for flag in (FUNCTION, MOJIBAKE, SEPARATOR, MARK)))
    table = np.zeros(flags.size, np.uint64)
    for place, part in enumerate(parts):
        table |= part.astype(np.uint64) << np.uint64(place * TALLY)
    table.flags.writeable = False
    return table


def _mistaken() -> set[int]:
    """Characters that appear when UTF-8 Chinese is read as GBK, and hardly ever otherwise.

    Found by making the mistake with the 3,755 most used characters (level 1 of GB 2312) and their punctuation, then taking away what is
    itself in common use (GB 2312, and what Big5 holds in its frequent half).
    """
    level_1 = [_char(bytes([high, low]), "gb2312") for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF)]
    in_use = {_char(bytes([high, low]), "gb2312") for high in range(0xA1, 0xF8) for low in range(0xA1, 0xFF)}
    in_use |= {
        _char(bytes([high, low]), "big5") for high in range(0xA4, 0xC7) for low in (*range(0x40, 0x7F), *range(0xA1, 0xFF))
    }
    sound = "".join(level_1) + "".join(
        chr(point) for point in (0x3002, 0xFF0C, 0xFF1A, 0xFF1B, 0x201C, 0x201D, 0x3001, 0xFF08, 0xFF09)
    )
    wrong: set[str] = set()
    for step in (0, 1, 2):
        wrong |= set((b"a" * step + "a".join(sound).encode())[step:].decode("gbk", "ignore"))
    for first, second in zip(sound, sound[1:] + sound[:1], strict=True):
        wrong |= set((first + second).encode().decode("gbk", "ignore"))
    kept = {ord(char) for char in wrong - in_use if 0x3400 <= ord(char) < 0xA000}
    return kept | {0x951F, 0x65A4, 0x70EB, 0x5C6F} - {0x65A4, 0x5C6F, 0x70EB}


def _char(code: bytes, codec: str) -> str:
    return code.decode(codec, "ignore")


def _codes(words: Iterable[str]) -> U64:
    """Words as 40-bit codes, five bits a letter, the first lowest."""
    return np.array([sum((ord(char) - 96) << (5 * place) for place, char in enumerate(word)) for word in words], dtype=np.uint64)


@cache
def stop_codes() -> U64:
    """The English function words as sorted codes."""
    return np.sort(_codes(rules()["characters"]["stop_words"]))


@cache
def stop_table() -> U64:
    """The codes of the words read backwards spread over 1,024 places by a multiplier that lets none collide; the multiplier comes last."""
    codes, factor = _codes(word[::-1] for word in rules()["characters"]["stop_words"]), MIXER
    while True:
        places = (codes * np.uint64(factor)) >> np.uint64(54)
        if np.unique(places).size == codes.size:
            break
        factor = (factor * LINE_BASE) % (1 << 64)
    table = np.zeros(STOPS + 1, dtype=np.uint64)
    table[places.astype(np.int64)] = codes
    table[-1] = factor
    table.flags.writeable = False
    return table


def count(column: pl.Series, *, fast: bool | None = None, grams_above: float = 0.0) -> npt.NDArray[np.int64]:
    """One row of `NAMES` counts per row of `column` (String, nulls count as empty).

    Who asks only whether more than the share `grams_above` of a row's phrases are repeated gets too low a count where they are not.
    """
    rows = spans(column)
    if compiled(rows.bytes, fast=fast) is not None:
        from corpushub.engine.text import compiled_stats

        tables, room = (*kinds(), stop_table(), tallies()), compiled_stats.scratch(max(64, rows.longest))
        counted: npt.NDArray[np.int64] = compiled_stats.count(rows.begins, rows.sizes, tables, room, grams_above)
        return counted
    text = utf8(column)
    out = np.zeros((text.rows, COLUMNS), dtype=np.int64)
    for first, last in text.blocks():
        for start in range(first, last, 60_000):
            stop = min(start + 60_000, last)
            out[start:stop] = _count_block(text.block(start, stop))
    return out


def _count_block(text: Utf8) -> npt.NDArray[np.int64]:
    values, offsets = points(text)
    out = np.zeros((text.rows, COLUMNS), dtype=np.int64)
    if not values.size:
        return out
    rows = np.repeat(np.arange(text.rows), np.diff(offsets))
    kinds = _kinds(values)
    classes = (kinds & 15).astype(np.int64)
    out[:, : ch.CLASSES] = np.bincount(rows * ch.CLASSES + classes, minlength=text.rows * ch.CLASSES).reshape(text.rows, -1)
    for place, flag in (
        (_FUNCTION, FUNCTION),
        (_MOJIBAKE, MOJIBAKE),
        (_MARKUP, MARKUP),
        (_SEPARATORS, SEPARATOR),
        (_MARKS, MARK),
    ):
        out[:, place] = _per_row(rows[(kinds & flag) != 0], text.rows)
    pairs = ((kinds[:-1] & LEAD) != 0) & ((kinds[1:] & TRAIL) != 0) & (rows[1:] == rows[:-1])
    out[:, _MOJIBAKE] += 2 * _per_row(rows[:-1][pairs], text.rows)
    _count_words(values, classes, rows, out)
    units = _units(values, classes, rows)
    if units[0].size:
        _count_lines(kinds, rows, units, out)
        _count_grams(units[1], rows[units[0]], out)
        solid = (classes != ch.SPACE) & (classes != ch.BREAK)
        _count_runs(values[solid], rows[solid], out)
    return out


def _kinds(values: U32) -> U16:
    kinds = attributes()[np.minimum(values, ch.PLANE - 1)].copy()
    high = values >= ch.PLANE
    kinds[high] = np.where((values[high] >= 0x20000) & (values[high] < 0x40000), ch.HAN, ch.SYMBOL)
    return kinds


def _per_row(rows: I64, count: int) -> I64:
    return np.bincount(rows, minlength=count).astype(np.int64)


def _units(values: U32, classes: I64, rows: I64) -> tuple[I64, U64]:
    """Where each unit begins and its number: a Latin word (its hash) or any other character that is not white space (its code point)."""
    latin = classes == ch.LATIN
    inner = latin & np.concatenate(([False], latin[:-1] & (rows[1:] == rows[:-1])))
    starts = np.flatnonzero((classes != ch.SPACE) & (classes != ch.BREAK) & ~inner)
    units = values[starts].astype(np.uint64)
    words = np.flatnonzero(latin[starts])
    if words.size:
        letters = np.flatnonzero(latin)
        first = np.searchsorted(letters, starts[words])
        units[words] = _span_hashes(values[letters].astype(np.uint64), first, np.diff(np.concatenate((first, [letters.size]))))
    return starts, units


def _count_lines(kinds: U16, rows: I64, units: tuple[I64, U64], out: npt.NDArray[np.int64]) -> None:
    """Lines that hold something, how many end like a sentence, and characters in lines already seen in the row."""
    classes = kinds & 15
    solid = np.flatnonzero((classes != ch.SPACE) & (classes != ch.BREAK))
    line = np.cumsum(classes == ch.BREAK) + rows  # a new number per line and per row
    first = np.flatnonzero(np.concatenate(([True], np.diff(line[solid]) != 0)))
    line_rows = rows[solid[first]]
    lengths = np.diff(np.concatenate((first, [solid.size])))
    out[:, _LINES] += _per_row(line_rows, len(out))
    core = np.flatnonzero((kinds[solid] & CLOSER) == 0)
    last_core = np.full(first.size, -1)
    last_core[np.searchsorted(first, core, side="right") - 1] = core  # the last write wins: positions ascend
    ended = (last_core >= 0) & (classes[solid[np.maximum(last_core, 0)]] == ch.STOP)
    out[:, _ENDED] += _per_row(line_rows[ended], len(out))
    starts, numbers = units
    first_unit = np.flatnonzero(np.concatenate(([True], np.diff(line[starts]) != 0)))
    hashes = _span_hashes(numbers, first_unit, np.diff(np.concatenate((first_unit, [starts.size]))))
    key = np.lexsort((np.arange(first.size), hashes, line_rows))
    again = (line_rows[key][1:] == line_rows[key][:-1]) & (hashes[key][1:] == hashes[key][:-1])
    repeated = key[1:][again]
    out[:, _REPEATED_LINES] += np.bincount(line_rows[repeated], weights=lengths[repeated], minlength=len(out)).astype(np.int64)


def _span_hashes(values: U64, first: I64, lengths: I64) -> U64:
    """`span_hashes` cut to 48 bits."""
    return span_hashes(values, first, lengths) >> np.uint64(16)


def span_hashes(values: U64, first: I64, lengths: I64) -> U64:
    """Polynomial hash of each span (`h * LINE_BASE + value`), from sums weighted with inverse powers modulo 2**64, then mixed."""
    inverse = np.full(values.size, LINE_INVERSE, dtype=np.uint64)
    inverse[0] = 1
    np.multiply.accumulate(inverse, out=inverse)
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(values * inverse)))
    powers = np.full(values.size, LINE_BASE, dtype=np.uint64)
    powers[0] = 1
    np.multiply.accumulate(powers, out=powers)
    last = first + lengths
    hashes: U64 = (sums[last] - sums[first]) * powers[last - 1] * np.uint64(MIXER)
    return hashes


def _count_words(values: U32, classes: I64, rows: I64, out: npt.NDArray[np.int64]) -> None:
    at = np.flatnonzero(classes == ch.LATIN)
    if not at.size:
        return
    starts = np.flatnonzero(np.concatenate(([True], (np.diff(at) != 1) | (rows[at[1:]] != rows[at[:-1]]))))
    lengths = np.diff(np.concatenate((starts, [at.size])))
    place = np.arange(at.size) - np.repeat(starts, lengths)
    letters = values[at] | 0x20
    plain = (letters >= 97) & (letters <= 122)
    shifts = np.minimum(place, 8).astype(np.uint64) * np.uint64(5)
    codes = np.add.reduceat(
        np.where(plain & (place < 8), (letters.astype(np.uint64) - np.uint64(96)) << shifts, np.uint64(0)), starts
    )
    is_stop = np.isin(codes, stop_codes()) & (lengths <= 8) & np.logical_and.reduceat(plain, starts)
    owner = rows[at[starts]]
    out[:, _WORDS] += _per_row(owner, len(out))
    out[:, _STOP_WORDS] += _per_row(owner[is_stop], len(out))


def _count_runs(values: U32, rows: I64, out: npt.NDArray[np.int64]) -> None:
    """The longest run of one character, white space between left out."""
    change = np.flatnonzero(np.concatenate(([True], (values[1:] != values[:-1]) | (rows[1:] != rows[:-1]))))
    np.maximum.at(out[:, _RUN], rows[change], np.diff(np.concatenate((change, [values.size]))))


def _count_grams(units: U64, rows: I64, out: npt.NDArray[np.int64]) -> None:
    """Windows of `GRAM` units, and how many had come before in the row."""
    windows = units.size - GRAM + 1
    if windows <= 0:
        return
    hashes = np.zeros(windows, dtype=np.uint64)
    for place in reversed(range(GRAM)):
        hashes *= np.uint64(GRAM_BASE)
        hashes += units[place : place + windows]
    inside = rows[:windows] == rows[GRAM - 1 :]
    owner = rows[:windows][inside]
    counted = _per_row(owner, len(out))
    out[:, _GRAMS] += counted
    sizes = LEAST_BITS << np.ceil(np.log2(np.maximum(counted * BITS_PER_GRAM / LEAST_BITS, 1))).astype(np.int64)
    ends = np.cumsum(sizes)
    slots = ((hashes[inside] * np.uint64(MIXER)) >> np.uint64(SLOT_SHIFT)).astype(np.int64) & (sizes - 1)[owner]
    seen = np.zeros(ends[-1], dtype=bool)
    seen[slots + (ends - sizes)[owner]] = True
    distinct = np.searchsorted(np.flatnonzero(seen), ends)
    out[:, _REPEATED_GRAMS] += counted - np.diff(distinct, prepend=0)
