"""What a build did not release: rows that left by step and reason, and rows no reader could read. Places and numbers, never content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl

from corpushub.engine.cache import write_json
from corpushub.engine.plan import Plan
from corpushub.engine.run.barrier import survivors
from corpushub.engine.run.work import Pieces
from corpushub.engine.run.write import place_of, write_small


def write_drops(plan: Plan, logs: Sequence[Pieces], inputs: Mapping[int, Pieces], folder: Path) -> None:
    """`provenance/drops.parquet`: every row that left, with source place, step, reason, deciding number and, for merged rows, who stayed."""
    names = pl.Series(["", *(step.step.name for step in plan.steps)], dtype=pl.String)
    frames = []
    for pieces in logs:
        for at, (source, shard, log_folder) in enumerate(zip(pieces.sources, pieces.shards, pieces.folders, strict=True)):
            log = pl.read_ipc(log_folder / "drops.arrow")
            if not log.height:
                continue
            place = place_of(log, plan.sources[source].name, shard.origins)
            place = place.with_columns(pl.col("source_row") + pl.lit(shard.base, pl.UInt32))
            frames.append(
                place.with_columns(
                    log["step"],
                    names.gather(log["step"].cast(pl.UInt32)).alias("step_name"),
                    log["reason"],
                    log["measure"],
                    survivors_in(log, pieces.rulings[at] if pieces.rulings else None),
                )
            )
    if not frames:
        return
    drops = pl.concat(frames)
    write_small(survivors_named(plan, drops, inputs), folder / "provenance" / "drops.parquet")


def survivors_in(log: pl.DataFrame, ruling: Path | None) -> pl.Series:
    """Global numbers of the rows that stay in place of those of a drop log, which begins with the rows that the ruling removed."""
    stays = survivors(ruling) if ruling else np.zeros(0, np.int64)
    rest = np.full(log.height - stays.size, -1)
    return pl.Series("survivor", np.concatenate([stays, rest]).astype(np.int64))


def write_quarantine(plan: Plan, folder: Path) -> None:
    """`reports/quarantine.json`: rows no reader could read, by source, file, line and reason; never their content."""
    told = [{"source": source.name, **asdict(bad)} for source in plan.sources for bad in source.quarantine]
    if told:
        write_json(folder / "reports" / "quarantine.json", told)


def survivors_named(plan: Plan, drops: pl.DataFrame, barriers: Mapping[int, Pieces]) -> pl.DataFrame:
    """Replace the survivors' global row numbers by their place, `source/file:row`."""
    merged = pl.Series("merged_into", [None], dtype=pl.String).new_from_index(0, drops.height)
    wanted = drops.with_row_index("_at").filter(pl.col("survivor") >= 0)
    for step in wanted.get_column("step").unique().sort().to_list():
        rows = wanted.filter(pl.col("step") == step)
        words = place_words(plan, barriers[step], rows.get_column("survivor").to_numpy())
        merged = merged.scatter(rows.get_column("_at"), words)
    return drops.drop("survivor").with_columns(merged)


def place_words(plan: Plan, pieces: Pieces, rows: np.ndarray) -> pl.Series:
    """`source/file:row` for global rows of a barrier's input."""
    edges = np.cumsum([0, *(shard.rows for shard in pieces.shards)])
    home = np.searchsorted(edges, rows, side="right") - 1
    words = np.empty(len(rows), dtype=object)
    for at in np.unique(home):
        source = plan.sources[pieces.sources[at]]
        frame = pieces.shards[at].read([])
        mine = np.flatnonzero(home == at)
        for where, origin, row in zip(
            mine, *frame[(rows[mine] - edges[at]).tolist()].select("_origin", "_row").get_columns(), strict=True
        ):
            words[where] = f"{source.name}/{pieces.shards[at].origins[origin]}:{row}"
    return pl.Series("merged_into", words.tolist(), dtype=pl.String)
