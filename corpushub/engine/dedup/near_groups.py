"""Near-duplicates told, not removed: rows that are alike get one group, so that a split keeps them on one side."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from pydantic import Field

from corpushub.engine.dedup import duplicates, minhash
from corpushub.engine.dedup.duplicates import Pairs
from corpushub.engine.step import Barrier, Decision, Params, Scope, Sketches, Step
from corpushub.engine.text.columns import ON
from corpushub.engine.text.shingling import MINIMA
from corpushub.engine.text.utf8 import I64, U8
from corpushub.engine.wording import Sentence

GROUP = "near_group"
"""The column `split` looks for."""


class GroupNear(Params):
    """Rows whose texts are equal or share at least `jaccard` of their shingles, directly or through others, get one value in `near_group`;
    rows without such a neighbour have none. A `split` after it keeps every group together and takes the column away.
    """

    on: str = ON
    jaccard: float = Field(default=0.8, ge=0.5, le=1.0)


def group_near(params: GroupNear, scope: Scope) -> Barrier:
    column = scope.need(params.on, pl.String, parameter="on")
    return Barrier(
        sketch=lambda frame: minhash.sketch(frame[column]),
        decide=lambda sketches: grouped(sketches, column, params.jaccard),
        needs=(column,),
        adds={GROUP: pl.String()},
    )


def grouped(sketches: Sketches, column: str, threshold: float) -> Decision:
    basis = sketches.gather(["digest_0", "digest_1", "shingles"])
    lengths = basis["shingles"].cast(pl.Int64).to_numpy()
    leader = duplicates.leaders(np.column_stack([basis["digest_0"].to_numpy(), basis["digest_1"].to_numpy()]))
    rows = np.flatnonzero((leader == np.arange(leader.size)) & (lengths > 0))
    bands = (sketches.gather([name])[name].to_numpy()[rows] for name in map(minhash.band_name, range(minhash.BANDS)))
    found = duplicates.candidates(bands, rows)
    found = duplicates.likely(found, found.rows(), checks(sketches, found.rows()), threshold)
    alike = duplicates.similarities(found, lengths, lambda wanted: sketches.fetch(wanted, [column])[column])
    first = components(leader.size, found.where(alike >= threshold))[leader]
    first[lengths == 0] = np.flatnonzero(lengths == 0)  # empty texts are not alike
    shared = np.bincount(first, minlength=first.size)[first] > 1
    # Named by the text of the group's first row, so that a name stays when rows come before or behind.
    names = basis["digest_0"].gather(first).cast(pl.String)
    column_ = pl.select(pl.when(pl.Series(shared)).then(names)).to_series().alias(GROUP)
    return Decision(
        np.zeros(first.size, np.uint8), columns={GROUP: column_}, measures={"near_groups": float(np.unique(first[shared]).size)}
    )


def checks(sketches: Sketches, rows: I64) -> U8:
    """The check bytes of `rows` (ascending), shard by shard: only candidates are held in memory."""
    parts = [b""]
    start = 0
    for frame in sketches.frames():
        local = rows[(rows >= start) & (rows < start + len(frame))] - start
        parts += frame["check"].gather(local).to_list()
        start += len(frame)
    return np.frombuffer(b"".join(parts), dtype=np.uint8).reshape(-1, MINIMA)


def components(rows: int, pairs: Pairs) -> I64:
    """For each row the first row it is connected with."""
    first = np.arange(rows)

    def root(row: int) -> int:
        while first[row] != row:
            first[row] = first[first[row]]
            row = int(first[row])
        return row

    for one, two in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True):
        low, high = sorted((root(one), root(two)))
        first[high] = low
    for row in pairs.rows().tolist():
        first[row] = root(row)
    return first


STEPS: tuple[Step[Any], ...] = (Step("group_near", 1, GroupNear, group_near, "barrier", Sentence("text_step.group_near")),)
