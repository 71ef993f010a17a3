"""Released files under their own names, and passes to them, as links on disk: what lets nginx serve a release without asking the hub.

    commits/<commit>/<path>        a link to the object
    passes/<window>/take/<pass>    a link to the commit a pass opens, in the windows of time it was judged for

nginx looks only into the window of its own clock. A pass that is not hung again ends by itself with its window, so that nothing is
served on the word of a hub that has stopped.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpushub.domain.tree import Entry
from corpushub.store.objects import Objects

WINDOW_SECONDS = 50
AHEAD_SECONDS = (
    10  # a pass is hung in the next window so long before that begins: none outlives its judgement by more than a minute
)


def window(seconds: float) -> str:
    """The window a moment (epoch seconds) lies in, as nginx makes it from the digits of `$msec`."""
    return str(int(seconds) // WINDOW_SECONDS * (WINDOW_SECONDS // 10))


@dataclass(frozen=True, slots=True)
class Line:
    """What nginx says it sent of one file."""

    pass_id: str
    path: str
    status: int
    bytes: int
    method: str


class PassFolder:
    """The links and the log below `folder`."""

    def __init__(self, folder: Path, objects: Objects) -> None:
        self.folder = folder
        self.objects = objects

    @property
    def log(self) -> Path:
        """Where nginx writes what it sent."""
        return self.folder / "taken.log"

    def fill(self, commit: str, entries: Iterable[Entry]) -> bool:
        """Lay a commit's files out; False where this disk can't (remote objects, names it does not take). One link per file, once."""
        place = self.folder / "commits" / commit
        if place.exists():
            return True
        half = place.with_name(f"{commit}.{secrets.token_hex(4)}")
        try:
            for entry in entries:
                source = self.objects.local_path(entry.sha256)
                if source is None:
                    return False
                target = half / entry.path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(source.absolute())
            half.rename(place)
        except OSError:
            return place.exists()
        finally:
            shutil.rmtree(half, ignore_errors=True)
        return True

    def hang(self, pass_id: str, commit: str, now: float) -> None:
        """Let a pass open its commit from now to the end of this window, and in the next where that is near."""
        for name in {window(now), window(now + AHEAD_SECONDS)}:
            hung = self.folder / "passes" / name / "take"
            hung.mkdir(parents=True, exist_ok=True)
            link = hung / pass_id
            if not link.is_symlink():
                link.symlink_to((self.folder / "commits" / commit).absolute(), target_is_directory=True)

    def take_down(self, pass_id: str, now: float) -> None:
        for name in {window(now), window(now + AHEAD_SECONDS)}:
            (self.folder / "passes" / name / "take" / pass_id).unlink(missing_ok=True)

    def clear(self, now: float) -> None:
        """Remove the windows that are over."""
        oldest = int(window(now))
        for old in (self.folder / "passes").glob("*"):
            if old.name.isdigit() and int(old.name) < oldest:
                shutil.rmtree(old, ignore_errors=True)

    def lines(self, mark: dict[str, int], most: int = 20_000) -> tuple[list[Line], dict[str, int]]:
        """What was logged since `mark` (file and offset), at most so many lines, and the mark after them.

        A log that was moved away is read to its end, where it still lies beside, before the new one is begun.
        """
        for path in (self._numbered(mark.get("file", 0)), self.log):
            if path is None or not path.exists():
                continue
            with path.open("rb") as stream:
                facts = os.fstat(stream.fileno())
                number, before = facts.st_ino, mark.get("at", 0)
                stream.seek(before if number == mark.get("file") and before <= facts.st_size else 0)
                found: list[Line] = []
                at = stream.tell()
                while len(found) < most and (raw := stream.readline()).endswith(b"\n"):
                    at = stream.tell()
                    found.extend(read(raw))
            if found or path == self.log:
                return found, {"file": number, "at": at}
        return [], mark

    def _numbered(self, number: int) -> Path | None:
        """The log beside the current one that a mark names."""
        return next((path for path in self.folder.glob("taken.log?*") if path.stat().st_ino == number), None)


def read(raw: bytes) -> Iterator[Line]:
    """One line of the log: a JSON list of address, status, bytes and method; nothing where it is none."""
    try:
        value: Any = json.loads(raw.decode("utf-8", "replace"))
        address, status, sent, method = value
        _, _, pass_id, path = str(address).split("/", 3)
        yield Line(pass_id, path, int(status), int(sent), str(method))
    except (ValueError, TypeError):
        return
