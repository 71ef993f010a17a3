"""Steps for tables about people: `generalise` makes columns coarser row by row, `k_anonymise` finds the least loss that reaches k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import Field

from corpushub.base.errors import Invalid
from corpushub.engine.anonymity.hierarchies import ANY, Hierarchy, Ladder, build, expression, ladders, read_table
from corpushub.engine.anonymity.lattice import Demand, Found, Table, group, grouped_violations, search
from corpushub.engine.anonymity.risk import risk
from corpushub.engine.step import Barrier, Decision, Mapped, Params, Scope, Sketches, Step
from corpushub.engine.wording import Sentence


class Rung(Ladder):
    """A ladder and the level to stand on; level above the last rule means suppression."""

    level: int = Field(default=1, ge=0)


class Generalise(Params):
    columns: dict[str, Rung] = Field(min_length=1)


def generalise(params: Generalise, scope: Scope) -> Mapped:
    columns: dict[str, pl.Expr] = {}
    tables: dict[str, tuple[Path, Rung]] = {}
    for name, rung in params.columns.items():
        scope.need(name, parameter="columns")
        if rung.level == 0:
            continue
        if rung.file:
            tables[name] = (scope.file(rung.file), rung)
        else:
            columns[name] = expression(name, scope.schema[name], rung, rung.level)
    kernel = partial(_looked_up, tables=tables) if tables else None
    return Mapped(columns=columns, kernel=kernel, needs=tuple(tables))


def _looked_up(frame: pl.DataFrame, tables: Mapping[str, tuple[Path, Rung]]) -> pl.DataFrame:
    """Columns replaced by what their hierarchy file says; the level above its last one suppresses.

    Raises: Invalid("anonymity.hierarchy_gap").
    """
    result = []
    for name, (path, rung) in tables.items():
        table = read_table(name, path, rung.delimiter)
        values = frame[name].drop_nulls().unique()
        missing = sum(str(value) not in table for value in values)
        if missing:
            raise Invalid("anonymity.hierarchy_gap", column=name, file=path.name, count=missing)
        coarse = [(*table[str(value)], ANY)[min(rung.level - 1, len(table[str(value)]))] for value in values]
        mapped = pl.Series(coarse, dtype=pl.String)
        result.append(frame[name].replace_strict(values, mapped, default=None, return_dtype=pl.String).alias(name))
    return pl.DataFrame(result)


class KAnonymise(Params):
    """`quasi` and `sensitive` default to the contract's roles. Classes below `k` (`l`, `t`) that remain are dropped, at most
    `max_suppressed` of all rows.
    """

    quasi: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    k: int = Field(default=5, ge=2)
    l: int = Field(default=0, ge=0)  # noqa: E741  (the literature's letter)
    t: float = Field(default=1.0, gt=0, le=1)
    hierarchies: dict[str, Ladder] = Field(default_factory=dict)
    max_suppressed: float = Field(default=0.01, ge=0, le=1)


def k_anonymise(params: KAnonymise, scope: Scope) -> Barrier:
    """Plan the step. Raises: Invalid("anonymity.no_columns")."""
    roles = {column.name: column.role for column in (scope.contract.columns if scope.contract else ())}
    quasi = params.quasi or tuple(name for name in roles if roles[name] == "quasi" and name in scope.schema)
    sensitive = params.sensitive or tuple(name for name in roles if roles[name] == "sensitive" and name in scope.schema)
    if not quasi:
        raise Invalid("anonymity.no_columns")
    for name in (*quasi, *sensitive):
        scope.need(name, parameter="quasi" if name in quasi else "sensitive")
    files = {name: scope.file(ladder.file) for name, ladder in params.hierarchies.items() if ladder.file}
    ruler = partial(decide, params=params, quasi=quasi, sensitive=sensitive, files=files)
    needs = (*quasi, *sensitive)
    return Barrier(sketch=partial(_narrow, columns=needs), decide=ruler, needs=needs, adds={name: pl.String() for name in quasi})


def _narrow(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    return frame.select(columns)


def decide(
    sketches: Sketches, params: KAnonymise, quasi: Sequence[str], sensitive: Sequence[str], files: Mapping[str, Path]
) -> Decision:
    """Choose the levels, set the coarser values, drop what stays in a class too small.

    Raises: Invalid("anonymity.unreachable") when even suppression of all columns would not do.
    """
    frame = sketches.gather((*quasi, *sensitive))
    if not frame.height:
        return Decision(np.zeros(0, np.uint8), columns={name: pl.Series(name, [], dtype=pl.String) for name in quasi})
    demand = Demand(params.k, params.l, params.t, params.max_suppressed)
    made, coded = coded_columns(frame, quasi, params, files)
    hidden = [_ranks(frame[name]) for name in sensitive]
    found = search(made, group(coded, hidden, np.ones(frame.height, dtype=np.int64)), demand)
    if found is None:
        raise Invalid("anonymity.unreachable", k=params.k, rows=frame.height)
    lifted = [hierarchy.codes[level][column] for hierarchy, level, column in zip(made, found.node, coded, strict=True)]
    bad, _ = grouped_violations(Table(tuple(lifted), tuple(hidden), np.ones(frame.height, dtype=np.int64)), demand)
    columns = {
        hierarchy.column: pl.Series(hierarchy.column, hierarchy.labels[level], dtype=pl.String).gather(codes)
        for hierarchy, level, codes in zip(made, found.node, lifted, strict=True)
    }
    return Decision(
        codes=bad.astype(np.uint8),
        reasons=("too_few_alike",),
        columns=columns,
        measures=measured(frame, columns, bad, quasi=quasi, sensitive=sensitive) | levels(made, found),
    )


def coded_columns(
    frame: pl.DataFrame, quasi: Sequence[str], params: KAnonymise, files: Mapping[str, Path]
) -> tuple[list[Hierarchy], list[Any]]:
    """A hierarchy per quasi-identifier over its sorted distinct values, and the base code of every row."""
    made, coded = [], []
    for name, ladder in ladders(quasi, params.hierarchies).items():
        distinct = frame[name].unique().sort()
        made.append(build(name, distinct.to_list(), ladder, partial(_beside, files[name] if ladder.file else Path())))
        order = pl.Series(np.arange(len(distinct)))
        coded.append(frame[name].replace_strict(distinct, order, return_dtype=pl.Int64).to_numpy())
    return made, coded


def _beside(path: Path, _: str) -> Path:
    return path


def _ranks(column: pl.Series) -> Any:
    return column.rank("dense").fill_null(0).cast(pl.Int64).to_numpy()


def measured(
    frame: pl.DataFrame, columns: Mapping[str, pl.Series], bad: Any, *, quasi: Sequence[str], sensitive: Sequence[str]
) -> dict[str, float]:
    """Risk of what stays, and what it cost."""
    kept = frame.with_columns(**columns).filter(~pl.Series(bad))
    report = risk(kept, quasi, sensitive)
    return {**report.measures(), "suppressed_ratio": float(bad.mean()), "anonymity_grade": report.grade}


def levels(made: Sequence[Hierarchy], found: Found) -> dict[str, float]:
    chosen = {f"level:{hierarchy.column}": float(level) for hierarchy, level in zip(made, found.node, strict=True)}
    return {**chosen, "information_loss": round(found.loss, 6), "lattice_nodes": float(found.evaluated)}


STEPS: tuple[Step[Any], ...] = (
    Step("generalise", 1, Generalise, generalise, "map", Sentence("anonymity.step_generalise")),
    Step("k_anonymise", 1, KAnonymise, k_anonymise, "barrier", Sentence("anonymity.step_k_anonymise")),
)
