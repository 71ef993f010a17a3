"""Released files under their own names, and passes to them, as links on disk: what lets nginx serve a release without asking the hub.

    commits/<commit>/<path>        the object under another name (a hard link: nginx looks it up in half the time of a symbolic one)
    passes/<window>/take/<pass>    a link to the commit a pass opens, in the windows of time it was judged for
    passes/open/take/<pass>        the same link, under which nginx finds the files as long as the pass hangs in a window

nginx asks only the window of its own clock whether a pass holds. A pass that is not hung again ends by itself with its window, so that
nothing is served on the word of a hub that has stopped. Files have one name for the life of a pass: nginx keeps them open across windows.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from corpushub.domain.tree import Entry
from corpushub.store.objects import Objects

WINDOW_SECONDS = 50
LOG_FIELDS = ("status", "bytes", "address")  # a status with OK behind it: the answer went out to its end
OPEN = "open"
PIECE = 4 << 20  # of the log at once
YOUNG_SECONDS = 3600  # a commit may be laid out just before its pass is known
_TAKE, _ID_LETTERS = "/take/", 32
AHEAD_SECONDS = 10  # so long before the next window begins a pass is hung in it: none outlives its judgement by over a minute


def window(seconds: float) -> str:
    """The window a moment (epoch seconds) lies in, as nginx makes it from the digits of `$msec`."""
    return str(int(seconds) // WINDOW_SECONDS * (WINDOW_SECONDS // 10))


@dataclass(frozen=True, slots=True)
class Sent:
    """What nginx says it sent under one pass: answers, whole files among them, bytes, one of the paths, and the bytes of each table."""

    pass_id: str
    answers: int
    whole: int
    bytes: int
    path: str
    tables: Mapping[str, int]


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
                _link(source, target)
            half.rename(place)
        except OSError:
            return place.exists()
        finally:
            shutil.rmtree(half, ignore_errors=True)
        return True

    def keep_only(self, commits: Iterable[str], now: float) -> None:
        """Remove what was laid out over an hour ago and serves nobody: files of other commits, and links of passes that hang no more.

        What nginx has begun to send it sends to its end.
        """
        wanted = set(commits)
        for place in (self.folder / "commits").glob("*"):
            if place.name not in wanted and place.stat().st_ctime < now - YOUNG_SECONDS:
                shutil.rmtree(place, ignore_errors=True)
        for link in self._open.glob("*"):
            if link.lstat().st_ctime < now - YOUNG_SECONDS and not any(
                (hung / link.name).is_symlink() for hung in self._windows(now)
            ):
                link.unlink(missing_ok=True)

    @property
    def _open(self) -> Path:
        return self.folder / "passes" / OPEN / "take"

    def _windows(self, now: float) -> list[Path]:
        """Where a pass hangs that holds: in this window, and in the next where that is near."""
        return [self.folder / "passes" / name / "take" for name in {window(now), window(now + AHEAD_SECONDS)}]

    def hang(self, pass_id: str, commit: str, now: float) -> None:
        """Let a pass open its commit from now to the end of this window, and in the next where that is near."""
        for hung in (self._open, *self._windows(now)):
            hung.mkdir(parents=True, exist_ok=True)
            link = hung / pass_id
            if not link.is_symlink():
                link.symlink_to(Path("../../../commits", commit), target_is_directory=True)

    def take_down(self, pass_id: str, now: float) -> None:
        for hung in (*self._windows(now), self._open):
            (hung / pass_id).unlink(missing_ok=True)

    def clear(self, now: float) -> None:
        """Remove the windows that are over."""
        oldest = int(window(now))
        for old in (self.folder / "passes").glob("*"):
            if old.name.isdigit() and int(old.name) < oldest:
                shutil.rmtree(old, ignore_errors=True)

    def sent(self, mark: dict[str, int]) -> tuple[list[Sent], dict[str, int]]:
        """What a piece of the log after `mark` (file and offset) says, and the mark after it; the same mark at the end.

        A log that was moved away is read to its end, where it still lies beside, before the new one is begun.
        """
        for path in (self._numbered(mark.get("file", 0)), self.log):
            if path is None or not path.exists():
                continue
            with path.open("rb") as stream:
                facts = os.fstat(stream.fileno())
                number, before = facts.st_ino, mark.get("at", 0)
                at = stream.seek(before if number == mark.get("file") and before <= facts.st_size else 0)
                piece = stream.read(PIECE)
            length = piece.rfind(b"\n") + 1 or (len(piece) if len(piece) == PIECE else 0)
            if length or path == self.log:
                return read(piece[:length]) if length else [], {"file": number, "at": at + length}
        return [], mark

    def _numbered(self, number: int) -> Path | None:
        """The log beside the current one that a mark names."""
        return next((path for path in self.folder.glob("taken.log?*") if path.stat().st_ino == number), None)


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # another disk, or more names than a file may have
        target.symlink_to(source.absolute())


def read(piece: bytes) -> list[Sent]:
    """Lines of the log (LOG_FIELDS between tabs), added up for each pass; what is no line of it is passed over.

    In bulk, because a line read by itself costs the hub half of what the file cost nginx.
    """
    address, path = pl.col("address"), pl.col("address").str.slice(len(_TAKE) + _ID_LETTERS + 1)
    total = (pl.col("answers").sum(), pl.col("answers").filter(status="200OK").sum().alias("whole"), pl.col("bytes").sum())
    groups = (
        pl.scan_csv(
            io.BytesIO(piece),
            separator="\t",
            has_header=False,
            quote_char=None,
            schema={name: pl.Int64 if name == "bytes" else pl.String for name in LOG_FIELDS},
            encoding="utf8-lossy",
            ignore_errors=True,
            truncate_ragged_lines=True,
            missing_columns="insert",
            extra_columns="ignore",
            raise_if_empty=False,
        )
        .filter(pl.col("bytes") > 0, address.str.starts_with(_TAKE))
        .with_columns(
            address.str.slice(len(_TAKE), _ID_LETTERS).alias("pass"),
            pl.when(address.str.ends_with(".parquet")).then(path).alias("table"),
        )
        .group_by("pass", "status", "table")
        .agg(pl.len().alias("answers"), pl.col("bytes").sum(), path.first().alias("path"))
        .filter(pl.col("status").is_in(["200OK", "200", "206OK", "206"]))
        .collect()
    )
    tables: dict[str, dict[str, int]] = {}
    for name, table, count in groups.drop_nulls("table").group_by("pass", "table").agg(pl.col("bytes").sum()).rows():
        tables.setdefault(name, {})[plain(table)] = count
    passes = groups.group_by("pass").agg(*total, pl.col("path").first())
    return [Sent(name, many, whole, count, plain(path), tables.get(name, {})) for name, many, whole, count, path in passes.rows()]


def plain(path: str) -> str:
    """A path as the log has it (JSON's escapes) as it is; one that can't be read is nobody's."""
    try:
        return str(json.loads(f'"{path}"')) if "\\" in path else path
    except ValueError:
        return ""
