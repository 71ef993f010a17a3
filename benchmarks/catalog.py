"""What one look into a large catalog costs: words in four ways of writing, facets, a change, and the first load.

    python benchmarks/catalog.py                     # 100,000 entries
    python benchmarks/catalog.py --entries 10000

Target: at most 20 CPU milliseconds for one event of the catalog at 100,000 entries. The entries are those of `matching.py`, crossed at
random, in an SQLite database of their own. The baseline is what a database does without an index in memory: every entry that contains
the word, and the counts of one facet.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from matching import synthetic

from corpushub.domain.catalog import Resource
from corpushub.domain.parties import ANONYMOUS
from corpushub.services.finder import Finder
from corpushub.services.shelf import Shelf
from corpushub.store.db import Database
from corpushub.store.tables import resources

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
WORDS = (
    "",
    "交通",
    "交通 統計",
    "jiaotong",
    "jiaot",
    "hospital",
    "hospitla",
    "gonggongqiche",
    "海淀 停车",
    "nothing of the kind",
    "s99999",
)
OWNERS = 60


def fill(database: Database, count: int) -> None:
    """`count` entries of OWNERS agencies."""
    entries = synthetic(count)
    for low in range(0, count, 5000):
        with database.begin() as unit:
            for number, entry in enumerate(entries[low : low + 5000], low):
                value = {
                    "id": f"{entry.region}/open/{entry.id}", "title": {"zh": entry.title}, "summary": {"zh": entry.summary},
                    "owner": f"agency-{number % OWNERS}", "state": "published", "region": entry.region, "domain": entry.domain,
                    "items": [{"name": f"f{place}", "meaning": {"zh": word}} for place, word in enumerate(entry.items)],
                    "open_attribute": ("conditional", "unconditional", "none")[number % 3],
                }  # fmt: skip
                unit.catalog.save(Resource.from_json(value))


def cpu(call: Callable[[], object], times: int = 5) -> float:
    """CPU milliseconds of a call, the median of some."""
    used = []
    for _ in range(times):
        started = time.process_time()
        call()
        used.append((time.process_time() - started) * 1000)
    return sorted(used)[times // 2]


def rss() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_database(database: Database, word: str) -> int:
    """The baseline: entries that contain `word` and the counts of their owners, by the database alone."""
    query = sa.select(resources.c.owner, sa.func.count()).where(resources.c.words.contains(word)).group_by(resources.c.owner)
    with database.read() as unit:
        return sum(count for _, count in unit.catalog.connection.execute(query))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--home", type=Path, help="a folder to keep the filled database in")
    options = parser.parse_args()
    print(f"{platform.machine()} {os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as scratch:
        home = options.home or Path(scratch)
        database = Database(str(home / "hub.db"), lambda: NOW)
        with database.read() as unit:
            empty = not unit.catalog.search(limit=1)
        if empty:
            fill(database, options.entries)
        finder = Finder(database=database, shelf=Shelf(clock=lambda: NOW))
        before, started = rss(), time.process_time()
        total = finder.find(ANONYMOUS).total
        print(
            f"first load of {total:,} entries: {time.process_time() - started:.1f} s CPU, {rss() - before:,.0f} MB more at most"
        )
        for words in WORDS:
            found = finder.find(ANONYMOUS, words)
            print(
                f"  {words or '(nothing)':<22} {cpu(partial(finder.find, ANONYMOUS, words)):6.1f} ms CPU  {found.total:>7,} found"
            )
        chosen = {"open_attribute": "none", "region": "110108"}
        print(f"  {'two facets':<22} {cpu(lambda: finder.find(ANONYMOUS, '交通', chosen=chosen)):6.1f} ms CPU")
        for word in ("交通", "nothing"):
            print(
                f"  database alone: {word:<10} {cpu(partial(in_database, database, word)):.1f} ms CPU, {in_database(database, word):,} found"
            )
        database.close()


if __name__ == "__main__":
    main()
