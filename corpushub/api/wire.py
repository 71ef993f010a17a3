"""HTTP as the hub's hot path wants it: one call, one reply, no framework in between.

Routes are matched on the *raw* path: clients quote a revision or a tree path as one segment (`refs%2Fpr%2F1`), and a decoded path
can't tell that from three segments.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote

from corpushub.base.errors import Invalid
from corpushub.base.identity import json_of, new_id
from corpushub.base.messages import Lang
from corpushub.domain.parties import ANONYMOUS, Actor

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[str, str]]
T = TypeVar("T")

JSON_LIMIT = (
    1 << 20
)  # JSON holds the interpreter while it is read, in whichever thread: of this size a tenth of a second at worst
FORM_LIMIT = 1 << 20
MAX_FIELDS = 5000
THREADS = 8  # for blocking work: each holds a connection to the database with its page cache, and they share one interpreter
_threads = ThreadPoolExecutor(THREADS, "hub")
_ID = re.compile(r"[A-Za-z0-9._:=;-]{1,128}")
_PROCESS, _NUMBERS = new_id(), itertools.count(1)  # a request's id is cheaper than a new ULID, and as unique


class TooLarge(Invalid):
    """A body beyond its limit."""

    status = 413


class WrongMethod(Invalid):
    """Another method than those an address knows; `allow` names them as the header of that name does."""

    status = 405

    def __init__(self, method: str, allow: str) -> None:
        super().__init__("http.method", method=method, allow=allow)
        self.allow = allow


@dataclass(slots=True)
class Reply:
    """A whole answer, small enough to hold."""

    status: int = 200
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    media: str = "application/json"


def json_reply(value: Any, status: int = 200, headers: Headers = ()) -> Reply:
    """Compact JSON, because DuckDB's reader looks for `"type":"file"` without a space."""
    return Reply(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), list(headers))


class Call:
    """One HTTP request as the gate passed it on. Headers and path are parsed once and travel with the scope."""

    __slots__ = ("_send", "method", "receive", "scope", "started", "state")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.started = False
        self.state: dict[str, Any] = scope.setdefault("state", {})

    @property
    def path(self) -> tuple[str, ...]:
        """Decoded segments. Raises: Invalid("http.bad_url") where they are no UTF-8."""
        if (known := self.state.get("segments")) is not None:
            found: tuple[str, ...] = known
            return found
        raw: bytes = self.scope.get("raw_path") or self.scope["path"].encode()
        try:
            parts = raw.decode("ascii").split("?")[0].lstrip("/").split("/")
            found = tuple(unquote(part, errors="strict") if "%" in part else part for part in parts)
        except UnicodeDecodeError:
            raise Invalid("http.bad_url") from None
        self.state["segments"] = found
        return found

    @property
    def query(self) -> dict[str, list[str]]:
        if not self.scope["query_string"]:
            return {}
        if (known := self.state.get("query")) is not None:
            found: dict[str, list[str]] = known
            return found
        try:
            found = parse_qs(self.scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=200)
        except ValueError:
            raise Invalid("http.bad_url") from None
        self.state["query"] = found
        return found

    def one(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[-1]

    def flag(self, name: str) -> bool:
        return self.one(name).lower() in {"1", "true"}

    def number(self, name: str, default: int, most: int) -> int:
        """Raises: Invalid("http.parameter_invalid")."""
        word = self.one(name) or str(default)
        if not word.isascii() or not word.isdigit() or len(word) > 9:
            raise Invalid("http.parameter_invalid", name=name, value=word[:40])
        return min(int(word), most)

    @property
    def headers(self) -> dict[str, str]:
        if (known := self.state.get("headers")) is not None:
            found: dict[str, str] = known
            return found
        found = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.scope["headers"]}
        self.state["headers"] = found
        return found

    @property
    def actor(self) -> Actor:
        found: Actor = self.state.get("actor", ANONYMOUS)
        return found

    @property
    def lang(self) -> Lang:
        found: Lang = self.state.get("lang", "en")
        return found

    @property
    def request_id(self) -> str:
        return str(self.state.get("request_id", ""))

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises: Invalid("http.body_invalid") when the client goes away in the middle."""
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Invalid("http.body_invalid", why="the connection closed")
            if body := message.get("body", b""):
                yield body
            if not message.get("more_body"):
                return

    async def body(self, limit: int = JSON_LIMIT) -> bytes:
        """Raises: TooLarge("http.body_too_large")."""
        held = bytearray()
        async for chunk in self.chunks():
            held += chunk
            if len(held) > limit:
                raise TooLarge("http.body_too_large", limit=limit)
        return bytes(held)

    async def json(self, limit: int = JSON_LIMIT) -> dict[str, Any]:
        """The body as a JSON object; an empty one is {}. Raises: Invalid("http.body_invalid")."""
        data = await self.body(limit)
        try:
            value = json_of(data) if data.strip() else {}
        except (ValueError, RecursionError):
            raise Invalid("http.body_invalid", why="not JSON") from None
        if not isinstance(value, dict):
            raise Invalid("http.body_invalid", why="not a JSON object")
        return value

    async def form(self) -> dict[str, list[str]]:
        """The body as a form, bounded, because it is taken apart on the loop. Raises: TooLarge, Invalid("http.body_invalid")."""
        data = await self.body(FORM_LIMIT)
        try:
            return parse_qs(data.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            raise Invalid("http.body_invalid", why=f"more than {MAX_FIELDS} fields") from None

    async def start(self, status: int, headers: Headers, media: str, length: int | None) -> None:
        """Send the head of an answer."""
        await self.start_encoded(status, encoded([("content-type", media), *headers]), length)

    async def start_encoded(self, status: int, lines: list[tuple[bytes, bytes]], length: int | None) -> None:
        """`start` for header lines encoded before."""
        if length is not None:
            lines = [(b"content-length", b"%d" % length), *lines]
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": lines})

    async def piece(self, data: bytes, *, more: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def passed_on(self, path: str) -> None:
        """Let the server send a file itself (extension `http.response.pathsend`)."""
        await self._send({"type": "http.response.pathsend", "path": path})

    @property
    def sends_paths(self) -> bool:
        return "http.response.pathsend" in (self.scope.get("extensions") or {})

    async def reply(self, answer: Reply) -> None:
        """Send a whole answer; a HEAD gets its head."""
        bodyless = self.method == "HEAD" or answer.status in {204, 304}
        length = None if answer.status in {204, 304} else len(answer.body)
        await self.start(answer.status, answer.headers, answer.media, length)
        await self.piece(b"" if bodyless else answer.body)


def request_id(*stated: str) -> str:
    """The first id a client states that may go into a header, else one of ours."""
    for word in stated:
        if word and _ID.fullmatch(word):
            return word
    return f"{_PROCESS}-{next(_NUMBERS):x}"


def list_in(asked: dict[str, Any], name: str) -> list[Any]:
    """A list in a JSON body, empty where missing. Raises: Invalid("http.body_invalid")."""
    value = asked.get(name, [])
    if not isinstance(value, list):
        raise Invalid("http.body_invalid", why=f"{name} is not a list")
    return value


def encoded(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("ascii"), header_value(value).encode("latin-1")) for name, value in headers]


def header_value(value: str) -> str:
    """What may stand in a header: no control characters, latin-1 only. A CR in an echoed name once dropped the connection."""
    if value.isascii() and value.isprintable() and len(value) <= 2000:
        return value
    return "".join(letter if 32 <= ord(letter) < 127 or 160 <= ord(letter) < 256 else "?" for letter in value)[:2000]


async def run(work: Callable[..., T], *args: Any, **named: Any) -> T:
    """Do blocking work in a thread.

    The threads take one piece of work after another by themselves. Where a loop busy with downloads has to let each begin (as anyio's limit
    does), eight threads are not kept busy by 200 questions a second, and those wait half a second.
    """
    return await asyncio.get_running_loop().run_in_executor(_threads, partial(work, *args, **named))


_asked: dict[tuple[Any, ...], asyncio.Task[Any]] = {}


async def run_once(key: Any, work: Callable[..., T], *args: Any) -> T:
    """`run`, but who asks the same while it is looked up waits for that answer.

    What is believed for a second ends for every connection at once: without this a hundred downloads would ask the database the same.
    `key` says what makes the answer the same, for the service `work` belongs to.
    """
    whole = (asyncio.get_running_loop(), work, key)
    task = _asked.get(whole)
    if task is None:
        task = _asked[whole] = asyncio.ensure_future(run(work, *args))
        task.add_done_callback(partial(_told, whole))
    found: T = await asyncio.shield(task)
    return found


def _told(whole: tuple[Any, ...], task: asyncio.Task[Any]) -> None:
    del _asked[whole]
    if not task.cancelled():
        task.exception()  # told to all who waited, also where they have all gone
