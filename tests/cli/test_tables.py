"""What people read at a terminal: no JSON in cells, ids whole, times and headings in the reader's words, and nothing that steers a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from corpushub.base.messages import Lang
from corpushub.cli.tables import phrase, print_value

CASE = "rel-01M84AS0F9KA0BWYNDTV5MGQYW"
Shown = Callable[..., list[str]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shown:
    def lines(value: Any, columns: int = 80, lang: Lang = "zh", title: str = "") -> list[str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        print_value(value, lang, title=title)
        return [line.rstrip() for line in capsys.readouterr().out.splitlines()]

    return lines


def test_a_table_too_wide_for_the_terminal_becomes_blocks(shown: Shown) -> None:
    rows = [{"entity": "CN_MOBILE", "recall_from": 0.9123, "precision_from": 0.8511, "note": "telephone"}]
    assert shown(rows, 40, "en") == [
        "entity          CN_MOBILE",
        "recall_from     0.9123",
        "precision_from  0.8511",
        "note            telephone",
    ]
    assert any("│ CN_MOBILE │" in line for line in shown(rows, 120, "en"))


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_an_id_is_never_broken(shown: Shown, columns: int) -> None:
    rows = [{"case": CASE, "state": "in_review", "at": "2026-11-23T13:50:52.905449+00:00", "title": "疫情通报逐日统计" * 4}]
    told = shown(rows, columns)
    assert any(CASE in line for line in told)
    assert any("2026-11-23 21:50:52" in line for line in told), "Beijing time"


def test_a_record_shows_lines_and_what_is_inside_it_as_tables(shown: Shown) -> None:
    told = shown(
        {
            "title": {"zh": "法律", "en": "Laws"},
            "same": False,
            "items": [{"dtype": "str", "name": "url"}],
            "data": {"a": ["x", "y"]},
        }
    )
    assert not any("{" in line or '"' in line for line in told)
    assert told[0].split() == ["标题", "法律"]
    assert told[1].split() == ["相同", "否"]
    assert any("│ str" in line and "│ url" in line for line in told)
    assert any(line.split() == ["a", "x,", "y"] for line in told)


def test_codes_of_the_flows_have_their_words_in_front(shown: Shown) -> None:
    """The words are for reading, the codes for typing."""
    row = {"flow": "access", "state": "submitted", "commands": ["approve", "return"], "light": "amber", "type": "release.voted"}
    told = "\n".join(shown(row, 200))
    assert all(words in told for words in ("使用申请 access", "已提交 submitted", "通过 approve, 退回 return", "临近 amber"))
    assert "release.voted" in told
    assert "使用申请" not in "\n".join(shown(row, 200, "en"))
    assert "已提交 submitted, 审批中 in_review" in "\n".join(shown({"from": "submitted, in_review"}, 200))
    assert shown([{"state": "never-heard-of"}], 200)[3] == "│ never-heard-of │"


def test_nothing_to_show_is_said(shown: Shown) -> None:
    assert shown([]) == ["（无）"]
    assert shown([], lang="en") == ["(none)"]


def test_foreign_words_neither_colour_nor_turn_nor_end_a_table(shown: Shown) -> None:
    told = "\n".join(shown([{"a": "[/x][red]", "b": "\x1b[31m\u202egnp", "\x1bc": 1}]))
    assert "[/x][red]" in told, "square brackets are text"
    assert not {"\x1b", "\u202e"} & set(told)


def test_years_stand_without_a_comma() -> None:
    assert [phrase(value, "zh") for value in (2026, 449_100, True, None, [])] == ["2026", "449,100", "是", "-", ""]


def test_long_values_go_on_below_themselves(shown: Shown) -> None:
    told = shown({"summary": "国务院政府工作报告全文，" * 8}, 60)
    assert len(told) > 2
    assert all(line.startswith("      ") for line in told[1:])
