from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from corpushub.base.errors import Invalid
from corpushub.engine.step import Scope
from corpushub.engine.text.label_steps import STEPS
from tests.kit.text import mapped, the

FRAME = pl.DataFrame(
    {"text": ["根据有关法律法规制定本办法。", "The law of the land is the law.", "12345", "网上刷单的危害有多大，请看这里"]}
)


def test_language_is_written_and_others_leave_when_asked() -> None:
    out, dropped = mapped(the(STEPS, "detect_language"), FRAME, column="text", keep=["zh"])
    assert out["language"].to_list() == ["zh", "zh"]
    assert dropped == {"other_language": 2}


def test_language_without_keep_drops_nothing() -> None:
    out, dropped = mapped(the(STEPS, "detect_language"), FRAME, column="text", into="lang")
    assert out["lang"].to_list() == ["zh", "en", "und", "zh"]
    assert dropped == {}


def test_tokens_are_counted_into_a_column() -> None:
    out, _ = mapped(the(STEPS, "count_tokens"), FRAME, column="text", tokenizer="characters")
    assert out["tokens"].to_list() == [14, 24, 5, 15]


def test_keywords_flag_or_drop() -> None:
    out, dropped = mapped(the(STEPS, "flag_keywords"), FRAME, column="text")
    assert out["flags"].to_list() == [[], [], [], ["fraud"]]
    assert dropped == {}
    out, dropped = mapped(the(STEPS, "flag_keywords"), FRAME, column="text", action="drop")
    assert len(out) == 3
    assert dropped == {"keyword_fraud": 1}


def test_a_list_beside_the_recipe_is_used_alone(tmp_path: Path) -> None:
    (tmp_path / "watch.txt").write_text("办法\n", "utf-8")
    step = the(STEPS, "flag_keywords")
    answer = step.apply(step.params(column="text", file="watch.txt"), Scope(FRAME.schema, folder=tmp_path))
    assert answer.kernel(FRAME)["flags"].to_list() == [["watch"], [], [], []]


def test_an_unknown_list_is_refused() -> None:
    step = the(STEPS, "flag_keywords")
    with pytest.raises(Invalid, match="gambling"):
        step.apply(step.params(column="text", lists=["gamblin"]), Scope(FRAME.schema))
