"""Detection on text nobody but us wrote: check digits are computed here, not copied from anywhere."""

from __future__ import annotations

import pytest

from corpushub.engine.pii.detect import detect_batch
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
    ],
)
def test_surface_forms_do_not_hide_a_number(text: str, value: str, entity: str) -> None:
    assert (value, entity) in found(text)


def test_null_and_empty_cells_have_no_findings() -> None:
    assert detect_batch(["", "   ", "\n"]) == [[], [], []]


def test_bytes_that_were_no_text_do_not_stop_the_rest() -> None:
    broken = b"\xff\xfe 13912345678".decode("utf-8", "surrogateescape")
    assert detect_batch([broken, "手机13912345678"]) == [[(3, 14, "CN_MOBILE")], [(2, 13, "CN_MOBILE")]]


def test_a_long_line_and_nested_json_are_read() -> None:
    line = "备注" * 300_000 + '{"a": "{\\"mobile\\": \\"13912345678\\"}"}'
    assert [entity for _, _, entity in detect_batch([line])[0]] == ["CN_MOBILE"]
