"""The numba twin of `stats.count`: one pass over the bytes of each row, integers equal to the numpy reference.

Three quarters of all characters are plain ideographs or the inside of an English word; each has a loop of its own. Everything else goes
through a table of at most 256 kinds that stays in the cache. A row's units are kept in a buffer, so that looking for phrases that come
again is a second loop without any branch to guess wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from corpushub.engine.text import characters as ch
from corpushub.engine.text import counts as ts
from corpushub.engine.text.compiled import _decode, arrays, helper, int64, kernel, types, uint8, uint16, uint64
from corpushub.engine.text.counts import CLOSER, FUNCTION, GRAM, LEAD, MARKUP, MOJIBAKE, SEPARATOR, TRAIL

_FUNCTION, _MOJIBAKE, _MARKUP, _SEPARATORS = ts._FUNCTION, ts._MOJIBAKE, ts._MARKUP, ts._SEPARATORS
_LINES, _ENDED, _REPEATED_LINES, _GRAMS = ts._LINES, ts._ENDED, ts._REPEATED_LINES, ts._GRAMS
_REPEATED_GRAMS, _RUN, _WORDS, _STOP_WORDS = ts._REPEATED_GRAMS, ts._RUN, ts._WORDS, ts._STOP_WORDS
_BREAK, _LATIN, _HAN, _STOP = ch.BREAK, ch.LATIN, ch.HAN, ch.STOP
_LINE_BASE, _INVERSE, _MIXER = np.uint64(ts.LINE_BASE), np.uint64(ts.GRAM_INVERSE), np.uint64(ts.MIXER)
_TOP = np.uint64(pow(ts.GRAM_BASE, GRAM - 1, 1 << 64))
_COLUMNS, _LEAST_BITS, _BITS = ts.COLUMNS, ts.LEAST_BITS, ts.BITS_PER_GRAM
_1, _3, _7, _16, _54 = (np.uint64(value) for value in (1, 3, 7, 16, 54))
_SLOT = np.uint64(ts.SLOT_SHIFT)
_NO_STOP_WORD = np.uint64(1 << 63)  # a bit no code of a stop word has: five bits for each of eight letters
_USED = np.uint64(1 << 63)  # lines are told apart by 48 bits, so this one is free to say that a place is taken

_TABLES = types.Tuple((arrays(uint8), arrays(uint16), arrays(uint64)))
"""Code point -> kind; kind -> class and flags, the kinds of a Latin letter, an ideograph and a symbol at the end; stop words."""
_BUFFERS = types.Tuple((uint64[:], uint64[:], int64[:], int64[:]))
"""Units of the row, hashes of its lines, their lengths, and how many characters of each kind it has; last, how often two look mistaken."""


@helper
def _kind(point: int, kinds: Any, flags: Any) -> Any:
    if point < 0x10000:
        return int64(kinds[point])
    return int64(flags[-2]) if 0x20000 <= point < 0x40000 else int64(flags[-1])


@helper
def _pairs(data: Any, i: int, end: int, kinds: Any, flags: Any) -> bool:
    """Whether the character at `i` looks like the second half of a UTF-8 character that was read byte by byte."""
    return i < end and flags[_kind(_decode(data, i)[0], kinds, flags)] & TRAIL != 0


@helper
def _word(data: Any, i: int, end: int, tables: Any, seen: Any, running: Any) -> Any:
    """One word of Latin letters from byte `i`: the byte after it, its hash, letters, its code, the run that goes on."""
    last, run, longest = running
    code, word, letters = uint64(0), uint64(0), 0
    while i < end:
        point, after = int64(data[i]), i + 1
        if 97 <= point | 0x20 <= 122:
            code |= uint64(point & 31) << uint64(min(5 * letters, 40))
        else:
            if point < 0xC3:
                break
            kinds, flags, _ = tables  # not sooner: taking arrays out of a tuple is counted, which costs more than a letter
            point, after = _decode(data, i)
            kind = _kind(point, kinds, flags)
            if flags[kind] & 15 != _LATIN:
                break
            if flags[kind] & LEAD and _pairs(data, after, end, kinds, flags):
                seen[-1] += 2
            seen[kind] += 1
            seen[flags[-3]] -= 1  # where all letters of the row are added in the end
            code = _NO_STOP_WORD
        i = after
        letters += 1
        word = word * _LINE_BASE + uint64(point)
        run = run + 1 if point == last else 1
        longest = max(longest, run)
        last = point
    return i, (word * _MIXER) >> _16, letters, code, last, run, longest


@helper
def _end_line(line: Any, length: int, ended: bool, lines: Any, lengths: Any, out: Any) -> None:
    place = out[_LINES]
    lines[place], lengths[place] = (line * _MIXER) >> _16, length
    out[_LINES] = place + 1
    out[_ENDED] += ended


@kernel(int64(arrays(uint8), int64, int64, _TABLES, _BUFFERS, int64[:]))
def _scan(data: Any, i: int, end: int, tables: Any, buffers: Any, out: Any) -> int:
    """Everything that one look at each character tells; how many units there are: words, and characters that are not white space."""
    kinds, flags, stops = tables
    units, lines, lengths, seen = buffers
    held, length, group, line = 0, 0, 0, uint64(0)
    last, run, longest = int64(-1), 0, 0
    words, latin, stop_words = 0, 0, 0
    while i < end:
        lead = int64(data[i])
        if 0xE4 <= lead <= 0xE9:  # U+4000 to U+9FFF: ideographs and little else, nothing of it white space
            point = ((lead & 15) << 12) | ((int64(data[i + 1]) & 0x3F) << 6) | (int64(data[i + 2]) & 0x3F)
            kind, group, i = int64(kinds[point]), _HAN, i + 3
        else:
            point, after, kind, value = 0, i, 0, _LATIN
            if not 97 <= lead | 0x20 <= 122:
                point, after = _decode(data, i)
                kind = _kind(point, kinds, flags)
                value = int64(flags[kind])
            if value & 15 == _LATIN:
                i, unit, letters, code, last, run, longest = _word(data, i, end, tables, seen, (last, run, longest))
                units[held] = unit
                line = line * _LINE_BASE + unit
                held, length, group = held + 1, length + letters, _LATIN
                words, latin = words + 1, latin + letters
                stop_words += stops[int64((code * stops[-1]) >> _54)] == code
                continue
            i = after
            if value & LEAD and _pairs(data, i, end, kinds, flags):
                seen[-1] += 2
            if value & 15 == _BREAK and length:
                _end_line(line, length, group == _STOP, lines, lengths, out)
                line, length, group = uint64(0), 0, 0
            if value & 15 <= _BREAK:
                seen[kind] += 1
                continue
            group = group if value & CLOSER else value & 15
        seen[kind] += 1
        units[held] = uint64(point)
        line = line * _LINE_BASE + uint64(point)
        held, length = held + 1, length + 1
        run = run + 1 if point == last else 1
        longest = max(longest, run)
        last = point
    if length:
        _end_line(line, length, group == _STOP, lines, lengths, out)
    out[_RUN], out[_WORDS], out[_STOP_WORDS] = longest, words, stop_words
    out[_MOJIBAKE] = seen[-1]
    seen[flags[-3]] += latin
    return held


@kernel(types.void(int64[:], arrays(uint16), int64[:]))
def _by_flag(seen: Any, flags: Any, out: Any) -> None:
    """The characters of each kind added to the counts they belong to."""
    for kind in range(flags.size - 3):
        count, value = seen[kind], int64(flags[kind])
        if count:
            out[value & 15] += count
            out[_FUNCTION] += count if value & FUNCTION else 0
            out[_MOJIBAKE] += count if value & MOJIBAKE else 0
            out[_MARKUP] += count if value & MARKUP else 0
            out[_SEPARATORS] += count if value & SEPARATOR else 0


@kernel(int64(uint64[:], int64, uint8[:]))
def _repeated_grams(units: Any, held: int, bits: Any) -> int:
    """Windows that fall on a bit another window has set: see `counts.BITS_PER_GRAM`."""
    size = _LEAST_BITS
    while size < _BITS * (held - GRAM + 1):
        size *= 2
    bits[: size // 8] = 0
    mask, found, window = uint64(size - 1), 0, uint64(0)
    for place in range(GRAM - 1):
        window = window * _INVERSE + units[place] * _TOP
    for place in range(GRAM - 1, held):
        window = window * _INVERSE + units[place] * _TOP
        slot = ((window * _MIXER) >> _SLOT) & mask
        window -= units[place - GRAM + 1]
        byte, bit = bits[slot >> _3], uint8(_1 << (slot & _7))
        found += byte & bit != 0
        bits[slot >> _3] = byte | bit
    return found


@kernel(int64(uint64[:], int64[:], int64, uint64[:]))
def _repeated_lines(lines: Any, lengths: Any, count: int, table: Any) -> int:
    """Characters in lines that stood in the row before."""
    size = 64
    while size < 2 * count:
        size *= 2
    table[:size] = uint64(0)
    mask, found = uint64(size - 1), 0
    for place in range(count):
        key = lines[place] | _USED
        slot = key & mask
        while table[slot] != uint64(0) and table[slot] != key:
            slot = (slot + _1) & mask
        found += lengths[place] if table[slot] == key else 0
        table[slot] = key
    return found


@kernel(int64[:, :](arrays(uint8), arrays(int64), _TABLES))
def count(data: Any, offsets: Any, tables: Any) -> Any:
    """See `stats.count`."""
    rows = offsets.size - 1
    out = np.zeros((rows, _COLUMNS), np.int64)
    longest = 64
    for row in range(rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    seen, flags = np.zeros(256, np.int64), tables[1]
    buffers = (np.empty(longest + 1, np.uint64), np.empty(longest + 1, np.uint64), np.empty(longest + 1, np.int64), seen)
    bits, table = np.empty(max(_LEAST_BITS, 2 * _BITS * longest) // 8, np.uint8), np.empty(4 * longest, np.uint64)
    for row in range(rows):
        counts = out[row]
        seen[:] = 0
        held = _scan(data, offsets[row], offsets[row + 1], tables, buffers, counts)
        _by_flag(seen, flags, counts)
        if counts[_LINES] > 1:
            counts[_REPEATED_LINES] = _repeated_lines(buffers[1], buffers[2], counts[_LINES], table)
        if held >= GRAM:
            counts[_GRAMS] = held - GRAM + 1
            counts[_REPEATED_GRAMS] = _repeated_grams(buffers[0], held, bits)
    return out
