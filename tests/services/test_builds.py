"""Who may build, from what, and what is left when a build is refused."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from corpushub.base.errors import Forbidden, Invalid, NotFound, Unavailable
from corpushub.base.identity import sha256
from corpushub.base.settings import Settings
from corpushub.domain.parties import ANONYMOUS, SYSTEM, Actor, Role
from corpushub.domain.policy import SourceGrant
from corpushub.domain.recipe import Recipe, SourceRef
from corpushub.services.builds import Builds, Options
from corpushub.store.db import Database

CURATOR = Actor("p1", "org-a", frozenset({Role.OPERATOR}))
COLLEAGUE = Actor("p2", "org-a", frozenset({Role.OPERATOR}))
STRANGER = Actor("p3", "org-b", frozenset({Role.OPERATOR}))

RECIPE = """\
dataset: city/notices
title: {zh: 通报, en: Notices}
purpose: model-training
licence: {id: cc-by-4.0}
sources:
  notices: {resource: r/1, from: notices.csv}
contract: {key: id, columns: {id: {required: true}, text: {required: true}}}
steps:
  - normalize: {columns: [text]}
"""


class Desk:
    """A catalogue that grants resource r/1 for model training, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.brought: dict[str, tuple[str, ...]] = {}

    def authorize_build(self, actor: Actor, recipe: Recipe) -> tuple[SourceGrant, ...]:
        self.asked.append(actor.person)
        if recipe.purpose != "model-training":
            raise Forbidden("authorization.missing", resource="r/1", org=actor.org)
        return (
            SourceGrant("notices", "r/1", "code", "case", "a", "b", ("model-training",), "2025-01-01", "2027-01-01", "0" * 64),
        )

    def check_columns(self, sources: Iterable[tuple[SourceRef, Iterable[str]]]) -> None:
        self.brought = {source.name: tuple(columns) for source, columns in sources}


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def builds(tmp_path: Path, desk: Desk) -> Iterator[Builds]:
    database = Database(str(tmp_path / "hub.db"))
    yield Builds(database=database, settings=Settings(home=tmp_path / "home", build_workers=1), catalog=desk)
    database.close()


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "notices.csv").write_text("text\n" + "".join(f"通知{n}\n" for n in range(30)), "utf-8")
    path = folder / "notices.yaml"
    path.write_text(RECIPE, "utf-8")
    return path


def test_a_build_is_kept_with_its_grants_and_read_back_equal(builds: Builds, recipe: Path) -> None:
    record = builds.build(CURATOR, recipe)
    assert record.built.rows == 30
    assert record.grants[0].authorization == "case"
    assert builds.get(CURATOR, record.id) == record
    assert [one.id for one in builds.list(COLLEAGUE)] == [record.id]
    assert (record.folder / "data").is_dir()


def test_the_catalogue_is_asked_before_a_source_is_opened(builds: Builds, recipe: Path, desk: Desk) -> None:
    recipe.write_text(RECIPE.replace("model-training", "advertising").replace("notices.csv", "missing.csv"), "utf-8")
    with pytest.raises(Forbidden, match=r"authorization\.missing"):
        builds.build(CURATOR, recipe)
    assert desk.asked == ["p1"]
    assert builds.list(CURATOR) == ()


def test_the_catalogue_hears_which_columns_a_source_brought_before_anything_is_built(
    builds: Builds, recipe: Path, desk: Desk
) -> None:
    told = RECIPE.replace("from: notices.csv", "from: notices.csv, add: {city: yz}").replace(
        "  - normalize", "  - select: {columns: [id]}\n  - normalize"
    )
    told = told.replace("  - normalize: {columns: [text]}\n", "").replace(", text: {required: true}", "")
    recipe.write_text(told, "utf-8")
    for look in (builds.plan, builds.explain, builds.trace, builds.build):
        desk.brought = {}
        look(CURATOR, recipe)
        assert desk.brought == {"notices": ("text",)}


@pytest.mark.parametrize(
    "actor", [ANONYMOUS, Actor("r", "org-a", frozenset({Role.REVIEWER})), Actor("x", "org-a", frozenset({Role.ADMIN}))]
)
def test_only_an_operators_curator_builds(builds: Builds, recipe: Path, actor: Actor) -> None:
    with pytest.raises(Forbidden, match=r"build\.role"):
        builds.build(actor, recipe)


def test_unreleased_data_stays_in_its_organisation(builds: Builds, recipe: Path) -> None:
    record = builds.build(CURATOR, recipe)
    with pytest.raises(NotFound):
        builds.get(STRANGER, record.id)
    assert builds.list(STRANGER) == ()
    assert builds.get(SYSTEM, record.id).id == record.id


def test_only_the_hub_itself_builds_without_asking(builds: Builds, recipe: Path) -> None:
    with pytest.raises(Forbidden, match=r"build\.unauthorized"):
        builds.build(CURATOR, recipe, options=Options({}, authorize=False))
    assert builds.build(SYSTEM, recipe, options=Options({}, authorize=False)).grants == ()


def test_another_address_needs_another_folder_to_be_allowed(builds: Builds, recipe: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("text\n甲\n乙\n丙\n", "utf-8")
    with pytest.raises(Forbidden, match=r"source\.outside"):
        builds.build(CURATOR, recipe, addresses={"notices": str(other)})
    assert builds.build(CURATOR, recipe, options=Options({"notices": str(other)}, roots=(tmp_path,))).built.rows == 3
    with pytest.raises(Invalid, match=r"plan\.no_such_source"):
        builds.build(CURATOR, recipe, addresses={"reports": "x"})


def test_a_sample_says_so(builds: Builds, recipe: Path) -> None:
    record = builds.build(CURATOR, recipe, sample=10)
    assert (record.sample, record.built.rows) == (10, 10)


def test_the_plan_tells_what_is_reused(builds: Builds, recipe: Path) -> None:
    assert "[0 of 1 shards reused]" in builds.explain(CURATOR, recipe)
    builds.build(CURATOR, recipe)
    assert "[1 of 1 shards reused]" in builds.explain(CURATOR, recipe)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may become larger, for a superuser neither: the system refuses the write itself, as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("asked", [Builds.plan, Builds.explain, Builds.trace, Builds.build])
@pytest.mark.parametrize("is_read", [False, True], ids=["while reading", "while building"])
def test_a_full_disk_is_told_and_the_next_build_goes_on(
    builds: Builds, recipe: Path, asked: Callable[[Builds, Actor, Path], object], *, is_read: bool
) -> None:
    rows = "".join(f"{sha256(str(n).encode())}\n" for n in range(15_000))
    recipe.with_name("notices.csv").write_text("text\n" + rows, "utf-8")
    if is_read:
        builds.plan(CURATOR, recipe)
    is_refused = not is_read or asked in {
        Builds.build,
        Builds.trace,
    }  # what was read is not read again, but a preview reads for itself
    refused = pytest.raises(Unavailable, match=r"build\.no_space") if is_refused else nullcontext()
    with room_for(600_000), refused:
        asked(builds, CURATOR, recipe)
    assert builds.list(CURATOR) == ()
    assert builds.build(CURATOR, recipe).built.rows == 15_000


def test_a_bad_recipe_leaves_nothing(builds: Builds, recipe: Path) -> None:
    recipe.write_text(RECIPE.replace("normalize", "normalise"), "utf-8")
    with pytest.raises(Invalid, match=r"recipe\.invalid"):
        builds.build(CURATOR, recipe)
    with pytest.raises(NotFound, match=r"recipe\.no_file"):
        builds.build(CURATOR, recipe.with_name("none.yaml"))
    assert not list((builds.settings.home / "builds").glob("*")) if (builds.settings.home / "builds").exists() else True


def test_a_trace_shows_rows_before_and_after_each_step(builds: Builds, recipe: Path) -> None:
    recipe.with_name("notices.csv").write_text("text\n１２３\n通知\n通知\n", "utf-8")
    recipe.write_text(RECIPE + "  - dedup_exact: {on: text}\n", "utf-8")
    changed, merged = builds.trace(CURATOR, recipe)
    assert (changed.name, changed.before, changed.after) == ("normalize", {"text": "１２３"}, {"text": "123"})
    assert (merged.name, merged.reason, merged.place) == ("dedup_exact", "exact_duplicate", "notices:4")
