"""Duplicate removal as barrier steps: a shard is sketched once, the sketches decide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import Field

from corpushub.engine.dedup import contamination_step, duplicates, minhash, near_groups, paragraphs
from corpushub.engine.dedup.duplicates import Pairs, Similarities
from corpushub.engine.step import Barrier, Decision, Drop, Mapped, Params, Scope, Sketches, Step
from corpushub.engine.text.columns import COLUMN, ON, ON_SEVERAL, Names
from corpushub.engine.text.utf8 import I64, U64, utf8
from corpushub.engine.wording import Sentence

_DIGEST = ("digest_0", "digest_1")
_MEMORY = "similarities.parquet"


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
    leader = duplicates.leaders(_digests(gathered))
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
    basis = sketches.gather([*_DIGEST, "shingles"])
    digest, lengths = _digests(basis), basis["shingles"].cast(pl.Int64).to_numpy()
    rank = sketches.gather(["prefer"])["prefer"].rank("dense").fill_null(0).cast(pl.Int64).to_numpy() if preferred else None
    leader = duplicates.leaders(digest, rank)
    rows = np.flatnonzero((leader == np.arange(leader.size)) & (lengths > 0))
    found = duplicates.candidates(
        (sketches.gather([name])[name].to_numpy()[rows] for name in map(minhash.band_name, range(minhash.BANDS))), rows
    )
    pairs = duplicates.likely(found, found.rows(), near_groups.checks(sketches, found.rows()), threshold)
    exact, fetched = _verified(sketches, pairs, digest, lengths, column)
    survivor = duplicates.cover(leader.size, pairs.where(exact >= threshold), lengths, rank)
    copies = (leader != np.arange(leader.size)) & (lengths > 0)
    survivor[copies] = np.where(survivor[leader[copies]] >= 0, survivor[leader[copies]], leader[copies])
    measures = {
        "candidate_pairs": float(found.count),
        "verified_pairs": float(fetched),
        "duplicate_pairs": float((exact >= threshold).sum()),
    }
    return Decision((survivor >= 0).astype(np.uint8), ("near_duplicate",), survivor=survivor, measures=measures)


def _digests(frame: pl.DataFrame) -> U64:
    return np.column_stack([frame[name].to_numpy() for name in _DIGEST])


def _verified(sketches: Sketches, pairs: Pairs, digest: U64, lengths: I64, column: str) -> tuple[Similarities, int]:
    """Exact similarity of every pair, and how many had to be computed: what the memory holds depends on the two texts alone."""
    keys = pl.DataFrame(
        {f"{side}{half}": digest[rows, half] for side, rows in (("a", pairs.first), ("b", pairs.second)) for half in (0, 1)}
    )
    memory = sketches.memory / _MEMORY if sketches.memory else None
    known = _remembered(keys, memory)
    missing = np.flatnonzero(np.isnan(known))
    known[missing] = duplicates.similarities(
        Pairs(pairs.first[missing], pairs.second[missing]), lengths, lambda rows: sketches.fetch(rows, [column])[column]
    )
    if memory is not None:
        keys.with_columns(pl.Series("jaccard", known)).unique(maintain_order=True).write_parquet(memory)
    return known, missing.size


def _remembered(keys: pl.DataFrame, memory: Path | None) -> Similarities:
    if memory is None or not memory.is_file():
        return np.full(len(keys), np.nan)
    joined = keys.join(pl.read_parquet(memory), on=keys.columns, how="left", maintain_order="left")
    return joined["jaccard"].fill_null(float("nan")).to_numpy().copy()


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
    marked = paragraphs.repeated(sketches.gather(["paragraphs"])["paragraphs"])
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
