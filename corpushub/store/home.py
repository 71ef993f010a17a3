"""The folder a hub keeps everything in."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

# What the hub makes again by itself, what is under way, and what has a store of its own.
_NOT_KEPT = {"cache", "nginx", "uploads", "compute", "objects"}
_DATABASE = "hub.db"


def database_of(home: Path) -> Path:
    """Where the database is when the settings name none."""
    return home / _DATABASE


def make_home(home: Path) -> None:
    """Make the folder where there is none, and close it to other accounts of this machine: builds, caches and the database hold rows nobody was
    granted. The group keeps what it may, for nginx may be in it. Another's folder, and one that everybody shares, are left as they are.
    """
    home.mkdir(mode=0o750, parents=True, exist_ok=True)
    found = home.stat()
    if found.st_uid == os.getuid() and found.st_mode & stat.S_IRWXO and not found.st_mode & stat.S_ISVTX:
        home.chmod(stat.S_IMODE(found.st_mode) & ~stat.S_IRWXO)


def kept_files(home: Path, database: str) -> Iterator[Path]:
    """Files that are nowhere else: settings, keys, builds, drafts, contributions. `database`: the file that is one, with its companions left out."""
    for top in sorted(home.iterdir()):
        if top.name in _NOT_KEPT or (database and str(top.absolute()).startswith(str(Path(database).absolute()))):
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            unfinished = any(part.startswith("tmp-") for part in path.relative_to(home).parts)
            if path.is_file() and not path.is_symlink() and not unfinished:
                yield path
