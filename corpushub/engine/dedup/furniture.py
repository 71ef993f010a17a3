"""Site furniture learned: short lines that stand in many texts of one source are menus and footers, whatever they say.

`drop_boilerplate` knows what furniture usually says; this step needs no list. A site's lines are counted once per text. Memory is that of a
fixed table and of the lines that pass it: counts of buckets first, of lines only where a bucket is full enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import polars as pl
from pydantic import Field

from corpushub.engine.dedup.minhash import digests
from corpushub.engine.dedup.paragraphs import regrouped
from corpushub.engine.step import Barrier, Decision, Params, Scope, Sketches, Step
from corpushub.engine.text.columns import ON
from corpushub.engine.text.counts import LINE_BASE, MIXER
from corpushub.engine.text.utf8 import I64, U64, utf8
from corpushub.engine.wording import Sentence

_BUCKETS: Final = 1 << 22
_SENTENCE: Final = (
    r"[\x{3002}\x{ff1a}\x{ff1b}\x{ff01}\x{ff1f}]$"  # Chinese ends of sentences and of salutations: formulas, not furniture
)


class MarkFurniture(Params):
    """Marks lines of up to `max_chars` characters that stand in at least `share` of the texts of one source and in `least_rows` of them: menus,
    footers, notices of a site. Their numbers go into `into`, for `drop_paragraphs`.

    `by` names the column that tells sources apart (a site, a channel); without it all rows are one source. Lines that end like a Chinese
    sentence or salutation stay: official letters share formulas.
    """

    on: str = ON
    by: str = ""
    into: str = "furniture"
    share: float = Field(default=0.3, gt=0.0, le=1.0)
    least_rows: int = Field(default=20, ge=2)
    max_chars: int = Field(default=80, ge=1)


def _mark_furniture(params: MarkFurniture, scope: Scope) -> Barrier:
    column = scope.need(params.on, pl.String, parameter="on")
    by = (scope.need(params.by, parameter="by"),) if params.by else ()
    return Barrier(
        sketch=lambda frame: sketch(frame[column], frame[by[0]].cast(pl.String) if by else None, params.max_chars),
        decide=lambda sketches: _decide(sketches, params),
        needs=(column, *by),
        adds={params.into: pl.List(pl.UInt32)},
    )


def sketch(column: pl.Series, source: pl.Series | None, max_chars: int) -> pl.DataFrame:
    """A 64-bit hash per line of the row, null where the line cannot be furniture, and one of the row's source."""
    lines = column.fill_null("").str.split("\n")
    flat = lines.explode(empty_as_null=True).fill_null("").str.strip_chars()
    length = flat.str.len_chars()
    content = (length == 0) | (length > max_chars) | flat.str.contains(_SENTENCE)
    hashes = pl.Series(digests(utf8(flat))[:, 0], dtype=pl.UInt64).set(content, None)
    sources = digests(utf8(source.fill_null("")))[:, 0] if source is not None else np.zeros(len(column), np.uint64)
    return pl.DataFrame(
        {"lines": regrouped(hashes, lines.list.len().cast(pl.Int64).to_numpy()), "source": pl.Series(sources, dtype=pl.UInt64)}
    )


def _decide(sketches: Sketches, params: MarkFurniture) -> Decision:
    furniture = _furniture(sketches, params)
    marked: list[pl.Series] = []
    for frame in sketches.frames():
        rows, places, keys = _lines(frame)
        at = np.flatnonzero(np.isin(keys, furniture))
        out: list[list[int]] = [[] for _ in range(len(frame))]
        for row, place in zip(rows[at].tolist(), places[at].tolist(), strict=True):
            out[row].append(place)
        marked.append(pl.Series("marked", out, dtype=pl.List(pl.UInt32)))
    column = pl.concat(marked) if marked else pl.Series("marked", [], dtype=pl.List(pl.UInt32))
    measures = {"furniture_lines": float(furniture.size), "furniture_marked": float(column.list.len().sum() or 0)}
    return Decision(np.zeros(sketches.rows, np.uint8), columns={params.into: column}, measures=measures)


def _furniture(sketches: Sketches, params: MarkFurniture) -> U64:
    """The keys of all lines that are furniture of their source."""
    texts: dict[int, int] = {}
    buckets = np.zeros(_BUCKETS, np.int64)
    for frame, keys, _ in _once_a_row(sketches):
        for source, count in zip(*np.unique(frame["source"].to_numpy(), return_counts=True), strict=True):
            texts[int(source)] = texts.get(int(source), 0) + int(count)
        buckets += np.bincount((keys % _BUCKETS).astype(np.int64), minlength=_BUCKETS)
    least = {source: max(params.least_rows, int(np.ceil(params.share * count))) for source, count in texts.items()}
    fewest = min(least.values(), default=params.least_rows)
    counted: dict[tuple[int, int], int] = {}
    for _, keys, sources in _once_a_row(sketches):
        full = buckets[(keys % _BUCKETS).astype(np.int64)] >= fewest
        for key, source in zip(keys[full].tolist(), sources[full].tolist(), strict=True):
            counted[key, source] = counted.get((key, source), 0) + 1
    return np.array(sorted(key for (key, source), count in counted.items() if count >= least[source]), dtype=np.uint64)


def _once_a_row(sketches: Sketches) -> Iterator[tuple[pl.DataFrame, U64, U64]]:
    """Of each shard its sketch, the keys of its lines, each once a row, and their sources."""
    for frame in sketches.frames():
        rows, _, keys = _lines(frame)
        first = pl.DataFrame({"row": rows, "key": keys}).with_row_index().unique(["row", "key"], keep="first")["index"].to_numpy()
        yield frame, keys[first], frame["source"].to_numpy()[rows[first]]


def _lines(frame: pl.DataFrame) -> tuple[I64, I64, U64]:
    """Row, number in the row and key (line and source in one) of every line that may be furniture."""
    lengths = frame["lines"].list.len().cast(pl.Int64).to_numpy()
    flat = frame["lines"].explode(empty_as_null=True)
    may = flat.is_not_null().to_numpy()
    rows = np.repeat(np.arange(lengths.size), lengths)
    places = np.arange(rows.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    rows, places = rows[may], places[may]
    source = frame["source"].to_numpy()[rows] * np.uint64(LINE_BASE)
    return rows, places, (flat.drop_nulls().to_numpy() + source) * np.uint64(MIXER)


STEPS: tuple[Step[Any], ...] = (
    Step("mark_furniture", 1, MarkFurniture, _mark_furniture, "barrier", Sentence("text_step.mark_furniture")),
)
