"""What readers hand over: batches of rows with their place, and rows that could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import polars as pl

from corpushub.engine.dtypes import safe_name

BATCH_BYTES = 2_000_000
BATCH_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that was not read: file, 1-based line (or row), reason. Never its content."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one file. `frame` has `_row` (UInt32, 1-based line or row) and the file's columns."""

    file: str
    frame: pl.DataFrame
    bad: tuple[Bad, ...] = ()
    format: str = ""
    encoding: str = ""


@dataclass(slots=True)
class Rows:
    """Collects text records into batches of bounded size."""

    file: str
    format: str
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = ()
    lines: list[int] = field(default_factory=list)
    records: list[Sequence[str]] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    size: int = 0

    def add(self, line: int, record: Sequence[str]) -> None:
        self.lines.append(line)
        self.records.append(record)
        self.size += sum(map(len, record))

    def refuse(self, bad: Bad) -> None:
        self.bad.append(bad)

    def is_full(self) -> bool:
        return self.size >= BATCH_BYTES or len(self.lines) >= BATCH_ROWS

    def batch(self, names: Sequence[str]) -> Batch:
        """What was collected, as a frame of text columns; the collector starts anew."""
        columns = list(zip(*self.records, strict=True)) if self.records else [()] * len(names)
        data = {name: pl.Series(name, values, pl.String) for name, values in zip(names, columns, strict=True)}
        frame = pl.DataFrame({"_row": pl.Series(self.lines, dtype=pl.UInt32), **data})
        made = Batch(self.file, with_nulls(frame, self.nulls), tuple(self.bad), self.format, self.encoding)
        self.lines, self.records, self.bad, self.size = [], [], [], 0
        return made


def with_nulls(frame: pl.DataFrame, nulls: Sequence[str]) -> pl.DataFrame:
    """The frame with these texts as nulls."""
    if not nulls:
        return frame
    return frame.with_columns(pl.when(~pl.col(pl.String).is_in(list(nulls))).then(pl.col(pl.String)).name.keep())


def column_labels(cells: Iterable[str]) -> list[str]:
    """Distinct, non-empty column names from a header row: stripped, line breaks folded, repeats numbered."""
    names: list[str] = []
    for at, cell in enumerate(cells, 1):
        name = safe_name(" ".join(cell.lstrip("\ufeff").split())) or f"column_{at}"
        base, count = name, 2
        while name in names:
            name, count = f"{base}_{count}", count + 1
        names.append(name)
    return names


def objects_batch(
    file: str, pairs: Sequence[tuple[int, Mapping[str, Any]]], bad: Sequence[Bad], kind: str, encoding: str = "utf-8"
) -> Batch:
    """Records of any shape as a frame: columns in order of first appearance, one type per column (text where types differ)."""
    shapes = dict.fromkeys(tuple(record) for _, record in pairs)
    names = dict.fromkeys(chain.from_iterable(shapes))
    data: dict[str, pl.Series] = {"_row": pl.Series([line for line, _ in pairs], dtype=pl.UInt32)}
    columns: Iterable[Sequence[Any]] = ([record.get(name) for _, record in pairs] for name in names)
    if len(shapes) == 1:  # as most files have it: all values in one go
        columns = zip(*(record.values() for _, record in pairs), strict=True)
    data |= {name: column_of(name, values) for name, values in zip(names, columns, strict=True)}
    return Batch(file, pl.DataFrame(data), tuple(bad), kind, encoding)


def column_of(name: str, values: Sequence[Any]) -> pl.Series:
    """A series of the narrowest type that holds all values: bool, int, float, list of text, else text."""
    kinds = set(map(type, values)) - {type(None)}
    if not kinds or kinds == {str}:
        return pl.Series(name, values, pl.String)
    if kinds == {bool}:
        return pl.Series(name, values, pl.Boolean)
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in values if value is not None):
        return pl.Series(name, values, pl.Int64)
    if kinds <= {int, float}:
        return pl.Series(name, [None if value is None else float(value) for value in values], pl.Float64)
    if kinds == {list}:
        return pl.Series(
            name, [None if value is None else [as_text(item) for item in value] for value in values], pl.List(pl.String)
        )
    return pl.Series(name, [as_text(value) for value in values], pl.String)


def as_text(value: Any) -> str | None:
    """A value as text: JSON for what is no text already."""
    import json

    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=False)
