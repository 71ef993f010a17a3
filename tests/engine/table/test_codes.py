"""Codes are told from what cannot be one, by the standards' own arithmetic; what fails is counted whatever becomes of the row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.domain.parties import CREDIT_ALPHABET, is_credit_code
from corpushub.engine.recognizers.shape import id_check
from corpushub.engine.run.runner import run
from corpushub.engine.table.codes import Kind, valid
from tests.kit.engine import carried, planned

GOOD = "11010519491231002X"  # the example of GB 11643


def is_valid(code: str | None, kind: Kind) -> bool:
    return bool(pl.DataFrame({"c": [code]}, schema={"c": pl.String}).select(valid("c", kind)).item())


@given(st.integers(0, 10**9), st.integers(0, 10))
def test_identity_numbers_are_checked_as_the_standard_says(number: int, last: int) -> None:
    body = f"110105{1950 + number % 50}{1 + number % 12:02d}{1 + number % 28:02d}{number % 1000:03d}"
    text = body + "0123456789X"[last]
    assert is_valid(text, "identity") == (id_check(body) == text[-1])


@given(st.text("0123456789", min_size=6, max_size=6), st.text(CREDIT_ALPHABET, min_size=12, max_size=12))
def test_credit_codes_are_checked_as_those_of_organisations(region: str, rest: str) -> None:
    text = rest[:2] + region + rest[2:]
    assert is_valid(text, "credit") == is_credit_code(text)


@pytest.mark.parametrize(
    ("code", "kind", "is_one"),
    [
        (GOOD, "identity", True),
        (f" {GOOD.lower()} ", "identity", True),
        ("110105194912310021", "identity", False),
        ("110105194902300026", "identity", False),
        ("990105194912310021", "identity", False),
        ("11010519491231", "identity", False),
        ("91350100M000100Y43", "credit", True),
        ("91350100m000100y43", "credit", True),
        ("91350100M000100Y44", "credit", False),
        ("D2143569-X", "organisation", True),
        ("D2143569X", "organisation", True),
        ("D2143569-1", "organisation", False),
        ("1101050103000001", "component", True),
        ("1101050003000001", "component", False),
        ("1101050103000000", "component", False),
        ("9901050103000001", "component", False),
        ("110105010300001", "component", False),
        ("", "credit", False),
        (None, "credit", False),
    ],
)
def test_codes_known_from_the_standards(code: str | None, kind: Kind, is_one: bool) -> None:
    assert is_valid(code, kind) is is_one


ROWS = pl.DataFrame(
    {"n": [1, 2, 3, 4], "id": [GOOD, "110105194912310022", None, "x"], "org": ["D2143569-X", "D2143569-1", "", None]}
)


@pytest.mark.parametrize(
    ("how", "left", "reasons"),
    [
        ({}, [1, 3], ["wrong_code_id", "wrong_code_id"]),
        ({"on_error": None}, [1, 2, 3, 4], []),
        ({"on_error": "flag"}, [1, 2, 3, 4], []),
    ],
)
def test_rows_leave_cells_are_emptied_or_marked(how: dict[str, Any], left: list[int], reasons: list[str]) -> None:
    done = carried("check_codes", ROWS, columns={"id": "identity", "org": "organisation"}, **how)
    assert done.frame["n"].to_list() == left
    assert done.reasons == reasons
    if how.get("on_error", "") is None:
        assert done.frame["id"].to_list() == [GOOD, None, None, None]
        assert done.frame["org"].to_list() == ["D2143569-X", None, "", None]
    if how.get("on_error") == "flag":
        assert done.frame["id_valid"].to_list() == [True, False, None, False]
        assert done.frame["org_valid"].to_list() == [True, False, None, None]


def test_what_failed_is_counted_whatever_becomes_of_it(tmp_path: Path) -> None:
    ROWS.write_csv(tmp_path / "people.csv")
    for how in ("drop", "null", "flag"):
        body = f"sources:\n  people: {{resource: a/b, from: people.csv}}\nsteps:\n  - check_codes: {{columns: {{id: identity, org: organisation}}, on_error: {how}}}\n"
        plan, cache = planned(tmp_path, body)
        built = run(plan, tmp_path / how, cache=cache)
        assert (built.measures["codes_checked"], built.measures["codes_wrong"]) == (5, 3)
