from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine.matching.entries import Entry
from corpushub.engine.matching.lookup import look_up, one_edit_away
from corpushub.engine.matching.pinyin import cuts, readings
from corpushub.engine.matching.search import Matcher

ENTRIES = [
    Entry("110000/jt/roads", "城市道路交通运行指数 Traffic index of city roads", ("平均速度",), "路网运行状况"),
    Entry("110000/jt/metro", "轨道交通进出站客流量", ("车站", "进站量"), "各车站分小时进出站人次"),
    Entry("110000/jt/lights", "交通信号灯配时方案", ("路口", "时段"), "信号灯控制"),
    Entry("110000/ly/sights", "A级旅游景区", ("景区名称", "地址"), "重庆与北京的景区名录"),
    Entry("110000/zj/homes", "新建商品住房成交统计", ("成交套数",), "每月成交情况"),
    Entry("110000/wj/clinics", "医疗机构执业登记", ("机构名称",), "医院与诊所"),
]
MATCHER = Matcher.of(ENTRIES)


def ids(words: str, matcher: Matcher = MATCHER) -> list[str]:
    names = pl.Series([entry.id for entry in matcher.table.entries])
    scores = look_up(matcher, words, names)
    ranked = sorted(range(len(scores)), key=lambda row: -scores[row])
    return [matcher.table.entries[row].id.rpartition("/")[2] for row in ranked if scores[row] > 0]


@pytest.mark.parametrize("words", ["交通", "jiaotong", "JIAOTONG", "jiaot", "ｊｉａｏｔｏｎｇ"])
def test_characters_and_pinyin_find_the_same_and_likely_words_come_first(words: str):
    assert set(ids(words)[:3]) == {"roads", "metro", "lights"}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("traffic", ["roads"]),
        ("traf", ["roads"]),
        ("trafic", ["roads"]),
        ("trafifc", ["roads"]),
        ("軌道交通", ["metro"]),
        ("hospital", ["clinics"]),
        ("hospitla", ["clinics"]),
        ("hospitals", ["clinics"]),
        ("chongqing", ["sights"]),
        ("lvyou", ["sights"]),
        ("luyou", ["sights"]),
        ("zj/homes", ["homes"]),
        ("交通 客流", ["metro"]),
        ("jiaotong keliu", ["metro"]),
        ("traffic 指数", ["roads"]),
        ("traffic 客流", []),
        ("交通部门", []),
        ("zzzz", []),
    ],
)
def test_every_word_has_to_be_there_in_some_writing(words: str, found: list[str]):
    assert ids(words) == found


def test_no_words_find_everything_that_is_alive():
    assert len(ids("")) == len(ENTRIES)
    assert len(ids("", MATCHER.with_entries([], removed=["110000/jt/metro"]))) == len(ENTRIES) - 1


def test_what_was_added_is_found_and_what_was_removed_is_not():
    grown = MATCHER.with_entries([Entry("110000/hb/trees", "古树名木 Heritage trees")], removed=["110000/jt/roads"])
    assert ids("gushu", grown) == ["trees"]
    assert ids("heritgae", grown) == ["trees"]
    assert ids("traffic", grown) == []


@given(st.lists(st.sampled_from(sorted(readings())), min_size=1, max_size=6))
def test_what_is_spelled_out_of_syllables_can_be_read(syllables: list[str]):
    word = "".join(syllables)
    found = cuts(word)
    assert found
    assert all("".join(cut) == word for cut in found)


def test_a_long_word_of_syllables_is_cut_in_reasonable_time():
    assert cuts("gan" * 15 + "b") == []
    assert cuts("gan" * 15)
    assert cuts("gan" * 1000) == []


def test_readings_are_those_people_type():
    for syllable, letters in {
        "jiao": "交",
        "tong": "通",
        "chong": "重",
        "zhong": "重",
        "lv": "旅",
        "lu": "旅",
        "hang": "行",
    }.items():
        assert set(map(ord, letters)) <= set(readings()[syllable].tolist())


@given(st.text(alphabet="abcde", min_size=1, max_size=6), st.data())
def test_one_edit_away_is_mutual(word: str, data: st.DataObject):
    other = data.draw(st.sampled_from(sorted(one_edit_away(word))))
    assert other != word
    assert not other or word in one_edit_away(other)


@given(st.text(max_size=30))
def test_any_words_can_be_looked_up(words: str):
    assert set(ids(words)) <= {entry.id.rpartition("/")[2] for entry in ENTRIES}
