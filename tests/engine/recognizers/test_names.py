"""Names of people in news and reports: from elsewhere, beside an office, and what only looks like one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.engine.pii.detect import detect_batch
from corpushub.engine.recognizers.name_abroad import country_before
from corpushub.engine.recognizers.persons import persons
from corpushub.engine.recognizers.tagger import tagger
from corpushub.engine.recognizers.tagging import Word, tagged


def people(text: str) -> list[str]:
    return [text[start:end] for start, end, kind in detect_batch([text])[0] if kind == "PERSON"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("芬兰外长哈洛宁举行了记者招待会。", ["哈洛宁"]),
        ("武村正义说，双方应当继续对话。", ["武村正义"]),
        ("松下幸之助写过一本关于经营的书。", ["松下幸之助"]),
        ("当汤局长谈起此事时，大家都笑了。", ["汤"]),
        ("书架上有一本《李中贤诗文集》。", ["李中贤"]),
    ],
)
def test_names_from_elsewhere_and_beside_an_office_are_found(text: str, names: list[str]) -> None:
    assert people(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("去年，儿子格桑平措和邻居家的娜仁其木格上了同一所学校。", ["格桑平措", "娜仁其木格"]),
        ("那张照片不是我店里的，我老公司鹏当时也在场。", ["司鹏"]),
        ("姓 名  澹台明月\n性 别  女  民 族  汉", ["澹台明月"]),
        ("申请人：木合塔尔·艾山，男，住库尔勒市。", ["木合塔尔·艾山"]),
        ("留学生玛丽·史密斯（Mary Smith，加拿大籍）报到。", ["玛丽·史密斯", "Mary Smith"]),
        ("给孩子取名冀诗涵、冀诗雨。", ["冀诗涵", "冀诗雨"]),
        ("<row><xm>鱼小丽</xm><productName>黄河</productName></row>", ["鱼小丽"]),
        ('{"patient_name": "能志远", "city_name": "石家庄"}', ["能志远"]),
        ("班委名单：班长 令狐子墨，副班长 白玛央金。", ["令狐子墨", "白玛央金"]),
        ("钱打到农行卡上，户名蒙建设 别打错了。", ["蒙建设"]),
    ],
)
def test_names_of_other_languages_forms_and_records_are_found_whole(text: str, names: list[str]) -> None:
    assert people(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "代表团正在科威特访问，随后前往尼日利亚。",
        "陈规陋习要不得，深山老林无人迹。",
        "原局长和新任主任都到会，党主席致辞。",
        "马克思主义的基本原理。",
        "温馨提示：请保管好随身物品，水费付清后再搬离。",
        "李封街道、阿嘎如泰苏木和桂云花满族乡开展了环境整治。",
        "全部数据包括50,000 张训练图像和一万张测试图像。",
        "任中级专业技术职务的警官晋升为上校，修志工作完成后妥善保存。",
        "小黄鱼、兰圆鲹、沙丁鱼、红笛鲷、白姑鱼、黄姑鱼、鲚鱼、毛虾、鲍鱼。",
    ],
)
def test_places_idioms_and_offices_are_no_names(text: str) -> None:
    assert people(text) == []


def test_what_a_document_mostly_reads_as_a_word_is_no_name() -> None:
    text = "夏玉米制种。夏玉米种子。夏玉米基地。夏玉米。"
    doubtful = [Word(0, 3, "PER", 0.7)]
    assert persons(text, doubtful) == []
    assert persons(text, [Word(at, at + 3, "PER", 0.7) for at in range(0, 18, 6)]) != []


@pytest.mark.parametrize(
    "text",
    ["平台经营者单险种参加工伤保险的，社会保险经办机构应当办理。", "（二）非公司企业法人：章程、经营期限、登记联络员。"],
)
def test_what_follows_a_bare_label_in_a_law_is_no_name(text: str) -> None:
    assert people(text) == []


def test_a_numbered_act_of_a_place_is_no_address() -> None:
    text = "浙江省第十二届人民代表大会常务委员会公告第10号"
    assert [kind for _, _, kind in detect_batch([text])[0]] == []


def test_a_country_in_front_of_a_name_is_no_part_of_it() -> None:
    assert country_before("尼日利亚奥利塞赫") == len("尼日利亚")
    assert country_before("尼日利亚") == country_before("王小明") == 0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text("王李张伟芳在于北京市长说，。的访问克林顿·", min_size=1, max_size=30), min_size=1, max_size=6))
def test_chances_are_shares_and_words_cover_their_sentences(sentences: list[str]) -> None:
    for sentence, (tags, chances, _) in zip(sentences, tagger().tags(sentences), strict=True):
        assert len(tags) == len(chances) == len(sentence)
        assert np.all((chances >= 0) & (chances <= 1 + 1e-5))
    for words in tagged(sentences):
        assert all(one.end <= two.start and 0 <= one.chance <= 1 for one, two in pairwise(words))


def test_the_surer_the_tagger_the_higher_the_chance() -> None:
    name, word = (tagged([text])[0] for text in ("邓小平说。", "高山流水。"))
    assert name[0].chance > 0.9 > max(item.chance for item in word)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("请联系办公室小孙，电话028-86532217。", ["小孙"]),
        ("学生尤溪，家长尤长庚。", ["尤溪", "尤长庚"]),
        ("温姓男子深夜醉酒滋事，民警将其带离现场。", ["温"]),
        ("申请人：祁连山，住所见附件。", ["祁连山"]),
        ("无过错方有权请求损害赔偿；岳父母跟我们一起住。", []),
        ("现夫在婚前已付首付，小三与后配均无权主张。", []),
    ],
)
def test_kin_and_parties_are_no_names_and_people_beside_them_are(text: str, names: list[str]) -> None:
    assert people(text) == names


@pytest.mark.parametrize("dot", "·•‧・")
def test_a_name_with_a_dot_is_one_name_whatever_the_dot(dot: str) -> None:
    assert people(f"患者古丽{dot}阿布都拉于上午十时入院。") == [f"古丽{dot}阿布都拉"]
    assert people(f"工单转派给阿里木{dot}玉素甫处理。") == [f"阿里木{dot}玉素甫"]


def test_a_given_name_that_is_a_city_too_begins_a_name_with_a_dot() -> None:
    assert people("患者亚历山大·彼得罗夫于上午十时入院。") == ["亚历山大·彼得罗夫"]
