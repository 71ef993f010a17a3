"""Bytes on their way in: written beside the objects, checked against the digest they were announced with, and only then made an object.

A killed or cut-off upload leaves a temporary file that the next start removes; nothing half there is ever visible.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from corpushub.base.errors import HubError, Invalid
from corpushub.store.objects import Objects

STALE_SECONDS = 24 * 3600
PIECE = 1 << 20
RESERVE_BYTES = 1 << 30  # of the disk stay free: the database has to be able to write


class NoRoom(HubError):
    """The disk uploads are gathered on is full; clients do not try again."""

    status = 507


class Incoming:
    """The folder uploads are gathered in."""

    def __init__(self, folder: Path, objects: Objects) -> None:
        self.folder = folder
        self.objects = objects
        folder.mkdir(parents=True, exist_ok=True)
        self.sweep()

    def sweep(self, seconds: float = STALE_SECONDS) -> None:
        """Remove what nobody has written to for `seconds`."""
        for left in self.folder.glob("*.part"):
            if time.time() - left.stat().st_mtime > seconds:
                left.unlink(missing_ok=True)

    def require_room(self, size: int) -> None:
        """Raises: NoRoom("upload.no_room") where `size` bytes more would fill the disk."""
        if size > shutil.disk_usage(self.folder).free - RESERVE_BYTES:
            raise NoRoom("upload.no_room", size=size)

    def receive(self, sha256: str, size: int) -> Receiver:
        """A writer for exactly these bytes. Raises: NoRoom."""
        self.require_room(size)
        return Receiver(self, sha256, size)

    # Parts of a large upload, each written at its place of one file. The name is bound to who uploads, so that nobody writes into another's.

    def part_file(self, name: str) -> Path:
        return self.folder / f"{name}.part"

    def write_part(self, name: str, offset: int, data: bytes) -> None:
        """Raises: NoRoom."""
        self.require_room(len(data))
        number = os.open(self.part_file(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(number, data[written:], offset + written)
        finally:
            os.close(number)

    def finish_parts(self, name: str, sha256: str, size: int) -> None:
        """Check and keep a file gathered in parts. Raises: Invalid("upload.size_wrong" | "upload.hash_wrong")."""
        path = self.part_file(name)
        actual = path.stat().st_size if path.exists() else 0
        if actual != size:
            raise Invalid("upload.size_wrong", actual=actual, expected=size)
        self._keep(path, sha256)

    def _keep(self, path: Path, sha256: str) -> None:
        with path.open("rb") as stream:
            actual = hashlib.file_digest(stream, "sha256").hexdigest()
        if actual != sha256:
            path.unlink(missing_ok=True)
            raise Invalid("upload.hash_wrong", actual=actual, expected=sha256)
        self.objects.put_file(path)
        path.unlink(missing_ok=True)


class Receiver:
    """Writes one announced object; leaving the block without `finish` forgets it."""

    def __init__(self, incoming: Incoming, sha256: str, size: int) -> None:
        self.incoming = incoming
        self.sha256 = sha256
        self.size = size
        self.path = incoming.folder / f"{secrets.token_hex(12)}.part"
        self.stream = self.path.open("xb")
        self.running = hashlib.sha256()
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stream.close()
        self.path.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Raises: Invalid("upload.size_wrong") as soon as there is more than announced."""
        self.count += len(data)
        if self.count > self.size:
            raise Invalid("upload.size_wrong", actual=self.count, expected=self.size)
        self.stream.write(data)
        self.running.update(data)

    def finish(self) -> None:
        """Make it an object. Raises: Invalid("upload.size_wrong" | "upload.hash_wrong")."""
        if self.count != self.size:
            raise Invalid("upload.size_wrong", actual=self.count, expected=self.size)
        if (actual := self.running.hexdigest()) != self.sha256:
            raise Invalid("upload.hash_wrong", actual=actual, expected=self.sha256)
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.incoming.objects.put_file(self.path)
