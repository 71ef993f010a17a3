"""The numba twin of `stats.count`: one pass over the bytes of each row, integers equal to the numpy reference.

Three quarters of all characters are plain ideographs or the inside of an English word; each has a loop of its own, in which nothing waits
for memory written just before. Everything else goes through a table of at most 256 kinds that stays in the cache. A row's units are kept
in a buffer, so that looking for phrases and lines that come again needs no second look at the characters.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from corpushub.engine.text import characters as ch
from corpushub.engine.text import counts as ts
from corpushub.engine.text.compiled import (
    BYTES,
    _decode,
    address,
    arrays,
    at_address,
    float64,
    helper,
    int64,
    kernel,
    types,
    uint8,
    uint16,
    uint64,
)
from corpushub.engine.text.counts import (
    CLOSER,
    FUNCTION,
    GRAM,
    IDEOGRAPH,
    LEAD,
    MARKUP,
    MOJIBAKE,
    PLAIN_SYMBOL,
    SEPARATOR,
    STOPS,
    TALLY,
    TRAIL,
)

_FUNCTION, _MOJIBAKE, _MARKUP, _SEPARATORS = ts._FUNCTION, ts._MOJIBAKE, ts._MARKUP, ts._SEPARATORS
_LINES, _ENDED, _REPEATED_LINES, _GRAMS = ts._LINES, ts._ENDED, ts._REPEATED_LINES, ts._GRAMS
_REPEATED_GRAMS, _RUN, _WORDS, _STOP_WORDS, _MARKS = ts._REPEATED_GRAMS, ts._RUN, ts._WORDS, ts._STOP_WORDS, ts._MARKS
_SPACE, _BREAK, _LATIN, _HAN, _STOP, _SYMBOL = ch.SPACE, ch.BREAK, ch.LATIN, ch.HAN, ch.STOP, ch.SYMBOL
_LINE_BASE, _INVERSE, _MIXER = np.uint64(ts.LINE_BASE), np.uint64(ts.GRAM_INVERSE), np.uint64(ts.MIXER)
_TOP = np.uint64(pow(ts.GRAM_BASE, GRAM - 1, 1 << 64))
_COLUMNS, _LEAST_BITS, _BITS = ts.COLUMNS, ts.LEAST_BITS, ts.BITS_PER_GRAM
_1, _3, _5, _7, _16, _54 = (np.uint64(value) for value in (1, 3, 5, 7, 16, 54))
_SLOT = np.uint64(ts.SLOT_SHIFT)
_FLAGGED: Final = FUNCTION | MOJIBAKE | MARKUP | SEPARATOR | LEAD
_FIELD, _WIDTH = np.uint64((1 << TALLY) - 1), np.uint64(TALLY)
_TALLIED: Final = 3 * ((1 << TALLY) - 1)  # bytes of ideographs whose tallies fit
_USED = np.uint64(1 << 63)  # lines are told apart by 48 bits, so this one is free to say that a place is taken
_STRIDE: Final = 64  # windows between two looks at whether the rest still matters

_TABLES = types.Tuple((arrays(uint8), arrays(uint16), arrays(uint64), arrays(uint64)))
_ADDRESSES = types.Tuple((BYTES, types.CPointer(uint16), types.CPointer(uint64), types.CPointer(uint64)))
"""Code point -> kind; kind -> class and flags (an ideograph's and a symbol's at the end); stop words; kind -> tallies of an ideograph."""
_BUFFERS = types.Tuple((types.CPointer(uint64), types.CPointer(int64), types.CPointer(int64)))
"""Units of the row; for each line its first unit, and how many characters it has."""
_SCRATCH = types.Tuple((uint64[::1], int64[::1], int64[::1], uint8[::1], uint64[::1]))


@helper
def _kind(point: int, kinds: Any, flags: Any) -> Any:
    if point < 0x10000:
        return int64(kinds[point])
    return int64(flags[IDEOGRAPH]) if 0x20000 <= point < 0x40000 else int64(flags[PLAIN_SYMBOL])


@helper
def _pairs(data: Any, i: int, end: int, kinds: Any, flags: Any) -> bool:
    """Whether the character at `i` looks like the second half of a UTF-8 character that was read byte by byte."""
    return i < end and flags[_kind(_decode(data, i)[0], kinds, flags)] & TRAIL != 0


@helper
def _word(data: Any, i: int, end: int, kinds: Any, flags: Any, running: Any) -> Any:
    """One word of Latin letters from byte `i`: the byte after it, its hash, letters, its code, the run that goes on, letters that look mistaken."""
    last, run, longest = running
    code, word, letters, odd, mistaken = uint64(0), uint64(0), 0, False, 0
    while i < end:
        point, after = int64(data[i]), i + 1
        if 97 <= point | 0x20 <= 122:
            code = (code << _5) | uint64(point & 31)
        else:
            if point < 0xC3:
                break
            point, after = _decode(data, i)
            value = int64(flags[_kind(point, kinds, flags)])
            if value & 15 != _LATIN:
                break
            if value & LEAD and _pairs(data, after, end, kinds, flags):
                mistaken += 2
            odd = True
        i = after
        letters += 1
        word = word * _LINE_BASE + uint64(point)
        run = run + 1 if point == last else 1
        longest = max(longest, run)
        last = point
    return i, (word * _MIXER) >> _16, letters, _USED if odd else code, last, run, longest, mistaken


@helper
def _end_line(first: int, length: int, ended: bool, buffers: Any, out: Any) -> None:
    _, firsts, lengths = buffers
    firsts[out[_LINES]], lengths[out[_LINES]] = first, length
    out[_LINES] += 1
    out[_ENDED] += ended


@helper
def _add_tally(tally: Any, count: int, out: Any) -> None:
    """What a run of `count` ideographs and symbols adds to the counts."""
    symbols = int64(tally & _FIELD)
    out[_SYMBOL] += symbols
    out[_HAN] += count - symbols
    for place in (_FUNCTION, _MOJIBAKE, _SEPARATORS, _MARKS):
        tally >>= _WIDTH
        out[place] += int64(tally & _FIELD)


@helper
def _add_flags(value: int, out: Any) -> None:
    out[_FUNCTION] += value & FUNCTION != 0
    out[_MOJIBAKE] += value & MOJIBAKE != 0
    out[_MARKUP] += value & MARKUP != 0
    out[_SEPARATORS] += value & SEPARATOR != 0


@kernel(int64(BYTES, int64, _ADDRESSES, _BUFFERS, types.CPointer(int64)))
def _scan(data: Any, end: int, tables: Any, buffers: Any, out: Any) -> int:
    """Everything that one look at each character tells; how many units there are: words, and characters that are not white space."""
    kinds, flags, stops, tallies = tables
    units, firsts, _ = buffers
    i, held, first, length, group = 0, 0, 0, 0, 0
    last, run, longest = int64(-1), 0, 0
    latin, spaces, words, stop_words, mistaken = 0, 0, 0, 0, 0
    while i < end:
        lead = int64(data[i])
        if 0xE4 <= lead <= 0xE9:  # U+4000 to U+9FFF: ideographs and a few symbols, nothing of it white space
            before, stop, tally = held, min(end, i + _TALLIED), uint64(0)
            while i < stop and 0xE4 <= lead <= 0xE9:
                point = ((lead & 15) << 12) | ((int64(data[i + 1]) & 0x3F) << 6) | (int64(data[i + 2]) & 0x3F)
                tally += tallies[kinds[point]]
                units[held] = uint64(point)
                run = run + 1 if point == last else 1
                longest = max(longest, run)
                last, held, i = point, held + 1, i + 3
                lead = int64(data[min(i, end - 1)])
            _add_tally(tally, held - before, out)
            length, group = length + held - before, _HAN
            continue
        if 97 <= lead | 0x20 <= 122:
            value, point, after = _LATIN, 0, i
        else:
            point, after = _decode(data, i)
            value = int64(flags[_kind(point, kinds, flags)])
        if value & 15 == _LATIN:
            i, units[held], letters, code, last, run, longest, wrong = _word(data, i, end, kinds, flags, (last, run, longest))
            held, length, group = held + 1, length + letters, _LATIN
            words, latin, mistaken = words + 1, latin + letters, mistaken + wrong
            stop_words += stops[int64((code * stops[STOPS]) >> _54)] == code
            if i < end and data[i] == 0x20:  # as most words are followed
                spaces, i = spaces + 1, i + 1
            continue
        i = after
        out[value & 15] += 1
        if value & _FLAGGED:
            _add_flags(value, out)
            mistaken += 2 * int64(value & LEAD != 0 and _pairs(data, i, end, kinds, flags))
        if value & 15 <= _BREAK:
            if value & 15 == _BREAK and length:
                _end_line(first, length, group == _STOP, buffers, out)
                first, length, group = held, 0, 0
            continue
        group = group if value & CLOSER else value & 15
        units[held] = uint64(point)
        held, length = held + 1, length + 1
        run = run + 1 if point == last else 1
        longest = max(longest, run)
        last = point
    if length:
        _end_line(first, length, group == _STOP, buffers, out)
    firsts[out[_LINES]] = held
    out[_LATIN], out[_SPACE], out[_MOJIBAKE] = latin, out[_SPACE] + spaces, out[_MOJIBAKE] + mistaken
    out[_RUN], out[_WORDS], out[_STOP_WORDS] = longest, words, stop_words
    return held


@helper
def _bit(bits: Any, window: Any, mask: Any) -> int:
    """Sets the bit of a window: whether it was set."""
    slot = ((window * _MIXER) >> _SLOT) & mask
    byte, bit = bits[slot >> _3], uint8(_1 << (slot & _7))
    bits[slot >> _3] = byte | bit
    met: int = int64(byte & bit != 0)
    return met


@kernel(int64(types.CPointer(uint64), int64, BYTES, float64))
def _repeated_grams(units: Any, held: int, bits: Any, above: float) -> int:
    """Windows that fall on a bit another window has set: see `counts.BITS_PER_GRAM`; not to the end where `above` is out of reach.

    Two windows move side by side, one through each half: each waits for its own last product only.
    """
    count = held - GRAM + 1
    size = _LEAST_BITS
    while size < _BITS * count:
        size *= 2
    for at in range(size // 8):
        bits[at] = 0
    mask, half, found = uint64(size - 1), count // 2, 0
    left, right = uint64(0), uint64(0)
    for place in range(GRAM - 1):
        left = left * _INVERSE + units[place] * _TOP
        right = right * _INVERSE + units[half + place] * _TOP
    place = GRAM - 1
    while place < half + GRAM - 1:
        done = 2 * (place - GRAM + 1)
        if found + count - done <= above * count:
            return found
        for at in range(place, min(place + _STRIDE, half + GRAM - 1)):
            left = left * _INVERSE + units[at] * _TOP
            right = right * _INVERSE + units[half + at] * _TOP
            found += _bit(bits, left, mask)
            found += _bit(bits, right, mask)
            left -= units[at - GRAM + 1]
            right -= units[half + at - GRAM + 1]
        place += _STRIDE
    if count > 2 * half:
        right = right * _INVERSE + units[held - 1] * _TOP
        found += _bit(bits, right, mask)
    return found


@helper
def _clear(table: Any, size: int) -> None:
    for at in range(size):
        table[at] = uint64(0)


@helper
def _line_hash(units: Any, first: int, last: int) -> Any:
    line = uint64(0)
    for place in range(first, last):
        line = line * _LINE_BASE + units[place]
    return _USED | ((line * _MIXER) >> _16)


@helper
def _met(table: Any, mask: Any, key: Any) -> bool:
    """Puts `key` into the table: whether it was there."""
    slot = key & mask
    while table[slot] != uint64(0) and table[slot] != key:
        slot = (slot + _1) & mask
    known: bool = table[slot] == key
    table[slot] = key
    return known


@kernel(int64(_BUFFERS, int64, types.CPointer(uint64)))
def _repeated_lines(buffers: Any, count: int, table: Any) -> int:
    """Characters in lines that stood in the row before. Lines are read whole only where two agree in length, first, middle and last unit."""
    units, firsts, lengths = buffers
    size = 64
    while size < 2 * count:
        size *= 2
    mask, again = uint64(size - 1), False
    _clear(table, size)
    for line in range(count):
        first, last = firsts[line], firsts[line + 1]
        key = ((units[first] * _LINE_BASE + units[last - 1]) * _LINE_BASE + units[(first + last) >> 1]) * _LINE_BASE
        again |= _met(table, mask, ((key + uint64(last - first)) * _MIXER) >> _16 | _USED)
    if not again:
        return 0
    found = 0
    _clear(table, size)
    for line in range(count):
        if _met(table, mask, _line_hash(units, firsts[line], firsts[line + 1])):
            found += lengths[line]
    return found


def scratch(longest: int) -> tuple[np.ndarray[Any, Any], ...]:
    """Room to work on rows of up to `longest` bytes: units, first units and lengths of lines, bits of windows, hashes of lines."""
    bits = max(_LEAST_BITS, 2 * _BITS * longest) // 8
    sizes = (
        (longest + 1, np.uint64),
        (longest + 2, np.int64),
        (longest + 1, np.int64),
        (bits, np.uint8),
        (4 * longest, np.uint64),
    )
    return tuple(np.empty(size, kind) for size, kind in sizes)


@kernel(int64[:, :](arrays(uint64), arrays(int64), _TABLES, _SCRATCH, float64))
def count(begins: Any, sizes: Any, tables: Any, room: Any, above: float) -> Any:
    """See `stats.count`; the rows are `utf8.Spans`, none longer than there is room for."""
    out = np.zeros((sizes.size, _COLUMNS), np.int64)
    kinds, flags, stops, tallies = tables
    units, firsts, lengths, bits, table = room
    given = address(kinds), address(flags), address(stops), address(tallies)
    buffers = address(units), address(firsts), address(lengths)
    for row in range(sizes.size):
        counted = out[row]
        held = _scan(at_address(begins[row]), sizes[row], given, buffers, address(counted))
        if counted[_LINES] > 1:
            counted[_REPEATED_LINES] = _repeated_lines(buffers, counted[_LINES], address(table))
        if held >= GRAM:
            counted[_GRAMS] = held - GRAM + 1
            counted[_REPEATED_GRAMS] = _repeated_grams(buffers[0], held, address(bits), above)
    return out
