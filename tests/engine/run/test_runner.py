"""A build: the same bytes again, every row accounted for, nothing half there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from corpushub.base.errors import Conflict, Invalid
from corpushub.base.settings import Settings
from corpushub.domain.build import Built
from corpushub.domain.recipe import Recipe
from corpushub.engine.cache import Cache
from corpushub.engine.plan import Plan, Setting, make_plan
from corpushub.engine.registry import registry
from corpushub.engine.run.runner import run
from corpushub.engine.shards import Shard
from corpushub.engine.sources.opening import Place, open_source

RECIPE = """\
dataset: city/notices
title: {{zh: 通报, en: Notices}}
purpose: model-training
licence: {{id: cc-by-4.0}}
sources:
  notices: {{resource: r/1, from: notices.csv}}
contract: {{key: id, columns: {{id: {{required: true}}, day: {{dtype: date}}, city: {{}}, cases: {{dtype: int}}}}}}
steps:
  - parse_dates: {{column: day}}
  - cast: {{columns: {{cases: int}}}}
{more}
"""
ROWS = (
    "day,city,cases\n"
    + "".join(f"2020年{1 + n % 12}月{1 + n % 28}日,城{n % 12},{n}\n" for n in range(400))
    + "没有日期,城1,1\n2020年1月1日,城1,许多\n"
)


def planned(folder: Path, more: str = "", rows: str = ROWS, cache: Path | None = None) -> tuple[Plan, Cache]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "notices.csv").write_text(rows, "gb18030")
    recipe = Recipe.parse(RECIPE.format(more=more), name="notices.yaml", steps=registry())
    place = Place(folder, Settings(home=folder), Cache(cache or folder / "cache"))
    sources = [open_source(ref, place) for ref in recipe.sources]
    return make_plan(recipe, sources, registry(), Setting(folder)), place.cache


def bytes_of(folder: Path) -> Mapping[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


SPLIT = "  - dedup_exact: {on: [day, city]}\n  - split: {by: id, train: 0.8, validation: 0.1, test: 0.1}"


def built(tmp_path: Path, more: str = SPLIT) -> tuple[Built, Path]:
    plan, cache = planned(tmp_path / "in", more)
    return run(plan, tmp_path / "out", cache=cache), tmp_path / "out"


def test_two_builds_from_nothing_give_equal_bytes(tmp_path: Path) -> None:
    results = []
    for name in ("one", "two"):
        plan, cache = planned(tmp_path / name, SPLIT)
        run(plan, tmp_path / name / "out", cache=cache)
        results.append(bytes_of(tmp_path / name / "out"))
    assert results[0] == results[1]
    assert any(name.startswith("data/train-00000-of-00001") for name in results[0])


def test_every_row_is_released_or_dropped_for_a_named_reason(tmp_path: Path) -> None:
    done, folder = built(tmp_path)
    drops = pl.read_parquet(folder / "provenance" / "drops.parquet")
    lineage = pl.read_parquet(folder / "provenance" / "lineage.parquet")
    assert done.sources[0].rows == 402
    assert done.rows + drops.height == 402
    assert lineage.height == done.rows
    reasons = dict(drops.group_by("reason").len().iter_rows())
    assert reasons["not_date_day"] == 1
    assert reasons["not_int_cases"] == 1
    assert [(fact.rows_in - fact.rows_out) for fact in done.steps] == [sum(fact.dropped.values()) for fact in done.steps]
    for before, after in zip(done.steps, done.steps[1:], strict=False):
        assert before.rows_out == after.rows_in


def test_a_merged_row_says_who_stayed(tmp_path: Path) -> None:
    _, folder = built(tmp_path)
    merged = pl.read_parquet(folder / "provenance" / "drops.parquet").filter(reason="exact_duplicate")
    assert merged.height
    assert merged["merged_into"].str.starts_with("notices/notices.csv:").all()


def test_of_two_rulings_in_a_row_both_hold(tmp_path: Path) -> None:
    """What the first removed neither meets the second nor is released."""
    done, folder = built(tmp_path, "  - dedup_exact: {on: [day, city]}\n  - dedup_near: {on: city}")
    exact, near = done.steps[-2:]
    assert exact.dropped == {"exact_duplicate": exact.rows_in - exact.rows_out}
    assert near.rows_in == exact.rows_out
    drops = pl.read_parquet(folder / "provenance" / "drops.parquet")
    assert dict(drops.group_by("step").len().iter_rows())[exact.index] == exact.rows_in - exact.rows_out > 0
    assert done.rows + drops.height == 402


def test_between_two_rulings_rows_stay_where_they_are(tmp_path: Path) -> None:
    """They are not written again: a file says which are left, of those that an earlier one left."""
    plan, cache = planned(
        tmp_path / "in", "  - dedup_exact: {on: [day, city]}\n  - dedup_near: {on: city}\n  - dedup_exact: {on: cases}"
    )
    done = run(plan, tmp_path / "out", cache=cache)
    [first, _] = sorted(cache.root.glob("*/*/rows.arrow"), key=lambda path: -pl.read_ipc(path).height)
    shards = [Shard(str(first), 0, "", kept=str(path)) for path in cache.root.glob("*/*/kept.npy")]
    after_exact, after_near = sorted((shard.read(["id"]) for shard in shards), key=len, reverse=True)
    _, _, exact, near, last = done.steps
    assert (after_exact.height, after_near.height) == (near.rows_in, last.rows_in) == (exact.rows_out, near.rows_out)
    assert set(pl.read_parquet(tmp_path / "out" / "data")["id"]) <= set(after_near["id"]) < set(after_exact["id"])
    assert all(shard.read().equals(shard.scan().collect()) for shard in shards)


def test_released_types_and_order_follow_the_contract(tmp_path: Path) -> None:
    done, folder = built(tmp_path)
    assert [(column.name, column.dtype) for column in done.columns] == [
        ("id", "string"), ("day", "date32[day]"), ("city", "string"), ("cases", "int64"),
    ]  # fmt: skip
    schema = pq.read_schema(folder / done.files[0].path)
    assert schema.names == ["id", "day", "city", "cases"]


def test_what_was_computed_once_is_not_computed_again(tmp_path: Path) -> None:
    plan, cache = planned(tmp_path / "in", SPLIT)
    one = run(plan, tmp_path / "one", cache=cache)
    events: list[str] = []
    two = run(plan, tmp_path / "two", cache=cache, progress=lambda event: events.append(event.stage))
    assert one == two
    assert events == []
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_a_step_that_does_not_fit_is_told_with_its_line_and_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        planned(tmp_path, "  - cast: {columns: {casis: int}}\n  - dedup_exact: {on: citty}")
    assert caught.value.code == "plan.invalid"
    assert [(problem.line, problem.facts["suggestion"]) for problem in caught.value.problems] == [(11, "cases"), (12, "city")]


def test_a_contract_the_steps_do_not_keep_is_told_before_the_build(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        planned(tmp_path, "  - rename: {columns: {city: town}}\n  - derive: {columns: {cases: 'cases > 3'}}")
    assert [(problem.code, problem.line) for problem in caught.value.problems] == [
        ("plan.promised_missing", 7),
        ("plan.promised_type", 7),
    ]


def test_a_cancelled_build_leaves_nothing_and_goes_on_later(tmp_path: Path) -> None:
    plan, cache = planned(tmp_path / "in", SPLIT)
    with pytest.raises(Conflict, match=r"build\.cancelled"):
        run(plan, tmp_path / "out", cache=cache, cancelled=lambda: True)
    assert not list(tmp_path.glob("*out*"))
    assert run(plan, tmp_path / "out", cache=cache).rows


def test_an_empty_result_is_refused_with_the_reasons(tmp_path: Path) -> None:
    plan, cache = planned(tmp_path / "in", rows="day,city,cases\nnie,a,1\n")
    with pytest.raises(Invalid, match=r"build\.empty"):
        run(plan, tmp_path / "out", cache=cache)


def test_a_split_column_of_the_source_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    plan, cache = planned(tmp_path / "in", rows="day,city,cases,split\n2020年1月1日,城,1,train\n2020年1月2日,城,2,../../out\n")
    with pytest.raises(Invalid, match=r"build\.split_name"):
        run(plan, tmp_path / "out", cache=cache)
    assert not (tmp_path / "out").exists()
