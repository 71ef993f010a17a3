"""How well this hub's recognizers find what people labelled: measured on labelled text of its own, kept, printed on the cards of its releases.

Figures hold for one set of recognizers: after a change they are out of date, and cards print the shipped ones until somebody measures again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from corpushub.base.errors import Forbidden
from corpushub.base.identity import Clock, business_day, system_clock
from corpushub.domain.parties import Actor, Role
from corpushub.store.db import Database, Unit

if TYPE_CHECKING:
    from corpushub.engine.pii.evaluate import Evaluation

KEPT, LATEST = "pii_evaluation", "latest"


class Evaluations:
    def __init__(self, *, database: Database, clock: Clock = system_clock) -> None:
        self.database, self.clock = database, clock

    def keep(self, actor: Actor, made: Sequence[Evaluation]) -> Mapping[str, Any]:
        """Keep an evaluation as the one cards print; gives what was kept. Raises: Forbidden("pii.evaluation_role")."""
        if not actor.has(Role.OPERATOR):
            raise Forbidden("pii.evaluation_role")
        from corpushub.engine.pii.evaluate import figures, recognizer_set

        kept = {**figures(made, business_day(self.clock()).isoformat()), "recognizers": recognizer_set(), "by": actor.person}
        with self.database.begin() as unit:
            unit.documents.put(KEPT, LATEST, kept)
        return kept


def evaluation_of(unit: Unit) -> Mapping[str, Any]:
    """The evaluation of the recognizers as they are now; empty where nobody measured them since they last changed."""
    from corpushub.engine.pii.evaluate import recognizer_set

    kept: Mapping[str, Any] = unit.documents.get(KEPT, LATEST) or {}
    return kept if kept.get("recognizers") == recognizer_set() else {}
