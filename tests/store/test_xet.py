"""A file put together from Xet containers is the file that was taken apart, or nothing."""

from __future__ import annotations

import struct
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpushub.base.errors import Invalid
from corpushub.store.xet import MAX_CHUNK_BYTES, Segment, ShardFile, chunks_of, content, files_of, hex_of, ungrouped, unpacked

PIECES = st.lists(st.tuples(st.binary(min_size=1, max_size=300), st.sampled_from([0, 1, 2])), min_size=1, max_size=6)


def grouped(data: bytes) -> bytes:
    return b"".join(data[plane::4] for plane in range(4))


def xorb_of(pieces: list[tuple[bytes, int]]) -> bytes:
    out = b""
    for data, scheme in pieces:
        plain = grouped(data) if scheme == 2 else data
        packed = pa.compress(plain, codec="lz4", asbytes=True) if scheme else plain
        out += b"\0" + len(packed).to_bytes(3, "little") + bytes([scheme]) + len(data).to_bytes(3, "little") + packed
    return out


@given(data=st.binary(max_size=200))
def test_grouping_is_undone(data: bytes) -> None:
    assert ungrouped(grouped(data)) == data


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=PIECES, footer=st.sampled_from([b"", b"XETBLOB rest"]))
def test_chunks_come_back_in_every_scheme(tmp_path: Path, pieces: list[tuple[bytes, int]], footer: bytes) -> None:
    xorb = xorb_of(pieces) + footer
    assert b"".join(unpacked(xorb, chunk) for chunk in chunks_of(xorb)) == b"".join(data for data, _ in pieces)
    name = "a" * 64
    (tmp_path / name).write_bytes(xorb)
    size = sum(len(data) for data, _ in pieces)
    file = ShardFile("0" * 64, (Segment(name, size, 0, len(pieces)),))
    assert b"".join(content(file, tmp_path)) == b"".join(data for data, _ in pieces)
    with pytest.raises(Invalid):
        list(content(ShardFile("0" * 64, (Segment(name, size, 0, len(pieces) + 1),)), tmp_path))
    with pytest.raises(Invalid):
        list(content(ShardFile("0" * 64, (Segment(name, size + 1, 0, len(pieces)),)), tmp_path))


@given(data=st.binary(max_size=200))
def test_garbage_is_refused_and_nothing_else_happens(data: bytes) -> None:
    for read in (chunks_of, files_of):
        try:
            read(data)
        except Invalid as error:
            told = error.explain("zh")
            if not told:
                raise


def test_a_chunk_that_would_explode_is_refused() -> None:
    huge = b"\0" + (4).to_bytes(3, "little") + b"\x01" + (MAX_CHUNK_BYTES + 1).to_bytes(3, "little") + b"abcd"
    with pytest.raises(Invalid):
        chunks_of(huge)


def test_a_shard_tells_files_segments_and_digests() -> None:
    sha, xorb = bytes(range(32)), bytes(reversed(range(32)))
    head = b"HFRepoMetaData".ljust(32, b"\0") + struct.pack("<QQ", 2, 0)
    record = b"\1" * 32 + struct.pack("<IIQ", 1 << 31 | 1 << 30, 1, 0)
    segment = xorb + struct.pack("<IIII", 0, 7, 2, 3)
    shard = head + record + segment + b"\2" * 48 + sha + b"\0" * 16 + b"\xff" * 48
    assert files_of(shard) == [ShardFile(hex_of(sha), (Segment(hex_of(xorb), 7, 2, 3),))]
    assert hex_of(sha).startswith("0706050403020100")
