"""Two ways to read delimited text, one outcome: what is parsed at once gives the rows of what is parsed record by record."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.engine.sources import delimited
from corpushub.engine.sources.files import Limits
from corpushub.engine.sources.pieces import Form

LIMITS = Limits(max_line_bytes=200)


def form(width: int = 2, delimiter: str = ",", quote: str = '"') -> Form:
    return Form("utf-8", "utf-8", delimiter, quote, tuple(f"c{at}" for at in range(width)))


def read(data: bytes, how: Form) -> tuple[list[tuple[Any, ...]], list[tuple[int, str]]]:
    batches = list(delimited.read_piece("a.csv", data, how, LIMITS, first=True))
    rows = pl.concat([batch.frame for batch in batches]).rows()
    return rows, [(bad.line, bad.reason) for batch in batches for bad in batch.bad]


def slowly(data: bytes, how: Form) -> tuple[list[tuple[Any, ...]], list[tuple[int, str]]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "regular", lambda *_: None)
        return read(data, how)


@settings(max_examples=400, deadline=None)
@given(text=st.text('ab",;\r\n é甲\x00', max_size=40), width=st.integers(1, 3))
def test_any_text_gives_the_same_rows_both_ways(text: str, width: int) -> None:
    how = form(width)
    assert read(text.encode(), how) == slowly(text.encode(), how)


CELL = st.text('ab", \n\r甲', max_size=6)


@settings(max_examples=200, deadline=None)
@given(table=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8), end=st.sampled_from(["\n", "\r\n"]), last=st.booleans())
def test_well_formed_quoted_text_is_read_at_once_and_alike(table: list[tuple[str, str]], end: str, last: bool) -> None:
    lines = [",".join('"' + cell.replace("\r", "").replace('"', '""') + '"' for cell in row) for row in table]
    data = (end.join(lines) + (end if last else "")).encode()
    how = form()
    assert delimited.regular(data, how, 0) is not None
    assert read(data, how) == slowly(data, how)


@pytest.mark.parametrize("data", [b'a"b,c\n', b'"a" ,b\n', b"a,b\n\nc,d\n", b"a,b\rc,d\n", b"a\n", b'"a,b\n', b'a,""b\n'])
def test_a_record_that_needs_a_second_look_gets_it(data: bytes) -> None:
    assert delimited.regular(data, form(), 0) is None


@pytest.mark.parametrize(
    ("rows", "is_header"),
    [
        ([["地区", "合计", "合计"], ["甲", "1", "2"], ["乙", "3", "4"]], True),
        ([["a", "a", ""], ["1", "x", "y"]], True),
        ([["是", "是", "否"], ["否", "是", "是"]], False),
        ([["x", "x", "1"], ["y", "z", "2"]], False),
        ([["a", "a"]], False),
    ],
)
def test_names_that_repeat_are_a_header_above_numbers(rows: list[list[str]], is_header: bool) -> None:
    assert delimited.looks_like_header(rows) is is_header
