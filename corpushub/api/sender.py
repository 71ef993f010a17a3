"""Bytes of an object to a client, by the fastest honest way there is.

Order: nothing at all (HEAD, 304, 416), a redirect to where the bytes lie (S3), nginx (`X-Accel-Redirect`), the server itself
(sendfile, or `http.response.pathsend`), one read and one message for small files, 1 MiB reads in a thread for large ones. No file is ever held whole.
"""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from corpushub.api.hf_errors import CORS
from corpushub.api.protocol import SENDFILE, SendFile
from corpushub.api.wire import Call, Reply, run
from corpushub.store.objects import Objects

PIECE = 1 << 20
SIGNED_SECONDS = 6 * 3600
MAX_OPEN = 256
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class Blob:
    """What is sent: an object, its validators and the headers that go with every status."""

    sha256: str
    size: int
    etag: str
    headers: tuple[tuple[str, str], ...]
    media: str = "application/octet-stream"


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
    """File descriptors of the objects last sent; a name is a digest, so a kept descriptor is never stale."""

    def __init__(self, limit: int = MAX_OPEN) -> None:
        self.limit = limit
        self.kept: OrderedDict[str, int] = OrderedDict()

    def read(self, path: Path, digest: str, size: int) -> bytes:
        """A small file's bytes."""
        number = self.kept.get(digest)
        if number is None:
            number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self.kept[digest] = number
            if len(self.kept) > self.limit:
                os.close(self.kept.popitem(last=False)[1])
        return os.pread(number, size, 0)


class Sender:
    """Sends objects of one store. `accel`: the internal nginx location objects lie under, or ""."""

    def __init__(self, objects: Objects, accel: str = "") -> None:
        self.objects = objects
        self.accel = accel.rstrip("/")
        self.files = Files()

    async def send(self, call: Call, blob: Blob) -> int:
        """Answer a GET or HEAD; gives the bytes of the object that were put on their way (or handed to who sends them)."""
        etag = f'"{blob.etag}"'
        headers = [("etag", etag), ("accept-ranges", "bytes"), *blob.headers, *CORS]
        if (stated := call.headers.get("if-none-match")) and is_unchanged(stated, blob.etag):
            await call.reply(Reply(304, b"", headers, blob.media))
            return 0
        asked = call.headers.get("range", "")
        if asked and call.headers.get("if-range", etag) != etag:
            asked = ""
        span = span_of(asked, blob.size) if asked else Span(0, blob.size, partial=False)
        if span is None:
            await call.reply(Reply(416, b"", [*headers, ("content-range", f"bytes */{blob.size}")], blob.media))
            return 0
        if span.partial:
            headers.append(("content-range", f"bytes {span.start}-{span.end - 1}/{blob.size}"))
        if call.method == "HEAD":
            await call.start(206 if span.partial else 200, headers, blob.media, span.length)
            await call.piece(b"")
            return 0
        await self._body(call, blob, span, headers)
        return span.length

    async def _body(self, call: Call, blob: Blob, span: Span, headers: list[tuple[str, str]]) -> None:
        status = 206 if span.partial else 200
        path = self.objects.local_path(blob.sha256)
        if path is None:
            url = await run(self.objects.signed_url, blob.sha256, SIGNED_SECONDS)
            if url is not None:
                whole = [line for line in headers if line[0] != "content-range"]
                await call.reply(Reply(302, b"", [*whole, ("location", url)], blob.media))
                return
        elif self.accel and span.length > 0:
            inside = f"{self.accel}/{blob.sha256[:2]}/{quote(path.name)}"
            await call.start(200, [*headers, ("x-accel-redirect", inside)], blob.media, None)
            await call.piece(b"")
            return
        await call.start(status, headers, blob.media, span.length)
        if path is not None and not span.partial and span.length <= PIECE:
            await call.piece(self.files.read(path, blob.sha256, blob.size))
        elif path is not None and (send_file := (call.scope.get("extensions") or {}).get(SENDFILE)):
            await self._handed_over(send_file, path, span)
        elif path is not None and not span.partial and call.sends_paths:
            await call.passed_on(str(path))
        elif path is not None:
            await self._pieces(call, path, span)
        else:
            await self._remote_pieces(call, blob, span)

    @staticmethod
    async def _handed_over(send_file: SendFile, path: Path, span: Span) -> None:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            await send_file(number, span.start, span.length)
        finally:
            os.close(number)

    @staticmethod
    async def _pieces(call: Call, path: Path, span: Span) -> None:
        number = await run(os.open, path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            at = span.start
            while at < span.end:
                data = await run(os.pread, number, min(PIECE, span.end - at), at)
                at += len(data)
                await call.piece(data, more=at < span.end)
        finally:
            os.close(number)

    async def _remote_pieces(self, call: Call, blob: Blob, span: Span) -> None:
        at = span.start
        while at < span.end:
            end = min(at + PIECE, span.end)
            data = await run(self.objects.read, blob.sha256, at, end)
            at = end
            await call.piece(data, more=at < span.end)
        if span.length == 0:
            await call.piece(b"")
