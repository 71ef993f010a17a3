from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine.matching.demand import Demand, parse_demand

TODAY = date(2026, 11, 22)


def parse(text: str, **rest: object) -> Demand:
    return parse_demand(text, today=TODAY, **rest)  # type: ignore[arg-type]  # keywords of the case


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
        ("2023年1月到6月的空气质量", (month(2023, 1), month(2023, 6))),
        ("2024年第三季度的财政", (month(2024, 7), month(2024, 9))),
        ("q3 2024 budget", (month(2024, 7), month(2024, 9))),
        ("今年上半年企业注销", (month(2026, 1), month(2026, 6))),
        ("去年的门诊量", (month(2025, 1), month(2025, 12))),
        ("这两年房价", (month(2024, 12), month(2026, 11))),
        ("五年内的判决", (month(2021, 12), month(2026, 11))),
        ("最近6个月", (month(2026, 6), month(2026, 11))),
        ("最近半年的处罚", (month(2026, 6), month(2026, 11))),
        ("12月份的刷卡", (month(2025, 12), month(2025, 12))),
        ("flu since October 2022", (month(2022, 10), month(2026, 11))),
        ("accidents, 2019 onwards", (month(2019, 1), month(2026, 11))),
        ("二〇二三年的人口", (month(2023, 1), month(2023, 12))),
        ("上个月的菜价", (month(2026, 10), month(2026, 10))),
        ("近几年的空气质量", (month(2023, 12), month(2026, 11))),
        ("2020/01-2023/12 地铁客流", (month(2020, 1), month(2023, 12))),
        ("2020.3—2021.6 的客流", (month(2020, 3), month(2021, 6))),
        ("past three years", (month(2023, 12), month(2026, 11))),
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
        ("医保定点药店", ()),
        ("吉林大学的专利", ()),
        ("长春桥附近的停车位", ()),
        ("北京路网和站点", ("110000",)),
        ("河北高速公路", ("130000",)),
        ("朝阳、海淀的药店", ("110105", "110108")),
        ("城六区的房租", ("110101", "110102", "110105", "110106", "110107", "110108")),
        ("雄安新区招标", ("130638", "130629", "130632")),
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


@pytest.mark.parametrize(
    ("text", "unwanted", "content"),
    [
        ("不包含个人信息的婚姻登记统计", "个人信息", "婚姻登记统计"),
        ("空气质量，csv格式，不要PDF", "pdf", "空气质量"),
        ("企业名录，不含个体户", "个体户", "企业名录"),
        ("二手房成交价，别给我全国的", "全国", "二手房成交价"),
        ("housing sales, monthly, no personal data", "personal data", "housing sales"),
    ],
)
def test_what_is_not_wanted_is_no_content(text: str, unwanted: str, content: str):
    demand = parse(text)
    assert [chip.value for chip in demand.chips if chip.kind == "unwanted"] == [unwanted]
    assert demand.content == content


@pytest.mark.parametrize("text", ["除夕外卖订单", "学历类别要求", "级别给定的岗位"])
def test_words_that_only_look_like_a_refusal_stay(text: str):
    assert [chip for chip in parse(text).chips if chip.kind in {"unwanted", "apart"}] == []


def test_a_way_that_is_not_wanted_is_not_asked_for():
    demand = parse("古树名木，整包下载，不用接口")
    assert demand.delivery == ("download",)


def test_a_region_that_is_not_wanted_is_kept_apart():
    demand = parse("除了朝阳区以外各区的学校")
    assert (demand.regions, demand.apart, demand.granularity) == ((), ("110105",), "district")


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("名单，excel最好", {"xlsx"}),
        ("bus routes, GTFS or json", {"gtfs", "json"}),
        ("小学划片的图，shapefile", {"shapefile"}),
        ("jsonschema", set()),
    ],
)
def test_formats_are_read_as_words_of_their_own(text: str, formats: set[str]):
    assert set(parse(text).formats) == formats


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("红绿灯配时，预算5万以内", 50000.0),
        ("天气历史数据，免费的", 0.0),
        ("不超过300元的地图", 300.0),
        ("不超过300米的地图", -1.0),
        ("地图", -1.0),
    ],
)
def test_money_is_read(text: str, price: float):
    assert parse(text).price == price


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("海淀区的停车场，要有经纬度、车位数、收费标准", ("经纬度", "车位数", "收费标准")),
        ("古树名木，树种、树龄、坐标", ("树种", "树龄", "坐标")),
        ("办事指南，含办理条件、所需材料、办理时限", ("办理条件", "所需材料", "办理时限")),
        ("医保定点药店，朝阳、海淀、丰台三个区", ()),
        ("民政、教育、卫生统计", ()),
    ],
)
def test_lists_of_wanted_items_are_read(text: str, items: tuple[str, ...]):
    assert parse(text).items == items


@pytest.mark.parametrize(
    ("text", "frequency"),
    [("空气质量小时数据", "realtime"), ("断面监测月报", "monthly"), ("氨氮，日均值", "daily"), ("每季度更新", "quarterly")],
)
def test_the_pace_is_read_from_what_offices_say(text: str, frequency: str):
    assert parse(text).frequency == frequency


def test_a_chip_taken_away_gives_its_words_back():
    demand = parse("街道级人口", without=("granularity",))
    assert demand.granularity == ""
    assert "街道级" in demand.content


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("公交线路与客流，用于训练出行问答模型。", "公交线路 客流"),
        ("医保结算，用于大模型微调训练", "医保结算"),
        ("bus stops and routes, to train a question answering model for travel", "bus stops routes"),
        ("我们需要数据，用于交通拥堵研究", "交通拥堵研究"),
        ("用于信贷风控的企业纳税", "信贷风控 企业纳税"),
    ],
)
def test_what_the_data_is_for_counts_only_where_nothing_else_is_said(text: str, content: str):
    assert parse(text).content == content


def test_the_aim_is_told_and_can_be_made_content_again():
    text = "医保结算，用于大模型微调训练"
    demand = parse(text)
    assert demand.use == "finetuning"
    assert [chip.value for chip in demand.chips if chip.kind == "aim"] == ["用于大模型微调训练"]
    assert "大模型" in parse(text, without=("aim",)).content


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
