"""Xet containers, which current clients use for every large upload without asking: xorbs (compressed chunks) and shards (recipes of files).

* Xorb: chunks until the end or the footer `XETBLOB`; 8-byte header `version, compressed length u24, scheme, length u24`, little endian;
  scheme 0 raw, 1 LZ4 frame, 2 LZ4 frame of bytes grouped by position modulo 4.
* Shard: 48-byte header, then per file a 48-byte record, its segments, optional verification and SHA-256 records; ends at a hash of ones.
* A digest is written in hex with the bytes of each 8-byte group reversed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from corpushub.base.errors import Invalid

MAX_XORB_BYTES = 80 << 20
MAX_SHARD_BYTES = 64 << 20
MAX_CHUNK_BYTES = 1 << 20
_HEADER, _RECORD = 8, 48
_FOOTER = b"XETBLOB"
_TAG = b"HFRepoMetaData"
_END = b"\xff" * 32
_VERIFIED, _HAS_SHA = 1 << 31, 1 << 30
_MAX_SEGMENTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Segment:
    """Chunks `first:last` of a xorb, `size` bytes unpacked."""

    xorb: str
    size: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ShardFile:
    """One file of a shard; `sha256` may be missing in foreign shards."""

    sha256: str
    segments: tuple[Segment, ...]

    @property
    def size(self) -> int:
        return sum(segment.size for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Where a chunk's compressed bytes lie in its xorb."""

    start: int
    packed: int
    scheme: int
    size: int


def hex_of(digest: bytes) -> str:
    return "".join(digest[at : at + 8][::-1].hex() for at in range(0, 32, 8))


def chunks_of(xorb: bytes) -> list[Chunk]:
    """The chunk table of a xorb. Raises: Invalid("upload.xorb_invalid")."""
    found: list[Chunk] = []
    at = 0
    while at < len(xorb) and xorb[at : at + len(_FOOTER)] != _FOOTER:
        if at + _HEADER > len(xorb):
            raise Invalid("upload.xorb_invalid", why="a chunk header is cut off")
        version, low, high, scheme, size_low, size_high = struct.unpack_from("<BHBBHB", xorb, at)
        packed, size = low | high << 16, size_low | size_high << 16
        at += _HEADER
        if version != 0 or scheme > 2 or size > MAX_CHUNK_BYTES or at + packed > len(xorb):
            raise Invalid("upload.xorb_invalid", why=f"chunk {len(found)} is malformed")
        found.append(Chunk(at, packed, scheme, size))
        at += packed
    if not found:
        raise Invalid("upload.xorb_invalid", why="it holds no chunk")
    return found


def unpacked(xorb: bytes, chunk: Chunk) -> bytes:
    """A chunk's bytes. Raises: Invalid("upload.xorb_invalid")."""
    packed = xorb[chunk.start : chunk.start + chunk.packed]
    if chunk.scheme:
        try:
            packed = pa.decompress(packed, decompressed_size=chunk.size, codec="lz4", asbytes=True)
        except (pa.ArrowException, OSError):
            raise Invalid("upload.xorb_invalid", why="a chunk does not decompress") from None
    if len(packed) != chunk.size:
        raise Invalid("upload.xorb_invalid", why="a chunk has another length than stated")
    return ungrouped(packed) if chunk.scheme == 2 else packed


def ungrouped(planes: bytes) -> bytes:
    """Undo grouping by position modulo 4; the first `length % 4` planes are one byte longer."""
    whole = bytearray(len(planes))
    at = 0
    for plane in range(4):
        length = (len(planes) - plane + 3) // 4
        whole[plane::4] = planes[at : at + length]
        at += length
    return bytes(whole)


def files_of(shard: bytes) -> list[ShardFile]:
    """The files a shard describes. Raises: Invalid("upload.shard_invalid")."""
    if not shard.startswith(_TAG) or len(shard) < 2 * _RECORD or struct.unpack_from("<Q", shard, 32)[0] != 2:
        raise Invalid("upload.shard_invalid", why="it has no header of version 2")
    found: list[ShardFile] = []
    at = _RECORD
    while (record := _record(shard, at))[:32] != _END:
        flags, count = struct.unpack_from("<II", record, 32)
        if count > _MAX_SEGMENTS:
            raise Invalid("upload.shard_invalid", why="a file has too many segments")
        at += _RECORD
        segments = []
        for index in range(count):
            row = _record(shard, at + index * _RECORD)
            _, size, first, last = struct.unpack_from("<IIII", row, 32)
            segments.append(Segment(hex_of(row[:32]), size, first, last))
        at += count * _RECORD * (2 if flags & _VERIFIED else 1)
        digest = ""
        if flags & _HAS_SHA:
            digest = hex_of(_record(shard, at)[:32])
            at += _RECORD
        found.append(ShardFile(digest, tuple(segments)))
    return found


def _record(shard: bytes, at: int) -> bytes:
    if at + _RECORD > len(shard):
        raise Invalid("upload.shard_invalid", why="it is cut off")
    return shard[at : at + _RECORD]


def content(file: ShardFile, folder: Path) -> Iterator[bytes]:
    """The file's bytes from the xorbs in `folder`, chunk by chunk; one xorb is in memory at a time.

    Raises: Invalid("upload.xorb_unknown" | "upload.xorb_invalid" | "upload.shard_invalid").
    """
    name, data, table = "", b"", list[Chunk]()
    for segment in file.segments:
        if segment.xorb != name:
            path = folder / segment.xorb
            if not path.is_file():
                raise Invalid("upload.xorb_unknown", xorb=segment.xorb)
            name, data = segment.xorb, path.read_bytes()
            table = chunks_of(data)
        if not segment.first < segment.last <= len(table):
            raise Invalid("upload.shard_invalid", why="a segment lies outside its xorb")
        left = segment.size
        for chunk in table[segment.first : segment.last]:
            left -= chunk.size
            yield unpacked(data, chunk)
        if left:
            raise Invalid("upload.shard_invalid", why="a segment has another length than stated")
