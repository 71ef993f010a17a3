"""The recipe's contract as a dataframely schema: accept or reject rows, with a count for every rule.

The contract stays YAML; the schema is made from it. It is a second opinion beside the engine's own rates: another library, another
reading of the same words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import pyarrow.parquet as pq

from corpushub.domain.build import BuiltFile
from corpushub.domain.places import KEY_CHARS, MOST, Place, located
from corpushub.domain.recipe import Column, Contract

ROW = "_row"  # number of a row among those of all files; columns of the engine's own begin with an underscore
MAX_ROWS = 1_000_000
"""The schema looks at whole files, so that keys are compared across rows; larger releases are left to the engine's streaming rates."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the schema says: rows looked at, rows it refuses, the count of each broken rule, and the first cells that break one."""

    rows: int
    refused: int
    rules: dict[str, int] = field(default_factory=dict)
    places: tuple[Place, ...] = ()


def schema_for(contract: Contract, present: dict[str, pl.DataType]) -> type[dy.Schema]:
    """A dataframely schema of the contract's columns that are present, with their checks and the key's uniqueness."""
    columns: dict[str, Any] = {
        column.name: column_for(column, present[column.name], key=column.name == contract.key)
        for column in contract.columns
        if column.name in present
    }
    return type("ContractSchema", (dy.Schema,), {**columns, ROW: dy.Any()})


def column_for(column: Column, dtype: pl.DataType, *, key: bool) -> Any:
    """The dataframely column of one promise."""
    stated, common = column.checks, promised(column, key=key)
    if dtype == pl.String:
        regex = f"^(?:{stated['regex']})$" if "regex" in stated else None
        return dy.String(**common, min_length=stated.get("min_len"), max_length=stated.get("max_len"), regex=regex)
    if dtype.is_integer():
        return dy.Int64(**common, min=stated.get("min"), max=stated.get("max"))
    if dtype.is_float():
        return dy.Float64(**common, min=stated.get("min"), max=stated.get("max"))
    if dtype == pl.Boolean:
        return dy.Bool(nullable=common["nullable"])
    if dtype == pl.Date:
        return dy.Date(nullable=common["nullable"])
    return dy.Any()


def promised(column: Column, *, key: bool) -> dict[str, Any]:
    """What every type of column takes: may it be empty, is it the key, which values are allowed."""
    allowed = column.checks.get("in")
    return {"nullable": not (column.required or key), "primary_key": key, "check": is_one_of(allowed) if allowed else None}


def is_one_of(values: Iterable[Any]) -> Any:
    """A check that a value is one of `values`, compared as text like the contract writes them."""
    allowed = [str(value) for value in values]

    def check(value: pl.Expr) -> pl.Expr:
        return value.cast(pl.String).is_in(allowed)

    return check


def accept(folder: Path, files: Iterable[BuiltFile], contract: Contract) -> Accepted | None:
    """Hold released files to the contract; None where there are more rows than the schema is meant for."""
    files = tuple(files)
    if not files or sum(file.rows for file in files) > MAX_ROWS:
        return None
    names = [column.name for column in contract.columns]
    tables = [pq.ParquetFile(folder / file.path).read() for file in files]
    frame = pl.concat(
        [pl.DataFrame(pl.from_arrow(table.select([name for name in names if name in table.column_names]))) for table in tables]
    )
    schema = schema_for(contract, dict(frame.schema))
    _, failure = schema.filter(frame.with_row_index(ROW), cast=True)
    return Accepted(frame.height, len(failure), dict(sorted(failure.counts().items())), places_of(failure, files, contract.key))


def places_of(failure: Any, files: Iterable[BuiltFile], key: str) -> tuple[Place, ...]:
    """The first cells that break a rule, by row; the schema names a rule `column|rule`, or `primary_key` for the key as a whole."""
    if not len(failure):
        return ()
    details = failure.details().sort(ROW).head(MOST)
    broken: dict[tuple[int, str], dict[str, int]] = {}
    for rule in failure.counts():
        column, _, name = rule.partition("|")
        for row in details.filter(pl.col(rule).cast(pl.String) == "invalid")[ROW]:
            broken.setdefault((row, column if name else key), {})[name.partition("__")[0] or rule] = 1
    keys = dict(zip(details[ROW], details[key].cast(pl.String), strict=True)) if key in details.columns else {}
    return tuple(
        Place(*located(files, row), (keys.get(row) or "")[:KEY_CHARS], column, rules)
        for (row, column), rules in sorted(broken.items())[:MOST]
    )
