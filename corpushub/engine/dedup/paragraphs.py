"""Paragraphs that come again: hashed per row, marked over all rows, cut out of the text. A paragraph is a line."""

from __future__ import annotations

import numpy as np
import polars as pl

from corpushub.engine.dedup.minhash import digests
from corpushub.engine.text.utf8 import I64, utf8


def sketch(column: pl.Series, min_chars: int) -> pl.DataFrame:
    """Column `paragraphs`: one 64-bit hash per line of the row (white space at its ends left out), null for lines below `min_chars`."""
    lines = column.fill_null("").str.split("\n")
    flat = lines.explode(empty_as_null=True).fill_null("").str.strip_chars()
    hashes = pl.Series(digests(utf8(flat))[:, 0], dtype=pl.UInt64).set(flat.str.len_chars() < min_chars, None)
    return pl.DataFrame({"paragraphs": regrouped(hashes, lines.list.len().cast(pl.Int64).to_numpy())})


def regrouped(flat: pl.Series, lengths: I64) -> pl.Series:
    rows = pl.Series("row", np.repeat(np.arange(lengths.size), lengths))
    grouped = pl.DataFrame({"row": rows, "value": flat}).group_by("row", maintain_order=True).agg("value")
    return grouped["value"]


def repeated(paragraphs: pl.Series) -> pl.Series:
    """For each row the numbers (from 0) of the paragraphs whose hash came before, in row order."""
    lengths = paragraphs.list.len().cast(pl.Int64).to_numpy()
    flat = paragraphs.explode(empty_as_null=True)
    again = (~flat.is_first_distinct() & flat.is_not_null()).to_numpy()
    rows = np.repeat(np.arange(lengths.size), lengths)
    numbers = np.arange(rows.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    out: list[list[int]] = [[] for _ in range(lengths.size)]
    for row, number in zip(rows[again].tolist(), numbers[again].tolist(), strict=True):
        out[row].append(number)
    return pl.Series("repeated", out, dtype=pl.List(pl.UInt32))


def without(column: pl.Series, marked: pl.Series) -> pl.Series:
    """`column` without the paragraphs numbered in `marked`; rows without any come back as they were."""
    rows = (marked.list.len() > 0).fill_null(value=False).arg_true()
    if not len(rows):
        return column
    cut = []
    for text, numbers in zip(column.gather(rows).to_list(), marked.gather(rows).to_list(), strict=True):
        gone = set(numbers)
        cut.append("\n".join(line for number, line in enumerate((text or "").split("\n")) if number not in gone).strip("\n"))
    return column.clone().scatter(rows, pl.Series(cut, dtype=pl.String))
