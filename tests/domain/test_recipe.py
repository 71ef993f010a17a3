"""Recipes: every problem at once, with its place and what was probably meant."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from corpushub.base.errors import Invalid
from corpushub.domain.recipe import Recipe


class Columns(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    columns: list[str]


class Near(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    on: str
    jaccard: float = Field(default=0.8, gt=0, le=1)


@dataclass(frozen=True)
class Spec:
    params: type[BaseModel]


class Level(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    prefix: list[int] = []
    level: int = 1


class Coarser(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    columns: dict[str, Level]


STEPS = {"normalize": Spec(Columns), "dedup_near": Spec(Near), "generalise": Spec(Coarser)}

GOOD = """\
dataset: beijing/policy-notices
title: {zh: 北京市政策文件语料, en: Beijing policy notices}
purpose: model-training
licence: {id: other, name: bj-open-data-terms, text: terms/bj-open.md}
sources:
  notices: {resource: 110000/zwfwj/policy-notices, from: data.csv, select: {id: id, text: content}}
contract:
  key: id
  columns:
    id: {required: true, unique: true}
    text: {dtype: str, required: true, min_len: 20, pii: scrub, desc: {zh: 正文, en: body}}
  rules: [{name: has_text, expr: "text <> ''"}]
steps:
  - normalize: {columns: [text]}
  - dedup_near: {on: text, jaccard: 0.8}
gates: {pii_residual: 0}
card: {zh: 说明, en: {summary: About, uses: Training}}
languages: [zh, no]
"""


def problems_of(text: str) -> list[tuple[int, int, str, str]]:
    with pytest.raises(Invalid) as caught:
        Recipe.parse(text, name="x.yaml", steps=STEPS)
    assert caught.value.code == "recipe.invalid"
    for problem in caught.value.problems:
        assert problem.explain("zh")
        assert problem.explain("en").startswith("x.yaml:")
    return [(p.line, p.column, p.code, str(p.facts.get("suggestion", ""))) for p in caught.value.problems]


def test_a_good_recipe_is_read_whole() -> None:
    recipe = Recipe.parse(GOOD, name="x.yaml", steps=STEPS)
    assert recipe.dataset == "beijing/policy-notices"
    assert recipe.sources[0].select == ("id", "content")
    assert recipe.sources[0].options["rename"] == {"content": "text"}
    assert recipe.contract.columns[1].checks == {"min_len": 20}
    assert [(call.step, call.line) for call in recipe.steps] == [("normalize", 14), ("dedup_near", 15)]
    assert recipe.card["zh"] == {"summary": "说明"}
    assert recipe.languages == ("zh", "no")


def test_the_key_on_is_a_word_and_no_truth_value() -> None:
    recipe = Recipe.parse(GOOD, name="x.yaml", steps=STEPS)
    assert recipe.steps[1].params == {"on": "text", "jaccard": 0.8}


def test_all_problems_are_told_at_once_with_line_column_and_suggestion() -> None:
    text = (
        GOOD.replace("normalize:", "normalise:")
        .replace("jaccard: 0.8", "jacard: 0.8")
        .replace("required: true, min_len", "reqired: true, min_len")
        .replace("dtype: str", "dtype: strr")
        .replace("key: id", "key: idd")
        .replace("purpose: model-training\n", "")
    )
    found = problems_of(text)
    assert [(line, code, hint) for line, _, code, hint in found] == [
        (1, "recipe.missing", ""),
        (7, "recipe.key_unknown_near", "id"),
        (10, "document.choice_near", "str"),
        (10, "document.unknown_near", "required"),
        (13, "document.unknown_near", "normalize"),
        (14, "document.unknown_near", "jaccard"),
    ]


def test_a_missing_and_a_wrong_parameter_are_named() -> None:
    found = problems_of(GOOD.replace("{on: text, jaccard: 0.8}", "{jaccard: 7}"))
    assert [code for *_, code, _ in found] == ["recipe.param_missing", "recipe.param_wrong"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: [1, 2", "document.syntax"),
        ("- a\n- b", "document.not_a_mapping"),
        ("", "document.not_a_mapping"),
        ("a: &x 1\nb: *x", "document.alias"),
        ("a: 1\na: 2", "document.twice"),
        ("a: \x07", "document.character"),
        *[(f"a: {words * 50_000}", "document.too_deep") for words in ("[", "{b: ", "!!seq [")],
        *[(words * 50_000, "document.too_deep") for words in ("- ", "? ")],
    ],
)
def test_what_is_no_document_is_refused_with_its_place(text: str, code: str) -> None:
    assert code in {found[2] for found in problems_of(text)}


def test_equal_text_has_equal_digest() -> None:
    one, two = (Recipe.parse(GOOD, name=name, steps=STEPS) for name in ("a.yaml", "b.yaml"))
    assert one.digest == two.digest


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200), st.integers(0, len(GOOD)))
def test_any_text_is_read_or_refused(noise: str, at: int) -> None:
    with suppress(Invalid):
        Recipe.parse(GOOD[:at] + noise + GOOD[at:], name="x.yaml", steps=STEPS)


@pytest.mark.parametrize(
    "option",
    [
        "skip_rows: x",
        "skip_rows: -1",
        "header: maybe",
        "columns: a",
        "add: [a]",
        "delimiter: ab",
        "quote: ''",
        "sheet: [a]",
        "format: 1",
    ],
)
def test_an_option_of_the_wrong_kind_is_told_at_its_place(option: str) -> None:
    word = option.partition(":")[0]
    with pytest.raises(Invalid) as caught:
        Recipe.parse(GOOD.replace("select:", f"{option}, select:", 1), name="r.yaml", steps=STEPS)
    problem = caught.value.problems[0]
    assert problem.code.startswith("recipe.option_")
    assert problem.facts == {"option": word}
    assert problem.line > 0


def test_a_part_of_a_parameter_that_is_not_known_is_told_with_those_that_are() -> None:
    wrong = GOOD.replace("  - normalize: {columns: [text]}", "  - generalise: {columns: {day: {prefx: [4], rule: month}}}")
    with pytest.raises(Invalid) as caught:
        Recipe.parse(wrong, name="x.yaml", steps=STEPS)
    near, far = sorted(caught.value.problems, key=lambda problem: problem.column)
    assert (near.facts["word"], near.facts["suggestion"], near.facts["what"]) == ("prefx", "prefix", "generalise.columns.day")
    assert (far.facts["word"], far.facts["known"]) == ("rule", "level, prefix")
