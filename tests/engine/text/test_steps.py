from __future__ import annotations

import polars as pl
import pytest
from pydantic import ValidationError

from corpushub.base.errors import Invalid
from corpushub.base.messages import LANGS
from corpushub.engine.dedup import steps as dedup_steps
from corpushub.engine.step import Scope, Step
from corpushub.engine.text import steps as text_steps
from tests.kit.text import mapped, the

STEPS = text_steps.STEPS


@pytest.mark.parametrize("step", [*STEPS, *dedup_steps.STEPS], ids=lambda step: step.name)
def test_every_step_says_what_it_does_in_both_languages_and_refuses_unknown_parameters(step: Step) -> None:
    assert all(len(step.doc[lang]) > 10 for lang in LANGS)
    assert step.params.model_config["extra"] == "forbid"


def test_column_and_columns_read_the_same() -> None:
    normalize = the(STEPS, "normalize")
    assert normalize.params(column="a") == normalize.params(columns=["a"])
    with pytest.raises(ValidationError):
        normalize.params(columns=[])


def test_normalize_rewrites_only_the_named_columns() -> None:
    frame = pl.DataFrame({"a": ["Ａ　"], "b": ["Ｂ　"]})
    out, dropped = mapped(the(STEPS, "normalize"), frame, column="a")
    assert out.row(0) == ("A", "Ｂ　")
    assert dropped == {}


def test_a_row_of_furniture_leaves_under_its_name_and_an_empty_one_does_not() -> None:
    frame = pl.DataFrame({"text": ["首页 > 新闻\n版权所有：某单位", "正文在此。", "", None]})
    out, dropped = mapped(the(STEPS, "drop_boilerplate"), frame, column="text")
    assert out["text"].to_list() == ["正文在此。", "", None]
    assert dropped == {"only_boilerplate": 1}


def test_junk_leaves_with_its_reason() -> None:
    good = "为规范公共数据资源授权运营，促进公共数据资源的开发利用，根据有关法律法规，结合本市实际，制定本办法。"
    wrong = good.encode().decode("gbk", "ignore")
    frame = pl.DataFrame({"text": [good, wrong, "★" * 30 + "特大喜讯", "哈" * 60]})
    out, dropped = mapped(the(STEPS, "drop_low_quality"), frame, column="text", profile="zh-web")
    assert out["text"].to_list() == [good]
    assert dropped == {"mojibake": 1, "symbols": 1, "one_character_run": 1}


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    step = the(STEPS, "drop_low_quality")
    with pytest.raises(Invalid, match="zh-government"):
        step.apply(step.params(column="text", profile="zh"), Scope({"text": pl.String()}))


def test_short_counts_characters_not_bytes() -> None:
    frame = pl.DataFrame({"text": ["中文", " 中文字 ", "abc", None, "𠀀𠀁𠀂"]})
    out, dropped = mapped(the(STEPS, "drop_short"), frame, column="text", min_chars=3)
    assert out["text"].to_list() == [" 中文字 ", "abc", "𠀀𠀁𠀂"]
    assert dropped == {"too_short": 2}


@pytest.mark.parametrize(
    "step", [step for step in STEPS if step.name not in {"decontaminate", "drop_paragraphs"}], ids=lambda step: step.name
)
def test_every_kernel_takes_an_empty_frame(step: Step) -> None:
    params = {"drop_low_quality": {"profile": "zh-web"}, "drop_short": {"min_chars": 1}}.get(step.name, {})
    out, dropped = mapped(step, pl.DataFrame({"text": pl.Series([], dtype=pl.String)}), column="text", **params)
    assert out.height == 0
    assert dropped == {}


def test_a_mixed_corpus_is_judged_by_the_profile_for_each_script() -> None:
    chinese = "为规范公共数据资源授权运营，促进公共数据资源的开发利用，根据有关法律法规，结合本市实际，制定本办法。"
    english = (
        "The agency shall publish the annual report of the council within ten working days, unless the law provides otherwise."
    )
    salad = "register permit budget archive contract notice survey decision " * 4
    out, dropped = mapped(
        the(STEPS, "drop_low_quality"),
        pl.DataFrame({"text": [chinese, english, salad]}),
        column="text",
        profile=["zh-web", "en-web"],
    )
    assert out["text"].to_list() == [chinese, english]
    assert sum(dropped.values()) == 1
