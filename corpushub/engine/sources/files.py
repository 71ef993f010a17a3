"""Bytes of a source, with bounds: local files, folders and globs, and what lies inside archives and compressed files.

Rules: nothing is unpacked beyond `Limits` (total bytes, ratio, depth, members), members never leave their archive's name space (absolute
paths, `..`, links and devices are quarantined), and what a file is follows from its first bytes where they are telling, not from its name.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal

from corpushub.base.errors import Invalid
from corpushub.base.identity import file_sha256, sha256

PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What a source may cost. Ratio counts only beyond `ratio_floor_bytes`, since small files compress extremely well."""

    max_archive_bytes: int = 50_000_000_000
    max_archive_ratio: int = 300
    max_archive_depth: int = 2
    max_members: int = 1_000_000
    max_line_bytes: int = 16_000_000
    max_document_bytes: int = 512_000_000
    ratio_floor_bytes: int = 64_000_000
    max_quarantine_ratio: float = 0.05


def limits_of(limits: Limits, stated: Mapping[str, float]) -> Limits:
    """`limits` with what a recipe states (`max_quarantine_ratio`, `max_archive_bytes` …)."""
    known = {name: value for name, value in stated.items() if name in Limits.__dataclass_fields__}
    values: dict[str, Any] = {name: value if name == "max_quarantine_ratio" else int(value) for name, value in known.items()}
    return replace(limits, **values)


@dataclass(frozen=True, slots=True)
class Blob:
    """One readable file: `name` is relative to the source, `path` where its bytes lie, or `data` when they are small and in memory.

    `state` is what the file system told of it when its digest was taken; a `temporary` one is removed by whoever has read it.
    """

    name: str
    path: Path | None = None
    data: bytes | None = None
    digest: str = ""
    state: str = ""
    temporary: bool = False

    def open(self) -> IO[bytes]:
        if self.data is not None:
            return io.BytesIO(self.data)
        assert self.path is not None
        return self.path.open("rb")

    def read(self) -> bytes:
        return self.data if self.data is not None else self.path.read_bytes() if self.path else b""

    def head(self, size: int = 4096) -> bytes:
        with self.open() as stream:
            return stream.read(size)

    def bytes(self) -> int:
        return len(self.data) if self.data is not None else self.path.stat().st_size if self.path else 0

    def sha256(self) -> str:
        return self.digest or (sha256(self.data) if self.data is not None else file_sha256(self.path) if self.path else "")


def is_wanted(name: str, pattern: str) -> bool:
    """Does the recipe's `members` name this file? Without it every file but the hidden ones is read."""
    if not pattern:
        return not PurePosixPath(name).name.startswith(".")
    return fnmatch(name, pattern) or fnmatch(PurePosixPath(name).name, pattern)


@dataclass(slots=True)
class Unpacker:
    """The files in one archive, in a stable order; a file that is none is its own only one.

    `alone`: the archive is the whole source. `skipped` names members that were not read and why.
    """

    limits: Limits
    scratch: Path
    members: str = ""
    alone: bool = True
    skipped: list[tuple[str, str]] = field(default_factory=list)
    unpacked: int = 0
    packed: int = 0
    count: int = 0

    def files(self, blob: Blob) -> Iterator[Blob]:
        self.packed = max(1, blob.bytes())
        yield from self.blob(blob, 0)

    def blob(self, blob: Blob, depth: int) -> Iterator[Blob]:
        kind = archive_kind(blob)
        if not kind:
            yield blob
            return
        if depth >= self.limits.max_archive_depth:
            raise Invalid("source.archive_depth", name=blob.name, limit=self.limits.max_archive_depth)
        try:
            match kind:
                case "zip":
                    yield from self.zip(blob, depth)
                case "tar":
                    with blob.open() as stream:
                        yield from self.tar(blob, depth, stream, "r:")
                case _:
                    yield from self.compressed(blob, kind, depth)
        except (
            tarfile.TarError,
            zipfile.BadZipFile,
            EOFError,
            lzma.LZMAError,
            zlib.error,
            OSError,
            ValueError,
            RuntimeError,
        ) as error:
            if isinstance(error, OSError) and error.errno is not None:  # the machine's trouble, not the archive's
                raise
            raise Invalid("source.archive_broken", name=blob.name, kind=kind, reason=type(error).__name__) from error

    def zip(self, blob: Blob, depth: int) -> Iterator[Blob]:
        with blob.open() as stream, zipfile.ZipFile(stream) as archive:
            for info in sorted(archive.infolist(), key=zip_name):
                name = self.within(blob, depth, zip_name(info))
                if info.is_dir() or not self.admit(zip_name(info), name, is_file=not is_zip_link(info)):
                    continue
                if info.flag_bits & 0x1:
                    self.skipped.append((name, "encrypted"))
                    continue
                try:
                    with archive.open(info) as member:
                        inner = self.copy(member, name)
                except NotImplementedError:
                    self.skipped.append((name, "packed"))
                    continue
                yield from self.blob(inner, depth + 1)

    def tar(self, blob: Blob, depth: int, stream: IO[bytes], mode: Literal["r:", "r|"]) -> Iterator[Blob]:
        with tarfile.open(fileobj=stream, mode=mode) as archive:
            for info in archive:
                name = self.within(blob, depth, info.name)
                if info.isdir() or not self.admit(info.name, name, is_file=info.isfile()):
                    continue
                member = archive.extractfile(info)
                assert member is not None
                yield from self.blob(self.copy(member, name), depth + 1)

    def compressed(self, blob: Blob, kind: str, depth: int) -> Iterator[Blob]:
        with blob.open() as stream:
            unpacked = decompress(stream, kind)
            head = unpacked.read(512)
            rest = io.BufferedReader(Joined(head, unpacked), PIECE)
            if is_tar(head):
                yield from self.tar(blob, depth, rest, "r|")
                return
            self.count += 1
            inner = self.copy(rest, strip_suffix(blob.name))
        yield from self.blob(inner, depth + 1)

    def within(self, blob: Blob, depth: int, name: str) -> str:
        """A member's name in the source: below its archive's, unless that is the whole source."""
        return name if self.alone and depth == 0 else f"{blob.name}/{name}"

    def admit(self, member: str, name: str, *, is_file: bool) -> bool:
        """May this member be read at all?"""
        self.count += 1
        if self.count > self.limits.max_members:
            raise Invalid("source.archive_members", limit=self.limits.max_members)
        parts = PurePosixPath(member.replace("\\", "/"))
        if not is_file or parts.is_absolute() or ".." in parts.parts:
            self.skipped.append((name, "unsafe_member"))
            return False
        return is_wanted(member, self.members)

    def copy(self, stream: IO[bytes], name: str) -> Blob:
        """The member's bytes, in memory when small, else in the scratch folder. Raises: Invalid("source.archive_bomb")."""
        data = stream.read(PIECE)
        self.account(len(data), name)
        if len(data) < PIECE:
            return Blob(name, data=data)
        path = self.scratch / f"member-{self.count}"
        with path.open("wb") as out:
            while data:
                out.write(data)
                data = stream.read(PIECE)
                self.account(len(data), name)
        return Blob(name, path, temporary=True)

    def account(self, size: int, name: str) -> None:
        self.unpacked += size
        limits = self.limits
        if self.unpacked > limits.max_archive_bytes:
            raise Invalid("source.archive_bytes", name=name, limit=limits.max_archive_bytes)
        if self.unpacked > limits.ratio_floor_bytes and self.packed and self.unpacked > self.packed * limits.max_archive_ratio:
            raise Invalid("source.archive_bomb", name=name, limit=limits.max_archive_ratio)


class Joined(io.RawIOBase):
    """A stream whose first bytes were already read."""

    def __init__(self, head: bytes, rest: io.BufferedIOBase) -> None:
        self.head, self.rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        piece = self.head[: len(into)] or self.rest.read(len(into))
        self.head = self.head[len(piece) :]
        into[: len(piece)] = piece
        return len(piece)


def decompress(stream: IO[bytes], kind: str) -> io.BufferedIOBase:
    match kind:
        case "gz":
            return gzip.GzipFile(fileobj=stream)
        case "xz":
            return lzma.LZMAFile(stream)
        case "bz2":
            return bz2.BZ2File(stream)
        case _:
            import pyarrow as pa

            plain: Any = pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")
            return io.BufferedReader(plain, PIECE)


MAGIC = ((b"\x1f\x8b", "gz"), (b"\xfd7zXZ\x00", "xz"), (b"BZh", "bz2"), (b"\x28\xb5\x2f\xfd", "zst"))


def archive_kind(blob: Blob) -> str:
    """zip, tar, gz, xz, bz2 or zst by the first bytes; empty for anything else (an XLSX or ODS is no archive here)."""
    head = blob.head(600)
    if head.startswith(b"PK\x03\x04"):
        return "" if is_workbook(blob) else "zip"
    if head.startswith(b"PK\x05\x06"):
        return "zip"
    if is_tar(head):
        return "tar"
    return next((kind for magic, kind in MAGIC if head.startswith(magic)), "")


# What every ODS begins with: its standard asks for this first member, stored as it is, so that programs can tell it by its bytes.
OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"


def is_workbook(blob: Blob) -> bool:
    if blob.head(600)[30:].startswith(OPEN_DOCUMENT):
        return True
    try:
        with blob.open() as stream, zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return False
    return "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names)


def is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def is_zip_link(info: zipfile.ZipInfo) -> bool:
    return (info.external_attr >> 28) == 0xA


def zip_name(info: zipfile.ZipInfo) -> str:
    """The member's name; without the UTF-8 flag Chinese archivers write GBK."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        raw = info.filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.filename


def strip_suffix(name: str) -> str:
    path = PurePosixPath(name)
    return str(path.with_suffix("")) if path.suffix in {".gz", ".xz", ".bz2", ".zst", ".zstd"} else name
