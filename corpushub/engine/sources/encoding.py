"""Which encoding a text file is in: byte order mark, then strict UTF-8, then GB18030 or Big5 by how usual the characters are that come out.

A file in which no single encoding reads everything keeps the one that reads most; the lines it can't read are quarantined by the reader
(undecodable bytes come out as lone surrogates, see `MARK`).
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import IO

PIECE = 1 << 20
SAMPLE = 4 << 20
MARK = re.compile("[\udc80-\udcff]")
"""Matches what `errors="surrogateescape"` left of bytes the encoding could not read."""

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """`codec` is Python's name; `clean` says that the whole file decodes strictly."""

    codec: str
    clean: bool

    @property
    def errors(self) -> str:
        return "strict" if self.clean else "surrogateescape"


def detect(stream: IO[bytes], stated: str = "") -> Encoding:
    """The encoding of a whole stream (read once, or twice for Chinese legacy encodings), `stated` by the recipe or found."""
    head = stream.read(4)
    stream.seek(0)
    codec = stated or next((name for bom, name in BOMS if head.startswith(bom)), "")
    if codec:
        return Encoding(codec, clean=decodes(stream, codec))
    if decodes(stream, "utf-8"):
        return Encoding("utf-8", clean=True)
    stream.seek(0)
    return legacy(stream)


def decodes(stream: IO[bytes], codec: str) -> bool:
    stream.seek(0)
    decoder = codecs.getincrementaldecoder(codec)("strict")
    try:
        while piece := stream.read(PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except (UnicodeDecodeError, UnicodeError):
        return False
    return True


def legacy(stream: IO[bytes]) -> Encoding:
    """The best of UTF-8 (with broken lines), GB18030, Big5 and Windows-1252 for a stream that is no clean UTF-8."""
    stream.seek(0)
    lines = [line for line in stream.read(SAMPLE).splitlines() if not line.isascii()][:4000]
    if not lines:  # what is broken lies beyond the sample
        return Encoding("utf-8", clean=False)
    readable = {codec: share_readable(lines, codec) for codec in ("utf-8", "gb18030", "big5hkscs")}
    if readable["utf-8"] >= 0.5:
        return Encoding("utf-8", clean=False)
    sample = b"\n".join(lines[:1000])
    scores = {codec: readable[codec] * usualness(sample.decode(codec, "ignore"), codec) for codec in ("gb18030", "big5hkscs")}
    codec = max(scores, key=scores.__getitem__)
    if scores[codec] < 0.35:
        codec = guess(sample)
    return Encoding(codec, clean=decodes(stream, codec))


def share_readable(lines: list[bytes], codec: str) -> float:
    good = 0
    for line in lines:
        try:
            line.decode(codec)
            good += 1
        except UnicodeDecodeError:
            continue
    return good / len(lines)


def usualness(text: str, codec: str) -> float:
    """Share of non-ASCII characters that the legacy standard ranks as frequent (GB2312 level 1, Big5 level 1, and punctuation)."""
    narrow = "gb2312" if codec == "gb18030" else "big5"
    usual = total = 0
    for character in text:
        if character < "\x80":
            continue
        total += 1
        raw = character.encode(narrow, "ignore")
        if len(raw) == 2:
            lead = raw[0]
            usual += lead <= 0xD7 if narrow == "gb2312" else lead <= 0xC6
    return usual / total if total else 0.0


def guess(sample: bytes) -> str:
    """Other encodings, by charset-normalizer on a sample; Windows-1252 reads anything."""
    from charset_normalizer import from_bytes

    best = from_bytes(sample[:200_000]).best()
    return best.encoding if best else "cp1252"
