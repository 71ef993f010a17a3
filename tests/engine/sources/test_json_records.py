"""JSON Lines read quickly give what reading each line by itself gives: the same rows, the same refusals."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.base.errors import Invalid
from corpushub.engine.sources import json_records
from corpushub.engine.sources.batches import column_of, objects_batch
from corpushub.engine.sources.files import Limits
from corpushub.engine.sources.json_records import EqualColumns, flat, has_surrogate, parse_line, read_piece
from corpushub.engine.sources.json_stream import has_twice, whole
from corpushub.engine.sources.pieces import Form
from tests.engine.sources.test_opening import opened, rows, write

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
ANY_RECORD = st.dictionaries(st.text("ab. _*", max_size=3), VALUE, max_size=4)


def is_table_row(record: dict[str, Any]) -> bool:
    with suppress(EqualColumns):
        return bool(flat(record)) or not record
    return False


RECORD = ANY_RECORD.filter(is_table_row)


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


def count_leaves(value: Any, depth: int = 0) -> int:
    inner = isinstance(value, dict) and bool(value) and depth < 4
    return sum(count_leaves(one, depth + 1) for one in value.values()) if inner or (isinstance(value, dict) and not depth) else 1


@settings(max_examples=300)
@given(ANY_RECORD)
def test_every_value_of_a_record_has_a_column_of_its_own_or_the_record_is_set_aside(record: dict[str, Any]) -> None:
    with suppress(EqualColumns):
        assert len(flat(record)) == count_leaves(record)


PAIRS = st.recursive(
    st.none() | st.integers(0, 9) | st.text('a":\\ ', max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.lists(st.tuples(st.text('ab":', max_size=2), inner), max_size=3).map(tuple),
    max_leaves=6,
)


def written(value: Any, colon: str) -> str:
    """JSON that may have a key twice: an object is a tuple of pairs."""
    if isinstance(value, tuple):
        return "{" + ", ".join(f"{json.dumps(key)}{colon}{written(one, colon)}" for key, one in value) + "}"
    return f"[{', '.join(written(one, colon) for one in value)}]" if isinstance(value, list) else json.dumps(value)


def has_equal_keys(value: Any) -> bool:
    if isinstance(value, tuple):
        return len({key for key, _ in value}) < len(value) or any(has_equal_keys(one) for _, one in value)
    return isinstance(value, list) and any(map(has_equal_keys, value))


@settings(max_examples=400)
@given(PAIRS, st.sampled_from([":", ": ", " :", "\n : "]))
def test_an_object_that_lost_a_value_is_known_wherever_it_lies(value: Any, colon: str) -> None:
    text = written(value, colon)
    assert has_twice(whole(text, json.loads(text))) is has_equal_keys(value)


@pytest.mark.parametrize("whole_bytes", [32_000_000, 0])
def test_records_with_two_values_for_a_column_are_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole_bytes: int
) -> None:
    monkeypatch.setattr(json_records, "WHOLE_BYTES", whole_bytes)
    records = [
        '{"a": 1, "b": "x: y"}',
        '{"a": 1, "a": 2}',
        '{"a": 1, " a": 2}',
        '{"a.b": 1, "a": {"b": 2}}',
        '{"c": [{"d": 1, "d": 2}]}',
    ]
    for name, content in (("a.jsonl", "\n".join(records)), ("a.json", f"[{','.join(records)}]")):
        source = opened(tmp_path, write(tmp_path, name, content), limits={"max_quarantine_ratio": 1})
        assert rows(source) == [{"a": 1, "b": "x: y"}]
        assert [(bad.line, bad.reason) for bad in source.quarantine] == [(at, "equal_keys") for at in (2, 3, 4, 5)]
    for around in ('{"data": [{"a": 1}], "data": [{"a": 2}]}', '{"x": {"a": 1}, "data": [{"a": 1}], "x": {}}'):
        with pytest.raises(Invalid, match=r"source\.equal_keys"):
            opened(tmp_path, write(tmp_path, "a.json", around))


@pytest.mark.parametrize("whole_bytes", [32_000_000, 0])
@pytest.mark.parametrize("depth", [5_000, 100_000])
def test_a_document_nested_too_deeply_is_told_with_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole_bytes: int, depth: int
) -> None:
    monkeypatch.setattr(json_records, "WHOLE_BYTES", whole_bytes)
    document = '[{"a": 1},\n {"b": "[[", "c": [] , "d": ' + "[" * depth + "]" * depth + "}]"
    with pytest.raises(Invalid, match=r"source\.too_deep") as caught:
        opened(tmp_path, write(tmp_path, "a.json", document))
    assert {name: caught.value.facts[name] for name in ("line", "column")} == {
        "line": 2,
        "column": document.split("\n")[1].rindex("[") + 1,
    }


def test_a_document_with_bytes_that_are_no_text_is_told_with_the_place(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"source\.not_json") as caught:
        opened(tmp_path, write(tmp_path, "a.json", b'[{"a": 1},\n {"b": "\xff"}]'), encoding="utf-8")
    assert (caught.value.facts["line"], caught.value.facts["column"]) == (2, 9)
