"""Work nobody waits for: clocks that act, notices that go out, queued builds. Every piece may be done twice without harm.

* `tick` carries out what is due as events of the system; running it twice, or on two hosts at once, does it once.
* A job is leased: a worker that dies loses it, what it finishes late is refused (see `store.jobs`). One that lives keeps it, also while
  its job has nothing to tell.
* A notice counts as sent only after its sender returned.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from threading import Event, Thread
from typing import Any

from corpushub.base.errors import Forbidden, HubError, Invalid, NotFound
from corpushub.base.identity import Clock, iso, new_id, system_clock
from corpushub.domain.parties import SYSTEM, Actor, Role
from corpushub.services.cases import Cases
from corpushub.store.db import Database
from corpushub.store.jobs import MAX_ATTEMPTS, Job
from corpushub.store.outbox import Notice

LEASE_SECONDS = 60
_SNOOZE = timedelta(hours=6)
log = logging.getLogger("corpushub.jobs")

Report = Callable[[Mapping[str, Any]], None]
"""Tells how far a job is, and keeps its lease."""
Handler = Callable[[Job, Report], Mapping[str, Any]]
Sender = Callable[[Notice], None]


class Jobs:
    """`handlers` maps a kind of job to the function that does it; `sender` carries a notice out of the house (nothing by default:
    notices are read in the portal); `upkeep` is what has to be looked after at every round and returns at once where nothing is due.
    """

    def __init__(
        self,
        *,
        database: Database,
        cases: Cases,
        clock: Clock = system_clock,
        handlers: Mapping[str, Handler] | None = None,
        sender: Sender | None = None,
        upkeep: Sequence[Callable[[], object]] = (),
    ) -> None:
        self.database = database
        self.cases = cases
        self.clock = clock
        self.handlers = dict(handlers or {})
        self.sender = sender
        self.upkeep: Sequence[Callable[[], object]] = upkeep
        self.owner = new_id("wrk", clock=clock)
        self._stop = Event()
        self._threads: list[Thread] = []

    # Clocks

    def tick(self, limit: int = 10_000) -> int:
        """Carry out every clock's command that is due; how many were."""
        done = 0
        while done < limit:
            with self.database.read() as unit:
                due = unit.cases.due(iso(self.clock()))
            if not due:
                break
            done += sum(self._act(case_id, command) for case_id, command, _ in due)
        return done

    def _act(self, case_id: str, command: str) -> bool:
        try:
            self.cases.execute(SYSTEM, case_id, command)
        except HubError as refused:
            # Somebody was faster, or a guard says not now: look again later instead of in a circle.
            log.warning("clock could not act code=%s case=%s command=%s", refused.code, case_id, command)
            with self.database.begin() as unit:
                unit.cases.snooze(case_id, iso(self.clock() + _SNOOZE))
            return False
        return True

    # Notices

    def send_notices(self) -> int:
        """Hand every notice not yet sent to the sender; how many went out."""
        with self.database.read() as unit:
            waiting = unit.outbox.unsent()
        sent = 0
        for notice in waiting:
            try:
                if self.sender is not None:
                    self.sender(notice)
            except HubError as failed:
                log.warning("notice not sent code=%s notice=%s", failed.code, notice.id)
                with self.database.begin() as unit:
                    unit.outbox.mark_failed(notice.id)
                continue
            with self.database.begin() as unit:
                unit.outbox.mark_sent(notice.id)
            sent += 1
        return sent

    # Queue

    def submit(self, actor: Actor, kind: str, payload: Mapping[str, Any], *, once: str = "") -> Job:
        """Queue a job; with `once`, asking again returns the job that is there.

        Raises: Forbidden("job.sign_in"), Invalid("job.unknown_kind").
        """
        if actor.is_anonymous:
            raise Forbidden("job.sign_in")
        if kind not in self.handlers:
            raise Invalid("job.unknown_kind", kind=kind, known=", ".join(sorted(self.handlers)) or "-")
        with self.database.begin() as unit:
            return unit.jobs.add(kind, {**payload, "person": actor.person}, once=once, by=actor.org)

    def get(self, actor: Actor, job_id: str) -> Job:
        """Raises: NotFound("job.unknown"), also for a job of another organisation."""
        with self.database.read() as unit:
            job = unit.jobs.get(job_id)
        if job is None or not _may_see(actor, job):
            raise NotFound("job.unknown", job=job_id)
        return job

    def list(self, actor: Actor, *, kind: str = "", limit: int = 50) -> tuple[Job, ...]:
        """Jobs of the actor's organisation, newest first."""
        with self.database.read() as unit:
            return tuple(job for job in unit.jobs.list(kind=kind, limit=limit * 4) if _may_see(actor, job))[:limit]

    def cancel(self, actor: Actor, job_id: str) -> bool:
        """Was there something to cancel? Raises: NotFound("job.unknown")."""
        job = self.get(actor, job_id)
        with self.database.begin() as unit:
            return unit.jobs.cancel(job.id)

    def run_one(self) -> Job | None:
        """Take the job that has waited longest and do it here; None where nothing waits."""
        with self.database.begin() as unit:
            job = unit.jobs.claim(self.owner, seconds=LEASE_SECONDS, kinds=tuple(self.handlers))
        if job is None:
            return None
        try:
            with self._kept(job):
                result = self.handlers[job.kind](job, lambda progress: self._renew(job.id, progress))
        except HubError as refused:
            self._failed(
                job, {"code": refused.code, "facts": {name: str(value) for name, value in refused.facts.items()}}, refused
            )
        except Exception:
            log.exception("job broke job=%s kind=%s", job.id, job.kind)
            self._failed(job, {"code": "job.broken"}, None)
        else:
            with self.database.begin() as unit:
                unit.jobs.finish(job.id, self.owner, state="done", result=result)
        with self.database.read() as unit:
            return unit.jobs.get(job.id)

    @contextmanager
    def _kept(self, job: Job) -> Generator[None]:
        """Renew the lease beside the work: a step of some minutes is no dead worker, and nobody shall do the same at once."""
        over = Event()

        def renew() -> None:
            while not over.wait(LEASE_SECONDS / 4):
                attempted(partial(self._renew, job.id))

        beside = Thread(target=renew, name="lease", daemon=True)
        beside.start()
        try:
            yield
        finally:
            over.set()
            beside.join()

    def _renew(self, job_id: str, progress: Mapping[str, Any] | None = None) -> None:
        with self.database.begin() as unit:
            unit.jobs.renew(job_id, self.owner, seconds=LEASE_SECONDS, progress=progress)

    def _failed(self, job: Job, result: Mapping[str, Any], refused: HubError | None) -> None:
        """What another try can't change is failed at once; the rest is tried again, each time later."""
        final = (refused is not None and refused.status != 503) or job.attempts >= MAX_ATTEMPTS
        try:
            with self.database.begin() as unit:
                if final:
                    unit.jobs.finish(job.id, self.owner, state="failed", result=result)
                else:
                    unit.jobs.retry(job.id, self.owner, after_seconds=30 * 2**job.attempts, result=result)
        except HubError as lost:
            log.warning("job result not recorded code=%s job=%s", lost.code, job.id)

    # Worker

    def start(self, *, seconds: float = 5.0) -> None:
        """Work in threads of this process until `stop`: one for clocks, notices and upkeep, one for jobs, so that a long build delays no clock."""
        if not self._threads:
            rounds = ((self._look_after, "clocks"), (self._do_one, "jobs"))
            self._threads = [Thread(target=self._work, args=(work, seconds), name=name, daemon=True) for work, name in rounds]
            for thread in self._threads:
                thread.start()

    def stop(self) -> None:
        """End the workers after the piece they are at."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def _look_after(self) -> bool:
        """One round of what comes due; was there anything? A duty that fails keeps none of the others from being done."""
        busy = [attempted(duty) for duty in (self.tick, self.send_notices)]
        for duty in self.upkeep:
            attempted(duty)
        return any(busy)

    def _do_one(self) -> bool:
        return self.run_one() is not None

    def _work(self, work: Callable[[], bool], seconds: float) -> None:
        while not self._stop.is_set():
            if not attempted(work):
                self._stop.wait(seconds)


def attempted(work: Callable[[], object]) -> bool:
    """Do it; was there anything? Whatever goes wrong is logged, and the next round tries again: a worker that ends would be missed by nobody."""
    try:
        return bool(work())
    except HubError as error:
        log.warning("worker pauses code=%s work=%s", error.code, named(work))
    except Exception:
        log.exception("worker broke work=%s", named(work))
    return False


def named(work: Callable[[], object]) -> str:
    return str(getattr(getattr(work, "func", work), "__qualname__", type(work).__name__))


def _may_see(actor: Actor, job: Job) -> bool:
    return actor.has(Role.SYSTEM, Role.ADMIN, Role.AUDITOR) or (bool(actor.org) and job.created_by == actor.org)
