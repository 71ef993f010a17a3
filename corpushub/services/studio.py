"""The curators' workbench: recipes and their drafts, checked as one types, tried on a sample, built as queued jobs.

* A draft belongs to an organisation; the shipped recipe stays as it is until its file is changed in the repository.
* A draft is built by the same `builds.build` as any recipe: the catalogue is asked first, whoever wrote it.
* A build runs as a job: its progress is on record, it may be cancelled, and a worker that dies loses only what it had not finished.
* A trial shows what each step does to a few rows, values and all: only whoever may build the recipe sees it, and is asked for the right each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid, NotFound, Problem
from corpushub.base.identity import Clock, Stopwatch, is_name, iso, sha256, system_clock
from corpushub.base.settings import Settings
from corpushub.domain.build import ProgressEvent
from corpushub.domain.parties import Actor, Role
from corpushub.domain.recipe import Recipe
from corpushub.domain.recipe_text import with_roles
from corpushub.services.beside import Beside
from corpushub.services.builds import BuildRecord, Builds, Options
from corpushub.services.jobs import Jobs, Report
from corpushub.services.parties import Parties
from corpushub.services.residuals import roles_of
from corpushub.store.db import Database
from corpushub.store.jobs import Job

if TYPE_CHECKING:
    from corpushub.engine.run.trace import Traced

DRAFTS, JOB = "recipe_draft", "build"
MAX_TEXT = 200_000
MAX_SAMPLE = 2_000
REPORT_SECONDS = 1.0
TRIAL_ROWS = 100
LOG_LINES = 40


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """One recipe of the list. `draft`: the organisation changed it and has not put it into the repository; `problems` how many it has."""

    name: str
    title: Mapping[str, str]
    dataset: str
    draft: bool
    problems: int = 0


@dataclass(frozen=True, slots=True)
class StageOutlook:
    """One stage of a plan: its steps as (name, parameters), and how many of its shards earlier builds computed already."""

    kind: str
    steps: tuple[tuple[str, str], ...]
    fingerprint: str
    reused: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a build would do: sources as (name, format, encoding, rows, quarantined), stages, and the columns that come out as (name, type)."""

    fingerprint: str
    shards: int
    sources: tuple[tuple[str, str, str, int, int], ...]
    stages: tuple[StageOutlook, ...]
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """What one step (counted from 1) did to the rows of a trial."""

    number: int
    step: str
    rows: tuple[Traced, ...] = ()

    @property
    def dropped(self) -> Mapping[str, int]:
        """Rows that left, by reason."""
        return Counter(row.reason for row in self.rows if row.reason)

    @property
    def changed(self) -> int:
        return sum(1 for row in self.rows if not row.reason)


@dataclass(frozen=True, slots=True)
class Trial:
    """The first `rows` rows of the sources, step by step."""

    rows: int
    effects: tuple[Effect, ...]


def blank_recipe(name: str, owner: str = "") -> str:
    """What every recipe has (rules/recipe-blank.yaml), for a dataset of this name and owner."""
    blank = files("corpushub").joinpath("rules", "recipe-blank.yaml").read_text("utf-8")
    return blank.replace("OWNER", owner).replace("NAME", name)


class Studio:
    def __init__(
        self, *, database: Database, settings: Settings, builds: Builds, jobs: Jobs, parties: Parties, clock: Clock = system_clock
    ) -> None:
        self.database, self.settings, self.builds, self.jobs = database, settings, builds, jobs
        self.parties, self.clock = parties, clock
        self.beside = Beside()
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
        from corpushub.engine.registry import registry

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

    def begin(self, actor: Actor, name: str) -> None:
        """A recipe nobody has yet, as a draft with every part a release needs and what is still blank told as problems.

        Raises: Forbidden("build.role"), Invalid("studio.name"), Conflict("studio.taken").
        """
        self._require_curator(actor)
        if self._draft(actor, name) is not None or (self.folder / f"{self._name(name)}.yaml").exists():
            raise Conflict("studio.taken", name=name)
        owners = [item.dataset.partition("/")[0] for item in self.recipes(actor) if item.dataset]
        self.save(actor, name, blank_recipe(name, owners[0] if owners else ""))

    def inputs(self, actor: Actor) -> Sequence[str]:
        """Files a source may be read from, as a recipe writes them. Raises: Forbidden("build.role")."""
        self._require_curator(actor)
        found = (path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())
        return sorted(name for name in found if not name.endswith((".yaml", ".md", ".py")))

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
            if inputs.suffix != ".yaml" and not beside.exists():
                beside.symlink_to(inputs.resolve(), target_is_directory=inputs.is_dir())
        path = desk / f"{name}.yaml"
        path.write_text(str(kept["text"]), "utf-8")
        return path, Options({}, roots=(self.folder,))

    def outlook(self, actor: Actor, name: str) -> Outlook:
        """The plan, with what earlier builds already computed. Raises: as `Builds.build`."""
        from corpushub.engine.cache import Cache
        from corpushub.engine.run.runner import reusable

        path, options = self.place(actor, name)
        plan = self.builds.plan(actor, path, options=options)
        known = reusable(plan, Cache(self.settings.home / "cache"))
        facts = [(source.name, source.fact) for source in plan.sources]
        return Outlook(
            plan.fingerprint,
            len(plan.shards),
            tuple((called, fact.format, fact.encoding, fact.rows, fact.quarantined) for called, fact in facts),
            tuple(
                StageOutlook(
                    stage.kind,
                    tuple(
                        (step.step.name, in_words(step.params.model_dump(mode="json", exclude_defaults=True)))
                        for step in stage.steps
                    ),
                    stage.fingerprint,
                    known.get(number, 0),
                )
                for number, stage in enumerate(plan.stages)
            ),
            tuple((column, str(dtype)) for column, dtype in plan.schema.items()),
        )

    def trial(self, actor: Actor, name: str) -> Trial:
        """What each step does to the first rows of the sources; kept in memory until the text changes. Raises: as `Builds.build`."""
        return self.beside.result(*self._trial(actor, name))

    def trial_soon(self, actor: Actor, name: str) -> Trial | None:
        """The same for a screen: None while it is under way. Raises: as `Builds.build`."""
        return self.beside.soon(*self._trial(actor, name))

    def _trial(self, actor: Actor, name: str) -> tuple[str, Callable[[], Trial]]:
        """What a trial is kept under, and the work; the right to build is asked each time, whatever is kept."""
        self._require_curator(actor)
        text = self.text(actor, name)
        self.builds.catalog.authorize_build(actor, self.check(actor, name, text))

        def work() -> Trial:
            from corpushub.engine.run.trace import trace

            path, options = self.place(actor, name)
            plan = self.builds.plan(actor, path, options=Options(options.addresses, TRIAL_ROWS, options.roots))
            found = trace(plan, None, TRIAL_ROWS)
            self.personal([""])  # what shows the rows marks them: its models are loaded here, not in the request
            effects = tuple(
                Effect(step.index, step.step.name, tuple(row for row in found if row.step == step.index)) for step in plan.steps
            )
            return Trial(sum(shard.rows for _, shard in plan.shards), effects)

        return "trial " + sha256(f"{actor.org}\n{name}\n{text}".encode()), work

    def warm(self) -> None:
        """Load what reads texts for personal information, in the background and once: a curator who opens the studio will look at steps next."""
        self.beside.start("warm", partial(self.personal, [""]))

    @staticmethod
    def personal(texts: Sequence[str]) -> Sequence[Sequence[tuple[int, int, str]]]:
        """Start, end and entity of the personal information in each text of a trial."""
        from corpushub.engine.pii.detect import detect_batch

        return detect_batch(list(texts))

    # The curator's word on columns

    def unclear_soon(self, actor: Actor, build_id: str) -> Sequence[Problem] | None:
        """Columns of a build of which the gate on personal information asks what they say of people; None while they are being read.

        Raises: NotFound("build.unknown").
        """
        record = self.builds.get(actor, build_id)
        return self.beside.soon(f"roles {build_id}", partial(roles_of, record.folder, record.built.files, record.recipe))

    def confirm_roles(self, actor: Actor, build_id: str, roles: Mapping[str, str]) -> str:
        """Write the curator's word on columns into the draft of the recipe a build was made by; the recipe's name.

        Raises: Forbidden("build.role"), NotFound("build.unknown" | "recipe.no_file" | "recipe.no_column"), Invalid("studio.no_roles" | "recipe.invalid").
        """
        self._require_curator(actor)
        name = self.builds.get(actor, build_id).recipe.name.removesuffix(".yaml")
        if not roles:
            raise Invalid("studio.no_roles")
        text = with_roles(self.text(actor, name), roles)
        self.check(actor, name, text)
        self.save(actor, name, text)
        return name

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
            told = {"code": refused.code, "told": refused.explain("en"), "told_zh": refused.explain("zh")}
            return {**told, "log": watch.lines(), "seconds": round(watch.watch.seconds(), 1)}
        return {
            "build": record.id,
            "rows": record.built.rows,
            "log": watch.lines(),
            "seconds": round(watch.watch.seconds(), 1),
        }

    def result(self, actor: Actor, job: Job) -> BuildRecord | None:
        """The build a finished job made; None where it made none."""
        build = job.result.get("build")
        return self.builds.get(actor, str(build)) if build else None


def in_words(params: Mapping[str, Any]) -> str:
    """Parameters as the recipe writes them: `columns: question, answer; jaccard: 0.8`."""
    return "; ".join(f"{name}: {said(value)}" for name, value in params.items())


def said(value: Any) -> str:
    """A list without brackets, a mapping as the recipe's flow style writes it."""
    if isinstance(value, list | tuple):
        return ", ".join(map(said, value))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {said(item)}" for name, item in value.items()) + "}"
    return str(value)


class Telling:
    """Progress that reaches the job's record at most once a second: where the build is, and a line for each stage it was at."""

    def __init__(self, report: Report) -> None:
        self.report, self.watch, self.last = report, Stopwatch(), -REPORT_SECONDS
        self.log: dict[str, dict[str, Any]] = {}

    def __call__(self, event: ProgressEvent) -> None:
        now = self.watch.seconds()
        line = {
            "stage": event.stage,
            "done": event.done,
            "total": event.total,
            "unit": event.unit,
            "seconds": round(now, 1),
            "left": round(event.eta_seconds, 1),
        }
        is_new = event.stage not in self.log
        self.log[event.stage] = line
        if is_new or now - self.last >= REPORT_SECONDS:
            self.last = now
            self.report({**line, "log": self.lines()})

    def lines(self) -> list[dict[str, Any]]:
        """The newest stages, oldest of them first."""
        return list(self.log.values())[-LOG_LINES:]
