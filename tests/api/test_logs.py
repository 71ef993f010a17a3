"""What an operator reads of a fault: what broke and where, never what was being worked on."""

from __future__ import annotations

import io
import json
import logging

import polars as pl

from corpushub.api.logs import start_logging, stop_logging, trace_of

CELL = "13812345678 王秀英"


def broken() -> None:
    try:
        pl.Series("phone", [CELL]).cast(pl.Int64)
    except pl.exceptions.PolarsError as error:
        raise RuntimeError(f"/srv/hub/rows.arrow of {CELL}") from error


def test_a_fault_is_told_with_its_causes_and_places_and_without_what_it_quotes() -> None:
    stream = io.StringIO()
    lines = start_logging(stream)
    try:
        try:
            broken()
        except RuntimeError:
            logging.getLogger("corpushub.gate").exception("request=%s code=http.internal", "r-1")
    finally:
        stop_logging(lines)
    told = stream.getvalue()
    trace = json.loads(told)["trace"]
    assert trace[0] == "RuntimeError"
    assert "InvalidOperationError" in trace
    assert any(line.startswith("tests/api/test_logs.py:") and line.endswith(" broken") for line in trace)
    assert not any(word in told for word in (CELL, "王秀英", "13812345678", "/srv/hub"))


def test_causes_in_a_circle_end() -> None:
    one, two = ValueError("one"), KeyError("two")
    one.__cause__, two.__cause__ = two, one
    assert trace_of(one) == ["ValueError", "KeyError"]
