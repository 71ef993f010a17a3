"""Numbers that only their label tells, in the carriers of offices: tables, JSON, XML, HTML, scans and chats."""

from __future__ import annotations

import pytest

from corpushub.engine.pii.detect import detect_batch


def found(text: str) -> list[tuple[str, str]]:
    return [(text[start:end], kind) for start, end, kind in detect_batch([text])[0]]


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("| 序号 | 护照号 |\n|---|---|\n| 1 | E26356077 |\n| 2 | G34778948 |\n", "G34778948", "CN_PASSPORT"),
        ("住院号,备注\nZY24808557,无\n35378281,无\n", "35378281", "CN_MEDICAL_RECORD"),
        ("序号\t社保号\t备注\n1\t163324308\t无\n", "163324308", "CN_SOCIAL_SECURITY"),
        ("出生日期\n1947/11/23\n1995-09-07\n", "1995-09-07", "DATE_OF_BIRTH"),
        ('{"社会保障号": "502999076", "status": 200}', "502999076", "CN_SOCIAL_SECURITY"),
        ("<row><公积金账号>3868165223</公积金账号></row>", "3868165223", "CN_SOCIAL_SECURITY"),
        ("<tr><td>病历号</td><td>34785369</td></tr>", "34785369", "CN_MEDICAL_RECORD"),
        ("门诊号\nZY18708941\n", "ZY18708941", "CN_MEDICAL_RECORD"),
        ("客服：请提供一下微信号\n用户：li_561257", "li_561257", "CN_SOCIAL_ACCOUNT"),
        ("birthday=1974-01-26;", "1974-01-26", "DATE_OF_BIRTH"),
    ],
)
def test_a_label_or_a_head_says_what_a_number_is(text: str, value: str, kind: str) -> None:
    assert (value, kind) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "| 微信号 | E-mail | mobile |\n|---|---|---|\n",
        "登记号码由机关统一编制，病历号的编制办法另行规定。",
        "序号\t金额\t备注\n1\t163324308\t无\n",
        "门诊号\n内科\n外科\n",
    ],
)
def test_heads_and_other_columns_are_no_values(text: str) -> None:
    assert found(text) == []
