"""Finished work by fingerprint: a folder per key that is either whole or absent.

`make(key)` gives a private folder to fill and renames it into place at the end, so a killed process leaves only a `tmp-…` folder that the
next start removes, and two processes that compute the same key both succeed (the first rename wins, the other's work is dropped).
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from corpushub.base.identity import system_clock

YOUNG_SECONDS = 6 * 3600


class Cache:
    """`root/ab/<key>/…`; keys are hexadecimal digests."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def place(self, key: str) -> Path:
        return self.root / key[:2] / key

    def get(self, key: str) -> Path | None:
        """The finished folder of `key`; marks it as used now."""
        place = self.place(key)
        try:
            os.utime(place)
        except FileNotFoundError:
            return None
        return place

    @contextmanager
    def make(self, key: str) -> Iterator[Path]:
        """A folder to fill; it becomes `place(key)` when the block ends without an error."""
        temporary = self.root / f"tmp-{os.getpid()}-{secrets.token_hex(6)}"
        temporary.mkdir()
        try:
            yield temporary
            place = self.place(key)
            place.parent.mkdir(exist_ok=True)
            with suppress(OSError):  # somebody else finished the same key first
                temporary.rename(place)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def folder(self, name: str) -> Path:
        """A mutable folder that outlives builds (an index); its owner writes atomically."""
        path = self.root / "kept" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def sweep(self, max_idle_days: float = 30.0) -> int:
        """Remove leftovers of killed processes and folders unused for long; gives how many went."""
        now, gone = system_clock().timestamp(), 0
        for path in [*self.root.glob("tmp-*"), *self.root.glob("??/*")]:
            limit = YOUNG_SECONDS if path.name.startswith("tmp-") else max_idle_days * 86400
            if now - path.stat().st_mtime > limit or (path.name.startswith("tmp-") and not is_alive(path)):
                shutil.rmtree(path, ignore_errors=True)
                gone += 1
        return gone


def clear_leftovers(folder: Path) -> None:
    """Remove `tmp-<process>-…` folders of processes that no longer run."""
    for path in folder.glob("tmp-*"):
        if not is_alive(path):
            shutil.rmtree(path, ignore_errors=True)


def is_alive(temporary: Path) -> bool:
    """Does the process that made this temporary folder still run on this host?"""
    word = temporary.name.split("-")[1]
    return word.isdigit() and Path(f"/proc/{word}").exists()


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")), "utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
