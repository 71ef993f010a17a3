"""Rights to so many rows (article 6: 超范围使用): what a reader is about to take is held for it until it is recorded, so that two who take at
once never take the same rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Self

from corpushub.base.errors import HubError
from corpushub.domain.parties import Actor
from corpushub.services.delivery import Ask, Permission, Taken

Decide = Callable[[Ask, Mapping[str, int]], tuple[Permission, int] | HubError]
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
    held: int = 0
    ended: bool = False

    def begin(self) -> Self:
        """Hold `most` rows, or as many as are left, of the right that covers `least`. Raises: what the limits refuse with."""
        self.limits.begin(self)
        return self

    def record(self, actor: Actor, taken: Taken, *, request: str = "") -> None:
        """What was held has been taken: it counts once, before and after this moment."""
        self.limits.end(self, lambda: self.limits.record(actor, taken, self.permission, request=request))

    def end(self) -> None:
        self.limits.end(self)

    __enter__ = begin

    def __exit__(self, *_: object) -> None:
        self.end()


class RowLimits:
    """What is held in this process; what was taken is in the record of deliveries."""

    def __init__(self, decide: Decide, refused: Callable[[Ask, HubError], HubError], record: Callable[..., None]) -> None:
        self._decide = decide
        self._refused = refused
        self.record = record
        self._held: Counter[str] = Counter()
        self._lock = Lock()

    def begin(self, hold: Hold) -> None:
        hold.rows = hold.most
        if hold.permission.ask is None:
            return
        ask = replace(hold.permission.ask, rows=hold.least, right=hold.permission.entitlement if hold.fixed else "")
        with self._lock:
            found = self._decide(ask, self._held)
            if isinstance(found, tuple) and not hold.ended:
                hold.permission, left = found
                hold.rows = hold.held = min(hold.most, left)
                self._held[hold.permission.entitlement] += hold.held
        if isinstance(found, HubError):
            raise self._refused(ask, found)

    def end(self, hold: Hold, also: Callable[[], None] = lambda: None) -> None:
        with self._lock:
            also()
            self._held[hold.permission.entitlement] -= hold.held
            hold.held, hold.ended = 0, True
            self._held += Counter()  # what nobody holds is forgotten
