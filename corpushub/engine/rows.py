"""Rows of released Parquet files for people who look: pages, search, filter, statistics. Reads only what a page needs.

The filter is a small part of SQL (comparisons of columns with values, AND, OR, NOT, IN, BETWEEN, LIKE, IS NULL), translated node by
node; anything else is refused, so a filter can read nothing but the columns it names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from corpushub.base.errors import Invalid

MAX_CELL_CHARACTERS = 20_000
BINS = 10
MAX_CATEGORIES = 30
MAX_FILTER_CHARACTERS = 2000
Source = Path | BinaryIO


@dataclass(frozen=True, slots=True)
class Page:
    """Rows `offset…` of `total` that match; `truncated` names shortened cells per row."""

    rows: tuple[dict[str, Any], ...]
    index: tuple[int, ...]
    truncated: tuple[tuple[str, ...], ...]
    total: int


def open_frame(sources: Sequence[Source]) -> pl.LazyFrame:
    """The files of one split as one frame, in their order."""
    return pl.scan_parquet(list(sources))  # type: ignore[arg-type]  # a list of one kind of source, as the reader wants it


def only(frame: pl.LazyFrame, column: str, prefixes: Sequence[str], fields: Sequence[str]) -> pl.LazyFrame:
    """Rows whose `column` begins with one of `prefixes`, and `fields`, as far as the frame has them; a frame without the column has no such row."""
    names = types_of(frame)
    if column:
        inside = [pl.col(column).cast(pl.String).str.starts_with(prefix) for prefix in prefixes]
        frame = frame.filter(pl.any_horizontal(inside).fill_null(value=False) if column in names else pl.lit(value=False))
    return frame.select([name for name in names if name in set(fields)]) if fields else frame


def part(sources: Sequence[Source], cut: Callable[[pl.LazyFrame], pl.LazyFrame] | None = None) -> tuple[bytes, int]:
    """What `cut` leaves of the files as one Parquet file, and its rows. Held in memory: a slice, not a release."""
    frame = open_frame(sources)
    found = (cut(frame) if cut else frame).collect()
    sink = BytesIO()
    found.write_parquet(sink)
    return sink.getvalue(), found.height


def types_of(frame: pl.LazyFrame) -> dict[str, pl.DataType]:
    """Columns and their types; asked of a copy, because what is built on a frame that was asked itself no longer skips row groups."""
    return dict(frame.select(pl.all()).collect_schema())


def schema_of(sources: Sequence[Source]) -> dict[str, pl.DataType]:
    return types_of(open_frame(sources[:1]))


@lru_cache(maxsize=4096)
def rows_in(path: Path) -> int:
    """Rows of a local Parquet file, from its footer; 0 where it is none. Objects never change, so the answer is kept."""
    return count_rows(path)


def count_rows(source: Path | BinaryIO) -> int:
    """As `rows_in`, of a file or stream, and not kept."""
    try:
        return int(pq.read_metadata(source).num_rows)
    except (OSError, ValueError):
        return 0


def page(  # noqa: PLR0913 - a page's options
    sources: Sequence[Source],
    *,
    offset: int,
    length: int,
    where: str = "",
    order: str = "",
    query: str = "",
    cut: Callable[[pl.LazyFrame], pl.LazyFrame] | None = None,
) -> Page:
    """One page of the rows that match, in the part `cut` leaves.

    Raises: Invalid("viewer.filter_invalid" | "viewer.column_unknown").
    """

    def opened(part: Sequence[Source]) -> pl.LazyFrame:
        return cut(open_frame(part)) if cut else open_frame(part)

    schema = types_of(opened(sources))
    wanted = [matches(query, schema)] if query else []
    wanted += [condition(where, schema)] if where else []
    by = ordering(order, schema) if order else None
    # What is looked for is looked for in one file after another: several at once are all held in memory.
    parts = [[source] for source in sources] if wanted and by is None else [sources]
    passed, total, found = 0, 0, []
    try:
        for part in parts:
            frame = opened(part).with_row_index("__row", passed)
            height = count(frame)
            frame = frame.filter(wanted) if wanted else frame
            fit = count(frame) if wanted else height
            if offset < total + fit and total < offset + length:
                frame = frame.sort(by[0], descending=by[1], maintain_order=True) if by else frame
                first = max(0, offset - total)
                found.append(frame.slice(first, offset + length - total - first).collect(engine="streaming"))
            passed, total = passed + height, total + fit
    except pl.exceptions.PolarsError:
        raise Invalid("viewer.filter_invalid", why="a value does not fit its column") from None
    return page_of(pl.concat(found), total) if found else Page((), (), (), total)


def count(frame: pl.LazyFrame) -> int:
    return int(frame.select(pl.len()).collect(engine="streaming").item())


def page_of(found: pl.DataFrame, total: int) -> Page:
    """Rows as a page shows them."""
    index = tuple(found.get_column("__row").to_list())
    rows, truncated = [], []
    for row in found.drop("__row").rows(named=True):
        short = tuple(name for name, value in row.items() if isinstance(value, str) and len(value) > MAX_CELL_CHARACTERS)
        rows.append({name: shown(value) for name, value in row.items()})
        truncated.append(short)
    return Page(tuple(rows), index, tuple(truncated), total)


def shown(value: Any) -> Any:
    """A cell as JSON has it."""
    match value:
        case str():
            return value[:MAX_CELL_CHARACTERS]
        case float():
            return value if math.isfinite(value) else None
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return f"<{len(value)} bytes>"
        case list():
            return [shown(item) for item in value[:1000]]
        case dict():
            return {name: shown(item) for name, item in value.items()}
        case None | bool() | int():
            return value
        case _:
            return str(value)


def matches(query: str, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """Rows in which some text column holds every word, case ignored."""
    texts = [name for name, dtype in schema.items() if dtype == pl.String]
    words = query.lower().split()[:8]
    if not texts or not words:
        return pl.lit(value=False)
    has = [
        pl.any_horizontal(
            pl.col(name).str.to_lowercase().str.contains(word, literal=True).fill_null(value=False) for name in texts
        )
        for word in words
    ]
    return pl.all_horizontal(has)


def ordering(order: str, schema: Mapping[str, pl.DataType]) -> tuple[str, bool]:
    """Column and whether downwards, of `name`, `name asc` or `name desc`. Raises: Invalid("viewer.column_unknown")."""
    name = order.strip()
    down = name.lower().endswith(" desc")
    if down or name.lower().endswith(" asc"):
        name = name.rpartition(" ")[0]
    return known(name.strip().strip('"'), schema), down


def known(name: str, schema: Mapping[str, pl.DataType]) -> str:
    if name not in schema:
        raise Invalid("viewer.column_unknown", column=name[:80], known=", ".join(list(schema)[:40]))
    return name


_COMPARE: dict[type[exp.Expression], Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    exp.EQ: lambda left, right: left == right,
    exp.NEQ: lambda left, right: left != right,
    exp.GT: lambda left, right: left > right,
    exp.GTE: lambda left, right: left >= right,
    exp.LT: lambda left, right: left < right,
    exp.LTE: lambda left, right: left <= right,
}


def condition(where: str, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """The filter as an expression. Raises: Invalid("viewer.filter_invalid" | "viewer.column_unknown")."""
    if len(where) > MAX_FILTER_CHARACTERS:
        raise Invalid("viewer.filter_invalid", why=f"more than {MAX_FILTER_CHARACTERS} characters")
    try:
        tree = sqlglot.parse_one(where, into=exp.Condition, read="duckdb")
    except (sqlglot.errors.SqlglotError, RecursionError):
        raise Invalid("viewer.filter_invalid", why="not a condition") from None
    return translate(tree, schema)


def translate(node: Any, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """One node of the filter."""
    kind = type(node)
    if kind in _COMPARE:
        return _COMPARE[kind](operand(node.left, schema), operand(node.right, schema))
    match node:
        case exp.Paren():
            return translate(node.this, schema)
        case exp.And():
            return translate(node.left, schema) & translate(node.right, schema)
        case exp.Or():
            return translate(node.left, schema) | translate(node.right, schema)
        case exp.Not():
            return ~translate(node.this, schema)
        case exp.In() if node.expressions:
            return operand(node.this, schema).is_in([value_of(item) for item in node.expressions])
        case exp.Between():
            return operand(node.this, schema).is_between(operand(node.args["low"], schema), operand(node.args["high"], schema))
        case exp.Is() if isinstance(node.expression, exp.Null):
            return operand(node.this, schema).is_null()
        case exp.Like() | exp.ILike():
            return operand(node.this, schema).str.contains(like(str(value_of(node.expression)), fold=isinstance(node, exp.ILike)))
        case _:
            raise Invalid("viewer.filter_invalid", why=f"{kind.__name__} is not allowed")


def operand(node: Any, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    if isinstance(node, exp.Column):
        return pl.col(known(node.name, schema))
    return pl.lit(value_of(node))


def value_of(node: Any) -> Any:
    """A constant. Raises: Invalid("viewer.filter_invalid")."""
    match node:
        case exp.Neg():
            return -value_of(node.this)
        case exp.Boolean():
            return bool(node.this)
        case exp.Literal() if node.is_string:
            return node.this
        case exp.Literal():
            return float(node.this) if any(letter in node.this for letter in ".eE") else int(node.this)
        case _:
            raise Invalid("viewer.filter_invalid", why=f"{type(node).__name__} is not a value")


def like(pattern: str, *, fold: bool) -> str:
    """A LIKE pattern as an anchored regular expression."""
    escaped = "".join(
        {"%": ".*", "_": "."}.get(letter) or (letter if letter.isalnum() else f"\\{letter}" if letter.isascii() else letter)
        for letter in pattern
    )
    return f"(?s{'i' if fold else ''})^{escaped}$"


def statistics(sources: Sequence[Source]) -> list[dict[str, Any]]:
    """Per column: nulls, range, mean, histogram of numbers or of text lengths, frequencies of few values."""
    frame = open_frame(sources)
    return [
        {"column_name": name}
        | (text_statistics(sources, name) if dtype == pl.String else column_statistics(frame.select(name).collect().to_series()))
        for name, dtype in schema_of(sources).items()
    ]


def column_statistics(values: pl.Series) -> dict[str, Any]:
    """Of a column of anything but text."""
    held, dtype, base = values.drop_nulls(), values.dtype, nulls(values)
    if dtype == pl.Boolean:
        return {"column_type": "bool", "column_statistics": base | {"frequencies": frequencies(held.value_counts())}}
    if dtype.is_numeric():
        kind = "int" if dtype.is_integer() else "float"
        return {"column_type": kind, "column_statistics": base | numbers(held)}
    if dtype.is_temporal():
        ends = {"min": shown(held.min()), "max": shown(held.max())} if len(held) else {"min": None, "max": None}
        return {"column_type": "datetime", "column_statistics": base | ends}
    return {"column_type": "list" if dtype == pl.List else "other", "column_statistics": base}


def text_statistics(sources: Sequence[Source], name: str) -> dict[str, Any]:
    """Of a column of text: lengths and hashes, one file after another, because the texts of a large release fill memory."""
    narrow = [pl.col(name).str.len_chars().alias("length"), pl.col(name).hash().alias("hash")]
    read = pl.concat([open_frame([source]).select(narrow).collect() for source in sources])
    held = read.drop_nulls("length")
    distinct = held.get_column("hash").n_unique()
    base = nulls(read.get_column("length")) | {"n_unique": distinct}
    if distinct <= MAX_CATEGORIES:
        counted = open_frame(sources).select(pl.col(name).drop_nulls().value_counts(name="count").struct.unnest()).collect()
        return {"column_type": "string_label", "column_statistics": base | {"frequencies": frequencies(counted)}}
    return {"column_type": "string_text", "column_statistics": base | numbers(held.get_column("length"))}


def nulls(values: pl.Series) -> dict[str, Any]:
    return {"nan_count": values.null_count(), "nan_proportion": round(values.null_count() / max(1, len(values)), 5)}


def frequencies(counted: pl.DataFrame) -> dict[str, int]:
    """Values and their counts, the most frequent first; equals by value."""
    ordered = sorted(((str(name), int(count)) for name, count in counted.iter_rows()), key=lambda pair: (-pair[1], pair[0]))
    return dict(ordered[:MAX_CATEGORIES])


def numbers(values: pl.Series) -> dict[str, Any]:
    values = values.cast(pl.Float64).filter(values.cast(pl.Float64).is_finite()) if len(values) else values.cast(pl.Float64)
    if not len(values):
        return {"min": None, "max": None, "mean": None, "median": None, "std": None, "histogram": None}
    low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]  # numbers, as cast above
    edges = [low + (high - low) * step / BINS for step in range(BINS + 1)] if high > low else [low, high]
    places = ((values - low) / (high - low) * BINS).floor().clip(0, BINS - 1).cast(pl.Int32) if high > low else values * 0
    counted = dict(places.cast(pl.Int32).value_counts().iter_rows())
    told = {"min": low, "max": high, "mean": values.mean(), "median": values.median(), "std": values.std()}
    rounded = {name: round(float(value), 5) if value is not None else None for name, value in told.items()}  # type: ignore[arg-type]  # numbers, as cast above
    return rounded | {
        "histogram": {"hist": [int(counted.get(step, 0)) for step in range(max(1, len(edges) - 1))], "bin_edges": edges}
    }


def features(schema: Mapping[str, pl.DataType]) -> dict[str, Any]:
    """Column types as `datasets` writes them."""
    return {name: feature(dtype) for name, dtype in schema.items()}


def feature(dtype: pl.DataType) -> dict[str, Any]:
    if isinstance(dtype, pl.List):
        return {"feature": feature(dtype.inner), "_type": "List"}  # type: ignore[arg-type]  # an instance, though the stubs allow a class
    if isinstance(dtype, pl.Struct):
        return {field.name: feature(field.dtype) for field in dtype.fields}  # type: ignore[arg-type]  # an instance, though the stubs allow a class
    return {"dtype": _NAMES.get(dtype.base_type(), "string"), "_type": "Value"}


_NAMES: dict[Any, str] = {
    pl.String: "string",
    pl.Boolean: "bool",
    pl.Int8: "int8",
    pl.Int16: "int16",
    pl.Int32: "int32",
    pl.Int64: "int64",
    pl.UInt8: "uint8",
    pl.UInt16: "uint16",
    pl.UInt32: "uint32",
    pl.UInt64: "uint64",
    pl.Float32: "float32",
    pl.Float64: "float64",
    pl.Date: "date32",
    pl.Datetime: "timestamp[us]",
    pl.Time: "time64[us]",
    pl.Duration: "duration[us]",
    pl.Binary: "binary",
}
