"""Derived JSON records that no law wants evented: builds, reviews, matches, idempotency keys. `put` overwrites."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from corpushub.base.identity import Clock, iso
from corpushub.store.tables import documents, in_parts

# Built once: making a statement costs as much as running it.
_VALUE = sa.select(documents.c.value).where(documents.c.kind == sa.bindparam("family"), documents.c.id == sa.bindparam("of"))
_VALUES = sa.select(documents.c.id, documents.c.value).where(
    documents.c.kind == sa.bindparam("family"), documents.c.id.in_(sa.bindparam("of", expanding=True))
)


class Documents:
    """`kind` names the family, `id` the record; `list` is in id order (ids sort by time)."""

    def __init__(self, connection: sa.Connection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock

    def put(self, kind: str, id_: str, value: Any) -> None:
        now = iso(self.clock())
        where = (documents.c.kind == kind) & (documents.c.id == id_)
        changed = self.connection.execute(documents.update().where(where).values(value=value, updated_at=now))
        if changed.rowcount == 0:
            self.connection.execute(documents.insert().values(kind=kind, id=id_, value=value, created_at=now, updated_at=now))

    def get(self, kind: str, id_: str) -> Any | None:
        """The value, or None where there is no such record."""
        return self.connection.execute(_VALUE, {"family": kind, "of": id_}).scalar_one_or_none()

    def some(self, kind: str, ids: Sequence[str]) -> dict[str, Any]:
        """The values of those of `ids` that are there; one question for thousands."""
        parts = (self.connection.execute(_VALUES, {"family": kind, "of": part}) for part in in_parts(ids))
        return {row.id: row.value for part in parts for row in part}

    def list(self, kind: str, *, prefix: str = "", limit: int = 0, newest_first: bool = False) -> list[tuple[str, Any]]:
        """(id, value) pairs of `kind` whose id starts with `prefix`; limit 0 means all."""
        return list(self._scan(kind, prefix, limit, newest_first=newest_first))

    def _scan(self, kind: str, prefix: str, limit: int, *, newest_first: bool) -> Iterator[tuple[str, Any]]:
        order = documents.c.id.desc() if newest_first else documents.c.id
        query = sa.select(documents.c.id, documents.c.value).where(documents.c.kind == kind).order_by(order)
        if prefix:
            query = query.where(documents.c.id.startswith(prefix, autoescape=True))
        if limit:
            query = query.limit(limit)
        for row in self.connection.execute(query):
            yield row.id, row.value

    def mark(self, kind: str, *, prefix: str) -> tuple[int, str]:
        """How many such records there are, and when one was written last: they are as they were while this is."""
        query = sa.select(sa.func.count(), sa.func.max(documents.c.updated_at)).where(documents.c.kind == kind)
        count, last = self.connection.execute(query.where(documents.c.id.startswith(prefix, autoescape=True))).one()
        return count, last or ""

    def delete(self, kind: str, id_: str) -> bool:
        """Did such a record exist?"""
        gone = self.connection.execute(documents.delete().where(documents.c.kind == kind, documents.c.id == id_))
        return gone.rowcount > 0
