"""The numba twin of `textstats.count`: one pass over the bytes of each row, integers equal to the numpy reference."""

from __future__ import annotations

from typing import Any

import numpy as np

from corpushub.engine import characters as ch
from corpushub.engine import textstats as ts
from corpushub.engine.compiled import _decode, arrays, boolean, int64, kernel, types, uint8, uint16, uint32, uint64
from corpushub.engine.textstats import CLOSER, FUNCTION, GRAM, LEAD, MARKUP, MOJIBAKE, SEPARATOR, TRAIL

_FUNCTION, _MOJIBAKE, _MARKUP, _SEPARATORS = ts._FUNCTION, ts._MOJIBAKE, ts._MARKUP, ts._SEPARATORS
_LINES, _ENDED, _REPEATED_LINES, _GRAMS = ts._LINES, ts._ENDED, ts._REPEATED_LINES, ts._GRAMS
_REPEATED_GRAMS, _RUN, _WORDS, _STOP_WORDS = ts._REPEATED_GRAMS, ts._RUN, ts._WORDS, ts._STOP_WORDS
_SPACE, _BREAK, _LATIN, _HAN, _STOP, _SYMBOL = ch.SPACE, ch.BREAK, ch.LATIN, ch.HAN, ch.STOP, ch.SYMBOL
_LINE_BASE, _GRAM_BASE, _INVERSE, _MIXER = (
    np.uint64(ts.LINE_BASE), np.uint64(ts.GRAM_BASE), np.uint64(ts.GRAM_INVERSE), np.uint64(ts.MIXER),
)  # fmt: skip
_TOP = np.uint64(pow(ts.GRAM_BASE, GRAM - 1, 1 << 64))
_COLUMNS = ts.COLUMNS
_16 = np.uint64(16)
_TABLE = types.Tuple((uint64[:], uint32[:], uint32))
"""Keys, stamps and the stamp in force: a hash set that is emptied by taking the next stamp."""


@kernel(boolean(uint64[:], uint32[:], int64, uint32, uint64))
def _seen_before(keys: Any, stamps: Any, mask: int, stamp: Any, key: Any) -> bool:
    """Whether `key` is in the open-addressing table of this `stamp`; enters it when not."""
    slot = int64(key) & mask
    while stamps[slot] == stamp:
        if keys[slot] == key:
            return True
        slot = (slot + 1) & mask
    stamps[slot] = stamp
    keys[slot] = key
    return False


@kernel(types.void(arrays(uint8), int64, int64, arrays(uint16), arrays(uint64), int64[:]))
def _count_characters(data: Any, i: int, end: int, attributes: Any, stops: Any, out: Any) -> None:
    """Classes, flags, words, lines and the longest run of one row."""
    leads, in_word, plain, letters, code = False, False, True, 0, uint64(0)
    solid_in_line, ended, last, run, longest = 0, False, int64(-1), 0, 0
    while i < end:
        point, i = _decode(data, i)
        kind = int64(attributes[point]) if point < 65536 else _HAN if 131072 <= point < 262144 else _SYMBOL
        group = kind & 15
        out[group] += 1
        if kind > 15:
            if kind & FUNCTION:
                out[_FUNCTION] += 1
            if kind & MOJIBAKE:
                out[_MOJIBAKE] += 1
            if kind & MARKUP:
                out[_MARKUP] += 1
            if kind & SEPARATOR:
                out[_SEPARATORS] += 1
            if leads and kind & TRAIL:
                out[_MOJIBAKE] += 2
        leads = kind & LEAD != 0
        if group == _LATIN:
            letter = point | 0x20
            in_word = True
            if not 97 <= letter <= 122:
                plain = False
            elif letters < 8:
                code += uint64(letter - 96) << uint64(5 * letters)
            letters += 1
        elif in_word:
            out[_WORDS] += 1
            if plain and letters <= 8 and stops[np.searchsorted(stops, code) % stops.size] == code:
                out[_STOP_WORDS] += 1
            in_word, plain, letters, code = False, True, 0, uint64(0)
        if group == _BREAK:
            out[_LINES] += solid_in_line > 0
            out[_ENDED] += ended
            solid_in_line, ended = 0, False
        elif group != _SPACE:
            solid_in_line += 1
            if kind & CLOSER == 0:
                ended = group == _STOP
            run = run + 1 if point == last else 1
            last = point
            longest = max(longest, run)
    if in_word:
        out[_WORDS] += 1
        if plain and letters <= 8 and stops[np.searchsorted(stops, code) % stops.size] == code:
            out[_STOP_WORDS] += 1
    out[_LINES] += solid_in_line > 0
    out[_ENDED] += ended
    out[_RUN] = longest


@kernel(types.void(uint64[:], int64[:], _TABLE, int64[:]))
def _count_lines(lines: Any, lengths: Any, table: Any, out: Any) -> None:
    keys, stamps, stamp = table
    mask = 63
    while mask < 2 * lines.size and mask < keys.size - 1:
        mask = 2 * mask + 1
    for place in range(lines.size):
        if _seen_before(keys, stamps, mask, stamp, lines[place]):
            out[_REPEATED_LINES] += lengths[place]


@kernel(types.void(arrays(uint8), int64, int64, arrays(uint16), _TABLE, int64[:]))
def _count_repeats(data: Any, i: int, end: int, attributes: Any, table: Any, out: Any) -> None:
    """Windows and lines of one row that came before in it."""
    keys, stamps, stamp = table
    mask = 63
    while mask < 2 * (end - i) and mask < keys.size - 1:
        mask = 2 * mask + 1
    ring = np.zeros(GRAM, np.uint64)
    window, line, power = uint64(0), uint64(0), uint64(1)
    filled, spot, length = 0, 0, 0
    lines = np.empty(out[_LINES], np.uint64)
    lengths = np.empty(out[_LINES], np.int64)
    found = 0
    while i <= end:
        if i < end:
            point, i = _decode(data, i)
        else:
            point, i = 0x0A, i + 1
        group = int64(attributes[point]) & 15 if point < 0x10000 else _SYMBOL
        if group == _SPACE:
            continue
        if group == _BREAK:
            if length:
                lines[found] = (line * _MIXER) >> _16
                lengths[found] = length
                found += 1
            line, power, length = uint64(0), uint64(1), 0
            continue
        value = uint64(point)
        line += value * power
        power *= _LINE_BASE
        length += 1
        if filled < GRAM:
            filled += 1
            window = window * _INVERSE + value * _TOP
        else:
            window = (window - ring[spot]) * _INVERSE + value * _TOP
        ring[spot] = value
        spot = spot + 1 if spot < GRAM - 1 else 0
        if filled == GRAM:
            out[_GRAMS] += 1
            out[_REPEATED_GRAMS] += _seen_before(keys, stamps, mask, stamp, (window * _MIXER) >> _16)
    _count_lines(lines, lengths, (keys, stamps, uint32(stamp + 1)), out)


@kernel(int64[:, :](arrays(uint8), arrays(int64), arrays(uint16), arrays(uint64)))
def count(data: Any, offsets: Any, attributes: Any, stops: Any) -> Any:
    """See `textstats.count`."""
    rows = offsets.size - 1
    out = np.zeros((rows, _COLUMNS), np.int64)
    longest = 64
    for row in range(rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    size = 128
    while size < 2 * longest:
        size *= 2
    keys = np.zeros(size, np.uint64)
    stamps = np.zeros(size, np.uint32)
    for row in range(rows):
        _count_characters(data, offsets[row], offsets[row + 1], attributes, stops, out[row])
        _count_repeats(data, offsets[row], offsets[row + 1], attributes, (keys, stamps, uint32(2 * row + 1)), out[row])
    return out
