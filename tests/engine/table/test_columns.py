"""Plain steps: what is written in Chinese data is read right, and every row that leaves has a reason."""

from __future__ import annotations

import random
import re
from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.base.errors import Invalid
from corpushub.base.messages import LANGS
from corpushub.engine.registry import registry
from corpushub.engine.table import numerals
from tests.kit.engine import carried


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2020年1月11日", date(2020, 1, 11)),
        ("2020-01-11", date(2020, 1, 11)),
        ("2020/1/11", date(2020, 1, 11)),
        ("2020.1.11", date(2020, 1, 11)),
        ("20200111", date(2020, 1, 11)),
        ("２０２０年１月１１日", date(2020, 1, 11)),
        ("二〇二〇年一月十一日", date(2020, 1, 11)),
        ("二○二四年十二月三十一日", date(2024, 12, 31)),
        ("二〇二四年十月二十日", date(2024, 10, 20)),
        ("民国一百零九年1月11日", date(2020, 1, 11)),
        ("中华民国一百一十五年元月二日", date(2026, 1, 2)),
        ("民国一百年十月十日", date(2011, 10, 10)),
        ("民国九十九年十二月三十一日", date(2010, 12, 31)),
        ("民国109年1月11日", date(2020, 1, 11)),
        ("2020年2月30日", None),
        ("昨天", None),
    ],
)
def test_dates_however_written(text: str, day: date | None) -> None:
    done = carried("parse_dates", pl.DataFrame({"d": [text]}), column="d")
    assert done.frame["d"].to_list() == ([day] if day else [])
    assert done.reasons == ([] if day else ["not_date_d"])


def test_moments_and_partial_dates() -> None:
    done = carried(
        "parse_dates", pl.DataFrame({"d": ["2020年1月11日 8时30分", "2020-01-11T23:59:59", "2020-01-11"]}), column="d", time=True
    )
    assert done.frame["d"].to_list() == [datetime(2020, 1, 11, 8, 30), datetime(2020, 1, 11, 23, 59, 59), datetime(2020, 1, 11)]  # noqa: DTZ001
    assert carried("parse_dates", pl.DataFrame({"d": ["2020年5月", "2019年", "二〇二六年三月", "2026年第一季度", "2025年三季度", "2024Q4", "民国109年5月"]}), column="d", partial=True).frame["d"].to_list() == [
        date(2020, 5, 1), date(2019, 1, 1), date(2026, 3, 1), date(2026, 1, 1), date(2025, 7, 1), date(2024, 10, 1), date(2020, 5, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "clock"),
    [
        ("2026年3月5日下午3时20分", "15:20"),
        ("2026年3月5日晚8点半", "20:30"),
        ("2026年3月5日凌晨12点10分", "00:10"),
        ("2026年3月5日中午12点", "12:00"),
        ("2026年3月5日中午1点", "13:00"),
        ("二〇二六年三月五日下午三时", "15:00"),
        ("2026-03-05 03:20 PM", "15:20"),
        ("2026-03-05 12:20 a.m.", "00:20"),
    ],
)
def test_a_part_of_the_day_is_not_read_as_midnight_or_morning(written: str, clock: str) -> None:
    out = carried("parse_dates", pl.DataFrame({"d": [written]}), column="d", time=True).frame
    assert out["d"].dt.strftime("%H:%M").to_list() == [clock]


def test_twelve_at_night_names_no_day() -> None:
    out = carried("parse_dates", pl.DataFrame({"d": ["2026年3月5日晚上12点"]}), column="d", time=True, on_error=None).frame
    assert out["d"].to_list() == [None]


def test_an_absent_value_is_null_and_no_error() -> None:
    done = carried("parse_dates", pl.DataFrame({"d": ["", None, "无", "x"]}), column="d")
    assert (done.frame["d"].to_list(), done.reasons) == ([None, None, None], ["not_date_d"])
    assert carried("parse_dates", pl.DataFrame({"d": ["x"]}), column="d", on_error=None).frame["d"].to_list() == [None]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,234.5", 1234.5),
        ("12.5%", 0.125),
        ("3.2万", 32000.0),
        ("1.5亿元", 150000000.0),
        ("－", None),
        ("２３", 23.0),
        ("十二", 12.0),
        ("约10", None),
        ("一百二十三万", 1_230_000.0),
        ("壹佰贰拾叁", 123.0),
        ("人民币壹仟零伍元伍角叁分整", 1005.53),
        ("百分之五", 0.05),
        ("百分之十二点五", 0.125),
        ("千分之三", 0.003),
        ("三分之二", 2 / 3),
        ("1.2亿", 120_000_000.0),
        ("三点五", 3.5),
        ("三点五万", 35_000.0),
        ("5千万", 50_000_000.0),
        ("3千5百万", 35_000_000.0),
        ("一亿二千三百万零五", 123_000_005.0),
        ("一万亿", 1e12),
        ("两百五十", 250.0),
        ("一百二", 120.0),
        ("一百零二", 102.0),
        ("三千五", 3500.0),
        ("一万二", 12_000.0),
        ("十", 10.0),
        ("负三十", -30.0),
        ("二〇二六", 2026.0),
        ("三公里", None),
        ("百里挑一", None),
        ("一二百", None),
    ],
)
def test_numbers_however_written(text: str, number: float | None) -> None:
    done = carried("parse_numbers", pl.DataFrame({"n": [text]}), column="n", on_error=None)
    assert done.frame["n"].to_list() == [pytest.approx(number) if number is not None else None]


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [
        ("三公里", "米", 3000.0),
        ("1.5亩", "平方米", 1000.0),
        ("两公顷", "亩", 30.0),
        ("12", "米", 12.0),
        ("五十斤", "千克", 25.0),
        ("1,200", "元", 1200.0),
        ("3.2万元", "元", 32_000.0),
        ("三公里", "亩", None),
        ("三光年", "米", None),
    ],
)
def test_measures_are_converted_to_the_unit_asked_for(text: str, unit: str, number: float | None) -> None:
    done = carried("parse_numbers", pl.DataFrame({"n": [text]}), column="n", unit=unit, on_error=None)
    assert done.frame["n"].to_list() == [pytest.approx(number) if number is not None else None]


def test_a_unit_nobody_knows_is_refused_and_an_unreadable_number_drops_its_row() -> None:
    with pytest.raises(Invalid, match=r"step\.unknown_unit"):
        carried("parse_numbers", pl.DataFrame({"n": ["1"]}), column="n", unit="光年")
    done = carried("parse_numbers", pl.DataFrame({"n": ["三", "许多", "", "2.5"]}), column="n", whole=True)
    assert (done.frame["n"].to_list(), done.reasons) == ([3, None], ["not_number_n", "not_number_n"])


def spelled(value: int) -> str:
    """A number below a hundred million as Chinese texts write it."""
    if value >= 10_000:
        low = value % 10_000
        return spelled(value // 10_000) + "万" + (("零" if low < 1000 else "") + spelled(low) if low else "")
    digits, units, words = "零一二三四五六七八九", ["", "十", "百", "千"], ""
    for at, digit in enumerate(reversed(str(value))):
        words = (digits[int(digit)] + units[at] if digit != "0" else "零") + words
    return re.sub("零+", "零", words).rstrip("零") or "零"


@given(st.integers(0, 99_999_999))
def test_every_number_is_read_back_from_words(value: int) -> None:
    assert numerals.number(spelled(value)) == value


@given(st.text("零一二两三百千万亿点分之元角整负0123.%十拾公里亩 ", max_size=12))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert isinstance(numerals.number(text, "米"), float | None)


def test_cast_reads_types_and_drops_what_is_none() -> None:
    frame = pl.DataFrame({"i": ["1", "2.0", "NA", "x"], "b": ["是", "否", "true", "0"], "f": ["1.5", "", "3", "4"]})
    done = carried("cast", frame, columns={"i": "int", "b": "bool", "f": "float"})
    assert done.rows() == [{"i": 1, "b": True, "f": 1.5}, {"i": 2, "b": False, "f": None}, {"i": None, "b": True, "f": 3.0}]
    assert done.reasons == ["not_int_i"]


def test_a_split_stays_when_other_rows_come() -> None:
    small = carried("split", pl.DataFrame({"id": [f"r{n}" for n in range(300)]}), by="id", train=0.8, validation=0.1, test=0.1)
    large = carried("split", pl.DataFrame({"id": [f"r{n}" for n in range(3000)]}), by="id", train=0.8, validation=0.1, test=0.1)
    assert large.frame["split"].to_list()[:300] == small.frame["split"].to_list()
    shares = dict(large.frame["split"].value_counts().iter_rows())
    assert 0.77 < shares["train"] / 3000 < 0.83


def test_rows_that_share_a_group_never_straddle() -> None:
    frame = pl.DataFrame({"group": [f"g{n % 40}" for n in range(400)]})
    done = carried("split", frame, by="group")
    assert done.frame.group_by("group").agg(pl.col("split").n_unique())["split"].max() == 1


def test_near_duplicates_never_straddle_and_other_rows_keep_their_split() -> None:
    chance = random.Random(5)
    texts = ["".join(chr(0x4E00 + chance.randrange(20_000)) for _ in range(120)) for _ in range(200)]
    near = [text[:-3] + "改三字" for text in texts[::4]] + texts[:20]
    frame = pl.DataFrame({"id": [f"r{n}" for n in range(len(texts) + len(near))], "text": texts + near})
    grouped = carried("group_near", frame, on="text").frame
    assert grouped["near_group"].is_not_null().sum() == 2 * 50 + 2 * 20 - 5
    done = carried("split", grouped, by="id", train=0.5, validation=0.25, test=0.25).frame
    assert done.columns == ["id", "text", "split"]
    plain = carried("split", frame, by="id", train=0.5, validation=0.25, test=0.25).frame
    straddling = [0, 0]
    for at, assigned in enumerate((done, plain)):
        joined = assigned.with_columns(grouped["near_group"]).drop_nulls("near_group")
        straddling[at] = int((joined.group_by("near_group").agg(pl.col("split").n_unique())["split"] > 1).sum())
    assert straddling[0] == 0
    assert straddling[1] > 10
    alone = grouped["near_group"].is_null()
    assert done.filter(alone)["split"].to_list() == plain.filter(alone)["split"].to_list()


def test_drop_where_drops_what_its_condition_holds_for_under_its_own_reason() -> None:
    frame = pl.DataFrame({"n": [3, -1, None, 0]})
    left = carried("drop_where", frame, where="n < 0 OR n = 3", reason="odd_count")
    assert left.frame["n"].to_list() == [None, 0]
    assert left.reasons == ["odd_count", "odd_count"]
    with pytest.raises(Invalid, match=r"expression\.type"):
        carried("drop_where", frame, where="n + 1")
    with pytest.raises(Invalid, match=r"expression\.column"):
        carried("drop_where", frame, where="m < 0")
    with pytest.raises(ValueError, match="reason"):
        carried("drop_where", frame, where="n < 0", reason="Not A Name")


def test_derive_computes_and_refuses_anything_but_expressions() -> None:
    frame = pl.DataFrame({"a": [1, 2], "t": ["Aa", "b"]})
    assert carried("derive", frame, columns={"b": "a * 2 + 1", "u": "upper(t)"}).rows()[0] == {
        "a": 1,
        "t": "Aa",
        "b": 3,
        "u": "AA",
    }
    for text in ("(select 1)", "a; drop table x", "sum(a)", "read_csv('/etc/passwd')", "a over ()", "*", "1 from t", ""):
        with pytest.raises(Invalid):
            carried("derive", frame, columns={"b": text})
    with pytest.raises(Invalid) as caught:
        carried("derive", frame, columns={"b": "aa + 1"})
    assert caught.value.facts["suggestion"] == "a"


def test_lookup_takes_columns_and_join_drops_the_rest() -> None:
    tables = {"cities": pl.DataFrame({"code": ["11", "31"], "name": ["北京", "上海"]})}
    frame = pl.DataFrame({"city": ["31", "99", "11"]})
    params = {"table": "cities", "on": {"city": "code"}, "take": {"city_name": "name"}}
    assert carried("lookup", frame, tables, **params).frame["city_name"].to_list() == ["上海", None, "北京"]
    done = carried("join", frame, tables, **params)
    assert (done.frame["city_name"].to_list(), done.reasons) == (["上海", "北京"], ["not_in_cities"])
    twice = {"cities": pl.DataFrame({"code": ["11", "11"], "name": ["a", "b"]})}
    with pytest.raises(Invalid, match=r"step\.table_not_unique"):
        carried("lookup", frame, twice, **params)


def test_samples_are_stable_and_of_the_size_asked() -> None:
    frame = pl.DataFrame({"id": [f"r{n}" for n in range(1000)]})
    tenth = carried("sample", frame, key="id", fraction=0.1)
    assert 70 < tenth.frame.height < 130
    assert set(tenth.frame["id"]) <= set(carried("sample", frame, key="id", fraction=0.2).frame["id"])
    assert carried("sample", frame, key="id", rows=37).frame.height == 37


def test_mix_and_balance_take_from_what_there_is_too_much_of() -> None:
    frame = pl.DataFrame({"id": [f"r{n}" for n in range(100)], "kind": ["law"] * 80 + ["report"] * 20})
    mixed = carried("mix", frame, key="id", by="kind", shares={"law": 0.5, "report": 0.5})
    assert dict(mixed.frame["kind"].value_counts().iter_rows()) == {"law": 20, "report": 20}
    assert mixed.reasons == ["mixed_out"] * 60
    assert dict(carried("balance", frame, key="id", by="kind", ratio=2).frame["kind"].value_counts().iter_rows()) == {
        "law": 40,
        "report": 20,
    }


def test_chunks_cut_at_sentences_and_number_their_keys() -> None:
    text = "第一条为了规范管理。" * 5 + "\n\n" + "第二条本办法适用。" * 5
    done = carried("chunk", pl.DataFrame({"id": ["a"], "text": [text]}), key="id", column="text", max_chars=40)
    pieces = done.frame["text"].to_list()
    assert all(len(piece) <= 40 and piece.endswith("。") for piece in pieces)
    assert "".join(pieces).replace("\n", "") == text.replace("\n", "")
    assert done.frame["id"].to_list() == [f"a-{n}" for n in range(len(pieces))]


def test_every_step_is_documented_in_both_languages() -> None:
    assert all(set(step.doc) == set(LANGS) and all(step.doc.values()) for step in registry().values())


def test_generated_text_is_flagged() -> None:
    done = carried("flag_generated", pl.DataFrame({"a": ["x", None]}), columns=["a"], model="m", generated_at="2023")
    assert done.rows()[0] == {"a": "x", "generated_data_indicator": True, "generated_by": "m", "generated_at": "2023"}
    assert done.rows()[1]["generated_data_indicator"] is False
