from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine.text import characters as ch
from corpushub.engine.text import stats as ts
from corpushub.engine.text.counts import CLOSER, LEAD, MARKUP, NAMES

LETTERS = st.sampled_from('the of 的了中文文文。！,."”)）\n\n  |>{}ÃÂ¤€é锟斤拷鐨勬剰丨微\ufffd\ue0001２\U0001f600\U00020000')
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


@given(texts, st.lists(st.integers(0, 7), max_size=6))
def test_rows_are_counted_where_they_lie(values: list[str | None], places: list[int]) -> None:
    """Slices, gathered rows and columns in several chunks share memory with rows that are not counted; short ones lie in the views."""
    whole = pl.Series("t", [*values, "超过十二个字节的一行文字", "short"], dtype=pl.String)
    chunks = whole[1:].append(pl.Series(["另一块内存里的文字，共享缓冲区"]))
    for column in (whole[1:-1], whole.gather([place % len(whole) for place in places]), chunks):
        assert np.array_equal(ts.count(column, fast=False), ts.count(column, fast=True))


@given(st.lists(st.text(LETTERS, max_size=200), max_size=6), st.sampled_from([0.2, 0.45, 0.6]))
def test_repeated_phrases_are_counted_in_full_where_they_may_decide(values: list[str], above: float) -> None:
    column = pl.Series("t", values, dtype=pl.String)
    grams, repeated = NAMES.index("grams"), NAMES.index("repeated_grams")
    full, short = ts.count(column, fast=True), ts.count(column, fast=True, grams_above=above)
    decides = full[:, repeated] > above * full[:, grams]
    assert np.array_equal(short[decides], full[decides])
    assert (short[~decides, repeated] <= above * full[~decides, grams]).all()


def test_a_tally_holds_all_that_ideographs_can_be() -> None:
    """The fast loop over U+4000 to U+9FFF counts ideographs, symbols and four flags, and nothing else stands there."""
    stretch = ts.attributes()[0x4000:0xA000]
    assert set((stretch & 15).tolist()) == {ch.HAN, ch.SYMBOL}
    assert not (stretch & (MARKUP | LEAD | CLOSER)).any()
