from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from corpushub.base.errors import Invalid
from corpushub.engine.dedup import contamination
from corpushub.engine.dedup.contamination_step import STEPS
from corpushub.engine.step import Scope
from tests.kit.text import the

QUESTION = "公共数据资源授权运营中，实施机构应当在多少个工作日内完成对运营机构申请材料的合规性审查？"
ENGLISH = "Which agency shall publish the annual report on authorised operation within ten working days of the decision?"
KNOWN = contamination.index(pl.Series([QUESTION, ENGLISH, None]))
STEP = the(STEPS, "decontaminate")


@pytest.mark.parametrize(
    "text",
    [
        f"题库第三题：{QUESTION}答案：十五个。",
        QUESTION.replace("，", ", ").replace("？", "?"),
        "前文若干。" + QUESTION[5:33] + "后文若干。",
        "公共数据资源\n授权运营中，　实施机构应当在多少个工作日内完成对运营机构申请材料的合规性审查",
        f"Quiz. {ENGLISH.upper()} Answer: none.",
    ],
)
def test_a_quoted_question_is_found_wherever_it_starts(text: str) -> None:
    assert contamination.hits(pl.Series([text]), KNOWN)[0] > 0


@pytest.mark.parametrize(
    "text",
    [
        "公共数据资源授权运营实施机构",
        "The agency shall publish the annual report within ten working days.",
        "",
        None,
        "完全无关的一段文字" * 20,
    ],
)
def test_shared_words_are_no_contamination(text: str | None) -> None:
    assert contamination.hits(pl.Series([text], dtype=pl.String), KNOWN)[0] == 0


def test_windows_do_not_reach_over_rows() -> None:
    halves = pl.Series([QUESTION[:20], QUESTION[20:]])
    assert contamination.hits(halves, KNOWN).tolist() == [0, 0]


def test_an_evaluation_set_that_yields_nothing_is_refused_not_silently_clean(tmp_path: Path) -> None:
    (tmp_path / "short.jsonl").write_text('{"q": "多少天？"}\n{"q": "谁？"}\n', "utf-8")
    with pytest.raises(Invalid) as refused:
        STEP.apply(STEP.params(column="text", file="short.jsonl"), Scope({"text": pl.String()}, folder=tmp_path))
    assert refused.value.code == "text.no_windows"


def test_a_mostly_too_short_evaluation_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mixed.jsonl").write_text('{"q": "多少天？"}\n{"q": "谁？"}\n' + f'{{"q": "{QUESTION}"}}\n', "utf-8")
    with pytest.raises(Invalid) as refused:
        STEP.apply(STEP.params(column="text", file="mixed.jsonl"), Scope({"text": pl.String()}, folder=tmp_path))
    assert refused.value.code == "text.mostly_short"


def test_a_misspelt_evaluation_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_text(f'{{"question": "{QUESTION}"}}\n', "utf-8")
    with pytest.raises(Invalid):
        STEP.apply(
            STEP.params(column="text", file="e.jsonl", columns=["questions"]), Scope({"text": pl.String()}, folder=tmp_path)
        )


def test_rows_leave_with_the_number_of_shared_windows() -> None:
    step = STEP.apply(
        STEP.params(column="text", against="exam"),
        Scope({"text": pl.String()}, table=lambda _: pl.DataFrame({"q": [QUESTION], "n": [1]})),
    )
    frame = pl.DataFrame({"text": [QUESTION, "无关的话"]})
    assert step.kernel(frame)["_hits"].to_list()[1] == 0
    assert step.kernel(frame)["_hits"][0] >= 10
    assert [drop.reason for drop in step.drops] == ["contaminated"]
