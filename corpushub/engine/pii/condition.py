"""From a recognizer's regular expression to a necessary condition that a linear-time engine can test over a whole column.

The pattern is parsed with the standard library's own parser and written again without what a linear engine cannot do: look-arounds and
anchors are dropped, a positive look-behind in front is inlined, anything unknown ends the condition there (a prefix of a necessary
condition is one too). The result may hold where the pattern does not match, never the other way round. Widths are cut at `budget`
characters, which keeps the automaton small.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from re import _constants as sre  # type: ignore[attr-defined]  # CPython's own parser, in no stub
from re import _parser as parser  # type: ignore[attr-defined]  # as above
from typing import Any

_SUPERSETS = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"[^0-9]",
    sre.CATEGORY_SPACE: r"\s\x1c-\x1f",
    sre.CATEGORY_NOT_SPACE: r"[^ \t\n]",
    sre.CATEGORY_WORD: r"\p{Alphabetic}\p{L}\p{M}\p{N}\p{Pc}",
    sre.CATEGORY_NOT_WORD: r"[^0-9A-Za-z_]",
}
_NEWLINE = ord("\n")
LONGEST = 1000
_REPEATS = {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}


@dataclass(frozen=True, slots=True)
class Condition:
    """`regex` in Rust syntax, empty where nothing can be derived. `within_lines`: no match, look-around included, can see past a newline.

    `limited`: no match is longer than LONGEST.
    """

    regex: str
    within_lines: bool
    limited: bool = False


class _Stopped(Exception):
    """Nothing after this point can be derived."""

    def __init__(self, done: str, used: int) -> None:
        super().__init__()
        self.done, self.used = done, used


def condition_of(pattern: str, flags: int = 0, budget: int = 24) -> Condition:
    """The necessary condition of one pattern; `flags` are those of `re`."""
    try:
        tree = parser.parse(pattern, flags & ~re.DEBUG)
    except (re.error, OverflowError, RecursionError):
        return Condition("", within_lines=False)
    flags |= tree.state.flags
    try:
        text, _ = _sequence(list(tree), budget, leading=True, trailing=True)
    except _Stopped as stop:
        text = stop.done
    limited = tree.getwidth()[1] <= LONGEST
    if not text or re.fullmatch(r"[()|?:]*", text):
        return Condition("", stays_in_line(tree, flags), limited)
    prefix = ("i" if flags & re.IGNORECASE else "") + ("s" if flags & re.DOTALL else "")
    return Condition(f"(?{prefix}:{text})" if prefix else text, stays_in_line(tree, flags), limited)


def _sequence(items: list[Any], budget: int, *, leading: bool, trailing: bool = False) -> tuple[str, int]:
    """Text and smallest width of a run of nodes, at most `budget` characters wide."""
    out, used = "", 0
    for place, (op, value) in enumerate(items):
        if op is sre.ASSERT and value[0] > 0 and trailing and _only_width_zero(items[place + 1 :]):
            value = (-1, value[1])  # what must follow the match follows the condition
            text, width = _sequence(list(value[1]), max(budget - used, 1), leading=False)
            out, used = out + text, used + width
            continue
        if used >= budget:
            raise _Stopped(out, used)
        try:
            text, width = _node(op, value, budget - used, leading=leading and not used)
        except _Stopped as stop:
            raise _Stopped(out + stop.done, used + stop.used) from None
        out, used = out + text, used + width
        leading = leading and op in {sre.AT, sre.ASSERT, sre.ASSERT_NOT} and not text
    return out, used


def _only_width_zero(items: list[Any]) -> bool:
    return all(op in {sre.AT, sre.ASSERT_NOT} for op, _ in items)


def _node(op: Any, value: Any, budget: int, *, leading: bool) -> tuple[str, int]:
    if op is sre.LITERAL:
        return _escape(value), 1
    if op is sre.NOT_LITERAL:
        return f"[^{_escape(value)}]", 1
    if op is sre.ANY:
        return ".", 1
    if op is sre.IN:
        return _class(value), 1
    if op in {sre.AT, sre.ASSERT_NOT}:
        return "", 0
    if op is sre.ASSERT:
        direction, inner = value
        return _sequence(list(inner), budget, leading=True) if leading and direction < 0 else ("", 0)
    if op is sre.SUBPATTERN:
        _, add, remove, inner = value
        return _scoped(list(inner), budget, _flag_text(add, remove), leading=leading)
    if op is sre.BRANCH:
        return _branch(value[1], budget, leading=leading)
    if op in _REPEATS:
        return _repeat(value, budget, leading=leading)
    if op is sre.ATOMIC_GROUP:
        return _scoped(list(value), budget, "", leading=leading)
    raise _Stopped("", 0)


def _flag_text(add: int, remove: int) -> str:
    names = ((re.IGNORECASE, "i"), (re.DOTALL, "s"))
    on, off = ("".join(name for flag, name in names if bits & flag) for bits in (add, remove))
    return on + (f"-{off}" if off else "")


def _scoped(items: list[Any], budget: int, flags: str, *, leading: bool) -> tuple[str, int]:
    try:
        text, width = _sequence(items, budget, leading=leading)
    except _Stopped as stop:
        raise _Stopped(f"(?{flags}:{stop.done})" if stop.done else "", stop.used) from None
    return (f"(?{flags}:{text})" if text else ""), width


def _branch(ways: list[Any], budget: int, *, leading: bool) -> tuple[str, int]:
    """Where one way had to stop, all stop: what follows would come after a shortened way."""
    texts, widths, stopped = [], [], False
    for way in ways:
        try:
            text, width = _sequence(list(way), budget, leading=leading)
        except _Stopped as stop:
            text, width, stopped = stop.done, stop.used, True
        texts.append(text)
        widths.append(width)
    if stopped and not all(texts):
        raise _Stopped("", 0)
    joined = f"(?:{'|'.join(texts)})" if any(texts) else ""
    if stopped:
        raise _Stopped(joined, min(widths))
    return joined, min(widths)


def _repeat(value: Any, budget: int, *, leading: bool) -> tuple[str, int]:
    least, most, inner = int(value[0]), value[1], list(value[2])
    if leading and least == 0:  # nothing stands before: what follows is necessary with or without this part
        return "", 0
    try:
        text, width = _sequence(inner, budget, leading=leading and most == 1)
    except _Stopped:
        if least == 0:
            raise _Stopped("", 0) from None
        raise
    if not text:
        return "", 0
    text = f"(?:{text})"
    if width and least * width > budget:
        raise _Stopped(f"{text}{{{max(1, budget // width)}}}", budget)
    if most is sre.MAXREPEAT or int(most) > 64:
        return f"{text}{{{least},}}", least * width
    return f"{text}{{{least},{int(most)}}}", least * width


def _escape(code: int) -> str:
    return f"\\x{{{code:x}}}" if not chr(code).isalnum() or code > 0xFFFF else chr(code)


def _class(items: list[tuple[Any, Any]]) -> str:
    parts, negated = [], False
    for op, value in items:
        if op is sre.NEGATE:
            negated = True
        elif op is sre.LITERAL:
            parts.append(_escape(value))
        elif op is sre.RANGE:
            parts.append(f"{_escape(value[0])}-{_escape(value[1])}")
        else:
            parts.append(_category(value, negated=negated))
    return f"[{'^' if negated else ''}{''.join(parts)}]"


def _category(value: Any, *, negated: bool) -> str:
    """Inside a negated class a category must be taken too small, not too large, for the whole to be a superset."""
    if not negated:
        return _SUPERSETS[value]
    small = {
        sre.CATEGORY_DIGIT: "0-9",
        sre.CATEGORY_SPACE: r" \t\n\r",
        sre.CATEGORY_WORD: "0-9A-Za-z_",
    }
    if value in small:
        return small[value]
    raise _Stopped("", 0)


def stays_in_line(tree: Iterable[tuple[Any, Any]], flags: int) -> bool:
    """No class, dot or anchor of the pattern can tell a line's end from the text's end, or match across it."""
    return all(_node_stays(op, value, flags) for op, value in tree)


def _node_stays(op: Any, value: Any, flags: int) -> bool:
    if op is sre.LITERAL:
        return bool(value != _NEWLINE)
    if op is sre.NOT_LITERAL:
        return bool(value == _NEWLINE)
    if op is sre.ANY:
        return not flags & re.DOTALL
    if op is sre.IN:
        return not _has_newline(value)
    if op is sre.AT:
        return value in {sre.AT_BOUNDARY, sre.AT_NON_BOUNDARY} or bool(
            flags & re.MULTILINE and value in {sre.AT_BEGINNING, sre.AT_END}
        )
    if op in {sre.ASSERT, sre.ASSERT_NOT}:
        return stays_in_line(value[1], flags)
    if op is sre.SUBPATTERN:
        return stays_in_line(value[3], (flags | value[1]) & ~value[2])
    if op is sre.BRANCH:
        return all(stays_in_line(way, flags) for way in value[1])
    if op in _REPEATS:
        return stays_in_line(value[2], flags)
    return op is sre.ATOMIC_GROUP and stays_in_line(value, flags)


def _has_newline(items: list[tuple[Any, Any]]) -> bool:
    inside, negated = False, False
    for op, value in items:
        if op is sre.NEGATE:
            negated = True
        elif op is sre.LITERAL:
            inside |= value == _NEWLINE
        elif op is sre.RANGE:
            inside |= value[0] <= _NEWLINE <= value[1]
        else:
            inside |= value in {sre.CATEGORY_SPACE, sre.CATEGORY_NOT_WORD, sre.CATEGORY_NOT_DIGIT}
    return inside is not negated
