"""Every registered step, ours or a plugin's, keeps the same promises. A new step gets an example here or the first test fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpushub.base.messages import LANGS
from corpushub.domain.recipe import Column, Contract
from corpushub.engine.mapping import carry_out, schema_after
from corpushub.engine.registry import registry
from corpushub.engine.shards import ENGINE
from corpushub.engine.step import Barrier, Mapped, Scope
from tests.kit.engine import OneShard, with_places

SENTENCE = "为了规范公共数据授权运营活动，促进公共数据资源开发利用，根据有关法律、行政法规，结合本市实际，制定本办法。"
TEXTS = [SENTENCE * (1 + n % 4) + f"第{n}条自发布之日起施行。" for n in range(12)] + [
    "",
    SENTENCE + "第0条自发布之日起施行。",
    "广告 " * 40,
]
FRAME = pl.DataFrame(
    {
        "id": [f"r{n}" for n in range(15)],
        "text": TEXTS,
        "kind": ["law", "report", "law"] * 5,
        "day": ["2024年1月2日", "2024-03-04", "无"] * 5,
        "count": ["1", "2", "x"] * 5,
        "age": [20 + n for n in range(15)],
    }
)
TABLES = {"kinds": pl.DataFrame({"kind": ["law"], "label": ["法律"]})}
EXAMPLES: Mapping[str, dict[str, Any]] = {
    "rename": {"columns": {"kind": "genre"}},
    "select": {"columns": ["id", "text"]},
    "cast": {"columns": {"count": "int"}},
    "parse_dates": {"column": "day"},
    "parse_numbers": {"column": "count"},
    "flag_generated": {"columns": ["text"], "model": "m"},
    "split": {"by": "id"},
    "derive": {"columns": {"size": "length(text)"}},
    "drop_where": {"where": "length(text) > 9"},
    "lookup": {"table": "kinds", "on": "kind", "take": ["label"]},
    "join": {"table": "kinds", "on": "kind", "take": ["label"]},
    "sample": {"fraction": 0.5},
    "mix": {"by": "kind", "shares": {"law": 0.5, "report": 0.5}},
    "balance": {"by": "kind", "most": 3},
    "chunk": {"column": "text", "max_chars": 60},
    "normalize": {"columns": ["text"]},
    "drop_boilerplate": {"column": "text"},
    "drop_low_quality": {"column": "text", "profile": "zh-web"},
    "drop_short": {"column": "text", "min_chars": 20},
    "detect_language": {"column": "text", "into": "language"},
    "flag_keywords": {"column": "text", "lists": ["gambling"]},
    "count_tokens": {"column": "text", "into": "tokens"},
    "check_codes": {"columns": {"text": "credit"}, "on_error": "flag"},
    "dedup_exact": {"on": "text"},
    "dedup_near": {"on": "text"},
    "group_near": {"on": "text"},
    "dedup_paragraphs": {"on": "text"},
    "mark_furniture": {"on": "text", "by": "kind", "least_rows": 2},
    "scrub": {"columns": ["text"]},
    "generalise": {"columns": {"age": {"width": 10}}},
    "k_anonymise": {"quasi": ["age"], "k": 2, "hierarchies": {"age": {"widths": [10, 100]}}},
}
OTHERS = {"generalise", "k_anonymise", "flag_keywords", "decontaminate", "drop_paragraphs"}
"""Steps whose parameters need files or lists of their own; their modules test them."""
NAMES = sorted(set(EXAMPLES) - OTHERS)


def answer_of(name: str) -> Mapped | Barrier:
    step = registry()[name]
    contract = Contract(key="id", columns=(Column("id"),))
    scope = Scope(
        schema=dict(FRAME.schema), contract=contract, dataset="a/b", table=TABLES.__getitem__, secret=b"0123456789abcdef"
    )
    return step.apply(step.params(**EXAMPLES[name]), scope)


def maps() -> list[str]:
    return [name for name in NAMES if registry()[name].kind == "map"]


def test_every_step_has_an_example_or_says_why_not() -> None:
    assert set(registry()) - set(EXAMPLES) - OTHERS == set()


@pytest.mark.parametrize("name", sorted(registry()))
def test_it_is_documented_in_both_languages(name: str) -> None:
    doc = registry()[name].doc
    assert set(doc) == set(LANGS)
    assert all(len(words) > 3 for words in doc.values())


@pytest.mark.parametrize("name", sorted(registry()))
def test_it_refuses_an_unknown_parameter(name: str) -> None:
    with pytest.raises(ValidationError):
        registry()[name].params(**{**EXAMPLES.get(name, {}), "unheard_of": 1})


@pytest.mark.parametrize("name", maps())
def test_its_schema_is_known_before_it_runs(name: str) -> None:
    answer = answer_of(name)
    assert isinstance(answer, Mapped)
    promised = schema_after(dict(FRAME.schema), answer)
    left, _, _ = carry_out(with_places(FRAME), answer, 1)
    assert {column: dtype for column, dtype in left.schema.items() if column not in ENGINE} == promised


@pytest.mark.parametrize("name", maps())
def test_a_row_does_not_hang_on_its_batch(name: str) -> None:
    answer = answer_of(name)
    assert isinstance(answer, Mapped)
    full = with_places(FRAME)
    whole, tally, log = carry_out(full, answer, 1)
    parts = [carry_out(full.slice(start, 4), answer, 1) for start in range(0, full.height, 4)]
    assert pl.concat([part[0] for part in parts]).equals(whole)
    assert pl.concat([part[2] for part in parts]).equals(log)
    assert sum(part[1].changed for part in parts) == tally.changed


@pytest.mark.parametrize("name", maps())
def test_rows_leave_for_a_named_reason_only(name: str) -> None:
    answer = answer_of(name)
    assert isinstance(answer, Mapped)
    left, tally, log = carry_out(with_places(FRAME), answer, 1)
    kept = left.select("_origin", "_row").unique().height
    assert kept + log.height == FRAME.height
    assert sum(tally.dropped.values()) == log.height
    assert all(reason and reason == reason.lower() and " " not in reason for reason in tally.dropped)


@pytest.mark.parametrize("name", [name for name in NAMES if registry()[name].kind == "barrier"])
def test_a_barrier_rules_about_every_row_and_the_same_way_twice(name: str) -> None:
    rulings = []
    full = with_places(FRAME)
    for _ in range(2):
        answer = answer_of(name)
        assert isinstance(answer, Barrier)
        rulings.append(answer.decide(OneShard(answer.sketch(full.select(answer.needs) if answer.needs else full), full)))
    one, two = rulings
    assert len(one.codes) == FRAME.height
    assert one.codes.tolist() == two.codes.tolist()
    assert all(len(column) == FRAME.height for column in one.columns.values())
    assert max(one.codes, default=0) <= len(one.reasons)


CELL = (
    st.none()
    | st.text(max_size=60)
    | st.sampled_from([*TEXTS, "１２３", "2024年13月", "负一百二", "13800138000", "\u200b\ufeff", "a@b.cn"])
)
ROWS = st.lists(st.tuples(CELL, CELL, CELL, CELL, st.none() | st.integers(-(2**40), 2**40)), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(NAMES), rows=ROWS, cut=st.integers(1, 7))
def test_any_rows_are_taken_and_each_is_kept_or_leaves_for_a_reason(name: str, rows: list[tuple[Any, ...]], cut: int) -> None:
    columns = dict(zip(("text", "kind", "day", "count", "age"), zip(*rows, strict=True), strict=True))
    frame = pl.DataFrame({"id": [f"r{at}" for at in range(len(rows))], **columns}, schema=FRAME.schema)
    full, answer = with_places(frame), answer_of(name)
    if isinstance(answer, Barrier):
        ruling = answer.decide(OneShard(answer.sketch(full.select(answer.needs) if answer.needs else full), full))
        assert len(ruling.codes) == frame.height
        assert max(ruling.codes) <= len(ruling.reasons)
        return
    whole, _, log = carry_out(full, answer, 1)
    assert whole.select("_origin", "_row").unique().height + log.height == frame.height
    parts = [carry_out(part, answer, 1) for part in (full.slice(0, cut), full.slice(cut)) if part.height]
    assert pl.concat([part[0] for part in parts]).equals(whole)
    assert pl.concat([part[2] for part in parts]).equals(log)
