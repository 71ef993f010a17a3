"""What left the hub and what may leave it, looked at for what is unusual or has changed (article 15: monitoring and early warning)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from corpushub.base.identity import iso
from corpushub.domain.workflow import Event
from corpushub.store import hub_tables as t
from corpushub.store.tables import events, in_parts


@dataclass(frozen=True, slots=True)
class Heavy:
    """An organisation that took more of a dataset within a span than a rule allows for."""

    org: str
    repo: str
    entitlement: str
    rows: int
    bytes: int
    requests: int


class Watch:
    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    def heavy(self, since: str, *, rows: int = 0, size: int = 0) -> tuple[Heavy, ...]:
        """Who took at least so many rows, and so many bytes, of one dataset since a moment (ISO), most first."""
        d = t.delivery.c
        taken, weight = sa.func.sum(d.rows), sa.func.sum(d.bytes)
        query = (
            sa.select(d.org, d.repo, d.entitlement, taken, weight, sa.func.count())
            .where(d.at >= since)
            .group_by(d.org, d.repo, d.entitlement)
        )
        found = self.connection.execute(query.having(taken >= rows, weight >= size).order_by(taken.desc(), weight.desc()))
        return tuple(Heavy(*names, *map(int, numbers)) for *names, numbers in ((*row[:3], row[3:]) for row in found))

    def decided(self, first: datetime, last: datetime, types: Sequence[str]) -> Iterator[Event]:
        """The whole streams in which an event of `types` fell into a span, in the order of the record: who did what when, not what was said."""
        e = events.c
        wanted = sa.select(e.stream).where(e.type.in_(types), e.at >= iso(first), e.at <= iso(last))
        query = sa.select(e.stream, e.version, e.type, e.actor, e.org, e.at, e.state).where(e.stream.in_(wanted)).order_by(e.seq)
        for stream, version, kind, actor, org, at, state in self.connection.execute(query):
            yield Event(stream, version, kind, actor, org, datetime.fromisoformat(at), {}, state)

    def standing(
        self, repos: Collection[str], tokens: Collection[str], now: str
    ) -> tuple[dict[str, sa.Row[Any]], frozenset[str]]:
        """What decides beside events who gets these datasets: each as it is shown, and those of the tokens good at `now` (ISO)."""
        r, token = t.repo.c, t.token.c
        shown = sa.select(r.id, r.org, r.private, r.gated, r.head, r.changed_at)
        live = sa.select(token.id).where(token.revoked_at == "", token.expires_at > now)
        found = {row.id: row for row in self._among(shown, r.id, repos)}
        return found, frozenset(row.id for row in self._among(live, token.id, tokens))

    def _among(self, query: sa.Select[Any], column: sa.ColumnElement[str], names: Collection[str]) -> Iterator[sa.Row[Any]]:
        for part in in_parts(names):
            yield from self.connection.execute(query.where(column.in_(part)))

    def by_channel(self) -> dict[str, int]:
        """Deliveries through each channel so far."""
        d = t.delivery.c
        return {
            name: int(count) for name, count in self.connection.execute(sa.select(d.channel, sa.func.count()).group_by(d.channel))
        }

    def used_since(self, delivery: str) -> tuple[str, frozenset[str]]:
        """The newest delivery, and the rights something was taken under after `delivery` (ids sort by time)."""
        d = t.delivery.c
        last = self.connection.execute(sa.select(sa.func.max(d.id))).scalar() or delivery
        query = sa.select(d.entitlement).where(d.id > delivery, d.id <= last, d.entitlement != "").distinct()
        return str(last), frozenset(self.connection.execute(query).scalars())
