"""The work on one shard, as pure functions of files: what executors call, on this machine or another.

`map_shard` reads a shard, applies the ruling of the barrier before it, carries out a stage's steps in one pass and leaves a folder:
`rows.arrow`, `drops.arrow`, `tally.json`. Between two barriers, where there is only a ruling to apply, the rows stay where they are and the folder
has `kept.npy` instead. `sketch_shard` leaves `sketch.arrow`. Both write into the cache under their key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from corpushub.base.identity import sha256
from corpushub.engine.cache import Cache, write_json
from corpushub.engine.mapping import DROPS, Tally, carry_out
from corpushub.engine.memo import Memo, memo_of
from corpushub.engine.plan import Plan, Stage, input_schema
from corpushub.engine.run.barrier import Verdict
from corpushub.engine.shards import ENGINE, Shard, as_typed
from corpushub.engine.sketches import SKETCH
from corpushub.engine.sources.opening import Source
from corpushub.engine.step import Barrier, Mapped

BATCH_ROWS = 20_000
ROWS, KEPT = "rows.arrow", "kept.npy"


@dataclass(frozen=True, slots=True)
class Task:
    """One shard of one stage. `ruling`: the ruling on this shard of the barrier before the stage, where there was one."""

    stage: int
    key: str
    shard: Shard
    first: bool = False  # the shard is an input: fit it to the plan's schema
    ruling: Verdict | None = None
    source: int = 0
    slot: str = ""  # the shard's place in its source, under which slow kernels remember rows

    @property
    def rows(self) -> int:
        return self.shard.rows


@dataclass(frozen=True, slots=True)
class Pieces:
    """The shards a stage left, each with the source it belongs to and the folder with its drop log."""

    sources: tuple[int, ...]
    shards: tuple[Shard, ...]
    folders: tuple[Path, ...] = ()
    rulings: tuple[Verdict, ...] = ()  # of the barrier before the stage, one a shard


def fitted(frame: pl.DataFrame, plan: Plan, source: Source, origins: Sequence[str]) -> pl.DataFrame:
    """An input frame with the union's columns and types, and the engine's key where the contract wants one no source has."""
    made = [row_names(source, origins).alias(plan.made_key)] if plan.made_key else []
    schema = {name: dtype for name, dtype in input_schema(plan).items() if name != plan.made_key}
    return frame.select(*ENGINE, *made, *as_typed(frame.schema, schema))


def row_names(source: Source, origins: Sequence[str]) -> pl.Expr:
    """`source-row`, or `source-file-row` with 12 digits of the file name's SHA-256: stable while the row keeps its place."""
    row = pl.col("_row").cast(pl.String)
    if source.files == 1:
        return pl.concat_str(pl.lit(f"{source.name}-"), row)
    names = pl.Series([sha256(name.encode())[:12] for name in origins], dtype=pl.String)
    file = pl.lit(names).gather(pl.col("_origin"))
    return pl.concat_str(pl.lit(f"{source.name}-"), file, pl.lit("-"), row)


def map_shard(plan: Plan, task: Task, cache: Cache) -> Path:
    """The finished folder of this task."""
    if found := cache.get(task.key):
        return found
    stage = plan.stages[task.stage]
    if stays_in_place(plan, task.stage):
        return left_in_place(plan, task, cache)
    with cache.make(task.key) as folder:
        frame = task.shard.read()
        if task.first:
            frame = fitted(frame, plan, plan.sources[task.source], task.shard.origins)
        logs: list[pl.DataFrame] = []
        if task.ruling:
            frame, log = ruled(frame, task.ruling, plan.stages[task.stage - 1])
            logs.append(log)
        memos = [memo_of(cache, step.mark, task.slot) for step in stage.steps] if task.slot else []
        pieces, tallies = in_batches(frame, stage, logs, memos)
        drops = pl.concat(logs) if logs else pl.DataFrame(schema=DROPS)
        for name, rows in ((ROWS, pieces), ("drops.arrow", drops)):
            within(rows, task.shard).write_ipc(folder / name)
        write_json(folder / "tally.json", {"rows": pieces.height, "steps": [asdict(tally) for tally in tallies]})
    for memo in memos:
        memo.keep()
    return cache.place(task.key)


def stays_in_place(plan: Plan, stage: int) -> bool:
    """Does this stage do no more than apply a ruling for the next barrier?"""
    before = plan.stages[stage - 1].steps[0].answer if stage else None
    return isinstance(before, Barrier) and not before.adds and not plan.stages[stage].steps and stage < len(plan.stages) - 1


def left_in_place(plan: Plan, task: Task, cache: Cache) -> Path:
    """The folder of a stage that `stays_in_place`: which rows of the file are left, and the drop log."""
    assert task.ruling
    with cache.make(task.key) as folder:
        left, log = ruled(task.shard.read([]), task.ruling, plan.stages[task.stage - 1])
        gone = task.ruling.decision().get_column("_code").to_numpy() > 0
        kept = task.shard.mask().to_numpy().copy()
        kept[np.flatnonzero(kept)[gone]] = False
        np.save(folder / KEPT, kept)
        within(log, task.shard).write_ipc(folder / "drops.arrow")
        write_json(folder / "tally.json", {"rows": left.height, "steps": []})
    return cache.place(task.key)


def left_by(task: Task, folder: Path, rows: int) -> Shard:
    """The shard of so many rows that `map_shard` left in `folder`."""
    mine, in_place = task.shard, folder / KEPT
    if in_place.exists():
        return replace(mine, rows=rows, digest=task.key, kept=str(in_place))
    return Shard(str(folder / ROWS), rows, task.key, origins=mine.origins, base=mine.base, place=mine.place)


def within(frame: pl.DataFrame, shard: Shard) -> pl.DataFrame:
    """Rows by their number in the shard, as they are kept: rows that come before it must not change what was made of it."""
    return frame.with_columns(pl.col("_row") - pl.lit(shard.base, pl.UInt32)) if shard.base else frame


def in_batches(
    frame: pl.DataFrame, stage: Stage, logs: list[pl.DataFrame], memos: Sequence[Memo]
) -> tuple[pl.DataFrame, list[Tally]]:
    """Carry out the stage's steps batch by batch, so that what a step holds in memory is bounded."""
    tallies = [Tally() for _ in stage.steps]
    pieces = []
    for start in range(0, max(1, frame.height), BATCH_ROWS):
        piece = frame.slice(start, BATCH_ROWS)
        for at, (step, tally) in enumerate(zip(stage.steps, tallies, strict=True)):
            assert isinstance(step.answer, Mapped)
            piece, done, log = carry_out(piece, step.answer, step.index, memos[at] if memos else None)
            tally.add(done)
            if log.height:
                logs.append(log)
        pieces.append(piece)
    return (pieces[0] if len(pieces) == 1 else pl.concat(pieces)).rechunk(), tallies


def ruled(frame: pl.DataFrame, ruling: Verdict, stage: Stage) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows a barrier kept, with the columns it set, and its drop log."""
    decision = ruling.decision()
    reasons = pl.Series(["", *ruling.reasons], dtype=pl.String)
    columns = [name for name in decision.columns if name != "_code"]
    codes = decision.get_column("_code")
    frame = frame.with_columns(decision.select(columns).get_columns())
    gone = frame.select(*ENGINE).with_columns(codes.alias("code")).filter(codes > 0)
    log = gone.select(
        *ENGINE,
        pl.lit(stage.steps[0].index, pl.UInt16).alias("step"),
        reasons.gather(gone.get_column("code").cast(pl.UInt32)).alias("reason"),
        pl.lit(None, pl.Float64).alias("measure"),
    )
    return frame.filter(codes == 0), log


def sketch_shard(plan: Plan, task: Task, cache: Cache) -> Path:
    """The sketch of a shard for the barrier `plan.stages[task.stage]`."""
    if found := cache.get(task.key):
        return found
    barrier = plan.stages[task.stage].steps[0].answer
    assert isinstance(barrier, Barrier)
    with cache.make(task.key) as folder:
        needs = barrier.needs or None
        frame = task.shard.read(needs)
        frame = frame.select(needs) if needs else frame
        pieces = [barrier.sketch(frame.slice(start, BATCH_ROWS)) for start in range(0, max(1, frame.height), BATCH_ROWS)]
        pl.concat(pieces).rechunk().write_ipc(folder / SKETCH, compression="uncompressed")  # hashes do not shrink
    return cache.place(task.key)


def tally_from(value: Mapping[str, Any]) -> Tally:
    return Tally(**value)
