"""Roles of columns are proposed from header and values."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine.pii.columns import infer_roles, is_identity_number
from corpushub.engine.recognizers.shape import id_check


def test_roles_follow_values_and_headers() -> None:
    ids = [body + id_check(body) for body in (f"1101051{y}01010{n}" for y, n in ((950, 12), (961, 34), (972, 56)))]
    frame = pl.DataFrame(
        {"x": ids, "年龄": [30, 40, 50], "diagnosis": ["a", "b", "c"], "amount": [1.5, 2.5, 3.5], "联系手机": [None, None, None]},
        schema_overrides={"联系手机": pl.String},
    )
    roles = {role.column: (role.role, role.why) for role in infer_roles(frame)}
    assert roles == {
        "x": ("direct", "values"),
        "年龄": ("quasi", "header"),
        "diagnosis": ("sensitive", "header"),
        "amount": ("insensitive", "distinct"),
        "联系手机": ("direct", "header"),
    }


@given(st.integers(0, 10**9), st.integers(0, 10))
def test_the_vectorised_check_is_the_standard_one(number: int, last: int) -> None:
    body = f"110105{1950 + number % 50}{1 + number % 12:02d}{1 + number % 28:02d}{number % 1000:03d}"
    text = body + "0123456789X"[last]
    valid = pl.DataFrame({"id": [text]}).select(is_identity_number("id")).item()
    assert valid == (id_check(body) == text[-1])
