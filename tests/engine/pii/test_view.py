"""A column of views is the view of each text, however the work on the column is shortened."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from corpushub.engine.pii.view import View, view, views

PIECES = st.sampled_from(
    ["电话", "１３８", "138", " ", "\u3000", "\u200b", "\n", "0013", "8000", "一三八", "零零", "幺", "①②", "—", "－", "O", "l", "٣٤", "。", "10。0。", "（", "／", "＃", "Ａｂ", "x", "."]
)  # fmt: skip


@example(["0013一三八"])
@given(st.lists(st.lists(PIECES, max_size=14).map("".join), max_size=6))
def test_a_column_reads_as_its_texts_one_by_one(texts: list[str]) -> None:
    column, moved = views(pl.Series(texts, dtype=pl.String))
    for row, (read, text) in enumerate(zip(column, texts, strict=True)):
        made, alone = moved.get(row, View(read)), view(text)
        assert made.text == read
        spans = [made.span(at, at + 1) for at in range(len(made.text))]
        assert made.text == alone.text or (made == View(text) and unread(text, alone.text))
        assert made.text != alone.text or spans == [alone.span(at, at + 1) for at in range(len(alone.text))]


@pytest.mark.parametrize("whole", ["6217001234567890122", "6217000012345670", "0571-8888123"])
def test_a_whole_number_at_the_end_of_a_row_does_not_take_the_number_of_the_next_row(whole: str) -> None:
    assert view(f"1\t张伟\t{whole}\n2\t水玲珑\t无").text == f"1\t张伟\t{whole}\n2\t水玲珑\t无"


def test_a_number_broken_over_two_lines_is_read_as_one() -> None:
    assert view("账号 62170000\n12345670，请核对").text == "账号 62170000 12345670，请核对"
    assert view("电话 0571-8888\n8123 请致电").text == "电话 0571-8888 8123 请致电"


def unread(text: str, folded: str) -> bool:
    """Full-width signs that no recognizer asks for stay as they are in a text that holds nothing else to fold."""
    signs = str.maketrans("／＃", "/#")
    return text.translate(signs) == folded
