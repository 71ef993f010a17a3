from __future__ import annotations

import json
import statistics
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.domain.build import BuiltFile
from corpushub.engine import profile as profiles
from corpushub.engine.profile import of_counts, profile_files


def written(folder: Path, frame: pl.DataFrame, **options: int) -> tuple[BuiltFile, ...]:
    (folder / "data").mkdir(exist_ok=True)
    path = "data/train-00000-of-00001.parquet"
    frame.write_parquet(folder / path, **options)  # type: ignore[arg-type]  # keywords of the case
    return (BuiltFile(path, "default", "train", frame.height, 0, ""),)


FRAME = pl.DataFrame({
    "text": ["一二三", "四", None, "五六七八九", "一二三"],
    "number": [1, 2, 3, 4, None],
    "real": [0.5, 1.5, float("nan"), 2.5, None],
    "flag": [True, False, None, True, True],
    "day": [date(2020, 1, 1), date(2021, 5, 5), None, date(2021, 1, 1), date(2020, 1, 1)],
    "list": [["a"], [], None, ["b", "c"], ["d"]],
})  # fmt: skip


def test_every_type_tells_what_it_can(tmp_path: Path) -> None:
    found = profile_files(tmp_path, written(tmp_path, FRAME))
    text = found.columns["text"]
    assert (text["count"], text["nulls"], text["distinct"], text["min"], text["max"], text["median"]) == (5, 1, 3, 1, 5, 3)
    assert text["top"][0] == {"value": "一二三", "count": 2}
    assert found.columns["number"]["mean"] == 2.5
    assert found.columns["flag"]["top"] == [{"value": "true", "count": 3}, {"value": "false", "count": 1}]
    assert found.columns["day"]["years"] == {"2020": 2, "2021": 2}
    assert (found.columns["day"]["min"], found.columns["day"]["max"]) == ("2020-01-01", "2021-05-05")
    assert (found.columns["list"]["max"], found.columns["list"]["nulls"]) == (2, 1)
    assert found.schema[-1] == ("list", "list<string>")
    assert found.example["text"] == "一二三"


def test_batches_and_row_groups_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pl.concat([FRAME] * 40)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = profile_files(tmp_path / "a", written(tmp_path / "a", frame))
    monkeypatch.setattr(profiles, "BATCH_ROWS", 7)
    other = profile_files(tmp_path / "b", written(tmp_path / "b", frame, row_group_size=13))
    assert one.columns == other.columns


def test_a_profile_reads_back_from_json(tmp_path: Path) -> None:
    found = profile_files(tmp_path, written(tmp_path, FRAME))
    assert profiles.from_json(json.loads(json.dumps(profiles.to_json(found)))) == found


def test_what_the_build_counted_is_what_the_files_say(tmp_path: Path) -> None:
    files = written(tmp_path, FRAME)
    told = profile_files(tmp_path, files)
    assert profile_files(tmp_path, files, told.columns) == told
    assert (
        profile_files(tmp_path, files, {**told.columns, "text": {**told.columns["text"], "max": 9}}).columns["text"]["max"] == 9
    )
    other_rows = {name: {**column, "count": 4} for name, column in told.columns.items()}
    assert profile_files(tmp_path, files, other_rows) == told


def test_many_values_are_not_counted_but_lengths_are(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": [f"v{n}" for n in range(5000)]})
    column = profile_files(tmp_path, written(tmp_path, frame)).columns["text"]
    assert "distinct" not in column
    assert column["max"] == 5


@given(st.lists(st.integers(0, 300), min_size=1, max_size=80))
def test_statistics_of_lengths_are_exact(lengths: list[int]) -> None:
    import numpy as np

    found = of_counts(np.bincount(lengths))
    assert (found["min"], found["max"]) == (min(lengths), max(lengths))
    assert found["median"] == statistics.median_low(lengths)
    assert found["mean"] == pytest.approx(statistics.fmean(lengths), rel=1e-5)
    assert sum(found["histogram"]["counts"]) == len(lengths)
