"""What each step does to a few rows, before and after; and what a build removed. For curators who tune a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.compute as pc
import pyarrow.dataset as ds

from corpushub.engine.mapping import carry_out
from corpushub.engine.plan import Plan, PlannedStep
from corpushub.engine.run.work import fitted
from corpushub.engine.shards import ENGINE
from corpushub.engine.step import Barrier, Mapped

SHOWN_CHARS, LED_IN = 400, 40


@dataclass(frozen=True, slots=True)
class Traced:
    """One row a step touched. `reason` is empty where the row stayed; `before` and `after` hold the columns that differ, shortened."""

    step: int
    name: str
    place: str
    reason: str
    before: dict[str, str]
    after: dict[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """All rows of a preview as one shard, for barriers."""

    sketch: pl.DataFrame
    frame: pl.DataFrame
    memory: Path | None = None

    @property
    def rows(self) -> int:
        return self.sketch.height

    def frames(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        yield self.gather(columns)

    def digests(self) -> Sequence[str]:
        return ("sample",)

    def gather(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        return self.sketch if columns is None else self.sketch.select(columns)

    def fetch(self, rows: np.ndarray, columns: Sequence[str]) -> pl.DataFrame:
        wanted: pl.DataFrame = self.frame.select(columns)[rows.tolist()]
        return wanted


def trace(plan: Plan, step: int | None, limit: int) -> list[Traced]:
    """Up to `limit` touched rows per step (only of number `step` if given), over the plan's shards taken as one. Use on a sampled plan."""
    frames = [
        fitted(shard.read(), plan, plan.sources[source], shard.origins).with_columns(_file=pl.lit(f"{plan.sources[source].name}"))
        for source, shard in plan.shards
    ]
    frame = pl.concat(frames)
    files = frame.get_column("_file")
    frame = frame.drop("_file").with_columns(_origin=pl.int_range(frame.height, dtype=pl.UInt32))  # names a row of the preview
    rows = frame.get_column("_row")
    found: list[Traced] = []
    for planned in plan.steps:
        before = frame
        frame, log = carried(frame, planned)
        if step in {None, planned.index}:
            found += touched(planned, before, frame, log, [f"{file}:{row}" for file, row in zip(files, rows, strict=True)])[
                :limit
            ]
    return found


def carried(frame: pl.DataFrame, step: PlannedStep) -> tuple[pl.DataFrame, dict[int, str]]:
    """(rows left, reason by `_origin` of those gone)."""
    if isinstance(step.answer, Mapped):
        left, _, log = carry_out(frame, step.answer, step.index)
        return left, dict(zip(log["_origin"].to_list(), log["reason"].to_list(), strict=True))
    answer: Barrier = step.answer
    seen = frame.select(answer.needs) if answer.needs else frame
    ruling = answer.decide(Sample(answer.sketch(seen), frame))
    gone = {
        origin: ruling.reasons[code - 1]
        for origin, code in zip(frame["_origin"].to_list(), ruling.codes.tolist(), strict=True)
        if code
    }
    return frame.with_columns(**dict(ruling.columns)).filter(pl.Series(ruling.codes == 0)), gone


def touched(step: PlannedStep, before: pl.DataFrame, after: pl.DataFrame, log: dict[int, str], places: list[str]) -> list[Traced]:
    """Rows that left or differ, in order."""
    new: dict[int, dict[str, Any]] = {}
    for row in after.to_dicts():
        new.setdefault(row["_origin"], row)
    found = []
    for row in before.to_dicts():
        origin = row["_origin"]
        if origin in log:
            found.append(Traced(step.index, step.step.name, places[origin], log[origin], shown(row), {}))
        elif origin in new:
            other = new[origin]
            differing = [name for name in row if name not in ENGINE and name in other and row[name] != other[name]]
            if differing:
                pairs = {name: excerpts(str(row[name]), str(other[name])) for name in differing}
                old, new_words = ({name: pair[side] for name, pair in pairs.items()} for side in (0, 1))
                found.append(Traced(step.index, step.step.name, places[origin], "", old, new_words))
    return found


def excerpts(before: str, after: str) -> tuple[str, str]:
    """Both texts, long ones from a little before the first letter that differs."""
    same = next(
        (at for at, (old, new) in enumerate(zip(before, after, strict=False)) if old != new), min(len(before), len(after))
    )
    start = max(0, same - LED_IN) if max(len(before), len(after)) > SHOWN_CHARS else 0
    lead = "…" if start else ""
    return lead + before[start : start + SHOWN_CHARS], lead + after[start : start + SHOWN_CHARS]


def shown(row: dict[str, Any]) -> dict[str, str]:
    return {name: str(value)[:SHOWN_CHARS] for name, value in row.items() if name not in ENGINE}


def removed_rows(folder: Path, step: int | None, limit: int) -> list[dict[str, Any]]:
    """At most `limit` rows of a build's drop log in row order; none where nothing was dropped."""
    path = folder / "provenance" / "drops.parquet"
    if not path.exists():
        return []
    only = None if step is None else pc.field("step") == step
    rows: list[dict[str, Any]] = ds.dataset(path, format="parquet").head(limit, filter=only).to_pylist()
    return rows
