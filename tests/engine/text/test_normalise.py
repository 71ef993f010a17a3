from __future__ import annotations

import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine.text.normalise import normalise

TRICKY = st.sampled_from(
    "aZ１Ａ　 \t\n\r\x0b\u2028\u200b\u200c\u200d\ufeff\u00ad，。！（）⼀豈Å\u0301\u0065क्ष\u2764\U0001f468\U000e0041\x00中文\U00020000\U0001d16d"
)
texts = st.lists(st.one_of(st.none(), st.text(TRICKY, max_size=12), st.text(max_size=12)), max_size=8)


def one(text: str) -> str:
    return normalise(pl.Series([text]), fast=False)[0]


@given(texts)
def test_numpy_and_numba_agree(values: list[str | None]) -> None:
    column = pl.Series("t", values, dtype=pl.String)
    assert normalise(column, fast=False).to_list() == normalise(column, fast=True).to_list()


@given(st.lists(st.text("ab~ \x7f\n\té中", min_size=6, max_size=40), max_size=6))
def test_numpy_and_numba_agree_where_plain_text_is_looked_at_in_eights(values: list[str]) -> None:
    column = pl.Series(values, dtype=pl.String)
    assert normalise(column, fast=True).to_list() == normalise(column, fast=False).to_list()


@given(st.integers(0, 40), st.sampled_from([" ", "  ", "\n", "\x1f", "\x7f", "\u3000", "\u200b", "\t"]), st.integers(0, 16))
def test_dirt_is_seen_wherever_it_stands_among_plain_text(place: int, dirt: str, more: int) -> None:
    column = pl.Series(["a" * place + dirt + "b" * more])
    assert normalise(column, fast=True).to_list() == normalise(column, fast=False).to_list()


@given(texts)
def test_normalising_twice_changes_nothing_more(values: list[str | None]) -> None:
    once = normalise(pl.Series("t", values, dtype=pl.String), fast=False)
    assert normalise(once, fast=False).to_list() == once.to_list()


@given(texts)
def test_the_result_is_nfc_and_nulls_stay(values: list[str | None]) -> None:
    out = normalise(pl.Series("t", values, dtype=pl.String), fast=False).to_list()
    assert [value is None for value in out] == [value is None for value in values]
    assert all(unicodedata.is_normalized("NFC", value) for value in out if value)


def test_chinese_punctuation_is_never_folded_to_ascii() -> None:
    sentence = "根据规定，应当：（公开）！“引号”《条例》；"
    assert one(sentence) == sentence


def test_full_width_digits_become_digits_not_quotes() -> None:
    assert one("ＡＢＣ１２３ｘｙｚ") == "ABC123xyz"


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("\ufeff第一条\u3000\u3000总则  ", "第一条 总则"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("段一\n\n\n\n段二", "段一\n\n段二"),
        ("行尾空格 \t\n 行首", "行尾空格\n行首"),
        ("零\u200b宽\u2060字\u00ad符", "零宽字符"),
        ("⼀⼆", "一二"),
        ("e\u0301", "é"),
        ("क्\u200dष 👨\u200d👩", "क्\u200dष 👨\u200d👩"),
        ("中\u200d文", "中文"),
        ("\x00\x07坏", "坏"),
    ],
)
def test_what_each_kind_of_dirt_becomes(raw: str, clean: str) -> None:
    assert one(raw) == clean


def test_an_empty_column_stays_empty() -> None:
    assert normalise(pl.Series("t", [], dtype=pl.String)).to_list() == []


def test_slices_see_only_their_rows() -> None:
    column = pl.Series("t", ["Ａ", None, "Ｂ ", "Ｃ"])[1:3]
    assert normalise(column, fast=False).to_list() == [None, "B"] == normalise(column, fast=True).to_list()


def test_the_input_column_is_not_changed_in_place() -> None:
    column = pl.Series("t", ["e\u0301", "b"])
    normalise(column, fast=False)
    assert column[0] == "e\u0301"
