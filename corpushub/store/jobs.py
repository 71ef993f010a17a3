"""Queued work with leases: a worker that dies loses its lease and the job is taken again; what it finishes late is refused.

States: queued -> running -> done | failed | cancelled. `once` names a job that must not be queued twice while it is alive or done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from corpushub.base.errors import Conflict
from corpushub.base.identity import Clock, iso, new_id
from corpushub.store.tables import jobs

MAX_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of queued work."""

    id: str
    kind: str
    state: str
    attempts: int
    created_by: str
    created_at: str
    run_at: str
    lease_owner: str
    payload: Mapping[str, Any]
    progress: Mapping[str, Any]
    result: Mapping[str, Any]
    finished_at: str = ""


class JobRows:
    def __init__(self, connection: sa.Connection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock

    def add(self, kind: str, payload: Mapping[str, Any], *, once: str = "", by: str = "", run_at: str = "") -> Job:
        """Queue work; with `once`, the job queued under that name earlier is returned instead."""
        if once and (known := self._one(jobs.c.once == once)):
            return known
        now = iso(self.clock())
        row = {
            "kind": kind,
            "once": once or None,
            "state": "queued",
            "run_at": run_at or now,
            "created_by": by,
            "created_at": now,
        }
        id_ = new_id("job", clock=self.clock)
        self.connection.execute(jobs.insert().values(id=id_, payload=dict(payload), **row))
        made = self.get(id_)
        assert made is not None
        return made

    def get(self, job_id: str) -> Job | None:
        return self._one(jobs.c.id == job_id)

    def list(self, *, kind: str = "", states: Sequence[str] = (), limit: int = 50) -> tuple[Job, ...]:
        """Newest first."""
        query = sa.select(jobs).order_by(jobs.c.id.desc()).limit(limit)
        if kind:
            query = query.where(jobs.c.kind == kind)
        if states:
            query = query.where(jobs.c.state.in_(states))
        return tuple(_job(row) for row in self.connection.execute(query).mappings())

    def claim(self, owner: str, *, seconds: int, kinds: Sequence[str] = ()) -> Job | None:
        """Take the job that has waited longest, also one whose lease ran out; None where there is nothing to do.

        A job that has taken its worker with it every time is failed, else it would stand as running for good.
        """
        now = self.clock()
        dead = (jobs.c.state == "running") & (jobs.c.lease_until < iso(now)) & (jobs.c.attempts >= MAX_ATTEMPTS)
        died = {"state": "failed", "result": {"code": "job.died"}, "finished_at": iso(now)}
        self.connection.execute(jobs.update().where(dead).values(**died))
        ready = (jobs.c.state == "queued") & (jobs.c.run_at <= iso(now))
        lost = (jobs.c.state == "running") & (jobs.c.lease_until < iso(now))
        query = (
            sa.select(jobs.c.id)
            .where((ready | lost) & (jobs.c.attempts < MAX_ATTEMPTS))
            .order_by(jobs.c.run_at, jobs.c.id)
            .limit(1)
        )
        if kinds:
            query = query.where(jobs.c.kind.in_(kinds))
        job_id = self.connection.execute(query.with_for_update(skip_locked=True)).scalar()
        if job_id is None:
            return None
        lease = {"state": "running", "lease_owner": owner, "lease_until": iso(now + timedelta(seconds=seconds))}
        self.connection.execute(jobs.update().where(jobs.c.id == job_id).values(attempts=jobs.c.attempts + 1, **lease))
        return self.get(job_id)

    def renew(self, job_id: str, owner: str, *, seconds: int, progress: Mapping[str, Any] | None = None) -> None:
        """Keep the lease and tell how far the work is. Raises: Conflict("job.lease_lost")."""
        values: dict[str, Any] = {"lease_until": iso(self.clock() + timedelta(seconds=seconds))}
        if progress is not None:
            values["progress"] = dict(progress)
        self._held(job_id, owner, values)

    def finish(self, job_id: str, owner: str, *, state: str, result: Mapping[str, Any]) -> None:
        """Raises: Conflict("job.lease_lost") where somebody else has the job by now."""
        self._held(job_id, owner, {"state": state, "result": dict(result), "finished_at": iso(self.clock())})

    def retry(self, job_id: str, owner: str, *, after_seconds: int, result: Mapping[str, Any]) -> None:
        """Give the job back to be tried again later. Raises: Conflict("job.lease_lost")."""
        again = iso(self.clock() + timedelta(seconds=after_seconds))
        self._held(job_id, owner, {"state": "queued", "run_at": again, "result": dict(result)})

    def cancel(self, job_id: str) -> bool:
        """Was there something to cancel?"""
        where = (jobs.c.id == job_id) & jobs.c.state.in_(("queued", "running"))
        return (
            self.connection.execute(jobs.update().where(where).values(state="cancelled", finished_at=iso(self.clock()))).rowcount
            > 0
        )

    def _held(self, job_id: str, owner: str, values: dict[str, Any]) -> None:
        where = (jobs.c.id == job_id) & (jobs.c.lease_owner == owner) & (jobs.c.state == "running")
        if self.connection.execute(jobs.update().where(where).values(**values)).rowcount != 1:
            raise Conflict("job.lease_lost", job=job_id)

    def _one(self, where: sa.ColumnElement[bool]) -> Job | None:
        row = self.connection.execute(sa.select(jobs).where(where)).mappings().one_or_none()
        return None if row is None else _job(row)


def _job(row: Mapping[Any, Any]) -> Job:
    return Job(**{name: row[name] for name in Job.__slots__})
