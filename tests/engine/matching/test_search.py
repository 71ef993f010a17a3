from __future__ import annotations

import csv
import random
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.engine.matching.demand import Demand, parse_demand
from corpushub.engine.matching.entries import Entry, Table, masks
from corpushub.engine.matching.index import FIELDS, Index, field_texts, make_query
from corpushub.engine.matching.pool import mine, pool
from corpushub.engine.matching.rank import Result
from corpushub.engine.matching.rules import Thesaurus, base_thesaurus, matching_rules
from corpushub.engine.matching.search import Matcher
from corpushub.engine.matching.tantivy_search import Tantivy
from corpushub.engine.matching.text import fold, grams

TODAY = date(2026, 11, 22)
FOLDER = Path(__file__).parents[3] / "benchmarks" / "matching"


def own_entries() -> list[Entry]:
    with (FOLDER / "entries.tsv").open(encoding="utf-8") as stream:
        return [
            Entry(
                row["id"],
                row["title"],
                tuple(row["items"].split("、")),
                row["summary"],
                domain=row["domain"],
                region=row["region"],
                granularity=row["granularity"],
                frequency=row["frequency"],
                months=(int(row["from"]) * 12, int(row["to"]) * 12 + 11),
            )
            for row in csv.DictReader(stream, delimiter="\t")
        ]


ENTRIES = own_entries()
MATCHER = Matcher.of(ENTRIES)


def parse(text: str, **rest: object) -> Demand:
    return parse_demand(text, today=TODAY, **rest)  # type: ignore[arg-type]  # keywords of the case


def match(text: str, **rest: object) -> Result:
    return MATCHER.match(parse(text, **rest))


def ids(result: Result) -> list[str]:
    return [found.id for found in result.matches]


# Quality


def test_the_labelled_set_stays_above_its_bar():
    with (FOLDER / "demands.tsv").open(encoding="utf-8") as stream:
        demands = {row["id"]: row["text"] for row in csv.DictReader(stream, delimiter="\t")}
    judged: dict[str, dict[str, int]] = {}
    for line in (FOLDER / "qrels.txt").read_text("utf-8").splitlines():
        name, _, entry, grade = line.split()
        judged.setdefault(name, {})[entry] = int(grade)
    assert sum(map(len, judged.values())) >= 300
    gains = []
    for name, text in demands.items():
        grades = [judged[name].get(entry, 0) for entry in ids(match(text))]
        best = sorted(judged[name].values(), reverse=True)[:10]
        gains.append(gain(grades) / gain(best))
    assert np.mean(gains) >= 0.90


def gain(grades: list[int]) -> float:
    return float(sum((2**grade - 1) / np.log2(place + 2) for place, grade in enumerate(grades)))


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("堵车", "t05"),
        ("雾霾", "v01"),
        ("四合院", "k07"),
        ("打官司", "s14"),
        ("手语识别", "k10"),
        ("kindergarten", "e01"),
        ("公車站牌", "t01"),
    ],
)
def test_everyday_words_synonyms_english_and_traditional_script_find_it(text: str, first: str):
    assert first in ids(match(text))[:2]


# Constraints


def test_a_region_elsewhere_is_kept_out_and_told():
    result = match("天津市空气质量")
    assert ids(result) == ["v14"]
    assert all(found.failed == ("region",) for found in result.near)
    assert result.more["region"] >= 1
    assert [group.constraint for group in result.relaxed] == ["region"]


def test_a_region_that_is_not_wanted_is_kept_out():
    assert "v14" in ids(match("空气质量"))
    assert "v14" not in ids(match("空气质量，不要天津的"))


def test_an_english_demand_in_the_plural_finds_chinese_entries():
    assert ids(match("traffic accidents"))[0] == "t06"


def test_a_larger_region_serves_a_smaller_one_but_not_the_reverse():
    assert "t08" in ids(match("海淀区停车场"))
    assert "t07" not in ids(match("北京市停车泊位"))
    assert "t07" in [found.id for found in match("北京市停车泊位").near]


def test_too_coarse_an_entry_is_no_match_at_a_finer_level():
    result = match("社区级婚姻登记统计")
    assert "s07" not in ids(result)
    assert result.near[0].id == "s07"
    assert result.near[0].failed == ("granularity",)


def test_a_period_outside_is_no_match():
    assert "t03" not in ids(match("2001年轨道交通进出站客流量"))


@pytest.mark.parametrize(
    "changes", [{"secrecy": True}, {"published": False}, {"openness": "none"}, {"rank": 21}, {"purposes": ("public_service",)}]
)
def test_what_may_not_be_offered_is_never_found(changes: dict[str, object]):
    one = replace(ENTRIES[0], **changes)  # type: ignore[arg-type]  # keywords of the case
    result = Matcher.of([one, *ENTRIES[1:]]).match(parse("公共汽电车线路站点", given={"purpose": "model-training"}))
    found = [*result.matches, *result.near, *(found for group in result.relaxed for found in group.matches)]
    assert "t01" not in [item.id for item in found]


def test_the_way_to_an_entry_is_told():
    ways = {1: "request", 3: "request", 11: "zone"}
    for rank, way in ways.items():
        (found,) = Matcher.of([replace(ENTRIES[0], rank=rank)]).match(parse("公共汽电车线路")).matches
        assert found.path == way
    (found,) = Matcher.of([replace(ENTRIES[0], rank=3)]).match(replace(parse("公共汽电车线路"), rank=2)).matches
    assert found.path == "grant"
    (found,) = Matcher.of([replace(ENTRIES[0], openness="unconditional")]).match(parse("公共汽电车线路")).matches
    assert found.path == ""


@settings(max_examples=40)
@given(
    st.sampled_from(["停车", "企业登记", "空气质量", "人口", "公共汽车"]),
    st.sampled_from(["", "海淀区", "上海市", "天津市"]),
    st.sampled_from(["", "街道级", "点位级"]),
    st.sampled_from(["", "2015年", "近三年"]),
)
def test_no_match_ever_breaks_a_constraint(word: str, region: str, level: str, period: str):
    demand = parse(f"{region}{period}{level}{word}")
    result = MATCHER.match(demand)
    by_id = {entry.id: entry for entry in ENTRIES}
    found = [by_id[item.id] for item in result.matches]
    if found:
        assert all(held.all() for held in masks(Table.of(found), demand).values())
    for item in result.near:
        assert len(item.failed) == 1


# Ranking


def test_a_score_is_the_sum_of_its_reasons():
    for found in match("街道级交通事故，包含事故时间、死亡人数，每月").matches:
        assert found.score == pytest.approx(sum(reason.points for reason in found.reasons), abs=1e-5)
        assert {reason.name for reason in found.reasons} == set(matching_rules()["weights"])
    assert sum(matching_rules()["weights"].values()) == pytest.approx(1)


def test_wanted_items_are_found_similar_or_missing():
    (best, *_) = match("交通事故，包含事故时间、伤亡人数、保险公司").matches
    states = {wanted: state for wanted, state, _ in best.items}
    assert best.id == "t06"
    assert states["事故时间"] == "found"
    assert states["保险公司"] == "missing"


def test_grams_explain_the_text_score():
    (best, *_) = match("法定传染病").matches
    assert best.grams[0][0] in {"法定", "定传", "传染", "染病"}
    assert [points for _, points in best.grams] == sorted((points for _, points in best.grams), reverse=True)


@given(st.randoms(use_true_random=False))
@settings(max_examples=10)
def test_the_order_of_entries_decides_nothing(rng: random.Random):
    mixed = rng.sample(ENTRIES, len(ENTRIES))
    again = Matcher.of(mixed).match(parse("学校名录"))
    assert ids(again) == ids(match("学校名录"))


def test_owners_get_no_boost():
    own = [replace(entry, owner="operator" if number % 2 else "agency") for number, entry in enumerate(ENTRIES)]
    assert ids(Matcher.of(own).match(parse("学校名录"))) == ids(match("学校名录"))


def test_relaxations_stay_apart_from_matches():
    result = match("网格级火灾起数")
    inside = {found.id for found in result.matches}
    assert len(inside) < matching_rules()["thresholds"]["few"]
    for group in result.relaxed:
        assert all(group.constraint in found.failed for found in group.matches)
        assert inside.isdisjoint(found.id for found in group.matches)


def test_an_empty_catalog_matches_nothing():
    result = Matcher.of([]).match(parse("公交"))
    assert result.matches == result.near == ()
    assert result.best == 0.0


# The index


def test_a_new_entry_is_found_replaced_and_removed():
    grown = MATCHER.with_entries([Entry("new", "月球基地氧气监测")])
    assert ids(grown.match(parse("月球基地氧气")))[0] == "new"
    changed = grown.with_entries([Entry("new", "火星车轨迹")])
    assert "new" not in ids(changed.match(parse("月球基地氧气")))
    assert ids(changed.match(parse("火星车")))[0] == "new"
    assert "new" not in ids(changed.with_entries([], removed=["new"]).match(parse("火星车")))
    gone = MATCHER.with_entries([], removed=["t05"])
    assert "t05" not in ids(gone.match(parse("城市道路交通运行指数")))


def test_one_entry_alone_scores_as_it_does_among_all():
    demand = parse("城市道路交通运行指数")
    among = next(found for found in MATCHER.match(demand).matches if found.id == "t05")
    (alone,) = MATCHER.among(["t05"]).match(demand).matches
    assert alone.score == pytest.approx(among.score, abs=1e-5)


def test_single_characters_alone_make_no_match():
    assert "t13" in ids(match("电动汽车"))
    assert ids(match("小电驴")) == []


def test_scores_are_those_of_the_plain_formula():
    """BM25F word by word, as the oracle."""
    rules = matching_rules()["bm25"]
    rows = [entry.texts() for entry in ENTRIES[:30]]
    texts = field_texts(rows)
    index = Index.build(texts)
    query = make_query(fold(["公共汽车线路站点"])[0], Thesaurus.of([]))
    counts = {field: [list(grams([text]).key) for text in texts[field]] for field in FIELDS}
    means = {field: max(1.0, float(np.mean([len(keys) for keys in held]))) for field, held in counts.items()}
    expected = np.zeros(len(rows))
    for key, weight in zip(query.keys, query.weights, strict=True):
        holders = sum(any(key in counts[field][row] for field in FIELDS) for row in range(len(rows)))
        if not holders:
            continue
        rarity = np.log1p((len(rows) - holders + 0.5) / (holders + 0.5))
        for row in range(len(rows)):
            share = sum(
                rules[field]
                * counts[field][row].count(key)
                / (1 - rules["b"] + rules["b"] * len(counts[field][row]) / means[field])
                for field in FIELDS
            )
            expected[row] += weight * rarity * share * (rules["k1"] + 1) / (rules["k1"] + share) if share else 0
    assert np.allclose(index.summed(index.lists(query)), expected, rtol=1e-4)


@pytest.fixture(scope="module")
def with_tantivy() -> Matcher:
    return Matcher.of(ENTRIES, engine=Tantivy)


def test_both_engines_agree_on_the_first_ten(with_tantivy: Matcher):
    with (FOLDER / "demands.tsv").open(encoding="utf-8") as stream:
        demands = [parse(row["text"]) for row in csv.DictReader(stream, delimiter="\t")]
    shares = []
    for demand in demands:
        exact, other = MATCHER.match(demand), with_tantivy.match(demand)
        assert other.engine == "tantivy"
        if exact.matches:
            shares.append(len(set(ids(exact)) & set(ids(other))) / len(exact.matches))
    assert np.mean(shares) >= 0.9


@pytest.mark.parametrize(
    "text", ["天津市空气质量", "海淀区停车场", "社区级婚姻登记统计", "2001年轨道交通进出站客流量", "企业登记，接口"]
)
def test_both_engines_hold_the_same_constraints(with_tantivy: Matcher, text: str):
    demand = parse(text)
    everything = np.ones(len(ENTRIES), np.bool_)
    picked = with_tantivy.engine.pick(with_tantivy.query(demand), demand, everything, 1000)  # type: ignore[union-attr]  # this search has the engine
    found = [ENTRIES[row] for row in picked.tolist()]
    assert all(held.all() for held in masks(Table.of(found), demand).values()) or not found
    assert set(ids(MATCHER.match(demand))) <= {entry.id for entry in found}


WORDS = ("停车", "企业登记", "空气质量", "人口", "公共汽车", "学校名录", "traffic", "医院 床位")
PLACES = ("", "海淀区", "上海市", "天津市", "不要天津的，")
TIMES = ("", "2015年", "近三年", "街道级", "点位级", "走接口")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(WORDS), st.sampled_from(PLACES), st.sampled_from(TIMES))
def test_both_engines_rank_alike_where_all_candidates_are_ranked(with_tantivy: Matcher, word: str, place: str, time: str):
    """The sets are smaller than the number of candidates, so that what is picked decides nothing: only a constraint read differently could."""
    demand = parse(f"{place}{time}{word}")
    assert ids(with_tantivy.match(demand)) == ids(MATCHER.match(demand))


def test_an_engine_stays_when_entries_change(with_tantivy: Matcher):
    demand = parse("月球基地氧气")
    grown = with_tantivy.with_entries([Entry("new", "月球基地氧气监测")], removed=["t05"])
    assert grown.match(demand).engine == "tantivy"
    assert ids(grown.match(demand))[0] == "new"
    assert "t05" not in ids(grown.match(parse("城市道路交通运行指数")))


# Pools and synonyms


def test_like_demands_of_one_region_are_pooled():
    texts = ["海淀区停车位空余数据", "需要停车场的空余车位", "法定传染病发病情况", "上海停车位空余数据", "传染病月度发病数"]
    groups = pool([parse(text) for text in texts])
    assert (2, 4) in groups
    assert any({0, 1} <= set(group) or {1, 3} <= set(group) for group in groups)
    assert not any({0, 3} <= set(group) and 1 not in group for group in groups)


def test_accepted_pairs_suggest_synonyms():
    pairs = [("小电驴充电", "电动自行车换电柜")] * 3 + [("学校", "学校名录"), ("医院", "医疗机构"), ("公园", "绿地")]
    found = mine(pairs, base_thesaurus())
    assert any("驴" in one for one, _, _ in found)
    assert all(strength > 0 for *_, strength in found)


def test_an_approved_synonym_finds_what_was_not_found():
    demand = parse("小电驴")
    entries = [*ENTRIES, Entry("x1", "助力车换电设施")]
    assert "x1" not in ids(Matcher.of(entries).match(demand))
    grown = Matcher.of(entries, thesaurus=base_thesaurus().grown([("小电驴", "助力车")]))
    assert ids(grown.match(demand))[0] == "x1"
