"""The repository's cards: built from recipes, fresh until something changes, and every kind of staleness named with its place."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from corpushub.base.errors import NotFound
from corpushub.base.identity import fixed_clock
from corpushub.base.settings import Settings
from corpushub.services.builds import Builds
from corpushub.services.cards import Cards
from corpushub.services.exports import export_card
from corpushub.store.db import Database

RECIPE = """\
dataset: yunzhou/bus
title: {zh: 公交线路, en: Bus lines}
purpose: model-training
licence: {id: cc-by-4.0}
languages: [zh]
sources:
  lines: {resource: 990100/jtj/bus, from: bus.csv}
contract:
  key: id
  columns:
    id: {dtype: str, required: true, unique: true, desc: {zh: 主键, en: primary key}}
    name: {dtype: str, required: true, desc: {zh: 线路名, en: name of the line}}
    kind: {dtype: str, desc: {zh: 类别, en: kind}}
steps:
  - normalize: {columns: [name]}
  - dedup_exact: {on: name}
  - split: {by: id, train: 0.8, test: 0.2}
card:
  zh: {summary: 云州市公交线路名单。}
  en: {summary: Bus lines of the city of Yunzhou.}
"""
FOLDER = "yunzhou/bus"


def lines(count: int = 40) -> str:
    return "name,kind\n" + "".join(f"云州{number}路,{'快线' if number % 4 else '慢线'}\n" for number in range(count))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with one recipe and its card."""
    root = tmp_path_factory.mktemp("checkout")
    (root / "recipes").mkdir()
    (root / "recipes/bus.yaml").write_text(RECIPE, "utf-8")
    (root / "recipes/bus.csv").write_text(lines(), "utf-8")
    (report,) = cards(root).build(root / "recipes", root / "cards")
    assert report.findings == ()
    assert report.built
    return root


@pytest.fixture
def checkout(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "checkout", ignore=shutil.ignore_patterns("home")))


def cards(root: Path, day: int = 2) -> Cards:
    clock = fixed_clock(datetime(2026, 3, day, 8, tzinfo=UTC))
    database = Database(str(root / "home/hub.db"), clock)
    builds = Builds(database=database, settings=Settings(home=root / "home"), catalog=None, clock=clock)  # type: ignore[arg-type]  # nothing here asks the catalog
    return Cards(builds=builds, clock=clock)


def found(root: Path, **options: bool) -> list[tuple[str, str]]:
    reports = Cards().check(root / "recipes", root / "cards", **options)
    return [(item.problem.code, item.problem.file) for report in reports for item in report.findings]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_a_fresh_card_passes_every_validator(checkout: Path) -> None:
    assert found(checkout) == []
    assert found(checkout, strict=True) == []


def test_building_again_writes_nothing(checkout: Path) -> None:
    (report,) = cards(checkout, day=9).build(checkout / "recipes", checkout / "cards")
    assert (report.written, report.built) == ((), False)


def test_a_hand_edited_card_is_shown_as_a_diff_with_its_line(checkout: Path) -> None:
    edit(checkout / "cards" / FOLDER / "README.md", "云州市公交线路名单。", "全国最好的公交线路名单。")
    (report,) = Cards().check(checkout / "recipes", checkout / "cards")
    (finding,) = report.findings
    assert (finding.problem.code, finding.problem.file) == ("cards.stale", f"{FOLDER}/README.md")
    line = (checkout / "cards" / FOLDER / "README.md").read_text("utf-8").splitlines()[finding.problem.line - 1]
    assert "全国最好" in line
    assert "-全国最好的公交线路名单。" in finding.diff
    assert "+云州市公交线路名单。" in finding.diff


def test_new_prose_makes_the_card_stale_but_needs_no_new_data(checkout: Path) -> None:
    edit(checkout / "recipes/bus.yaml", "云州市公交线路名单。", "云州市全部公交线路。")
    assert ("cards.stale", f"{FOLDER}/README.md") in found(checkout)
    assert ("cards.stale_data", f"{FOLDER}/facts.json") not in found(checkout)
    (report,) = cards(checkout).build(checkout / "recipes", checkout / "cards")
    assert not report.built
    assert found(checkout) == []


def test_changed_data_are_built_again_and_the_version_rises(checkout: Path) -> None:
    (checkout / "recipes/bus.csv").write_text(lines(45), "utf-8")
    assert ("cards.stale_data", f"{FOLDER}/facts.json") in found(checkout)
    (report,) = cards(checkout, day=9).build(checkout / "recipes", checkout / "cards")
    assert report.built
    card = (checkout / "cards" / FOLDER / "README.md").read_text("utf-8")
    assert "1.0.0 (2026-03-02)" not in card
    assert "(2026-03-09)" in card
    assert found(checkout) == []


def test_the_same_data_built_again_are_the_same_version_with_the_same_predecessor(checkout: Path) -> None:
    (checkout / "recipes/bus.csv").write_text(lines(45), "utf-8")
    cards(checkout, day=9).build(checkout / "recipes", checkout / "cards")
    before = {path.name: path.read_bytes() for path in (checkout / "cards" / FOLDER).rglob("*") if path.is_file()}
    (report,) = cards(checkout, day=20).build(checkout / "recipes", checkout / "cards", fresh=True)
    assert (report.built, report.written) == (True, ())
    assert before == {path.name: path.read_bytes() for path in (checkout / "cards" / FOLDER).rglob("*") if path.is_file()}


def test_a_number_changed_in_the_kept_figures_is_named(checkout: Path) -> None:
    path = checkout / "cards" / FOLDER / "facts.json"
    value = json.loads(path.read_text("utf-8"))
    value["built"]["files"][0]["rows"] += 1000
    path.write_text(json.dumps(value), "utf-8")
    assert ("cards.facts_edited", f"{FOLDER}/facts.json") in found(checkout)
    assert ("card.rows_differ", value["built"]["files"][0]["path"]) in found(checkout)


def test_missing_prose_an_unknown_licence_and_language_are_named(checkout: Path) -> None:
    edit(checkout / "recipes/bus.yaml", "  en: {summary: Bus lines of the city of Yunzhou.}\n", "")
    edit(checkout / "recipes/bus.yaml", "cc-by-4.0", "cc-by-9.9")
    edit(checkout / "recipes/bus.yaml", "[zh]", "[zz]")
    codes = {code for code, _ in found(checkout)}
    assert {"card.prose_missing", "card.licence_unknown", "cards.language_tag"} <= codes


def test_a_missing_a_surplus_and_an_orphaned_file_are_named(checkout: Path) -> None:
    (checkout / "cards" / FOLDER / "croissant.json").unlink()
    (checkout / "cards" / FOLDER / "notes.md").write_text("x")
    shutil.copytree(checkout / "cards" / FOLDER, checkout / "cards/yunzhou/gone")
    codes = set(found(checkout))
    assert ("cards.missing_file", f"{FOLDER}/croissant.json") in codes
    assert ("cards.unexpected_file", f"{FOLDER}/notes.md") in codes
    assert ("cards.orphan", "yunzhou/gone/facts.json") in codes


def test_a_recipe_without_a_card_and_one_that_cannot_be_read_are_named(checkout: Path) -> None:
    (checkout / "recipes/new.yaml").write_text(RECIPE.replace("yunzhou/bus", "yunzhou/new"), "utf-8")
    (checkout / "recipes/bad.yaml").write_text("dataset: [", "utf-8")
    assert ("cards.absent", "new.yaml") in found(checkout)
    assert any(place == "bad.yaml" for _, place in found(checkout))


def test_a_folder_of_recipes_that_is_not_there_is_refused_before_any_card_is_called_an_orphan(checkout: Path) -> None:
    with pytest.raises(NotFound) as refused:
        Cards().check(checkout / "recepies", checkout / "cards")
    assert (refused.value.code, refused.value.facts["folder"]) == ("cards.no_recipes", "recepies")


def test_an_unknown_name_is_refused_with_those_there_are(checkout: Path) -> None:
    with pytest.raises(NotFound) as refused:
        Cards().check(checkout / "recipes", checkout / "cards", ["nothing"])
    assert refused.value.facts["known"] == "bus"


def test_gates_that_wait_for_a_release_are_pending_not_failed(checkout: Path) -> None:
    document = json.loads((checkout / "cards" / FOLDER / "gates.json").read_text("utf-8"))
    verdicts = {row["gate"]: row["status"] for row in document["gates"]}
    assert verdicts["AUT-01"] == "pending"
    assert verdicts["QUA-01"] == "pass"
    assert "fail" not in {verdicts[name] for name in ("DOC-01", "G08", "G17", "QUA-02")}


def test_a_checked_in_card_can_be_exported(checkout: Path) -> None:
    row = json.loads(export_card("yunzhou/bus", "eu-53", checkout / "recipes", checkout / "cards"))
    assert row["size_detail"]["rows"] == 40
