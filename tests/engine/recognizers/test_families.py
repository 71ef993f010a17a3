"""Names and addresses in the forms public offices write, and the words beside them that are neither."""

from __future__ import annotations

import pytest

from corpushub.engine.pii.detect import detect_batch
from corpushub.engine.recognizers.address import addresses
from corpushub.engine.recognizers.persons import persons
from corpushub.engine.recognizers.tagger import tagger, weights_folder
from corpushub.engine.recognizers.tagging import MAX_CHARS, pieces, tagged


def found(text: str, entity: str) -> list[str]:
    return [text[start:end] for start, end, kind in detect_batch([text])[0] if kind == entity]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("申请人：石英，性别女。", ["石英"]),
        ("名单：温云、陈飞、邱璐、武鑫。", ["温云", "陈飞", "邱璐", "武鑫"]),
        ("茹阳同志，1985.03.19出生。", ["茹阳"]),
        ("1. 时龙，身份证号待补。", ["时龙"]),
        ("姓名：王　伟　性别：男", ["王　伟"]),
        ("姓名：張偉強，身份證待補。", ["張偉強"]),
        ("被告欧阳修远辩称，欧阳修远未收到通知。", ["欧阳修远", "欧阳修远"]),
        ("Dear Ms. Ada Lovelace, thank you.", ["Ada Lovelace"]),
    ],
)
def test_names_are_found_where_forms_put_them(text: str, names: list[str]) -> None:
    assert found(text, "PERSON") == names


@pytest.mark.parametrize(
    "text",
    [
        "县级以上人民政府主管部门应当对申请人提交的材料进行审查，申请人应当配合。",
        "未经所有人许可，任何单位和个人不得擅自使用。",
        "国家鼓励发展林权抵押贷款，方志馆应当向社会开放。",
        "李某某与张某系邻居。",
    ],
)
def test_words_of_the_law_are_no_names(text: str) -> None:
    assert found(text, "PERSON") == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("现住浙江省杭州市西湖区万塘路74号11幢8楼，电话见表。", "浙江省杭州市西湖区万塘路74号11幢8楼"),
        ("来电反映：广州市天河区珠江新城华就路105号楼下垃圾堆积。", "广州市天河区珠江新城华就路105号"),
        ("住址：北京市 海淀区 中关村大街 27 号 5 单元 301 室", "北京市 海淀区 中关村大街 27 号 5 单元 301 室"),
        ("家住五月花城10幢3单元2337。", "五月花城10幢3单元2337"),
        ("地址：臺北市信義區市府路1號3樓", "臺北市信義區市府路1號3樓"),
    ],
)
def test_addresses_reach_from_the_first_place_to_the_door(text: str, address: str) -> None:
    assert found(text, "ADDRESS") == [address]


@pytest.mark.parametrize(
    "text",
    [
        "中华人民共和国国务院令第142号公布，自5月1号起施行。",
        "在中国境内居住累计满183天的个人为居民个人。",
        "驾车行驶至国道G107路段，京（2006）朝不动产权第00976号。",
        "北京市地铁10号线和3号楼会议室。",
    ],
)
def test_numbers_of_documents_and_lines_are_no_addresses(text: str) -> None:
    assert found(text, "ADDRESS") == []


def test_the_tagger_is_inside_an_ordinary_dependency() -> None:
    assert weights_folder() is not None


def test_a_sentence_is_tagged_the_same_in_any_company() -> None:
    one, two = "市民谢瑜来电反映情况。", "会议由副局长景浩主持。"
    assert tagged([one, two, one * 3])[0] == tagged([one])[0]
    assert [len(tags) for tags, _, _ in tagger().tags([one, "", two])] == [len(one), 0, len(two)]


def test_pieces_cover_every_han_character_and_fit_the_tagger() -> None:
    text = "长句" * 500 + "，" + "尾" * 300 + "。abc\n新的一行。"
    covered = {place for start, end in pieces(text) for place in range(start, end)}
    assert {place for place, char in enumerate(text) if "\u4e00" <= char <= "\u9fff"} <= covered
    assert max(end - start for start, end in pieces(text)) <= MAX_CHARS


def test_rules_need_no_tagger_words() -> None:
    assert persons("申请人：王小明，男。", []) != []
    assert addresses("住址：海淀区中关村大街27号5单元301室。", []) != []
