"""A match begins only where the sets allow it: for every pattern of ours and of Presidio, and for patterns made up at random."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import regex  # type: ignore[import-untyped]  # comes without types
from hypothesis import given, settings
from hypothesis import strategies as st
from presidio_analyzer import PatternRecognizer

from corpushub.engine.pii.analyzer import LANGUAGE, build_engine, built_in_recognizers
from corpushub.engine.pii.scan import BatchAnalyzer, known_patterns
from corpushub.engine.pii.starts import Starts
from tests.engine.pii.test_scan import TEXT

ATOMS = st.sampled_from(
    ["a", "B", "7", r"\d", r"\w", "[a-c]", "[^a7]", ".", "身", "[\u4e00-\u9fff]", r"\s", "(?:ab|7)", "(?:a|号号)", "(a)", r"\b", "(?!a)", "(?!ab|7)",
     "(?=a|7)", "(?<!a)", "(?<![0-9])", "(?<=号|ab)", "(?<=身a?)", "(?i:b)", "(?<!身[^身]{0,2})", "(?![ab] ?7)", "^", "$",
     "@", "(?:xa|yb|号7)", "(?<=(?:ab|号)[:a]{0,2})", "(?i:(?:ab|B7)号)"]
)  # fmt: skip
REPEATS = st.sampled_from(["", "", "", "?", "*", "+", "{2}", "{1,3}", "{0,2}?", "{30}"])
PATTERN = st.lists(st.tuples(ATOMS, REPEATS), min_size=1, max_size=5).map(
    lambda parts: "".join(f"(?:{atom}){times}" if times else atom for atom, times in parts)
)
PLAIN = st.text(alphabet="aAbB7xy@身号 \n😀é٣k\u212aſ", max_size=24)


def begins(pattern: str, flags: int, text: str) -> set[int]:
    return {found.start() for found in regex.finditer(pattern, text, flags=flags, overlapped=True) if found.end() > found.start()}


@settings(max_examples=120)
@given(PATTERN, st.sampled_from([0, re.IGNORECASE, re.DOTALL | re.MULTILINE]), PLAIN)
def test_no_beginning_of_a_match_is_missed(pattern: str, flags: int, text: str) -> None:
    starts = Starts([("zzz", 0), (pattern, flags)])
    for line in text.split("\n"):
        allowed = {place for number, places in starts.of(line) if number == 1 for place in places.tolist()}
        assert begins(pattern, flags, line) <= allowed


@cache
def ours() -> BatchAnalyzer:
    return BatchAnalyzer(build_engine(tagger=False))


@settings(max_examples=60)
@given(TEXT)
def test_no_finding_of_ours_is_missed(text: str) -> None:
    line = text.replace("\n", " ").replace("\r", " ")
    allowed = {number: set(places.tolist()) for number, places in ours().starts.of(line)}
    for number, shape in enumerate(ours().in_lines):
        assert begins(shape.compiled.pattern, shape.flags, line) <= allowed.get(number, set()), shape.kind.pattern


@settings(max_examples=60)
@given(st.lists(TEXT, max_size=4).map("\n".join))
def test_the_compiled_look_sees_what_numpy_sees(text: str) -> None:
    by_numpy, compiled = (
        {number: places.tolist() for number, places in ours().starts.of(text, fast=fast)} for fast in (False, True)
    )
    assert compiled == by_numpy


def test_hardly_a_place_of_official_text_is_left() -> None:
    text = "第三条 国务院2024年3月1日公布的第768号令，自2024年5月1日起施行，增长5.2%，共12.5万亿元。\n" * 200
    assert sum(len(places) for _, places in ours().starts.of(text)) < len(text) / 10


def test_hardly_a_word_of_english_prose_is_left() -> None:
    """Words such as an address or a licence begins with: they are looked for where they are rare."""
    text = (
        "Where a Party objects at its own cost, the Member shall inform (in due course) each of We, Vx Ltd and A7 Corp of the reasons.\n"
        * 200
    )
    assert sum(len(places) for _, places in ours().starts.of(text)) < len(text) / 5


HOSTILE = ["1" * 4000, "1-" * 2000, "1 " * 2000, "a" * 4000, "a." * 2000, "a@" * 2000, "A1" * 2000, "eyJaaaaaaaa-" * 400, "身" * 4000, "号号" * 2000,
           "微信" * 2000, "密码" * 2000, ":" * 4000, "a:b" * 1500, "0.0." * 1000, "(1)" * 1500, "Mr A " * 800, "sk-a" * 1000]  # fmt: skip


def test_known_patterns_are_quick_on_hostile_text() -> None:
    """The limit is generous: an expression that backtracks without bound would need ages, not seconds."""
    for shape in ours().shapes:
        for text in HOSTILE:
            assert len(list(shape.compiled.finditer(text, timeout=10.0))) <= len(text)


def test_only_patterns_someone_looked_at_run_without_a_time_limit() -> None:
    built_in: list[Any] = [one for one in built_in_recognizers() if isinstance(one, PatternRecognizer)]
    assert known_patterns() == {pattern.regex for one in built_in for pattern in one.patterns}
    untimed = [shape for shape in ours().shapes if not shape.timed]
    assert untimed
    assert all(shape.compiled.pattern in known_patterns() for shape in untimed)
    foreign = PatternRecognizer("ODD", "odd", LANGUAGE, deny_list=["x"])
    assert all(shape.timed for shape in BatchAnalyzer(build_engine([foreign], tagger=False)).shapes if shape.kind.name == "odd")
