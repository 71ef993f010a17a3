"""What was refused, counted: deliveries (articles 4 and 6: use beyond scope), and credentials that fail (article 15).

The first of each kind a day is an event, the rest a number.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock

from corpushub.base.errors import HubError
from corpushub.base.identity import Clock, business_day
from corpushub.domain.parties import Actor
from corpushub.domain.workflow import Event
from corpushub.store.db import Database, Unit

KIND = "attempt"
CREDENTIALS = ("account.wrong", "token.unknown")
NOBODY = "-"
Key = tuple[str, str, str, str]  # organisation, person, dataset, the rule that said no


class Attempts:
    """`note` costs a dictionary entry; `flush` is upkeep. What was noted last before a crash is lost, the refusal itself never was."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self._noted: Counter[Key] = Counter()
        self._lock = Lock()

    def note(self, actor: Actor, dataset: str, why: HubError) -> None:
        """Somebody known was refused a delivery."""
        if not actor.is_anonymous and why.code.startswith("delivery."):
            with self._lock:
                self._noted[actor.org, actor.person, dataset, why.code] += 1

    def note_credential(self, rule: str, *, org: str = "", person: str = "") -> None:
        """A password or token was wrong; whose, where that is known."""
        with self._lock:
            self._noted[org, person, "", rule] += 1

    def flush(self) -> int:
        """Write what was noted since the last round; how many refusals."""
        with self._lock:
            noted, self._noted = self._noted, Counter()
        if noted:
            with self.database.begin() as unit:
                for key, count in sorted(noted.items()):
                    self._keep(unit, key, count)
        return noted.total()

    def _keep(self, unit: Unit, key: Key, count: int) -> None:
        org, person, dataset, rule = key
        day = business_day(self.clock()).isoformat()
        name = f"{day}/{org}/{person}/{dataset}/{rule}"
        before = unit.documents.get(KIND, name)
        told = {"day": day, "org": org, "person": person, "dataset": dataset, "rule": rule}
        unit.documents.put(KIND, name, {**told, "count": count + (before["count"] if before else 0)})
        if before is None:
            stream = f"{KIND}:{org or NOBODY}"
            version = unit.events.version_of(stream) + 1
            data = {"dataset": dataset, "rule": rule}
            unit.events.append(Event(stream, version, f"{KIND}.refused", person or NOBODY, org, self.clock(), data, "refused"))
