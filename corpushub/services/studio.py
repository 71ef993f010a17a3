"""The curators' workbench: recipes and their drafts, checked as one types, tried on a sample, built as queued jobs.

* A draft belongs to an organisation; the shipped recipe stays as it is until its file is changed in the repository.
* A draft is built by the same `builds.build` as any recipe: the catalogue is asked first, whoever wrote it.
* A build runs as a job: its progress is on record, it may be cancelled, and a worker that dies loses only what it had not finished.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid, NotFound
from corpushub.base.identity import Clock, Stopwatch, is_name, iso, system_clock
from corpushub.base.settings import Settings
from corpushub.domain.build import ProgressEvent
from corpushub.domain.parties import Actor, Role
from corpushub.domain.recipe import Recipe
from corpushub.services.builds import BuildRecord, Builds, Options
from corpushub.services.jobs import Jobs, Report
from corpushub.services.parties import Parties
from corpushub.store.db import Database
from corpushub.store.jobs import Job

DRAFTS, JOB = "recipe_draft", "build"
MAX_TEXT = 200_000
MAX_SAMPLE = 2_000
REPORT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """One recipe of the list. `draft`: the organisation changed it and has not put it into the repository; `problems` how many it has."""

    name: str
    title: Mapping[str, str]
    dataset: str
    draft: bool
    problems: int = 0


class Studio:
    def __init__(
        self, *, database: Database, settings: Settings, builds: Builds, jobs: Jobs, parties: Parties, clock: Clock = system_clock
    ) -> None:
        self.database, self.settings, self.builds, self.jobs = database, settings, builds, jobs
        self.parties, self.clock = parties, clock
        jobs.handlers.setdefault(JOB, self.carry_out)

    # Recipes and drafts

    @property
    def folder(self) -> Path:
        """Where the shipped recipes lie."""
        stated = self.settings.recipes_dir
        return Path(stated) if stated else Path(__file__).resolve().parents[2] / "recipes"

    def recipes(self, actor: Actor) -> Sequence[RecipeFile]:
        """Shipped recipes and the organisation's drafts, by name."""
        shipped = {path.stem for path in self.folder.glob("*.yaml")}
        with self.database.read() as unit:
            drafts = (
                {key.partition("/")[2] for key, _ in unit.documents.list(DRAFTS, prefix=f"{actor.org}/")} if actor.org else set()
            )
        return [self._file(actor, name, draft=name in drafts) for name in sorted(shipped | drafts)]

    def _file(self, actor: Actor, name: str, *, draft: bool) -> RecipeFile:
        try:
            recipe = self.check(actor, name, self.text(actor, name))
        except Invalid as wrong:
            return RecipeFile(name, {}, "", draft, max(len(wrong.problems), 1))
        return RecipeFile(name, recipe.title, recipe.dataset, draft)

    def text(self, actor: Actor, name: str) -> str:
        """The draft where there is one, else the shipped recipe. Raises: NotFound("recipe.no_file")."""
        kept = self._draft(actor, name)
        if kept is not None:
            return str(kept["text"])
        path = self.folder / f"{self._name(name)}.yaml"
        if not path.is_file():
            raise NotFound("recipe.no_file", file=f"{name}.yaml")
        return path.read_text("utf-8")

    def is_draft(self, actor: Actor, name: str) -> bool:
        return self._draft(actor, name) is not None

    def _draft(self, actor: Actor, name: str) -> Mapping[str, Any] | None:
        if not actor.org:
            return None
        with self.database.read() as unit:
            found: Mapping[str, Any] | None = unit.documents.get(DRAFTS, f"{actor.org}/{self._name(name)}")
        return found

    @staticmethod
    def _name(name: str) -> str:
        """Raises: Invalid("studio.name")."""
        if not is_name(name):
            raise Invalid("studio.name", name=name[:80])
        return name

    def check(self, actor: Actor, name: str, text: str) -> Recipe:
        """The recipe in `text`. Raises: Invalid("recipe.invalid") with every problem, Invalid("studio.too_long")."""
        from corpushub.engine.steps import registry

        del actor  # reading a recipe needs no right; building it does
        if len(text) > MAX_TEXT:
            raise Invalid("studio.too_long", most=MAX_TEXT)
        return Recipe.parse(text, name=f"{self._name(name)}.yaml", steps=registry())

    def save(self, actor: Actor, name: str, text: str) -> None:
        """Keep `text` as the organisation's draft, right or wrong: nobody loses work over a typing mistake.

        Raises: Forbidden("build.role"), Invalid("studio.name" | "studio.too_long").
        """
        self._require_curator(actor)
        if len(text) > MAX_TEXT:
            raise Invalid("studio.too_long", most=MAX_TEXT)
        row = {"text": text, "by": actor.person, "at": iso(self.clock())}
        with self.database.begin() as unit:
            unit.documents.put(DRAFTS, f"{actor.org}/{self._name(name)}", row)

    def discard(self, actor: Actor, name: str) -> None:
        """Go back to the shipped recipe. Raises: Forbidden("build.role")."""
        self._require_curator(actor)
        with self.database.begin() as unit:
            unit.documents.delete(DRAFTS, f"{actor.org}/{self._name(name)}")

    @staticmethod
    def _require_curator(actor: Actor) -> None:
        if not actor.has(Role.OPERATOR):
            raise Forbidden("build.role")

    # Plan and build

    def place(self, actor: Actor, name: str) -> tuple[Path, Options]:
        """The recipe as a file the engine can open. A draft lies beside links to the shipped inputs, so that its addresses still hold."""
        kept = self._draft(actor, name)
        if kept is None:
            return self.folder / f"{self._name(name)}.yaml", Options({})
        desk = self.settings.home / "drafts" / actor.org
        desk.mkdir(parents=True, exist_ok=True)
        for inputs in self.folder.iterdir():
            beside = desk / inputs.name
            if inputs.is_dir() and not beside.exists():
                beside.symlink_to(inputs.resolve(), target_is_directory=True)
        path = desk / f"{name}.yaml"
        path.write_text(str(kept["text"]), "utf-8")
        return path, Options({}, roots=(self.folder,))

    def explain(self, actor: Actor, name: str) -> str:
        """The plan as text, with what earlier builds already computed. Raises: as `Builds.build`."""
        path, options = self.place(actor, name)
        return self.builds.explain(actor, path, options=options)

    def start(self, actor: Actor, name: str, *, sample: int = 0) -> Job:
        """Queue a build; `sample` limits the rows read of each source, 0 for all.

        Raises: Forbidden("build.role"), Invalid("recipe.invalid" | "studio.sample_most"), Conflict("studio.running").
        """
        self._require_curator(actor)
        if not 0 <= sample <= MAX_SAMPLE:
            raise Invalid("studio.sample_most", most=MAX_SAMPLE)
        self.check(actor, name, self.text(actor, name))
        if any(
            job.state in {"queued", "running"} and job.payload.get("recipe") == name for job in self.jobs.list(actor, kind=JOB)
        ):
            raise Conflict("studio.running", name=name)
        job = self.jobs.submit(actor, JOB, {"recipe": name, "sample": sample})
        self.jobs.start()
        return job

    def jobs_of(self, actor: Actor, name: str = "") -> Sequence[Job]:
        """Builds queued, running and done, newest first."""
        found = self.jobs.list(actor, kind=JOB, limit=50)
        return [job for job in found if not name or job.payload.get("recipe") == name]

    def cancel(self, actor: Actor, job_id: str) -> bool:
        self._require_curator(actor)
        return self.jobs.cancel(actor, job_id)

    def carry_out(self, job: Job, report: Report) -> Mapping[str, Any]:
        """The job's work: the build, telling at most once a second how far it is."""
        actor = self.parties.actor_of(str(job.payload["person"]))
        path, options = self.place(actor, str(job.payload["recipe"]))
        watch = Telling(report)
        options = Options(options.addresses, int(job.payload.get("sample") or 0), options.roots)
        try:
            record = self.builds.build(actor, path, progress=watch, options=options)
        except HubError as refused:
            return {"code": refused.code, "told": refused.explain("en"), "told_zh": refused.explain("zh")}
        return {"build": record.id, "rows": record.built.rows}

    def result(self, actor: Actor, job: Job) -> BuildRecord | None:
        """The build a finished job made; None where it made none."""
        build = job.result.get("build")
        return self.builds.get(actor, str(build)) if build else None


class Telling:
    """Progress that reaches the job's record at most once a second."""

    def __init__(self, report: Report) -> None:
        self.report, self.watch, self.last = report, Stopwatch(), -REPORT_SECONDS

    def __call__(self, event: ProgressEvent) -> None:
        now = self.watch.seconds()
        if now - self.last >= REPORT_SECONDS:
            self.last = now
            self.report(
                {"stage": event.stage, "done": event.done, "total": event.total, "unit": event.unit, "seconds": round(now, 1)}
            )
