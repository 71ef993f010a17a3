"""After a small change only the change is computed, and the outcome is that of a build from nothing."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.engine import memo, shards
from corpushub.engine.run.runner import run
from corpushub.engine.step import Barrier, Decision, Drop, Mapped, Params, Scope, Sketches, Step
from tests.kit.engine import bytes_of, planned

BODY = """\
sources:
  notices: {resource: r/1, from: files}
contract: {key: id, columns: {id: {required: true}, text: {required: true}}}
steps:
  - shout: {}
  - first: {}
  - split: {by: id}
"""


class Nothing(Params):
    pass


SEEN: list[int] = []


def shout(_: Nothing, scope: Scope) -> Mapped:
    scope.need("text")

    def kernel(frame: pl.DataFrame) -> pl.DataFrame:
        SEEN.append(frame.height)
        made = [text.upper() for text in frame["text"].to_list()]
        return pl.DataFrame(
            {"text": pl.Series(made, dtype=pl.String), "_length": pl.Series([len(text) for text in made], dtype=pl.Int64)}
        )

    return Mapped(
        kernel=kernel, needs=("text",), drops=(Drop("short", pl.col("_length") < 3),), measures={"chars": pl.col("_length")}
    )


def first(_: Nothing, scope: Scope) -> Barrier:
    """The first row of each text stays."""
    scope.need("text")

    def decide(sketches: Sketches) -> Decision:
        frame = sketches.gather().with_row_index("at")
        keeper = frame.select(pl.col("at").min().over("text"))["at"].to_numpy().astype(np.int64)
        codes = (keeper != np.arange(frame.height)).astype(np.uint8)
        return Decision(codes=codes, reasons=("again",), survivor=np.where(codes > 0, keeper, -1))

    return Barrier(lambda frame: frame.select("text"), decide, needs=("text",))


STEPS: Mapping[str, Step[Any]] = {
    "shout": Step("shout", 1, Nothing, shout, "map", {}),
    "first": Step("first", 1, Nothing, first, "barrier", {}),
}


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD_ROWS", 40)
    monkeypatch.setattr(memo, "SLOW_SECONDS_A_BYTE", 0.0)


def lay(folder: Path, texts: Mapping[str, list[str]]) -> None:
    shutil.rmtree(folder / "files", ignore_errors=True)
    (folder / "files").mkdir(parents=True)
    for name, lines in texts.items():
        (folder / "files" / name).write_text("".join(f'{{"text": "{line}"}}\n' for line in lines), "utf-8")


def build(folder: Path, out: str, cache: str = "cache", body: str = BODY) -> tuple[dict[str, bytes], int]:
    """(files of the build, rows the slow kernel saw)."""
    SEEN.clear()
    plan, kept = planned(folder, body, folder / cache, STEPS)
    run(plan, folder / out, cache=kept)
    return bytes_of(folder / out), sum(SEEN)


def corpus(seed: int = 0) -> dict[str, list[str]]:
    chance = random.Random(seed)
    return {f"{at:02}.jsonl": [f"text {chance.randrange(400)}" for _ in range(50)] for at in range(10)}


def test_nothing_changed_nothing_computed(tmp_path: Path) -> None:
    lay(tmp_path, corpus())
    one, rows = build(tmp_path, "one")
    assert rows == 500
    assert build(tmp_path, "two") == (one, 0)


def test_scattered_edits_compute_only_the_edited_rows(tmp_path: Path) -> None:
    texts = corpus()
    lay(tmp_path, texts)
    build(tmp_path, "one")
    for name in texts:
        texts[name][7] = f"edited {name}"
    lay(tmp_path, texts)
    changed, rows = build(tmp_path, "two")
    assert rows == 10
    assert changed == build(tmp_path, "scratch", "other")[0]


def test_an_added_and_a_removed_file_touch_no_other_shard(tmp_path: Path) -> None:
    texts = corpus()
    lay(tmp_path, texts)
    build(tmp_path, "one")
    del texts["03.jsonl"]
    texts["045.jsonl"] = [f"new {n}" for n in range(50)]
    lay(tmp_path, texts)
    changed, rows = build(tmp_path, "two")
    assert rows <= 150
    assert changed == build(tmp_path, "scratch", "other")[0]


def test_rows_added_in_front_leave_what_a_barrier_ruled_about_later_shards(tmp_path: Path) -> None:
    body = BODY.replace("  - shout: {}\n  - first: {}\n", "  - first: {}\n  - shout: {}\n")
    texts = corpus()
    lay(tmp_path, texts)
    build(tmp_path, "one", body=body)
    texts["00.jsonl"] += [f"one more {n}" for n in range(10)]
    lay(tmp_path, texts)
    changed, rows = build(tmp_path, "two", body=body)
    assert rows <= 10
    assert changed == build(tmp_path, "scratch", "other", body)[0]


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 1000),
    edits=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 49), st.text("abc", max_size=4)), max_size=12),
)
def test_an_incremental_build_equals_one_from_nothing(
    tmp_path_factory: pytest.TempPathFactory, seed: int, edits: list[tuple[int, int, str]]
) -> None:
    folder = tmp_path_factory.mktemp("law")
    texts = corpus(seed)
    lay(folder, texts)
    build(folder, "one")
    for file, row, text in edits:
        texts[f"{file:02}.jsonl"][row] = text
    lay(folder, texts)
    assert build(folder, "two")[0] == build(folder, "scratch", "other")[0]


def test_a_scrub_that_remembers_rows_tells_the_measures_of_one_from_nothing(tmp_path: Path) -> None:
    """What a step sums up may not hang on which rows it met again, nor on how many at once."""
    body = BODY.replace("  - shout: {}\n", "  - scrub: {columns: [text]}\n")
    texts = {f"{at:02}.jsonl": [f"call 1391234{at:02}{n:02} now" for n in range(30)] for at in range(3)}
    lay(tmp_path, texts)
    build(tmp_path, "one", body=body)
    for name, lines in texts.items():
        lines[7] = f"edited {name}"
    lay(tmp_path, texts)
    changed, _ = build(tmp_path, "two", body=body)
    scratch, _ = build(tmp_path, "scratch", "other", body)
    assert changed["built.json"] == scratch["built.json"]
    assert changed == scratch
