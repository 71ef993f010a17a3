"""Detection on text nobody but us wrote: check digits are computed here, not copied from anywhere."""

from __future__ import annotations

import logging
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine.pii.detect import detect_batch, find, resolve, scanner
from corpushub.engine.pii.scan import Finding
from corpushub.engine.pii.verify import second_scan
from corpushub.engine.recognizers.shape import id_check


def found(text: str) -> list[tuple[str, str]]:
    return [(text[start:end], entity) for start, end, entity in detect_batch([text])[0]]


BODY = "11010519491231002"
ID = BODY + id_check(BODY)


@pytest.mark.parametrize(
    ("text", "value", "entity"),
    [
        (f"身份证号{ID}，请核对", ID, "CN_ID_CARD"),
        ("请拨打手机13912345678联系", "13912345678", "CN_MOBILE"),
        ("座机（010）62345678转12", "（010）62345678转12", "CN_LANDLINE"),
        ("我的邮箱是lisi@example.org.cn谢谢", "lisi@example.org.cn", "EMAIL_ADDRESS"),
        ("银行卡号6222021234567890128余额", "6222021234567890128", "CN_BANK_CARD"),
        ("车牌京A·D12345停在门口", "京A·D12345", "CN_LICENSE_PLATE"),
        ("护照号码E12345678过期", "E12345678", "CN_PASSPORT"),
        ("服务器地址10.1.2.3已上线", "10.1.2.3", "IP_ADDRESS"),
        ("MAC为00:1A:2B:3C:4D:5E的设备", "00:1A:2B:3C:4D:5E", "MAC_ADDRESS"),
        ("密码：Zx9#kk21Q 请勿外传", "Zx9#kk21Q", "SECRET"),
        ("住院号：ZY0012345，", "ZY0012345", "CN_MEDICAL_RECORD"),
        ("出生日期：1985年3月2日", "1985年3月2日", "DATE_OF_BIRTH"),
    ],
)
def test_structured_ids_are_found_beside_han_characters(text: str, value: str, entity: str) -> None:
    assert (value, entity) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "京政发〔2025〕3号、GB/T 35273-2020、（2023）京0105民初12345号",
        "项目代码2020-110108-65-03-012345，总投资17344978690元",
        "热线12345、119、95086，书号ISBN 978-7-1378-7491-4",
        "增值电信业务经营许可证京B2-20101107，国道G107，沪A股",
        "版本1.2.3.4，见第4.1.2.3条，密码由字母和数字组成",
    ],
)
def test_numbers_of_public_life_are_no_personal_information(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "value", "entity"),
    [
        ("电话１３９１２３４５６７８", "１３９１２３４５６７８", "CN_MOBILE"),
        ("电话139\u200b1234\u200b5678。", "139\u200b1234\u200b5678", "CN_MOBILE"),
        ("电话139.1234.5678", "139.1234.5678", "CN_MOBILE"),
        ("电话一三九一二三四五六七八", "一三九一二三四五六七八", "CN_MOBILE"),
        (
            f"身份证 {ID[:4]} {ID[4:8]} {ID[8:12]} {ID[12:16]} {ID[16:]}",
            f"{ID[:4]} {ID[4:8]} {ID[8:12]} {ID[12:16]} {ID[16:]}",
            "CN_ID_CARD",
        ),
        (f"身份证{ID[:9]}\n{ID[9:]}", f"{ID[:9]}\n{ID[9:]}", "CN_ID_CARD"),
        (f"身份证{ID.replace('0', 'O')}", ID.replace("0", "O"), "CN_ID_CARD"),
        ("车牌京a d12345", "京a d12345", "CN_LICENSE_PLATE"),
        ("手机139,1234,5678", "139,1234,5678", "CN_MOBILE"),
        ("手机139，1234，5678", "139，1234，5678", "CN_MOBILE"),
        ("电话(139)1234-5678", "(139)1234-5678", "CN_MOBILE"),
        ("电话139 - 1234 - 5678", "139 - 1234 - 5678", "CN_MOBILE"),
        ("联系人王五139一二三四五六七八", "139一二三四五六七八", "CN_MOBILE"),
        ("电话010 - 62345678", "010 - 62345678", "CN_LANDLINE"),
        (
            f"身份证{ID[:4]},{ID[4:8]},{ID[8:12]},{ID[12:16]},{ID[16:]}",
            f"{ID[:4]},{ID[4:8]},{ID[8:12]},{ID[12:16]},{ID[16:]}",
            "CN_ID_CARD",
        ),
        (f"李四{ID}", ID, "CN_ID_CARD"),
        ("IP地址10。11。200。3", "10。11。200。3", "IP_ADDRESS"),
        ("MAC地址00：1A：2B：3C：4D：5E", "00：1A：2B：3C：4D：5E", "MAC_ADDRESS"),
        ("手机\u202e13912345678\u202c", "13912345678", "CN_MOBILE"),
        ("手机139\x001234\x075678", "139\x001234\x075678", "CN_MOBILE"),
    ],
)
def test_surface_forms_do_not_hide_a_number(text: str, value: str, entity: str) -> None:
    assert (value, entity) in found(text)


def test_null_and_empty_cells_have_no_findings() -> None:
    assert detect_batch(["", "   ", "\n"]) == [[], [], []]


def test_bytes_that_were_no_text_do_not_stop_the_rest() -> None:
    broken = b"\xff\xfe 13912345678".decode("utf-8", "surrogateescape")
    assert detect_batch([broken, "手机13912345678"]) == [[(3, 14, "CN_MOBILE")], [(2, 13, "CN_MOBILE")]]


NESTED = '{"a": "{\\"mobile\\": \\"13912345678\\"}"}'


def test_a_line_of_ten_megabytes_is_read_to_its_end() -> None:
    line = "备注" * 1_750_000 + NESTED
    assert len(line.encode()) > 10_000_000
    (found,) = find([line], scanner(tagger=False))
    assert [(item.start > 3_500_000, item.entity) for item in found] == [(True, "CN_MOBILE")]


def test_names_are_looked_for_in_a_long_line_too() -> None:
    assert [entity for _, _, entity in detect_batch(["备注" * 300_000 + NESTED])[0]] == ["CN_MOBILE"]


def test_rows_of_numbers_are_not_one_broken_number() -> None:
    assert detect_batch(["编号\n20240301\n20240302\n20240303", "单价 139\n数量 1234\n合计 5678"]) == [[], []]


def test_no_value_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        detect_batch([f"申请人王小明，身份证号{ID}，手机13912345678，密码：Zx9#kk21Q。"])
    assert not any(value in caplog.text for value in (ID, "13912345678", "Zx9#kk21Q", "王小明"))


ENTITIES = ["PERSON", "CN_MOBILE", "ADDRESS", "OTHER"]
FINDINGS = st.lists(
    st.builds(
        lambda start, size, entity, score: Finding(start, start + size, entity, score, "recognizer"),
        st.integers(0, 30),
        st.integers(1, 9),
        st.sampled_from(ENTITIES),
        st.sampled_from([0.5, 0.6, 1.0]),
    ),
    max_size=9,
)


@given(FINDINGS)
def test_no_two_findings_share_a_character_and_none_gives_way_without_a_better_one(found: list[Finding]) -> None:
    kept = resolve(found)
    assert all(first.end <= second.start for first, second in pairwise(kept))
    for item in set(found) - set(kept):
        assert any(item.start < other.end and other.start < item.end and other.score >= item.score for other in kept)


def test_a_text_full_of_findings_is_read_whole() -> None:
    text = "电话13912345678，" * 30_000
    assert len(detect_batch([text])[0]) == 30_000


@pytest.mark.parametrize(
    ("text", "mobile"),
    [
        ('{"amount": 17344978690, "phone": "13912345678"}', ["13912345678"]),
        ("合同金额：17344978690元，电话：13912345678", ["13912345678"]),
        ("联系人电话：17344978690", ["17344978690"]),
    ],
)
def test_a_sum_of_money_is_no_mobile(text: str, mobile: list[str]) -> None:
    assert [value for value, entity in found(text) if entity == "CN_MOBILE"] == mobile
    assert second_scan(text) == ["CN_MOBILE"]


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("Paid with card 6222021234567890128 on Monday.", "CN_BANK_CARD"),
        ("Paid with card 4111111111111111 on Monday.", "CREDIT_CARD"),
        ('{"bankCard": "4111111111111111", "status": 200}', "CN_BANK_CARD"),
        ("| 卡号 | 备注 |\n|---|---|\n| " + "x" * 60 + " |\n| 4111111111111111 |", "CN_BANK_CARD"),
        ("卡号,次数\n4111111111111111,4027", "CN_BANK_CARD"),
    ],
)
def test_a_card_is_called_by_its_issuer_its_label_or_the_language_of_the_text(text: str, entity: str) -> None:
    assert [kind for _, _, kind in detect_batch([text])[0]] == [entity]


def test_a_candidate_s_number_is_no_card() -> None:
    assert detect_batch(["考生编号\t总成绩\n105585030112233\t83.1"]) == [[]]
