"""The ledger: one append-only list of canonical JSON leaves, its Merkle tree, signed checkpoints, witnesses, anchors.

* `append` runs in the transaction of the act it records: both are kept or neither.
* Leaves are numbered without gaps. The head row is locked while one is added, so writers on PostgreSQL queue here.
* Each entry carries `logged_at`, taken inside the lock; it never runs backwards.
* Personal data enters as a salted commitment only (`conceal`); `forget` deletes a person's salts. A number in clear that looks personal
  is refused (INV-15).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from corpushub.base.errors import Conflict, Invalid, NotFound
from corpushub.base.identity import Clock, canonical, digest_of, iso
from corpushub.base.merkle import (
    MAX_ENTRY_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Checkpoint,
    Frontier,
    Tiles,
    leaf_hash,
    root_of,
    split_hashes,
)
from corpushub.base.signing import Note, SigningKey, VerifierKey, verify_note
from corpushub.store.ledger_tables import anchors, checkpoints, cosignatures, head, leaves, salts, tiles, witnesses

_SKEW = timedelta(seconds=5)  # between hosts that share one database
# A mobile number or an identity number as a word of its own. A net under the callers, who have to commit such values, not the rule itself.
_PERSONAL = re.compile(
    rb"(?<![0-9A-Za-z:.,-])(?:1[3-9]\d{9}|[1-9]\d{5}(?:19\d\d|20[01]\d)(?:0[1-9]|1[0-2])[0-3]\d\d{3}[\dXx])(?![0-9A-Za-z.-])"
)
_BATCH = 10_000
# Built once: making a statement costs as much as running it.
_HEAD = sa.select(head).where(head.c.id == 1).with_for_update()
_GROW = head.update().where(head.c.id == 1)
_LEAF = leaves.insert()


@dataclass(frozen=True, slots=True)
class Anchor:
    """A receipt from outside (a time stamp, a chain) for the checkpoint of `size`."""

    size: int
    kind: str
    at: str
    receipt: bytes


class Ledger:
    """The ledger as one transaction sees it."""

    def __init__(self, connection: sa.Connection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock
        self._frontier: Frontier | None = None
        self._logged_at = ""

    # Growing

    def append(self, leaf: Mapping[str, Any]) -> int:
        """Add `leaf` (JSON values, no personal data) and return its index.

        A leaf longer than an entry may be keeps its `data` as `data_sha256`.
        Raises: Conflict("ledger.clock_back"), Invalid("ledger.personal_data" | "ledger.entry_too_long").
        """
        frontier = self._locked_head()
        logged_at = self._moment()
        entry = entry_of(leaf, logged_at)
        index, hashed = frontier.size, leaf_hash(entry)
        self.connection.execute(_LEAF, {"idx": index, "entry": entry, "hash": hashed, "subject": subject_of(leaf)})
        frontier.append(hashed)
        if frontier.size % TILE_WIDTH == 0:
            self._close_tiles(frontier.size)
        self.connection.execute(_GROW, {"size": frontier.size, "frontier": frontier.packed(), "logged_at": logged_at})
        self._logged_at = logged_at
        return index

    def _locked_head(self) -> Frontier:
        if self._frontier is None:
            row = self.connection.execute(_HEAD).one_or_none()
            if row is None:
                self.connection.execute(head.insert().values(id=1, size=0, frontier=b"", logged_at=""))
                self._frontier = Frontier.empty()
            else:
                self._frontier, self._logged_at = Frontier.from_bytes(row.size, row.frontier), row.logged_at
        return self._frontier

    def _moment(self) -> str:
        now = self.clock()
        stamp = iso(now)
        if stamp < self._logged_at:
            if iso(now + _SKEW) < self._logged_at:
                raise Conflict("ledger.clock_back", now=stamp, last=self._logged_at)
            return self._logged_at
        return stamp

    def _close_tiles(self, size: int) -> None:
        """Write the tiles that the leaf `size - 1` filled, one per level at most."""
        level, count = 0, size
        while count and count % TILE_WIDTH == 0:
            index = count // TILE_WIDTH - 1
            hashes = self._hashes(level, index, TILE_WIDTH)
            root = root_of(split_hashes(hashes))
            self.connection.execute(tiles.insert().values(level=level, idx=index, hashes=hashes, root=root))
            level, count = level + 1, count >> TILE_HEIGHT

    # Reading

    def size(self) -> int:
        if self._frontier is not None:
            return self._frontier.size
        return self.connection.execute(sa.select(head.c.size).where(head.c.id == 1)).scalar_one_or_none() or 0

    def entry(self, index: int) -> bytes:
        """Raises: NotFound("ledger.no_leaf")."""
        found = self.connection.execute(sa.select(leaves.c.entry).where(leaves.c.idx == index)).scalar_one_or_none()
        if found is None:
            raise NotFound("ledger.no_leaf", index=index)
        return bytes(found)

    def rows(self, start: int = 0, end: int | None = None) -> Iterator[tuple[int, bytes, bytes, str]]:
        """(index, entry, stored hash, subject) in order, read in batches."""
        while end is None or start < end:
            upper = start + _BATCH if end is None else min(end, start + _BATCH)
            query = sa.select(leaves).where(leaves.c.idx >= start, leaves.c.idx < upper).order_by(leaves.c.idx)
            batch = self.connection.execute(query).all()
            yield from ((row.idx, bytes(row.entry), bytes(row.hash), row.subject) for row in batch)
            if len(batch) < upper - start and not self._any_from(upper):
                return
            start = upper

    def _any_from(self, index: int) -> bool:
        return self.connection.execute(sa.select(leaves.c.idx).where(leaves.c.idx >= index).limit(1)).first() is not None

    def find(self, stream: str, version: int) -> int:
        """Index of the leaf of an event. Raises: NotFound("ledger.no_event")."""
        query = sa.select(leaves.c.idx).where(leaves.c.subject == f"{stream}@{version}").order_by(leaves.c.idx).limit(1)
        found = self.connection.execute(query).scalar_one_or_none()
        if found is None:
            raise NotFound("ledger.no_event", stream=stream, version=version)
        return int(found)

    def index_at(self, moment: str) -> int:
        """Index of the first leaf logged at or after `moment` (ISO), by bisection; the size where there is none."""
        low, high = 0, self.size()
        while low < high:
            middle = (low + high) // 2
            if str(json.loads(self.entry(middle))["logged_at"]) < moment:
                low = middle + 1
            else:
                high = middle
        return low

    def tile(self, level: int, index: int, width: int = TILE_WIDTH) -> bytes:
        """The first `width` hashes of a tile. Raises: NotFound("ledger.no_tile")."""
        row = self.connection.execute(sa.select(tiles.c.hashes).where(tiles.c.level == level, tiles.c.idx == index)).first()
        hashes = bytes(row.hashes)[: width * 32] if row else self._hashes(level, index, width)
        if len(hashes) != width * 32:
            raise NotFound("ledger.no_tile", level=level, index=index)
        return hashes

    def _hashes(self, level: int, index: int, width: int) -> bytes:
        low = index * TILE_WIDTH
        if level == 0:
            query = sa.select(leaves.c.hash).where(leaves.c.idx >= low, leaves.c.idx < low + width).order_by(leaves.c.idx)
        else:
            inside = (tiles.c.level == level - 1) & (tiles.c.idx >= low) & (tiles.c.idx < low + width)
            query = sa.select(tiles.c.root).where(inside).order_by(tiles.c.idx)
        return b"".join(bytes(found) for found in self.connection.execute(query).scalars())

    def stored_tile(self, level: int, index: int) -> tuple[bytes, bytes] | None:
        """(hashes, root) of a full tile as kept, None where it is missing."""
        row = self.connection.execute(sa.select(tiles).where(tiles.c.level == level, tiles.c.idx == index)).first()
        return (bytes(row.hashes), bytes(row.root)) if row else None

    def stored_head(self) -> tuple[int, bytes, str]:
        """Size, packed frontier and time of the last leaf as the head row says."""
        row = self.connection.execute(sa.select(head).where(head.c.id == 1)).first()
        return (row.size, bytes(row.frontier), row.logged_at) if row else (0, b"", "")

    def tree(self, size: int | None = None) -> Tiles:
        """The tree of the first `size` leaves, by default of all."""
        return Tiles(self.size() if size is None else size, self.tile)

    # Vouching

    def checkpoint(self, key: SigningKey) -> Note:
        """Sign the present state; the note kept earlier where nothing was added since."""
        size = self.size()
        if known := self.connection.execute(sa.select(checkpoints.c.note).where(checkpoints.c.size == size)).scalar_one_or_none():
            return self._with_cosignatures(size, known)
        note = Note(Checkpoint(key.name, size, self.tree(size).root()).text()).signed(key)
        self.connection.execute(checkpoints.insert().values(size=size, note=str(note), at=iso(self.clock())))
        return note

    def latest(self) -> Note | None:
        """The newest signed checkpoint with its cosignatures."""
        row = self.connection.execute(sa.select(checkpoints).order_by(checkpoints.c.size.desc()).limit(1)).first()
        return self._with_cosignatures(row.size, row.note) if row else None

    def notes(self, newest: int = 0) -> list[tuple[int, str, Note]]:
        """(size, time, note) of signed checkpoints, smallest first; `newest` limits to the last so many."""
        query = sa.select(checkpoints).order_by(checkpoints.c.size.desc())
        rows = self.connection.execute(query.limit(newest) if newest else query).all()
        return [(row.size, row.at, self._with_cosignatures(row.size, row.note)) for row in reversed(rows)]

    def _with_cosignatures(self, size: int, text: str) -> Note:
        note = Note.parse(text)
        lines = (
            sa.select(cosignatures.c.line).where(cosignatures.c.size == size).order_by(cosignatures.c.name, cosignatures.c.line)
        )
        for line in self.connection.execute(lines).scalars():
            note = note.with_line(line)
        return note

    def add_witness(self, key: VerifierKey, org: str) -> None:
        """From now on `key`, held by `org`, may cosign. Adding it twice changes nothing."""
        if key not in dict(self.witnesses()):
            self.connection.execute(witnesses.insert().values(key=str(key), org=org, since=iso(self.clock())))

    def witnesses(self) -> list[tuple[VerifierKey, str]]:
        """(key, organisation) of every witness."""
        return [
            (VerifierKey.parse(row.key), row.org)
            for row in self.connection.execute(sa.select(witnesses).order_by(witnesses.c.key))
        ]

    def cosign(self, size: int, lines: tuple[str, ...]) -> int:
        """Keep the lines of known witnesses on the checkpoint of `size`; how many were new.

        Raises: NotFound("ledger.no_checkpoint"), Conflict("ledger.unknown_witness"), Invalid("ledger.signature").
        """
        kept = self.connection.execute(sa.select(checkpoints.c.note).where(checkpoints.c.size == size)).scalar_one_or_none()
        if kept is None:
            raise NotFound("ledger.no_checkpoint", size=size)
        signatures = verify_note(Note(Note.parse(kept).text, lines), [key for key, _ in self.witnesses()])
        if not signatures:
            raise Conflict("ledger.unknown_witness", size=size)
        known = set(self._with_cosignatures(size, kept).lines)
        fresh = [{"size": size, "line": found.line, "name": found.name} for found in signatures if found.line not in known]
        if fresh:
            self.connection.execute(cosignatures.insert(), fresh)
        return len(fresh)

    def declare(self, role: str, key: VerifierKey) -> None:
        """Record once, as a leaf, that `key` speaks for `role` (release, witness), so that an auditor needs no other word for it."""
        subject = f"key:{role}:{key.key_id.hex()}"
        if self.connection.execute(sa.select(leaves.c.idx).where(leaves.c.subject == subject)).first() is None:
            self.append({"kind": "key", "id": subject, "role": role, "key": str(key)})

    def add_anchor(self, size: int, kind: str, receipt: bytes) -> Anchor:
        """Keep a receipt from outside for the checkpoint of `size`."""
        anchor = Anchor(size, kind, iso(self.clock()), receipt)
        self.connection.execute(anchors.insert().values(size=size, kind=kind, at=anchor.at, receipt=receipt))
        return anchor

    def anchors(self) -> list[Anchor]:
        rows = self.connection.execute(sa.select(anchors).order_by(anchors.c.size, anchors.c.at))
        return [Anchor(row.size, row.kind, row.at, bytes(row.receipt)) for row in rows]

    # Personal data

    def conceal(self, subject: str, value: str) -> str:
        """A commitment to `value` (personal data of `subject`) that may stand in a leaf; its salt is kept here."""
        salt = secrets.token_bytes(32)
        commitment = commitment_to(value, salt)
        self.connection.execute(salts.insert().values(commitment=commitment, subject=subject, salt=salt))
        return commitment

    def opens(self, commitment: str, value: str) -> bool:
        """Was `commitment` made for `value`? False for ever once the person's salts are gone."""
        salt = self.connection.execute(sa.select(salts.c.salt).where(salts.c.commitment == commitment)).scalar_one_or_none()
        return salt is not None and hmac.compare_digest(commitment_to(value, bytes(salt)), commitment)

    def forget(self, subject: str) -> int:
        """Delete the salts of `subject`; how many there were. Proofs are untouched."""
        return self.connection.execute(salts.delete().where(salts.c.subject == subject)).rowcount


def commitment_to(value: str, salt: bytes) -> str:
    return f"hmac-sha256:{hmac.new(salt, value.encode(), hashlib.sha256).hexdigest()}"


def entry_of(leaf: Mapping[str, Any], logged_at: str) -> bytes:
    """The bytes that are hashed for `leaf`: canonical JSON with the moment it was logged."""
    entry = canonical({**leaf, "logged_at": logged_at})
    if len(entry) > MAX_ENTRY_BYTES and "data" in leaf:
        short = {name: value for name, value in leaf.items() if name != "data"}
        entry = canonical({**short, "data_sha256": digest_of(leaf["data"]), "logged_at": logged_at})
    if len(entry) > MAX_ENTRY_BYTES:
        raise Invalid("ledger.entry_too_long", bytes=len(entry), limit=MAX_ENTRY_BYTES)
    if _PERSONAL.search(entry):
        raise Invalid("ledger.personal_data", subject=subject_of(leaf))
    return entry


def subject_of(leaf: Mapping[str, Any]) -> str:
    """`stream@version` for an event, else the leaf's id or kind."""
    if "stream" in leaf:
        return f"{leaf['stream']}@{leaf.get('version', '')}"
    return str(leaf.get("id") or leaf.get("kind") or "")
