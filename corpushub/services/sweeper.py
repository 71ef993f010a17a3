"""Bytes nobody names any more: pushes that were deleted, proposals that were cancelled and forgotten, uploads that never ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from corpushub.base.errors import Forbidden
from corpushub.base.identity import Clock, iso
from corpushub.domain.parties import SYSTEM, Actor, Role
from corpushub.store.db import Database
from corpushub.store.incoming import Incoming
from corpushub.store.named import named_objects
from corpushub.store.objects import Objects

EVERY = timedelta(days=1)
_KIND, _ID = "sweep", "last"


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed, and how many named objects there are."""

    objects: int
    bytes: int
    kept: int


class Sweeper:
    """Removes objects no row names and uploads nobody continues; safe beside builds, pushes and publications, and to be killed."""

    def __init__(self, *, database: Database, objects: Objects, incoming: Incoming, clock: Clock) -> None:
        self.database = database
        self.objects = objects
        self.incoming = incoming
        self.clock = clock

    def sweep(self, actor: Actor) -> Swept:
        """Raises: Forbidden("objects.sweep_forbidden")."""
        if not actor.has(Role.ADMIN, Role.SYSTEM):
            raise Forbidden("objects.sweep_forbidden")
        kept: set[str] = set()

        def named() -> set[str]:
            with self.database.read() as unit:
                kept.update(named_objects(unit))
            return kept

        gone, freed = self.objects.sweep(named)
        self.incoming.sweep()
        with self.database.begin() as unit:
            unit.documents.put(_KIND, _ID, {"at": iso(self.clock()), "objects": gone, "bytes": freed})
        return Swept(gone, freed, len(kept))

    def sweep_if_due(self) -> bool:
        """Sweep once a day; did it?"""
        with self.database.read() as unit:
            last = unit.documents.get(_KIND, _ID)
        if last is not None and last["at"] > iso(self.clock() - EVERY):
            return False
        self.sweep(SYSTEM)
        return True
