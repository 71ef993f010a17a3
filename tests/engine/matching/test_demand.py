from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine.matching.demand import Demand, parse_demand

TODAY = date(2026, 11, 22)


def parse(text: str, **rest: object) -> Demand:
    return parse_demand(text, today=TODAY, **rest)  # type: ignore[arg-type]


def month(year: int, number: int) -> int:
    return year * 12 + number - 1


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("2019年至2023年的人口", (month(2019, 1), month(2023, 12))),
        ("2019-2023人口", (month(2019, 1), month(2023, 12))),
        ("2021年3月空气质量", (month(2021, 3), month(2021, 3))),
        ("2020年以来的人口", (month(2020, 1), month(2026, 11))),
        ("近三年人口", (month(2023, 12), month(2026, 11))),
        ("population since 2018", (month(2018, 1), month(2026, 11))),
        ("2020年3月至2021年6月客流", (month(2020, 3), month(2021, 6))),
        ("2021年度财政", (month(2021, 1), month(2021, 12))),
        ("人口", None),
    ],
)
def test_times_become_months(text: str, period: tuple[int, int] | None):
    assert parse(text).period == period


@pytest.mark.parametrize(
    ("text", "regions"),
    [
        ("海淀的学校", ("110108",)),
        ("海淀区学校", ("110108",)),
        ("北京市朝阳区学校", ("110105",)),
        ("辽宁省朝阳市学校", ("211300",)),
        ("东华门街道学校", ("110101001",)),
        ("京津冀空气质量", ("110000", "120000", "130000")),
        ("海淀和西城的学校", ("110108", "110102")),
        ("air quality in Beijing", ("110000",)),
        ("开发区名单", ()),
    ],
)
def test_places_become_codes_and_only_the_finest_stays(text: str, regions: tuple[str, ...]):
    assert parse(text).regions == regions


def test_everything_that_is_no_content_becomes_a_chip():
    demand = parse(
        "我们公司想要海淀区2019年至2023年街道级交通事故数据，数据项包括事故时间、地点和伤亡人数，每月更新，通过接口，用于大模型训练"
    )
    assert demand.granularity == "street"
    assert demand.frequency == "monthly"
    assert demand.use == "pretraining"
    assert demand.delivery == ("api",)
    assert demand.items == ("事故时间", "地点", "伤亡人数")
    assert "交通事故" in demand.content
    assert not any(word in demand.content for word in ("我们", "海淀", "2019", "街道", "接口", "训练"))
    assert {chip.kind for chip in demand.chips} == {"period", "region", "items", "granularity", "frequency", "use", "delivery"}


def test_a_chip_taken_away_gives_its_words_back():
    demand = parse("街道级人口", without=("granularity",))
    assert demand.granularity == ""
    assert "街道级" in demand.content


def test_what_the_user_sets_wins_over_the_text():
    demand = parse("海淀人口", given={"region": ("110105",), "purpose": "research", "price": 100.0})
    assert (demand.regions, demand.purpose, demand.price) == (("110105",), "research", 100.0)


def test_wanted_items_are_not_emptied_of_their_words():
    assert parse("包含受理条件、申请材料").items == ("受理条件", "申请材料")


def test_a_text_of_stop_phrases_alone_keeps_its_words():
    assert parse("数据资源").content == "数据资源"


@given(st.text(max_size=60))
def test_any_text_parses(text: str):
    demand = parse(text)
    assert all(chip.kind for chip in demand.chips)
    assert parse(text) == demand


@given(st.text(alphabet="海淀朝阳北京2019年至月每日街道级数据，。 包括人口", max_size=40))
def test_chips_never_share_letters(text: str):
    demand = parse(text)
    said = "".join(chip.said for chip in demand.chips)
    assert len(said) <= len(text)
