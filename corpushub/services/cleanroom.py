"""Questions about data nobody takes away (articles 4 and 9): a room is declared for a split, questions are answered with noise from a budget.

* Only curators of the dataset declare what may be asked; the declaration and every question are events, and so leaves of the ledger.
* Asking needs an entitlement whose channels include `compute`, judged by the one decision of every delivery.
* The share of the budget is taken before the question runs, in the same transaction as its event: a crash costs budget, never privacy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from corpushub.base.errors import Conflict, Invalid, NotFound
from corpushub.base.identity import Clock, system_clock
from corpushub.domain.parties import Actor
from corpushub.domain.workflow import Event
from corpushub.services.access import Access
from corpushub.services.viewer import Viewer
from corpushub.store.db import Database, Unit

if TYPE_CHECKING:
    from corpushub.engine.privacy import Answer, Declared

ROOM = "cleanroom"
CHANNEL = "compute"
TABLE = "data"


class Cleanroom:
    """Rooms by dataset. `viewer` finds the released files; rows never leave this process."""

    def __init__(self, *, database: Database, access: Access, viewer: Viewer, clock: Clock = system_clock) -> None:
        self.database = database
        self.access = access
        self.viewer = viewer
        self.clock = clock

    def open(self, actor: Actor, dataset: str, declaration: Mapping[str, Any], *, epsilon: float, split: str = "train") -> None:
        """Declare what may be asked of a split and how much epsilon there is in all; what was spent on the dataset stays spent.

        Raises: Forbidden, Invalid("cleanroom.epsilon" | "cleanroom.column"), NotFound.
        """
        if not 0 < epsilon < math.inf:
            raise Invalid("cleanroom.epsilon")
        table = self.viewer.table(actor, dataset, "main", "", split)
        self.access.require_curator(actor, table.snapshot.repo)
        declared = read_declaration(declaration, self.viewer.columns(table))
        told = {
            "dataset": dataset,
            "commit": table.snapshot.commit.id,
            "split": split,
            "epsilon": epsilon,
            "declared": asdict(declared),
        }
        with self.database.begin() as unit:
            before = unit.documents.get(ROOM, dataset)
            unit.documents.put(ROOM, dataset, {**told, "spent": before["spent"] if before else 0.0})
            self._note(unit, actor, dataset, "opened", told)

    def ask(self, actor: Actor, dataset: str, sql: str, *, epsilon: float) -> Answer:
        """The noisy answer to one question. Raises: Gated, NotFound("cleanroom.no_room"), Conflict("cleanroom.budget"), Invalid("cleanroom.*")."""
        from corpushub.engine.privacy import answer, parse_query

        room = self.room(dataset)
        table = self.viewer.table(actor, dataset, room["commit"], "", room["split"])
        self.access.permit(actor, table.snapshot.repo, channels=(CHANNEL,), versions=table.snapshot.versions)
        declared = declared_of(room["declared"])
        query = parse_query(sql, declared)
        if not 0 < epsilon <= 10:
            raise Invalid("cleanroom.epsilon")
        with self.database.begin() as unit:
            held: Mapping[str, Any] = unit.documents.get(ROOM, dataset) or room
            if held["spent"] + epsilon > held["epsilon"] * (1 + 1e-9):
                raise Conflict("cleanroom.budget", left=round(held["epsilon"] - held["spent"], 6), asked=epsilon)
            unit.documents.put(ROOM, dataset, {**held, "spent": held["spent"] + epsilon})
            self._note(unit, actor, dataset, "asked", {"dataset": dataset, "query": query.text, "epsilon": epsilon})
        return answer(query, self.viewer.frame(table), declared, epsilon)

    def room(self, dataset: str) -> Mapping[str, Any]:
        """What may be asked, and what is left. Raises: NotFound("cleanroom.no_room")."""
        with self.database.read() as unit:
            held: Mapping[str, Any] | None = unit.documents.get(ROOM, dataset)
        if held is None:
            raise NotFound("cleanroom.no_room", dataset=dataset)
        return held

    def rooms(self) -> tuple[Mapping[str, Any], ...]:
        """Every room, by dataset."""
        with self.database.read() as unit:
            return tuple(held for _, held in unit.documents.list(ROOM))

    def _note(self, unit: Unit, actor: Actor, dataset: str, name: str, data: Mapping[str, Any]) -> None:
        stream = f"{ROOM}:{dataset}"
        version = unit.events.version_of(stream) + 1
        unit.events.append(
            Event(stream, version, f"{ROOM}.{name}", actor.person, actor.org, self.clock(), data, "open", actor.on_behalf_of), ()
        )


def read_declaration(declaration: Mapping[str, Any], columns: tuple[str, ...]) -> Declared:
    """Raises: Invalid("cleanroom.column") for a column the split does not have."""
    declared = declared_of({"table": TABLE, **declaration})
    for name in (declared.unit, *declared.dimensions, *declared.measures, *declared.filters):
        if name not in columns:
            raise Invalid("cleanroom.column", column=name, known=", ".join(columns))
    return declared


def declared_of(value: Mapping[str, Any]) -> Declared:
    from corpushub.engine.privacy import Declared

    read = dict(value)
    measures = {name: (int(low), int(high)) for name, (low, high) in dict(read.get("measures", {})).items()}
    lists = {name: tuple(read.get(name, ())) for name in ("dimensions", "filters")}
    return Declared(**{**read, **lists, "measures": measures})
