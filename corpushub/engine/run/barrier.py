"""Barriers: all sketches seen at once, the ruling cut back into one piece per shard."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.ipc

from corpushub.base.identity import digest_of, sha256
from corpushub.engine.cache import Cache, read_json, write_json
from corpushub.engine.plan import Plan, Stage
from corpushub.engine.shards import Shard
from corpushub.engine.sketches import StoredSketches
from corpushub.engine.step import Barrier, Decision

DECISIONS, SURVIVORS, MEASURES = "decisions.arrow", "survivors.npy", "ruling.json"
MANY_ROWS = 1_000_000  # of so many a ruling fills the memory: room is worth the twentieth of a second that making it takes


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a barrier decides by: all shards, with their sketches. `memory` is the folder the step may keep an index in."""

    stage: int
    key: str
    shards: tuple[Shard, ...]
    sketches: tuple[str, ...]
    memory: Path

    @property
    def rows(self) -> int:
        return sum(shard.rows for shard in self.shards)


def ruling_key(stage: Stage, sketches: Sequence[str]) -> str:
    """A ruling is made anew only when a sketch changed."""
    return digest_of(["verdicts", stage.fingerprint, list(sketches)])


def rule_shards(plan: Plan, task: Ruling, cache: Cache) -> Path:
    """The ruling on every shard, and what it measured, in one folder."""
    if found := cache.get(task.key):
        return found
    barrier = plan.stages[task.stage].steps[0].answer
    assert isinstance(barrier, Barrier)
    folders = [cache.place(key) for key in task.sketches]
    if task.rows >= MANY_ROWS:
        give_back()
    decision = barrier.decide(StoredSketches(task.shards, folders, task.sketches, task.memory))
    with cache.make(task.key) as folder:
        write_ruling(decision, task.shards, folder)
    del decision
    give_back()
    return cache.place(task.key)


def give_back() -> None:
    """Return to the system what the allocators keep of freed memory: where one process does everything, later stages would stand on it."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The ruling on one shard. `folder`: of the whole ruling; `at`: the shard's number in it; `reasons`: of its codes, from 1; `first` and
    `gone`: where its rows stand among all that left, and how many they are.
    """

    folder: str
    at: int
    digest: str
    reasons: tuple[str, ...]
    first: int
    gone: int

    def decision(self) -> pl.DataFrame:
        """For each row of the shard its `_code`, 0 where it stays, and the columns the barrier sets."""
        with pa.memory_map(str(Path(self.folder) / DECISIONS)) as file:
            batch = pa.ipc.open_file(file, options=pa.ipc.IpcReadOptions(use_threads=False)).get_batch(self.at)
            return pl.DataFrame(pl.from_arrow(batch))

    def survivors(self) -> np.ndarray:
        """For each row that left the shard, in order, the global number of the row that stays in its place, or -1."""
        found: np.ndarray = np.load(Path(self.folder) / SURVIVORS, mmap_mode="r")
        return np.array(found[self.first : self.first + self.gone])


def read_verdicts(folder: Path) -> list[Verdict]:
    """The ruling on each shard."""
    told = read_measures(folder)
    reasons = tuple(told["reasons"])
    return [Verdict(str(folder), at, digest, reasons, first, gone) for at, (digest, first, gone) in enumerate(told["shards"])]


def write_ruling(decision: Decision, shards: Sequence[Shard], folder: Path) -> None:
    """Three files, however many shards there are: where there are thousands, making files of their own takes longer than the ruling."""
    whole = pl.DataFrame({"_code": pl.Series(decision.codes, dtype=pl.UInt8), **dict(decision.columns)})
    edges = np.cumsum([0, *(shard.rows for shard in shards)])
    assert whole.height == edges[-1], "a ruling must have one entry per row"
    left = decision.codes > 0
    # Who stays in a row's place is told by global row numbers, which move when another shard grows: so it lies beside the decisions, whose
    # digest then stays, and nothing behind it is computed again.
    stays = np.full(whole.height, -1) if decision.survivor is None else decision.survivor
    np.save(folder / SURVIVORS, stays[left])
    rows = pa.RecordBatch.from_struct_array(whole.rechunk().to_struct().to_arrow())
    told: list[tuple[str, int, int]] = []
    first = 0
    with pa.ipc.new_file(str(folder / DECISIONS), rows.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as out:
        for start, stop in pairwise(edges.tolist()):
            batch = rows.slice(start, stop - start)
            out.write_batch(batch)
            gone = int(np.count_nonzero(left[start:stop]))
            told.append((digest_of([sha256(batch.serialize()), list(decision.reasons)]), first, gone))
            first += gone
    codes, counts = np.unique(decision.codes[left], return_counts=True)
    dropped = {decision.reasons[code - 1]: int(count) for code, count in zip(codes, counts, strict=True)}
    measures = {"dropped": dropped, "measures": dict(decision.measures), "rows": int(edges[-1])}
    write_json(folder / MEASURES, {**measures, "reasons": list(decision.reasons), "shards": told})


def read_measures(folder: Path) -> dict[str, Any]:
    """What the whole ruling dropped and measured, and of how many rows."""
    value: dict[str, Any] = read_json(folder / MEASURES)
    return value
