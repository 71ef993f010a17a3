"""What an auditor asks of the hub: is the record whole, sign it, hand it over.

Verifying needs no seat: anybody who can reach the home may check it. Exporting and witnesses need one of `SEATS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from corpushub.base.errors import Forbidden, HubError, Problem
from corpushub.base.identity import Clock
from corpushub.base.merkle import Checkpoint
from corpushub.base.settings import Settings
from corpushub.base.signing import Note, SigningKey, VerifierKey, hub_key
from corpushub.domain.build import Progress, ProgressEvent, silent
from corpushub.domain.parties import Actor, Role
from corpushub.store.db import Database
from corpushub.store.ledger_check import check
from corpushub.store.objects import Objects

SEATS = (Role.AUDITOR, Role.AUTHORITY, Role.SUPERVISOR, Role.REGISTRAR, Role.SYSTEM)


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

    def checkpoint(self, actor: Actor) -> Signed:
        """Sign the ledger as it stands now; the same note again where nothing was added."""
        require_seat(actor)
        with self.database.begin() as unit:
            return signed(unit.ledger.checkpoint(self.key))

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
            names = sorted(unit.repos.named_objects()) if with_objects else []
        problems = list(found.problems)
        for number, digest in enumerate(names, start=1):
            problems += self.object_problems(digest)
            progress(ProgressEvent("objects", number, len(names), "objects"))
        return AuditReport(found.leaves, found.events, found.checkpoints, len(names), found.root.hex(), tuple(problems))

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
