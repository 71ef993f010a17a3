"""Numba twin of the look that all text goes through: same places, same bits, several times sooner (see `starts.Starts`)."""

from __future__ import annotations

from typing import Any

from corpushub.engine.pii.reader import WILD
from corpushub.engine.text.compiled import arrays, int64, kernel, types, uint8, uint16, uint32, uint64

_TABLES: Any = types.Tuple((arrays(uint16), arrays(uint32), arrays(uint8), arrays(uint64), arrays(int64)))
_ROOM: Any = types.Tuple((int64[::1], uint64[::1], int64[::1]))
_EVERY = uint64(0xFFFFFFFFFFFFFFFF)


@kernel(int64(arrays(uint32), int64, int64, _TABLES, _ROOM))
def anchored(codes: Any, begin: int, end: int, given: Any, room: Any) -> int:
    """Fill `room` with the places from `begin` to `end` where anchors can be, which ones, and of which word; how many there are."""
    classes, near, left, tables, places = given
    at, alive, word = room
    kinds, held = near.size // 3, 0
    words = tables.size // (places.size * kinds)
    before, here = int64(classes[min(codes[begin - 1], WILD)]), int64(classes[min(codes[begin], WILD)])
    for place in range(begin, end):
        after = int64(classes[min(codes[place + 1], WILD)])
        if left[near[before] + near[kinds + here] + near[2 * kinds + after]]:
            for number in range(words):
                bits, row = _EVERY, number * places.size * kinds
                for shift in places:
                    bits &= tables[row + int64(classes[min(codes[place + shift], WILD)])]
                    row += kinds
                    if not bits:
                        break
                if bits:
                    at[held], alive[held], word[held] = place, bits, number
                    held += 1
        before, here = here, after
    return held
