"""Text steps run on small frames without the engine: one batch for map steps, sketches in memory for barriers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from corpushub.engine.step import Barrier, Decision, Mapped, Scope, Step


@dataclass
class MemorySketches:
    """Sketches of shards held in memory, counting what was fetched."""

    shards: Sequence[pl.DataFrame]
    barrier: Barrier
    memory: Path | None = None
    fetched: int = 0

    def __post_init__(self) -> None:
        self.sketches = [self.barrier.sketch(shard) for shard in self.shards]

    @property
    def rows(self) -> int:
        return sum(map(len, self.shards))

    def frames(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        return (sketch.select(columns or sketch.columns) for sketch in self.sketches)

    def digests(self) -> Sequence[str]:
        return [str(place) for place in range(len(self.shards))]

    def gather(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        return pl.concat([sketch.select(columns or sketch.columns) for sketch in self.sketches])

    def fetch(self, rows: np.ndarray, columns: Sequence[str]) -> pl.DataFrame:
        self.fetched += len(rows)
        return pl.concat(list(self.shards))[rows].select(columns)


def the(steps: tuple[Step[Any], ...], name: str) -> Step[Any]:
    return next(step for step in steps if step.name == name)


def mapped(step: Step[Any], frame: pl.DataFrame, **params: Any) -> tuple[pl.DataFrame, dict[str, int]]:
    """The frame after a map step, and how many rows left under which reason."""
    answer = step.apply(step.params(**params), Scope(frame.schema))
    assert isinstance(answer, Mapped)
    if answer.kernel:
        frame = frame.with_columns(answer.kernel(frame.select(answer.needs or frame.columns)))
    frame = frame.with_columns(**answer.columns)
    dropped: dict[str, int] = {}
    for drop in answer.drops:
        gone = frame.select(drop.predicate.fill_null(value=False)).to_series()
        if gone.any():
            dropped[drop.reason] = dropped.get(drop.reason, 0) + int(gone.sum())
        frame = frame.filter(~gone)
    return frame.drop([name for name in frame.columns if name.startswith("_")]), dropped


def decided(
    step: Step[Any], shards: Sequence[pl.DataFrame], params: Mapping[str, Any], memory: Path | None = None
) -> tuple[Decision, MemorySketches]:
    """What a barrier step rules about the rows of `shards`."""
    answer = step.apply(step.params(**params), Scope(shards[0].schema))
    assert isinstance(answer, Barrier)
    sketches = MemorySketches(shards, answer, memory)
    return answer.decide(sketches), sketches
