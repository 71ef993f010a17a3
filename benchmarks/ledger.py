"""How fast the ledger grows, and how fast an auditor's offline check of a million events is.

    python benchmarks/ledger.py                    # a million events, as the targets ask
    python benchmarks/ledger.py --events 50000     # a look

Targets: bundle of 1,000,000 events verified in < 60 s and < 500 MB by `tools/verify_audit.py` in a process of its own.
Ratio: the verifier against plain SHA-256 of the same tree, which is the least anybody has to do.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

from corpushub.base.identity import canonical, iso
from corpushub.base.merkle import Checkpoint, Frontier, Tiles, leaf_hash, proves_inclusion, root_of, split_hashes
from corpushub.base.signing import Note, SigningKey
from corpushub.services.bundle import Bundle
from corpushub.store.db import Database

TOOL = Path(__file__).parents[1] / "tools" / "verify_audit.py"
START = datetime(2026, 1, 1, tzinfo=UTC)
PER_STREAM = 10


class MemoryLedger:
    """The part of a ledger a bundle reads, made up on the fly: `size` events on `size / 10` streams, a release every 1,000 events."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.hashes = [leaf_hash(entry) for _, entry, *_ in self.rows()]
        self.roots: dict[tuple[int, int], bytes] = {}

    def rows(self, start: int = 0, end: int | None = None) -> Iterator[tuple[int, bytes, bytes, str]]:
        for index in range(start, self.size if end is None else end):
            yield index, an_entry(index), b"", ""

    def tile(self, level: int, index: int, width: int) -> bytes:
        if level == 0:
            return b"".join(self.hashes[index * 256 : index * 256 + width])
        return b"".join(self.tile_root(level - 1, index * 256 + number) for number in range(width))

    def tile_root(self, level: int, index: int) -> bytes:
        if (level, index) not in self.roots:
            self.roots[level, index] = root_of(split_hashes(self.tile(level, index, 256)))
        return self.roots[level, index]

    def notes(self, _: int) -> list[tuple[int, str, Note]]:
        return []

    def anchors(self) -> list[object]:
        return []


def an_entry(index: int) -> bytes:
    stream, version = divmod(index, PER_STREAM)
    at = iso(START + timedelta(seconds=index))
    leaf = {
        "stream": f"dem-{stream:026d}",
        "version": version + 1,
        "type": "demand.acknowledged",
        "actor": f"per-{stream % 977:026d}",
        "on_behalf_of": "",
        "org": f"org-{stream % 97:026d}",
        "at": at,
        "logged_at": at,
        "state": "matching",
        "rules": "0" * 64,
        "marks": [],
        "data": {"note": "the data office took the demand over", "clock": "first_reply", "number": index},
    }
    return canonical(leaf)


def growing(folder: Path, count: int) -> float:
    """Leaves appended per second in transactions of ten, synchronous=FULL."""
    database = Database(str(folder / "hub.db"))
    started = time.perf_counter()
    for first in range(0, count, 10):
        with database.begin() as unit:
            for number in range(first, first + 10):
                unit.ledger.append({"stream": f"s-{number}", "version": 1, "data": {"number": number}})
    return count / (time.perf_counter() - started)


def proving(ledger: MemoryLedger, root: bytes) -> tuple[float, float]:
    """Milliseconds to make and to check one inclusion proof through tiles."""
    tree = Tiles(ledger.size, ledger.tile)
    picks = range(0, ledger.size, max(1, ledger.size // 200))
    started = time.perf_counter()
    paths = [tree.inclusion(index) for index in picks]
    made = time.perf_counter()
    assert all(proves_inclusion(ledger.hashes[i], i, ledger.size, path, root) for i, path in zip(picks, paths, strict=True))
    return (made - started) * 1000 / len(paths), (time.perf_counter() - made) * 1000 / len(paths)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    options = parser.parse_args()
    print(f"{platform.machine()} {os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"append          {growing(folder, 5000):>12,.0f} leaves/s, ten to a transaction, on disk before the answer")
        ledger = MemoryLedger(options.events)
        started = time.perf_counter()
        frontier = Frontier.empty()
        for hashed in ledger.hashes:
            frontier.append(hashed)
        least = time.perf_counter() - started
        print(f"tree            {least:>12.1f} s for {options.events:,} leaves already hashed")
        made, checked = proving(ledger, frontier.root())
        print(f"inclusion proof {made:>12.2f} ms to make, {checked:.3f} ms to check")
        key = SigningKey.generate("bench.example/ledger")
        note = Note(Checkpoint(key.name, options.events, frontier.root()).text()).signed(key)
        bundle = folder / "audit.tar"
        with bundle.open("wb") as stream:
            started = time.perf_counter()
            Bundle(stream, SimpleNamespace(ledger=ledger), None, {"log": key.verifier}).write(note, 0, options.events)  # type: ignore[arg-type]  # only the ledger of a hub is needed
        print(f"export          {time.perf_counter() - started:>12.1f} s, {bundle.stat().st_size / 1e6:,.0f} MB")
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-I", str(TOOL), str(bundle), "--key", str(key.verifier)], check=False)
        seconds = time.perf_counter() - started
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(
            f"verify          {seconds:>12.1f} s wall, {used.ru_utime:.1f} s CPU, {used.ru_maxrss / 1024:,.0f} MB; targets 60 s, 500 MB"
        )
        print(f"ratio           {used.ru_utime / least:>12.1f} x the bare tree hashing")
        assert done.returncode == 0


if __name__ == "__main__":
    main()
