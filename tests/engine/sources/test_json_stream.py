"""Large JSON documents are read piece by piece, to the same records as whole ones, and refused at the right place."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.base.errors import Invalid
from corpushub.engine.sources import json_records, json_stream
from corpushub.engine.sources.files import Blob, Limits
from corpushub.engine.sources.json_records import find_records, records_of

LIMITS = Limits(max_line_bytes=2000)


@pytest.fixture(scope="module", autouse=True)
def small_pieces() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_records, "WHOLE_BYTES", 0)
        patch.setattr(json_stream, "PIECE", 16)
        yield


def found(text: str, path: str = "") -> list[Any]:
    return list(records_of(Blob("a.json", data=text.encode()), {"records": path}, LIMITS))


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
RECORD = st.dictionaries(st.text(max_size=5), VALUE, max_size=4)


@settings(deadline=None)
@given(
    records=st.lists(RECORD | st.lists(RECORD, max_size=3), max_size=6),
    wrap=st.sampled_from(["", "items", "data.items"]),
    indent=st.none() | st.integers(0, 3),
    ascii_only=st.booleans(),
)
def test_pieces_give_the_records_of_the_whole(records: list[Any], wrap: str, indent: int | None, ascii_only: bool) -> None:
    document: Any = records
    for key in reversed(wrap.split(".") if wrap else []):
        document = {"note": ['[{"', {"a": "]}\\"}], key: document, "last": 1.5}
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    assert found(text, wrap) == list(find_records(document, wrap, "a.json"))


def test_the_only_list_of_objects_is_found_and_several_are_left_to_the_whole_document() -> None:
    assert found('{"count": 2, "tags": ["a", "b"], "rows": [{"a": 1}, {"a": 2}], "end": {}}') == [{"a": 1}, {"a": 2}]
    two = {"one": [{"a": 1}], "two": [{"a": 2}]}
    assert found(json.dumps(two)) == list(find_records(two, "", "a.json"))


ROWS = [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("document", "is_opened"),
    [
        ({"code": 0, "msg": "", "data": {"total": 2, "rows": ROWS}}, True),
        ({"success": True, "result": {"fields": [{"id": "a"}], "records": ROWS, "total": 2}}, True),
        ({"data": {"result": {"list": ROWS}}}, True),
        ({"status": "ok", "Response": {"docs": ROWS, "page": {"size": 10}}}, True),
        ({"id": 7, "title": "t", "data": {"rows": ROWS}}, False),
        ({"code": 0, "data": {"one": ROWS, "two": ROWS}}, False),
        ({"code": 0, "data": {"rows": ROWS}, "result": {"rows": ROWS}}, False),
        ({"code": 0, "data": {"rows": []}}, False),
    ],
)
def test_the_envelope_of_an_answer_is_opened_and_a_record_is_not(document: dict[str, Any], is_opened: bool) -> None:
    whole = list(find_records(document, "", "a.json"))
    assert whole == (ROWS if is_opened else [document])
    assert found(json.dumps(document)) == whole


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('[{"a": 1},\n {"a": nonsense, "much more text that follows": 1}]', 2, 8),
        ('[{"a": 1}\n {"a": 2}, {"b": "text that follows"}]', 2, 2),
        ('[{"a": 1},\n{"a": "cut', 2, 7),
        ('[{"a": 1}] and something behind it', 1, 12),
    ],
)
def test_a_broken_document_is_refused_at_its_place(text: str, line: int, column: int) -> None:
    with pytest.raises(Invalid) as caught:
        found(text)
    assert caught.value.code == "source.not_json"
    assert (caught.value.facts["line"], caught.value.facts["column"]) == (line, column)


def test_a_number_without_end_is_refused() -> None:
    with pytest.raises(Invalid, match=r"source\.not_json"):
        list(json_stream.records(json_stream.Cursor(io.BytesIO(b"[" + b"9" * 5000 + b"]"), "utf-8", "a.json", 1_000_000), ""))


def test_a_record_without_end_is_refused_by_its_line() -> None:
    with pytest.raises(Invalid) as caught:
        found('[{"a": 1},\n{"a": "' + "x" * 5000 + '"}]')
    assert (caught.value.code, caught.value.facts["line"]) == ("source.record_too_large", 2)


def test_a_path_that_leads_nowhere_is_told() -> None:
    with pytest.raises(Invalid, match=r"source\.no_records"):
        found('{"data": {"rows": []}}', "data.items")


@given(st.text('[]{}",:\\ntrue1.5e 甲', max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        told = "" if isinstance(found(text), list) else "no list"
    except Invalid as refused:
        told = refused.code
    assert told in {"", "source.not_json", "source.no_records", "source.record_too_large"}


def test_a_preview_reads_the_beginning_of_a_source_only(tmp_path: Path) -> None:
    from corpushub.base.settings import Settings
    from corpushub.domain.recipe import SourceRef
    from corpushub.engine.cache import Cache
    from corpushub.engine.sources.opening import Place, open_source

    (tmp_path / "a.jsonl").write_text("".join(f'{{"n": {n}, "text": "{"字" * 400}"}}\n' for n in range(30_000)), "utf-8")
    place = Place(tmp_path, Settings(home=tmp_path / "home"), Cache(tmp_path / "cache"), rows=10)
    ref = SourceRef("s", "r/1", "a.jsonl", (), {})
    part = open_source(ref, place)
    assert 10 <= part.fact.rows < 10_000
    whole = open_source(ref, Place(tmp_path, place.settings, place.cache))
    assert whole.fact.rows == 30_000
