"""Text nobody meant to send, and recognizers nobody should have written: a named error or a clean cell, never a value, never a hang."""

from __future__ import annotations

import json
import time
from typing import Any

import polars as pl
import pytest
from presidio_analyzer import LocalRecognizer, Pattern, PatternRecognizer, RecognizerResult

from corpushub.base.errors import Invalid
from corpushub.engine.pii.analyzer import LANGUAGE, build_engine
from corpushub.engine.pii.detect import find
from corpushub.engine.pii.scan import BatchAnalyzer
from corpushub.engine.pii.steps import STEPS, Scrub
from corpushub.engine.recognizers.shape import id_check
from corpushub.engine.step import Mapped, Scope

BODY = "11010519491231002"
ID = BODY + id_check(BODY)
SECRETS = (ID, "13912345678", "王小明", "Zx9#kk21Q")


def scrubbed(cells: list[str | None], *, names: bool = True) -> list[str | None]:
    frame = pl.DataFrame({"text": pl.Series(cells, dtype=pl.String)})
    answer = STEPS[0].apply(Scrub(columns="text", names=names), Scope(schema=frame.schema, dataset="a/b"))
    assert isinstance(answer, Mapped)
    assert answer.kernel is not None
    left: list[str | None] = answer.kernel(frame)["text"].to_list()
    return left


@pytest.mark.parametrize(
    "cell",
    [
        f"身份证号{ID[:9]}\u202e{ID[9:]}\u202c",
        f"身份证号\x00{ID}\x07",
        "\u2067手机：\u20691391\u200f234\u200e5678",
        "手机：139\ufeff1234\u2060\u00ad5678",
        f"\ufffd\ufffd身份证号{ID}\ufffd",
        json.dumps({"person": json.dumps({"id_no": ID, "mobile": "13912345678"})}),
        json.dumps({"申请人": "王小明", "手机": "13912345678"}),
        json.dumps([[[["13912345678"]]]]) + "[" * 5000,
        "姓名：王小明\r手机：13912345678",
        "\u0300" * 4000 + "手机：13912345678",
        '｛"手机"："１３９１２３４５６７８"｝',
    ],
)
def test_no_disguise_of_the_bytes_saves_a_value(cell: str) -> None:
    (left,) = scrubbed([cell])
    assert left is not None
    digits = "".join(char for char in left.translate(str.maketrans("０１２３４５６７８９", "0123456789")) if char.isdigit())
    assert not any(value in left or value in digits for value in SECRETS)


def test_null_and_empty_cells_stay_what_they_are() -> None:
    assert scrubbed([None, "", " ", "手机：13912345678", None]) == [None, "", " ", "手机：〔手机号〕", None]
    assert find([None, "手机：13912345678"])[0] == []


def test_a_line_of_ten_megabytes_is_scrubbed_and_the_rest_of_it_is_as_it_was() -> None:
    padding = "备注 x," * 1_150_000
    assert len(padding.encode()) > 10_000_000
    (left,) = scrubbed([f"{padding}手机：13912345678，身份证号{ID}"], names=False)
    assert left == f"{padding}手机：〔手机号〕，身份证号〔身份证号〕"


class Talkative(LocalRecognizer):
    """Foreign code with a bug whose message holds the text."""

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        raise RuntimeError(f"cannot read {text}")


class TalkativeInBatches(Talkative):
    def analyze_batch(self, texts: list[str]) -> list[list[RecognizerResult]]:
        raise KeyError(texts[0])


class Refusing(PatternRecognizer):
    def invalidate_result(self, pattern_text: str) -> bool | None:
        raise ZeroDivisionError(pattern_text)


@pytest.mark.parametrize(
    "broken",
    [
        Talkative(["ODD"], supported_language=LANGUAGE, name="odd"),
        TalkativeInBatches(["ODD"], supported_language=LANGUAGE, name="odd"),
        Refusing("ODD", "odd", LANGUAGE, patterns=[Pattern("digits", r"\d{11}", 0.9)]),
        Refusing("ODD", "odd", LANGUAGE, patterns=[Pattern("over lines", r"\d{11}\s", 0.9)]),
    ],
    ids=["one text", "a batch", "validator on a line", "validator on a document"],
)
def test_a_recognizer_that_raises_is_named_and_no_value_is_told(broken: Any) -> None:
    with pytest.raises(Invalid) as caught:
        BatchAnalyzer(build_engine([broken], tagger=False)).findings(["手机13912345678 王小明\n"])
    assert caught.value.code == "pii.recognizer_failed"
    assert caught.value.facts["recognizer"] == "odd"
    told = caught.value.explain("en") + caught.value.explain("zh") + repr(caught.value) + repr(caught.value.__cause__)
    assert not any(value in told for value in SECRETS)
    assert caught.value.__suppress_context__  # a trace printed for it does not print the foreign message


@pytest.mark.parametrize("source", [r"(?:a|aa){1,60}c", r"(a|aa)+$"])
def test_a_pathological_pattern_of_a_user_stops_in_time(source: str) -> None:
    slow = PatternRecognizer("SLOW", "slow", LANGUAGE, patterns=[Pattern("nested", source, 0.9)])
    analyzer = BatchAnalyzer(build_engine([slow], tagger=False), seconds=0.3)
    started = time.monotonic()
    with pytest.raises(Invalid) as caught:
        analyzer.findings(["a" * 70 + "b" + "x" * 70 + " 13912345678"])
    assert time.monotonic() - started < 30  # generous: without a limit these would run for years
    assert (caught.value.code, caught.value.facts["pattern"]) == ("pii.pattern_too_slow", "nested")
    assert "13912345678" not in caught.value.explain("zh")
