from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine.text import stats as ts
from corpushub.engine.text.counts import NAMES

LETTERS = st.sampled_from('the of 的了中文文文。！,."”)）\n\n  |>{}ÃÂ¤€é锟斤拷鐨勬剰\ufffd\ue0001２\U0001f600\U00020000')
texts = st.lists(st.one_of(st.none(), st.text(LETTERS, max_size=60), st.text(max_size=40)), max_size=8)


def counted(text: str) -> dict[str, int]:
    return dict(zip(NAMES, ts.count(pl.Series([text]), fast=False)[0].tolist(), strict=True))


@given(texts)
def test_numpy_and_numba_count_the_same(values: list[str | None]) -> None:
    column = pl.Series("t", values, dtype=pl.String)
    assert np.array_equal(ts.count(column, fast=False), ts.count(column, fast=True))


@given(texts)
def test_a_row_counts_the_same_in_any_batch(values: list[str | None]) -> None:
    column = pl.Series("t", values, dtype=pl.String)
    alone = [ts.count(column[place : place + 1], fast=False)[0] for place in range(len(column))]
    assert all(np.array_equal(one, row) for one, row in zip(alone, ts.count(column, fast=False), strict=True))


def test_every_character_has_one_class() -> None:
    got = counted("第1条 The 法。\n甲|乙")
    assert sum(got[name] for name in NAMES[:10]) == len("第1条 The 法。\n甲|乙")
    assert (got["han"], got["latin"], got["digits"], got["stops"], got["breaks"], got["separators"]) == (5, 3, 1, 1, 1, 1)


def test_chinese_read_with_the_wrong_codec_is_seen() -> None:
    wrong = "关于印发北京市公共数据资源授权运营管理办法的通知".encode().decode("gbk", "ignore")
    assert counted(wrong)["mojibake"] / counted(wrong)["han"] > 0.4
    assert counted("关于印发北京市公共数据资源授权运营管理办法的通知")["mojibake"] == 0
    assert counted("繁體中文的測試與應當會，臺灣與香港")["mojibake"] == 0


def test_utf8_read_as_latin_1_is_seen() -> None:
    assert counted("CafÃ© â€œquotedâ€")["mojibake"] >= 4
    assert counted("Café “quoted” naïve Übermaß")["mojibake"] == 0


def test_repeated_lines_and_phrases_are_counted_once_they_come_again() -> None:
    got = counted("同一行文字在此。\n同一行文字在此。\n同一行文字在此。")
    assert got["repeated_line_chars"] == 16
    assert got["repeated_grams"] == 7
    assert counted("甲乙丙丁戊己庚辛壬癸子丑寅卯")["repeated_grams"] == 0


def test_a_line_ends_like_a_sentence_behind_its_closing_quote() -> None:
    got = counted("他说：“好。”\n标题没有句号\n（结束！）")
    assert (got["lines"], got["ended_lines"]) == (3, 2)


def test_stop_words_are_whole_words() -> None:
    assert counted("The cat of the theory, Ofen")["stop_words"] == 3
