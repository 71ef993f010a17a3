"""Text stages beside the toolkits people use: speed, memory and quality on one generated corpus, in one run.

    python benchmarks/text.py                                   # ours alone, 6,000 rows
    python benchmarks/text.py --peers all --rows 20000          # installs the peers into throw-away environments first
    python benchmarks/text.py --peers daft,rensa --environments .peers   # keeps the environments for the next run

Every peer runs in an environment of its own, with its documented defaults or the nearest settings (said in `peers/*.py`), one process on one
core. `MB/s` is megabytes of UTF-8 text per CPU second of the stage with reading and writing; start-up is given beside it and not counted,
except for data-juicer, whose command line cannot be separated from its start. A peer that cannot be installed or fails is listed as such.

Quality: `clean`: junk removed and good rows lost, per language. `exact`: rows removed of rows that had to go. `near`: of the rows that had to go
at Jaccard 0.8, how many went (recall); of the rows that went, how many had a neighbour at 0.8 (precision); rows that went although nothing at
0.7 stayed (orphans). `rows_as_compiled`: whether numpy alone left the same rows. `end`: of the personal numbers planted into rows that stayed, how many are gone from the text (`pii_gone`), and how many of
the rows that stayed were junk. data-juicer's operator finds no names, so its like is ours without them; with names ours stands beside.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import subprocess
import sys
import tempfile
from functools import cache, cached_property
from pathlib import Path

import corpus
import numpy as np
import polars as pl

from corpushub.engine.dedup import duplicates, minhash
from corpushub.engine.text.utf8 import Utf8, utf8

HERE = Path(__file__).resolve().parent
PEERS: dict[str, tuple[str, list[str], list[str]]] = {
    "daft": ("daft_peer.py", ["daft", "numpy", "pyarrow"], ["clean", "exact", "near"]),
    "rensa": ("rensa_peer.py", ["rensa", "polars"], ["near"]),
    "datatrove": ("datatrove_peer.py", ["datatrove[processing]", "jieba", "spacy", "polars"], ["clean"]),
    "data-juicer": ("data_juicer_peer.py", ["py-data-juicer", "aiohttp", "polars", "pyyaml"], ["clean", "exact", "near", "end"]),
}
STAGES = ("clean", "exact", "near", "end")


def environment(folder: Path, name: str, packages: list[str]) -> Path | None:
    """The Python of a peer's own environment, made when it is not there; None (with the reason on standard error) where it cannot be."""
    python = folder / name / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / name)], check=True)
        made = subprocess.run(
            [str(python), "-m", "pip", "install", "-q", "--prefer-binary", *packages], capture_output=True, text=True, check=False
        )
        if made.returncode:
            print(f"{name}: cannot be installed here: {made.stderr.strip().splitlines()[-1][:200]}", file=sys.stderr)
            return None
    return python


def run(python: Path, script: str, stage: str, files: tuple[Path, Path], more: tuple[str, ...] = ()) -> dict[str, float] | str:
    """Seconds and memory of one stage, or why it failed."""
    one_core = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "PYTHONPATH": f"{HERE.parent}"}
    core = sorted(os.sched_getaffinity(0))[-1]
    command = ["taskset", "-c", str(core), str(python), str(HERE / "peers" / script), stage, *map(str, files), *more]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **one_core})
    if answer.returncode:
        return (answer.stderr.strip().splitlines() or ["no message"])[-1][:160]
    found: dict[str, float] = json.loads(answer.stdout.strip().splitlines()[-1])
    return found


def left_by(path: Path, columns: list[str]) -> pl.DataFrame:
    return pl.read_parquet(str(path / "*.parquet") if path.is_dir() else path, columns=columns)


def kept_rows(path: Path) -> np.ndarray:
    return left_by(path, ["id"])["id"].cast(pl.Int64).to_numpy()


def permuted(text: Utf8) -> np.ndarray:
    """Classical MinHash: 128 minima of `a * x mod 2**32` over the shingles of each row."""
    factors = np.random.default_rng(128).integers(0, 1 << 32, 128, dtype=np.uint32) | np.uint32(1)
    out = np.full((text.rows, 128), 0xFFFFFFFF, dtype=np.uint32)
    for first, last in text.blocks():
        hashes, bounds = minhash.shingles(text.block(first, last))
        rows = np.flatnonzero(np.diff(bounds))
        for place, factor in enumerate(factors if rows.size else ()):
            out[first + rows, place] = np.minimum.reduceat(hashes * factor, bounds[rows])
    return out


class Truth:
    """What each stage should have done."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self.leader = duplicates.leaders(minhash.digests(utf8(frame["text"])))

    def clean(self, kept: np.ndarray) -> dict[str, float]:
        went = ~np.isin(self.frame["id"].to_numpy(), kept)
        junk = self.frame["kind"].str.starts_with("junk").to_numpy()
        zh = (self.frame["lang"] == "zh").to_numpy()
        return {
            "junk_removed": float(went[junk].mean()),
            "good_lost_zh": float(went[~junk & zh].mean()),
            "good_lost_en": float(went[~junk & ~zh].mean()),
        }

    def exact(self, kept: np.ndarray) -> dict[str, float]:
        return {
            "removed": float(len(self.frame) - len(kept)),
            "expected": float((self.leader != np.arange(self.leader.size)).sum()),
        }

    @cached_property
    def pairs(self) -> tuple[duplicates.Pairs, np.ndarray, np.ndarray]:
        """All pairs of different texts at 0.7 and above, their similarity, and the lengths.

        Candidates come from 128 full permutations in 32 bands of 4 (which miss one in six thousand at 0.7, one in ten million at 0.8), so
        that what the bins of our own search overlook must show; and from those bins, because both searches cut short very large buckets.
        """
        text = utf8(self.frame["text"])
        minima = permuted(text)
        rows = np.flatnonzero(self.leader == np.arange(self.leader.size))
        bands = (
            minima[rows, at : at + 4].copy().view("<u8").astype(np.uint64) @ np.array([1, 0x9E3779B97F4A7C15], np.uint64)
            for at in range(0, 128, 4)
        )
        keys = minhash.band_keys(minhash.signatures(text)[0])[rows]
        bands = itertools.chain(bands, (np.ascontiguousarray(keys[:, band]) for band in range(minhash.BANDS)))
        found = duplicates.candidates(bands, rows)
        lengths = np.diff(text.offsets)
        exact = duplicates.similarities(found, lengths, self.frame["text"].gather)
        return found.where(exact >= 0.7), exact[exact >= 0.7], lengths

    def near(self, kept: np.ndarray) -> dict[str, float]:
        pairs, exact, lengths = self.pairs
        stays = np.isin(np.arange(len(self.frame)), kept)
        copies = self.leader != np.arange(self.leader.size)
        # a row and its exact copies are one: the group stays if any of them does
        group = np.bincount(self.leader, weights=stays, minlength=self.leader.size) > 0
        close = pairs.where(exact >= 0.8)
        left = close.where(group[close.first] & group[close.second])
        residual = int((duplicates.cover(len(self.frame), left, lengths) >= 0).sum()) + int(
            np.maximum(np.bincount(self.leader, weights=stays, minlength=self.leader.size) - 1, 0).sum()
        )
        went = np.flatnonzero(~stays & ~(copies & group[self.leader]) & ~((~copies) & group))
        near_rows, wide_rows = (
            close.rows(),
            pairs.where(np.isin(pairs.first, np.flatnonzero(group)) | np.isin(pairs.second, np.flatnonzero(group))).rows(),
        )
        right = int(np.isin(self.leader[went], near_rows).sum())
        removed = int((~stays).sum())
        return {
            "removed": removed,
            "recall": (removed - (went.size - right)) / max(1, removed - (went.size - right) + residual),
            "precision": (removed - (went.size - right)) / max(1, removed),
            "orphans": int((~np.isin(self.leader[went], wide_rows)).sum()),
        }

    def end(self, left: pl.DataFrame) -> dict[str, float]:
        known = self.frame.select("id", "kind", "planted").join(left.select(pl.col("id").cast(pl.Int64), "text"), on="id")
        planted = known.explode("planted").drop_nulls("planted")
        gone = ~planted.select(pl.col("text").str.contains(pl.col("planted"), literal=True)).to_series()
        junk = known["kind"].str.starts_with("junk")
        return {"rows": len(known), "planted": len(planted), "pii_gone": gone.mean() or 0.0, "junk_left": junk.mean() or 0.0}


def machine() -> dict[str, object]:
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")),
        "",
    )
    return {
        "cpu": model or platform.processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument(
        "--peer-rows", type=int, default=0, help="rows for what is slow: data-juicer, datatrove, names (0: the same)"
    )
    parser.add_argument("--no-names", action="store_true", help="leave out the contenders that look for names: they are slow")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--peers", default="", help="all, or names separated by commas")
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--environments", type=Path)
    given = parser.parse_args()
    wanted = list(PEERS) if given.peers == "all" else [name for name in given.peers.split(",") if name]
    with tempfile.TemporaryDirectory(prefix="text-") as name:
        measure(given, wanted, Path(name))


def measure(given: argparse.Namespace, wanted: list[str], folder: Path) -> None:
    @cache
    def the_corpus(rows: int, *, personal: bool) -> tuple[Path, Truth, float]:
        frame = corpus.generate(rows, given.seed, given.data)
        frame = corpus.with_personal(frame, given.seed) if personal else frame
        path = folder / f"corpus-{rows}-{personal}.parquet"
        frame.drop("planted", strict=False).write_parquet(path, compression="zstd", compression_level=1, row_group_size=4000)
        return path, Truth(frame), frame["text"].str.len_bytes().sum() / 1e6

    contenders: list[tuple[str, Path, str, list[str], tuple[str, ...]]] = [
        ("corpushub", Path(sys.executable), "ours.py", list(STAGES), ()),
        ("corpushub, numpy only", Path(sys.executable), "ours.py", ["clean", "near"], ("--numpy",)),
        ("corpushub, names too", Path(sys.executable), "ours.py", ["end"], ("--names",)),
        ("corpushub, names and the last look", Path(sys.executable), "ours.py", ["end"], ("--release",)),
    ]
    if given.no_names:
        contenders = [contender for contender in contenders if "names" not in contender[0]]
    for peer in wanted:
        script, packages, stages = PEERS[peer]
        python = environment(given.environments or folder / "peers", peer, packages)
        if python is not None:
            contenders.append((peer, python, script, stages, ()))
            if peer == "daft":
                contenders += [
                    ("daft, three strong expressions", python, script, ["clean"], ("--strong",)),
                    ("daft, three strong expressions, paragraphs kept", python, script, ["clean"], ("--lines",)),
                    ("daft, ratios as expressions", python, script, ["clean"], ("--ratios",)),
                ]
            if peer == "data-juicer":
                contenders.append(("data-juicer, rows traced and more of our rules", python, script, ["end"], ("--like",)))
    print(json.dumps(machine()))
    for stage in given.stages.split(","):
        for contender, python, script, stages, more in contenders:
            if stage not in stages:
                continue
            is_slow = contender.startswith(("data-juicer", "datatrove")) or "names" in contender
            rows = given.peer_rows or given.rows if is_slow else given.rows
            path, truth, mega = the_corpus(rows, personal=stage == "end")
            out = folder / f"{contender}-{stage}.parquet"
            found = run(python, script, stage, (path, out), more)
            if isinstance(found, str):
                print(json.dumps({"stage": stage, "who": contender, "failed": found}), flush=True)
                continue
            left = left_by(out, ["id", "text"]) if stage == "end" else kept_rows(out)
            quality = {key: round(value, 4) for key, value in getattr(truth, stage)(left).items()}
            if contender == "corpushub":
                ours = left
            elif contender == "corpushub, numpy only":
                quality["rows_as_compiled"] = bool(np.array_equal(left, ours))
            print(
                json.dumps(
                    {
                        "stage": stage,
                        "who": contender,
                        "mb": round(mega, 1),
                        "mb_per_cpu_s": round(mega / max(found["cpu"], 0.01), 2),
                        **found,
                        **quality,
                    }
                ),
                flush=True,
            )


if __name__ == "__main__":
    main()
