from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from corpushub.base.errors import Invalid
from corpushub.engine.text import keywords


def test_every_list_touched_is_named() -> None:
    got = keywords.flags(pl.Series(["网上刷单和六合彩", "一部关于统计的办法", None, "Online CASINO offers"]), keywords.builtin())
    assert got.to_list() == [["gambling", "fraud"], [], [], ["gambling"]]


@pytest.mark.parametrize(
    ("name", "text", "lists"),
    [
        ("words.txt", "\ufeff# 注释\n甲词\n\n乙词 \n", {"words": ("甲词", "乙词")}),
        ("words.toml", 'local = ["甲"]\n[other]\nphrases = ["乙"]\n', {"local": ("甲",), "other": ("乙",)}),
    ],
)
def test_a_curator_brings_lists_as_text_or_toml(tmp_path: Path, name: str, text: str, lists: dict[str, tuple[str, ...]]) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    assert dict(keywords.read_lists(tmp_path / name)) == lists


@pytest.mark.parametrize(("name", "text"), [("a.txt", "# nothing\n"), ("a.toml", "x = ["), ("b.toml", "")])
def test_a_list_without_phrases_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(Invalid):
        keywords.read_lists(tmp_path / name)
