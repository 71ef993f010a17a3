"""Generalisation hierarchies: every distinct value of a column at every level, as codes.

A hierarchy comes from an ARX-style CSV (one line per value: value; level 1; level 2; … usually ending in `*`) or from a rule: bands of
numbers, year or month of dates, leading characters of codes (administrative divisions 6 → 4 → 2), or suppression. Level 0 is the value.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from corpushub.base.errors import Invalid

ANY = "*"


class Ladder(BaseModel):
    """How a column is made coarser; exactly one of `file`, `bands`, `date`, `prefix`, `digits`; none of them means keep or suppress."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = ""
    bands: tuple[float, ...] = ()  # widths of number bands, coarser each time: [5, 10, 20]
    date: tuple[str, ...] = ()  # "month", "quarter", "year", "decade"
    prefix: tuple[int, ...] = ()  # leading characters kept: [4, 2]
    digits: tuple[int, ...] = ()  # decimals kept of a number: [2, 1, 0]
    bottom: float | None = None  # smaller numbers read as this one (bottom coding)
    top: float | None = None  # larger numbers read as this one (top coding)
    delimiter: str = Field(default=";", min_length=1, max_length=1)


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """`codes[level][base]` is the code at `level` of distinct value number `base`; `labels[level][code]` its text, None for null."""

    column: str
    codes: tuple[NDArray[np.int64], ...]
    labels: tuple[tuple[str | None, ...], ...]

    @property
    def height(self) -> int:
        """The number of levels above the value itself."""
        return len(self.codes) - 1

    def loss(self, level: int) -> NDArray[np.float64]:
        """Share of the distinct values that a value can no longer be told from, per base code: 0 exact, 1 suppressed."""
        distinct = len(self.codes[0])
        if distinct <= 1:
            return np.zeros(distinct)
        sizes = np.bincount(self.codes[level], minlength=len(self.labels[level]))
        return np.asarray((sizes[self.codes[level]] - 1) / (distinct - 1))


def build(column: str, values: Sequence[Any], ladder: Ladder, file: Callable[[str], Path] = Path) -> Hierarchy:
    """The hierarchy of the distinct `values` of a column (may hold None).

    Raises: Invalid("anonymity.hierarchy_gap" | "anonymity.hierarchy_shape" | "anonymity.not_a_number").
    """
    if ladder.file:
        steps = _from_file(column, values, file(ladder.file), ladder.delimiter)
    else:
        steps = [[_coarse(column, value, ladder, level) for value in values] for level in range(levels_of(ladder))]
    texts: list[Sequence[str | None]] = [[None if value is None else str(value) for value in values], *steps, [ANY] * len(values)]
    coded = [_coded(row) for row in texts]
    kept = [coded[0]]
    for codes, labels in coded[1:]:
        if len(labels) < len(kept[-1][1]) or not len(values):  # a level that merges nothing is no level
            kept.append((codes, labels))
    return Hierarchy(column, tuple(codes for codes, _ in kept), tuple(labels for _, labels in kept))


def levels_of(ladder: Ladder) -> int:
    """Levels a rule defines between the value and suppression."""
    return max(len(ladder.bands), len(ladder.date), len(ladder.prefix), len(ladder.digits))


def _coded(row: Sequence[str | None]) -> tuple[NDArray[np.int64], tuple[str | None, ...]]:
    numbers: dict[str | None, int] = {}
    codes = np.array([numbers.setdefault(value, len(numbers)) for value in row], dtype=np.int64)
    return codes, tuple(numbers)


def read_table(column: str, path: Path, delimiter: str) -> dict[str, list[str]]:
    """Value -> its texts at levels 1, 2 … of a hierarchy file.

    Raises: Invalid("anonymity.hierarchy_shape").
    """
    rows = [row for row in csv.reader(path.read_text("utf-8-sig").splitlines(), delimiter=delimiter) if row]
    if len({len(row) for row in rows}) > 1 or not rows:
        raise Invalid("anonymity.hierarchy_shape", column=column, file=path.name)
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}


def _from_file(column: str, values: Sequence[Any], path: Path, delimiter: str) -> list[list[str | None]]:
    table = read_table(column, path, delimiter)
    missing = [value for value in values if value is not None and str(value) not in table]
    if missing:
        raise Invalid("anonymity.hierarchy_gap", column=column, file=path.name, count=len(missing))
    found: list[list[str | None]] = [
        [None if value is None else table[str(value)][level] for value in values]
        for level in range(len(next(iter(table.values()))))
    ]
    return found[:-1] if found and set(found[-1]) <= {ANY, None} else found


def _coarse(column: str, value: Any, ladder: Ladder, level: int) -> str | None:
    """One value at one level of a rule; levels count from 0 here."""
    if value is None:
        return None
    if ladder.bands:
        return band(_number(column, value, ladder), ladder.bands[level])
    if ladder.digits:
        return f"{_number(column, value, ladder):.{ladder.digits[level]}f}"
    if ladder.date:
        return period(str(value), ladder.date[level])
    return str(value)[: ladder.prefix[level]] + ANY


def _number(column: str, value: Any, ladder: Ladder) -> float:
    try:
        number = float(value)
    except ValueError:
        raise Invalid("anonymity.not_a_number", column=column) from None
    if ladder.bottom is not None:
        number = max(number, ladder.bottom)
    return number if ladder.top is None else min(number, ladder.top)


def band(number: float, width: float) -> str:
    """`30-34` for whole widths, `[0.5, 1.0)` otherwise."""
    low = np.floor(number / width) * width
    return f"{int(low)}-{int(low + width - 1)}" if float(width).is_integer() and width >= 1 else f"[{low:g}, {low + width:g})"


def period(value: str, unit: str) -> str:
    """Month, quarter, year or decade of an ISO date (or its first digits)."""
    year, month = value[:4], value[5:7] or "01"
    if unit == "month":
        return f"{year}-{month}"
    if unit == "quarter":
        return f"{year}-Q{(int(month) + 2) // 3}"
    return f"{year[:3]}0s" if unit == "decade" else year


def expression(column: str, dtype: pl.DataType, ladder: Ladder, level: int) -> pl.Expr:
    """The value of `column` at `level` of a rule as an expression, for row-wise generalisation; files go through `build`."""
    cell = pl.col(column)
    if level > levels_of(ladder):
        return pl.when(cell.is_null()).then(None).otherwise(pl.lit(ANY)).alias(column)
    if ladder.bands:
        width = ladder.bands[level - 1]
        low = (cell.cast(pl.Float64).clip(ladder.bottom, ladder.top) / width).floor() * width
        if float(width).is_integer() and width >= 1:
            return pl.format("{}-{}", low.cast(pl.Int64), (low + width - 1).cast(pl.Int64)).alias(column)
        return pl.format("[{}, {})", low, low + width).alias(column)
    if ladder.digits:
        return cell.cast(pl.Float64).clip(ladder.bottom, ladder.top).round(ladder.digits[level - 1]).alias(column)
    if ladder.date:
        day = cell.cast(pl.Date) if dtype != pl.String else cell.str.to_date(strict=False)
        unit = ladder.date[level - 1]
        if unit == "month":
            return day.dt.strftime("%Y-%m").alias(column)
        if unit == "quarter":
            return pl.format("{}-Q{}", day.dt.year(), day.dt.quarter()).alias(column)
        return (day.dt.year().cast(pl.String) if unit == "year" else pl.format("{}0s", day.dt.year() // 10)).alias(column)
    if ladder.prefix:
        return pl.format("{}" + ANY, cell.cast(pl.String).str.head(ladder.prefix[level - 1])).alias(column)
    return cell


def ladders(columns: Sequence[str], given: Mapping[str, Ladder]) -> dict[str, Ladder]:
    """A ladder per column; a column without one can only stay or be suppressed."""
    return {column: given.get(column, Ladder()) for column in columns}
