"""The record of deliveries, written behind the transfers from one thread, about once a second, and the holds that end with it.

What could not be written is kept for the next time; `close` writes what is left.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread

from corpushub.base.errors import HubError
from corpushub.base.identity import Clock, iso, new_id
from corpushub.domain.parties import Actor
from corpushub.services.delivery import Permission, Taken
from corpushub.store.db import Database
from corpushub.store.tokens import Delivery

FLUSH_SECONDS = 1.0
RENEW_SECONDS = 15.0


@dataclass(slots=True)
class Pending:
    """Deliveries of one second to one caller from one commit, added up: a row for each of 10,000 small files would cost more than they do."""

    actor: Actor
    taken: Taken
    permission: Permission
    request: str
    files: int = 0
    bytes: int = 0
    rows: int = 0


class Recorder:
    """Collects deliveries, and keeps the holds of this process alive (`row_limits`)."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self._rows: dict[tuple[str, ...], Pending] = {}
        self._left: list[Delivery] = []
        self._downloads: Counter[str] = Counter()
        self._seen: dict[str, str] = {}
        self._holds: set[str] = set()
        self._let_go: set[str] = set()
        self._renewed = time.monotonic()
        self._lock, self._writing = Lock(), Lock()
        self._wake = Event()
        self._stopped = False
        self._thread: Thread | None = None

    def add(self, actor: Actor, taken: Taken, permission: Permission, request: str) -> None:
        key = (actor.person, actor.token, taken.repo, taken.commit, permission.entitlement, taken.channel)
        with self._lock:
            row = self._rows.get(key)
            if row is None:
                row = self._rows[key] = Pending(actor, taken, permission, request)
            row.files += taken.files
            row.bytes += taken.bytes
            row.rows += taken.rows
            if taken.downloads:
                self._downloads[taken.repo] += taken.downloads
        if self._thread is None:
            self._start()

    def _written(self, row: Pending) -> Delivery:
        return Delivery(
            id=new_id(clock=self.clock),
            at=iso(self.clock()),
            repo=row.taken.repo,
            commit=row.taken.commit,
            path=row.taken.path if row.files == 1 else "",
            files=row.files,
            bytes=row.bytes,
            rows=row.rows,
            person=row.actor.person,
            org=row.actor.org,
            token=row.actor.token,
            entitlement=row.permission.entitlement,
            purpose=row.permission.purpose,
            channel=row.taken.channel,
            request=row.request,
        )

    def saw(self, token_id: str) -> None:
        with self._lock:
            self._seen[token_id] = iso(self.clock())
        self._start()

    def holds(self, hold_id: str) -> None:
        """Renew this hold until it is let go of."""
        with self._lock:
            self._holds.add(hold_id)
        self._start()

    def lets_go(self, hold_id: str) -> None:
        """End a hold in one transaction with what was taken under it, at once: others may wait for its rows."""
        with self._lock:
            self._holds.discard(hold_id)
            self._let_go.add(hold_id)
        self._wake.set()

    def _start(self) -> None:
        if self._thread is None and not self._stopped:
            self._thread = Thread(target=self._work, name="deliveries", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while not self._stopped:
            self._wake.wait(FLUSH_SECONDS)
            self._wake.clear()
            self.flush()
            self._renew()

    def _renew(self) -> None:
        now = time.monotonic()
        if not self._holds:
            self._renewed = now  # what is held from now on was made now
        elif now - self._renewed > RENEW_SECONDS:
            with self._lock:
                held = list(self._holds)
            with suppress(HubError), self.database.begin() as unit:
                unit.row_holds.renew(held)
                self._renewed = now

    def flush(self) -> None:
        """Write what has gathered; who waits for it waits for what another thread is writing, too."""
        with self._writing:
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            pending, self._rows = self._rows, {}
            rows, self._left = self._left, []
            downloads, self._downloads = self._downloads, Counter()
            seen, self._seen = self._seen, {}
            let_go, self._let_go = self._let_go, set()
        rows += [self._written(row) for row in pending.values()]
        if not (rows or downloads or seen or let_go):
            return
        try:
            with self.database.begin() as unit:
                unit.deliveries.add(rows)
                unit.repos.count_downloads(downloads)
                unit.tokens.touch(seen)
                if let_go:
                    unit.row_holds.end(let_go)
        except HubError:
            with self._lock:
                self._left = rows + self._left
                self._downloads.update(downloads)
                self._let_go |= let_go

    def close(self) -> None:
        self._stopped = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
        self.flush()
