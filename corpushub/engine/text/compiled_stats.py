"""The numba twin of `stats.count`: one pass over the bytes of each row, integers equal to the numpy reference."""

from __future__ import annotations

from typing import Any

import numpy as np

from corpushub.engine.text import characters as ch
from corpushub.engine.text import counts as ts
from corpushub.engine.text.compiled import _decode, arrays, boolean, helper, int64, kernel, types, uint8, uint16, uint64
from corpushub.engine.text.counts import CLOSER, FUNCTION, GRAM, LEAD, MARKUP, MOJIBAKE, SEPARATOR, TRAIL

_FUNCTION, _MOJIBAKE, _MARKUP, _SEPARATORS = ts._FUNCTION, ts._MOJIBAKE, ts._MARKUP, ts._SEPARATORS
_LINES, _ENDED, _REPEATED_LINES, _GRAMS = ts._LINES, ts._ENDED, ts._REPEATED_LINES, ts._GRAMS
_REPEATED_GRAMS, _RUN, _WORDS, _STOP_WORDS = ts._REPEATED_GRAMS, ts._RUN, ts._WORDS, ts._STOP_WORDS
_SPACE, _BREAK, _LATIN, _HAN, _STOP, _SYMBOL = ch.SPACE, ch.BREAK, ch.LATIN, ch.HAN, ch.STOP, ch.SYMBOL
_LINE_BASE, _GRAM_BASE, _INVERSE, _MIXER = (
    np.uint64(ts.LINE_BASE), np.uint64(ts.GRAM_BASE), np.uint64(ts.GRAM_INVERSE), np.uint64(ts.MIXER),
)  # fmt: skip
_TOP = np.uint64(pow(ts.GRAM_BASE, GRAM - 1, 1 << 64))
_COLUMNS = ts.COLUMNS
_16, _54 = np.uint64(16), np.uint64(54)
_STAMPS = np.uint64(0xFFFF)
_FIRST_HAN, _LAST_HAN = 0x4E00, 0x9FFF


@helper
def _seen_before(table: Any, mask: int, stamp: Any, key: Any) -> bool:
    """Whether `key` (48 bits) is in the open-addressing set of this `stamp`; enters it when not.

    An entry is key and stamp in one word: taking the next stamp empties the set, and a probe touches one cache line.
    """
    entry = (key << _16) | stamp
    slot = int64(key) & mask
    while table[slot] & _STAMPS == stamp:
        if table[slot] == entry:
            return True
        slot = (slot + 1) & mask
    table[slot] = entry
    return False


@helper
def _kind(point: int, attributes: Any, plain_han: Any) -> Any:
    """Class and flags of a character. Ideographs without flags are known from a bitmap: the table would not stay in the cache."""
    if _FIRST_HAN <= point <= _LAST_HAN and (plain_han[point >> 3] >> (point & 7)) & 1:
        return _HAN
    if point < 0x10000:
        return int64(attributes[point])
    return _HAN if 0x20000 <= point < 0x40000 else _SYMBOL


_TABLES = types.Tuple((arrays(uint16), arrays(uint8), arrays(uint64)))
_SETS = types.Tuple((uint64[:], uint64[:], uint64[:], int64[:], uint64))
"""Windows, lines, the last `GRAM` units, the sizes of both sets, and the stamp in force."""


@kernel(types.void(uint64, int64, boolean, arrays(uint64), int64[:]))
def _end_word(code: Any, letters: int, plain: bool, stops: Any, out: Any) -> None:
    out[_LATIN] += letters
    out[_WORDS] += 1
    if plain and letters <= 8 and stops[int64((code * stops[-1]) >> _54)] == code:
        out[_STOP_WORDS] += 1


@kernel(int64(arrays(uint8), int64, int64))
def _characters(data: Any, i: int, end: int) -> int:
    """How many characters the bytes are: those that do not continue one."""
    found = 0
    for at in range(i, end):
        found += (data[at] & 0xC0) != 0x80
    return found


@helper
def _unit(unit: Any, window: Any, before: int, sets: Any, out: Any) -> Any:
    """The window moved on by one unit, which `before` units precede: the hash of the last `GRAM`; counted when full and seen."""
    windows, _, ring, masks, stamp = sets
    spot = before % GRAM
    rolled = (window - ring[spot]) * _INVERSE + unit * _TOP
    ring[spot] = unit
    if before >= GRAM - 1:
        out[_REPEATED_GRAMS] += _seen_before(windows, masks[0], stamp, (rolled * _MIXER) >> _16)
    return rolled


@kernel(types.void(uint64, int64, boolean, _SETS, int64[:]))
def _end_line(line: Any, length: int, ended: bool, sets: Any, out: Any) -> None:
    _, lines, _, masks, stamp = sets
    out[_LINES] += 1
    out[_ENDED] += ended
    if _seen_before(lines, masks[1], stamp, line):
        out[_REPEATED_LINES] += length


@helper
def _flag(kind: int, leads: bool, out: Any) -> None:
    out[_FUNCTION] += kind & FUNCTION != 0
    out[_MARKUP] += kind & MARKUP != 0
    out[_SEPARATORS] += kind & SEPARATOR != 0
    out[_MOJIBAKE] += (kind & MOJIBAKE != 0) + 2 * (leads and kind & TRAIL != 0)


@kernel(types.void(int64, int64[:]))
def _size_sets(characters: int, masks: Any) -> None:
    """Slots in use minus one, a power of two: at most two thirds of the window set fill, half of the line set."""
    masks[:] = 63
    while masks[0] < characters + characters // 2:
        masks[0] = 2 * masks[0] + 1
    while masks[1] < characters:
        masks[1] = 2 * masks[1] + 1


@kernel(types.void(arrays(uint8), int64, int64, _TABLES, _SETS, int64[:]))
def _count_row(data: Any, i: int, end: int, tables: Any, sets: Any, out: Any) -> None:
    """All counts of one row in one pass. A unit is a Latin word or any other character that is not white space."""
    attributes, plain_han, stops = tables
    leads, plain, letters, code, word = False, True, 0, uint64(0), uint64(0)
    length, ended, last, run, longest = 0, False, int64(-1), 0, 0
    window, line, filled = uint64(0), uint64(0), 0
    sets[2][:] = uint64(0)
    while i <= end:
        lead = int64(data[i]) if i < end else 0
        while 97 <= lead | 0x20 <= 122:  # the inside of an English word, the hottest loop there is
            if letters < 8:
                code |= uint64(lead & 31) << uint64(5 * letters)
            letters += 1
            word = word * _LINE_BASE + uint64(lead)
            length += 1
            if lead != last:
                run = 1
            else:
                run += 1
                longest = max(longest, run)
            last, ended, leads, i = lead, False, False, i + 1
            lead = int64(data[i]) if i < end else 0
        point, i = _decode(data, i) if i < end else (0x0A, end + 1)  # a break ends the last word and line
        kind = _kind(point, attributes, plain_han)
        group = kind & 15
        if group not in (_SPACE, _BREAK):
            length += 1
            run = run + 1 if point == last else 1
            longest = max(longest, run)
            last = point
            if kind & CLOSER == 0:
                ended = group == _STOP
        if kind > 15:
            _flag(kind, leads, out)
        leads = kind & LEAD != 0
        if group == _LATIN:
            plain, letters = False, letters + 1
            word = word * _LINE_BASE + uint64(point)
            continue
        if letters:
            _end_word(code, letters, plain, stops, out)
            unit = (word * _MIXER) >> _16
            line = line * _LINE_BASE + unit
            window = _unit(unit, window, filled, sets, out)
            filled += 1
            plain, letters, code, word = True, 0, uint64(0), uint64(0)
        if group == _BREAK:
            if length:
                _end_line((line * _MIXER) >> _16, length, ended, sets, out)
            out[_BREAK] += i <= end
            line, length, ended = uint64(0), 0, False
        elif group == _SPACE:
            out[_SPACE] += 1
        else:
            out[group] += 1
            line = line * _LINE_BASE + uint64(point)
            window = _unit(uint64(point), window, filled, sets, out)
            filled += 1
    out[_RUN] = max(longest, min(filled, 1))
    out[_GRAMS] = max(filled - GRAM + 1, 0)


@kernel(int64[:, :](arrays(uint8), arrays(int64), _TABLES))
def count(data: Any, offsets: Any, tables: Any) -> Any:
    """See `stats.count`."""
    rows = offsets.size - 1
    out = np.zeros((rows, _COLUMNS), np.int64)
    longest = 64
    for row in range(rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    size = 128
    while size < 2 * longest:
        size *= 2
    windows, lines, ring = np.zeros(size, np.uint64), np.zeros(size, np.uint64), np.zeros(GRAM, np.uint64)
    stamp, masks = uint64(0), np.zeros(2, np.int64)
    for row in range(rows):
        _size_sets(_characters(data, offsets[row], offsets[row + 1]), masks)
        stamp += uint64(1)
        if stamp > _STAMPS:
            windows[:] = uint64(0)
            lines[:] = uint64(0)
            stamp = uint64(1)
        _count_row(data, offsets[row], offsets[row + 1], tables, (windows, lines, ring, masks, stamp), out[row])
    return out
