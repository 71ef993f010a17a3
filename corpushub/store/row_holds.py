"""Rows held under a right by who is about to take them, in every process over one database, until they are recorded as taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

import sqlalchemy as sa

from corpushub.base.identity import Clock, iso
from corpushub.store import hub_tables as t

LAPSE_SECONDS = 60  # a hold that its process did not renew: the process is dead


class RowHolds:
    def __init__(self, connection: sa.Connection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock

    def take_turns(self) -> None:
        """Nobody else holds or lets go before this transaction ends. SQLite lets one write at a time anyway."""
        if self.connection.dialect.name == "postgresql":
            self.connection.exec_driver_sql("LOCK TABLE row_hold IN SHARE ROW EXCLUSIVE MODE")

    def held(self) -> Mapping[str, int]:
        """Rows held under each right."""
        hold = t.row_hold
        query = sa.select(hold.c.entitlement, sa.func.sum(hold.c.rows)).where(hold.c.until > iso(self.clock()))
        return {right: int(rows) for right, rows in self.connection.execute(query.group_by(hold.c.entitlement))}

    def add(self, hold_id: str, entitlement: str, rows: int) -> None:
        """Hold so many rows, and forget what has lapsed."""
        self.connection.execute(t.row_hold.delete().where(t.row_hold.c.until <= iso(self.clock())))
        self.connection.execute(t.row_hold.insert().values(id=hold_id, entitlement=entitlement, rows=rows, until=self._until()))

    def renew(self, hold_ids: Iterable[str]) -> None:
        self.connection.execute(t.row_hold.update().where(t.row_hold.c.id.in_(list(hold_ids))).values(until=self._until()))

    def end(self, hold_ids: Iterable[str]) -> None:
        self.connection.execute(t.row_hold.delete().where(t.row_hold.c.id.in_(list(hold_ids))))

    def _until(self) -> str:
        return iso(self.clock() + timedelta(seconds=LAPSE_SECONDS))
