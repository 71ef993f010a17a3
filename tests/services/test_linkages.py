from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from corpushub.services.linkages import linked, unpacked
from tests.kit.cards import RECIPE, Works, a_recipe, a_works

KEY = bytes(range(32))
PEOPLE = {"sex": ["f", "m"] * 6, "age": ["30-39"] * 6 + ["40-49"] * 6, "town": ["a", "b", "c"] * 4}


def table(folder: Path, name: str, **columns: list[str]) -> Path:
    path = folder / f"{name}.parquet"
    pl.DataFrame(columns).write_parquet(path)
    return path


def test_two_releases_with_rare_combinations_in_common_are_linked(tmp_path: Path) -> None:
    first = linked([table(tmp_path, "one", **PEOPLE)], ("sex", "age", "town"), KEY, {})
    assert first.measures == {"linkage_one_to_one": 0}
    again = linked(
        [table(tmp_path, "two", sex=PEOPLE["sex"], town=PEOPLE["town"])], ("sex", "town"), KEY, {"city/one@1.0.0": first.table}
    )
    assert again.measures["linkage_one_to_one"] == 0
    rare = linked([table(tmp_path, "rare", sex=["f", "m"], town=["z", "b"])], ("sex", "town"), KEY, {})
    other = table(tmp_path, "other", sex=["f", "m", "m"], town=["z", "b", "c"], job=["x", "y", "y"])
    found = linked([other], ("sex", "town", "job"), KEY, {"city/rare@1.0.0": rare.table})
    assert found.measures["linkage_one_to_one"] == 2
    assert found.report["city/rare@1.0.0"]["columns"] == ["sex", "town"]


def test_the_next_version_of_the_same_table_adds_nothing_to_join_with(tmp_path: Path) -> None:
    path = table(tmp_path, "one", sex=["f", "m"], town=["z", "b"])
    first = linked([path], ("sex", "town"), KEY, {})
    assert linked([path], ("town", "sex"), KEY, {"city/one@1.0.0": first.table}).measures == {"linkage_one_to_one": 0}


def test_the_class_file_holds_no_value_and_is_the_same_every_time(tmp_path: Path) -> None:
    path = table(tmp_path, "one", **PEOPLE)
    one, two = (linked([path], ("sex", "age", "town"), KEY, {}).table for _ in range(2))
    assert one == two
    assert set(unpacked(one)) == {"age + sex", "age + town", "sex + town", "age + sex + town"}
    held = pl.concat(unpacked(one).values())
    assert held.columns == ["class", "rows"]
    assert held["class"].dtype == pl.UInt64


DATED = RECIPE.replace("issued: {dtype: date,", "issued: {dtype: date, role: quasi,")
BOTH = DATED.replace("topic: {dtype: str, required: true,", "topic: {dtype: str, required: true, role: quasi,")


def build(works: Works, name: str, recipe: str) -> str:
    """A build that says of itself that its table is k-anonymous, whatever its rows are."""
    made = works.build(name, recipe=a_recipe(recipe))
    record = works.builds.records[made]
    measures = {**record.built.measures, "k_anonymity": 9}
    works.builds.records[made] = replace(record, built=replace(record.built, measures=measures))
    return made


def test_a_release_that_links_to_an_earlier_one_is_blocked_and_nobody_may_waive_it(tmp_path: Path) -> None:
    works = a_works(tmp_path)
    works.releases.publish(works.city["operator"], works.approved(build(works, "b-1", DATED)).id)
    with works.city.database.read() as unit:
        tag = unit.repos.resolve("yunzhou/notices", "v1.0.0")
        assert "provenance/classes.parquet" in {entry.path for entry in unit.repos.entries(tag)}
    case = works.releases.propose(works.city["operator"], build(works, "b-2", BOTH))
    gate = next(row for row in case.data["gates"] if row["id"] == "G12")
    assert (gate["status"], gate["outcomes"][0]["value"], gate["waivable_by"]) == ("fail", 60, [])
    assert case.state == "blocked"
