"""Answers about rows nobody may see: one SELECT, declared columns only, contributions bounded, noise from OpenDP.

Rules, in the order they are kept:
1. The query is one SELECT of dimensions and COUNT, SUM or AVG over one declared table; every node must be on the allow-list.
2. A person (`unit`) counts in at most `max_groups` groups and with at most `max_rows` rows in each; which ones is drawn with secret randomness.
3. Measures are clipped to their declared bounds, so one person can move a sum by a known amount only.
4. A group is named only where its noisy number of distinct persons passes a threshold (approximate differential privacy with `delta`).
5. The privacy map of every release of a number is asserted against the share of epsilon it was given.

Sources: OpenDP core measurements; Wilson et al., "Differentially Private SQL with Bounded User Contribution" (PoPETs 2020).
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import sqlglot
from sqlglot import exp

from corpushub.base.errors import Invalid

KEY_SHARE = 1 / 3  # of epsilon, spent on which groups may be named
_COMPARE: dict[type, str] = {exp.EQ: "eq", exp.NEQ: "ne", exp.LT: "lt", exp.LTE: "le", exp.GT: "gt", exp.GTE: "ge"}
_AGGREGATES: dict[type, str] = {exp.Count: "count", exp.Sum: "sum", exp.Avg: "avg"}


@dataclass(frozen=True, slots=True)
class Declared:
    """What may be asked of one table. `measures` maps a column to its integer bounds; `unit` names the column that tells persons apart."""

    table: str
    unit: str
    dimensions: tuple[str, ...]
    measures: Mapping[str, tuple[int, int]]
    filters: tuple[str, ...] = ()
    max_groups: int = 2
    max_rows: int = 1
    delta: float = 1e-7


@dataclass(frozen=True, slots=True)
class Aggregate:
    kind: str  # count | sum | avg
    column: str
    name: str


@dataclass(frozen=True, slots=True)
class Query:
    """A query that passed the allow-list. `text` is its canonical form, for the record."""

    dimensions: tuple[str, ...]
    aggregates: tuple[Aggregate, ...]
    where: exp.Expr | None
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Noisy rows. `error` gives the half-width of a 95 % interval per number; `threshold` the persons a group needed to be named."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    error: Mapping[str, float]
    threshold: int
    epsilon: float
    delta: float


def parse_query(sql: str, declared: Declared) -> Query:
    """The query, or why not.

    Raises: Invalid("cleanroom.syntax" | "cleanroom.one_statement" | "cleanroom.node" | "cleanroom.column" | "cleanroom.table" | "cleanroom.nothing").
    """
    try:
        statements = [found for found in sqlglot.parse(sql, dialect="duckdb") if found is not None]
    except sqlglot.errors.SqlglotError:
        raise Invalid("cleanroom.syntax") from None
    if len(statements) != 1:
        raise Invalid("cleanroom.one_statement")
    select = statements[0]
    if not isinstance(select, exp.Select):
        raise refused(select)
    check_clauses(select, declared)
    chosen = [read_column(item, declared) for item in select.expressions]
    dimensions = tuple(item for item in chosen if isinstance(item, str))
    aggregates = tuple(item for item in chosen if isinstance(item, Aggregate))
    group = select.args.get("group")
    grouped = {column_name(item) for item in group.expressions} if group else set()
    if not aggregates or grouped != set(dimensions) or len({*dimensions, *(item.name for item in aggregates)}) != len(chosen):
        raise Invalid("cleanroom.nothing")
    where = select.args.get("where")
    return Query(dimensions, aggregates, where.this if where else None, select.sql(dialect="duckdb"))


def refused(node: exp.Expr) -> Invalid:
    return Invalid("cleanroom.node", part=type(node).__name__)


def check_clauses(select: exp.Select, declared: Declared) -> None:
    """Only FROM one declared table, WHERE and GROUP BY columns."""
    for name, part in select.args.items():
        if part and name not in {"expressions", "from", "from_", "where", "group", "kind"}:
            raise Invalid("cleanroom.node", part=name.strip("_"))
    source = select.args.get("from_") or select.args.get("from")
    table = source.this if source else None
    if (
        not isinstance(table, exp.Table)
        or table.args.get("alias")
        or table.args.get("db")
        or not isinstance(table.this, exp.Identifier)
    ):
        raise Invalid("cleanroom.table", known=declared.table)
    if table.name != declared.table or any(part for name, part in table.args.items() if name not in {"this"} and part):
        raise Invalid("cleanroom.table", known=declared.table)
    group = select.args.get("group")
    for name, part in (group.args if group else {}).items():
        if name != "expressions" and part:
            raise Invalid("cleanroom.node", part=name)
    for item in group.expressions if group else ():
        allowed(column_name(item), declared.dimensions)


def column_name(node: exp.Expr) -> str:
    if not isinstance(node, exp.Column) or node.args.get("table"):
        raise refused(node)
    return node.name


def allowed(name: str, known: tuple[str, ...]) -> str:
    if name not in known:
        raise Invalid("cleanroom.column", column=name, known=", ".join(known))
    return name


def read_column(item: exp.Expr, declared: Declared) -> str | Aggregate:
    """A dimension by name, or an aggregate over a measure."""
    alias, node = (item.alias, item.this) if isinstance(item, exp.Alias) else ("", item)
    if isinstance(node, exp.Column):
        if alias:
            raise refused(item)
        return allowed(column_name(node), declared.dimensions)
    kind = _AGGREGATES.get(type(node))
    if kind is None or any(part for name, part in node.args.items() if name not in {"this", "big_int"} and part):
        raise refused(node)
    if kind == "count":
        if not isinstance(node.this, exp.Star):
            raise refused(node)
        return Aggregate("count", "", alias or "count")
    column = allowed(column_name(node.this), tuple(declared.measures))
    return Aggregate(kind, column, alias or f"{kind}_{column}")


def predicate(node: exp.Expr, declared: Declared, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """A WHERE condition as an expression that is total: null counts as false, nothing can fail on a single row.

    Raises: Invalid("cleanroom.node" | "cleanroom.column" | "cleanroom.type").
    """
    match node:
        case exp.Paren():
            return predicate(node.this, declared, schema)
        case exp.And() | exp.Or():
            left, right = predicate(node.left, declared, schema), predicate(node.right, declared, schema)
            return left & right if isinstance(node, exp.And) else left | right
        case exp.Not():
            return ~predicate(node.this, declared, schema)
        case exp.In() if node.expressions and not node.args.get("query"):
            name = allowed(column_name(node.this), declared.filters)
            return pl.col(name).is_in([literal(part, schema[name]) for part in node.expressions]).fill_null(value=False)
        case exp.Between():
            name = allowed(column_name(node.this), declared.filters)
            low, high = (literal(node.args[side], schema[name]) for side in ("low", "high"))
            return pl.col(name).is_between(low, high).fill_null(value=False)
        case _ if type(node) in _COMPARE:
            name = allowed(column_name(node.this), declared.filters)
            compared: pl.Expr = getattr(pl.col(name), _COMPARE[type(node)])(literal(node.expression, schema[name]))
            return compared.fill_null(value=False)
    raise refused(node)


def literal(node: exp.Expr, dtype: pl.DataType) -> str | int | float:
    sign = -1 if isinstance(node, exp.Neg) else 1
    node = node.this if isinstance(node, exp.Neg) else node
    if not isinstance(node, exp.Literal):
        raise refused(node)
    if node.is_string != (dtype == pl.String):
        raise Invalid("cleanroom.type", value="text" if node.is_string else "number")
    if node.is_string:
        return str(node.this)
    return sign * (float(node.this) if "." in node.this else int(node.this))


def answer(query: Query, frame: pl.LazyFrame, declared: Declared, epsilon: float) -> Answer:
    """The noisy answer over `frame`; memory grows with the rows that match, projected to the columns asked for.

    Raises: Invalid("cleanroom.epsilon") unless 0 < epsilon <= 10.
    """
    if not 0 < epsilon <= 10:
        raise Invalid("cleanroom.epsilon")
    if query.where is not None:
        frame = frame.filter(predicate(query.where, declared, frame.collect_schema()))
    names = sorted({item.column for item in query.aggregates if item.column})
    clipped = [
        pl.col(name).fill_null(0).cast(pl.Int64, strict=False).fill_null(0).clip(*declared.measures[name]) for name in names
    ]
    keys = [pl.col(name).cast(pl.String).fill_null("") for name in query.dimensions]
    rows = frame.select(pl.col(declared.unit).alias("_unit"), *keys, *clipped).filter(pl.col("_unit").is_not_null()).collect()
    groups = (
        bounded(rows, query.dimensions, declared)
        .group_by(query.dimensions or [pl.lit("").alias("_all")])
        .agg(pl.col("_unit").n_unique().alias("_units"), pl.len().alias("_rows"), *(pl.col(name).sum() for name in names))
    )
    return noisy(query, groups, declared, epsilon)


def bounded(rows: pl.DataFrame, dimensions: tuple[str, ...], declared: Declared) -> pl.DataFrame:
    """At most `max_groups` groups per person and `max_rows` rows per person and group, drawn with secret randomness."""
    draw = np.random.default_rng(secrets.randbits(128))
    pairs = rows.select("_unit", *dimensions).unique()
    pairs = pairs.with_columns(pl.Series("_draw", draw.random(pairs.height))).sort("_draw")
    kept = pairs.filter(pl.int_range(pl.len()).over("_unit") < declared.max_groups).drop("_draw")
    rows = rows.with_columns(pl.Series("_draw", draw.random(rows.height))).sort("_draw")
    rows = rows.filter(pl.int_range(pl.len()).over("_unit", *dimensions) < declared.max_rows).drop("_draw")
    return rows.join(kept, on=["_unit", *dimensions], how="semi")


def noisy(query: Query, groups: pl.DataFrame, declared: Declared, epsilon: float) -> Answer:
    """Name the groups that many persons share, then add noise to what was asked of them."""
    key_epsilon = epsilon * KEY_SHARE if query.dimensions else 0.0
    parts = sum(2 if item.kind == "avg" else 1 for item in query.aggregates)
    share = (epsilon - key_epsilon) / parts
    threshold = 0
    if query.dimensions:
        named, threshold = name_groups(groups, query.dimensions, declared, key_epsilon)
        groups = groups.join(named, on=query.dimensions, how="semi").sort(query.dimensions)
    elif groups.height == 0:
        groups = pl.DataFrame({"_units": [0], "_rows": [0], **{item.column: [0] for item in query.aggregates if item.column}})
    columns: dict[str, list[Any]] = {name: groups[name].to_list() for name in query.dimensions}
    error: dict[str, float] = {}
    reach = declared.max_groups * declared.max_rows if query.dimensions else declared.max_rows
    for item in query.aggregates:
        low, high = declared.measures.get(item.column, (0, 1))
        step = reach * max(abs(low), abs(high), 1)
        if item.kind == "count":
            columns[item.name], error[item.name] = laplace(groups["_rows"].to_list(), reach, share)
        elif item.kind == "sum":
            columns[item.name], error[item.name] = laplace(groups[item.column].to_list(), step, share)
        else:
            sums, width = laplace(groups[item.column].to_list(), step, share)
            counts, _ = laplace(groups["_rows"].to_list(), reach, share)
            columns[item.name] = [
                round(min(max(total / max(count, 1), low), high), 3) for total, count in zip(sums, counts, strict=True)
            ]
            error[item.name] = round(width / max(1, min((max(count, 1) for count in counts), default=1)), 3)
    rows = tuple(zip(*columns.values(), strict=True))
    return Answer(tuple(columns), rows, error, threshold, epsilon, declared.delta if query.dimensions else 0.0)


def name_groups(
    groups: pl.DataFrame, dimensions: tuple[str, ...], declared: Declared, epsilon: float
) -> tuple[pl.DataFrame, int]:
    """The groups whose noisy number of persons passes the threshold, and the threshold."""
    import opendp.prelude as dp

    dp.enable_features("contrib")
    scale = declared.max_groups / epsilon
    # Each of the person's groups may cross alone with delta / max_groups; solved for the tail of the Laplace distribution.
    threshold = math.ceil(1 + scale * math.log(declared.max_groups / (2 * declared.delta))) + 1
    space = dp.map_domain(dp.atom_domain(T=str), dp.atom_domain(T=dp.i64)), dp.l01inf_distance(dp.absolute_distance(dp.i64))
    measure = dp.m.make_laplace_threshold(*space, scale=scale, threshold=threshold)
    spent, delta = cost_of(measure, (declared.max_groups, declared.max_groups, 1))
    assert spent <= epsilon * (1 + 1e-9), "the keys would cost more than their share"
    assert delta <= declared.delta, "the threshold is too low for delta"
    numbered = groups.with_row_index("_n")
    passed = measure({str(n): units for n, units in numbered.select("_n", "_units").iter_rows()})
    return numbered.filter(pl.col("_n").cast(pl.String).is_in(list(passed))).select(dimensions), threshold


def cost_of(measure: Any, distance: Any) -> Any:
    """What OpenDP's privacy map says one person's `distance` costs."""
    return measure.map(distance)


def laplace(values: list[int], sensitivity: int, epsilon: float) -> tuple[list[int], float]:
    """Discrete Laplace noise on integers; the half-width that holds 95 % of the noise beside it."""
    import opendp.prelude as dp

    dp.enable_features("contrib")
    scale = sensitivity / epsilon
    measure = dp.m.make_laplace(dp.vector_domain(dp.atom_domain(T=dp.i64)), dp.l1_distance(T=dp.i64), scale=scale)
    assert cost_of(measure, sensitivity) <= epsilon * (1 + 1e-9), "this number would cost more than its share"
    drawn: list[int] = measure([int(value) for value in values]) if values else []
    return drawn, round(scale * math.log(20), 3)
