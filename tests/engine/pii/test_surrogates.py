"""A scrub with surrogates passes the look after it; what the scrub did not write is found, also among surrogates."""

from __future__ import annotations

import polars as pl
import pytest

from corpushub.engine.pii.actions import Desk
from corpushub.engine.pii.policy import policy
from corpushub.engine.pii.pseudonyms import derive, token
from corpushub.engine.pii.scrub import scrub_rows
from corpushub.engine.pii.surrogates import days, givens, is_nobodys, is_surrogate, landline, surrogate, words
from corpushub.engine.pii.verify import verify

KEY = derive(b"a secret of at least sixteen bytes", "yunzhou/notices")
OTHER = derive(b"another secret of at least sixteen", "yunzhou/notices")
NATURAL = policy("natural")
TEXT = (
    "申请人：{name}，男，1985年3月2日出生，身份证号11010519491231002X，手机13912345678，住浙江省杭州市西湖区文一路1号3幢502室。"
)
NAMES = ("王小明", "李娜", "欧阳建国", "张伟", "刘志强", "赵雅芝", "买买提·艾力", "陈晓东", "周杰", "孙丽华")


def scrubbed(*texts: str, key: bytes = KEY) -> list[str]:
    return [row.cells[0] or "" for row in scrub_rows([(text,) for text in texts], ("text",), NATURAL, Desk(key))]


def left(*texts: str, key: bytes = KEY) -> dict[str, int]:
    return dict(verify(pl.DataFrame({"text": texts}), ["text"], NATURAL, key=key).engine)


def test_text_with_surrogates_reads_on_and_passes_the_look_after_it() -> None:
    texts = [TEXT.format(name=name) for name in NAMES]
    after = scrubbed(*texts)
    assert not any(name in text for name, text in zip(NAMES, after, strict=True))
    assert "〔" not in "".join(after)
    assert left(*after) == {}


def test_only_the_key_of_the_dataset_tells_a_surrogate_from_a_person() -> None:
    after = scrubbed(*[TEXT.format(name=name) for name in NAMES])
    assert left(*after, key=b"")["PERSON"] == len(NAMES)
    assert left(*after, key=OTHER)["PERSON"] >= len(NAMES) - 2  # one given name in sixty-four is in both


def test_a_person_left_over_beside_surrogates_is_found_where_they_stand() -> None:
    after = scrubbed(*[TEXT.format(name=name) for name in NAMES])
    planted = verify(pl.DataFrame({"text": [*after, "经办人：刘国栋，已到窗口办理。"]}), ["text"], NATURAL, key=KEY)
    assert dict(planted.engine) == {"PERSON": 1}
    assert [(cell.column, cell.row, dict(cell.entities)) for cell in planted.left] == [("text", len(after), {"PERSON": 1})]


def test_a_true_name_that_happens_to_be_a_surrogate_is_scrubbed_all_the_same() -> None:
    same = f"王{next(iter(givens(KEY)))}"
    assert is_surrogate("PERSON", same, KEY)
    assert same not in scrubbed(f"经办人：{same}，已到窗口办理。")[0]


def test_few_names_and_days_are_surrogates_of_a_key() -> None:
    given = words("given")
    assert len(givens(KEY)) * 60 <= len(given) ** 2
    assert len(days(KEY, 1985)) * 60 <= 365
    assert not is_surrogate("PERSON", "王伟", KEY)
    assert not is_surrogate("PERSON", "", KEY)


def test_people_of_one_document_have_different_surrogates_and_the_same_person_one() -> None:
    desk = Desk(KEY, document=b"a document")
    made = [desk.write("surrogate", "PERSON", f"王小{char}") for char in "明红刚强东南西北春夏秋冬" for _ in range(2)]
    assert made[::2] == made[1::2]
    assert len(set(made)) == 12


def test_a_person_has_another_surrogate_in_another_document() -> None:
    one, two = scrubbed("经办人：王小明，已到窗口办理。", "经办人：王小明，明日再来窗口办理。")
    assert one[4:7] != two[4:7]


@pytest.mark.parametrize(
    "entity", ["CN_MOBILE", "CN_LANDLINE", "PHONE_NUMBER", "CN_ID_CARD", "EMAIL_ADDRESS", "ADDRESS", "CN_BANK_CARD"]
)
def test_what_is_written_for_numbers_and_places_is_nobodys(entity: str) -> None:
    value = {"PHONE_NUMBER": "+1 415-555-2671", "CN_LANDLINE": "（0571）8765 4321", "ADDRESS": "浙江省杭州市西湖区文一路1号"}.get(
        entity, "123456789012345678"
    )
    made = surrogate(entity, value, KEY, token(KEY, entity, value)) or ""
    assert made != value
    assert is_nobodys(entity, made)
    assert not is_nobodys(entity, value)


def test_nothing_of_a_number_stays_in_its_surrogate_but_the_area() -> None:
    from corpushub.engine.pii.surrogates import Draw

    assert landline("010-62345678-1234", Draw(b"\x07" * 32)).startswith("010-100")


def test_a_birthday_keeps_its_year_and_its_writing_and_never_vanishes() -> None:
    def made(value: str) -> str:
        return Desk(KEY).write("surrogate", "DATE_OF_BIRTH", value)

    assert made("1985-03-02")[:5] == "1985-"
    assert made("1985年3月") == "1985年"
    assert made("一九八五年三月二日") == "〔出生日期〕"


@pytest.mark.parametrize("key", [KEY, OTHER, *(derive(bytes([number]) * 16) for number in range(6))])
def test_a_surrogate_that_runs_into_its_neighbours_gives_way_to_a_placeholder(key: bytes) -> None:
    runs = "感谢胡总的亲临，感谢武汉金玉缘的支持！@比糖甜一点@金玉缘叶莲@金玉缘吴佩@金玉缘高智雅@黄石金玉缘王萍//@金玉缘婚礼:恭喜恭喜，圆满成功！"
    also = "#2013厦门购物节#祝小编天天开心，也祝刘璇芮刘璇粉丝多到爆，越来越红火，感谢小编不断将惊喜带给大家。"
    assert left(*scrubbed(runs, also, key=key), key=key) == {}
