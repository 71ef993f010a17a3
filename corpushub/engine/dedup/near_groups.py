"""Near-duplicates told, not removed: rows that are alike get one group, so that a split keeps them on one side."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from pydantic import Field

from corpushub.engine.dedup import minhash
from corpushub.engine.dedup.alike import alike, at_hand, rows_of
from corpushub.engine.dedup.duplicates import Pairs
from corpushub.engine.step import Barrier, Decision, Params, Scope, Sketches, Step
from corpushub.engine.text.columns import ON
from corpushub.engine.text.utf8 import I64
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
    sketches = at_hand(sketches)
    rows = rows_of(sketches)
    pairs, exact = alike(sketches, column, rows, threshold)
    first = components(rows.leader.size, pairs.where(exact >= threshold))[rows.leader]
    empty = np.flatnonzero(rows.lengths == 0)
    first[empty] = empty  # empty texts are not alike
    shared = np.bincount(first, minlength=first.size)[first] > 1
    # Named by the text of the group's first row, so that a name stays when rows come before or behind.
    names = pl.Series(sketches.gather(["digest_0"])["digest_0"].to_numpy()[first]).cast(pl.String)
    column_ = pl.select(pl.when(pl.Series(shared)).then(names)).to_series().alias(GROUP)
    return Decision(
        np.zeros(first.size, np.uint8), columns={GROUP: column_}, measures={"near_groups": float(np.unique(first[shared]).size)}
    )


def components(rows: int, pairs: Pairs) -> I64:
    """For each row the first row it is connected with."""
    first = np.arange(rows)
    one, two = pairs.first, pairs.second
    while one.size:
        low = np.minimum(first[one], first[two])
        np.minimum.at(first, first[one], low)
        np.minimum.at(first, first[two], low)
        first[one], first[two] = first[first[one]], first[first[two]]
        differ = first[one] != first[two]
        if not differ.any():
            break
    while (first[first] != first).any():
        first = first[first]
    return first


STEPS: tuple[Step[Any], ...] = (Step("group_near", 1, GroupNear, group_near, "barrier", Sentence("text_step.group_near")),)
