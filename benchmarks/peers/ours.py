"""Our text stages on one Parquet file, batch by batch, without the engine around them.

    python ours.py STAGE IN.parquet OUT.parquet [--numpy | --names | --release]

`clean` normalises, judges and writes; `exact` and `near` find which rows stay and write their ids. `end` is the engine itself carrying out a
recipe of all three and the scrub of personal information, with drop log, card and charts; with `--names` the scrub looks for names of persons
and places too, which takes a tagger; with `--release` the last look before a release reads every row again besides.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import date
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
    utf8.compiled(0, fast=True)  # loading is start-up, as the peers' imports are
    from corpushub.engine.text import compiled_stats  # noqa: F401  (as above)

utf8.WORTH_BYTES = 0 if FAST else 1 << 60  # type: ignore[misc]  # final for the product, chosen for this process


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
    """The ids of the rows that stay: a ruling is all our engine writes for a barrier."""
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


RECIPE = """\
dataset: bench/end
title: {{zh: 端到端, en: End to end}}
purpose: model-training
licence: {{id: cc-by-4.0}}
sources:
  docs: {{resource: bench/docs, from: docs.parquet}}
contract: {{key: id, columns: {{id: {{dtype: int, required: true}}, text: {{required: true, pii: scrub}}}}}}
steps:
  - normalize: {{columns: [text]}}
  - drop_short: {{column: text, min_chars: 20}}
  - drop_low_quality: {{column: text, profile: [zh-web, en-web]}}
  - dedup_exact: {{on: text}}
  - dedup_near: {{on: text, jaccard: 0.8}}
  - scrub: {{columns: [text], names: {names}}}
card:
  zh: {{summary: 测速用语料, uses: 测速}}
  en: {{summary: A corpus to measure speed with, uses: measuring speed}}
"""


def end(source: str, target: str) -> None:
    from corpushub.base.settings import Settings
    from corpushub.domain.recipe import Recipe
    from corpushub.engine.cache import Cache
    from corpushub.engine.plan import Setting, make_plan
    from corpushub.engine.registry import registry
    from corpushub.engine.run.runner import run
    from corpushub.engine.sources.opening import open_source
    from corpushub.engine.sources.place import Place
    from corpushub.services.card_facts import Inputs
    from corpushub.services.release_folder import assemble

    home = Path(
        tempfile.mkdtemp(dir=Path(target).parent)
    )  # goes with the folder of the target: clearing up is no part of a build
    folder = home / "release"
    (home / "docs.parquet").hardlink_to(source)
    recipe = Recipe.parse(
        RECIPE.format(names=str(bool({"--names", "--release"} & {*sys.argv})).lower()), name="end.yaml", steps=registry()
    )
    place = Place(home, Settings(home=home), Cache(home / "cache"))
    sources = [open_source(ref, place) for ref in recipe.sources]
    built = run(make_plan(recipe, sources, registry(), Setting(home)), folder, cache=place.cache)
    screened = None if "--release" in sys.argv else {"measures": {}, "classes": {}}
    made = assemble(Inputs(recipe, built, folder, "1.0.0", date(2026, 1, 1), screened=screened))
    for path, content in made.documents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    Path(target).mkdir()
    for path in (folder / "data").glob("*.parquet"):
        path.rename(Path(target) / path.name)


if __name__ == "__main__":
    report(lambda: {"clean": clean, "exact": exact, "near": near, "end": end}[sys.argv[1]](sys.argv[2], sys.argv[3]))
