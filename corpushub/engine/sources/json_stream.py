"""Records out of a JSON document of any size, one at a time: memory holds a piece of the text and one record.

The rules of where records are found are those of `json_records`; only what needs the whole document (a root object of objects, several
lists to choose from) is left to it. Errors name line and column.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO, Any

from corpushub.base.errors import Invalid

PIECE = 1 << 20
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
CUT_CHARS = 12  # an error this near to the end of a piece may come from the cut: half an escape, half a `false`
SOLID = re.compile(r"[^ \t\r\n]")
KEY = re.compile(r'"[ \t\r\n]*:')  # each key ends so; a text may hold it too


class Twice(dict[str, Any]):
    """An object that has `key` twice, of which the library keeps the last: half read, so nobody may take it for whole."""

    key = ""


def whole(text: str, value: Any) -> Any:
    """What a JSON text holds, with `Twice` for objects that lost a value. `value` is what the library made of it.

    The text is read again only where it has more ends of keys than `value` has keys, so nearly never.
    """
    keys = count_keys(value)
    if text.count(":") == keys or sum(1 for _ in KEY.finditer(text)) == keys:
        return value
    return json.loads(text, object_pairs_hook=marked)


def marked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    keys = [key for key, _ in pairs]
    half = Twice(made)
    half.key = max(keys, key=keys.count)
    return half


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """All objects in a value, however deep."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            one = one.values()
        elif not isinstance(one, list):
            continue
        waiting += [inner for inner in one if isinstance(inner, (dict, list))]


def count_keys(value: Any) -> int:
    return sum(map(len, objects(value)))


def has_twice(value: Any) -> bool:
    return any(isinstance(one, Twice) for one in objects(value))


def deepest(text: str, start: int = 0) -> tuple[int, int]:
    """The place of the bracket with the most open ones around it, and how many are open there."""
    depth, most, at = 0, 0, start
    for found in TOKEN.finditer(text, start):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > most:
            most, at = depth, found.start()
    return at, most


class Cursor:
    """A place in a JSON text that is read piece by piece."""

    def __init__(self, raw: IO[bytes], codec: str, name: str, most: int) -> None:
        self.text = io.TextIOWrapper(raw, codec, newline="")
        self.decoder = json.JSONDecoder()
        self.name, self.most = name, most
        self.held, self.at = "", 0
        self.lines, self.column = 0, 0  # before `held`
        self.ended = False

    def more(self) -> bool:
        """Hold another piece; false at the end. What lies before the place is let go."""
        if self.ended:
            return False
        if len(self.held) - self.at > self.most:
            raise Invalid("source.record_too_large", name=self.name, line=self.line_of(self.at)[0], limit=self.most)
        gone = self.held[: self.at]
        self.lines, self.column = self.lines + gone.count("\n"), self.line_of(self.at)[1] - 1
        try:
            piece = self.text.read(max(PIECE, len(self.held) - self.at))
        except UnicodeDecodeError:
            raise self.broken() from None
        self.ended = not piece
        self.held, self.at = self.held[self.at :] + piece, 0
        return bool(piece)

    def line_of(self, at: int) -> tuple[int, int]:
        """1-based line and column."""
        before = self.held[:at]
        newline = before.rfind("\n")
        return self.lines + before.count("\n") + 1, (at + self.column if newline < 0 else at - newline - 1) + 1

    def broken(self, at: int | None = None) -> Invalid:
        line, column = self.line_of(self.at if at is None else at)
        return Invalid("source.not_json", name=self.name, line=line, column=column)

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            solid = SOLID.search(self.held, self.at)
            self.at = solid.start() if solid else len(self.held)
            if self.at < len(self.held) or not self.more():
                return self.held[self.at : self.at + 1]

    def take(self, wanted: str) -> None:
        if self.peek() != wanted:
            raise self.broken()
        self.at += 1

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = self.decoder.raw_decode(self.held, self.at)
            except json.JSONDecodeError as error:
                at = error.pos
                if at < len(self.held) - CUT_CHARS and not error.msg.startswith("Unterminated string"):
                    raise self.broken(at) from None
            except RecursionError:
                at, depth = deepest(self.held, self.at)
                line, column = self.line_of(at)
                raise Invalid("source.too_deep", name=self.name, line=line, column=column, depth=depth) from None
            except ValueError:  # a number without end
                raise self.broken() from None
            else:
                if end < len(self.held) or self.ended:
                    text, self.at = self.held[self.at : end], end
                    return whole(text, value)
                at = end
            if not self.more():
                with suppress(json.JSONDecodeError):  # the last piece was already here
                    value, end = self.decoder.raw_decode(self.held, self.at)
                    text, self.at = self.held[self.at : end], end
                    return whole(text, value)
                raise self.broken(min(at, len(self.held)))

    def skip(self, depth: int = 0) -> None:
        """Pass over the next value without holding it, or to the end of `depth` open brackets."""
        if not depth and self.peek() not in {"[", "{"}:
            self.value()
            return
        while True:
            found, quote = TOKEN.search(self.held, self.at), self.held.find('"', self.at)
            if found is None or 0 <= quote < found.start():  # the text is cut, maybe within a string
                self.at = quote if quote >= 0 else len(self.held)
                if not self.more():
                    raise self.broken()
                continue
            self.at = found.end()
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
            if depth == 0:
                return

    def find(self, wanted: str) -> bool:
        """Go to the value of a key of the object that begins here."""
        for key in self.members():
            if key == wanted:
                return True
            self.skip()
        return False

    def members(self) -> Iterator[str]:
        """The keys of the object that begins here; the caller reads or skips each value."""
        self.take("{")
        seen: set[str] = set()
        while self.peek() != "}":
            key = self.value()
            if not isinstance(key, str):
                raise self.broken()
            if key in seen:
                raise Invalid("source.equal_keys", name=self.name, key=key)
            seen.add(key)
            self.take(":")
            yield key
            if self.peek() == "}":
                break
            self.take(",")
            if self.peek() != '"':
                raise self.broken()
        self.at += 1


def records(cursor: Cursor, path: str) -> Iterator[Any]:
    """The records below `path`, lists within lists read as one. Raises: Invalid("source.not_json" | "source.no_records")."""
    for part in filter(None, path.split(".")):
        if cursor.peek() != "{" or not cursor.find(part):
            raise Invalid("source.no_records", name=cursor.name, path=path)
    if cursor.peek() != "[":
        raise Invalid("source.no_records", name=cursor.name, path=path)
    depth = 0
    while True:
        char = cursor.peek()
        if char == "[":
            depth += 1
            cursor.at += 1
            if cursor.peek() != "]":
                continue
        else:
            yield cursor.value()
        while cursor.peek() == "]":
            depth -= 1
            cursor.at += 1
            if depth == 0:
                return
        cursor.take(",")


ENVELOPES = frozenset({"data", "result", "results", "response", "body", "payload"})
ROWS = frozenset({"records", "rows", "items", "list", "docs"})
SAID_BESIDE = frozenset(
    {"code", "status", "success", "ok", "message", "msg", "error", "errcode", "errno", "help", "total", "count"}
)
"""What interfaces call the object around their answer, the list in it, and what stands beside: `{"code": 0, "data": {"total": 2, "rows": […]}}`."""


def only_list(cursor: Cursor, *, is_root: bool = True) -> str:
    """Where the only list of objects in the root object is (`rows`, `data.rows`), or nothing; reads the document once."""
    found, inside, beside = list[str](), list[str](), list[str]()
    for key in cursor.members():
        if cursor.peek() == "{" and key.lower() in ENVELOPES:
            within = only_list(cursor, is_root=False)
            inside.append(f"{key}.{within}" if within else "")
            continue
        beside.append(key)
        if cursor.peek() != "[":
            cursor.skip()
            continue
        cursor.at += 1
        found += [key] if cursor.peek() == "{" else []
        cursor.skip(depth=1)
    return the_list(found, inside, beside, is_root=is_root)


def the_list(found: Sequence[str], inside: Sequence[str], beside: Sequence[str], *, is_root: bool) -> str:
    """The one list of objects among those `found`, within an envelope one that is called like it; else the one in the only envelope `inside`.

    A record may have a member `data` too: an answer's envelope stands alone, or beside what an interface says of it.
    """
    if found:
        called = [key for key in found if len(found) == 1 or (not is_root and key.lower() in ROWS)]
        return called[0] if len(called) == 1 else ""
    is_answer = not is_root or not beside or not SAID_BESIDE.isdisjoint(key.lower() for key in beside)
    return inside[0] if is_answer and len(inside) == 1 else ""
