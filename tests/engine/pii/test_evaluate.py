"""Figures of the evaluation on texts whose right answers are obvious."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpushub.base.errors import Invalid, NotFound
from corpushub.engine.pii.evaluate import Labelled, evaluate, evaluate_texts, f_beta, read, wilson

MOBILE = "请拨打手机13912345678。"


def test_hits_misses_and_false_alarms_are_counted_apart() -> None:
    items = [
        Labelled(MOBILE, ((5, 16, "CN_MOBILE"),)),
        Labelled("工号00017", ((2, 7, "CN_MOBILE"),)),
        Labelled(MOBILE, ()),
        Labelled(MOBILE, (), ((5, 16, "CN_MOBILE"),)),
    ]
    mobile = evaluate_texts("mine", items).scores[0]
    assert (mobile.gold, mobile.found, mobile.recall) == (2, 3, 0.5)
    assert mobile.precision == pytest.approx(0.6667)
    assert (mobile.strict_recall, mobile.char_recall) == (0.5, 0.6875)


def test_intervals_and_f_measures_are_those_of_the_books() -> None:
    assert wilson(8, 10) == (0.4902, 0.9433)
    assert wilson(0, 0) == (0.0, 1.0)
    assert f_beta(0.5, 1.0, 2) == pytest.approx(0.8333)


def test_three_formats_read_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": MOBILE, "spans": [[5, 16, "CN_MOBILE"]]}), "utf-8")
    research = [{"full_text": MOBILE, "spans": [{"entity_type": "CN_MOBILE", "start_position": 5, "end_position": 16}]}]
    (tmp_path / "b.json").write_text(json.dumps(research), "utf-8")
    (tmp_path / "c.iob2").write_text("# sent\n1\t请拨打手机\tO\t-\n2\t13912345678\tB-CN_MOBILE\t-\n3\t。\tO\t-\n\n", "utf-8")
    assert {next(read(file)) for file in tmp_path.iterdir()} == {Labelled(MOBILE, ((5, 16, "CN_MOBILE"),))}
    assert [one.scores[0].recall for one in evaluate(tmp_path)] == [1.0, 1.0, 1.0]


def test_a_broken_line_is_named_without_its_text(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x", "spans": []}\n{"secret": 13912345678\n', "utf-8")
    with pytest.raises(Invalid) as caught:
        evaluate(tmp_path)
    assert caught.value.facts == {"file": "a.jsonl", "line": 2}


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"pii\.no_labelled"):
        evaluate(tmp_path)
