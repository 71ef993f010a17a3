"""Numba twins of the text kernels (extra `fast`): same integers, same bytes, an order of magnitude sooner.

Every function here has a numpy reference and a test that both agree. Arrays come in read-only from Arrow buffers, so the signatures
say so: numba would otherwise compile each kernel once per flavour.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import numba
import numpy as np
from numba.extending import intrinsic

from corpushub.engine.text import characters as ch
from corpushub.engine.text import counts as ts
from corpushub.engine.text import shingling as mh

types: Any = numba.types
boolean, float32, float64, int64 = types.boolean, types.float32, types.float64, types.int64
uint8, uint16, uint32, uint64 = types.uint8, types.uint16, types.uint32, types.uint64
BYTES: Any = types.CPointer(uint8)
SOURCES: Final = ("characters.py", "counts.py", "shingling.py", "compiled.py", "compiled_stats.py")
F = TypeVar("F", bound=Callable[..., Any])


def kernel(signature: Any) -> Callable[[F], F]:
    """Compile for one signature, keep the machine code beside the module, let other threads run meanwhile."""

    def compile_or_load(function: F) -> F:
        dispatcher: Any = numba.njit(nogil=True)(function)
        dispatcher.enable_caching()
        kept = dispatcher._cache._cache_file
        kept._source_stamp = (kept._source_stamp, _sources())
        dispatcher.compile(signature)
        dispatcher.disable_compile()
        made: F = dispatcher
        return made

    return compile_or_load


@cache
def _sources() -> str:
    """A digest of every module whose constants and helpers are compiled into kernels.

    By itself the kept machine code is only as old as the file its function stands in: a constant changed elsewhere would go unnoticed.
    """
    folder = Path(__file__).parent
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in SOURCES)).hexdigest()


def helper(function: F) -> F:
    """A part of kernels, copied into each: a call into separately compiled code would cost more than the work."""
    dispatcher: Any = numba.njit(inline="always")(function)
    inlined: F = dispatcher
    return inlined


def arrays(kind: Any) -> Any:
    """A read-only array argument."""
    return types.Array(kind, 1, "C", readonly=True)


def _address(_context: Any, array: Any) -> Any:
    def find(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, given[0]).data

    return types.CPointer(array.dtype)(array), find


def _at_address(_context: Any, number: Any) -> Any:
    def turn(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.inttoptr(given[0], context.get_value_type(signature.return_type))

    return BYTES(number), turn


def _eight_bytes(_context: Any, data: Any, place: Any) -> Any:
    def load(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        eight = context.get_value_type(signature.return_type)
        loaded = builder.load(builder.bitcast(builder.gep(given[0], [given[1]]), eight.as_pointer()))
        loaded.align = 1
        return loaded

    return uint64(data, place), load


address: Any = intrinsic(_address)
"""Where an array's numbers lie. Passing an array on inside a loop counts its references, which costs more than a character's work; an address
is not counted. So only arrays that came as arguments or are returned: others may be gone before their address is used."""
at_address: Any = intrinsic(_at_address)
"""The bytes that begin at an address given as an integer."""
eight_bytes: Any = intrinsic(_eight_bytes)
"""Eight bytes at once, the first lowest, wherever they begin."""


@helper
def _decode(data: Any, i: int) -> Any:
    """Code point at byte `i` and the next index; `data` is valid UTF-8."""
    lead = int64(data[i])
    if lead < 0x80:
        return lead, i + 1
    if lead < 0xE0:
        return ((lead & 0x1F) << 6) | (data[i + 1] & 0x3F), i + 2
    if lead < 0xF0:
        return ((lead & 0x0F) << 12) | ((data[i + 1] & 0x3F) << 6) | (data[i + 2] & 0x3F), i + 3
    return ((lead & 0x07) << 18) | ((data[i + 1] & 0x3F) << 12) | ((data[i + 2] & 0x3F) << 6) | (data[i + 3] & 0x3F), i + 4


@helper
def _encode(out: Any, at: int, point: int) -> int:
    if point < 0x80:
        out[at] = point
        return at + 1
    if point < 0x800:
        out[at] = 0xC0 | (point >> 6)
        out[at + 1] = 0x80 | (point & 0x3F)
        return at + 2
    if point < 0x10000:
        out[at] = 0xE0 | (point >> 12)
        out[at + 1] = 0x80 | ((point >> 6) & 0x3F)
        out[at + 2] = 0x80 | (point & 0x3F)
        return at + 3
    out[at] = 0xF0 | (point >> 18)
    out[at + 1] = 0x80 | ((point >> 12) & 0x3F)
    out[at + 2] = 0x80 | ((point >> 6) & 0x3F)
    out[at + 3] = 0x80 | (point & 0x3F)
    return at + 4


_TABLES = types.Tuple((arrays(uint8), arrays(uint16), arrays(uint8), arrays(uint8)))
_ADDRESSES = types.Tuple((BYTES, types.CPointer(uint16), BYTES, BYTES))


@helper
def _solid(data: Any, i: int, end: int, special: Any) -> int:
    """Bytes of the character at `i` if it is no white space and normalising leaves it alone, else 0."""
    if i >= end:
        return 0
    lead = int64(data[i])
    if 0x20 < lead < 0x7F:
        return 1
    if 0xE4 <= lead <= 0xE9:
        return 3
    if lead < 0xC0:
        return 0
    point, after = _decode(data, i)
    if point >= 0x10000:
        return 4 if point >= 0x1F000 and not 0xE0000 <= point < 0xE1000 else 0
    return 0 if (special[point >> 3] >> (point & 7)) & 1 else after - i


_HIGH, _SPACES, _ONES, _SEVEN = (np.uint64(byte * 0x0101010101010101) for byte in (0x80, 0x20, 0x01, 0x7F))
_8, _63 = np.uint64(8), np.uint64(63)


@helper
def _plain(data: Any, i: int, inside: bool) -> int:
    """How many of the eight bytes at `i` are printable ASCII with single spaces between: seven or eight (a space at the end waits), or none."""
    eight = eight_bytes(data, i)
    if (eight | (eight - _SPACES) | (eight + _ONES)) & _HIGH:
        return 0
    gaps = ~((eight ^ _SPACES) + _SEVEN) & _HIGH
    if gaps & (gaps << _8) or not (inside or data[i] != 0x20):
        return 0
    width: int = 8 - int64(gaps >> _63)
    return width


@kernel(int64(BYTES, int64, int64, boolean, BYTES))
def _regular(data: Any, i: int, end: int, inside: bool, special: Any) -> int:
    """Where the first character stands about which normalising has to decide; `inside`: what comes before `i` is no white space."""
    while i < end:
        width = _plain(data, i, inside) if i + 8 <= end and data[i] < 0x80 else 0
        if width == 0:
            width = _solid(data, i, end, special)
        if width == 0:
            if not inside or (data[i] != 0x20 and data[i] != 0x0A):
                return i
            width = 2 if data[i] == 0x0A and i + 1 < end and data[i + 1] == 0x0A else 1
            if _solid(data, i + width, end, special) == 0:
                return i
        inside = True
        i += width
    return end


@kernel(boolean[:](arrays(uint64), arrays(int64), arrays(uint8)))
def irregular(begins: Any, sizes: Any, special: Any) -> Any:
    """Which of the rows (`utf8.Spans`) normalising may change."""
    out = np.empty(sizes.size, np.bool_)
    for row in range(sizes.size):
        out[row] = _regular(at_address(begins[row]), 0, sizes[row], False, address(special)) < sizes[row]
    return out


@helper
def _action(data: Any, i: int, after: int, end: int, tables: Any) -> Any:
    """What the special character at `i` becomes."""
    _, table, _, joining = tables
    point = _decode(data, i)[0]
    if point == 0x0D and after < end and data[after] == 0x0A:
        return int64(ch.DROP)
    if point in (0x200C, 0x200D):
        before = i - 1
        while before >= 0 and data[before] & 0xC0 == 0x80:
            before -= 1
        holder = _decode(data, before)[0] if before >= 0 else int64(0)
        joins = joining[holder] == 1 if holder < 0x10000 else holder >= 0x1F000 and not 0xE0000 <= holder < 0xE1000
        return point if joins else int64(ch.DROP)
    if point < 0x10000:
        return int64(table[point])
    return int64(ch.DROP) if 0xE0000 <= point < 0xE1000 else point


@kernel(types.Tuple((int64, boolean))(BYTES, int64, BYTES, int64, _ADDRESSES))
def _normal_row(data: Any, end: int, out: Any, at: int, tables: Any) -> Any:
    """One row written to `out` from `at`: where it ends, and whether it still needs NFC."""
    special, _, compose, _ = tables
    i, start, breaks, blank, flag = 0, at, 0, False, False
    while i < end:
        if not blank and breaks == 0:  # inside a word or a run of ideographs nothing has to be decided
            stop = _regular(data, i, end, at > start, special)
            for place in range(i, stop):
                out[at + place - i] = data[place]
            i, at = stop, at + stop - i
            if i == end:
                break
        point, after = _decode(data, i)
        kept = point
        if point >= 0x10000 or (special[point >> 3] >> (point & 7)) & 1:
            flag |= compose[point] == 1 if point < 0x10000 else point < 0x1F000
            kept = _action(data, i, after, end, tables)
        i = after
        if kept == ch.DROP:
            continue
        if kept == ch.BLANK:
            blank = True
        elif kept == ch.NEWLINE:
            breaks += 1
        else:
            if (blank or breaks > 0) and at > start:
                out[at] = 0x0A if breaks > 0 else 0x20
                at += 1
                if breaks > 1:
                    out[at] = 0x0A
                    at += 1
            breaks, blank = 0, False
            at = _encode(out, at, kept)
    return at, flag


@kernel(types.Tuple((uint8[:], int64[:], boolean[:]))(arrays(uint64), arrays(int64), _TABLES))
def normalise(begins: Any, sizes: Any, tables: Any) -> Any:
    """See `engine.text.normalise`: bytes, offsets, and which rows still need NFC."""
    special, table, compose, joining = tables
    given = address(special), address(table), address(compose), address(joining)
    out = np.empty(sizes.sum() + 4, np.uint8)
    bounds = np.zeros(sizes.size + 1, np.int64)
    flags = np.zeros(sizes.size, np.bool_)
    for row in range(sizes.size):
        bounds[row + 1], flags[row] = _normal_row(at_address(begins[row]), sizes[row], address(out), bounds[row], given)
    return out[: bounds[sizes.size]], bounds, flags


_HEAD, _HEAD_MIXER, _HEAD_SHIFT = np.uint64((1 << (8 * ts.HEAD_BYTES)) - 1), np.uint64(ts.HEAD_MIXER), np.uint64(ts.HEAD_SHIFT)
_WINDOWS: Final = 8 - ts.HEAD_BYTES + 1
_PHRASES = types.Tuple((arrays(uint16), arrays(uint16), arrays(uint8), arrays(int64), arrays(int64)))
_PHRASES_AT = types.Tuple((types.CPointer(uint16), types.CPointer(uint16), BYTES, types.CPointer(int64)))


@helper
def _small(byte: Any) -> Any:
    return byte | uint8(0x20) if 65 <= byte <= 90 else byte


@helper
def _phrase(data: Any, i: int, end: int, head: Any, phrases: Any) -> int:
    """The number of the phrase at `i`, whose first bytes are `head`, or 0."""
    heads, before, words, bounds = phrases
    number: int = int64(heads[((head & _HEAD) * _HEAD_MIXER) >> _HEAD_SHIFT])
    while number:
        first, size = bounds[number - 1], bounds[number] - bounds[number - 1]
        same = 0
        while same < size and i + same < end and _small(data[i + same]) == words[first + same]:
            same += 1
        if same == size:
            break
        number = int64(before[number])
    return number


@kernel(int64(BYTES, int64, int64, _PHRASES_AT))
def _next_phrase(data: Any, i: int, end: int, phrases: Any) -> int:
    """The first place from `i` on where a phrase stands, times 65,536, and its number; -1 where there is none."""
    heads = phrases[0]
    while i + 8 <= end:
        eight, met = eight_bytes(data, i) | _SPACES, uint16(0)
        for window in range(_WINDOWS):
            met |= heads[(((eight >> uint64(8 * window)) & _HEAD) * _HEAD_MIXER) >> _HEAD_SHIFT]
        if met:
            for window in range(_WINDOWS):
                number = _phrase(data, i + window, end, eight >> uint64(8 * window), phrases)
                if number:
                    return ((i + window) << 16) | number
        i += _WINDOWS
    while i + ts.HEAD_BYTES <= end:
        head = uint64(0)
        for byte in range(ts.HEAD_BYTES):
            head |= uint64(data[i + byte] | 0x20) << uint64(8 * byte)
        number = _phrase(data, i, end, head, phrases)
        if number:
            return (i << 16) | number
        i += 1
    return -1


@kernel(int64[:](arrays(uint64), arrays(int64), _PHRASES))
def phrase_chars(begins: Any, sizes: Any, phrases: Any) -> Any:
    """See `phrases.Phrases.chars`; the rows are `utf8.Spans`."""
    heads, before, words, bounds, chars = phrases
    given = address(heads), address(before), address(words), address(bounds)
    out = np.zeros(sizes.size, np.int64)
    for row in range(sizes.size):
        found = _next_phrase(at_address(begins[row]), 0, sizes[row], given)
        while found >= 0:
            number = found & 0xFFFF
            out[row] += chars[number - 1]
            after = (found >> 16) + bounds[number] - bounds[number - 1]
            found = _next_phrase(at_address(begins[row]), after, sizes[row], given)
    return out


_BASE, _MIX_1, _MIX_2 = np.uint64(mh.BASE), np.uint64(mh.MIX_1), np.uint64(mh.MIX_2)
_OLDEST = np.uint64(pow(mh.BASE, mh.WIDTH - 1, 1 << 64))
_6, _12 = np.uint64(6), np.uint64(12)
_NOTHING, _BIN, _VALUE = np.uint32(mh.NOTHING), np.uint32(mh.BIN_SHIFT), np.uint32(mh.VALUE)
_27, _30, _32 = np.uint64(27), np.uint64(30), np.uint64(32)


@helper
def _mixed(value: Any) -> Any:
    value ^= value >> _30
    value *= _MIX_1
    value ^= value >> _27
    value *= _MIX_2
    return uint32(value >> _32)


@kernel(int64(arrays(uint8), int64, int64, arrays(uint16), uint32[:]))
def _shingle_row(data: Any, i: int, end: int, fold: Any, out: Any) -> int:
    """Shingles of one row into `out`; how many."""
    a = b = c = d = e = window = uint64(0)  # the last five characters, and their polynomial
    held = 0
    while i < end:
        lead = data[i]
        if 0xE4 <= lead <= 0xE9:  # ideographs fold to themselves: leave the table out of the cache
            value = (uint64(lead & 15) << _12) | (uint64(data[i + 1] & 0x3F) << _6) | uint64(data[i + 2] & 0x3F)
            i += 3
        else:
            point, i = _decode(data, i)
            value = uint64(fold[point]) if point < 0x10000 else uint64(point)
            if value == 0:
                continue
        window = (window - e * _OLDEST) * _BASE + value
        a, b, c, d, e = value, a, b, c, d
        held += 1
        if held >= mh.WIDTH:
            out[held - mh.WIDTH] = _mixed(window)
    if held >= mh.WIDTH:
        return held - mh.WIDTH + 1
    if held:
        for _ in range(held, mh.WIDTH):
            window *= _BASE
        out[0] = _mixed(window)
    return min(held, 1)


@kernel(types.Tuple((uint32[:], int64[:]))(arrays(uint8), arrays(int64), arrays(uint16)))
def shingles(data: Any, offsets: Any, fold: Any) -> Any:
    """See `minhash.shingles`."""
    rows = offsets.size - 1
    out = np.empty(data.size + 1, np.uint32)
    bounds = np.zeros(rows + 1, np.int64)
    for row in range(rows):
        bounds[row + 1] = bounds[row] + _shingle_row(data, offsets[row], offsets[row + 1], fold, out[bounds[row] :])
    return out[: bounds[rows]], bounds


@kernel(types.void(uint32[:], types.Array(uint8, 2, "C", readonly=True)))
def _borrow(minima: Any, probes: Any) -> None:
    """See `minhash._borrow`."""
    empty = minima == _NOTHING
    for place in range(mh.MINIMA):
        turn = 0
        while empty[place] and turn < mh.MINIMA:
            source = probes[place, turn]
            if not empty[source]:
                minima[place] = minima[source]
                break
            turn += 1


@kernel(
    types.Tuple((uint32[:, :], int64[:]))(arrays(uint8), arrays(int64), arrays(uint16), types.Array(uint8, 2, "C", readonly=True))
)
def signatures(data: Any, offsets: Any, fold: Any, probes: Any) -> Any:
    """See `minhash.signatures`."""
    rows = offsets.size - 1
    out = np.full((rows, mh.MINIMA), _NOTHING, np.uint32)
    counts = np.zeros(rows, np.int64)
    longest = 8
    for row in range(rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    buffer = np.empty(longest + 8, np.uint32)
    for row in range(rows):
        count = _shingle_row(data, offsets[row], offsets[row + 1], fold, buffer)
        counts[row] = count
        least = out[row]
        for at in range(count):
            place, value = buffer[at] >> _BIN, buffer[at] & _VALUE
            least[place] = min(least[place], value)
        if count and (least == _NOTHING).any():
            _borrow(least, probes)
    return out, counts


@helper
def _place(table: Any, mask: int, entry: Any) -> Any:
    """Where `entry` (a stamp above a shingle) stands in the open-addressing table, or where it would."""
    slot = int64(entry) & mask
    while table[slot] >> _32 == entry >> _32 and table[slot] != entry:
        slot = (slot + 1) & mask
    return slot


@kernel(types.Tuple((int64[:], int64[:]))(arrays(uint32), arrays(int64), arrays(int64), arrays(int64)))
def overlaps(values: Any, bounds: Any, first: Any, second: Any) -> Any:
    """Distinct shingles of every row, and how many distinct ones each pair of rows shares; fastest with pairs in order of `first`."""
    rows, pairs = bounds.size - 1, first.size
    size = 64
    for row in range(rows):
        while size < 2 * (bounds[row + 1] - bounds[row]):
            size *= 2
    table, met = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    distinct, shared = np.zeros(rows, np.int64), np.zeros(pairs, np.int64)
    stamp = uint64(0)
    for row in range(rows):
        stamp += uint64(1)
        for at in range(bounds[row], bounds[row + 1]):
            entry = (stamp << _32) | uint64(values[at])
            slot = _place(table, size - 1, entry)
            distinct[row] += table[slot] != entry
            table[slot] = entry
    held = int64(-1)
    for pair in range(pairs):
        if first[pair] != held:
            held = first[pair]
            stamp += uint64(1)
            for at in range(bounds[held], bounds[held + 1]):
                entry = (stamp << _32) | uint64(values[at])
                table[_place(table, size - 1, entry)] = entry
        for at in range(bounds[second[pair]], bounds[second[pair] + 1]):
            entry = (stamp << _32) | uint64(values[at])
            slot = _place(table, size - 1, entry)
            if table[slot] == entry and met[slot] != pair + 1:
                met[slot] = pair + 1
                shared[pair] += 1
    return distinct, shared


@kernel(types.void(types.Array(uint8, 2, "C", readonly=True), arrays(types.int32), arrays(types.int32), uint8[::1]))
def matches(check: Any, first: Any, second: Any, out: Any) -> None:
    """See `minhash.matches`."""
    for pair in range(first.size):
        one, other = check[first[pair]], check[second[pair]]
        equal = uint8(0)
        for at in range(one.size):
            equal = uint8(equal + uint8(one[at] == other[at]))
        out[pair] = equal
