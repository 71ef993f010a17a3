from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from corpushub.base.errors import Unavailable
from corpushub.engine.text import tokens


def test_the_estimate_is_a_whole_number_that_grows_with_the_text() -> None:
    short, long, none = tokens.estimate(pl.Series(["公共数据", "公共数据资源授权运营管理办法", None])).to_list()
    assert 0 < short < long
    assert none == 0


def test_english_costs_about_a_token_per_word() -> None:
    sentence = "The agency shall publish the notice within ten working days of the decision of the council."
    assert abs(tokens.estimate(pl.Series([sentence]))[0] - len(sentence.split())) <= 4


def test_characters_leave_white_space_out() -> None:
    assert tokens.characters(pl.Series(["数据 资源\n目录", None])).to_list() == [6, 0]


def test_a_vocabulary_without_its_library_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_text("{}")
    if find_spec("tokenizers") is None:
        with pytest.raises(Unavailable, match="tokenizers"):
            tokens.counter("vocabulary.json", path)
