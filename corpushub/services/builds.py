"""Building datasets: who may, from what, and where the result lies until it is released.

* The catalogue is asked before any source is opened; the grants it gives are kept with the build as evidence.
* A build folder appears whole or not at all; what a killed build finished is reused by the next.
* A sample build is a preview: it can be looked at, never released.
"""

from __future__ import annotations

import errno
import secrets
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from corpushub.base.errors import Forbidden, Invalid, NotFound, Unavailable
from corpushub.base.identity import Clock, iso, new_id, system_clock
from corpushub.base.settings import Settings
from corpushub.domain.build import Built, Progress, silent
from corpushub.domain.parties import SYSTEM, Actor, Role
from corpushub.domain.policy import SourceGrant
from corpushub.domain.recipe import Recipe, SourceRef
from corpushub.store.db import Database

if TYPE_CHECKING:
    from corpushub.engine.plan import Plan
    from corpushub.engine.run.runner import Run
    from corpushub.engine.run.trace import Traced
    from corpushub.engine.sources.opening import Source
    from corpushub.engine.sources.place import Place

BUILDS, SECRET = "build", "secret"
PSEUDONYMS = "pseudonyms"
PREVIEW_ROWS = 500
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Catalog(Protocol):
    def authorize_build(self, actor: Actor, recipe: Recipe) -> tuple[SourceGrant, ...]: ...
    def check_columns(self, sources: Iterable[tuple[SourceRef, Iterable[str]]]) -> None: ...


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """A finished build. `folder` holds data, provenance and reports; `sample` is the row limit of a preview, 0 for a whole build."""

    id: str
    recipe: Recipe
    built: Built
    folder: Path
    grants: tuple[SourceGrant, ...]
    built_by: str
    builder_org: str
    at: str
    sample: int = 0
    origin: str = ""  # the recipe's own path, below which its sources lie
    addresses: Mapping[str, str] = field(default_factory=dict)
    roots: tuple[str, ...] = ()
    # Shards by stage, (reused, all); only told right after building.
    reused: Mapping[str, tuple[int, int]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Options:
    """How a build is done. `roots` are folders that sources may lie in besides the recipe's own and those of the settings."""

    addresses: Mapping[str, str]
    sample: int = 0
    roots: tuple[Path, ...] = ()
    on: str = ""
    authorize: bool = True  # only this hub itself may build without asking the catalogue (a card of data that is never released)
    cancelled: Callable[[], bool] = bool


class Builds:
    def __init__(self, *, database: Database, settings: Settings, catalog: Catalog, clock: Clock = system_clock) -> None:
        self.database = database
        self.settings = settings
        self.catalog = catalog
        self.clock = clock

    def build(
        self,
        actor: Actor,
        recipe_path: Path | str,
        *,
        addresses: Mapping[str, str] | None = None,
        sample: int | None = None,
        progress: Progress = silent,
        options: Options | None = None,
    ) -> BuildRecord:
        """Authorise, plan and carry out a recipe.

        Raises: Invalid("recipe.invalid" | "plan.invalid" | "source.*"), Forbidden("build.role" | "authorization.*"),
        NotFound("recipe.missing" | "source.missing"), Conflict("build.cancelled"), Unavailable("build.no_space").
        """
        from corpushub.engine.run.cluster_choice import executor_for

        options = options or Options(addresses or {}, sample or 0)
        recipe, grants = self._allowed(actor, Path(recipe_path), options)
        with self._bounded_disk(), executor_for(options.on, self.settings) as executor:
            from corpushub.engine.cache import clear_leftovers
            from corpushub.engine.run.runner import Run, carry_out

            plan, place = self._plan_allowed(recipe, Path(recipe_path).parent, options, progress)
            place.cache.sweep()
            clear_leftovers(self.settings.home / "builds")
            build_id = new_id("build", clock=self.clock)
            folder = self.settings.home / "builds" / build_id
            job = Run(plan, place.cache, executor, progress, options.cancelled)
            built = carry_out(job, folder)
            (folder / "recipe.yaml").write_text(recipe.text, "utf-8")
        record = BuildRecord(
            build_id, recipe, built, folder, grants, actor.person, actor.org, iso(self.clock()), options.sample,
            str(Path(recipe_path).resolve()), options.addresses, tuple(str(root) for root in options.roots), reused_by_stage(job),
        )  # fmt: skip
        with self.database.begin() as unit:
            unit.documents.put(BUILDS, build_id, self._row(record))
        return record

    def again(self, record: BuildRecord, scratch: Path, progress: Progress = silent) -> Built:
        """Carry out a build's recipe once more from its sources into `scratch`, with nothing that was computed before.

        Raises: NotFound("recipe.no_file" | "source.missing"), and what a build refuses with.
        """
        from corpushub.engine.run.cluster_choice import executor_for
        from corpushub.engine.run.runner import run

        settings = replace(self.settings, home=scratch, source_roots=self.settings.source_roots)
        fresh = Builds(database=self.database, settings=settings, catalog=self.catalog, clock=self.clock)
        options = Options(record.addresses, roots=tuple(Path(root) for root in record.roots))
        if not Path(record.origin).is_file():
            raise NotFound("recipe.no_file", file=record.recipe.name)
        recipe = addressed(record.recipe, record.addresses)
        with self._bounded_disk(), executor_for("", settings) as executor:
            plan, place = fresh._plan(recipe, Path(record.origin).parent, options, progress=progress)
            return run(plan, scratch / "again", cache=place.cache, executor=executor, progress=progress)

    def confined(self, recipe_path: Path, folder: Path) -> Built:
        """Carry out a recipe that sees nothing but its own folder: no other root, no kept work, no key of this hub. For whoever asked for
        permission already.

        Raises: what a build refuses with.
        """
        from corpushub.engine.run.cluster_choice import executor_for
        from corpushub.engine.run.runner import run

        scratch = recipe_path.parent
        settings = replace(self.settings, home=scratch, source_roots="")
        alone = Builds(database=self.database, settings=settings, catalog=self.catalog, clock=self.clock)
        with self._bounded_disk(), executor_for("", settings) as executor:
            plan, place = alone._plan(self.read(recipe_path), scratch, Options({}), secrets.token_bytes(32))
            return run(plan, folder, cache=place.cache, executor=executor)

    def plan(
        self, actor: Actor, recipe_path: Path | str, *, addresses: Mapping[str, str] | None = None, options: Options | None = None
    ) -> Plan:
        """What a build would do; asks the same authorisation, since sources are opened to know their columns. Raises: as `build`."""
        options = options or Options(addresses or {})
        recipe, _ = self._allowed(actor, Path(recipe_path), options)
        return self._plan_allowed(recipe, Path(recipe_path).parent, options)[0]

    def explain(self, actor: Actor, recipe_path: Path | str, *, options: Options | None = None, lang: str = "") -> str:
        """The plan as text, with how much of it earlier builds already computed; with a language, each step in words. Raises: as `build`."""
        from corpushub.engine.plan import explain
        from corpushub.engine.run.runner import reusable

        options = options or Options({})
        recipe, _ = self._allowed(actor, Path(recipe_path), options)
        plan, place = self._plan_allowed(recipe, Path(recipe_path).parent, options)
        return explain(plan, reusable(plan, place.cache), lang)

    def get(self, actor: Actor, build_id: str) -> BuildRecord:
        """A build of the actor's own organisation. Raises: NotFound("build.unknown")."""
        with self.database.read() as unit:
            row = unit.documents.get(BUILDS, build_id)
        if row is None or not visible(row, actor):
            raise NotFound("build.unknown", build=build_id)
        return self._record(row)

    def list(self, actor: Actor, *, limit: int = 50) -> tuple[BuildRecord, ...]:
        """Builds the actor may see, newest first."""
        with self.database.read() as unit:
            rows = unit.documents.list(BUILDS, newest_first=True)
        mine = [row for _, row in rows if visible(row, actor)]
        return tuple(self._record(row) for row in mine[:limit])

    def removed(self, actor: Actor, build_id: str, *, step: int | None = None, limit: int = 100) -> Sequence[Mapping[str, Any]]:
        """Rows that left a build, with step, reason and source place; only those of one step (its number) if asked."""
        from corpushub.engine.run.trace import removed_rows

        return removed_rows(self.get(actor, build_id).folder, step, limit)

    def trace(
        self, actor: Actor, recipe_path: Path | str, *, step: int | None = None, limit: int = 5, options: Options | None = None
    ) -> Sequence[Traced]:
        """What each step (or the one with this number) does to a few rows of a preview, before and after. Raises: as `build`."""
        from corpushub.engine.run.trace import trace

        options = options or Options({}, sample=PREVIEW_ROWS)
        recipe, _ = self._allowed(actor, Path(recipe_path), options)
        return trace(self._plan_allowed(recipe, Path(recipe_path).parent, options)[0], step, limit)

    def _allowed(self, actor: Actor, path: Path, options: Options) -> tuple[Recipe, tuple[SourceGrant, ...]]:
        if actor != SYSTEM and not actor.has(Role.OPERATOR):
            raise Forbidden("build.role")
        if not options.authorize and actor != SYSTEM:
            raise Forbidden("build.unauthorized")
        recipe = addressed(self.read(path), options.addresses)
        return recipe, self.catalog.authorize_build(actor, recipe) if options.authorize else ()

    def read(self, path: Path) -> Recipe:
        """The recipe in a file. Raises: NotFound("recipe.no_file"), Invalid("recipe.invalid")."""
        from corpushub.engine.registry import registry

        try:
            text = path.read_text("utf-8")
        except (FileNotFoundError, IsADirectoryError):
            raise NotFound("recipe.no_file", file=path.name) from None
        except UnicodeDecodeError:
            raise Invalid("recipe.not_utf8", file=path.name) from None
        return Recipe.parse(text, name=path.name, steps=registry())

    def _plan_allowed(self, recipe: Recipe, folder: Path, options: Options, progress: Progress = silent) -> tuple[Plan, Place]:
        """The plan, if no source brings a column its entry does not list: without `select` that shows only once it is open."""
        plan, place = self._plan(recipe, folder, options, progress=progress)
        if options.authorize:
            self.catalog.check_columns((source.ref, read_columns(source)) for source in plan.sources)
        return plan, place

    def _plan(
        self, recipe: Recipe, folder: Path, options: Options, key: bytes = b"", progress: Progress = silent
    ) -> tuple[Plan, Place]:
        from corpushub.engine.plan import Setting, make_plan
        from corpushub.engine.registry import registry
        from corpushub.engine.sources.opening import open_source

        place = self._place(recipe, folder, options, progress)
        with self._bounded_disk():  # what is read is laid down at once
            sources = [open_source(ref, place) for ref in recipe.sources]
        return make_plan(recipe, sources, registry(), Setting(folder, key or self.secret(), options.sample)), place

    def _place(self, recipe: Recipe, folder: Path, options: Options, progress: Progress) -> Place:
        from corpushub.engine.cache import Cache
        from corpushub.engine.sources.files import Limits, limits_of
        from corpushub.engine.sources.place import Place

        roots = [self.settings.source_roots, *(str(root) for root in options.roots)]
        settings = replace(self.settings, source_roots=":".join(filter(None, roots)))
        cache = Cache(self.settings.home / "cache")
        return Place(folder, settings, cache, limits_of(Limits(), recipe.limits), options.sample, progress, options.cancelled)

    def secret(self) -> bytes:
        """The hub's key for pseudonyms, made at first use; it never leaves the database."""
        with self.database.read() as unit:
            kept = unit.documents.get(SECRET, PSEUDONYMS)
        if kept is None:
            with self.database.begin() as unit:
                kept = unit.documents.get(SECRET, PSEUDONYMS) or secrets.token_hex(32)
                unit.documents.put(SECRET, PSEUDONYMS, kept)
        return bytes.fromhex(str(kept))

    def _row(self, record: BuildRecord) -> dict[str, Any]:
        return {
            "id": record.id,
            "recipe_name": record.recipe.name,
            "recipe": record.recipe.text,
            "built": record.built.to_json(),
            "folder": record.folder.relative_to(self.settings.home).as_posix(),
            "grants": [asdict(grant) for grant in record.grants],
            "built_by": record.built_by,
            "builder_org": record.builder_org,
            "at": record.at,
            "sample": record.sample,
            "origin": record.origin,
            "addresses": dict(record.addresses),
            "roots": list(record.roots),
        }

    def _record(self, row: Mapping[str, Any]) -> BuildRecord:
        from corpushub.engine.registry import registry

        return BuildRecord(
            id=row["id"],
            recipe=Recipe.parse(row["recipe"], name=row["recipe_name"], steps=registry()),
            built=Built.from_json(row["built"]),
            folder=self.settings.home / row["folder"],
            grants=tuple(SourceGrant(**{**grant, "purposes": tuple(grant["purposes"])}) for grant in row["grants"]),
            built_by=row["built_by"],
            builder_org=row["builder_org"],
            at=row["at"],
            sample=row["sample"],
            origin=row.get("origin", ""),
            addresses=row.get("addresses", {}),
            roots=tuple(row.get("roots", ())),
        )

    @contextmanager
    def _bounded_disk(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            # The frame library tells the number in its words only.
            if error.errno in FULL or any(f"(os error {number})" in str(error) for number in FULL):
                raise Unavailable("build.no_space") from error
            raise


def reused_by_stage(job: Run) -> dict[str, tuple[int, int]]:
    """Shards of each stage of a plan, by its steps: how many came from earlier builds, of how many."""
    names = ["+".join(step.step.name for step in stage.steps) or "read" for stage in job.plan.stages]
    return {f"{at + 1} {name}": (job.reused[at], job.asked[at]) for at, name in enumerate(names)}


def visible(row: Mapping[str, Any], actor: Actor) -> bool:
    """Builds are unreleased data: only the builder's organisation and this hub's own jobs see them."""
    return actor == SYSTEM or bool(actor.org and actor.org == row["builder_org"])


def read_columns(source: Source) -> tuple[str, ...]:
    """The columns a source brings of its own: neither the engine's nor those the recipe adds."""
    added = source.ref.options.get("add") or {}
    return tuple(name for name in source.schema if not name.startswith("_") and name not in added)


def addressed(recipe: Recipe, addresses: Mapping[str, str]) -> Recipe:
    """The recipe with other addresses for some sources. Raises: Invalid("plan.no_such_source")."""
    known = {ref.name for ref in recipe.sources}
    for name in addresses:
        if name not in known:
            raise Invalid("plan.no_such_source", source=name, known=", ".join(sorted(known)))
    sources: tuple[SourceRef, ...] = tuple(replace(ref, address=addresses.get(ref.name, ref.address)) for ref in recipe.sources)
    return replace(recipe, sources=sources)
