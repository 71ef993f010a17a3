"""Parquet files put together by their row groups: the pages are copied as they are, only the footer is written anew.

So a release file is encoded piece by piece, by several processes, and after a change only the pieces that changed. The format's rules used:
* a file is `PAR1`, row groups, column indexes, offset indexes, footer (thrift compact), its length, `PAR1`;
* every offset is absolute: those of columns, dictionaries and row groups, and those in the offset index, move with their bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

MAGIC = b"PAR1"
PIECE = 1 << 20
# Thrift compact types.
TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12
# Field numbers of parquet.thrift.
ROWS, GROUPS = 3, 4  # FileMetaData
COLUMNS, GROUP_OFFSET, ORDINAL = 1, 5, 7  # RowGroup
FILE_OFFSET, META, OFFSET_AT, OFFSET_LENGTH, COLUMN_AT, COLUMN_LENGTH = 2, 3, 4, 5, 6, 7  # ColumnChunk
PAGE_OFFSETS = (9, 10, 11)  # ColumnMetaData: data, index and dictionary page
LOCATIONS, LOCATION_OFFSET = 1, 1  # OffsetIndex, PageLocation

Struct = dict[int, tuple[int, Any]]
"""Fields by number, in order: (type, value)."""


class Reader:
    """Thrift compact values read from bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def number(self) -> int:
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def struct(self) -> Struct:
        fields: Struct = {}
        last = 0
        while (byte := self.take(1)[0]) != 0:
            kind = byte & 0x0F
            last = last + (byte >> 4) if byte >> 4 else self.number()
            fields[last] = (kind, self.value(kind))
        return fields

    def value(self, kind: int) -> Any:
        if kind in {TRUE, FALSE}:
            return kind == TRUE
        if kind in {I16, I32, I64}:
            return self.number()
        if kind == BINARY:
            return self.take(self.varint())
        if kind in {LIST, SET}:
            return self.items()
        return self.struct() if kind == STRUCT else self.take(1 if kind == BYTE else 8)

    def items(self) -> tuple[int, list[Any]]:
        head = self.take(1)[0]
        kind, size = head & 0x0F, head >> 4
        size = self.varint() if size == 15 else size
        if kind in {TRUE, FALSE}:
            return kind, [self.take(1) for _ in range(size)]
        return kind, [self.value(kind) for _ in range(size)]


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def written(kind: int, value: Any) -> bytes:
    """A value as thrift compact bytes."""
    if kind in {TRUE, FALSE} and isinstance(value, bool):
        return b""  # the field's type says it
    if kind in {I16, I32, I64}:
        return varint((value << 1) ^ (value >> 63))
    if kind == BINARY:
        return varint(len(value)) + bytes(value)
    if kind in {LIST, SET}:
        inner, items = value
        head = bytes([len(items) << 4 | inner]) if len(items) < 15 else bytes([0xF0 | inner]) + varint(len(items))
        return head + b"".join(written(inner, item) for item in items)
    return struct_bytes(value) if kind == STRUCT else bytes(value)


def struct_bytes(fields: Struct) -> bytes:
    out, last = [], 0
    for number, (kind, value) in fields.items():
        kind = (TRUE if value else FALSE) if isinstance(value, bool) else kind
        step = number - last
        out.append(bytes([step << 4 | kind]) if 0 < step < 16 else bytes([kind]) + varint(number << 1))
        out.append(written(kind, value))
        last = number
    return b"".join([*out, b"\x00"])


@dataclass(frozen=True, slots=True)
class Part:
    """One file to join: its footer, and where its row groups end."""

    path: Path
    footer: Struct
    end: int

    @property
    def columns(self) -> list[Struct]:
        return [column for group in self.footer[GROUPS][1][1] for column in group[COLUMNS][1][1]]


def opened(path: Path) -> Part:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(size - 8)
        tail = file.read(8)
        assert tail[4:] == MAGIC, "not a Parquet file"
        length = int.from_bytes(tail[:4], "little")
        file.seek(size - 8 - length)
        footer = Reader(file.read(length)).struct()
    part = Part(path, footer, size - 8 - length)
    indexes = [column[at][1] for column in part.columns for at in (COLUMN_AT, OFFSET_AT) if at in column]
    return Part(path, footer, min([part.end, *indexes]))


class Hashed:
    """A file being written, with its digest and length."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.sha, self.at = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> None:
        self.file.write(data)
        self.sha.update(data)
        self.at += len(data)


def join(paths: Sequence[Path], target: Path) -> str:
    """Write `target` with the row groups of all `paths` in order, which must have one schema; gives its SHA-256. Memory: one footer each."""
    parts = [opened(path) for path in paths]
    with target.open("wb") as file:
        out = Hashed(file)
        out.write(MAGIC)
        shifts = [copied(part, out) for part in parts]
        for place, length in ((COLUMN_AT, COLUMN_LENGTH), (OFFSET_AT, OFFSET_LENGTH)):
            for part, shift in zip(parts, shifts, strict=True):
                move_indexes(part, place, length, shift, out)
        footer = struct_bytes(merged(parts, shifts))
        out.write(footer + len(footer).to_bytes(4, "little") + MAGIC)
    return out.sha.hexdigest()


def copied(part: Part, out: Hashed) -> int:
    """Copy the row groups; gives by how much they moved."""
    shift = out.at - len(MAGIC)
    with part.path.open("rb") as file:
        file.seek(len(MAGIC))
        left = part.end - len(MAGIC)
        while left:
            data = file.read(min(PIECE, left))
            out.write(data)
            left -= len(data)
    return shift


def move_indexes(part: Part, place: int, length: int, shift: int, out: Hashed) -> None:
    """Write a part's column indexes, or its offset indexes with the pages' new places."""
    with part.path.open("rb") as file:
        for column in part.columns:
            if place not in column:
                continue
            file.seek(column[place][1])
            data = file.read(column[length][1])
            if place == OFFSET_AT:
                index = Reader(data).struct()
                for location in index[LOCATIONS][1][1]:
                    moved(location, LOCATION_OFFSET, shift)
                data = struct_bytes(index)
            column[place] = (column[place][0], out.at)
            column[length] = (column[length][0], len(data))
            out.write(data)


def moved(fields: Struct, number: int, shift: int) -> None:
    """Add `shift` to an offset that is stated (0 means none)."""
    if number in fields and fields[number][1]:
        fields[number] = (fields[number][0], fields[number][1] + shift)


def merged(parts: Sequence[Part], shifts: Sequence[int]) -> Struct:
    """One footer: the first one's with all row groups."""
    groups: list[Struct] = []
    for part, shift in zip(parts, shifts, strict=True):
        for group in part.footer[GROUPS][1][1]:
            moved(group, GROUP_OFFSET, shift)
            group[ORDINAL] = (I16, len(groups))
            for column in group[COLUMNS][1][1]:
                moved(column, FILE_OFFSET, shift)
                for number in PAGE_OFFSETS:
                    moved(column[META][1], number, shift)
            groups.append(dict(sorted(group.items())))
    footer = dict(parts[0].footer)
    footer[ROWS] = (I64, sum(part.footer[ROWS][1] for part in parts))
    footer[GROUPS] = (LIST, (STRUCT, groups))
    return footer
