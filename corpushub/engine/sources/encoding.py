"""Which encoding a text file is in: byte order mark, or UTF-16 without it, then strict UTF-8, then GB18030 or Big5 by how usual the characters are that come out.

A file in which no single encoding reads everything keeps the one that reads most; the lines it can't read are quarantined by the reader
(undecodable bytes come out as lone surrogates, see `MARK`).
"""

from __future__ import annotations

import codecs
import re
from typing import IO

import polars as pl

from corpushub.base.errors import Invalid

PIECE = 1 << 20
SAMPLE = 4 << 20
UNMARKED = 1 << 16
# Windows-1252 as people of Western Europe write it: letters and signs whose bytes mean, in other encodings of the kind, what stands alone nowhere.
WESTERN = frozenset("äöüßéèêëàâçîïôûùáíóúñãõåøæœìòÄÖÜÉÈÊÀÂÇÔÁÍÓÚÑÃÕÅØÆŒ€£§°ºª«»“”„‘’–—…·©®¿¡\xa0²³½")
HIGH_RUN = re.compile(rb"[\x80-\xff]+")
MARK = re.compile("[\udc80-\udcff]")
"""Matches what `errors="surrogateescape"` left of bytes the encoding could not read."""

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def detect(stream: IO[bytes], stated: str = "") -> str:
    """Python's name for the encoding of a whole stream (read once), `stated` by the recipe or found. Raises: Invalid("source.encoding")."""
    head = stream.read(4)
    stream.seek(0)
    codec = stated or next((name for bom, name in BOMS if head.startswith(bom)), "") or unmarked(stream)
    if codec:
        return known_codec(codec)
    if all_utf8(stream):
        return "utf-8"
    return legacy(stream)


def unmarked(stream: IO[bytes]) -> str:
    """UTF-16 whose byte order mark is missing, or nothing: ASCII characters, such as the ends of lines, have their zero byte all on one side."""
    sample = stream.read(UNMARKED)
    stream.seek(0)
    sides = (sample[0::2].count(0), sample[1::2].count(0))
    if max(sides) <= 4 * min(sides):  # some Han characters have one too
        return ""
    codec = "utf-16-le" if sides[1] > sides[0] else "utf-16-be"
    text = sample[: len(sample) & ~1].decode(codec, "replace")
    readable = sum(character.isprintable() or character in "\r\n\t" for character in text)
    return codec if "\n" in text and readable >= len(text) - 1 and max(sides) * 50 >= len(text) else ""


def is_utf8(data: bytes) -> bool:
    """Asked of the frame library, which answers some twenty times faster than decoding."""
    try:
        pl.Series([data], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.ComputeError:
        return False
    return True


def all_utf8(stream: IO[bytes]) -> bool:
    rest = b""
    while piece := stream.read(PIECE):
        held = rest + piece
        # The last character may go on in the next piece: it waits for it.
        back = next((back for back in (1, 2, 3, 4) if len(held) >= back and held[-back] >= 0xC0), 0)
        if not is_utf8(held[: len(held) - back]):
            return False
        rest = held[len(held) - back :]
    return is_utf8(rest)


def known_codec(name: str) -> str:
    try:
        codecs.lookup(name)
        "".encode(name)
    except LookupError:
        raise Invalid("source.encoding", encoding=name) from None
    return name


def legacy(stream: IO[bytes]) -> str:
    """The best of UTF-8 (with broken lines), GB18030, Big5 and Windows-1252 for a stream that is no clean UTF-8."""
    stream.seek(0)
    lines = [line for line in stream.read(SAMPLE).splitlines() if not line.isascii()][:4000]
    if not lines:  # what is broken lies beyond the sample
        return "utf-8"
    readable = {codec: share_readable(lines, codec) for codec in ("utf-8", "gb18030", "big5hkscs")}
    if readable["utf-8"] >= 0.5:
        return "utf-8"
    sample = b"\n".join(lines[:1000])
    scores = {codec: readable[codec] * usualness(sample.decode(codec, "ignore"), codec) for codec in ("gb18030", "big5hkscs")}
    codec = max(scores, key=scores.__getitem__)
    if scores[codec] >= 0.35:
        return codec
    return "cp1252" if is_western(sample) else guess(sample)


def is_western(sample: bytes) -> bool:
    """Latin letters with some accents among them: one by one between ASCII, and such as Western languages have.

    Asked before the statistics, which need more text than a short table holds.
    """
    runs = HIGH_RUN.findall(sample)
    alone = sum(len(run) <= 2 for run in runs)
    text = b"".join(runs).decode("cp1252", "replace")
    return alone >= 0.9 * len(runs) and sum(character in WESTERN for character in text) >= 0.95 * len(text)


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
