"""Bytes by digest. Rules:

* A key is the SHA-256 of the bytes; an object is never rewritten and never half there (local: temporary file, fsync, rename; S3: one
  conditional put, multipart for large files).
* Local layout `objects/ab/<sha256>`, so any tool can verify it; files of the same disk are hard-linked, not copied.
* Nothing is deleted but by `sweep`, which spares what is named and whatever was put within the last hour (a publish in flight). Putting
  what is there already makes it young again; a sweep that meets such a put gives the object back.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from corpushub.base.errors import Invalid, NotFound, Unavailable
from corpushub.base.identity import file_sha256, sha256, system_clock
from corpushub.base.s3 import s3_options
from corpushub.base.settings import Settings

PIECE = 1 << 20
YOUNG_SECONDS = 3600
_SHA = re.compile(r"[0-9a-f]{64}")


class Backend(Protocol):
    def put_file(self, path: Path, digest: str) -> None: ...
    def put_bytes(self, data: bytes, digest: str) -> None: ...
    def size(self, digest: str) -> int | None: ...
    def read(self, digest: str, start: int, end: int | None) -> bytes: ...
    def local_path(self, digest: str) -> Path | None: ...
    def signed_url(self, digest: str, seconds: int) -> str | None: ...
    def refresh(self, digest: str) -> bool:
        """Make an object young again; False where it has to be put (anew)."""

    def ages(self) -> Iterator[tuple[str, float]]:
        """Every object, with the seconds since it was last put."""

    def delete(self, digest: str) -> int | None:
        """Remove an object that is still old; its bytes, None where it was young or gone."""


class Objects:
    """Content-addressed bytes on a local disk (a folder) or in S3 (`s3://bucket/prefix`, credentials from `settings`)."""

    def __init__(self, place: str | Path, settings: Settings | None = None) -> None:
        self.backend: Backend = Bucket(str(place), settings) if str(place).startswith("s3://") else Folder(Path(place))

    @classmethod
    def of(cls, settings: Settings) -> Objects:
        """The store the settings name, a folder in the home by default."""
        return cls(settings.objects_url or settings.home / "objects", settings)

    def put_file(self, path: Path) -> str:
        """Keep a file's bytes; costs one read, and a hard link where possible."""
        digest = file_sha256(path)
        if not self.backend.refresh(digest):
            self.backend.put_file(path, digest)
        return digest

    def put_bytes(self, data: bytes) -> str:
        digest = sha256(data)
        if not self.backend.refresh(digest):
            self.backend.put_bytes(data, digest)
        return digest

    def size(self, digest: str) -> int | None:
        """Bytes of the object, None where there is none."""
        return self.backend.size(checked(digest))

    def read(self, digest: str, start: int = 0, end: int | None = None) -> bytes:
        """Bytes `start:end` of the object. Raises: NotFound("objects.missing")."""
        return self.backend.read(checked(digest), start, end)

    def open(self, digest: str) -> BinaryIO:
        """The object as a stream; the caller closes it. Raises: NotFound("objects.missing")."""
        if path := self.local_path(digest):
            return path.open("rb")
        return io.BufferedReader(RemoteStream(self, digest), PIECE)

    def local_path(self, digest: str) -> Path | None:
        """Where the bytes lie on this disk, None when they are remote or missing."""
        return self.backend.local_path(checked(digest))

    def signed_url(self, digest: str, seconds: int) -> str | None:
        """A URL that reads this object for a while, None where the store has no such thing."""
        return self.backend.signed_url(checked(digest), seconds)

    def verify(self, digest: str) -> bool:
        """Do the stored bytes still have their digest?"""
        running = hashlib.sha256()
        with self.open(digest) as stream:
            while piece := stream.read(PIECE):
                running.update(piece)
        return running.hexdigest() == digest

    def digests(self) -> Iterator[str]:
        """All objects there are."""
        return (digest for digest, _ in self.backend.ages())

    def sweep(self, named: Callable[[], AbstractSet[str]]) -> tuple[int, int]:
        """Delete old objects that nobody names; gives how many went, and their bytes.

        `named` is asked after the old ones are known: what is named later was put later, and is young.
        """
        old = [digest for digest, seconds in self.backend.ages() if seconds > YOUNG_SECONDS]
        keep = named() if old else frozenset()
        freed = [size for digest in old if digest not in keep and (size := self.backend.delete(digest)) is not None]
        return len(freed), sum(freed)


def checked(digest: str) -> str:
    """A digest as a safe file name. Raises: Invalid("objects.digest")."""
    if not _SHA.fullmatch(digest):
        raise Invalid("objects.digest")
    return digest


class Folder:
    """Objects on a local disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        for left in root.glob("tmp-*"):  # what a killed process left behind
            if age_seconds(left) > YOUNG_SECONDS:
                left.unlink(missing_ok=True)
        for left in root.glob("swept-*"):
            self._settle(left, left.name.removeprefix("swept-"))

    def place(self, digest: str) -> Path:
        return self.root / digest[:2] / digest

    def put_file(self, path: Path, digest: str) -> None:
        temporary = self._temporary()
        try:
            # A hard link shares the bytes with the build folder, which never rewrites a finished file in place.
            os.link(path, temporary)
        except OSError:
            shutil.copyfile(path, temporary)
        self._finish(temporary, digest)

    def put_bytes(self, data: bytes, digest: str) -> None:
        temporary = self._temporary()
        temporary.write_bytes(data)
        self._finish(temporary, digest)

    def _temporary(self) -> Path:
        return self.root / f"tmp-{secrets.token_hex(8)}"

    def _finish(self, temporary: Path, digest: str) -> None:
        target = self.place(digest)
        target.parent.mkdir(exist_ok=True)
        os.utime(temporary)  # a linked file may be old; a sweep must see a young object
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(target)
        target.chmod(0o444)
        sync_folder(target.parent)

    def size(self, digest: str) -> int | None:
        for path in self._ways(digest):
            with suppress(FileNotFoundError):
                return path.stat().st_size
        return None

    def read(self, digest: str, start: int, end: int | None) -> bytes:
        for path in self._ways(digest):
            with suppress(FileNotFoundError), path.open("rb") as stream:
                stream.seek(start)
                return stream.read() if end is None else stream.read(max(0, end - start))
        raise NotFound("objects.missing", digest=digest)

    def local_path(self, digest: str) -> Path | None:
        return next((path for path in self._ways(digest) if path.exists()), None)

    def _aside(self, digest: str) -> Path:
        return self.root / f"swept-{digest}"

    def _ways(self, digest: str) -> tuple[Path, ...]:
        """Where an object may be: a sweep sets it aside for a moment, and gives it back where it was put again."""
        place = self.place(digest)
        return place, self._aside(digest), place

    def signed_url(self, digest: str, seconds: int) -> str | None:
        _ = digest, seconds
        return None

    def ages(self) -> Iterator[tuple[str, float]]:
        for path in sorted(self.root.glob("??/*")):
            yield path.name, age_seconds(path)

    def refresh(self, digest: str) -> bool:
        place = self.place(digest)
        try:
            os.utime(place)
        except FileNotFoundError:
            return False
        # A sweep may have set the file aside, seen it old and removed it while the time was being written to it.
        return place.exists()

    def delete(self, digest: str) -> int | None:
        place, aside = self.place(digest), self._aside(digest)
        if age_seconds(place) <= YOUNG_SECONDS:
            return None
        try:
            place.rename(aside)  # from here on a put writes it anew instead of making it young
        except FileNotFoundError:
            return None
        return self._settle(aside, digest)

    def _settle(self, aside: Path, digest: str) -> int | None:
        """Remove what was set aside, or give it back where it was put again just before."""
        size = aside.stat().st_size
        if age_seconds(aside) > YOUNG_SECONDS:
            aside.unlink()
            return size
        aside.replace(self.place(digest))
        return None


class Bucket:
    """Objects in an S3-speaking store, through obstore."""

    def __init__(self, url: str, settings: Settings | None) -> None:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store

        try:
            self.store: Any = S3Store.from_url(url, **s3_options(settings))
        except BaseError:
            raise Invalid("store.bucket") from None

    def key(self, digest: str) -> str:
        return f"{digest[:2]}/{digest}"

    def put_file(self, path: Path, digest: str) -> None:
        import obstore

        with remote():
            obstore.put(self.store, self.key(digest), path)

    def put_bytes(self, data: bytes, digest: str) -> None:
        import obstore

        with remote():
            obstore.put(self.store, self.key(digest), data)

    def size(self, digest: str) -> int | None:
        import obstore

        with remote():
            try:
                return int(obstore.head(self.store, self.key(digest))["size"])
            except FileNotFoundError:
                return None

    def read(self, digest: str, start: int, end: int | None) -> bytes:
        import obstore

        size = self.size(digest)
        if size is None:
            raise NotFound("objects.missing", digest=digest)
        stop = size if end is None else min(end, size)
        if stop <= start:
            return b""
        with remote():
            return bytes(obstore.get_range(self.store, self.key(digest), start=start, end=stop))

    def local_path(self, digest: str) -> Path | None:
        _ = digest
        return None

    def signed_url(self, digest: str, seconds: int) -> str | None:
        import obstore

        return str(obstore.sign(self.store, "GET", self.key(digest), timedelta(seconds=seconds)))

    def ages(self) -> Iterator[tuple[str, float]]:
        import obstore

        now = system_clock()
        with remote():
            for batch in obstore.list(self.store):
                for item in batch:
                    yield str(item["path"]).rpartition("/")[2], (now - item["last_modified"]).total_seconds()

    def refresh(self, digest: str) -> bool:
        age = self._age(digest)
        return age is not None and age < YOUNG_SECONDS / 2

    def delete(self, digest: str) -> int | None:
        import obstore

        # A bucket has no "delete if still old": between this look and the deletion lies one round trip.
        if (age := self._age(digest)) is None or age <= YOUNG_SECONDS:
            return None
        size = self.size(digest)
        with remote():
            obstore.delete(self.store, self.key(digest))
        return size

    def _age(self, digest: str) -> float | None:
        import obstore

        with remote():
            try:
                found = obstore.head(self.store, self.key(digest))
            except FileNotFoundError:
                return None
        return float((system_clock() - found["last_modified"]).total_seconds())


class RemoteStream(io.RawIOBase):
    """A remote object as a seekable stream that fetches 8 MiB at a time."""

    WINDOW = 8 * PIECE

    def __init__(self, objects: Objects, digest: str) -> None:
        size = objects.size(digest)
        if size is None:
            raise NotFound("objects.missing", digest=digest)
        self.objects, self.digest, self.length = objects, digest, size
        self.at = 0
        self.window_start, self.window = 0, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.length}[whence]
        self.at = max(0, base + offset)
        return self.at

    def tell(self) -> int:
        return self.at

    def readinto(self, buffer: Any) -> int:
        inside = self.at - self.window_start
        if not 0 <= inside < len(self.window):
            self.window_start, inside = self.at, 0
            self.window = self.objects.read(self.digest, self.at, min(self.length, self.at + self.WINDOW))
        piece = self.window[inside : inside + len(buffer)]
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)


@contextmanager
def remote() -> Iterator[None]:
    """Failures of the remote store as Unavailable("objects.unreachable"), without its address."""
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, OSError, ValueError) as error:
        raise Unavailable("objects.unreachable", kind=type(error).__name__) from error


def age_seconds(path: Path) -> float:
    try:
        return system_clock().timestamp() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive power loss."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
