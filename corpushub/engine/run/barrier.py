"""Barriers: all sketches seen at once, the ruling cut back into one piece per shard."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from dataclasses import dataclass
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

SURVIVORS = "survivors.npy"
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
    return digest_of(["ruling", stage.fingerprint, list(sketches)])


def rule_shards(plan: Plan, task: Ruling, cache: Cache) -> Path:
    """The ruling on every shard, in folders by their number; what it measured in `measures.json`."""
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


def read_rulings(folder: Path, shards: int) -> list[tuple[Path, str]]:
    """The ruling on each shard as (folder, content digest)."""
    names = [folder / f"{at:05d}" for at in range(shards)]
    return [(name, (name / "digest").read_text("ascii")) for name in names]


def write_ruling(decision: Decision, shards: Sequence[Shard], folder: Path) -> None:
    whole = pl.DataFrame({"_code": pl.Series(decision.codes, dtype=pl.UInt8), **dict(decision.columns)})
    # Who stays in a row's place is told by global row numbers, which move when another shard grows: so it lies beside the ruling, whose digest
    # then stays, and nothing behind it is computed again.
    stays = np.full(whole.height, -1) if decision.survivor is None else decision.survivor
    edges = np.cumsum([0, *(shard.rows for shard in shards)])
    assert whole.height == edges[-1], "a ruling must have one entry per row"
    for at in range(len(shards)):
        place = folder / f"{at:05d}"
        place.mkdir()
        piece = arrow_file(whole.slice(int(edges[at]), shards[at].rows))
        (place / "ruling.arrow").write_bytes(piece)
        gone = decision.codes[edges[at] : edges[at + 1]] > 0
        np.save(place / SURVIVORS, stays[edges[at] : edges[at + 1]][gone])
        write_json(place / "reasons.json", list(decision.reasons))
        (place / "digest").write_text(digest_of([sha256(piece), list(decision.reasons)]), "ascii")
    codes, counts = np.unique(decision.codes[decision.codes > 0], return_counts=True)
    dropped = {decision.reasons[code - 1]: int(count) for code, count in zip(codes, counts, strict=True)}
    write_json(folder / "measures.json", {"dropped": dropped, "measures": dict(decision.measures), "rows": int(edges[-1])})


def arrow_file(frame: pl.DataFrame) -> bytes:
    """The bytes of a small Arrow file: a ruling has one for each shard, and making them one by one is most of what it costs."""
    table = frame.to_arrow()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as out:
        out.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def survivors(ruling: Path) -> np.ndarray:
    """For each row that left one shard, in order, the global number of the row that stays in its place, or -1."""
    found: np.ndarray = np.load(ruling / SURVIVORS)
    return found


def read_measures(folder: Path) -> dict[str, Any]:
    """What the whole ruling dropped and measured, and of how many rows."""
    value: dict[str, Any] = read_json(folder / "measures.json")
    return value
