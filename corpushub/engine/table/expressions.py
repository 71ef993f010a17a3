"""SQL expressions of recipes as Polars expressions, through an allow-list of syntax: scalar arithmetic, comparison, text and case only.

No subquery, table, window, aggregate or function outside `FUNCTIONS` passes, so an expression can neither read a file nor see another row.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from corpushub.base.errors import Invalid
from corpushub.base.suggest import closest

if TYPE_CHECKING:
    from sqlglot import exp

MAX_CHARS = 2000
ALLOWED = (
    "Column", "Identifier", "Literal", "Null", "Boolean", "Paren", "Neg", "Not", "And", "Or", "Add", "Sub", "Mul", "Div", "Mod", "EQ", "NEQ",
    "GT", "GTE", "LT", "LTE", "In", "Between", "Is", "Like", "ILike", "Case", "If", "Coalesce", "Nullif", "Abs", "Round", "Floor", "Ceil",
    "Lower", "Upper", "Length", "Trim", "Substring", "Left", "Right", "Concat", "DPipe", "Replace", "Cast", "TryCast", "DataType", "StartsWith",
    "EndsWith", "Greatest", "Least", "Year", "Month", "Day", "Extract", "Var", "Alias", "Anonymous", "RegexpLike",
)  # fmt: skip
FUNCTIONS = frozenset({"strpos", "starts_with", "ends_with", "char_length", "regexp_like"})


def condition(text: str, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """A Boolean expression over `schema`'s columns. Raises: Invalid("expression.*"), also for one that is no yes or no."""
    made = expression(text, schema)
    (kind,) = pl.LazyFrame(schema=dict(schema)).select(made).collect_schema().dtypes()
    if kind != pl.Boolean:
        raise Invalid("expression.type", expr=text, reason=str(kind))
    return made


def expression(text: str, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """A scalar expression over `schema`'s columns.

    Raises: Invalid("expression.syntax" | "expression.not_allowed" | "expression.column" | "expression.type").
    """
    checked = allowed(text)
    for name in columns_of(checked):
        if name not in schema:
            raise Invalid("expression.column", expr=text, column=name, suggestion=closest(name, schema), known=", ".join(schema))
    try:
        made = pl.sql_expr(checked.sql("postgres"))
        pl.LazyFrame(schema=dict(schema)).select(made).collect_schema()
    except pl.exceptions.PolarsError as error:
        raise Invalid("expression.type", expr=text, reason=type(error).__name__) from error
    return made


def columns_of(tree: exp.Expression) -> list[str]:
    from sqlglot import exp

    return [column.name for column in tree.find_all(exp.Column)]


@cache
def allowed(text: str) -> exp.Expression:
    """The syntax tree, if every node is on the list."""
    import sqlglot
    from sqlglot import exp

    if len(text) > MAX_CHARS:
        raise Invalid("expression.syntax", expr=text[:80])
    try:
        trees = sqlglot.parse(f"SELECT {text}", dialect="postgres")
    except sqlglot.errors.SqlglotError:
        raise Invalid("expression.syntax", expr=text) from None
    select = trees[0] if len(trees) == 1 else None
    if (
        not isinstance(select, exp.Select)
        or len(select.expressions) != 1
        or any(value for key, value in select.args.items() if key not in {"expressions", "kind"} and value)
    ):
        raise Invalid("expression.syntax", expr=text)
    tree: exp.Expression = select.expressions[0]
    for node in tree.walk():
        kind = type(node).__name__
        if kind not in ALLOWED or (kind == "Anonymous" and node.name.lower() not in FUNCTIONS):
            raise Invalid("expression.not_allowed", expr=text, node=kind)
    return tree
