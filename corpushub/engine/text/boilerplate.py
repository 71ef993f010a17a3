"""Page furniture out of a text column: tags, comments, entities, navigation, share and copyright lines.

Rust scans say which rows hold any of it at all; only those are rewritten. The lines are data (`rules/text-boilerplate.toml`).
"""

from __future__ import annotations

import html
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
import polars as pl

from corpushub.engine.text.utf8 import I64, Utf8, series, utf8

_LONGEST: Final = 480  # bytes of a line that may be furniture
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
def _furniture() -> str:
    lines = "|".join(f"(?:{line})" for line in (*rules()["lines"], rules()["menu"]))
    return rf"\A(?:{lines})\z"


@cache
def _tag_pattern() -> str:
    return rf"(?i)</?(?:{'|'.join(rules()['tags'])})" + _ATTRIBUTES


def without_boilerplate(column: pl.Series) -> pl.Series:
    """`column` (String, may be null) without furniture; rows that had none come back as they were."""
    column = _touch(column, r"<(?:[!/]|[A-Za-z])", _without_markup)
    column = _touch(column, _ENTITY, _unescaped)
    return _without_lines(column)


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
    """Rows without the lines that are furniture: only short lines with a hint in them ever meet the patterns."""
    text = utf8(column)
    bounds, owner = _lines(text)
    lines = series("lines", Utf8(text.data, bounds, np.zeros(owner.size, dtype=bool)))
    hinted = (lines.str.len_bytes() <= _LONGEST) & lines.str.contains_any(rules()["hints"])
    at = hinted.arg_true()
    gone = at.filter(lines.gather(at).str.strip_chars().str.contains(_furniture())).to_numpy()
    if not gone.size:
        return column
    rows = np.unique(owner[gone])
    dropped = np.zeros(owner.size, dtype=bool)
    dropped[gone] = True
    inside = np.isin(owner, rows)
    part = utf8(column.gather(rows))
    kept = np.repeat(~dropped[inside], np.diff(bounds)[inside])
    lengths = np.concatenate((np.zeros(1, np.int64), np.cumsum(kept)))
    after = series(column.name, Utf8(part.data[kept], lengths[part.offsets], part.null))
    return column.clone().scatter(rows, after.str.strip_chars(" \t\n"))


def _lines(text: Utf8) -> tuple[I64, I64]:
    """Where each line starts and the last one ends (a line keeps its break), and the row of each line."""
    bounds = np.sort(
        np.concatenate((text.offsets, np.flatnonzero(text.data == 0x0A) + 1)), kind="stable"
    )  # merges two sorted runs
    bounds = bounds[np.concatenate(([True], bounds[1:] != bounds[:-1]))]
    return bounds, np.searchsorted(text.offsets, bounds[:-1], side="right") - 1
