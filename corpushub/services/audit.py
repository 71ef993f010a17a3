"""What an auditor asks of the hub: is the record whole, sign it, hand it over.

Verifying needs no seat: anybody who can reach the home may check it. Exporting and witnesses need one of `SEATS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid, NotFound, Problem
from corpushub.base.files import replacing
from corpushub.base.identity import Clock, iso
from corpushub.base.merkle import Checkpoint, parse_tile_path, tile_width
from corpushub.base.settings import Settings
from corpushub.base.signing import WITNESS, Note, SigningKey, VerifierKey, hub_key
from corpushub.domain.build import Progress, silent
from corpushub.domain.parties import SYSTEM, Actor, Role
from corpushub.services.anchors import fetch_receipt
from corpushub.services.bundle import Bundle
from corpushub.services.consistency import folds, publications
from corpushub.services.ticking import ticking
from corpushub.services.witness import witness_request
from corpushub.store.db import Database
from corpushub.store.ledger_check import check
from corpushub.store.objects import Objects

SEATS = (Role.AUDITOR, Role.AUTHORITY, Role.SUPERVISOR, Role.REGISTRAR, Role.SYSTEM)
DUE_LEAVES, DUE_AFTER = 1000, timedelta(seconds=60)
_RECENT = 50  # checkpoints a late cosignature may still belong to


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was checked and everything that was wrong; `root` is hex."""

    leaves: int
    events: int
    checkpoints: int
    objects: int
    root: str
    problems: tuple[Problem, ...]

    @property
    def is_whole(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed checkpoint as text, with what it says."""

    origin: str
    size: int
    root: str
    note: str
    signatures: int


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle that was written; `root` is hex."""

    file: str
    members: int
    bytes: int
    size: int
    root: str


@dataclass(frozen=True, slots=True)
class Anchored:
    """A receipt that was kept."""

    size: int
    kind: str
    at: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Proof:
    """`merkle.proves_inclusion(leaf_hash(entry), index, size, path, root)` with size and root of `checkpoint`; `path` is hex."""

    index: int
    entry: str
    path: tuple[str, ...]
    checkpoint: str


class Audit:
    """The ledger's keeper and checker."""

    def __init__(self, *, database: Database, objects: Objects, settings: Settings, clock: Clock) -> None:
        self.database = database
        self.objects = objects
        self.settings = settings
        self.clock = clock

    @property
    def key(self) -> SigningKey:
        """The log's key; made in the home's `keys` folder at first use."""
        return hub_key(self.settings, "ledger")

    def verifier_key(self) -> VerifierKey:
        """What to publish, so that others can check our checkpoints."""
        return self.key.verifier

    def release_key(self) -> VerifierKey:
        """The public key releases are signed with: what whoever pulled one checks it against."""
        return hub_key(self.settings, "release").verifier

    def checkpoint(self, actor: Actor) -> Signed:
        """Sign the ledger as it stands now; the same note again where nothing was added."""
        require_seat(actor)
        with self.database.begin() as unit:
            return signed(unit.ledger.checkpoint(self.key))

    def sign_if_due(self) -> bool:
        """Sign where a thousand leaves, or any leaf for a minute, are without a checkpoint; did it? Called at every round of the worker."""
        with self.database.read() as unit:
            size, last = unit.ledger.size(), unit.ledger.notes(1)
        covered, signed_at = (last[0][0], last[0][1]) if last else (0, "")
        if size == covered or (size - covered < DUE_LEAVES and iso(self.clock() - DUE_AFTER) < signed_at):
            return False
        self.checkpoint(SYSTEM)
        return True

    def latest(self) -> Signed | None:
        """The newest checkpoint, which anybody may see."""
        with self.database.read() as unit:
            note = unit.ledger.latest()
        return signed(note) if note else None

    def verify(self, *, older: Iterable[str] = (), with_objects: bool = True, progress: Progress = silent) -> AuditReport:
        """Check ledger, event rows, folded cases and objects against each other.

        `older` are checkpoints kept elsewhere, which have to be prefixes of this ledger. One pass over leaves and events, then every
        named object is read once. Raises: Invalid("ledger.note" | "ledger.checkpoint_text") for an `older` that is none.
        """
        notes = [Note.parse(text) for text in older]
        for note in notes:
            Checkpoint.parse(note.text)
        with self.database.read() as unit:
            found = check(unit.ledger, [self.verifier_key()], notes)
            problems = [*found.problems, *folds(unit, found.opened), *publications(unit, self.objects)]
            names = sorted(unit.repos.named_objects()) if with_objects else []
        for digest in ticking("objects", names, len(names), progress):
            problems += self.object_problems(digest)
        return AuditReport(found.leaves, found.events, found.checkpoints, len(names), found.root.hex(), tuple(problems))

    def export(
        self,
        actor: Actor,
        target: Path,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        progress: Progress = silent,
    ) -> Exported:
        """Write an audit bundle to `target`; `since` and `until` limit the entries inside, never the tree.

        The export itself is recorded first, so the bundle ends with who took it. One pass over the entries, constant memory.
        Raises: Forbidden("audit.seat").
        """
        require_seat(actor)
        with self.database.begin() as unit:
            unit.ledger.declare("release", self.release_key())
            unit.ledger.append({"kind": "export", "actor": actor.person, "org": actor.org, "at": iso(self.clock())})
            note = unit.ledger.checkpoint(self.key)
        with self.database.read() as unit:
            size = Checkpoint.parse(note.text).size
            first = unit.ledger.index_at(iso(since)) if since else 0
            last = unit.ledger.index_at(iso(until)) if until else size
            keys = {"log": self.verifier_key()}
            keys |= {f"witness-{number}": key for number, (key, _) in enumerate(unit.ledger.witnesses(), start=1)}
            with replacing(target) as stream:
                members = Bundle(stream, unit, self.objects, keys, progress).write(note, first, max(first, last))
        stated = signed(note)
        return Exported(target.name, members, target.stat().st_size, stated.size, stated.root)

    # Witnesses and anchors

    def add_witness(self, actor: Actor, key: str, org: str) -> VerifierKey:
        """Let the holder of `key` (a cosigning key of organisation `org`) witness this ledger; the key is recorded as a leaf.

        Raises: Forbidden("audit.seat"), Invalid("ledger.verifier_key"), Conflict("audit.own_witness") for this hub's own key.
        """
        require_seat(actor)
        parsed = VerifierKey.parse(key)
        if parsed.kind != WITNESS:
            raise Invalid("ledger.verifier_key")
        if parsed.public in {self.key.verifier.public, hub_key(self.settings, "witness", WITNESS).verifier.public}:
            raise Conflict("audit.own_witness")
        with self.database.begin() as unit:
            unit.ledger.add_witness(parsed, org)
            unit.ledger.declare("witness", parsed)
        return parsed

    def request(self, actor: Actor, since: int = 0) -> str:
        """What to send a witness that last saw `since` leaves: old size, consistency proof, checkpoint (C2SP tlog-witness)."""
        self.checkpoint(actor)
        with self.database.read() as unit:
            note = unit.ledger.latest()
            assert note is not None
            return witness_request(since, unit.ledger.tree(Checkpoint.parse(note.text).size).consistency(since), note)

    def continuation(self, since: int) -> str:
        """The request for the newest checkpoint as it was signed; anybody may ask, as anybody may check.

        Raises: NotFound("audit.nothing_signed"), Invalid("ledger.not_a_prefix").
        """
        with self.database.read() as unit:
            note = unit.ledger.latest()
            if note is None:
                raise NotFound("audit.nothing_signed")
            return witness_request(since, unit.ledger.tree(Checkpoint.parse(note.text).size).consistency(since), note)

    def tile(self, path: str) -> bytes:
        """Hashes of a tile inside the newest checkpoint, for anybody; entries are for those who may export.

        Raises: Invalid("ledger.tile_path"), NotFound("ledger.no_tile").
        """
        level, index, width = parse_tile_path(path)
        with self.database.read() as unit:
            note = unit.ledger.latest()
            size = Checkpoint.parse(note.text).size if note else 0
            if level == "entries" or not 0 < width <= tile_width(size, int(level), index):
                raise NotFound("ledger.no_tile", level=level, index=index)
            return unit.ledger.tile(int(level), index, width)

    def cosign(self, lines: str) -> int:
        """Keep what a witness answered; how many signatures were new. Whoever brings it: only a registered witness could have made it.

        Raises: Invalid("ledger.note"), NotFound, Conflict and Invalid of `Ledger.cosign`, Conflict("audit.no_such_note").
        """
        given = tuple(line for line in lines.splitlines() if line.strip())
        with self.database.begin() as unit:
            for size, _, _ in reversed(unit.ledger.notes(_RECENT)):
                try:
                    return unit.ledger.cosign(size, given)
                except Invalid:
                    continue
            raise Conflict("audit.no_such_note")

    def anchor(self, actor: Actor, kind: str, command: list[str]) -> Anchored:
        """Hand the newest checkpoint to an outside program and keep its answer as a receipt (see `services.anchors`)."""
        require_seat(actor)
        note = self.checkpoint(actor)
        receipt = fetch_receipt(kind, command, note.note)
        with self.database.begin() as unit:
            kept = unit.ledger.add_anchor(note.size, kind, receipt)
        return Anchored(kept.size, kept.kind, kept.at, len(receipt))

    def prove(self, stream: str, version: int) -> Proof:
        """That an event stands in the ledger: its entry, the path to the root, and the checkpoint that states it.

        Raises: NotFound("ledger.no_event" | "audit.not_signed_yet").
        """
        with self.database.read() as unit:
            index = unit.ledger.find(stream, version)
            note = unit.ledger.latest()
            if note is None or Checkpoint.parse(note.text).size <= index:
                raise NotFound("audit.not_signed_yet", stream=stream, version=version)
            path = unit.ledger.tree(Checkpoint.parse(note.text).size).inclusion(index)
            return Proof(index, unit.ledger.entry(index).decode(), tuple(item.hex() for item in path), str(note))

    def object_problems(self, digest: str) -> list[Problem]:
        """What is wrong with one stored object."""
        place = f"objects/{digest}"
        try:
            if self.objects.verify(digest):
                return []
        except HubError as error:
            return [Problem(error.code, dict(error.facts), path=place)]
        return [Problem("audit.object_changed", {"digest": digest}, path=place)]


def require_seat(actor: Actor) -> None:
    if not actor.has(*SEATS):
        raise Forbidden("audit.seat")


def signed(note: Note) -> Signed:
    stated = Checkpoint.parse(note.text)
    return Signed(stated.origin, stated.size, stated.root.hex(), str(note), len(note.lines))


def report_json(report: AuditReport) -> dict[str, Any]:
    """The report for programs: places and codes."""
    problems = [{"place": problem.path, "code": problem.code, **problem.facts} for problem in report.problems]
    return {
        "whole": report.is_whole,
        "leaves": report.leaves,
        "events": report.events,
        "checkpoints": report.checkpoints,
        "objects": report.objects,
        "root": report.root,
        "problems": problems,
    }
