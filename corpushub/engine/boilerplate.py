"""Page furniture out of a text column: tags, comments, entities, navigation, share and copyright lines.

Rust scans say which rows hold any of it at all; only those are rewritten. The lines are data (`rules/text-boilerplate.toml`).
"""

from __future__ import annotations

import html
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final

import polars as pl

_ENTITY: Final = r"&(?:[A-Za-z]{2,8}|#[0-9]{1,6}|#x[0-9A-Fa-f]{1,5});"
_ATTRIBUTES: Final = (
    r"""(?:\s+[A-Za-z][A-Za-z0-9:_-]*\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s<>"']+))*\s*/?>"""  # so that a<b and c>d is no tag
)
_BLOCK_TAGS: Final = (
    r"(?i)</?(?:p|div|br|li|tr|h[1-6]|table|section|article|ul|ol|dl|dt|dd|blockquote|header|footer|nav|hr|title)" + _ATTRIBUTES
)


@cache
def rules() -> dict[str, Any]:
    """`rules/text-boilerplate.toml`."""
    return tomllib.loads(files("corpushub").joinpath("rules", "text-boilerplate.toml").read_text("utf-8"))


@cache
def _line_pattern() -> str:
    lines = "|".join(f"(?:{line})" for line in rules()["lines"])
    return rf"(?m)^[ \t]*(?:{lines})[ \t]*(?:\n|\z)"


@cache
def _menu_pattern() -> str:
    return rf"(?m)^[ \t]*(?:{rules()['menu']})[ \t]*(?:\n|\z)"


@cache
def _tag_pattern() -> str:
    return rf"(?i)</?(?:{'|'.join(rules()['tags'])})" + _ATTRIBUTES


def without_boilerplate(column: pl.Series) -> pl.Series:
    """`column` (String, may be null) without furniture; rows that had none come back as they were."""
    column = _touch(column, r"<(?:[!/]|[A-Za-z])", _without_markup)
    column = _touch(column, _ENTITY, _unescaped)
    hinted = column.str.contains_any(rules()["hints"]).fill_null(value=False)
    column = _rewrite(column, hinted, _without_lines)
    return _touch(column, rules()["menu_gate"], _without_menus)


def _touch(column: pl.Series, gate: str, change: Any) -> pl.Series:
    return _rewrite(column, column.str.contains(gate).fill_null(value=False), change)


def _rewrite(column: pl.Series, dirty: pl.Series, change: Any) -> pl.Series:
    if not dirty.any():
        return column
    rows = dirty.arg_true()
    before = column.gather(rows)
    after = change(before)
    after = pl.select(pl.when(after == before).then(before).otherwise(after.str.strip_chars(" \t\n"))).to_series()
    return column.clone().scatter(rows, after)


def _without_markup(column: pl.Series) -> pl.Series:
    """Scripts, styles and comments go whole; a tag that starts a block leaves a line break, any other tag nothing."""
    return (
        column.str.replace_all(r"(?is)<(?:script[^<>]*>.*?</script|style[^<>]*>.*?</style)\s*>", "")
        .str.replace_all(r"(?s)<!--.*?-->", "")
        .str.replace_all(r"(?i)<!doctype[^<>]*>", "")
        .str.replace_all(_BLOCK_TAGS, "\n")
        .str.replace_all(_tag_pattern(), "")
        .str.replace_all(r"\n{3,}", "\n\n")
    )


def _unescaped(column: pl.Series) -> pl.Series:
    return pl.Series([html.unescape(value).replace("\u00a0", " ") for value in column.to_list()], dtype=pl.String)


def _without_lines(column: pl.Series) -> pl.Series:
    return column.str.replace_all(_line_pattern(), "")


def _without_menus(column: pl.Series) -> pl.Series:
    return column.str.replace_all(_menu_pattern(), "")
