"""Large files of lines in pieces: each begins at a line chosen by its content, so that an edit changes the pieces it lies in and no other.

A piece is read by itself, with what has to be known of the whole file (`Form`): so it is read again only when its own bytes change, and what
later steps make of it stays. The line that begins the next piece is the one with the smallest checksum between `LEAST` and `MOST` bytes.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any
from zlib import crc32

from corpushub.engine.sources.encoding import detect
from corpushub.engine.sources.files import Blob

LEAST, MOST = 4_000_000, 8_000_000
# In these the byte of a line's end is never part of another character.
BYTEWISE = ("utf-8", "ascii", "gb18030", "gbk", "gb2312", "big5", "big5hkscs", "cp950", "cp1252", "iso8859-1", "euc_jp", "euc_kr")
UNKNOWN = "\ufffd".encode()


class OpenEnd(Exception):
    """A record of this piece goes on in the next: both have to be read together."""


@dataclass(frozen=True, slots=True)
class Form:
    """What the whole file tells about each of its pieces. `encoding` is the file's, `codec` that of the pieces' bytes."""

    encoding: str
    codec: str
    delimiter: str = ""
    quote: str = ""
    names: tuple[str, ...] = ()
    skip: int = 0  # records before the first row
    nulls: tuple[str, ...] = ()


def encoded(blob: Blob, options: Mapping[str, Any]) -> Form:
    """The form of a file as far as its encoding tells it."""
    with blob.open() as raw:
        found = detect(raw, str(options.get("encoding") or ""))
    return Form(found, found if codecs.lookup(found).name in BYTEWISE else "utf-8")


def decoded(data: bytes, codec: str) -> tuple[str, bool]:
    """The text of a piece, and whether some of its bytes are none in this encoding (they come out as `encoding.MARK`)."""
    try:
        return data.decode(codec), False
    except UnicodeDecodeError:
        errors = "surrogateescape" if codecs.lookup(codec).name in BYTEWISE else "replace"
        return data.decode(codec, errors), True


@contextmanager
def plain(blob: Blob, form: Form) -> Generator[IO[bytes]]:
    """The bytes of a file in its form's codec, without a byte order mark."""
    with blob.open() as raw:
        if form.encoding == form.codec:
            yield raw
        elif form.encoding == "utf-8-sig":
            raw.seek(3 if raw.read(3) == codecs.BOM_UTF8 else 0)
            yield raw
        else:
            yield io.BufferedReader(Recoded(io.TextIOWrapper(raw, form.encoding, "replace", newline="")))


class Recoded(io.RawIOBase):
    """A text as UTF-8; what its encoding could not read becomes a byte that is no UTF-8 either."""

    def __init__(self, text: IO[str]) -> None:
        self.text, self.rest = text, b""

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        self.rest = self.rest or self.text.read(1 << 18).encode("utf-8", "replace").replace(UNKNOWN, b"\xff")
        size = min(len(into), len(self.rest))
        into[:size], self.rest = self.rest[:size], self.rest[size:]
        return size


def lines_of(data: bytes) -> int:
    """How many lines end here."""
    returns = data.count(b"\r") - data.count(b"\r\n") if b"\r" in data else 0
    return data.count(b"\n") + returns


def cut(raw: IO[bytes], longest: int) -> Iterator[tuple[bytes, bool]]:
    """(piece, is it the last) of a stream of lines. Of a line beyond `longest` bytes only that much is given, so that memory is bounded."""
    held = raw.read(MOST)
    while True:
        held += raw.read(max(0, MOST - len(held)))
        if len(held) < MOST:
            yield held, True
            return
        at = edge(held)
        if not at:
            held += endless(raw, max(0, longest - len(held)))
            at = len(held)
        yield held[:at], False
        held = held[at:]


def edge(held: bytes) -> int:
    """Where the next piece begins: the line with the smallest checksum of those that begin after `LEAST` bytes and end here; 0 for none."""
    start = held.find(b"\n", LEAST - 1) + 1
    lines = held[start : held.rfind(b"\n")].split(b"\n") if start and held.rfind(b"\n") >= start else []
    if not lines:
        return start if start < len(held) else 0
    least = min(range(len(lines)), key=[crc32(line) for line in lines].__getitem__)
    return start + sum(map(len, lines[:least])) + least


def endless(raw: IO[bytes], more: int) -> bytes:
    """The rest of a line, of which only `more` bytes are kept."""
    kept = io.BytesIO()
    while True:
        line = raw.readline(1 << 20)
        if kept.tell() < more:
            kept.write(line)
        if not line or line.endswith(b"\n"):
            break
    data = kept.getvalue()
    return data if data.endswith(b"\n") else data + b"\n"
