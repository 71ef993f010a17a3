"""The folded state of every case, so that a list or a task needs no replay. `save` is given what `evolve` returned, never anything else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from corpushub.base.errors import Conflict
from corpushub.base.identity import iso
from corpushub.domain.readers import Sight
from corpushub.domain.workflow import Case, Vote
from corpushub.store.events import moment
from corpushub.store.tables import cases

# Built once: making a statement costs as much as running it.
_ONE = sa.select(cases).where(cases.c.id == sa.bindparam("of"))
_INSERT = cases.insert()
_VOTED = sa.type_coerce(cases.c.votes, sa.Text) != "[]"
_DATA, _INVOLVED = sa.type_coerce(cases.c.data, sa.Text), sa.type_coerce(cases.c.involved, sa.Text)
_UPDATE = cases.update().where(cases.c.id == sa.bindparam("this_id"), cases.c.version < sa.bindparam("this_version"))

Place = tuple[str, str]
"""A flow and a state of it."""


class CaseRows:
    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    def get(self, case_id: str) -> Case | None:
        row = self.connection.execute(_ONE, {"of": case_id}).mappings().one_or_none()
        return None if row is None else _case(row)

    def save(self, case: Case, *, subject: str = "", wake: tuple[datetime, str] | None = None) -> None:
        """Write what an event led to.

        Raises: Conflict("case.stale") where somebody else was faster (PostgreSQL; on SQLite writers queue).
        """
        row: dict[str, Any] = {
            "flow": case.flow,
            "state": case.state,
            "version": case.version,
            "subject": subject,
            "opened_by": case.opened_by,
            "opened_org": case.opened_org,
            "opened_at": iso(case.opened_at),
            "updated_at": iso(case.updated_at),
            "entered_at": iso(case.entered_at),
            "wake_at": iso(wake[0]) if wake else "",
            "wake_command": wake[1] if wake else "",
            "data": dict(case.data),
            "votes": [[vote.person, vote.org, list(vote.roles), vote.command, vote.on_behalf_of] for vote in case.votes],
            "involved": {"persons": sorted(case.persons), "orgs": sorted(case.orgs)},
        }
        if case.version == 1:
            self.connection.execute(_INSERT, {"id": case.id, **row})
            return
        changed = self.connection.execute(_UPDATE, {"this_id": case.id, "this_version": case.version, **row})
        if changed.rowcount != 1:
            raise Conflict("case.stale", case=case.id, version=case.version)

    def list(  # noqa: PLR0913 - filters
        self,
        *,
        flow: str = "",
        states: Sequence[str] = (),
        subject: str = "",
        org: str = "",
        naming: str = "",
        within: Sight | None = None,
        after: str = "",
        limit: int = 0,
        oldest_first: bool = False,
    ) -> tuple[Case, ...]:
        """Cases newest first (ids sort by time), or oldest first; `after` is the last id of the page before (newest first only).

        `naming`: only cases one of whose answers is this text, or a list that holds it. `within`: only what lies within this sight.
        """
        equal = {name: wanted for name, wanted in (("flow", flow), ("subject", subject), ("opened_org", org)) if wanted}
        more = {"states": list(states), "after": after, "most": limit}
        asked: dict[str, Any] = equal | {name: wanted for name, wanted in more.items() if wanted}
        query = _listing(frozenset(asked), oldest_first=oldest_first)
        if naming:
            query = query.where(_DATA.contains(json.dumps(naming, ensure_ascii=False), autoescape=True))
        if within is not None:
            query = query.where(_seen(within))
        rows = self.connection.execute(query, asked)
        return tuple(_case(row) for row in rows.mappings())

    def oldest(
        self,
        standing: Sequence[Place],
        most: int,
        *,
        own: Sequence[Place] = (),
        names: Sequence[str] = (),
        voted: Sequence[Place] = (),
    ) -> tuple[Case, ...]:
        """Cases that stand in one of these (flow, state), or in one of `own` and name one of `names`, or in one of `voted` where somebody has
        spoken; oldest first, at most `most` of each flow.
        """
        place = sa.func.row_number().over(partition_by=cases.c.flow, order_by=cases.c.id).label("place")
        theirs = sa.and_(_standing(own), _naming(names))
        placed = (
            sa.select(cases.c.id, place).where(sa.or_(_standing(standing), theirs, sa.and_(_standing(voted), _VOTED))).subquery()
        )
        query = sa.select(cases).join(placed, placed.c.id == cases.c.id).where(placed.c.place <= most).order_by(cases.c.id)
        return tuple(_case(row) for row in self.connection.execute(query).mappings())

    def refold(self, case: Case) -> None:
        """Write the data of a fold again after something in its events was erased."""
        self.connection.execute(cases.update().where(cases.c.id == case.id).values(data=dict(case.data)))

    def snooze(self, case_id: str, until: str) -> None:
        """Let the clock come back later to a case whose command it could not carry out."""
        self.connection.execute(cases.update().where(cases.c.id == case_id).values(wake_at=until))

    def due(self, now: str, limit: int = 100) -> Sequence[tuple[str, str, str]]:
        """(case, command, wake time) the clock has to act on, most overdue first."""
        query = sa.select(cases.c.id, cases.c.wake_command, cases.c.wake_at).where(cases.c.wake_at != "", cases.c.wake_at <= now)
        return [
            (row.id, row.wake_command, row.wake_at)
            for row in self.connection.execute(query.order_by(cases.c.wake_at, cases.c.id).limit(limit))
        ]

    def counts(self) -> dict[tuple[str, str], int]:
        """How many cases stand in each (flow, state)."""
        query = sa.select(cases.c.flow, cases.c.state, sa.func.count()).group_by(cases.c.flow, cases.c.state)
        return {(flow, state): int(number) for flow, state, number in self.connection.execute(query)}

    def tallied(self, flows: Sequence[str]) -> dict[tuple[str, str, str], int]:
        """How many cases of these flows stand in each (flow, state), by the day (ISO, UTC) they were opened."""
        day = sa.func.substr(cases.c.opened_at, 1, 10)
        query = sa.select(cases.c.flow, cases.c.state, day, sa.func.count()).where(cases.c.flow.in_(flows))
        found = self.connection.execute(query.group_by(cases.c.flow, cases.c.state, day))
        return {(flow, state, opened): int(number) for flow, state, opened, number in found}


def _seen(within: Sight) -> sa.ColumnElement[bool]:
    """May the case be seen, as far as its record tells without being read?"""
    return sa.or_(cases.c.flow.in_(within.whole), _standing(within.public), _naming(within.names))


def _standing(places: Sequence[Place]) -> sa.ColumnElement[bool]:
    return sa.tuple_(cases.c.flow, cases.c.state).in_(places) if places else sa.false()


def _naming(names: Sequence[str]) -> sa.ColumnElement[bool]:
    """Does the record name one of these people or organisations? They stand in it as JSON writes them."""
    words = [json.dumps(name, ensure_ascii=False) for name in names]
    told = [column.contains(word, autoescape=True) for word in words for column in (_DATA, _INVOLVED)]
    return sa.or_(cases.c.opened_org.in_(names), *told)


@lru_cache(maxsize=64)
def _listing(asked: frozenset[str], *, oldest_first: bool) -> sa.Select[Any]:
    """The statement of a list with these filters."""
    query = sa.select(cases).order_by(cases.c.id if oldest_first else cases.c.id.desc())
    for name in sorted(asked & {"flow", "subject", "opened_org"}):
        query = query.where(cases.c[name] == sa.bindparam(name))
    if "states" in asked:
        query = query.where(cases.c.state.in_(sa.bindparam("states", expanding=True)))
    if "after" in asked:
        query = query.where(cases.c.id < sa.bindparam("after"))
    return query.limit(sa.bindparam("most")) if "most" in asked else query


def _case(row: Mapping[Any, Any]) -> Case:
    return Case(
        id=row["id"],
        flow=row["flow"],
        state=row["state"],
        version=row["version"],
        data=row["data"],
        opened_by=row["opened_by"],
        opened_org=row["opened_org"],
        opened_at=moment(row["opened_at"]),
        updated_at=moment(row["updated_at"]),
        entered_at=moment(row["entered_at"]),
        votes=tuple(Vote(person, org, tuple(roles), command, behalf) for person, org, roles, command, behalf in row["votes"]),
        persons=frozenset(row["involved"].get("persons", ())),
        orgs=frozenset(row["involved"].get("orgs", ())),
    )
