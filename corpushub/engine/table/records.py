"""Steps on rows as records: derive, drop_where, lookup, join, sample, mix, balance, chunk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import Field

from corpushub.engine.step import Barrier, Decision, Drop, Mapped, Params, Scope, Sketches, Step, column_names, refusal
from corpushub.engine.table.chances import chances
from corpushub.engine.table.chunks import chunks
from corpushub.engine.table.expressions import condition, expression
from corpushub.engine.wording import Sentence


class Derive(Params):
    """New or changed columns by SQL expressions over the row: `columns: {year: "extract(year from day)"}`. Those of one step see the
    columns as they were before it.
    """

    columns: dict[str, str] = Field(min_length=1)


def derive(params: Derive, scope: Scope) -> Mapped:
    return Mapped(columns={name: expression(text, scope.schema) for name, text in params.columns.items()})


class DropWhere(Params):
    """Rows for which `where`, an SQL condition over the row, holds leave under the name `reason`; a condition that is null does not hold."""

    where: str
    reason: str = Field(default="condition", pattern=r"^[a-z][a-z0-9_]{0,39}$")


def drop_where(params: DropWhere, scope: Scope) -> Mapped:
    return Mapped(drops=(Drop(params.reason, condition(params.where, scope.schema)),))


class Lookup(Params):
    """Columns from another source of the recipe (`role: table`), found by key. `on` is a column both have, or {ours: theirs}; `take` lists
    their columns, or {ours: theirs}. Rows that find nothing are kept with nulls, or dropped.
    """

    table: str
    on: str | dict[str, str]
    take: tuple[str, ...] | dict[str, str]
    missing: Literal["keep", "drop"] = "keep"


def lookup(params: Lookup, scope: Scope) -> Mapped:
    on = {params.on: params.on} if isinstance(params.on, str) else dict(params.on)
    take = dict(params.take) if isinstance(params.take, dict) else {name: name for name in params.take}
    for ours in on:
        scope.need(ours, parameter="on")
    assert scope.table is not None
    table = scope.table(params.table)
    there = Scope(schema=dict(table.schema))
    for theirs in (*on.values(), *take.values()):
        there.need(theirs, parameter="take" if theirs in take.values() else "on")
    keys = [table.get_column(theirs).cast(pl.String).alias(f"_key{at}") for at, theirs in enumerate(on.values())]
    right = pl.DataFrame([*keys, *(table.get_column(theirs).alias(ours) for ours, theirs in take.items())])
    names = [key.name for key in keys]
    right = right.unique(maintain_order=True)
    if right.select(names).is_duplicated().any():
        raise refusal("step.table_not_unique", "on", table=params.table, columns=", ".join(on.values()))

    def joined(frame: pl.DataFrame) -> pl.DataFrame:
        left = frame.select(pl.col(ours).cast(pl.String).alias(name) for ours, name in zip(on, names, strict=True))
        found = left.join(right.with_columns(_found=pl.lit(value=True)), on=names, how="left", maintain_order="left")
        return found.select(*take, pl.col("_found").fill_null(value=False))

    drops = (Drop(f"not_in_{params.table}", ~pl.col("_found")),) if params.missing == "drop" else ()
    return Mapped(kernel=joined, needs=tuple(on), drops=drops)


class Join(Lookup):
    """As lookup, but rows without a partner leave."""

    missing: Literal["keep", "drop"] = "drop"


class Sample(Params):
    """A part of the rows, by a hash of `by` (the key where none is given): the same rows again as long as `seed` stays."""

    fraction: float | None = Field(default=None, gt=0, le=1)
    rows: int | None = Field(default=None, ge=1)
    by: str | tuple[str, ...] = ()
    seed: int = 0


def sample(params: Sample, scope: Scope) -> Mapped | Barrier:
    names = chance_columns(params.by, scope)
    if (params.fraction is None) == (params.rows is None):
        raise refusal("step.fraction_or_rows", "fraction")
    if params.fraction is not None:
        fraction = params.fraction

        def point(frame: pl.DataFrame) -> pl.DataFrame:
            return chances(frame, names, params.seed).alias("_at").to_frame()

        return Mapped(kernel=point, needs=names, drops=(Drop("not_sampled", pl.col("_at") >= fraction),))
    most = params.rows

    def sketch(frame: pl.DataFrame) -> pl.DataFrame:
        return chances(frame, names, params.seed).alias("at").to_frame()

    def decide(sketches: Sketches) -> Decision:
        at = sketches.gather(["at"]).get_column("at").to_numpy()
        return keep_first(at, np.zeros(len(at), np.int64), [most or 0], "not_sampled")

    return Barrier(sketch, decide, needs=names)


class Mix(Params):
    """Groups of `by` in stated shares, by taking from those that have too much: `shares: {law: 0.7, report: 0.3}`."""

    by: str
    shares: dict[str, float] = Field(min_length=1)
    seed: int = 0


def mix(params: Mix, scope: Scope) -> Barrier:
    scope.need(params.by, parameter="by")
    if min(params.shares.values()) <= 0:
        raise refusal("step.no_shares", "shares")
    names = chance_columns((), scope)

    def decide(sketches: Sketches) -> Decision:
        frame = sketches.gather()
        groups = list(params.shares)
        codes = group_codes(frame.get_column("group"), groups)
        counts = np.bincount(codes[codes >= 0], minlength=len(groups))
        total = min(counts[at] / params.shares[name] for at, name in enumerate(groups))
        most = [round(total * params.shares[name]) for name in groups]
        return keep_first(frame.get_column("at").to_numpy(), codes, most, "mixed_out")

    return Barrier(grouped_sketch(params.by, names, params.seed), decide, needs=tuple(dict.fromkeys((params.by, *names))))


class Balance(Params):
    """No group of `by` larger than `most` rows, or than `ratio` times the smallest group."""

    by: str
    most: int | None = Field(default=None, ge=1)
    ratio: float | None = Field(default=None, ge=1)
    seed: int = 0


def balance(params: Balance, scope: Scope) -> Barrier:
    scope.need(params.by, parameter="by")
    if (params.most is None) == (params.ratio is None):
        raise refusal("step.most_or_ratio", "most")
    names = chance_columns((), scope)

    def decide(sketches: Sketches) -> Decision:
        frame = sketches.gather()
        group = frame.get_column("group")
        groups = group.unique().sort().to_list()
        codes = group_codes(group, groups)
        counts = np.bincount(codes, minlength=len(groups)) if len(codes) else np.zeros(1, np.int64)
        limit = params.most or int(counts.min() * (params.ratio or 1))
        return keep_first(frame.get_column("at").to_numpy(), codes, [limit] * len(groups), "balanced_out")

    return Barrier(grouped_sketch(params.by, names, params.seed), decide, needs=tuple(dict.fromkeys((params.by, *names))))


def chance_columns(by: str | tuple[str, ...], scope: Scope) -> tuple[str, ...]:
    """What a row's chance hangs on: the stated columns, else the key, else the row's place in its source."""
    names = column_names(by)
    if names:
        for name in names:
            scope.need(name, parameter="by")
        return names
    key = getattr(scope.contract, "key", "")
    return (key,) if key and key in scope.schema else ("_origin", "_row", "_part")


def grouped_sketch(by: str, names: tuple[str, ...], seed: int) -> Any:
    def sketch(frame: pl.DataFrame) -> pl.DataFrame:
        return pl.DataFrame(
            [frame.get_column(by).cast(pl.String).fill_null("").alias("group"), chances(frame, names, seed).alias("at")]
        )

    return sketch


def group_codes(group: pl.Series, groups: list[str]) -> np.ndarray:
    """Each row's position in `groups`, -1 for others."""
    known = {name: at for at, name in enumerate(groups)}
    return np.array([known.get(name, -1) for name in group.to_list()], dtype=np.int64)


def keep_first(at: np.ndarray, codes: np.ndarray, most: list[int], reason: str) -> Decision:
    """Of each group the `most` rows with the smallest chance stay; rows of no group leave."""
    dropped = np.ones(len(at), np.uint8)
    for code, limit in enumerate(most):
        members = np.flatnonzero(codes == code)
        best = members[np.argsort(at[members], kind="stable")[:limit]]
        dropped[best] = 0
    return Decision(codes=dropped, reasons=(reason,))


class Chunk(Params):
    """Long texts as several rows of at most `max_chars`, cut at paragraphs, lines or sentences; the key gets the piece's number."""

    column: str
    max_chars: int = Field(ge=20)
    overlap: int = Field(default=0, ge=0)


def chunk(params: Chunk, scope: Scope) -> Mapped:
    scope.need(params.column, pl.String)
    if params.overlap >= params.max_chars:
        raise refusal("step.overlap", "overlap", overlap=params.overlap, most=params.max_chars)

    def pieces(frame: pl.DataFrame) -> pl.DataFrame:
        texts = frame.get_column(params.column).to_list()
        made = [chunks(text, params.max_chars, params.overlap) if text else [] for text in texts]
        return pl.DataFrame([pl.Series(params.column, made, dtype=pl.List(pl.String))])

    key = getattr(scope.contract, "key", "")
    after: Mapping[str, pl.Expr] = {}
    if key and scope.schema.get(key) == pl.String:
        after = {key: pl.concat_str(key, pl.lit("-"), pl.col("_part").cast(pl.String))}
    empty = Drop("empty", pl.col(params.column).list.len() == 0)
    return Mapped(kernel=pieces, needs=(params.column,), drops=(empty,), explode=params.column, after=after)


STEPS: tuple[Step[Any], ...] = (
    Step("derive", 1, Derive, derive, "map", Sentence("steps.derive")),
    Step("drop_where", 1, DropWhere, drop_where, "map", Sentence("steps.drop_where")),
    Step("lookup", 1, Lookup, lookup, "map", Sentence("steps.lookup")),
    Step("join", 1, Join, lookup, "map", Sentence("steps.join")),
    Step("sample", 1, Sample, sample, "map", Sentence("steps.sample")),
    Step("mix", 1, Mix, mix, "barrier", Sentence("steps.mix")),
    Step("balance", 1, Balance, balance, "barrier", Sentence("steps.balance")),
    Step("chunk", 1, Chunk, chunk, "map", Sentence("steps.chunk")),
)
