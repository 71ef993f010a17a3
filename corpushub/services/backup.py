"""Backups of a whole hub: its record, its objects and the files of its home, in a folder that many backups share.

    objects/ab/<sha256>          bytes by digest, each once for all backups
    20261123T081500Z/rows.db     all rows of the database at one moment, as SQLite whatever the hub runs on
    20261123T081500Z/objects.txt the digests the hub's store had
    20261123T081500Z/about.json  when, of what, and the home's files with their digests

A backup appears whole, by one rename, and only then counts. It holds the hub's keys and everybody's rows, so the folder is the owner's alone.
Because rows are kept as SQLite, a restore is also the way from SQLite to PostgreSQL and back, and from a folder of objects to a bucket.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, Final

from corpushub import __version__
from corpushub.base.errors import Conflict, Invalid, NotFound
from corpushub.base.identity import Clock, file_sha256, iso
from corpushub.base.settings import Settings
from corpushub.domain.build import Progress, silent
from corpushub.services.ticking import ticking
from corpushub.store.copying import copy_rows, is_empty
from corpushub.store.db import Database
from corpushub.store.home import kept_files
from corpushub.store.objects import Objects

FORMAT: Final = 1
OBJECTS = "objects"
ROWS, DIGESTS, ABOUT = "rows.db", "objects.txt", "about.json"
_NAME: Final = "%Y%m%dT%H%M%SZ"
_SETTINGS: Final = "corpushub.toml"


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of the home."""

    path: str
    sha256: str
    mode: int


@dataclass(frozen=True, slots=True)
class About:
    """What a backup is of. `ledger`: leaves of the log; `rows_sha256`: of the file of rows."""

    format: int
    software: str
    made_at: str
    database: str
    ledger: int
    rows: dict[str, int]
    rows_sha256: str
    files: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class Saved:
    """A backup that was made or restored; `new_objects` were not in the place they went to."""

    backup: str
    rows: int
    ledger: int
    files: int
    objects: int
    new_objects: int


class Backup:
    """Makes and restores backups of one hub."""

    def __init__(self, *, database: Database, objects: Objects, settings: Settings, clock: Clock) -> None:
        self.database = database
        self.objects = objects
        self.settings = settings
        self.clock = clock

    def make(self, folder: Path, *, keep: int = 0, progress: Progress = silent) -> Saved:
        """Add a backup to `folder`, beside a running hub; of all backups there only the newest `keep` stay, 0: all.

        Rows come first, then objects: what the rows name is never taken away while they name it. Raises: Invalid("backup.inside_home"),
        Conflict("backup.at_once"), Invalid("backup.damaged") where an object of the hub is not what its name says.
        """
        if Path(os.path.realpath(folder)).is_relative_to(
            self.settings.home.resolve()
        ):  # `resolve` stumbles over links to themselves
            raise Invalid("backup.inside_home")
        moment = self.clock()
        name = moment.strftime(_NAME)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = Objects(folder / OBJECTS)
        with alone(folder), TemporaryDirectory(prefix="tmp-", dir=folder) as scratch:
            if (folder / name).exists():
                raise Conflict("backup.at_once")
            draft = Path(scratch) / name
            draft.mkdir(mode=0o700)
            rows, ledger = self._write_rows(draft / ROWS)
            digests = sorted(self.objects.digests())
            new = sum(
                moved(self.objects, store, digest, Path(scratch)) for digest in ticking(OBJECTS, digests, len(digests), progress)
            )
            files = tuple(self._files(store, Path(scratch)))
            about = About(
                FORMAT,
                __version__,
                iso(moment),
                self.database.url.get_backend_name(),
                ledger,
                rows,
                file_sha256(draft / ROWS),
                files,
            )
            (draft / DIGESTS).write_text("".join(f"{digest}\n" for digest in digests), "ascii")
            (draft / ABOUT).write_text(json.dumps(asdict(about), ensure_ascii=False, indent=1), "utf-8")
            draft.rename(folder / name)
            self._forget(folder, store, keep)
        return Saved(name, sum(rows.values()), ledger, len(files), len(digests), new)

    def restore(self, folder: Path, name: str = "", *, progress: Progress = silent) -> Saved:
        """Bring the backup `name` of `folder`, or the newest, into this hub, which must be empty. Rows come last and all at once, so what was
        killed on the way is simply begun again. Settings that are here already stay.

        Raises: NotFound("backup.none"), Invalid("backup.unreadable" | "backup.damaged"), Conflict("backup.not_empty" | "backup.other_file").
        """
        place = chosen(folder, name)
        about = read_about(place)
        if file_sha256(place / ROWS) != about.rows_sha256:
            raise Invalid("backup.damaged", name=ROWS)
        self._refuse_if_used()
        store = Objects(folder / OBJECTS)
        digests = (place / DIGESTS).read_text("ascii").split()
        with TemporaryDirectory(prefix="tmp-", dir=self.settings.home) as scratch:
            new = sum(
                moved(store, self.objects, digest, Path(scratch)) for digest in ticking(OBJECTS, digests, len(digests), progress)
            )
            for kept in about.files:
                self._put_back(store, kept, Path(scratch))
            self._read_rows(place / ROWS, Path(scratch))
        return Saved(place.name, sum(about.rows.values()), about.ledger, len(about.files), len(digests), new)

    def _write_rows(self, path: Path) -> tuple[dict[str, int], int]:
        copy = Database(str(path))
        try:
            with self.database.read() as here, copy.begin() as there:
                return copy_rows(here.connection, there.connection), here.ledger.size()
        finally:
            copy.close()

    def _read_rows(self, path: Path, scratch: Path) -> None:
        shutil.copyfile(path, scratch / ROWS)  # an older backup is brought up to the present schema, and stays what it is
        copy = Database(str(scratch / ROWS))
        try:
            with copy.read() as there, self.database.begin() as here:
                if not is_empty(here.connection):
                    raise Conflict("backup.not_empty")
                copy_rows(there.connection, here.connection)
        finally:
            copy.close()

    def _refuse_if_used(self) -> None:
        with self.database.read() as unit:
            if not is_empty(unit.connection):
                raise Conflict("backup.not_empty")

    def _files(self, store: Objects, scratch: Path) -> Iterator[Kept]:
        file = (self.database.url.database or "") if self.database.is_sqlite else ""
        for path in kept_files(self.settings.home, file):
            draft = scratch / "file"
            try:
                mode = path.stat().st_mode & 0o777
                shutil.copyfile(path, draft)  # never a link: the home's own files are written again
            except FileNotFoundError:  # a draft or a build that was given up meanwhile
                continue
            yield Kept(path.relative_to(self.settings.home).as_posix(), store.put_file(draft), mode)
            draft.unlink()

    def _put_back(self, store: Objects, kept: Kept, scratch: Path) -> None:
        target = self.settings.home / kept.path
        if target.exists():
            if kept.path != _SETTINGS and file_sha256(target) != kept.sha256:
                raise Conflict("backup.other_file", name=kept.path)
            return
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = scratch / "file"
        draft.touch(mode=0o600)
        with store.open(kept.sha256) as stream, draft.open("wb") as out:
            shutil.copyfileobj(stream, out)
        if file_sha256(draft) != kept.sha256:
            raise Invalid("backup.damaged", name=kept.path)
        draft.chmod(kept.mode)
        draft.rename(target)

    def _forget(self, folder: Path, store: Objects, keep: int) -> None:
        names = backups(folder)
        for name in names[:-keep] if keep else ():
            shutil.rmtree(folder / name)
        if keep and len(names) > keep:
            store.sweep(lambda: {digest for name in backups(folder) for digest in named(folder / name)})


@contextmanager
def alone(folder: Path) -> Generator[None]:
    """One backup at a time: what one takes for kept already, another may be about to forget. Raises: Conflict("backup.at_once")."""
    with (folder / "lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("backup.at_once") from None
        for left in folder.glob("tmp-*"):  # of a killed one
            shutil.rmtree(left)
        yield


def moved(source: Objects, target: Objects, digest: str, scratch: Path) -> bool:
    """Have the object in `target` too; was it not there? Raises: Invalid("backup.damaged")."""
    if target.size(digest) is not None:
        return False
    draft = scratch / digest
    with source.open(digest) as stream, draft.open("wb") as out:
        shutil.copyfileobj(stream, out)
    if file_sha256(draft) != digest:
        raise Invalid("backup.damaged", name=digest)
    target.put_file(draft)
    draft.unlink()
    return True


def backups(folder: Path) -> list[str]:
    """The names of the backups in a folder, oldest first."""
    return sorted(path.parent.name for path in folder.glob(f"*/{ABOUT}") if not path.parent.name.startswith("tmp"))


def chosen(folder: Path, name: str) -> Path:
    """Raises: NotFound("backup.none")."""
    names = backups(folder) if folder.is_dir() else []
    if not names or (name and name not in names):
        raise NotFound("backup.none", known=", ".join(names[-5:]) or "-")
    return folder / (name or names[-1])


def read_about(place: Path) -> About:
    """Raises: Invalid("backup.unreadable")."""
    try:
        value: dict[str, Any] = json.loads((place / ABOUT).read_text("utf-8"))
        if value["format"] != FORMAT:
            raise Invalid("backup.unreadable", name=place.name)
        about = About(**(value | {"files": tuple(Kept(**item) for item in value["files"])}))
        if any(PurePosixPath(kept.path).is_absolute() or ".." in PurePosixPath(kept.path).parts for kept in about.files):
            raise Invalid("backup.unreadable", name=place.name)
        return about
    except (OSError, ValueError, KeyError, TypeError):
        raise Invalid("backup.unreadable", name=place.name) from None


def named(place: Path) -> set[str]:
    """The digests a backup needs: objects and files of the home."""
    return {*(place / DIGESTS).read_text("ascii").split(), *(kept.sha256 for kept in read_about(place).files)}
