"""Where in a text each of many patterns can begin, for all patterns in one go.

A pattern is looked for where it is rarest: at its beginning, or at an anchor inside it (the `@` of an address) or in the words that must stand
in front of it, where those are told from running text more easily. `reader` says for each place around the anchor which characters may stand
there, so a match can only be where every set agrees. One bit per anchor and one table per place make the test of all patterns a table look-up
and an "and" per place; three places at once, of all anchors, leave hardly a position. The sets may allow too much, never too little: the
regular expression decides.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from math import prod
from re import _constants as sre  # type: ignore[attr-defined]  # CPython's own parser, in no stub
from re import _parser as parser  # type: ignore[attr-defined]  # as above
from typing import Any

import numpy as np
import regex  # type: ignore[import-untyped]  # comes without types
from numpy.typing import NDArray

from corpushub.engine.kept import Arrays, kept
from corpushub.engine.pii.reader import AHEAD, BEHIND, WILD, Reader, both, classes_of, common, joined, partition
from corpushub.engine.text.utf8 import compiled

DENSE = (-1, 0, 1)  # places tested at every character; the others only where these agree
MASK = (1 << 64) - 1
BLOCK = 1 << 17  # characters tested together: stays in the cache
LEFT = BEHIND + 8  # places read before an anchor: it may lie some way into its pattern
REACH = 70  # characters between an anchor and the beginning of its match, at most
RARE = 1e-3  # a pattern whose beginning is met more often in running text is given an anchor
FLOOR = 1e-4  # share of a character that running text happens not to hold
WIDTHLESS = {sre.AT, sre.ASSERT, sre.ASSERT_NOT}
MADE_OF = ("engine/pii/starts.py", "engine/pii/reader.py", "rules/pii-running.toml")  # beside the patterns
Items = list[tuple[Any, Any]]
Places = NDArray[np.int64]
Alternatives = tuple[list[Items], Items]  # ways to begin, and what follows each
Found = tuple[Places, NDArray[np.uint64], NDArray[np.int64]]  # places, which anchors of a word can be there, and the word


@dataclass(frozen=True, slots=True)
class Anchor:
    """What may stand around a point, by place, and how far after it a match begins: `near` to `far` characters, before it where negative."""

    sets: dict[int, int]
    near: int = 0
    far: int = 0

    def moved(self, by: int) -> Anchor:
        """The same seen from `by` characters on."""
        return Anchor({place - by: allowed for place, allowed in self.sets.items()}, self.near - by, self.far - by)


def compiled_starts(patterns: Sequence[tuple[str, int]]) -> Arrays:
    """What `Starts` needs of the patterns, as plain arrays.

    `classes` of characters; `anchors`: their pattern and how far after them it begins; `tables`: for every word of anchors, place of `places`
    (the dense ones first) and class of characters, which anchors may have it there; `begun` and `holds`: pattern, place and classes of the
    beginnings of patterns whose anchor is elsewhere.
    """
    trees = [parser.parse(source, flags) for source, flags in patterns]
    known = [(tree, flags | tree.state.flags) for tree, (_, flags) in zip(trees, patterns, strict=True)]
    classes, bits = partition({found for tree, flags in known for found in classes_of(tree, flags)})
    kinds = int(classes.max()) + 1
    finder = Finder(Reader(bits, (1 << kinds) - 1, 1 << int(classes[WILD])), classes, kinds)
    anchors: list[tuple[int, Anchor]] = []
    begun: list[tuple[int, int]] = []
    holds: list[NDArray[np.bool_]] = []
    for number, (tree, flags) in enumerate(known):
        beginning, *others = finder.anchors(tree, flags)
        anchors += [(number, anchor) for anchor in others or [beginning]]
        for place, allowed in beginning.sets.items() if others else ():
            begun.append((number, place))
            holds.append(held(allowed, kinds))
    places, tables = tables_of([anchor for _, anchor in anchors], kinds)
    return {
        "classes": classes,
        "anchors": np.array([(number, anchor.near, anchor.far) for number, anchor in anchors], np.int64).reshape(-1, 3),
        "places": np.array(places, np.int64),
        "tables": tables,
        "begun": np.array(begun, np.int64).reshape(-1, 2),
        "holds": np.array(holds, np.bool_).reshape(-1, kinds),
    }


def held(allowed: int, kinds: int) -> NDArray[np.bool_]:
    raw = np.frombuffer(allowed.to_bytes(kinds // 8 + 1, "little"), dtype=np.uint8)
    return np.unpackbits(raw, bitorder="little")[:kinds].astype(np.bool_)


def tables_of(anchors: Sequence[Anchor], kinds: int) -> tuple[list[int], NDArray[np.uint64]]:
    """Places that tell anchors apart, and by word, place and class of characters the anchors that may have it there."""
    words, every = -(-len(anchors) // 64), (1 << len(anchors)) - 1
    full = np.array([every >> 64 * word & MASK for word in range(words)], np.uint64).reshape(words, 1)
    tables = {place: np.repeat(full, kinds, axis=1) for place in range(-LEFT, AHEAD)}
    for number, anchor in enumerate(anchors):
        for place, allowed in anchor.sets.items():
            tables[place][number // 64, ~held(allowed, kinds)] &= ~np.uint64(1 << number % 64)
    places = [*DENSE, *(place for place, table in tables.items() if place not in DENSE and (table != full).any())]
    return places, np.stack([tables[place] for place in places], axis=1)


class Starts:
    """Made once for `patterns` of (source, flags). `keep`: what they are compiled into stays on disk for the next process."""

    def __init__(self, patterns: Sequence[tuple[str, int]], *, keep: bool = False) -> None:
        def make() -> Arrays:
            return compiled_starts(patterns)

        made = kept("starts", MADE_OF, make, given=(list(patterns), regex.__version__)) if keep else make()
        self.classes, self.flat = made["classes"], made["tables"]
        self.anchors: list[tuple[int, int, int]] = [(number, near, far) for number, near, far in made["anchors"].tolist()]
        self.words, _, self.kinds = self.flat.shape
        self.order = made["places"]
        self.tables = {place: self.flat[:, number] for number, place in enumerate(self.order.tolist())}
        self.sparse = self.order.tolist()[len(DENSE) :]
        self.beginnings: dict[int, list[tuple[int, NDArray[np.bool_]]]] = {}  # of patterns with an anchor elsewhere
        for (number, place), holds in zip(made["begun"].tolist(), made["holds"], strict=True):
            self.beginnings.setdefault(number, []).append((place, holds))
        self.near = self._nearest()

    def _nearest(self) -> tuple[list[NDArray[np.uint32]], NDArray[np.bool_]]:
        """For the dense places: the number of each class among those the place tells apart, and for three numbers whether any anchor is left."""
        numbers, columns = [], []
        for place in DENSE:
            distinct, number = np.unique(self.tables[place], axis=1, return_inverse=True)
            columns.append(distinct)
            numbers.append(number.ravel())
        one, two, three = columns
        left = np.zeros((one.shape[1], two.shape[1], three.shape[1]), dtype=bool)
        for word in range(self.words):
            left |= (one[word][:, None, None] & two[word][None, :, None] & three[word][None, None, :]) != 0
        steps = (two.shape[1] * three.shape[1], three.shape[1], 1)
        return [(number * step).astype(np.uint32) for number, step in zip(numbers, steps, strict=True)], left.ravel()

    def of(self, text: str, *, fast: bool | None = None) -> Iterator[tuple[int, Places]]:
        """The number of each pattern that can begin somewhere in `text`, and all the places where. `fast` as for `utf8.compiled`."""
        margin = "\n" * LEFT  # an anchor may lie behind the end of its match, and so of the text
        codes = np.frombuffer(f"{margin}{text}{margin}{AHEAD * margin[:1]}".encode("utf-32-le"), dtype=np.uint32)
        twin = compiled(len(text), fast=fast)
        look = self._anchored if twin else self._anchored_by_numpy
        found: dict[int, list[Places]] = {}
        parts = [look(codes, begin, min(begin + BLOCK, len(codes) - AHEAD)) for begin in range(LEFT, len(codes) - AHEAD, BLOCK)]
        at, alive, word = (np.concatenate(side) for side in zip(*parts, strict=True))
        for number in range(self.words):
            places, bits = at[word == number], alive[word == number]
            present = int(np.bitwise_or.reduce(bits, initial=np.uint64(0)))
            for bit in range(64):
                if present >> bit & 1:
                    pattern, *reach = self.anchors[number * 64 + bit]
                    here = places[(bits & np.uint64(1 << bit)) != 0] - LEFT
                    found.setdefault(pattern, []).append(
                        around(here, *reach, length=len(text)) if pattern in self.beginnings else here
                    )
        for pattern, several in sorted(found.items()):
            here = several[0] if len(several) == 1 else np.unique(np.concatenate(several))
            for place, holds in self.beginnings.get(pattern, ()):
                here = here[holds[self._class(codes[here + (LEFT + place)])]]
            if len(here):
                yield pattern, here

    def _class(self, codes: NDArray[np.uint32]) -> NDArray[np.uint16]:
        return self.classes.take(np.minimum(codes, WILD))

    def _anchored(self, codes: NDArray[np.uint32], begin: int, end: int) -> Found:
        from corpushub.engine.pii.compiled import anchored

        at, alive, word = self._room
        held = anchored(codes, begin, end, self._flat, self._room)
        return at[:held].copy(), alive[:held].copy(), word[:held].copy()

    @cached_property
    def _flat(self) -> tuple[Any, ...]:
        """What the compiled twin reads: the numbers of the dense places, what is left, all tables in the order of the places, the places."""
        numbers, left = self.near
        return self.classes, np.concatenate(numbers), left.view(np.uint8), self.flat.ravel(), self.order

    @cached_property
    def _room(self) -> Found:
        size = BLOCK * self.words
        return np.empty(size, np.int64), np.empty(size, np.uint64), np.empty(size, np.int64)

    def _anchored_by_numpy(self, codes: NDArray[np.uint32], begin: int, end: int) -> Found:
        """The places from `begin` to `end` where anchors can be, which ones, and of which word."""
        near = self._class(codes[begin - LEFT : end + AHEAD]).astype(np.intp)
        numbers, left = self.near
        first, *others = (
            number.take(near[LEFT + place : LEFT + place + end - begin]) for number, place in zip(numbers, DENSE, strict=True)
        )
        possible = np.flatnonzero(left.take(sum(others, first)))
        found = []
        for word in range(self.words):
            at = possible
            alive = self.tables[0][word].take(near[at + LEFT])
            for place in (-1, 1, *self.sparse):
                alive &= self.tables[place][word].take(near[at + (LEFT + place)])
                if place % 2:
                    kept = alive != 0
                    at, alive = at[kept], alive[kept]
            kept = alive != 0
            found.append((at[kept] + begin, alive[kept], np.full(int(kept.sum()), word)))
        at, alive, word_of = (np.concatenate(side) for side in zip(*found, strict=True))
        return at, alive, word_of


def around(places: Places, near: int, far: int, *, length: int) -> Places:
    """Where matches may begin whose anchor is at one of `places`, each place once."""
    begin, end = np.maximum(places + near, 0), np.minimum(places + (far + 1), length)
    begin[1:] = np.maximum(begin[1:], end[:-1])
    counts = np.maximum(end - begin, 0)
    passed = np.cumsum(counts)
    return np.repeat(begin - (passed - counts), counts) + np.arange(int(passed[-1]) if len(passed) else 0)


class Finder:
    """Finds the anchors of a pattern that are rarest in running text."""

    def __init__(self, reader: Reader, classes: NDArray[np.uint16], kinds: int) -> None:
        self.reader = reader
        running = tomllib.loads(files("corpushub").joinpath("rules", "pii-running.toml").read_text("utf-8")).values()
        self.shares = [
            np.maximum(np.bincount(classes[[ord(char) for char in text]], minlength=kinds) / len(text), FLOOR).tolist()
            for text in running
        ]
        self.share_of: dict[int, list[float]] = {}

    def anchors(self, tree: Any, flags: int) -> list[Anchor]:
        """The beginning of the pattern, then the anchors to look for instead, if there are rarer ones: one of them is in every match."""
        [beginning] = self.anchors_at([], ([[]], list(tree)), flags)
        if self.cost([beginning]) <= RARE:
            return [beginning]
        best = [self.rarest(beginning)]
        for prefix, rest, near, far in points(tree):
            if self.cost(best) <= RARE:
                break
            made = [self.rarest(replace(one, near=near, far=far)) for one in self.anchors_at(prefix, split(rest), flags)]
            best = min(best, made, key=self.cost)
        return [beginning, *best]

    def anchors_at(self, prefix: Items, rest: Alternatives, flags: int) -> Iterator[Anchor]:
        """What may stand around the point between `prefix` and each way the rest can go on."""
        ways, tail = rest
        after, behind = common(self.reader.sequence(prefix, flags, back=True).values())
        follows = self.reader.sequence(tail, flags, back=False)
        for way in ways:
            begins = self.reader.sequence(way, flags, back=False)
            before, ahead = common((joined(begins, follows, self.reader.full) if way else follows).values())
            left, right = both(before, behind)[:BEHIND], both(ahead, after)
            yield Anchor({-1 - place: allowed for place, allowed in enumerate(left)} | dict(enumerate(right)))

    def rarest(self, anchor: Anchor) -> Anchor:
        """The anchor seen from where the places tested at every character are the rarest."""
        return min((anchor.moved(by) for by in range(LEFT - BEHIND + 1)), key=lambda one: self.frequency(one, DENSE))

    def cost(self, anchors: Iterable[Anchor]) -> float:
        """What to look for all of `anchors` costs: places of running text that the first test leaves, and places at which a match is tried."""
        return sum(self.frequency(one, DENSE) + self.frequency(one, one.sets) * (1 + one.far - one.near) for one in anchors)

    def frequency(self, anchor: Anchor, places: Iterable[int]) -> float:
        """Of the places of running text, the share at which `anchor` is to be expected, in the language in which that is more."""
        shares = [self.shares_of(anchor.sets[place]) for place in places if place in anchor.sets]
        return max(prod(share) for share in zip(*shares, strict=True)) if shares else 1.0

    def shares_of(self, allowed: int) -> list[float]:
        if allowed not in self.share_of:
            held = [kind for kind in range(allowed.bit_length()) if allowed >> kind & 1]
            self.share_of[allowed] = [min(1.0, sum(share[kind] for kind in held)) for share in self.shares]
        return self.share_of[allowed]


def points(tree: Any) -> Iterator[tuple[Items, Items, int, int]]:
    """Points of a pattern at which it may be looked for: what comes before, what comes after, and where the match begins from there."""
    items = list(tree)
    yield [], items, 0, 0
    for place, (op, value) in enumerate(items):
        if op not in WIDTHLESS:
            break
        if op is sre.ASSERT and value[0] < 0:
            near, far = value[1].getwidth()
            if far <= REACH:
                yield [], [*value[1], *items[place + 1 :]], near, far
    for place in range(1, len(items)):
        least, most = parser.SubPattern(tree.state, items[:place]).getwidth()
        if most > REACH:
            break
        if most:
            yield items[:place], items[place:], -most, -least


def split(items: Items, *, most: int = 64) -> Alternatives:
    """The alternatives with which `items` begin, and what follows them all: told apart they are rarer than taken together."""
    lead = next((place for place, (op, _) in enumerate(items) if op not in WIDTHLESS), len(items))
    if lead == len(items):
        return [[]], items
    (op, value), head, rest = items[lead], items[:lead], items[lead + 1 :]
    if op is sre.BRANCH:
        ways = [[*inner, *tail] for way in value[1] for inners, tail in (split(list(way)),) for inner in inners]
    elif op is sre.SUBPATTERN:
        inners, tail = split(list(value[3]))
        ways = [[(op, (*value[:3], [*inner, *tail]))] for inner in inners]
    elif op is sre.LITERAL:  # what alternatives begin with in common is written in front of them
        inners, rest = split(rest)
        ways = [[(op, value), *inner] for inner in inners]
    else:
        return [[]], items
    return ([[*head, *way] for way in ways], rest) if len(ways) <= most else ([[]], items)
