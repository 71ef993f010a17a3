"""Duplicate removal as barrier steps: a shard is sketched once, the sketches decide."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import polars as pl
from pydantic import Field

from corpushub.engine.dedup import contamination_step, duplicates, minhash, paragraphs
from corpushub.engine.dedup.alike import alike, at_hand, rows_of
from corpushub.engine.step import Barrier, Decision, Drop, Mapped, Params, Scope, Sketches, Step
from corpushub.engine.text.columns import COLUMN, ON, ON_SEVERAL, Names
from corpushub.engine.text.utf8 import utf8
from corpushub.engine.wording import Sentence

_DIGEST = ("digest_0", "digest_1")


class DedupExact(Params):
    """Rows equal in all columns `on` are one; the first stays. Rows where all of them are empty are left alone."""

    on: Names = ON_SEVERAL


def _dedup_exact(params: DedupExact, scope: Scope) -> Barrier:
    columns = tuple(scope.need(name, parameter="on") for name in params.on)
    return Barrier(sketch=lambda frame: _fingerprints(frame, columns), decide=_first_of_equal, needs=columns)


def _fingerprints(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    texts = [frame[name].cast(pl.String) for name in columns]
    joined = texts[0] if len(texts) == 1 else _joined(texts)
    digest = minhash.digests(utf8(joined.fill_null("")))
    empty = (
        pl.select(pl.all_horizontal([text.fill_null("") == "" for text in texts])).to_series()
        if len(frame)
        else pl.Series([], dtype=pl.Boolean)
    )
    return pl.DataFrame(
        {
            "digest_0": pl.Series(digest[:, 0], dtype=pl.UInt64),
            "digest_1": pl.Series(digest[:, 1], dtype=pl.UInt64),
            "empty": empty,
        }
    )


def _joined(texts: list[pl.Series]) -> pl.Series:
    """One text per row from which the cells can be told apart: each with its length before it, missing ones as `-`."""
    cells = [
        pl.when(text.is_null()).then(pl.lit("-")).otherwise(pl.concat_str(text.str.len_bytes(), pl.lit(":"), text))
        for text in texts
    ]
    return pl.select(pl.concat_str(cells)).to_series()


def _first_of_equal(sketches: Sketches) -> Decision:
    gathered = sketches.gather([*_DIGEST, "empty"])
    leader = duplicates.leaders(np.column_stack([gathered[name].to_numpy() for name in _DIGEST]))
    survivor = np.where((leader != np.arange(leader.size)) & ~gathered["empty"].to_numpy(), leader, -1)
    return Decision((survivor >= 0).astype(np.uint8), ("exact_duplicate",), survivor=survivor)


class DedupNear(Params):
    """Rows whose texts share at least `jaccard` of their five-character shingles are one; the best connected stays.

    With `prefer`, the row with the highest value in that column stays: the newest date, the latest version.
    """

    on: str = ON
    jaccard: float = Field(default=0.8, ge=0.5, le=1.0)
    prefer: str = ""


def _dedup_near(params: DedupNear, scope: Scope) -> Barrier:
    column = scope.need(params.on, pl.String, parameter="on")
    prefer = (scope.need(params.prefer, parameter="prefer"),) if params.prefer else ()
    return Barrier(
        sketch=lambda frame: minhash.sketch(frame[column]).with_columns(frame[name].alias("prefer") for name in prefer),
        decide=lambda sketches: _near(sketches, column, params.jaccard, preferred=bool(prefer)),
        needs=(column, *prefer),
    )


def _near(sketches: Sketches, column: str, threshold: float, *, preferred: bool) -> Decision:
    sketches = at_hand(sketches)
    rank = sketches.gather(["prefer"])["prefer"].rank("dense").fill_null(0).cast(pl.Int64).to_numpy() if preferred else None
    rows = rows_of(sketches, rank)
    pairs, exact = alike(sketches, column, rows, threshold)
    near = exact >= threshold
    survivor = duplicates.cover(rows.leader.size, pairs.where(near), rows.lengths, rank)
    copies = np.flatnonzero((rows.leader != np.arange(rows.leader.size)) & (rows.lengths > 0))
    leader = rows.leader[copies]
    survivor[copies] = np.where(survivor[leader] >= 0, survivor[leader], leader)
    measures = {"verified_pairs": float(pairs.count), "duplicate_pairs": float(near.sum())}
    return Decision((survivor >= 0).astype(np.uint8), ("near_duplicate",), survivor=survivor, measures=measures)


class DedupParagraphs(Params):
    """Marks paragraphs that stood in an earlier row or earlier in the same one: their numbers go into `into`, for `drop_paragraphs`.

    Only paragraphs (lines) with at least `min_chars` characters count: headings and formulas may come again.
    """

    on: str = ON
    into: str = "repeated_paragraphs"
    min_chars: int = Field(default=40, ge=1)


def _dedup_paragraphs(params: DedupParagraphs, scope: Scope) -> Barrier:
    column = scope.need(params.on, pl.String, parameter="on")
    return Barrier(
        sketch=lambda frame: paragraphs.sketch(frame[column], params.min_chars),
        decide=lambda sketches: _repeated(sketches, params.into),
        needs=(column,),
        adds={params.into: pl.List(pl.UInt32)},
    )


def _repeated(sketches: Sketches, into: str) -> Decision:
    marked = paragraphs.repeated(partial(sketches.frames, ["paragraphs"]))
    count = marked.list.len().sum()
    return Decision(
        np.zeros(sketches.rows, np.uint8), columns={into: marked}, measures={"repeated_paragraphs": float(count or 0)}
    )


class DropParagraphs(Params):
    """Text column, and the column with the numbers of the paragraphs to remove (it goes with them)."""

    column: str = COLUMN
    marked: str = "repeated_paragraphs"


def _drop_paragraphs(params: DropParagraphs, scope: Scope) -> Mapped:
    column = scope.need(params.column, pl.String)
    marked = scope.need(params.marked, pl.List(pl.UInt32), parameter="marked")

    def kernel(frame: pl.DataFrame) -> pl.DataFrame:
        before = frame[column]
        return pl.DataFrame(
            [paragraphs.without(before, frame[marked]).alias(column), (before == "").fill_null(value=False).alias("_was_empty")]
        )

    emptied = (pl.col(column) == "") & ~pl.col("_was_empty")
    keep = tuple(name for name in scope.schema if name != marked)
    return Mapped(kernel=kernel, needs=(column, marked), drops=(Drop("only_repeated_paragraphs", emptied),), keep=keep)


STEPS: tuple[Step[Any], ...] = (
    Step("dedup_exact", 1, DedupExact, _dedup_exact, "barrier", Sentence("text_step.dedup_exact")),
    Step("dedup_paragraphs", 1, DedupParagraphs, _dedup_paragraphs, "barrier", Sentence("text_step.dedup_paragraphs")),
    Step("dedup_near", 2, DedupNear, _dedup_near, "barrier", Sentence("text_step.dedup_near")),
    Step("drop_paragraphs", 1, DropParagraphs, _drop_paragraphs, "map", Sentence("text_step.drop_paragraphs")),
    *contamination_step.STEPS,
)
