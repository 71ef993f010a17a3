"""Normalising text without hurting Chinese: one table, one pass over code points.

Full-width letters and digits become ASCII, invisible and control characters go, every kind of space and line break becomes one kind,
at most one blank line stays between paragraphs, the result is NFC. Chinese punctuation is kept: folding it to ASCII, as NFKC and the
usual fixers do, destroys sentence boundaries.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from corpushub.engine.text import characters as ch
from corpushub.engine.text.utf8 import I64, U8, U32, Utf8, compiled, from_points, points, series, spans, utf8

Bits = npt.NDArray[np.bool_]


def normalise(column: pl.Series, *, fast: bool | None = None) -> pl.Series:
    """`column` (String, may be null) normalised; nulls stay null. Applying it twice changes nothing more.

    A scan finds the rows that would change; the others are neither read again nor copied.
    """
    column = column.cast(pl.String)
    lie = spans(column)
    kernels = compiled(lie.bytes, fast=fast)
    if kernels is None:
        rows = column.str.contains(ch.irregular_pattern()).fill_null(value=False).arg_true().to_numpy()
        return _replaced(column, rows, _normalised(column.gather(rows))) if rows.size else column
    rows = np.flatnonzero(kernels.irregular(lie.begins, lie.sizes, ch.special_bits()))
    if not rows.size:
        return column
    tables = (ch.special_bits(), ch.normal_table(), ch.compose_table(), ch.joining_table())
    data, offsets, compose = kernels.normalise(lie.begins[rows], lie.sizes[rows], tables)
    changed = series(column.name, Utf8(data, offsets, np.zeros(rows.size, dtype=bool)))
    return _replaced(column, rows, _composed(changed, compose))


def _replaced(column: pl.Series, rows: I64, changed: pl.Series) -> pl.Series:
    return column.clone().scatter(rows, changed)


def _normalised(column: pl.Series) -> pl.Series:
    text = utf8(column)
    parts = [_normalise_block(text.block(first, last)) for first, last in text.blocks()]
    whole = pl.concat([series(column.name, part) for part, _ in parts])
    return _composed(whole, np.concatenate([flags for _, flags in parts]))


def _composed(column: pl.Series, compose: Bits | U8) -> pl.Series:
    rows = np.flatnonzero(compose)
    if not rows.size:
        return column
    return _replaced(column, rows, column.gather(rows).str.normalize("NFC"))


def _normalise_block(text: Utf8) -> tuple[Utf8, Bits]:
    values, offsets = points(text)
    low = np.minimum(values, ch.PLANE - 1)
    is_low = values < ch.PLANE
    mapped = np.where(is_low, ch.normal_table()[low].astype(np.uint32), values)
    mapped[_is_tag(values)] = ch.DROP
    _keep_joiners(values, offsets, mapped)
    rows = np.repeat(np.arange(text.rows), np.diff(offsets))
    returns = np.flatnonzero(values[:-1] == 0x0D)
    mapped[returns[(values[returns + 1] == 0x0A) & (rows[returns + 1] == rows[returns])]] = ch.DROP
    compose = np.zeros(text.rows, dtype=bool)
    wide = (values >= ch.PLANE) & (values < 0x1F000)
    compose[rows[(is_low & (ch.compose_table()[low] == 1)) | wide]] = True
    squeezed, bounds = _squeeze(mapped, rows, text.rows)
    return from_points(squeezed, bounds, text.null), compose


def _keep_joiners(values: U32, offsets: I64, mapped: U32) -> None:
    at = np.flatnonzero((values == 0x200C) | (values == 0x200D))
    starts = np.zeros(values.size + 1, dtype=bool)
    starts[offsets] = True
    at = at[~starts[at]]
    before = values[at - 1]
    keep = (ch.joining_table()[np.minimum(before, ch.PLANE - 1)] == 1) | ((before >= 0x1F000) & ~_is_tag(before))
    mapped[at[keep]] = values[at[keep]]


def _is_tag(values: U32) -> Bits:
    """Tags and variation selectors beyond the basic plane: they go, and nothing joins to them."""
    return (values >= 0xE0000) & (values < 0xE1000)


def _squeeze(mapped: U32, rows: I64, count: int) -> tuple[U32, I64]:
    """Characters with the gaps between them reduced to nothing, one space, one break or one blank line."""
    breaks = np.cumsum(mapped == ch.NEWLINE)
    blanks = np.cumsum(mapped == ch.BLANK)
    at = np.flatnonzero((mapped != ch.NEWLINE) & (mapped != ch.BLANK) & (mapped != ch.DROP))
    owner = rows[at]
    same = np.concatenate(([False], owner[1:] == owner[:-1])) if at.size else np.zeros(0, dtype=bool)
    new_lines = np.minimum(np.diff(breaks[at], prepend=0), 2) * same
    spaces = np.minimum(np.diff(blanks[at], prepend=0), 1) * same * (new_lines == 0)
    ends = np.cumsum(1 + new_lines + spaces)
    out = np.empty(ends[-1] if at.size else 0, dtype=np.uint32)
    out[ends - 1] = mapped[at]
    out[ends[spaces > 0] - 2] = 0x20
    out[ends[new_lines > 0] - 2] = 0x0A
    out[ends[new_lines > 1] - 3] = 0x0A
    lengths = np.bincount(owner, weights=1 + new_lines + spaces, minlength=count).astype(np.int64)
    return out, np.concatenate(([0], np.cumsum(lengths)))
