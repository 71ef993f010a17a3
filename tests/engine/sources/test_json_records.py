"""JSON Lines read quickly give what reading each line by itself gives: the same rows, the same refusals."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.engine.sources.batches import column_of, objects_batch
from corpushub.engine.sources.files import Limits
from corpushub.engine.sources.json_records import flat, has_surrogate, parse_line, read_piece
from corpushub.engine.sources.pieces import Form

LIMITS = Limits(max_line_bytes=200)


@settings(max_examples=400)
@given(
    st.text('{}[]":, \t\r\n0-1.eEtrufalsn\\\ufeff\u00a0甲', max_size=24)
    | st.builds(json.dumps, st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3)))
)
def test_a_line_is_json_exactly_where_the_library_says_so(line: str) -> None:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        told = "not_json"
    else:
        told = "not_an_object" if not isinstance(told, dict) else "lone_surrogate" if has_surrogate(told) else told
    assert parse_line(line, marked=False) == told


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text("a甲é", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab. _*", max_size=3), inner, max_size=2),
    max_leaves=4,
)
RECORD = st.dictionaries(st.text("ab. _*", max_size=3), VALUE, max_size=4)


@settings(max_examples=200)
@given(RECORD)
def test_a_plain_record_is_flattened_as_one_that_is_not(record: dict[str, Any]) -> None:
    deep = flat({**record, "zz": {"x": 1}})
    assert deep.pop("zz.x") == 1
    assert repr(flat(record)) == repr(deep)
    assert list(flat(record)) == list(deep)


@settings(max_examples=200)
@given(st.lists(RECORD.map(flat), max_size=5), st.booleans())
def test_records_of_one_shape_become_the_columns_of_records_of_any(records: list[dict[str, Any]], same: bool) -> None:
    if same and records:
        records = [{name: record.get(name) for name in records[0]} for record in records]
    frame = objects_batch("a.jsonl", list(enumerate(records, 1)), [], "jsonl").frame
    names = list(dict.fromkeys(name for record in records for name in record))
    assert frame.columns == ["_row", *names]
    for name in names:
        assert frame[name].equals(column_of(name, [record.get(name) for record in records]), null_equal=True)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_broken_lines_among_good_ones_are_set_aside_by_their_number(end: str) -> None:
    lines = [
        '{"a": 1}',
        "",
        '{"a": 1} x',
        "[1]",
        '{"a"',
        ' {"a": 2} ',
        '{"a": "\\ud800"}',
        '{"a": 3}{"a": 4}',
        '"' + "x" * 300 + '"',
        '{"b": 5}',
    ]
    (batch,) = read_piece("a.jsonl", end.join(lines).encode(), Form("utf-8", "utf-8"), LIMITS)
    assert batch.frame.rows() == [(1, 1, None), (6, 2, None), (10, None, 5)]
    assert [(bad.line, bad.reason) for bad in batch.bad] == [
        (3, "not_json"), (4, "not_an_object"), (5, "not_json"), (7, "lone_surrogate"), (8, "not_json"), (9, "endless_line"),
    ]  # fmt: skip
    assert batch.frame.schema["a"] == pl.Int64
