"""A column of views is the view of each text, however the work on the column is shortened."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine.pii.view import View, view, views

PIECES = st.sampled_from(
    ["电话", "１３８", "138", " ", "\u3000", "\u200b", "\n", "0013", "8000", "一三八", "零零", "幺", "①②", "—", "－", "O", "l", "٣٤", "。", "10。0。", "（", "／", "＃", "Ａｂ", "x", "."]
)  # fmt: skip


@given(st.lists(st.lists(PIECES, max_size=14).map("".join), max_size=6))
def test_a_column_reads_as_its_texts_one_by_one(texts: list[str]) -> None:
    column, moved = views(pl.Series(texts, dtype=pl.String))
    for row, (read, text) in enumerate(zip(column, texts, strict=True)):
        made, alone = moved.get(row, View(read)), view(text)
        assert made.text == read
        spans = [made.span(at, at + 1) for at in range(len(made.text))]
        assert made.text == alone.text or (made == View(text) and unread(text, alone.text))
        assert made.text != alone.text or spans == [alone.span(at, at + 1) for at in range(len(alone.text))]


def unread(text: str, folded: str) -> bool:
    """Full-width signs that no recognizer asks for stay as they are in a text that holds nothing else to fold."""
    signs = str.maketrans("／＃", "/#")
    return text.translate(signs) == folded
