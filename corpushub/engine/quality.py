"""Does the released data keep the recipe's contract? Six dimensions as rates, counted shard by shard and summed up.

completeness  values present where required          validity     values that pass their checks (length, pattern, range, vocabulary)
consistency   rows that meet the cross-field rules   accuracy     rows whose content no other row repeats, and key uniqueness
timeliness    newest value against the release day is judged at release; here the age span is told
accessibility is judged on the release
Rates are rounded to six digits; counts are exact.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from corpushub.domain.recipe import Column, Contract
from corpushub.engine.table.expressions import condition

CONTENTS, KEYS = "contents.npy", "keys.npy"  # a hash of each row
PASS_ROWS = 1 << 21  # rows whose hashes are sorted at once


@dataclass(slots=True)
class Count:
    checked: int = 0
    bad: int = 0

    def rate(self) -> float:
        return rate(self.checked, self.bad)


@dataclass(slots=True)
class Tallies:
    """Counts per column and check, filled batch by batch. `folders` hold the rows' hashes: they grow with the rows, so they stay in files."""

    required: dict[str, Count] = field(default_factory=dict)
    checks: dict[str, Count] = field(default_factory=dict)
    rules: dict[str, Count] = field(default_factory=dict)
    failing_rows: int = 0
    rows: int = 0
    folders: list[Path] = field(default_factory=list)
    oldest: Any = None
    newest: Any = None

    def merge(self, other: Tallies) -> None:
        """Add what was counted in other rows."""
        for mine, theirs in ((self.required, other.required), (self.checks, other.checks), (self.rules, other.rules)):
            for name, count in theirs.items():
                here = mine.setdefault(name, Count())
                here.checked += count.checked
                here.bad += count.bad
        self.failing_rows += other.failing_rows
        self.rows += other.rows
        self.folders += other.folders
        if other.newest is not None:
            self.oldest = other.oldest if self.oldest is None else min(self.oldest, other.oldest)
            self.newest = other.newest if self.newest is None else max(self.newest, other.newest)


def add(tallies: Tallies, frame: pl.DataFrame, contract: Contract) -> None:
    present = [column for column in contract.columns if column.name in frame.columns]
    fails: list[pl.Expr] = []
    names: list[tuple[Count, str]] = []
    for column in present:
        if column.required:
            note(tallies.required, column.name, is_absent(column.name, frame.schema[column.name]), fails, names)
        for check, bad in checks_of(column, frame.schema[column.name]).items():
            note(tallies.checks, f"{column.name}.{check}", bad, fails, names)
    for rule in contract.rules:
        expression = condition(rule["expr"], dict(frame.schema))
        note(tallies.rules, rule["name"], ~expression.fill_null(value=True), fails, names)
    tallies.rows += frame.height
    if fails:
        marks = frame.select(expression.fill_null(value=False).alias(f"{at}") for at, expression in enumerate(fails))
        for at, (count, _) in enumerate(names):
            count.checked += frame.height
            count.bad += int(marks.to_series(at).sum() or 0)
        tallies.failing_rows += int(marks.select(pl.any_horizontal(pl.all()).sum()).item() or 0)
    span(tallies, frame, str(contract.timeliness.get("column") or ""))


def write_hashes(frame: pl.DataFrame, contract: Contract, folder: Path) -> None:
    """What tells rows with the same content, and rows with the same key."""
    content = [name for name in frame.columns if name != contract.key]
    if content:
        np.save(folder / CONTENTS, frame.select(pl.struct(content).hash(seed=7)).to_series().to_numpy())
    if contract.key in frame.columns:
        np.save(folder / KEYS, frame.get_column(contract.key).hash(seed=7).to_numpy())


def note(table: dict[str, Count], name: str, bad: pl.Expr, fails: list[pl.Expr], names: list[tuple[Count, str]]) -> None:
    fails.append(bad)
    names.append((table.setdefault(name, Count()), name))


def span(tallies: Tallies, frame: pl.DataFrame, column: str) -> None:
    if column and column in frame.columns and frame.schema[column].is_temporal():
        values = frame.get_column(column)
        low, high = values.min(), values.max()
        if low is not None:
            tallies.oldest = low if tallies.oldest is None else min(tallies.oldest, low)
            tallies.newest = high if tallies.newest is None else max(tallies.newest, high)


def is_absent(name: str, dtype: pl.DataType) -> pl.Expr:
    """Null, or text of blanks only."""
    value = pl.col(name)
    return value.is_null() | (value.str.strip_chars() == "") if dtype == pl.String else value.is_null()


def checks_of(column: Column, dtype: pl.DataType) -> Mapping[str, pl.Expr]:
    """Per check the condition under which a present value is wrong."""
    value, stated = pl.col(column.name), column.checks
    bad: dict[str, pl.Expr] = {}
    if dtype == pl.String or isinstance(dtype, pl.List):
        length = value.list.len() if isinstance(dtype, pl.List) else value.str.len_chars()
        if "min_len" in stated:
            bad["min_len"] = length < stated["min_len"]
        if "max_len" in stated:
            bad["max_len"] = length > stated["max_len"]
    if "regex" in stated and dtype == pl.String:
        bad["regex"] = ~value.str.contains(f"^(?:{stated['regex']})$")
    if "in" in stated:
        bad["in"] = ~value.cast(pl.String).is_in([str(item) for item in stated["in"]])
    if "min" in stated and dtype.is_numeric():
        bad["min"] = value < stated["min"]
    if "max" in stated and dtype.is_numeric():
        bad["max"] = value > stated["max"]
    return {name: value.is_not_null() & expression for name, expression in bad.items()}


def rate(checked: int, bad: int) -> float:
    return round(1 - bad / checked, 6) if checked else 1.0


def repeated(files: Sequence[Path], rows: int) -> int:
    """Rows beyond the first of each value, of so many in these files: read once for every `PASS_ROWS` and never held together."""
    passes = max(1, -(-rows // PASS_ROWS))
    found = 0
    for low, high in itertools.pairwise((at << 16) // passes for at in range(passes + 1)):
        parts = [np.load(file) for file in files] if passes == 1 else [within(np.load(file), low, high) for file in files]
        whole = np.concatenate(parts) if parts else np.zeros(0, np.uint64)
        whole.sort()
        found += int((whole[1:] == whole[:-1]).sum())
    return found


def within(hashes: np.ndarray, low: int, high: int) -> np.ndarray:
    """Those whose first two bytes are from `low` to below `high`."""
    lead = hashes >> np.uint64(48)
    chosen: np.ndarray = hashes[(lead >= low) & (lead < high)]
    return chosen


def measures(tallies: Tallies, contract: Contract, *, unique_content: bool = True) -> dict[str, float]:
    """Measures by id.

    `unique_content` false: rows were made equal on purpose (generalisation), so a repeated row is no error and only keys must differ.
    """
    duplicates = repeated(files_of(tallies, CONTENTS), tallies.rows)
    found = {
        "contract_failures": float(tallies.failing_rows),
        "duplicates_exact": float(duplicates),
        "quality_completeness": mean(tallies.required),
        "quality_validity": mean(tallies.checks),
        "quality_consistency": mean(tallies.rules),
        "quality_accuracy": rate(tallies.rows, duplicates if unique_content else 0),
    }
    if keys := files_of(tallies, KEYS):
        found["key_uniqueness"] = rate(tallies.rows, repeated(keys, tallies.rows))
        found["key_completeness"] = tallies.required.get(contract.key, Count()).rate()
    return found


def files_of(tallies: Tallies, name: str) -> list[Path]:
    return [file for folder in tallies.folders if (file := folder / name).exists()]


def mean(table: Mapping[str, Count]) -> float:
    """One rate over all checks of a kind, each value counting once."""
    return rate(sum(one.checked for one in table.values()), sum(one.bad for one in table.values()))


def details(tallies: Tallies) -> dict[str, Any]:
    told: dict[str, Any] = {
        kind: {name: {"checked": one.checked, "bad": one.bad, "rate": one.rate()} for name, one in sorted(table.items())}
        for kind, table in (("completeness", tallies.required), ("validity", tallies.checks), ("consistency", tallies.rules))
    }
    if tallies.newest is not None:
        told["timeliness"] = {"oldest": str(tallies.oldest), "newest": str(tallies.newest)}
    return told
