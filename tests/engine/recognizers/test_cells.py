"""Columns of names in tables that are text."""

from __future__ import annotations

import pytest

from corpushub.engine.recognizers.cells import names_in_columns


def names(text: str) -> list[str]:
    return [text[start:end] for start, end in names_in_columns(text)]


@pytest.mark.parametrize("mark", ["|", "\t", ",", "，", " "])
def test_whatever_stands_below_the_head_of_names_is_one(mark: str) -> None:
    rows = [("序号", "姓名", "座位"), ("1", "黄河", "02"), ("2", "马上飞", "03"), ("3", "古丽·买买提", "04")]
    assert names("\n".join(mark.join(row) for row in rows)) == ["黄河", "马上飞", "古丽·买买提"]


@pytest.mark.parametrize("mark", ["|", "\t", ",", "，"])
def test_an_empty_cell_at_the_end_is_a_cell(mark: str) -> None:
    rows = [("序号", "姓名", "备注"), ("1", "黄河", ""), ("2", "马上飞", ""), ("3", "高山", ""), ("4", "水玲珑", "无")]
    assert names("\n".join(mark.join(row) for row in rows)) == ["黄河", "马上飞", "高山", "水玲珑"]


def test_rules_between_rows_do_not_end_a_table_and_prose_does() -> None:
    assert names("| 姓名 | 性别 |\n|---|---|\n| 高山 | 男 |\n说明一\n说明二\n说明三\n| 程序 | 男 |") == ["高山"]


@pytest.mark.parametrize(
    "text", ["姓名 性别\n不详 男", "部门,姓名,电话\n办公室,待定,无", "姓名：王小明\n性别：男", "项目,金额,备注\n高山,1,2"]
)
def test_blanks_and_other_columns_hold_no_names(text: str) -> None:
    assert names(text) == []
