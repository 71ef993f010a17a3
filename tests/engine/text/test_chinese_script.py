from __future__ import annotations

import polars as pl

from corpushub.engine.text.chinese_script import to_script


def test_phrases_decide_before_single_characters() -> None:
    traditional = to_script(pl.Series(["头发在后面，皇后出发", "理发与发展"]), "traditional")
    assert traditional.to_list() == ["頭髮在後面，皇后出發", "理髮與發展"]
    assert to_script(traditional, "simplified").to_list() == ["头发在后面，皇后出发", "理发与发展"]


def test_text_already_in_the_script_is_untouched() -> None:
    column = pl.Series(["数据资源", None, "", "English, ok"])
    assert to_script(column, "simplified").to_list() == ["数据资源", None, "", "English, ok"]


def test_the_input_is_not_changed_in_place() -> None:
    column = pl.Series(["數據"])
    assert to_script(column, "simplified")[0] == "数据"
    assert column[0] == "數據"
