from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from corpushub.domain.build import BuiltFile
from corpushub.engine import contract as contracts
from corpushub.engine.contract import accept, schema_for
from tests.kit.cards import a_recipe, rows, write_data

CONTRACT = a_recipe().contract


def held(folder: Path, **changes: list[object]) -> contracts.Accepted:
    content = rows(5)
    for name, values in changes.items():
        for row, value in zip(content, values, strict=False):
            row[name] = value
    found = accept(folder, write_data(folder, {"train": content}), CONTRACT)
    assert found is not None
    return found


def test_good_rows_are_all_accepted(tmp_path: Path) -> None:
    assert held(tmp_path) == contracts.Accepted(5, 0, {})


@pytest.mark.parametrize(
    ("column", "values", "refused"),
    [
        ("topic", ["航天"], 1),
        ("text", ["短", None], 2),
        ("id", ["n-1", "n-1"], 2),
        ("topic", [None], 1),
    ],
)
def test_each_broken_promise_is_counted_by_rule(tmp_path: Path, column: str, values: list[object], refused: int) -> None:
    found = held(tmp_path, **{column: values})
    assert found.refused == refused
    assert sum(found.rules.values()) >= refused


def test_an_optional_column_may_be_empty(tmp_path: Path) -> None:
    assert held(tmp_path, views=[None, None]).refused == 0


def test_the_schema_makes_rows_that_keep_the_contract() -> None:
    present = {"id": pl.String(), "text": pl.String(), "views": pl.Int64()}
    schema = schema_for(CONTRACT, present)  # type: ignore[arg-type]  # types as a frame gives them
    assert schema.sample(20).height == 20


def test_too_many_rows_are_left_to_the_streaming_rates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contracts, "MAX_ROWS", 3)
    assert accept(tmp_path, write_data(tmp_path, {"train": rows(5)}), CONTRACT) is None
    assert accept(tmp_path, (), CONTRACT) is None


def test_split_files_are_compared_together(tmp_path: Path) -> None:
    files: tuple[BuiltFile, ...] = write_data(tmp_path, {"train": rows(3), "test": rows(2)})
    found = accept(tmp_path, files, CONTRACT)
    assert found is not None
    assert found.refused == 4


def test_broken_cells_are_named_by_split_number_and_key_and_not_quoted(tmp_path: Path) -> None:
    recipe = a_recipe()
    train, test = rows(20), rows(10, 20)
    train[3]["topic"], test[4]["text"] = "不在其列", "短"
    files = write_data(tmp_path, {"train": train, "test": test})
    found = accept(tmp_path, files, recipe.contract)
    assert found is not None
    assert [(place.split, place.row, place.key, place.column, dict(place.found)) for place in found.places] == [
        ("train", 3, train[3]["id"], "topic", {"check": 1}),
        ("test", 4, test[4]["id"], "text", {"min_length": 1}),
    ]
    assert "不在其列" not in repr(found)
