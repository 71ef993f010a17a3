"""The cards of the repository: built from recipes, checked in, and checked again by anybody in seconds.

`cards/<owner>/<name>/facts.json` keeps what a card was made of (the build's figures, never rows), so a check renders every document
again in memory and compares bytes; data are only built again when recipe or sources changed. A document that equals its rendering and
was validated by the installed validators needs no second validation.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpushub.base.errors import Invalid, NotFound, Problem
from corpushub.base.identity import Clock, business_day, digest_of, file_sha256, system_clock
from corpushub.domain.build import Built, Progress, silent
from corpushub.domain.parties import SYSTEM
from corpushub.domain.recipe import Recipe
from corpushub.domain.release import Change, column_changes, next_version
from corpushub.engine import profile as profiles
from corpushub.engine.plan import tools
from corpushub.engine.registry import registry as steps
from corpushub.services.card_facts import Inputs, make_facts
from corpushub.services.changes import summary_of
from corpushub.services.release_folder import card_documents, readable, write_changed
from corpushub.services.residuals import seal_of
from corpushub.services.validators import installed, mark, validate

if TYPE_CHECKING:
    from corpushub.services.builds import Builds

FACTS = "facts.json"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a card: `place` is a file of the repository, `diff` shows a stale document."""

    dataset: str
    problem: Problem
    diff: str = ""


@dataclass(frozen=True, slots=True)
class CardReport:
    """What building or checking one card came to."""

    dataset: str
    written: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    built: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """`facts.json`: what a checked-in card was made of."""

    version: str
    day: str
    data_digest: str
    built: Built
    profile: Mapping[str, Any]
    screened: Mapping[str, Any]
    history: tuple[Mapping[str, str], ...]
    change: Mapping[str, Any] | None = None
    validated: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        value = {**asdict(self), "built": self.built.to_json(), "history": list(self.history)}
        return {**value, "digest": figures_digest(value)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Kept:
        names = {name: item for name, item in value.items() if name != "digest"}
        return cls(**{**names, "built": Built.from_json(value["built"]), "history": tuple(value["history"])})


def figures_digest(value: Mapping[str, Any]) -> str:
    """Digest of what was kept but the validators' mark: a number changed by hand no longer fits it."""
    return digest_of({name: item for name, item in value.items() if name not in {"digest", "validated"}})


@dataclass(frozen=True, slots=True)
class Work:
    """One run of `build`."""

    cards_dir: Path
    versions: Mapping[str, str]
    fresh: bool
    progress: Progress


class Cards:
    """Cards of a checkout: `recipes_dir` in, `cards_dir` out."""

    def __init__(self, *, builds: Builds | None = None, clock: Clock = system_clock) -> None:
        self.builds = builds
        self.clock = clock

    def build(
        self, recipes_dir: Path, cards_dir: Path, names: Sequence[str] = (), *, fresh: bool = False, progress: Progress = silent
    ) -> tuple[CardReport, ...]:
        """Bring every card up to date; data are built only where recipe, sources or libraries changed (`fresh`: always, as after a
        change of the steps' own code), files written only where bytes differ.

        Raises: NotFound("cards.unknown_name" | "cards.validator_missing"), Invalid("recipe.invalid").
        """
        versions = installed()
        work = Work(cards_dir, versions, fresh, progress)
        return tuple(self._build_one(path, work) for path in recipes(recipes_dir, names))

    def _build_one(self, path: Path, work: Work) -> CardReport:
        recipe = read_recipe(path)
        folder = work.cards_dir / recipe.dataset
        kept = read_kept(folder)
        if fresh := work.fresh or kept is None or edited(folder) or outdated(kept, recipe, path.parent):
            kept = self._rebuilt(path, recipe, kept, work.progress)
        assert kept is not None
        kept = replace(kept, built=replace(kept.built, recipe_digest=recipe.digest))
        documents, problems = documents_of(recipe, kept)
        findings = tuple(Finding(recipe.dataset, problem) for problem in problems)
        stamp = mark(documents, work.versions)
        if not findings and kept.validated != stamp:
            findings = tuple(Finding(recipe.dataset, located_in(folder, problem)) for problem in validate(documents))
        kept = replace(kept, validated=stamp if not findings else {})
        written = [name for name, content in sorted(documents.items()) if write_changed(folder / name, content)]
        if write_changed(folder / FACTS, readable(kept.to_json()).encode()):
            written.append(FACTS)
        written += remove_others(folder, {*documents, FACTS})
        return CardReport(recipe.dataset, tuple(written), findings, bool(fresh))

    def _rebuilt(self, path: Path, recipe: Recipe, kept: Kept | None, progress: Progress) -> Kept:
        """Build the data and keep its figures; the version follows from the difference the figures show."""
        assert self.builds is not None, "building cards needs the builds service"
        from corpushub.services.builds import Options

        record = self.builds.build(SYSTEM, path, progress=progress, options=Options({}, authorize=False))
        day = business_day(self.clock())
        seal = seal_of(self.builds.secret(), recipe.dataset)
        made = make_facts(Inputs(recipe, record.built, record.folder, "1.0.0", day, seal=seal))
        about: dict[str, Any] = {
            "data_digest": data_digest(recipe, path.parent), "built": lean(record.built), "profile": profiles.to_json(made.profile),
            "screened": dict(made.screened),
        }  # fmt: skip
        if kept is not None and kept.built.logical_digest == record.built.logical_digest:
            # The same data are the same version, and differ from the one before it as they did.
            return replace(kept, validated={}, **about)
        change = outline(kept, record.built, made.profile.schema) if kept else None
        version = str(next_version(kept.version, change)) if kept and change else "1.0.0"
        line = {"version": version, "day": day.isoformat(), "summary": summary_of(change)}
        history = (line, *(kept.history if kept else ()))
        return Kept(version=version, day=day.isoformat(), history=history, change=change.to_json() if change else None, **about)

    def check(
        self, recipes_dir: Path, cards_dir: Path, names: Sequence[str] = (), *, strict: bool = False
    ) -> tuple[CardReport, ...]:
        """Render every card again and compare bytes; validate what the present validators have not seen, or all with `strict`.

        Raises: NotFound("cards.unknown_name" | "cards.validator_missing").
        """
        versions = installed()
        found = [self._check_one(path, cards_dir, versions, strict=strict) for path in recipes(recipes_dir, names)]
        if not names:
            found += orphans(recipes_dir, cards_dir)
        return tuple(found)

    def _check_one(self, path: Path, cards_dir: Path, versions: Mapping[str, str], *, strict: bool) -> CardReport:
        try:
            recipe = read_recipe(path)
        except Invalid as error:
            return CardReport(path.stem, findings=tuple(Finding(path.stem, problem) for problem in error.problems))
        folder = cards_dir / recipe.dataset
        kept = read_kept(folder)
        if kept is None:
            return CardReport(
                recipe.dataset,
                findings=(Finding(recipe.dataset, Problem("cards.absent", {"dataset": recipe.dataset}, file=path.name)),),
            )
        documents, found = documents_of(recipe, replace(kept, built=replace(kept.built, recipe_digest=recipe.digest)))
        problems = list(found)
        if edited(folder):
            problems.append(Problem("cards.facts_edited", {}, file=f"{recipe.dataset}/{FACTS}"))
        if kept.data_digest != data_digest(recipe, path.parent):
            problems.append(Problem("cards.stale_data", {}, file=f"{recipe.dataset}/{FACTS}"))
        findings = [Finding(recipe.dataset, problem) for problem in problems]
        findings += stale(folder, recipe.dataset, documents)
        if strict or kept.validated != mark(documents, versions):
            findings += [Finding(recipe.dataset, located_in(folder, problem)) for problem in validate(documents)]
        return CardReport(recipe.dataset, findings=tuple(findings))


def recipes(folder: Path, names: Sequence[str] = ()) -> tuple[Path, ...]:
    """Recipe files of a folder, those named by file or dataset; sorted by name.

    Raises: NotFound("cards.no_recipes" | "cards.unknown_name").
    """
    if not folder.is_dir():
        raise NotFound("cards.no_recipes", folder=folder.name)
    found = sorted(folder.glob("*.yaml"))
    if not names:
        return tuple(found)
    wanted = [path for path in found if path.stem in names or path.name in names or dataset_of(path) in names]
    for name in names:
        if not any(name in {path.stem, path.name, dataset_of(path)} for path in wanted):
            raise NotFound("cards.unknown_name", name=name, known=", ".join(path.stem for path in found))
    return tuple(wanted)


def dataset_of(path: Path) -> str:
    """The dataset a recipe file states, by its first `dataset:` line."""
    lines = (line for line in path.read_text("utf-8").splitlines() if line.startswith("dataset:"))
    return next(lines, ":").partition(":")[2].partition("#")[0].strip()


def read_recipe(path: Path) -> Recipe:
    return Recipe.parse(path.read_text("utf-8"), name=path.name, steps=steps())


def read_kept(folder: Path) -> Kept | None:
    """What the card in `folder` was made of; None where there is none or it cannot be read."""
    try:
        return Kept.from_json(json.loads((folder / FACTS).read_text("utf-8")))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def outdated(kept: Kept, recipe: Recipe, folder: Path) -> bool:
    """Do sources, contract, steps or the libraries that shape bytes differ from those the figures came from?"""
    return kept.data_digest != data_digest(recipe, folder) or kept.built.tools != tools()


def edited(folder: Path) -> bool:
    """Were the kept figures changed by hand?"""
    value = json.loads((folder / FACTS).read_text("utf-8"))
    return bool(value.get("digest") != figures_digest(value))


def data_digest(recipe: Recipe, folder: Path) -> str:
    """Digest of everything that shapes the data: sources with their bytes, contract and steps. Card prose is not in it."""
    sources = [[asdict(replace(source, line=0)), bytes_digest(folder / source.address)] for source in recipe.sources]
    known = steps()
    calls = [[call.step, known[call.step].version, call.params] for call in recipe.steps]
    tables = [bytes_digest(folder / word) for call in recipe.steps for word in words_in(call.params) if is_file(folder, word)]
    return digest_of(
        json.loads(json.dumps([recipe.dataset, sources, asdict(recipe.contract), calls, tables, recipe.limits], default=str))
    )


def bytes_digest(path: Path) -> str:
    """Digest of a file, or of a folder's files by name; empty for what is not on this disk."""
    if path.is_file():
        return file_sha256(path)
    if not path.is_dir():
        return ""
    return digest_of(
        [[found.relative_to(path).as_posix(), file_sha256(found)] for found in sorted(path.rglob("*")) if found.is_file()]
    )


def words_in(value: Any) -> Iterable[str]:
    """Every text inside the parameters of a step: some name files beside the recipe."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from words_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from words_in(item)


def is_file(folder: Path, word: str) -> bool:
    return "/" in word and len(word) < 200 and "\n" not in word and (folder / word).is_file()


def documents_of(recipe: Recipe, kept: Kept) -> tuple[dict[str, bytes], tuple[Problem, ...]]:
    """Every document of a checked-in card, rendered from what was kept, and what a curator still has to write or correct."""
    inputs = Inputs(
        recipe=recipe, built=kept.built, folder=None, version=kept.version, day=date.fromisoformat(kept.day), history=kept.history,
        change=Change.from_json(kept.change) if kept.change else None, profile=profiles.from_json(kept.profile), screened=kept.screened,
        checked_in=True,
    )  # fmt: skip
    documents, made = card_documents(inputs)
    return documents, made.problems


def lean(built: Built) -> Built:
    """The build without its column profiles, which `facts.json` keeps once."""
    return replace(built, columns=tuple(replace(column, profile={}) for column in built.columns))


def outline(kept: Kept, built: Built, schema: Iterable[tuple[str, str]]) -> Change:
    """The difference the kept figures show; rows themselves are compared when a release is proposed."""
    old = [(name, kind) for name, kind in kept.profile["schema"]]
    columns: dict[str, Any] = dict(column_changes(old, schema))
    same = kept.built.logical_digest == built.logical_digest
    return Change(kept.version, kept.built.rows, built.rows, 0, 0, 0, 0, **columns, same_data=same, uncounted=not same)


def stale(folder: Path, dataset: str, documents: Mapping[str, bytes]) -> list[Finding]:
    """Documents whose checked-in bytes differ from their rendering, with a unified diff that says where."""
    found = []
    for name, content in sorted(documents.items()):
        path = folder / name
        old = path.read_bytes() if path.exists() else b""
        if old != content:
            lines = difflib.unified_diff(
                old.decode("utf-8", "replace").splitlines(), content.decode().splitlines(), f"checked in/{name}", f"generated/{name}", lineterm="", n=2,
            )  # fmt: skip
            text = "\n".join(lines)
            code = "cards.stale" if path.exists() else "cards.missing_file"
            found.append(Finding(dataset, Problem(code, {}, file=f"{dataset}/{name}", line=first_changed(text)), text))
    extra = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {*documents, FACTS}
    return found + [Finding(dataset, Problem("cards.unexpected_file", {}, file=f"{dataset}/{name}")) for name in sorted(extra)]


def first_changed(diff: str) -> int:
    """Line of the old file where a unified diff first differs."""
    at = 0
    for line in diff.splitlines():
        if line.startswith("@@"):
            at = int(line.split("-")[1].split(",")[0].split(" ")[0]) - 1
        elif line.startswith("-") and not line.startswith("---"):
            return at + 1
        elif line.startswith("+") and not line.startswith("+++"):
            return max(at, 1)
        elif line.startswith(" "):
            at += 1
    return 0


def located_in(folder: Path, problem: Problem) -> Problem:
    return replace(problem, file=f"{folder.parent.name}/{folder.name}/{problem.file}")


def remove_others(folder: Path, wanted: Iterable[str]) -> list[str]:
    """Files of an older rendering that nothing makes any more."""
    keep = set(wanted)
    gone = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.relative_to(folder).as_posix() not in keep]
    for path in gone:
        path.unlink()
    return [path.relative_to(folder).as_posix() for path in gone]


def orphans(recipes_dir: Path, cards_dir: Path) -> list[CardReport]:
    """Cards without a recipe."""
    known = {dataset_of(path) for path in recipes(recipes_dir)}
    found = [f"{path.parent.parent.name}/{path.parent.name}" for path in sorted(cards_dir.glob(f"*/*/{FACTS}"))]
    return [
        CardReport(name, findings=(Finding(name, Problem("cards.orphan", {"dataset": name}, file=f"{name}/{FACTS}")),))
        for name in found if name not in known
    ]  # fmt: skip
