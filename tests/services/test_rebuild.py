from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from corpushub.base.errors import Invalid, NotFound
from corpushub.base.identity import fixed_clock
from corpushub.base.settings import Settings
from corpushub.domain.parties import SYSTEM
from corpushub.services.builds import Builds, Options
from corpushub.services.card_facts import Inputs
from corpushub.services.rebuild import compared, rebuild
from corpushub.services.release_folder import assemble
from corpushub.store.db import Database
from tests.kit.released import a_key

RECIPE = """\
dataset: yunzhou/bus
title: {zh: 公交线路, en: Bus lines}
purpose: model-training
licence: {id: cc-by-4.0}
sources:
  lines: {resource: 990100/jtj/bus, from: bus.csv}
contract:
  key: id
  columns:
    id: {dtype: str, required: true, unique: true, desc: {zh: 主键, en: primary key}}
    name: {dtype: str, required: true, desc: {zh: 线路名, en: name of the line}}
steps:
  - normalize: {columns: [name]}
  - split: {by: id, train: 0.8, test: 0.2}
card: {zh: {summary: 线路名单。}, en: {summary: Bus lines.}}
"""
UNASKED = Options({}, authorize=False)


@pytest.fixture
def builds(tmp_path: Path) -> Builds:
    (tmp_path / "bus.yaml").write_text(RECIPE, "utf-8")
    (tmp_path / "bus.csv").write_text("name\n" + "".join(f"{number}路\n" for number in range(40)), "utf-8")
    clock = fixed_clock(datetime(2026, 3, 2, tzinfo=UTC))
    return Builds(
        database=Database(str(tmp_path / "home/hub.db"), clock),
        settings=Settings(home=tmp_path / "home"),
        catalog=None,
        clock=clock,
    )  # type: ignore[arg-type]  # nothing here asks the catalog


@pytest.fixture
def release(builds: Builds, tmp_path: Path) -> Path:
    record = builds.build(SYSTEM, tmp_path / "bus.yaml", options=UNASKED)
    assemble(Inputs(record.recipe, record.built, record.folder, "1.0.0", date(2026, 3, 2)), a_key()).write(tmp_path / "release")
    return tmp_path / "release"


def test_the_same_recipe_and_sources_give_the_same_bytes(builds: Builds, release: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "home/cache")
    found = rebuild(SYSTEM, builds, release, tmp_path / "bus.yaml", options=UNASKED)
    assert (found.verdict, found.recipe_changed, found.files) == ("byte_equal", False, ())


def test_other_bytes_of_the_same_rows_are_logically_equal(builds: Builds, release: Path, tmp_path: Path) -> None:
    path = next((release / "data").glob("train*.parquet"))
    pl.read_parquet(path).write_parquet(path, compression="snappy")
    sums = (release / "SHA256SUMS").read_text("utf-8").splitlines()
    (release / "SHA256SUMS").write_text(
        "\n".join(f"{'0' * 64}{line[64:]}" if path.name in line else line for line in sums) + "\n"
    )
    found = rebuild(SYSTEM, builds, release, tmp_path / "bus.yaml", options=UNASKED)
    assert (found.verdict, found.files) == ("logically_equal", (f"data/{path.name}",))


def test_rows_that_differ_are_named_by_key(builds: Builds, release: Path, tmp_path: Path) -> None:
    text = (tmp_path / "bus.csv").read_text("utf-8")
    (tmp_path / "bus.csv").write_text(text.replace("7路\n", "7路快线\n", 1) + "99路\n", "utf-8")
    found = rebuild(SYSTEM, builds, release, tmp_path / "bus.yaml", options=UNASKED)
    assert found.verdict == "differs"
    assert found.rows is not None
    assert {kind: len(keys) for kind, keys in found.rows.items()} == {"added": 1, "changed": 1}


def test_a_folder_that_is_no_release_is_refused(builds: Builds, release: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        rebuild(SYSTEM, builds, tmp_path / "home", tmp_path / "bus.yaml", options=UNASKED)
    (release / "provenance/build.dsse.json").write_text("{", "utf-8")
    with pytest.raises(Invalid):
        rebuild(SYSTEM, builds, release, tmp_path / "bus.yaml", options=UNASKED)


def test_a_build_can_be_reproduced_from_its_own_sources_and_gives_the_same_bytes(builds: Builds, tmp_path: Path) -> None:
    record = builds.build(SYSTEM, tmp_path / "bus.yaml", options=UNASKED)
    again = builds.again(builds.get(SYSTEM, record.id), tmp_path / "scratch")
    assert compared(record.built, again).measures() == {"rebuild_data_differs": 0, "rebuild_differs": 0}


def test_a_build_whose_source_changed_is_not_reproduced(builds: Builds, tmp_path: Path) -> None:
    record = builds.build(SYSTEM, tmp_path / "bus.yaml", options=UNASKED)
    (tmp_path / "bus.csv").write_text("name\n" + "".join(f"{number}路\n" for number in range(41)), "utf-8")
    found = compared(record.built, builds.again(record, tmp_path / "scratch"))
    assert found.measures() == {"rebuild_data_differs": 1, "rebuild_differs": 1}
    assert found.files


def test_a_build_whose_recipe_is_gone_cannot_be_reproduced(builds: Builds, tmp_path: Path) -> None:
    record = builds.build(SYSTEM, tmp_path / "bus.yaml", options=UNASKED)
    (tmp_path / "bus.yaml").unlink()
    with pytest.raises(NotFound):
        builds.again(record, tmp_path / "scratch")
