"""The training base (article 9, 公共数据训练基地): a recipe runs inside, over the versions a booking names, and only what is looked at leaves.

* A booking is a confirmed record of kind `compute_booking`: datasets (`owner/name` or `owner/name@1.0.0`), image, quota, last day.
* Every dataset is asked for again when the job starts, by the `compute` channel; the job sees the rows and columns that right covers, laid out
  as `mounts/owner/name/split.parquet`, and nothing else: no other file, no network, no key of this hub.
* What comes out is measured against the quota and against the mounted rows (`engine/outputs.py`), then held for somebody of another
  organisation (`domain/flows/output.py`). Raw rows are refused and thrown away.
* Every run is metered and on record, whatever came of it.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from corpushub.base.errors import Conflict, Forbidden, HubError, NotFound
from corpushub.base.identity import business_day, sha256
from corpushub.domain.build import Built
from corpushub.domain.parties import SYSTEM, Actor, Role
from corpushub.domain.workflow import Case, Event
from corpushub.services.builds import Builds
from corpushub.services.cases import Cases
from corpushub.services.delivery import Taken
from corpushub.services.jobs import Jobs, Report
from corpushub.services.parties import Parties
from corpushub.services.viewer import Viewer, cutting
from corpushub.store.db import Database
from corpushub.store.jobs import Job

JOB, METER, CHANNEL = "compute", "compute_meter", "compute"
MOUNTS, RECIPE = "mounts", "recipe.yaml"
SMALLEST = 5  # a combination of values fewer rows share points at people


@dataclass(frozen=True, slots=True)
class Mount:
    """One split a job sees."""

    dataset: str
    commit: str
    path: Path
    rows: int


class Compute:
    def __init__(self, *, database: Database, cases: Cases, builds: Builds, jobs: Jobs, viewer: Viewer, parties: Parties) -> None:
        self.database = database
        self.cases = cases
        self.builds = builds
        self.jobs = jobs
        self.viewer = viewer
        self.parties = parties
        jobs.handlers.setdefault(JOB, self.carry_out)

    # Asking

    def bookings(self, actor: Actor) -> tuple[tuple[Case, Mapping[str, int]], ...]:
        """Bookings of the actor's organisation, confirmed or not, with what each has used."""
        with self.database.read() as unit:
            held = unit.cases.list(flow="record", subject="compute_booking")
            return tuple((case, unit.documents.get(METER, case.id) or {}) for case in held if case.opened_org == actor.org)

    def run(self, actor: Actor, booking: str, recipe: str) -> Job:
        """Queue a recipe over a booking's versions.

        Raises: NotFound("compute.no_booking"), Conflict("compute.not_confirmed" | "compute.over" | "compute.quota"), Invalid("recipe.invalid").
        """
        self._booking(actor, booking)
        return self.jobs.submit(actor, JOB, {"booking": booking, "recipe": recipe})

    def output(self, actor: Actor, case_id: str) -> bytes:
        """A cleared output as Parquet, for the organisation that booked. Raises: Forbidden("compute.held"), NotFound("case.unknown")."""
        case = self.cases.get(actor, case_id)
        if case.flow != "output":
            raise NotFound("case.unknown", case=case_id)
        looks = actor.has(Role.REVIEWER, Role.IMPLEMENTER, Role.AUTHORITY) and actor.org != case.data["holder"]
        if not looks and (case.state != "cleared" or actor.org != case.data["holder"]):
            raise Forbidden("compute.held", case=case_id)
        return self.viewer.objects.read(str(case.data["output_digest"]))

    def _booking(self, actor: Actor, booking: str) -> Case:
        """The booking, where it may be used now."""
        with self.database.read() as unit:
            case = unit.cases.get(booking)
            used: Mapping[str, int] = unit.documents.get(METER, booking) or {}
        if case is None or case.data.get("kind") != "compute_booking" or case.opened_org != actor.org:
            raise NotFound("compute.no_booking", booking=booking)
        if case.state != "confirmed":
            raise Conflict("compute.not_confirmed", booking=booking)
        facts, day = case.data["facts"], business_day(self.cases.clock()).isoformat()
        if str(facts["ends"]) < day:
            raise Conflict("compute.over", booking=booking, ended=str(facts["ends"]))
        if (spent := used.get("seconds", 0)) >= int(facts["quota"]["seconds"]):
            raise Conflict("compute.quota", what="seconds", used=spent, allowed=facts["quota"]["seconds"])
        return case

    # Running

    def carry_out(self, job: Job, report: Report) -> Mapping[str, Any]:
        """Mount, run, meter, judge; the result is the case in which the output waits, or the refusal."""
        actor = self.parties.actor_of(str(job.payload["person"]))
        booking = self._booking(actor, str(job.payload["booking"]))
        scratch = self.builds.settings.home / "compute" / job.id
        shutil.rmtree(scratch, ignore_errors=True)
        (scratch / MOUNTS).mkdir(parents=True)
        began = time.monotonic()
        told: dict[str, Any] = {"job": job.id, "recipe": sha256(str(job.payload["recipe"]).encode())}
        try:
            mounts = [mount for name in booking.data["facts"]["dataset"] for mount in self._mount(actor, str(name), scratch)]
            told |= {"mounted": {mount.path.relative_to(scratch).as_posix(): mount.rows for mount in mounts}}
            report({"stage": "run"})
            built = self._run(scratch, str(job.payload["recipe"]), mounts)
            return self._judged(booking, built, mounts, {**told, "folder": scratch / "out"})
        except HubError as refused:
            told |= {"refused": refused.code}
            raise
        finally:
            self._meter(actor, booking, {**told, "seconds": round(time.monotonic() - began, 3)})
            shutil.rmtree(scratch, ignore_errors=True)

    def _mount(self, actor: Actor, name: str, scratch: Path) -> list[Mount]:
        """Lay out what the actor's right to compute covers of one dataset, split by split."""
        dataset, _, version = name.partition("@")
        snapshot, found = self.viewer.splits(actor, dataset, f"v{version}" if version else "main")
        permission = self.viewer.repositories.permit(actor, snapshot, channels=(CHANNEL,))
        cut, mounts = cutting(permission.cut), []
        for split in next(iter(found.values())):
            table = self.viewer.table(actor, dataset, snapshot.commit.id, "", split)
            frame, rows = self.viewer.frame(table), self.viewer.count(table)
            path = scratch / MOUNTS / dataset / f"{split}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            with self.viewer.access.hold(permission, rows, fixed=True) as held:
                (cut(frame) if cut else frame).sink_parquet(path)
                taken = Taken(dataset, snapshot.commit.id, f"{MOUNTS}/{split}", 0, CHANNEL, rows=rows)
                held.record(actor, taken)
            mounts.append(Mount(dataset, snapshot.commit.id, path, rows))
        return mounts

    def _run(self, scratch: Path, text: str, mounts: Sequence[Mount]) -> Built:
        """Raises: Forbidden("compute.source") for a recipe that names anything but a mounted file, and what a build refuses with."""
        recipe = scratch / RECIPE
        recipe.write_text(text, "utf-8")
        known = {mount.path.relative_to(scratch).as_posix() for mount in mounts}
        for ref in self.builds.read(recipe).sources:
            if PurePosixPath(ref.address).as_posix() not in known:
                raise Forbidden("compute.source", source=ref.name, known=", ".join(sorted(known)))
        return self.builds.confined(recipe, scratch / "out")

    def _judged(self, booking: Case, built: Built, mounts: Sequence[Mount], told: dict[str, Any]) -> Mapping[str, Any]:
        """Hold the output for review. Raises: Conflict("compute.quota"), Forbidden("compute.raw")."""
        from corpushub.engine.outputs import raw_rows, whole

        folder, quota = told.pop("folder"), booking.data["facts"]["quota"]
        output = whole([folder / file.path for file in built.files], folder / "output.parquet")
        rows, size = sum(file.rows for file in built.files), output.stat().st_size
        for what, number in (("rows", rows), ("bytes", size)):
            if number > int(quota[what]):
                raise Conflict("compute.quota", what=what, used=number, allowed=quota[what])
        if raw := raw_rows(output, [mount.path for mount in mounts], SMALLEST):
            raise Forbidden("compute.raw", rows=raw, of=rows, least=SMALLEST)
        digest = self.viewer.objects.put_file(output)
        names = sorted({f"{mount.dataset}@{mount.commit}" for mount in mounts})
        facts = {"holder": booking.opened_org, "booking": booking.id, "job": told["job"], "datasets": names}
        with self.database.begin() as unit:
            case = self.cases.open_in(unit, SYSTEM, "output", {**facts, "output_digest": digest, "rows": rows, "bytes": size})
        return {"case": case.id, "rows": rows, "bytes": size}

    def _meter(self, actor: Actor, booking: Case, told: Mapping[str, Any]) -> None:
        """Add a run to what the booking has used, and to the record."""
        stream = f"{JOB}:{booking.id}"
        with self.database.begin() as unit:
            used = unit.documents.get(METER, booking.id) or {"runs": 0, "seconds": 0.0, "rows_read": 0}
            more = {"runs": 1, "seconds": told["seconds"], "rows_read": sum(told.get("mounted", {}).values())}
            unit.documents.put(METER, booking.id, {name: round(used[name] + more[name], 3) for name in more})
            version = unit.events.version_of(stream) + 1
            unit.events.append(
                Event(
                    stream, version, "compute.ran", actor.person, actor.org, self.cases.clock(), told, "ran", actor.on_behalf_of
                )
            )
