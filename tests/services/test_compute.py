"""The training base: a job sees what its booking mounts and nothing else, raw rows do not come out, results wait for a second look, runs are metered."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from corpushub.base.errors import Conflict, Forbidden, Invalid, NotFound
from corpushub.base.settings import load_settings
from corpushub.domain.parties import SYSTEM, Actor
from corpushub.domain.workflow import Case
from corpushub.engine.outputs import raw_rows
from corpushub.services.hub import Hub, open_hub
from corpushub.store.jobs import Job
from tests.kit.demo import copy_of

DATASET = "yunzhou/census-income"
FILE = f"mounts/{DATASET}/train.parquet"
QUOTA = {"seconds": 600, "rows": 50_000, "bytes": 1_000_000}


@pytest.fixture(scope="module")
def hub(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Hub]:
    made = open_hub(load_settings({}, home=str(copy_of(prepared_home, tmp_path_factory.mktemp("compute") / "home"))))
    yield made
    made.close()


@pytest.fixture(scope="module")
def booking(hub: Hub) -> Case:
    return booked(hub)


def person(hub: Hub, login: str) -> Actor:
    return hub.parties.actor_of(login)


def booked(hub: Hub, by: str = "sun.yue", **facts: Any) -> Case:
    told = {"dataset": [DATASET], "image": "corpushub", "quota": QUOTA, "ends": "2099-12-31", **facts}
    case = hub.cases.open(person(hub, by), "record", {"kind": "compute_booking", "title": "income model", "facts": told})
    return hub.cases.execute(person(hub, "li.wei"), case.id, "confirm")


def recipe(columns: str, address: str = FILE) -> str:
    listed = "".join(f"    {name}: {{dtype: str}}\n" for name in columns.split())
    select = "".join(f"      {name}: {name}\n" for name in columns.split())
    source = f"sources:\n  data:\n    resource: 990100/tjj/census-income\n    from: {address}\n    select:\n{select}"
    head = "dataset: yunzhou/result\ntitle: {zh: 结果, en: result}\npurpose: model-training\nlicence: {id: cc-by-4.0}\n"
    return f"{head}{source}contract:\n  columns:\n{listed}steps: []\n"


def ran(hub: Hub, booking: Case, text: str, by: str = "sun.yue") -> Job:
    hub.compute.run(person(hub, by), booking.id, text)
    done = hub.jobs.run_one()
    assert done is not None
    assert done.kind == "compute"
    return done


def test_a_result_waits_for_somebody_of_another_organisation(hub: Hub, booking: Case) -> None:
    done = ran(hub, booking, recipe("sex income"))
    assert done.state == "done", done.result
    holder, name = person(hub, "sun.yue"), str(done.result["case"])
    with pytest.raises(Forbidden, match=r"compute\.held"):
        hub.compute.output(holder, name)
    assert name in {task.case.id for task in hub.cases.tasks(person(hub, "wang.min"))}
    hub.cases.execute(person(hub, "wang.min"), name, "let_out")
    found = pl.read_parquet(hub.compute.output(holder, name))
    assert found.columns == ["sex", "income"]
    assert found.height == done.result["rows"] > 1000


def test_raw_rows_do_not_come_out(hub: Hub, booking: Case) -> None:
    done = ran(hub, booking, recipe("id sex income"))
    assert done.state == "failed"
    assert done.result["code"] == "compute.raw"
    assert not hub.cases.list(SYSTEM, flow="output", states=("held",)).items


@pytest.mark.parametrize(
    "address", ["/etc/passwd", "mounts/../recipe.yaml", "https://example.org/x.csv", f"mounts/{DATASET}/none.parquet"]
)
def test_a_job_sees_only_mounted_versions(hub: Hub, booking: Case, address: str) -> None:
    done = ran(hub, booking, recipe("sex", address))
    assert (done.state, done.result["code"]) == ("failed", "compute.source")
    assert FILE in str(done.result["facts"]["known"])


def test_a_dataset_without_a_right_to_compute_is_not_mounted(hub: Hub) -> None:
    done = ran(hub, booked(hub, by="he.xin"), recipe("sex"), by="he.xin")
    assert (done.state, done.result["code"]) == ("failed", "repo.gated")


def test_every_run_is_metered_and_on_record_whatever_came_of_it(hub: Hub) -> None:
    mine = booked(hub)
    ran(hub, mine, recipe("sex"))
    ran(hub, mine, recipe("id"))
    ((_, used),) = [(case, used) for case, used in hub.compute.bookings(person(hub, "sun.yue")) if case.id == mine.id]
    assert used["runs"] == 2
    assert used["seconds"] > 0
    with hub.database.read() as unit:
        told = [event.data for event in unit.events.of(f"compute:{mine.id}")]
    assert used["rows_read"] == sum(sum(run["mounted"].values()) for run in told) > 0
    assert [run.get("refused", "") for run in told] == ["", "compute.raw"]
    assert "compute" in {row.channel for row in hub.access.deliveries(SYSTEM, repo=DATASET)}


def test_nothing_beyond_the_quota(hub: Hub) -> None:
    small = booked(hub, quota={**QUOTA, "rows": 10})
    done = ran(hub, small, recipe("sex"))
    assert (done.result["code"], done.result["facts"]["what"]) == ("compute.quota", "rows")
    used_up = booked(hub, quota={**QUOTA, "seconds": 0})
    with pytest.raises(Conflict, match=r"compute\.quota"):
        hub.compute.run(person(hub, "sun.yue"), used_up.id, recipe("sex"))


def test_a_booking_is_confirmed_one_s_own_and_not_over(hub: Hub, booking: Case) -> None:
    with pytest.raises(NotFound, match=r"compute\.no_booking"):
        hub.compute.run(person(hub, "he.xin"), booking.id, recipe("sex"))
    with pytest.raises(Conflict, match=r"compute\.over"):
        hub.compute.run(person(hub, "sun.yue"), booked(hub, ends="2020-01-01").id, recipe("sex"))
    with pytest.raises(Invalid, match=r"record\.odd_fact"):
        booked(hub, quota="much")


def test_the_folder_of_a_job_is_gone_when_it_ends(hub: Hub, booking: Case) -> None:
    ran(hub, booking, recipe("sex"))
    folder = hub.settings.home / "compute"
    assert not list(folder.iterdir()), json.dumps([item.name for item in folder.iterdir()])


def test_texts_and_single_rows_of_the_data_are_found_in_an_output(tmp_path: Path) -> None:
    data, out = tmp_path / "data.parquet", tmp_path / "out.parquet"
    text = "一段足够长的原始文本，一共超过十六个字。"
    pl.DataFrame({"text": [text, "short", "b" * 20], "age": [31, 31, 47], "seat": ["a", "a", "b"]}).write_parquet(data)
    pl.DataFrame({"words": [f" {text} ", "a result of our own making", "short"]}).write_parquet(out)
    assert raw_rows(out, [data], 2) == 1
    pl.DataFrame({"age": [31, 47, 99]}).write_parquet(out)
    assert raw_rows(out, [data], 2) == 1, "47 stands once in the data; 99 not at all"
    pl.DataFrame({"score": [0.5]}).write_parquet(out)
    assert raw_rows(out, [data], 2) == 0


def test_rows_under_other_names_are_raw_and_counts_of_them_are_not(tmp_path: Path) -> None:
    people = pl.DataFrame(
        {"age": [n % 60 for n in range(240)], "income": [n * 7 % 1009 for n in range(240)], "area": ["a", "b"] * 120}
    )
    data, out = tmp_path / "data.parquet", tmp_path / "out.parquet"
    people.write_parquet(data)
    people.head(50).rename({"age": "x", "income": "y", "area": "z"}).write_parquet(out)
    assert raw_rows(out, [data], 5) == 50
    people.head(50).rename({"income": "y"}).select("age", "y").with_columns(z=pl.col("y") + 1).write_parquet(out)
    assert raw_rows(out, [data], 5) == 50, "under its own name the age alone fits four rows each"
    told = people.group_by("area").agg(n=pl.len(), low=pl.col("age").min(), mean=pl.col("income").mean())
    told.write_parquet(out)
    assert raw_rows(out, [data], 5) == 0
    people.group_by(pl.col("age") // 10).agg(n=pl.len(), high=pl.col("income").max()).rename({"age": "decade"}).write_parquet(out)
    assert raw_rows(out, [data], 5) == 0
