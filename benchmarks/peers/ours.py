"""Our text stages on one Parquet file, batch by batch, without the engine around them.

    python ours.py STAGE IN.parquet OUT.parquet [--numpy]

`clean` normalises, judges and writes; `exact` and `near` find which rows stay and write their ids; `end` does all three and the scrub of
personal data, writing the rows each time.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from clock import report

from corpushub.engine.dedup import duplicates, minhash
from corpushub.engine.dedup import steps as dedup_steps
from corpushub.engine.step import Scope
from corpushub.engine.text import quality, utf8
from corpushub.engine.text.normalise import normalise
from tests.kit.text import MemorySketches

FAST = "--numpy" not in sys.argv
if FAST:
    from corpushub.engine.text import compiled, compiled_stats  # noqa: F401  (loading is start-up, as the peers' imports are)

utf8.WORTH_BYTES = 0 if FAST else 1 << 60  # type: ignore[misc]


def batches(path: str, columns: list[str] | None = None):
    yield from pl.scan_parquet(path).select(columns or pl.all()).collect_batches(chunk_size=8000, maintain_order=True)


def cleaned(frame: pl.DataFrame) -> pl.DataFrame:
    text = normalise(frame["text"], fast=FAST)
    long = text.str.len_chars() >= 20
    frame, text = frame.with_columns(text.alias("text")).filter(long), text.filter(long)
    verdict, _ = quality.judge(text, ("zh-web", "en-web"), fast=FAST)
    return frame.filter(pl.Series(verdict == 0))


class Writer:
    def __init__(self, path: str) -> None:
        self.path, self.writer = path, None

    def write(self, frame: pl.DataFrame) -> None:
        table = frame.to_arrow()
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.path, table.schema, compression="zstd", compression_level=1)
        self.writer.write_table(table)

    def close(self) -> None:
        if self.writer:
            self.writer.close()


def clean(source: str, target: str) -> None:
    out = Writer(target)
    for frame in batches(source):
        out.write(cleaned(frame))
    out.close()


def rows_left(source: str, target: str, gone: np.ndarray) -> None:
    """The rows that stay, whole where a later stage needs them, else their ids: a ruling is all our engine writes for a barrier."""
    if target.endswith((".2", ".3")):
        out, start = Writer(target), 0
        for frame in batches(source):
            out.write(frame.filter(pl.Series(~gone[start : start + len(frame)])))
            start += len(frame)
        out.close()
    else:
        pl.read_parquet(source, columns=["id"]).filter(pl.Series(~gone)).write_parquet(target)


def exact(source: str, target: str) -> None:
    digest = np.concatenate([minhash.digests(utf8.utf8(frame["text"])) for frame in batches(source, ["text"])])
    leader = duplicates.leaders(digest)
    rows_left(source, target, leader != np.arange(leader.size))


def near(source: str, target: str) -> None:
    step = next(step for step in dedup_steps.STEPS if step.name == "dedup_near")
    shards = list(batches(source))
    barrier = step.apply(step.params(on="text"), Scope(shards[0].schema))
    decision = barrier.decide(MemorySketches(shards, barrier))
    rows_left(source, target, decision.codes > 0)


def scrub(source: str, target: str) -> None:
    from corpushub.engine.pii.steps import STEPS

    step = next(step for step in STEPS if step.name == "scrub")
    out, mapped = Writer(target), None
    for frame in batches(source):
        mapped = mapped or step.apply(step.params(columns=["text"], policy="training"), Scope(frame.schema))
        out.write(frame.with_columns(mapped.kernel(frame.select("text"))["text"]))
    out.close()


def end(source: str, target: str) -> None:
    one, two, three = (f"{target}.{number}" for number in (1, 2, 3))
    clean(source, one)
    exact(one, two)
    near(two, three)
    scrub(three, target)
    for path in (one, two, three):
        Path(path).unlink()


if __name__ == "__main__":
    report(lambda: {"clean": clean, "exact": exact, "near": near, "end": end}[sys.argv[1]](sys.argv[2], sys.argv[3]))
