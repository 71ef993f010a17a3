"""Rights to so many rows (article 6: 超范围使用): what a reader is about to take is held for it until it is recorded, so that two who take at
once never take the same rows, from whichever process of the hub.

* A hold stands in the database from before the first row leaves until the transaction that records what was taken.
* The recorder renews it; one whose process died lapses after a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Self

from corpushub.base.errors import HubError
from corpushub.base.identity import new_id
from corpushub.domain.parties import Actor
from corpushub.services.delivery import Ask, Permission, Taken
from corpushub.services.recorder import Recorder
from corpushub.store.db import Unit

Decide = Callable[[Unit, Ask, Mapping[str, int]], tuple[Permission, int] | HubError]
"""The right that covers the rows asked for beside those held under each right, and the rows it still covers; or the refusal."""


@dataclass(slots=True)
class Hold:
    """So many rows held under one right. Use as a context manager; or `begin` in a thread and `end` wherever its caller may be cut off."""

    limits: RowLimits
    permission: Permission
    most: int
    least: int
    fixed: bool = False  # under this very right, because what is taken was cut to it
    rows: int = 0
    id: str = ""
    ended: bool = False

    def begin(self) -> Self:
        """Hold `most` rows, or as many as are left, of the right that covers `least`. Raises: what the limits refuse with."""
        self.limits.begin(self)
        return self

    def record(self, actor: Actor, taken: Taken, *, request: str = "") -> None:
        """What was held has been taken: it counts once, before and after this moment."""
        self.limits.recorder.add(actor, taken, self.permission, request)
        self.end()

    def end(self) -> None:
        self.limits.end(self)

    __enter__ = begin

    def __exit__(self, *_: object) -> None:
        self.end()


class RowLimits:
    """Holds of this process; rights without a limit cost nothing here."""

    def __init__(self, recorder: Recorder, decide: Decide, refused: Callable[[Ask, HubError], HubError]) -> None:
        self.recorder = recorder
        self._decide = decide
        self._refused = refused
        self._lock = Lock()

    def begin(self, hold: Hold) -> None:
        hold.rows = hold.most
        if hold.permission.ask is None:
            return
        ask = replace(hold.permission.ask, rows=hold.least, right=hold.permission.entitlement if hold.fixed else "")
        found = self._held(hold, ask)
        if isinstance(found, HubError):
            raise self._refused(ask, found)

    def _held(self, hold: Hold, ask: Ask) -> HubError | None:
        self.recorder.flush()  # what this process let go of is there for the next
        made = new_id("hld", clock=self.recorder.clock)
        with self.recorder.database.begin() as unit:
            unit.row_holds.take_turns()
            found = self._decide(unit, ask, unit.row_holds.held())
            if isinstance(found, HubError):
                return found
            hold.permission, left = found
            hold.rows = min(hold.most, left)
            if not hold.permission.counted:
                return None
            unit.row_holds.add(made, hold.permission.entitlement, hold.rows)
        self.recorder.holds(made)
        with self._lock:
            hold.id, gone = made, hold.ended
        if gone:
            self.end(hold)
        return None

    def end(self, hold: Hold) -> None:
        with self._lock:
            hold.ended = True
            held, hold.id = hold.id, ""
        if held:
            self.recorder.lets_go(held)
