"""The second reader: the same names however sentences are put together, spans that make sense, and names the tagger does not know."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.engine.pii import detect_batch
from corpushub.engine.recognizers import name_reader as module
from corpushub.engine.recognizers.name_reader import ALONE, BEGIN, END, INSIDE, KINDS, WEIGHTS, facts_of, reader, spans
from corpushub.engine.recognizers.persons import persons
from corpushub.engine.recognizers.tagger import tagger

SENTENCES = [
    "来访人訾红艳称邻居占道。",
    "会议由区长主持。",
    "申请人与郇波发生争吵。",
    "第二条",
    "任何单位和个人不得擅自改变用途。",
]
TEXT = st.text("訾红艳逯建业称向于是任何高等，。：王小明·𠀀a1", max_size=20)


def test_the_weights_are_small() -> None:
    assert WEIGHTS.stat().st_size < 2_000_000


def test_names_are_the_same_whatever_stands_in_the_batch() -> None:
    together = [names for _, _, names in tagger().tags(SENTENCES)]
    tagger().recent.clear()
    alone = [tagger().tags([sentence])[0][2] for sentence in reversed(SENTENCES)][::-1]
    assert [[name[:2] for name in names] for names in together] == [[name[:2] for name in names] for names in alone]
    assert any(together)


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXT.filter(bool), min_size=1, max_size=5))
def test_names_lie_in_their_sentence_and_do_not_overlap(sentences: list[str]) -> None:
    for sentence, (_, _, names) in zip(sentences, tagger().tags(sentences), strict=True):
        assert all(0 <= start < end <= len(sentence) and 0 < chance <= 1 for start, end, chance in names)
        assert all(one[1] <= two[0] for one, two in pairwise(names))


@settings(max_examples=60, deadline=None)
@given(TEXT)
def test_facts_are_told_of_every_character(sentence: str) -> None:
    facts = facts_of([sentence])
    assert facts.shape == (len(sentence), KINDS)
    assert np.isfinite(facts).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=5))
def test_facts_are_the_same_whatever_sentence_stands_beside(sentences: list[str]) -> None:
    assert (facts_of(sentences) == np.concatenate([facts_of([sentence]) for sentence in sentences])).all()


def test_facts_name_words_and_forms_of_address() -> None:
    column = KINDS - 6
    facts = facts_of(["任何单位", "欧阳先生"])
    two, two_before, three, three_before, double, title = facts[:, column:].T
    assert [place for place in range(8) if two[place] and place < 4] == [0, 2]
    assert (two_before[1:4] == two[0:3]).all()
    assert (three_before[2:4] == three[0:2]).all()
    assert double.tolist() == [0, 0, 0, 0, 1, 0, 0, 0]
    assert title.tolist() == [0, 0, 0, 0, 0, 0, 1, 0]


def test_the_likeliest_of_overlapping_names_is_kept() -> None:
    chances = np.zeros((5, 5), np.float32)
    chances[0, BEGIN], chances[1, END], chances[1, INSIDE], chances[2, END], chances[4, ALONE] = 1, 0.3, 0.7, 0.9, 0.8
    assert spans(chances) == [(0, 3, 0.63), (4, 5, 0.8)]


def test_without_the_file_names_are_those_of_the_tagger_and_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WEIGHTS", WEIGHTS.with_name("absent.npz"))
    reader.cache_clear()
    tagger().recent.clear()
    try:
        assert reader() is None
        assert all(names == [] for _, _, names in tagger().tags(SENTENCES))
    finally:
        monkeypatch.undo()
        reader.cache_clear()
        tagger().recent.clear()
    assert reader() is not None


def test_what_the_second_reader_adds_says_so() -> None:
    assert persons("逯建业没有来。", [], (), [(0, 3, 0.99)]) == [(0, 3, 0.55, "second reader")]
    assert persons("逯建业没有来。", [], (), [(0, 3, 0.2)]) == []


@pytest.mark.parametrize(
    "text",
    [
        "任何单位和个人不得擅自改变用途，于是项目方案经过多次修改。",
        "高等学校应当安全管理，时间安排由主办方决定。",
        "由于孩子年龄尚小，法院往往倾向于母亲；另一个孩子尚幼。",
        "職業工會會員勞保月負擔保險費金額表；公害陳情案件分佈位置圖；退輔會榮民服務處課程",
        "如果有证据证明刘家夫妇打了人，可以要求刘家夫妇赔偿；盗伐林木罪涉及金额较大",
    ],
)
def test_words_that_begin_like_surnames_are_no_names(text: str) -> None:
    assert not [kind for _, _, kind in detect_batch([text])[0] if kind == "PERSON"]
