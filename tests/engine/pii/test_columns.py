"""Roles of columns are proposed from header and values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from corpushub.base.errors import Invalid
from corpushub.domain.recipe import Column, Contract, Recipe
from corpushub.engine.pii.columns import Role, head, infer_roles, unguarded
from corpushub.engine.recognizers.shape import id_check


def test_roles_follow_values_and_headers() -> None:
    ids = [body + id_check(body) for body in (f"1101051{y}01010{n}" for y, n in ((950, 12), (961, 34), (972, 56)))]
    frame = pl.DataFrame(
        {"x": ids, "年龄": [30, 40, 50], "diagnosis": ["a", "b", "c"], "amount": [1.5, 2.5, 3.5], "联系手机": [None, None, None]},
        schema_overrides={"联系手机": pl.String},
    )
    roles = {role.column: (role.role, role.why) for role in infer_roles(frame)}
    assert roles == {
        "x": ("direct", "values"),
        "年龄": ("quasi", "header"),
        "diagnosis": ("sensitive", "header"),
        "amount": ("insensitive", "distinct"),
        "联系手机": ("direct", "header"),
    }


def recipe(*columns: Column) -> Recipe:
    text = Path(__file__).parents[3].joinpath("recipes").glob("**/*.yaml")
    from corpushub.engine.registry import registry

    first = sorted(text)[0]
    made = Recipe.parse(first.read_text("utf-8"), name=first.name, steps=registry())
    return replace(made, contract=Contract(columns=columns), steps=())


def test_a_column_of_people_without_a_word_in_the_contract_is_a_problem() -> None:
    roles = [Role("tel", "direct", "CN_MOBILE", 0.9, 1.0, "values"), Role("姓名", "direct", "", 0.0, 1.0, "header")]
    silent = [Column("tel", line=7), Column("姓名", role="insensitive"), Column("other")]
    (problem,) = unguarded(roles, recipe(*silent))
    assert (problem.code, problem.line, problem.facts["column"]) == ("pii.unguarded_column", 7, "tel")
    assert unguarded(roles, recipe(Column("tel", pii="scrub"), Column("姓名", pii="keep"))) == []


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".jsonl"])
def test_tables_of_every_kind_are_read_from_their_head(tmp_path: Path, suffix: str) -> None:
    frame, path = pl.DataFrame({"a": ["007", "2"], "b": ["x", None]}), tmp_path / f"t{suffix}"
    match suffix:
        case ".parquet":
            frame.write_parquet(path)
        case ".jsonl":
            frame.write_ndjson(path)
        case _:
            frame.write_csv(path, separator="\t" if suffix == ".tsv" else ",")
    assert head(path, 1).rows() == [("007", "x")]


def test_what_is_no_table_is_refused_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_text("手机13912345678", "utf-8")
    with pytest.raises(Invalid, match=r"pii\.no_table") as caught:
        head(tmp_path / "t.parquet")
    assert "139" not in caught.value.explain("zh")
