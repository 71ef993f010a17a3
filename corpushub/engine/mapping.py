"""Carry a `Mapped` out on one batch of rows: columns, drops with reasons, measures. Used on data and, with no rows, to learn a schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from corpushub.engine.memo import Memo
from corpushub.engine.shards import ENGINE
from corpushub.engine.step import Mapped

DROPS = {
    **ENGINE, "step": pl.UInt16(), "reason": pl.String(), "measure": pl.Float64(),
}  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What one step did to the rows it saw."""

    rows_in: int = 0
    rows_out: int = 0
    changed: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    measures: dict[str, float] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        self.rows_in += other.rows_in
        self.rows_out += other.rows_out
        self.changed += other.changed
        for name, count in other.dropped.items():
            self.dropped[name] = self.dropped.get(name, 0) + count
        for name, value in other.measures.items():
            self.measures[name] = self.measures.get(name, 0) + value


def carry_out(
    frame: pl.DataFrame, mapped: Mapped, step: int, memo: Memo | None = None
) -> tuple[pl.DataFrame, Tally, pl.DataFrame]:
    """(rows left, what happened, drop log). The frame has the engine's columns; `step` is the step's number for the log."""
    tally = Tally(rows_in=frame.height)
    before = frame
    touched = list(mapped.columns)
    if mapped.kernel is not None:
        seen = frame.select(mapped.needs) if mapped.needs else frame
        made = memo.run(mapped.kernel, seen) if memo and mapped.needs else mapped.kernel(seen)
        frame = frame.with_columns(made.get_columns()) if made.width else frame
        touched += made.columns
    if mapped.columns:
        frame = frame.with_columns(**mapped.columns)
    if mapped.measures:
        sums = frame.select(**{name: expression.sum() for name, expression in mapped.measures.items()})
        tally.measures = {name: value or 0 for name, value in sums.row(0, named=True).items()}
    if mapped.probe is not None and frame.height:
        tally.measures |= mapped.probe()
    tally.changed = changed_rows(before, frame, touched)
    frame, log = drop_rows(frame, mapped, step, tally.dropped)
    frame = reshaped(frame, mapped)
    tally.rows_out = frame.height
    return frame, tally, log


def changed_rows(before: pl.DataFrame, after: pl.DataFrame, touched: Iterable[str]) -> int:
    """Rows in which a column that was there before has another value now (another type alone is no change)."""
    changed: pl.Series | None = None
    for name in touched:
        if name not in before.columns:
            continue
        one, two = before.get_column(name), after.get_column(name)
        if one.dtype != two.dtype:
            if one.dtype.is_nested() or two.dtype.is_nested():
                continue
            one, two = one.cast(pl.String), two.cast(pl.String)
        mark = one.ne_missing(two)
        changed = mark if changed is None else changed | mark
    return 0 if changed is None else int(changed.sum() or 0)


def drop_rows(frame: pl.DataFrame, mapped: Mapped, step: int, dropped: dict[str, int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    if not mapped.drops:
        return frame, pl.DataFrame(schema=DROPS)
    code = pl.lit(0, pl.UInt8)
    measure = pl.lit(None, pl.Float64)
    for number, drop in reversed(list(enumerate(mapped.drops, 1))):
        holds = drop.predicate.fill_null(value=False)
        code = pl.when(holds).then(pl.lit(number, pl.UInt8)).otherwise(code)
        value = drop.measure.cast(pl.Float64) if drop.measure is not None else pl.lit(None, pl.Float64)
        measure = pl.when(holds).then(value).otherwise(measure)
    marked = frame.select(*ENGINE, code=code, measure=measure)
    gone = marked.filter(pl.col("code") > 0)
    if not gone.height:
        return frame, pl.DataFrame(schema=DROPS)
    reasons = [drop.reason for drop in mapped.drops]
    names = pl.Series(["", *reasons])
    log = gone.select(
        *ENGINE,
        pl.lit(step, pl.UInt16).alias("step"),
        names.gather(gone["code"].cast(pl.UInt32)).alias("reason"),
        "measure",
    )
    counts = gone["code"].to_list()
    for number, reason in enumerate(reasons, 1):
        if count := counts.count(number):
            dropped[reason] = dropped.get(reason, 0) + count
    return frame.filter(marked["code"] == 0), log


def reshaped(frame: pl.DataFrame, mapped: Mapped) -> pl.DataFrame:
    """Explode, rename, keep; temporary columns go."""
    if mapped.explode:
        column = mapped.explode
        lengths = frame.get_column(column).list.len()
        frame = frame.filter(lengths > 0)
        within = pl.int_range(pl.len(), dtype=pl.UInt32).over("_origin", "_row", "_part_before")
        frame = frame.rename({"_part": "_part_before"}).explode(column).with_columns(_part=within)
        # parts of parts stay distinct and in order as long as a row has fewer than 2**16 of each
        frame = frame.with_columns(
            _part=pl.col("_part_before") * 65536 + pl.col("_part") if has_parts(frame) else pl.col("_part")
        )
    if mapped.after:
        frame = frame.with_columns(**mapped.after)
    temporary = [name for name in frame.columns if name.startswith("_") and name not in ENGINE]
    if temporary:
        frame = frame.drop(temporary)
    if mapped.rename:
        frame = frame.rename(dict(mapped.rename))
    if mapped.keep:
        frame = frame.select(*ENGINE, *mapped.keep)
    return frame


def has_parts(frame: pl.DataFrame) -> bool:
    return bool((frame.get_column("_part_before") > 0).any())


def schema_after(schema: Mapping[str, pl.DataType], mapped: Mapped) -> dict[str, pl.DataType]:
    """The schema a step leaves, found by running it on no rows."""
    empty = pl.DataFrame(schema={**ENGINE, **schema})
    frame, _, _ = carry_out(empty, mapped, 0)
    return {name: dtype for name, dtype in frame.schema.items() if name not in ENGINE}
