"""What a parsed pattern says of the characters around a match: which may stand at each place before and after a point of it.

The sets may allow too much, never too little: alternatives are joined, look-arounds and what comes after an unknown length are taken as far
as they are certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, reduce
from operator import and_, or_
from re import _constants as sre  # type: ignore[attr-defined]  # CPython's own parser, in no stub
from typing import Any

import numpy as np
import regex  # type: ignore[import-untyped]  # comes without types
from numpy.typing import NDArray

AHEAD, BEHIND = 20, 3  # places read of a pattern: an identity number and what must not follow it, a label's last characters
WILD = 0xFFFF  # stands for all characters outside the basic plane; every set holds it
_CASE_AND_ASCII = int(re.IGNORECASE | re.ASCII)
REPEATS = {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}
_CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d", sre.CATEGORY_NOT_DIGIT: r"\D", sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S", sre.CATEGORY_WORD: r"\w", sre.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip

Sets = tuple[int, ...]  # one set of character classes per place, as bits; places beyond the end are free
Ways = dict[int, tuple[Sets, Sets]]  # by width: what may stand before (nearest first), and from the beginning on
Class = tuple[str, int]  # a character class as source and flags
WORD = (r"[\w]", 0)
_RANGE = re.compile(r"\\U([0-9a-f]{8})(?:-\\U([0-9a-f]{8}))?")
_PLAIN = re.compile(rf"\[(?:{_RANGE.pattern})+\]")
NOTHING: Ways = {0: ((), ())}


class Reader:
    """Reads a parsed pattern into the characters each place may hold. Walking `back` reads a look-behind from its end."""

    def __init__(self, bits: dict[Class, int], full: int, wild: int) -> None:
        self.bits, self.full, self.wild = bits, full, wild
        self.unknown: Ways = {width: ((), (full,) * width) for width in range(AHEAD + 1)}
        self._known: dict[
            tuple[int, int, bool], tuple[Any, Ways]
        ] = {}  # by node, which is kept so that its identity stays its own

    def sequence(self, items: Sequence[tuple[Any, Any]], flags: int, *, back: bool) -> Ways:
        ways = NOTHING
        items = items[::-1] if back else items
        for place, (op, value) in enumerate(items):
            if min(ways, default=AHEAD) == AHEAD:
                break
            if op is sre.AT and value is sre.AT_BOUNDARY and not back:
                ways = self._bounded(ways, items[place + 1 :], flags)
            else:
                ways = joined(ways, self.node(op, value, flags, back=back), self.full)
        return ways

    def _bounded(self, ways: Ways, rest: Sequence[tuple[Any, Any]], flags: int) -> Ways:
        """After a word character a boundary needs another kind of character; before one, it needs another kind in front."""
        word = self.bits[WORD[0], flags & int(re.ASCII)]
        other = self.full & ~word | self.wild
        if 0 not in ways:
            return either(
                {width: (before, (*ahead[:width], ahead[width] & other if len(ahead) > width else other))}
                if width < AHEAD and not ahead[width - 1] & ~word
                else {width: (before, ahead)}
                for width, (before, ahead) in ways.items()
            )
        follows = common(self.sequence(rest, flags, back=False).values())[1]
        return joined(ways, {0: ((other,), ())}, self.full) if follows and not follows[0] & ~word else ways

    def node(self, op: Any, value: Any, flags: int, *, back: bool) -> Ways:
        if (source := class_source(op, value, flags)) is not None:
            return {1: ((), (self.bits[source],))}
        if op is sre.AT:
            return NOTHING
        if op in {sre.ASSERT, sre.ASSERT_NOT}:
            direction, inner = value
            sets = self._asserted(list(inner), flags, back=direction < 0, negated=op is sre.ASSERT_NOT)
            return {0: ((), sets)} if (direction < 0) == back else {0: (sets[:BEHIND], ())}
        key = id(value), flags, back
        if key not in self._known:  # the same part of a pattern is read from each of its points
            self._known[key] = value, self._compound(op, value, flags, back=back)
        return self._known[key][1]

    def _compound(self, op: Any, value: Any, flags: int, *, back: bool) -> Ways:
        if op is sre.SUBPATTERN:
            return self.sequence(list(value[3]), (flags | value[1]) & ~value[2], back=back)
        if op is sre.BRANCH:
            return either(self.sequence(list(way), flags, back=back) for way in value[1])
        if op in REPEATS:
            return self._repeated(value, flags, back=back)
        if op is sre.ATOMIC_GROUP:
            return self.sequence(list(value), flags, back=back)
        return self.unknown

    def _asserted(self, inner: list[tuple[Any, Any]], flags: int, *, back: bool, negated: bool) -> Sets:
        if not negated:
            return common(self.sequence(inner, flags, back=back).values())[1]
        refused = self._alone(inner, flags)
        return (self.full & ~refused | self.wild,) if refused else ()

    def _alone(self, items: Sequence[tuple[Any, Any]], flags: int) -> int:
        """Characters that match by themselves, whatever stands beside them: those a negative look-around forbids for sure."""
        needed = [item for item in items if item[0] not in REPEATS or item[1][0] > 0]
        if len(needed) != 1:
            return 0
        op, value = needed[0]
        if op is sre.BRANCH:
            return reduce(or_, (self._alone(list(way), flags) for way in value[1]), 0)
        if op is sre.SUBPATTERN:
            return self._alone(list(value[3]), (flags | value[1]) & ~value[2])
        source = class_source(op, value, flags)
        return 0 if source is None else self.bits[source]

    def _repeated(self, value: Any, flags: int, *, back: bool) -> Ways:
        least, most, inner = int(value[0]), int(value[1]), list(value[2])
        once = self.sequence(inner, flags, back=back)
        if list(once) == [1] and len(once[1][1]) == 1 and not once[1][0]:
            return {count: ((), once[1][1] * count) for count in range(min(least, AHEAD), min(most, AHEAD) + 1)}
        ways = NOTHING
        for _ in range(min(least, AHEAD)):
            ways = joined(ways, once, self.full)
        every = [ways]
        for _ in range(min(most - least, AHEAD)):
            if min(ways, default=AHEAD) == AHEAD:
                break
            ways = joined(ways, once, self.full)
            every.append(ways)
        return either(every)


def joined(first: Ways, second: Ways, full: int) -> Ways:
    """What may stand where `second` follows `first`. Widths are cut at AHEAD."""
    made: list[Ways] = []
    for width, (before, ahead) in first.items():
        if width == AHEAD:
            made.append({width: (before, ahead)})
            continue
        own, beyond = ahead[:width] + (full,) * (width - len(ahead)), ahead[width:]
        for more, (before_it, after_it) in second.items():
            behind = both(before, before_it) if width == 0 else before
            sets = (own + both(beyond, after_it))[:AHEAD]
            if 0 not in sets:
                made.append({min(AHEAD, width + more): (behind, sets)})
    return either(made)


def either(several: Iterable[Ways]) -> Ways:
    """One of several ways: where widths are equal, a place may hold what it holds in any."""
    found: dict[int, list[tuple[Sets, Sets]]] = {}
    for ways in several:
        for width, sets in ways.items():
            found.setdefault(width, []).append(sets)
    return {width: common(sets) for width, sets in found.items()}


def common(several: Iterable[tuple[Sets, Sets]]) -> tuple[Sets, Sets]:
    """What each place may hold in any of several ways, as far as all of them say."""
    befores, aheads = zip(*several, strict=True) if (several := list(several)) else (((),), ((),))
    return reduce(any_of, befores), reduce(any_of, aheads)


def any_of(one: Sets, two: Sets) -> Sets:
    """What each place may hold in one or the other, as far as both say."""
    return tuple(map(or_, one, two))


def both(one: Sets, two: Sets) -> Sets:
    """What each place may hold where both are to hold."""
    return (*map(and_, one, two), *one[len(two) :], *two[len(one) :])


def class_source(op: Any, value: Any, flags: int) -> Class | None:
    """The node as a character class, or None where it is none."""
    kept = int(flags) & _CASE_AND_ASCII
    if op is sre.LITERAL:
        return f"[{_escape(value)}]", kept
    if op is sre.NOT_LITERAL:
        return f"[^{_escape(value)}]", kept
    if op is sre.ANY:
        return (r"[\s\S]" if flags & re.DOTALL else r"[^\n]"), 0
    if op is sre.IN:
        return f"[{''.join(_member(*item) for item in value)}]", kept
    return None


def _member(op: Any, value: Any) -> str:
    if op is sre.NEGATE:
        return "^"
    if op is sre.LITERAL:
        return _escape(value)
    if op is sre.RANGE:
        return f"{_escape(value[0])}-{_escape(value[1])}"
    return _CATEGORIES[value]


def _escape(code: int) -> str:
    return f"\\U{code:08x}"


def classes_of(items: Iterable[Any], flags: int) -> Iterator[Class]:
    """Every character class of a parsed pattern."""
    for op, value in items:
        if op is sre.AT:
            yield WORD[0], flags & int(re.ASCII)
        elif (source := class_source(op, value, flags)) is not None:
            yield source
        elif op is sre.SUBPATTERN:
            yield from classes_of(value[3], (flags | value[1]) & ~value[2])
        elif op is sre.BRANCH:
            for way in value[1]:
                yield from classes_of(way, flags)
        elif op in REPEATS:
            yield from classes_of(value[2], flags)
        elif op in {sre.ASSERT, sre.ASSERT_NOT}:
            yield from classes_of(value[1], flags)
        elif op is sre.ATOMIC_GROUP:
            yield from classes_of(value, flags)


def partition(sources: Iterable[Class]) -> tuple[NDArray[np.uint16], dict[Class, int]]:
    """For each character of the basic plane the class of characters no pattern tells apart, and each source as a set of classes.

    Characters are told apart by the sum of random numbers of the sources that hold them. Should two sums meet, classes grow: sets may allow
    more, as they may.
    """
    members = {source: _members(source) for source in sorted(sources)}
    marks = np.random.default_rng(0).integers(1, 1 << 62, len(members), dtype=np.uint64)
    sums = np.zeros(WILD + 1, dtype=np.uint64)
    for mark, ranges in zip(marks, members.values(), strict=True):
        for begin, end in ranges:
            sums[begin:end] += mark
    sums[WILD] = np.uint64(1 << 63)
    _, numbers = np.unique(sums, return_inverse=True)
    bits = {}
    for source, ranges in members.items():
        held = np.zeros(int(numbers.max()) + 1, dtype=np.uint8)
        for begin, end in (*ranges, (WILD, WILD + 1)):
            held[numbers[begin:end]] = 1
        bits[source] = int.from_bytes(np.packbits(held, bitorder="little").tobytes(), "little")
    return numbers.astype(np.uint16), bits


@cache
def _plane() -> str:
    return "".join(map(chr, range(WILD + 1)))


def _members(source: Class) -> list[tuple[int, int]]:
    """Ranges of the basic plane the class holds: where it does not say so itself, the engine that will match does."""
    text, flags = source
    if _PLAIN.fullmatch(text) and not flags & re.IGNORECASE:
        ranges = [(int(begin, 16), int(end or begin, 16) + 1) for begin, end in _RANGE.findall(text)]
        return [(begin, min(end, WILD)) for begin, end in ranges if begin < WILD]
    return [found.span() for found in regex.finditer(text + "+", _plane(), flags=flags)]
