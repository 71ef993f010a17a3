"""What duplicate search costs: from scratch, after a change in one shard of a hundred, after a change in one row of a hundred everywhere; and how
much memory it holds with millions of rows.

    python benchmarks/dedup.py                              # 60,000 rows of the seeded corpus
    python benchmarks/dedup.py --rows 60000 300000
    python benchmarks/dedup.py --only-memory --many 1000000 5000000

From scratch counts sketching every row from its text, writing the sketches, and the ruling about all rows. After a change it counts the same for what
the change leaves: sketching every shard whose bytes changed (so all of them when single rows changed everywhere) and the ruling. `ruling` is the
ruling alone. Texts and sketches are files, as in a build; CPU seconds of one process, the median of three runs from scratch and of five changed shards
one after the other; every ruling must be equal to that of the same rows from scratch.
`--many` makes sketches at random without texts to sketch (one row in eight a near copy, ten unlikely pairs a row, crowds), and rules about them
in a process of its own, whose peak resident memory is the figure. The result is a JSON object on standard output.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import corpus
import numpy as np
import polars as pl

from corpushub.engine.dedup import minhash
from corpushub.engine.dedup.near_groups import STEPS as GROUP_STEPS
from corpushub.engine.dedup.steps import STEPS
from corpushub.engine.shards import Shard
from corpushub.engine.sketches import StoredSketches
from corpushub.engine.step import Barrier, Decision, Scope
from corpushub.engine.text import utf8

ROOT = Path(__file__).resolve().parent.parent
SHARD_ROWS = 1000
MANY_SHARD = 4000
SCRATCHES = 3
CHANGES = 5
NAMES = ("dedup_exact", "dedup_near", "group_near", "dedup_paragraphs")


def barrier_of(name: str) -> Barrier:
    step = next(step for step in (*STEPS, *GROUP_STEPS) if step.name == name)
    answer = step.apply(step.params(on="text"), Scope({"text": pl.String()}))
    assert isinstance(answer, Barrier)
    return answer


@dataclass
class Work:
    """Shards on disk and the sketches made of them."""

    folder: Path
    barrier: Barrier
    shards: list[Shard] = field(default_factory=list)
    made: dict[str, Path] = field(default_factory=dict)

    def lay(self, frames: list[pl.DataFrame], version: int) -> None:
        """Write the shards that are new, as a stage leaves them."""
        for at, frame in enumerate(frames):
            if at < len(self.shards) and frame.equals(pl.read_ipc(self.shards[at].path)):
                continue
            path = self.folder / f"rows-{version}-{at}.arrow"
            frame.write_ipc(path, compression="lz4")
            self.shards[at : at + 1] = [Shard(str(path), frame.height, path.name)]

    def sketched(self) -> None:
        for shard in self.shards:
            if shard.digest not in self.made:
                place = self.folder / f"sketch-{shard.digest}"
                place.mkdir()
                self.barrier.sketch(pl.read_ipc(shard.path, columns=["text"])).write_ipc(
                    place / "sketch.arrow", compression="uncompressed"
                )
                self.made[shard.digest] = place

    def ruled(self, memory: Path | None) -> Decision:
        keys = [shard.digest for shard in self.shards]
        return self.barrier.decide(StoredSketches(self.shards, [self.made[key] for key in keys], keys, memory))


def texts(rows: int) -> list[pl.DataFrame]:
    frames = [corpus.generate(SHARD_ROWS, seed).select("text") for seed in range(rows // SHARD_ROWS)]
    # Copies stand in their own shard: exchange rows, so that they lie far apart.
    whole = pl.concat(frames).sample(fraction=1.0, shuffle=True, seed=1)
    empty = pl.repeat(0, SHARD_ROWS, dtype=pl.UInt32, eager=True)
    return [
        part.select(empty.alias("_origin"), empty.alias("_row"), empty.alias("_part"), "text")
        for part in whole.iter_slices(SHARD_ROWS)
    ]


def edited(frames: list[pl.DataFrame], every: int, chosen: range) -> list[pl.DataFrame]:
    """One row in `every` of the chosen shards with a few characters more."""
    found = list(frames)
    for at in chosen:
        hit = pl.int_range(pl.len()) % every == (7 * at) % every
        found[at] = frames[at].with_columns(text=pl.when(hit).then(pl.concat_str("text", pl.lit("改。"))).otherwise("text"))
    return found


def timed(work: Work, memory: Path | None) -> tuple[Decision, dict[str, float]]:
    start = time.process_time()
    work.sketched()
    between = time.process_time()
    decision = work.ruled(memory)
    end = time.process_time()
    return decision, {"cpu": round(end - start, 3), "ruling": round(end - between, 3)}


def middle(costs: list[dict[str, float]]) -> dict[str, float]:
    """The median of each cost: single runs of a tenth of a second differ by a fifth."""
    return {key: round(median(cost[key] for cost in costs), 3) for key in costs[0]}


def measured(name: str, frames: list[pl.DataFrame], folder: Path) -> dict[str, object]:
    """Scratch, then changes one after the other, each compared with a ruling without memory."""
    barrier = barrier_of(name)
    costs = []
    for turn in range(SCRATCHES):
        memory = folder / str(turn) / "memory"
        memory.mkdir(parents=True)
        work = Work(memory.parent, barrier)
        work.lay(frames, 0)
        costs.append(timed(work, memory)[1])
    scratch = middle(costs)
    result: dict[str, object] = {"scratch": scratch}
    count = len(frames)
    shards = [range(at, at + max(1, count // 100)) for at in range(0, count, count // CHANGES)][:CHANGES]
    version = 0
    for kind, every, places in (("changed_shards", 1, shards), ("changed_rows", 100, [range(count)])):
        costs = []
        for chosen in places:
            frames, version = edited(frames, every, chosen), version + 1
            work.lay(frames, version)
            decision, cost = timed(work, memory)
            same_as_scratch(decision, work.ruled(None))
            costs.append(cost)
        cost = middle(costs)
        result[kind] = cost | {
            "of_scratch": round(cost["cpu"] / scratch["cpu"], 3),
            "ruling_of_scratch": round(cost["ruling"] / scratch["cpu"], 3),
        }
    return result


def same_as_scratch(decision: Decision, other: Decision) -> None:
    assert np.array_equal(decision.codes, other.codes), "another ruling than from scratch"
    assert all(decision.columns[key].equals(other.columns[key]) for key in other.columns), "other columns than from scratch"
    same = other.survivor is None or np.array_equal(decision.survivor, other.survivor)
    assert same, "other survivors than from scratch"


def random_sketches(rows: int) -> Iterator[pl.DataFrame]:
    """Sketches without texts: one row in eight agrees with the row before it in most bands, keys come again by chance as in real text, and some keys
    are shared by crowds.
    """
    chance = np.random.default_rng(5)
    pool = max(1, rows // 4)
    for start in range(0, rows, MANY_SHARD):
        count = min(MANY_SHARD, rows - start)
        keys = chance.integers(0, 1 << 63, (count, minhash.BANDS), dtype=np.uint64)
        again = chance.random((count, minhash.BANDS)) < 0.12
        keys[again] = (chance.integers(0, pool, int(again.sum()), dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        crowded = chance.random((count, minhash.BANDS)) < 0.02
        keys[crowded] = (chance.integers(0, 1 + rows // 2000, int(crowded.sum()), dtype=np.uint64) + np.uint64(1)) * np.uint64(
            0xBF58476D1CE4E5B9
        )
        check = chance.integers(0, 256, (count, 128), dtype=np.uint8)
        twins = np.arange(1, count, 8)
        keys[twins] = np.where(chance.random((twins.size, minhash.BANDS)) < 0.7, keys[twins - 1], keys[twins])
        check[twins] = np.where(chance.random((twins.size, 128)) < 0.95, check[twins - 1], check[twins])
        digest = chance.integers(0, 1 << 63, (count, 2), dtype=np.uint64)
        frame = {
            "digest_0": digest[:, 0] * np.uint64(2), "digest_1": digest[:, 1],
            "shingles": np.full(count, 700, np.uint32), "empty": np.zeros(count, dtype=bool),
        }  # fmt: skip
        bands = {minhash.band_name(band): keys[:, band] for band in range(minhash.BANDS)}
        paragraphs = pl.Series(
            chance.integers(0, 100 * rows, (count, 16), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        ).arr.to_list()
        yield pl.DataFrame(frame | bands).with_columns(
            pl.Series("check", [row.tobytes() for row in check], dtype=pl.Binary), paragraphs.alias("paragraphs")
        )


class Untold(StoredSketches):
    """Rows without texts: each text that is asked for is made of the number of its pair."""

    def fetch(self, rows: np.ndarray, columns: Sequence[str]) -> pl.DataFrame:
        text = pl.Series(rows // 2 * 2).cast(pl.String) + "号公共数据资源授权运营实施方案" * 40
        return pl.DataFrame(dict.fromkeys(columns, text))


def ruled_many(folder: Path, name: str) -> None:
    """Rule about the sketches in `folder`, print what it took (in the process that is measured)."""
    folders = sorted(path for path in folder.iterdir() if path.name.startswith("sketch-"))
    heights = [int(path.name.split("-")[2]) for path in folders]
    shards = [Shard("", height, path.name) for height, path in zip(heights, folders, strict=True)]
    memory = folder / f"memory-{name}"
    memory.mkdir(exist_ok=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    start = time.process_time()
    decision = barrier_of(name).decide(Untold(shards, folders, [path.name for path in folders], memory))
    seconds = round(time.process_time() - start, 2)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    told = {"dropped": int((decision.codes > 0).sum()), **decision.measures}
    print(json.dumps({"cpu": seconds, "peak_mb": peak, "before_mb": before, **told}))


def memory_of(rows: int, folder: Path, names: list[str]) -> dict[str, object]:
    for at, frame in enumerate(random_sketches(rows)):
        place = folder / f"sketch-{at:05}-{frame.height}"
        place.mkdir(parents=True)
        frame.write_ipc(place / "sketch.arrow", compression="uncompressed")
    found: dict[str, object] = {}
    for name in names:
        for kind in (name, f"{name}_again") if name in {"dedup_near", "group_near"} else (name,):
            call = f"import dedup; from pathlib import Path; dedup.ruled_many(Path({str(folder)!r}), {name!r})"
            path = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'benchmarks')!r}]; {call}"
            answer = subprocess.run([sys.executable, "-c", path], capture_output=True, text=True, check=False)
            if answer.returncode:
                raise SystemExit(answer.stderr)
            found[kind] = json.loads(answer.stdout)
            print(rows, kind, found[kind], file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[60_000])
    parser.add_argument("--many", type=int, nargs="*", default=[])
    parser.add_argument("--only-memory", action="store_true")
    parser.add_argument("--steps", nargs="*", default=list(NAMES), choices=NAMES)
    parser.add_argument("--folder", help="where to work; a temporary folder where nothing is said")
    options = parser.parse_args()
    results: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="dedup-", dir=options.folder) as name:
        for rows in [] if options.only_memory else options.rows:
            frames = texts(rows)
            mega_bytes = sum(int(frame["text"].str.len_bytes().sum()) for frame in frames) / 1e6
            # Compiled kernels are loaded before the clock runs, and used from the first row: a build loads them once, whatever it does.
            minhash.sketch(frames[0]["text"], fast=True)
            utf8.WORTH_BYTES = 0  # type: ignore[misc]  (a constant to everybody else)
            for step in options.steps:
                found = measured(step, frames, Path(name) / f"{rows}-{step}")
                results[f"{step}, {rows} rows, {mega_bytes:.0f} MB"] = found
                print(rows, step, found, file=sys.stderr)
        for rows in options.many:
            results[f"{rows} random sketches"] = memory_of(rows, Path(name) / f"many-{rows}", options.steps)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
