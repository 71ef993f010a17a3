"""Does the database still say what the ledger says? One streaming pass over leaves and events; every finding names its place.

All hashes are computed from the entries; stored hashes, tiles, head, checkpoints and event rows are compared with them.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from corpushub.base.errors import HubError, Problem
from corpushub.base.identity import digest_of
from corpushub.base.merkle import TILE_WIDTH, Checkpoint, Frontier, leaf_hash, root_of
from corpushub.base.signing import Note, VerifierKey, verify_note
from corpushub.store.ledger import Ledger, subject_of
from corpushub.store.ledger_tables import leaves
from corpushub.store.tables import events

_LOOKUP = 400
_MAX_FOUND = 200  # a ruined database is told by its first places, not by a million of them


@dataclass(slots=True)
class Findings:
    """What was read and what was wrong with it."""

    leaves: int = 0
    events: int = 0
    checkpoints: int = 0
    root: bytes = b""
    opened: list[str] = field(default_factory=list)  # streams of cases, catalog entries, organisations and people
    problems: list[Problem] = field(default_factory=list)

    def add(self, code: str, place: str, **facts: object) -> None:
        if len(self.problems) < _MAX_FOUND:
            self.problems.append(Problem(code, facts, path=place))


def check(ledger: Ledger, keys: Sequence[VerifierKey], older: Sequence[Note] = ()) -> Findings:
    """Check all the ledger of `ledger`'s transaction. `keys` are the log's; `older` notes kept elsewhere have to fit too."""
    found = Findings()
    guarded(found, "database", lambda: check_pages(ledger.connection, found))
    vouched = list(guarded(found, "ledger/checkpoints", ledger.notes) or [])
    roots = guarded(found, "ledger/leaves", lambda: check_leaves(ledger, [size for size, *_ in vouched], older, found)) or {}
    for size, _, note in vouched:
        check_note(note, roots.get(size), f"checkpoint/{size}", [*keys, *(key for key, _ in ledger.witnesses())], found)
    for note in older:
        check_note(note, roots.get(Checkpoint.parse(note.text).size), "checkpoint (given)", keys, found)
    found.checkpoints = len(vouched)
    guarded(found, "ledger/events", lambda: check_events(ledger, found))
    return found


def guarded(found: Findings, place: str, act: Callable[[], Any]) -> Any:
    """A table whose bytes no longer read as text is a finding, not a crash."""
    try:
        return act()
    except (DBAPIError, ValueError) as error:
        found.add("audit.unreadable", place, kind=type(error).__name__)
        return None
    except HubError as error:
        found.add(error.code, place, **error.facts)
        return None


def check_pages(connection: sa.Connection, found: Findings) -> None:
    """SQLite's own check of pages and indexes."""
    if connection.dialect.name != "sqlite":
        return
    for line in connection.exec_driver_sql("PRAGMA integrity_check(20)").scalars():
        if line != "ok":
            found.add("audit.pages", "database", told=" ".join(str(line).split())[:200])


def check_leaves(ledger: Ledger, sizes: Sequence[int], older: Sequence[Note], found: Findings) -> dict[int, bytes]:
    """Walk the entries; the roots at `sizes` and at those of `older`."""
    wanted = {*sizes, *(Checkpoint.parse(note.text).size for note in older)}
    frontier = Frontier.empty()
    roots = {0: frontier.root()} if 0 in wanted else {}
    levels: list[list[bytes]] = [[]]
    last = ""
    for index, entry, stored, subject in ledger.rows():
        place = f"ledger/{index}"
        if index != frontier.size:
            found.add("audit.leaf_missing", f"ledger/{frontier.size}", index=frontier.size)
            break
        hashed = leaf_hash(entry)
        if hashed != stored:
            found.add("audit.leaf_changed", place, index=index)
        last = check_entry(entry, subject, last, place, found)
        frontier.append(hashed)
        levels[0].append(hashed)
        check_tiles(ledger, levels, frontier.size, found)
        if frontier.size in wanted:
            roots[frontier.size] = frontier.root()
    found.leaves, found.root = frontier.size, frontier.root()
    stated = ledger.stored_head()
    if stated != (frontier.size, frontier.packed(), last):
        found.add("audit.head", "ledger/head", stated=stated[0], counted=frontier.size)
    return roots


def check_entry(entry: bytes, subject: str, last: str, place: str, found: Findings) -> str:
    """The entry's moment, for the next one."""
    try:
        leaf = json.loads(entry)
        logged_at = str(leaf["logged_at"])
    except (ValueError, KeyError, TypeError):
        found.add("audit.leaf_unreadable", place)
        return last
    if logged_at < last:
        found.add("audit.back_dated", place, at=logged_at, after=last)
    if subject_of(leaf) != subject:
        found.add("audit.leaf_subject", place, stated=subject[:80])
    return max(last, logged_at)


def check_tiles(ledger: Ledger, levels: list[list[bytes]], size: int, found: Findings) -> None:
    """Compare the tiles that leaf `size - 1` filled with the stored ones."""
    level, count = 0, size
    while len(levels[level]) == TILE_WIDTH:
        index = count // TILE_WIDTH - 1
        hashes, root = b"".join(levels[level]), root_of(levels[level])
        if ledger.stored_tile(level, index) != (hashes, root):
            found.add("audit.tile", f"tile/{level}/{index}", level=level, index=index)
        levels[level] = []
        level, count = level + 1, count >> 8
        if level == len(levels):
            levels.append([])
        levels[level].append(root)


def check_note(note: Note, root: bytes | None, place: str, keys: Sequence[VerifierKey], found: Findings) -> None:
    """Signed by a key we know, and the same tree?"""
    try:
        stated = Checkpoint.parse(note.text)
        signed = verify_note(note, keys)
    except HubError as error:
        found.add(error.code, place, **error.facts)
        return
    if not any(signature.name == stated.origin for signature in signed):
        found.add("audit.unsigned", place, size=stated.size)
    if root is None:
        found.add("audit.cut", place, size=stated.size)
    elif root != stated.root:
        found.add("audit.root", place, size=stated.size)


def check_events(ledger: Ledger, found: Findings) -> None:
    """Each event has its leaf and each leaf of an event its row, with the same content."""
    counted = 0
    numbered = ((index, entry) for index, entry, *_ in ledger.rows())
    while batch := list(itertools.islice(numbered, _LOOKUP)):
        parsed = [(index, leaf) for index, entry in batch if (leaf := event_leaf(entry)) is not None]
        rows = event_rows(ledger.connection, [(leaf["stream"], leaf["version"]) for _, leaf in parsed])
        counted += len(parsed)
        for index, leaf in parsed:
            place = f"events/{leaf['stream']}@{leaf['version']}"
            if "open" in leaf.get("marks", ()) or (
                leaf["version"] == 1 and leaf["stream"].startswith(("resource:", "org:", "person:"))
            ):
                found.opened.append(leaf["stream"])
            row = rows.get((leaf["stream"], leaf["version"]))
            if row is None:
                found.add("audit.event_missing", place, index=index)
            elif changed := differing(leaf, row):
                found.add("audit.event_changed", place, index=index, fields=", ".join(changed))
    found.events = counted
    total = ledger.connection.execute(sa.select(sa.func.count()).select_from(events)).scalar_one()
    if total != counted:
        for stream, version in unlogged(ledger.connection):
            found.add("audit.event_unlogged", f"events/{stream}@{version}", stream=stream, version=version)


def event_leaf(entry: bytes) -> dict[str, Any] | None:
    try:
        leaf = json.loads(entry)
    except ValueError:
        return None
    return leaf if isinstance(leaf, dict) and {"stream", "version", "type"} <= leaf.keys() else None


def event_rows(connection: sa.Connection, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], dict[str, Any]]:
    query = sa.select(events).where(sa.tuple_(events.c.stream, events.c.version).in_(keys))
    return {(row["stream"], row["version"]): {**row, **row["data"]} for row in connection.execute(query).mappings()}


def differing(leaf: dict[str, Any], row: dict[str, Any]) -> list[str]:
    """Columns whose value is not the one the leaf has."""
    changed = [name for name in leaf.keys() & row.keys() if leaf[name] != row[name]]
    if "data_sha256" in leaf and digest_of(row["data"]) != leaf["data_sha256"]:
        changed.append("data")
    return sorted(changed)


def unlogged(connection: sa.Connection) -> Iterator[tuple[str, int]]:
    """Events no leaf speaks of."""
    subject = events.c.stream + "@" + sa.cast(events.c.version, sa.String)
    query = sa.select(events.c.stream, events.c.version).where(~sa.exists().where(leaves.c.subject == subject)).limit(_MAX_FOUND)
    for row in connection.execute(query):
        yield row.stream, row.version
