"""Bytes of an object to a client, by the fastest honest way there is.

Order: nothing at all (HEAD, 304, 416), a redirect to where the bytes lie (S3), nginx (`X-Accel-Redirect`), the server itself
(sendfile, or `http.response.pathsend`), one read and one message for small files, 1 MiB reads in a thread for large ones. No file is ever held whole.
"""

from __future__ import annotations

import os
import re
import resource
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from corpushub.api import protocol
from corpushub.api.hf_errors import CORS
from corpushub.api.protocol import SENDFILE, Holds, SendFile
from corpushub.api.wire import Call, Headers, encoded, run
from corpushub.store.objects import Objects

PIECE = 1 << 20
SIGNED_SECONDS = 300  # to begin in: what has begun goes on, and who resumes asks here again
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class Blob:
    """What is sent: an object, its ETag, and the header lines that go with every status, encoded once."""

    sha256: str
    size: int
    etag: str
    lines: tuple[tuple[bytes, bytes], ...]

    @classmethod
    def of(cls, sha256: str, size: int, etag: str, headers: Headers, media: str) -> Blob:
        lines = encoded([("content-type", media), ("etag", f'"{etag}"'), ("accept-ranges", "bytes"), *headers, *CORS])
        return cls(sha256, size, etag, tuple(lines))

    def elsewhere(self, address: str) -> list[tuple[bytes, bytes]]:
        """The lines of a redirect to an address that ends: the file may be kept for ever, the way to it not."""
        kept = [line for line in self.lines if line[0] != b"cache-control"]
        return [*kept, (b"cache-control", b"no-store"), (b"location", address.encode())]


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start:end`; `partial` when a range was asked for."""

    start: int
    end: int
    partial: bool

    @property
    def length(self) -> int:
        return self.end - self.start


def span_of(header: str, size: int) -> Span | None:
    """The bytes a Range header means; the whole for anything but one well-formed range, None when it lies beyond the end."""
    whole = Span(0, size, partial=False)
    found = _RANGE.fullmatch(header.strip())
    if found is None:
        return whole
    first, last = found.groups()
    if not first and not last:
        return whole
    if not first:
        wanted = int(last)
        return Span(max(0, size - wanted), size, partial=True) if wanted and size else None
    start = int(first)
    if last and int(last) < start:
        return whole
    if start >= size:
        return None
    return Span(start, min(size, int(last) + 1) if last else size, partial=True)


def is_unchanged(header: str, etag: str) -> bool:
    """Does If-None-Match name this ETag (weak comparison)?"""
    names = {name.strip().removeprefix("W/").strip('"') for name in header.split(",")}
    return "*" in names or etag in names


class Files:
    """Open descriptors of the objects last sent, as nginx keeps them: a name is a digest, so a kept descriptor is never stale."""

    def __init__(self, objects: Objects, limit: int | None = None) -> None:
        self.objects = objects
        self.limit = descriptors_to_keep() if limit is None else limit
        self.kept: OrderedDict[str, int] = OrderedDict()

    def open(self, digest: str) -> int | None:
        """A descriptor to read from now (not to keep over an await); None where the bytes are not on this disk."""
        number = self.kept.get(digest)
        if number is not None:
            return number
        path = self.objects.local_path(digest)
        if path is None:
            return None
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.kept[digest] = number
        if len(self.kept) > self.limit:
            os.close(self.kept.popitem(last=False)[1])
        return number


def descriptors_to_keep() -> int:
    """A third of what the process may open, at most 16,384: the short way and the long way keep as many each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 40_000 if hard == resource.RLIM_INFINITY else min(hard, 40_000)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return min(max(soft, wanted) // 3, 16_384)


class Sender:
    """Sends objects of one store. `accel`: the internal nginx location objects lie under, or ""."""

    def __init__(self, objects: Objects, accel: str = "") -> None:
        self.objects = objects
        self.accel = accel.rstrip("/")
        self.files = Files(objects)

    async def send(self, call: Call, blob: Blob, holds: Holds) -> int:
        """Answer a GET or HEAD; gives the bytes of the object that were put on their way (or handed to who sends them).

        A long transfer is cut off when `holds` no longer says yes.
        """
        asked, stated = call.headers.get("range", ""), call.headers.get("if-none-match")
        if stated and is_unchanged(stated, blob.etag):
            await self._bare(call, 304, blob)
            return 0
        if asked and call.headers.get("if-range", f'"{blob.etag}"') != f'"{blob.etag}"':
            asked = ""
        span = span_of(asked, blob.size) if asked else Span(0, blob.size, partial=False)
        if span is None:
            await self._bare(call, 416, blob, (b"content-range", b"bytes */%d" % blob.size))
            return 0
        lines = list(blob.lines)
        if span.partial:
            lines.append((b"content-range", b"bytes %d-%d/%d" % (span.start, span.end - 1, blob.size)))
        if call.method == "HEAD":
            await call.start_encoded(206 if span.partial else 200, lines, span.length)
            await call.piece(b"")
            return 0
        await self._body(call, blob, span, lines, holds)
        return span.length

    @staticmethod
    async def _bare(call: Call, status: int, blob: Blob, *more: tuple[bytes, bytes]) -> None:
        """An answer without a body."""
        await call.start_encoded(status, [*blob.lines, *more], None if status == 304 else 0)
        await call.piece(b"")

    async def _body(self, call: Call, blob: Blob, span: Span, lines: list[tuple[bytes, bytes]], holds: Holds) -> None:
        status = 206 if span.partial else 200
        if span.length <= PIECE and not self.accel and (number := self.files.open(blob.sha256)) is not None:
            data = os.pread(number, span.length, span.start)
            await call.start_encoded(status, lines, span.length)
            await call.piece(data)
            return
        path = self.objects.local_path(blob.sha256)
        if path is None:
            url = await run(self.objects.signed_url, blob.sha256, SIGNED_SECONDS)
            if url is not None:
                await call.start_encoded(302, blob.elsewhere(url), 0)
                await call.piece(b"")
                return
        elif self.accel and span.length > 0:
            inside = f"{self.accel}/{blob.sha256[:2]}/{blob.sha256}"
            whole = [line for line in lines if line[0] not in {b"content-range", b"accept-ranges"}]  # nginx says its own
            await call.start_encoded(200, [*whole, (b"x-accel-redirect", inside.encode())], None)
            await call.piece(b"")
            return
        await call.start_encoded(status, lines, span.length)
        if path is not None and (send_file := (call.scope.get("extensions") or {}).get(SENDFILE)):
            await self._handed_over(send_file, path, span, holds)
        elif path is not None and not span.partial and call.sends_paths:
            await call.passed_on(str(path))
        elif path is not None:
            await self._pieces(call, partial(self._local, path), span, holds)
        else:
            await self._pieces(call, partial(self.objects.read, blob.sha256), span, holds)

    @staticmethod
    async def _handed_over(send_file: SendFile, path: Path, span: Span, holds: Holds) -> None:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            await send_file(number, span.start, span.length, holds)
        finally:
            os.close(number)

    @staticmethod
    def _local(path: Path, start: int, end: int) -> bytes:
        with path.open("rb", buffering=0) as stream:
            stream.seek(start)
            return stream.read(end - start)

    @staticmethod
    async def _pieces(call: Call, read: Callable[[int, int], bytes], span: Span, holds: Holds) -> None:
        at, judged = span.start, time.monotonic()
        while at < span.end:
            if time.monotonic() - judged > protocol.HOLDS_SECONDS:
                judged = time.monotonic()
                if not await holds():
                    return  # the server closes an answer that was not ended
            data = await run(read, at, min(at + PIECE, span.end))
            at += len(data)
            await call.piece(data, more=at < span.end)
        if span.length == 0:
            await call.piece(b"")
