"""The batch front finds exactly what `AnalyzerEngine` finds with the same registry, on any text, and in linear time."""

from __future__ import annotations

import random
import time
from functools import cache

import pytest
import regex  # type: ignore[import-untyped]  # comes without types
from hypothesis import given, settings
from hypothesis import strategies as st
from presidio_analyzer import AnalyzerEngine, Pattern, PatternRecognizer, RecognizerResult

from corpushub.base.errors import Invalid
from corpushub.engine.pii.analyzer import LANGUAGE, build_engine
from corpushub.engine.pii.scan import BatchAnalyzer
from corpushub.engine.recognizers.shape import ShapeRecognizer, id_check

ID = "11010519491231002" + id_check("11010519491231002")
PIECES = [
    ID, ID[:-1] + "0", "13912345678", "139-1234-5678", "1 3 9 1 2 3 4 5 6 7 8", "6222021234567890128", "010-62345678", "(0571)87654321转8",
    "a.b@c.cn", "x@y", "京A12345", "E12345678", "C12345678", "10.1.2.3", "192.168.1.254", "1.2.3.4", "00:1A:2B:3C:4D:5E", "AKIA1234567890ABCDEF",
    "eyJhbGciOi.eyJzdWIiOi.abcdefgh", "116.397128,39.916527", "862921132624473", "LSVAU2180N2183294", "91110105MA00000000", "军字第1234567号",
    "身份证号", "手机：", "电话", "护照", "卡号：", "住院号：", "出生日期：", "1985年3月2日", "社保卡号：A12345678", "微信号", "wx_abc12345", "QQ：123456789",
    "密码：", "Ab1!cd9x", "password=hunter2x", "。", "，", " ", "\n", "\t", "\r\n", "第", "元", "年", "2020", "版本", "的", "在", "男，", "出生", "IP", "设备",
    "078-05-1120", "4111 1111 1111 1111", "GB29NWBK60161331926819", "-----BEGIN PRIVATE KEY-----", "A", "0", "９", "\u200b", "é", "😀", "x" * 30,
]  # fmt: skip
TEXT = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=14).map("".join)


@cache
def engine() -> AnalyzerEngine:
    lines = PatternRecognizer("LINES", "lines", LANGUAGE, patterns=[Pattern("two lines", r"A\s+B|^0|end$", 0.6)])
    vague = PatternRecognizer("WORDS", "words", LANGUAGE, patterns=[Pattern("repeat", r"(\d)\1\1\1", 0.6)], context=["GPS"])
    deny = PatternRecognizer("LISTED", "listed", LANGUAGE, deny_list=["版本", "GPS"])
    return build_engine([lines, vague, deny], tagger=False)


@cache
def batch() -> BatchAnalyzer:
    return BatchAnalyzer(engine())


def documented(text: str) -> set[tuple[int, int, str, float]]:
    return {(r.start, r.end, r.entity_type, r.score) for r in engine().analyze(text, language=LANGUAGE)}


@settings(max_examples=80)
@given(st.lists(TEXT, min_size=1, max_size=4))
def test_findings_are_those_of_the_engine(texts: list[str]) -> None:
    found = [{(f.start, f.end, f.entity, f.score) for f in row} for row in batch().findings(texts)]
    assert found == [documented(text) for text in texts]


def test_findings_are_those_of_the_engine_with_the_tagger() -> None:
    whole = build_engine()
    text = "申请人：王小明，住北京市海淀区中关村大街27号5单元301室，手机13912345678。\n第二条 国家保护公民的个人信息。"
    results = {(r.start, r.end, r.entity_type, r.score) for r in whole.analyze(text, language=LANGUAGE)}
    assert {(f.start, f.end, f.entity, f.score) for f in BatchAnalyzer(whole).findings([text])[0]} == results


def test_time_grows_with_length_not_with_its_square() -> None:
    line = f"第一条 申请人身份证号{ID}，手机13912345678。" + "依照本办法的规定办理有关手续，并妥善保管材料。" * 6 + "\n"
    batch().findings([line])
    times = []
    for count in (400, 1600):
        started = time.process_time()
        assert len(batch().findings([line * count])[0]) == 2 * count
        times.append(time.process_time() - started)
    assert times[1] < 4 * 4 * max(times[0], 0.02)


class BrokenRecognizer(ShapeRecognizer):
    ENTITY = "BROKEN"
    SHAPES = (("open", r"(A", 0.6),)


def test_a_pattern_that_is_none_is_refused_before_it_is_needed() -> None:
    broken = build_engine([BrokenRecognizer()], tagger=False)
    with pytest.raises(regex.error):
        BatchAnalyzer(broken)


def test_a_pathological_pattern_is_refused_by_name_and_in_time() -> None:
    slow = PatternRecognizer("SLOW", "slow", LANGUAGE, patterns=[Pattern("nested", r"(a|aa)+$", 0.9)])
    started = time.process_time()
    with pytest.raises(Invalid, match=r"pii\.pattern_too_slow.*slow"):
        BatchAnalyzer(build_engine([slow], tagger=False), seconds=0.5).findings(["a" * 60 + "b" + "secret 13912345678"])
    assert time.process_time() - started < 10


class Raising(PatternRecognizer):
    """Foreign code with a bug that would tell the text."""

    def validate_result(self, pattern_text: str) -> bool | None:
        raise ValueError(pattern_text)


def test_a_recognizer_that_raises_is_named_and_its_text_is_not() -> None:
    broken = Raising("ODD", "odd", LANGUAGE, patterns=[Pattern("digits", r"\d{6}", 0.9)])
    with pytest.raises(Invalid) as caught:
        BatchAnalyzer(build_engine([broken], tagger=False)).findings(["pin 918273"])
    assert caught.value.facts == {"recognizer": "odd", "kind": "ValueError"}
    assert "918273" not in caught.value.explain("en")
    assert caught.value.__cause__ is None


class Opaque(PatternRecognizer):
    """No pattern recognizer to the front: its own `analyze`."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: object = None, regex_flags: int | None = None
    ) -> list[RecognizerResult]:
        at = text.find("zz")
        keys = {RecognizerResult.RECOGNIZER_NAME_KEY: self.name, RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id}
        return [RecognizerResult("ZZ", at, at + 2, 0.9, None, keys)] if at >= 0 else []


def test_a_recognizer_that_is_no_pattern_recognizer_sees_every_text() -> None:
    found = BatchAnalyzer(
        build_engine([Opaque("ZZ", "opaque", LANGUAGE, patterns=[Pattern("x", "x", 0.1)])], tagger=False)
    ).findings(["a zz", "b"])
    assert [[f.entity for f in row] for row in found] == [["ZZ"], []]


@pytest.mark.parametrize("seed", range(3))
def test_nothing_breaks_on_arbitrary_unicode(seed: int) -> None:
    chance = random.Random(seed)
    text = "".join(
        chr(chance.choice([chance.randrange(32), chance.randrange(0x250), chance.randrange(0x4E00, 0x9FFF), 0x202E, 0x10FFFF]))
        for _ in range(2000)
    )
    assert {(f.start, f.end) for f in batch().findings([text])[0]} == {(s, e) for s, e, _, _ in documented(text)}
