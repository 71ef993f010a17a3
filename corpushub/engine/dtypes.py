"""Names and types a column may have: what a recipe calls them, and which type holds two."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl


def safe_name(name: str) -> str:
    """A name that is no pattern (`*` and `^…$` mean several columns to the frame library) and none of the engine's (`_…`)."""
    name = name.lstrip("_")
    return name.strip("^$") if name.startswith("^") else "" if name == "*" else name


def widest(one: pl.DataType, two: pl.DataType) -> pl.DataType:
    """The type both fit in: numbers widen, anything else becomes text; a list meets a list."""
    if one == two:
        return one
    for left, right in ((one, two), (two, one)):
        if left == pl.Null:
            return right
        if left.is_integer() and right.is_float():
            return pl.Float64()
        if left.is_integer() and right.is_integer():
            return pl.Int64()
    return pl.String()


DTYPES: Mapping[str, pl.DataType] = {
    "str": pl.String(), "int": pl.Int64(), "float": pl.Float64(), "bool": pl.Boolean(), "date": pl.Date(), "datetime": pl.Datetime("us"),
    "list": pl.List(pl.String()), "u32": pl.UInt32(), "null": pl.Null(),
}  # fmt: skip


def dtype_name(dtype: pl.DataType) -> str:
    return next((name for name, known in DTYPES.items() if known == dtype), "str")


def named_dtype(name: str) -> pl.DataType:
    return DTYPES[name]
