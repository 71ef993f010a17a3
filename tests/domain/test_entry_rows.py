"""Many entries in one text: CSV with parted columns, JSON, JSON lines."""

from __future__ import annotations

import json

import pytest

from corpushub.base.errors import Invalid
from corpushub.domain.entry_rows import read_rows

ENTRY = {"id": "990100/stats/a", "title": {"zh": "甲", "en": "A"}, "items": [{"name": "x"}]}


def test_a_table_s_parted_columns_become_parts_and_cells_may_be_json() -> None:
    text = '\ufeffid,title.zh,title.en,items,summary.zh\n990100/stats/a,甲,A,"[{""name"": ""x""}]",\n'
    assert read_rows(text) == [ENTRY]


def test_a_quoted_cell_may_hold_lines() -> None:
    assert read_rows('id,summary.zh\na,"一\n二"\nb,三') == [
        {"id": "a", "summary": {"zh": "一\n二"}},
        {"id": "b", "summary": {"zh": "三"}},
    ]


@pytest.mark.parametrize("text", [json.dumps([ENTRY, ENTRY]), f"{json.dumps(ENTRY)}\n\n{json.dumps(ENTRY)}\n"])
def test_json_comes_as_a_list_or_line_by_line(text: str) -> None:
    assert read_rows(text) == [ENTRY, ENTRY]


def test_the_row_that_is_no_json_is_named() -> None:
    with pytest.raises(Invalid) as refused:
        read_rows('{"id": "a"}\n{"id": \n')
    assert refused.value.code == "intake.row"
    assert refused.value.facts == {"row": 2}


def test_nothing_holds_no_rows() -> None:
    assert read_rows(" \n") == []
