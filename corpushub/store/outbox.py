"""Notices written in the transaction that causes them and delivered afterwards, at least once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from corpushub.base.identity import Clock, iso, new_id
from corpushub.store.tables import outbox

# Built once: making a statement costs as much as running it, and every page of the portal asks this one.
_UNSEEN = (
    sa.select(sa.func.count())
    .select_from(outbox)
    .where(outbox.c.seen_at == "", outbox.c.recipient.in_(sa.bindparam("recipients", expanding=True)))
)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something an organisation or person (`recipient`) has to know; `topic` is a key of the catalogue, `payload` its facts."""

    id: str
    topic: str
    recipient: str
    case: str
    created_at: str
    seen_at: str
    payload: Mapping[str, Any]


class Outbox:
    def __init__(self, connection: sa.Connection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock

    def add(self, recipient: str, topic: str, payload: Mapping[str, Any], *, case: str = "") -> str:
        id_ = new_id("ntc", clock=self.clock)
        row = {"topic": topic, "recipient": recipient, "case_id": case, "created_at": iso(self.clock()), "payload": dict(payload)}
        self.connection.execute(outbox.insert().values(id=id_, **row))
        return id_

    def unsent(self, limit: int = 100) -> tuple[Notice, ...]:
        return self._read(sa.select(outbox).where(outbox.c.sent_at == "").order_by(outbox.c.id).limit(limit))

    def mark_sent(self, notice_id: str) -> None:
        self.connection.execute(outbox.update().where(outbox.c.id == notice_id).values(sent_at=iso(self.clock())))

    def mark_failed(self, notice_id: str) -> None:
        self.connection.execute(outbox.update().where(outbox.c.id == notice_id).values(attempts=outbox.c.attempts + 1))

    def for_recipients(self, recipients: tuple[str, ...], *, unseen: bool = False, limit: int = 50) -> tuple[Notice, ...]:
        """Newest first."""
        query = sa.select(outbox).where(outbox.c.recipient.in_(recipients)).order_by(outbox.c.id.desc()).limit(limit)
        return self._read(query.where(outbox.c.seen_at == "") if unseen else query)

    def mark_seen(self, notice_id: str, recipients: tuple[str, ...]) -> bool:
        where = (outbox.c.id == notice_id) & outbox.c.recipient.in_(recipients)
        return self.connection.execute(outbox.update().where(where).values(seen_at=iso(self.clock()))).rowcount > 0

    def mark_all_seen(self, recipients: tuple[str, ...]) -> int:
        where = (outbox.c.seen_at == "") & outbox.c.recipient.in_(recipients)
        return self.connection.execute(outbox.update().where(where).values(seen_at=iso(self.clock()))).rowcount

    def unseen(self, recipients: tuple[str, ...]) -> int:
        return int(self.connection.execute(_UNSEEN, {"recipients": recipients}).scalar_one())

    def _read(self, query: sa.Select[Any]) -> tuple[Notice, ...]:
        return tuple(
            Notice(row["id"], row["topic"], row["recipient"], row["case_id"], row["created_at"], row["seen_at"], row["payload"])
            for row in self.connection.execute(query).mappings()
        )
