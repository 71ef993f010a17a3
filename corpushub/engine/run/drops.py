"""What a build did not release: rows that left by step and reason, and rows no reader could read. Places and numbers, never content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

from corpushub.engine.cache import Cache, write_json
from corpushub.engine.plan import Plan
from corpushub.engine.run.barrier import Verdict
from corpushub.engine.run.release import Group, encode_group
from corpushub.engine.run.work import Pieces
from corpushub.engine.run.write import write_small
from corpushub.engine.shards import read_small

PART_SHARDS = 64
DROPS = "drops.parquet"


@dataclass(frozen=True, slots=True)
class Drops:
    """The drop log of a build. `logs`: the pieces of its map stages; `inputs`: each barrier's, by its step."""

    key: str
    logs: tuple[Pieces, ...]
    inputs: Mapping[int, Pieces]
    rows: int


def write_part(plan: Plan, task: Group | Drops, cache: Cache) -> Path:
    """A row group or the drop log: neither waits for the other, so they are one kind of task."""
    return encode_group(plan, task, cache) if isinstance(task, Group) else write_drops(plan, task, cache)


def write_drops(plan: Plan, task: Drops, cache: Cache) -> Path:
    """`drops.parquet`: every row that left, with source place, step, reason, deciding number and, for merged rows, who stayed."""
    if found := cache.get(task.key):
        return found
    names = pl.Series(["", *(step.step.name for step in plan.steps)], dtype=pl.String)
    parts = (part for pieces in task.logs for part in in_parts(pieces))
    with cache.make(task.key) as folder:
        write_small((named(plan, gathered(plan, part), names, task.inputs) for part in parts), folder / DROPS)
    return cache.place(task.key)


def in_parts(pieces: Pieces) -> Iterator[Pieces]:
    """A stage's shards some at a time: what a million rows lost is not held at once."""
    for start in range(0, len(pieces.shards), PART_SHARDS):
        part = slice(start, start + PART_SHARDS)
        yield Pieces(pieces.sources[part], pieces.shards[part], pieces.folders[part], pieces.rulings[part])


def named(plan: Plan, drops: pl.DataFrame, names: pl.Series, inputs: Mapping[int, Pieces]) -> pl.DataFrame:
    """With the names of the steps, and of the rows that stay."""
    drops = drops.insert_column(5, names.gather(drops["step"].cast(pl.UInt32)).alias("step_name"))
    return survivors_named(plan, drops, inputs)


def gathered(plan: Plan, pieces: Pieces) -> pl.DataFrame:
    """The drop logs of a stage's shards as one, with each row's place. Columns are made for all shards at once: there may be thousands."""
    logs = [read_small(folder / "drops.arrow") for folder in pieces.folders]
    stays = [survivors_in(log, pieces.rulings[at] if pieces.rulings else None) for at, log in enumerate(logs)]
    home = np.repeat(np.arange(len(logs)), [log.height for log in logs])
    files = pl.Series([name for shard in pieces.shards for name in shard.origins], dtype=pl.String)
    first = np.cumsum([0, *(len(shard.origins) for shard in pieces.shards)])[home]
    bases = np.array([shard.base for shard in pieces.shards], np.uint32)[home]
    sources = pl.Series([plan.sources[source].name for source in pieces.sources], dtype=pl.String)
    whole = pl.concat(logs)
    return pl.DataFrame(
        [
            sources.gather(home).alias("source"),
            files.gather(first + whole["_origin"].to_numpy()).alias("source_file"),
            (whole["_row"] + pl.Series(bases)).alias("source_row"),
            whole["_part"].alias("part"),
            whole["step"],
            whole["reason"],
            whole["measure"],
            pl.Series("survivor", np.concatenate(stays), dtype=pl.Int64),
        ]
    )


def survivors_in(log: pl.DataFrame, ruling: Verdict | None) -> np.ndarray:
    """Global numbers of the rows that stay in place of those of a drop log, which begins with the rows that the ruling removed."""
    stays = ruling.survivors() if ruling else np.zeros(0, np.int64)
    rest = np.full(log.height - stays.size, -1)
    return np.concatenate([stays, rest]).astype(np.int64)


def write_quarantine(plan: Plan, folder: Path) -> None:
    """`reports/quarantine.json`: rows no reader could read, by source, file, line and reason; never their content."""
    told = [{"source": source.name, **asdict(bad)} for source in plan.sources for bad in source.quarantine]
    if told:
        write_json(folder / "reports" / "quarantine.json", told)


def survivors_named(plan: Plan, drops: pl.DataFrame, barriers: Mapping[int, Pieces]) -> pl.DataFrame:
    """Replace the survivors' global row numbers by their place, `source/file:row`."""
    merged = pl.Series("merged_into", [None], dtype=pl.String).new_from_index(0, drops.height)
    steps, survivor = drops["step"].to_numpy(), drops["survivor"].to_numpy()
    for step in np.unique(steps[survivor >= 0]).tolist():
        at = np.flatnonzero((steps == step) & (survivor >= 0))
        merged = merged.scatter(at, place_words(plan, barriers[step], survivor[at]))
    return drops.drop("survivor").with_columns(merged)


def place_words(plan: Plan, pieces: Pieces, rows: np.ndarray) -> pl.Series:
    """`source/file:row` for global rows of a barrier's input."""
    edges = np.cumsum([0, *(shard.rows for shard in pieces.shards)])
    home = np.searchsorted(edges, rows, side="right") - 1
    order = np.argsort(home, kind="stable")
    parts = []
    for mine in np.split(order, np.flatnonzero(np.diff(home[order])) + 1):
        at = int(home[mine[0]])
        shard = pieces.shards[at]
        frame = shard.read([])[rows[mine] - edges[at]]
        names = pl.Series([f"{plan.sources[pieces.sources[at]].name}/{name}:" for name in shard.origins], dtype=pl.String)
        parts.append(names.gather(frame["_origin"].cast(pl.UInt32)) + frame["_row"].cast(pl.String))
    back = np.empty(len(rows), np.int64)
    back[order] = np.arange(len(rows))
    words: pl.Series = pl.concat(parts).gather(back).alias("merged_into")
    return words
