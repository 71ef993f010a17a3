"""The HTTP server's connection, with what a file server needs and uvicorn does not have: sendfile, and an end to slow heads.

* Small files that `api.quick` knows are answered here, before a task is made for them.
* `scope["extensions"]["corpushub.sendfile"]` sends part of an open file from the page cache to the socket without passing through Python.
* HTTP/1.1 names the host it is for, once.
* A request's head has HEAD_SECONDS from its first byte to arrive and MAX_HEAD_BYTES of room, the first byte of a new connection
  FIRST_SECONDS, and a body has to bring MIN_BODY_BYTES every BODY_SECONDS while we take it, so that nobody holds connections by trickling.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from corpushub.base.errors import Invalid
from corpushub.base.messages import LANGS, text

SENDFILE = "corpushub.sendfile"
MALFORMED = "http.malformed"
FIRST_SECONDS = 60.0
HEAD_SECONDS = 20.0
LATE_SECONDS = 0.5
MAX_HEAD_BYTES = 64 << 10
BODY_SECONDS = 30.0
MIN_BODY_BYTES = 8 << 10
STEP = 1 << 20
STALLED_SECONDS = 120.0
HOLDS_SECONDS = 5.0  # how often a running transfer is judged again
Holds = Callable[[], Awaitable[bool]]


class SendFile(Protocol):
    """Send `count` bytes from `start` of the open file `number` as the whole body of the answer that was started.

    `holds` is asked every few seconds; the transfer is cut off where it says no.
    """

    async def __call__(self, number: int, start: int, count: int, holds: Holds) -> None: ...


class Quick(Protocol):
    """What answers some requests without an application; gives the answer's head without its first line, and body, or None."""

    def answer(self, method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], address: str) -> list[bytes] | None: ...


class HubProtocol(HttpToolsProtocol):
    """One connection."""

    quick: Quick | None = None
    head_timer: asyncio.TimerHandle | None = None
    head_open = True
    head_bytes = 0
    body_timer: asyncio.TimerHandle | None = None
    body_open = False
    body_bytes = 0
    answered = False

    @classmethod
    def over(cls, quick: Quick) -> type[HubProtocol]:
        """The protocol of a server whose small files `quick` answers."""
        return type("HubProtocol", (cls,), {"quick": quick})

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._watch_head(FIRST_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_done()
        self._body_done()
        super().connection_lost(exc)

    def _watch_head(self, seconds: float) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
        self.head_timer = self.loop.call_later(seconds, self._too_late)

    def _head_done(self) -> None:
        self.head_open = False
        self.head_bytes = 0
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _too_late(self) -> None:
        """Cut off, unless it was the loop that was late: the sockets are looked at after the timers, so the head may be waiting there."""
        self.head_timer = self.loop.call_later(LATE_SECONDS, self._cut_off)

    def _cut_off(self) -> None:
        self.head_timer = None
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self.timeout_keep_alive_task is not None:  # any byte ends this wait, also a blank line, which begins no message
            self.head_open = True
        super().data_received(data)
        if self.body_open:
            self.body_bytes += len(data)
            if self.body_timer is None:  # most bodies come with their head, and need no timer
                self.body_timer = self.loop.call_later(BODY_SECONDS, self._look_at_body)
        if not self.head_open:
            return
        if not self.head_bytes:  # most heads come whole, and need no timer
            self._watch_head(HEAD_SECONDS)
        self.head_bytes += len(data)
        if self.head_bytes > MAX_HEAD_BYTES:
            self._head_done()
            self.send_400_response(MALFORMED)

    def _should_upgrade(self) -> bool:
        """Nothing here speaks WebSocket: who asks for it gets what a plain request gets."""
        return False

    def _unsupported_upgrade_warning(self) -> None:
        """No line for it either: uvicorn's advises to install what would change nothing."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words, which are in one language
        """What is no HTTP, told in both languages, since no header can say which one the reader has."""
        told = {"error": " ".join(text(MALFORMED, lang) for lang in LANGS), "code": MALFORMED}
        body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
        head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % len(body) + body)
        self.transport.close()

    def _look_at_body(self) -> None:
        """Go on waiting for a body that comes, and for one the application does not take or has not asked for."""
        self.body_timer = None
        waits = self.flow.read_paused or (self.cycle is not None and self.cycle.waiting_for_100_continue)
        if self.body_bytes < MIN_BODY_BYTES and not waits:
            self.transport.close()
            return
        self.body_bytes = 0
        self.body_timer = self.loop.call_later(BODY_SECONDS, self._look_at_body)

    def _body_done(self) -> None:
        self.body_open = False
        self.body_bytes = 0
        if self.body_timer is not None:
            self.body_timer.cancel()
            self.body_timer = None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.head_open = True

    def on_headers_complete(self) -> None:
        self._head_done()
        if self.parser.get_http_version() == "1.1" and sum(name == b"host" for name, _ in self.headers) != 1:
            raise Invalid(MALFORMED)  # RFC 9112, 3.2; the parser makes a malformed request of it
        self.body_open = True
        self.answered = self._answers_quickly()
        if not self.answered:
            self._unset_keepalive_if_required()
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._body_done()
        if self.answered:
            self.on_response_complete()
        else:
            super().on_message_complete()

    def _answers_quickly(self) -> bool:
        """Was the request answered already? Only where nothing is under way on this connection and the client takes what it gets."""
        if self.quick is None or self.pipeline or self.flow.write_paused or self.transport.is_closing():
            return False
        if (self.cycle is not None and not self.cycle.response_complete) or not self.parser.should_keep_alive():
            return False
        if self.parser.get_http_version() != "1.1":
            return False
        address = self.client[0] if self.client else "?"
        pieces = self.quick.answer(self.parser.get_method(), self.url, self.headers, address)
        if pieces is None:
            return False
        ours = b"".join(b"%s: %s\r\n" % line for line in self.server_state.default_headers)
        self.transport.write(b"".join((b"HTTP/1.1 200 OK\r\n", ours, *pieces)))
        return True

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self.scheme == "http":
            extensions: dict[str, Any] = cycle.scope.setdefault("extensions", {})
            extensions[SENDFILE] = partial(self.send_file, cycle)
        super()._start_asgi_task(cycle, app)

    async def send_file(self, cycle: RequestResponseCycle, number: int, start: int, count: int, holds: Holds) -> None:
        """See SendFile. The answer's head has to be written before the file, which the loop does in its next round."""
        while self.transport.get_write_buffer_size() and not cycle.disconnected:  # noqa: ASYNC110 - the transport has no event for it
            await asyncio.sleep(0)
        socket = self.transport.get_extra_info("socket")
        if cycle.disconnected or socket is None:
            return
        line = os.dup(socket.fileno())  # the loop guards its own descriptor; a copy may be waited for
        try:
            whole = await self._copy(cycle, line, number, (start, start + count), holds)
        finally:
            os.close(line)
        if not whole:
            cycle.disconnected = True
            self.transport.close()
            return
        cycle.expected_content_length = 0
        await cycle.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _copy(self, cycle: RequestResponseCycle, line: int, number: int, span: tuple[int, int], holds: Holds) -> bool:
        """Did all of it go out?"""
        at, end = span
        judged = self.loop.time()
        while at < end:
            if self.loop.time() - judged > HOLDS_SECONDS:
                judged = self.loop.time()
                if not await holds():
                    return False
            if cycle.disconnected:
                return False
            try:
                sent = os.sendfile(line, number, at, min(STEP, end - at))
            except BlockingIOError:
                if not await self._writable(line):
                    return False
                continue
            except OSError:
                return False
            if sent == 0:
                return False
            at += sent
            await asyncio.sleep(0)
        return True

    async def _writable(self, line: int) -> bool:
        """Wait until the client took something; a client that takes nothing for two minutes is gone."""
        ready: asyncio.Future[None] = self.loop.create_future()
        self.loop.add_writer(line, _wake, ready)
        try:
            await asyncio.wait_for(ready, STALLED_SECONDS)
        except TimeoutError:
            return False
        finally:
            self.loop.remove_writer(line)
        return True


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
