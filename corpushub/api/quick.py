"""Small files without a task, a scope or an ASGI message: what the server answers from the connection itself.

The rules are the ones of the way through gate and routes, and everything out of the ordinary takes that way: a path with `%` or a query,
a range or a condition, a cookie, a proxy in front, the card's files, tables (whose rows are counted), and whatever is not in memory.

* A token is looked up among those believed for seconds (`Access.known_actor`), on every request.
* A door - one revision as one caller may take from it - is believed for a second, and not at all after `forget` or a revocation here.
* Every answer is throttled, counted, recorded and logged like any other.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpushub.api.hf_resolve import blob_of
from corpushub.api.metrics import Metrics
from corpushub.api.sender import PIECE, Files
from corpushub.api.throttle import Throttle, TooMany
from corpushub.api.wire import request_id
from corpushub.base.errors import HubError
from corpushub.domain.parties import ANONYMOUS, Actor
from corpushub.services.delivery import Taken
from corpushub.services.repositories import REF_SECONDS, Located, is_card

if TYPE_CHECKING:
    from corpushub.services.hub import Hub

MAX_HEAD_BYTES = 8 << 10
MAX_READY = 20_000
Lines = Sequence[tuple[bytes, bytes]]
Told = Callable[[str, str, Actor, int, float], None]  # request id, method, who, bytes, seconds
_ORDINARY = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"authorization",
        b"cache-control",
        b"connection",
        b"host",
        b"pragma",
        b"user-agent",
        b"x-amzn-trace-id",
        b"x-hf-download-counter",
        b"x-request-id",
    }
)


@dataclass(frozen=True, slots=True)
class Ready:
    """A file's answer as far as it is the same every time."""

    head: bytes
    sha256: str
    size: int
    download: Taken
    part: Taken


@dataclass(frozen=True, slots=True)
class Door:
    """One revision of a repository as one caller may take from it, and until when that is believed."""

    until: float
    epoch: int
    actor: Actor
    who: str
    located: Located
    ready: dict[bytes, Ready]


class Quick:
    """Answers for one hub. `dress`: the header lines every answer of `/datasets/` carries; `told` writes the log line, where one is wanted."""

    def __init__(self, hub: Hub, *, metrics: Metrics, throttle: Throttle, dress: Lines, told: Told) -> None:
        self.hub = hub
        self.metrics = metrics
        self.throttle = throttle
        self.dress = b"".join(b"%s: %s\r\n" % line for line in dress)
        self.told = told
        self.files = Files(hub.objects)
        self.sends = not hub.settings.accel_redirect and not hub.settings.files_url
        self.doors: dict[tuple[bytes, bytes], Door] = {}
        self.ready: dict[tuple[object, ...], dict[bytes, Ready]] = {}
        self.kept = 0

    def answer(self, method: bytes, target: bytes, headers: Lines, address: str) -> list[bytes] | None:
        """The answer in pieces, without what the server adds to each; None for whatever has to take the long way."""
        if not self.sends or b"%" in target or b"?" in target or b"\\" in target:
            return None
        words = target.split(b"/", 6)
        if len(words) != 7 or words[1] != b"datasets" or words[4] != b"resolve" or method not in {b"GET", b"HEAD"}:
            return None
        stated = self.stated(headers)
        if stated is None:
            return None
        credential, named, counts = stated
        started = time.monotonic()
        door = self.door(credential, words, address, started)
        if door is None:
            return None
        ready = door.ready.get(words[6]) or self.make(door, words[6])
        if ready is None or (method == b"HEAD" and not door.located.snapshot.immutable):
            return None
        data = b""
        if method == b"GET":
            data = self.read(ready)
            if len(data) != ready.size:
                return None
        try:
            limit = self.throttle.spend(door.who, "resolve", signed_in=not door.actor.is_anonymous)
        except TooMany:
            return None
        request = request_id(named)
        if data:
            taken = ready.download if counts else ready.part
            self.hub.access.record_delivery(door.actor, taken, door.located.permission, request=request)
        seconds = time.monotonic() - started
        self.metrics.begin()
        self.metrics.end("resolve", 200, seconds, len(data))
        self.told(request, method.decode(), door.actor, len(data), seconds)
        more = b"".join(b"%s: %s\r\n" % line for line in limit) if limit else b""
        return [ready.head, more, b"x-request-id: ", request.encode(), b"\r\n\r\n", data]

    def read(self, ready: Ready) -> bytes:
        """The file's bytes; nothing where they are not on this disk."""
        try:
            number = self.files.open(ready.sha256)
            return os.pread(number, ready.size, 0) if number is not None else b""
        except OSError:
            return b""

    @staticmethod
    def stated(headers: Lines) -> tuple[bytes, str, bool] | None:
        """Credential, request id and "is a download" of ordinary headers; None where there are others, or many."""
        credential, named, counts, size = b"", "", True, 0
        for name, value in headers:
            if name not in _ORDINARY:
                return None
            size += len(value)
            if name == b"authorization":
                credential = value
            elif name == b"x-request-id" or (name == b"x-amzn-trace-id" and not named):
                named = value.decode("latin-1")
            elif name == b"x-hf-download-counter":
                counts = value == b"1"
        return (credential, named, counts) if size < MAX_HEAD_BYTES else None

    def door(self, credential: bytes, words: list[bytes], address: str, now: float) -> Door | None:
        """The caller's door to a revision, from memory alone."""
        actor: Actor | None = ANONYMOUS
        if credential:
            bearer = credential.startswith(b"Bearer ")
            actor = self.hub.access.known_actor(credential[7:].strip().decode("latin-1")) if bearer else None
        if actor is None:
            return None
        key = (credential or address.encode(), b"/".join(words[2:6]))
        door = self.doors.get(key)
        epoch = self.hub.access.epoch + self.hub.repositories.epoch
        if door is not None and door.until > now and door.epoch == epoch and door.actor is actor:
            return door
        return self.open(key, actor, words, address, now)

    def open(self, key: tuple[bytes, bytes], actor: Actor, words: list[bytes], address: str, now: float) -> Door | None:
        try:
            repo_id, revision, path = (
                f"{words[2].decode('ascii')}/{words[3].decode('ascii')}",
                words[5].decode("ascii"),
                words[6].decode("ascii"),
            )
        except UnicodeDecodeError:
            return None
        repositories = self.hub.repositories
        # The card's files are open where the data are not: what lets them out must not open a door to the rest.
        if is_card(path) or repositories.known(actor, repo_id, revision) is None:
            return None
        try:
            located = repositories.locate(actor, repo_id, revision, path)
        except HubError:
            return None
        if len(self.doors) >= MAX_READY:
            self.doors.clear()
        view = located.snapshot
        kind = (view.commit.id, view.immutable, view.ref, view.repo.gated, view.repo.private)
        epoch = self.hub.access.epoch + repositories.epoch
        who = actor.token or actor.person or address
        door = Door(now + REF_SECONDS, epoch, actor, who, located, self.ready.setdefault(kind, {}))
        self.doors[key] = door
        return door

    def make(self, door: Door, path: bytes) -> Ready | None:
        """A file of the door's revision that may go the short way."""
        snapshot = door.located.snapshot
        entry = snapshot.tree.by_path.get(path.decode("ascii", "replace"))
        if entry is None or entry.size > PIECE or entry.path.endswith(".parquet") or is_card(entry.path):
            return None
        if self.kept >= MAX_READY:
            self.ready.clear()
            self.doors.clear()
            self.kept = 0
        lines = (*blob_of(snapshot, entry, download=False).lines, (b"content-length", b"%d" % entry.size))
        head = b"".join(b"%s: %s\r\n" % line for line in lines) + self.dress
        taken = (snapshot.repo.id, snapshot.commit.id, entry.path, entry.size)
        made = Ready(head, entry.sha256, entry.size, Taken(*taken, downloads=1), Taken(*taken))
        door.ready[path] = made
        self.kept += 1
        return made
