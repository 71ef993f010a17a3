"""Access tokens (only their hashes) and the record of deliveries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from corpushub.base.identity import Clock, iso
from corpushub.store import hub_tables as t
from corpushub.store.tables import cases


@dataclass(frozen=True, slots=True)
class Token:
    """A credential without its secret. `scopes`: read, write, request, and `repo:owner/name` to narrow them."""

    id: str
    person: str
    name: str
    scopes: tuple[str, ...]
    purpose: str
    created_at: str
    expires_at: str
    revoked_at: str = ""
    used_at: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Bytes that left the hub within one second: who got which files of which commit, under which entitlement, for what purpose.

    `path` is the file where there was one, empty where there were several; `request` the first request's id.
    """

    id: str
    at: str
    repo: str
    commit: str
    path: str
    files: int
    bytes: int
    rows: int
    person: str
    org: str
    token: str
    entitlement: str
    purpose: str
    channel: str
    request: str


class Tokens:
    def __init__(self, connection: sa.Connection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock

    def add(self, token: Token, hashed: str) -> None:
        self.connection.execute(t.token.insert().values(**asdict(token) | {"scopes": list(token.scopes)}, hash=hashed))

    def by_hash(self, hashed: str) -> Token | None:
        return self._one(t.token.c.hash == hashed)

    def get(self, token_id: str) -> Token | None:
        return self._one(t.token.c.id == token_id)

    def _one(self, where: sa.ColumnElement[bool]) -> Token | None:
        row = self.connection.execute(sa.select(*_TOKEN).where(where)).one_or_none()
        return None if row is None else _token(row)

    def of(self, person: str) -> Sequence[Token]:
        """Newest first."""
        query = sa.select(*_TOKEN).where(t.token.c.person == person).order_by(t.token.c.created_at.desc(), t.token.c.id.desc())
        return [_token(row) for row in self.connection.execute(query)]

    def revoke(self, token_id: str) -> None:
        where = (t.token.c.id == token_id) & (t.token.c.revoked_at == "")
        self.connection.execute(t.token.update().where(where).values(revoked_at=iso(self.clock())))

    def touch(self, seen: Mapping[str, str]) -> None:
        """Note when tokens were last used."""
        for token_id, at in seen.items():
            self.connection.execute(t.token.update().where(t.token.c.id == token_id).values(used_at=at))


class Deliveries:
    def __init__(self, connection: sa.Connection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock

    def add(self, rows: Iterable[Delivery]) -> None:
        values = [asdict(row) for row in rows]
        if values:
            self.connection.execute(t.delivery.insert(), values)

    def list(self, *, repo: str = "", org: str = "", since: str = "", limit: int = 100) -> Sequence[Delivery]:
        """Newest first."""
        query = sa.select(t.delivery).order_by(t.delivery.c.at.desc(), t.delivery.c.id.desc()).limit(limit)
        for column, value in ((t.delivery.c.repo, repo), (t.delivery.c.org, org)):
            if value:
                query = query.where(column == value)
        if since:
            query = query.where(t.delivery.c.at >= since)
        return [Delivery(**row._mapping) for row in self.connection.execute(query)]

    def used(self, entitlement: str) -> dict[str, int]:
        """Bytes, rows and requests delivered under an entitlement so far."""
        total = sa.select(sa.func.sum(t.delivery.c.bytes), sa.func.sum(t.delivery.c.rows), sa.func.count())
        size, rows, count = self.connection.execute(total.where(t.delivery.c.entitlement == entitlement)).one()
        return {"bytes": size or 0, "rows": rows or 0, "requests": count}

    def takers(self, repo: str, version: str) -> Sequence[dict[str, Any]]:
        """Who took a version, by organisation and entitlement, with the state the entitlement is in: one query."""
        tag = sa.select(t.repo_ref.c.target).where(
            t.repo_ref.c.repo == repo, t.repo_ref.c.kind == "tags", t.repo_ref.c.name == version
        )
        taken = t.delivery
        count, size, last = (
            sa.func.count().label("deliveries"),
            sa.func.sum(taken.c.bytes).label("bytes"),
            sa.func.max(taken.c.at).label("last"),
        )
        who = (taken.c.org, taken.c.entitlement, taken.c.purpose, cases.c.state)
        query = sa.select(*who, count, size, last).join(cases, cases.c.id == taken.c.entitlement, isouter=True)
        found = (
            query.where(taken.c.repo == repo, taken.c.commit == tag.scalar_subquery())
            .group_by(*who)
            .order_by(taken.c.org, taken.c.entitlement)
        )
        return [dict(row._mapping) for row in self.connection.execute(found)]

    def totals(self, *, since: str = "") -> Sequence[dict[str, Any]]:
        """Requests and bytes per repository, for disclosure and metrics."""
        query = sa.select(t.delivery.c.repo, sa.func.count().label("requests"), sa.func.sum(t.delivery.c.bytes).label("bytes"))
        query = query.where(t.delivery.c.at >= since).group_by(t.delivery.c.repo).order_by(t.delivery.c.repo)
        return [dict(row._mapping) for row in self.connection.execute(query)]


_TOKEN = [t.token.c[name] for name in Token.__slots__]


def _token(row: sa.Row[Any]) -> Token:
    return Token(**dict(row._mapping) | {"scopes": tuple(row.scopes)})
