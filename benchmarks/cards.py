"""Cards: time of `cards check` on many datasets, and of a card's statistics against a bare scan of the same files.

    python benchmarks/cards.py check --datasets 100
    python benchmarks/cards.py profile --rows 1000000

Ratios count, not seconds: both sides of a ratio run one after the other in this process, best of several rounds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
WORDS = [
    "居民",
    "社区",
    "公交",
    "线路",
    "补贴",
    "学校",
    "报名",
    "医保",
    "结算",
    "养老",
    "登记",
    "公示",
    "街道",
    "证明",
    "预约",
    "网上",
    "受理",
    "期限",
    "复印",
    "照片",
    "户籍",
    "租房",
    "咨询",
    "窗口",
]


def best(rounds: int, work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds of the fastest round by `clock`."""
    times = []
    for _ in range(rounds):
        started = clock()
        work()
        times.append(clock() - started)
    return min(times)


def text(number: int) -> str:
    digest = hashlib.sha256(str(number).encode()).digest()
    return "，".join(WORDS[byte % len(WORDS)] for byte in digest * (1 + number % 4)) + "。"


def data(folder: Path, rows: int) -> Path:
    """Parquet with a key, prose, a label, numbers, a date and a flag; row groups as the release writer makes them."""
    (folder / "data").mkdir(parents=True)
    path = folder / "data/train-00000-of-00001.parquet"
    writer = None
    for start in range(0, rows, 50_000):
        numbers = range(start, min(start + 50_000, rows))
        table = pa.table({
            "id": [f"n-{number:09d}" for number in numbers],
            "text": [text(number) for number in numbers],
            "topic": [WORDS[number % 12] for number in numbers],
            "views": [None if number % 50 == 0 else number * 7919 % 100_000 for number in numbers],
            "score": [number % 1000 / 1000 for number in numbers],
            "issued": [date(2015, 1, 1) + timedelta(days=number % 4000) for number in numbers],
            "flag": [number % 3 == 0 for number in numbers],
        })  # fmt: skip
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd", compression_level=3)
        writer.write_table(table)
    assert writer is not None
    writer.close()
    return path


def profile(rows: int, rounds: int) -> None:
    """One pass for the card against reading every value of the same file with Polars and doing nothing with it."""
    from corpushub.domain.build import BuiltFile
    from corpushub.engine.profile import profile_files

    with tempfile.TemporaryDirectory() as scratch:
        path = data(Path(scratch), rows)
        files = (BuiltFile("data/train-00000-of-00001.parquet", "default", "train", rows, path.stat().st_size, ""),)
        scan = best(rounds, lambda: pl.read_parquet(path))
        ours = best(rounds, lambda: profile_files(Path(scratch), files))
        cpu = [
            best(rounds, work, time.process_time)
            for work in (lambda: pl.read_parquet(path), lambda: profile_files(Path(scratch), files))
        ]
        counted = best(rounds, lambda: pl.scan_parquet(path).select(pl.all().n_unique()).collect())
        print(json.dumps({
            "rows": rows, "bytes": path.stat().st_size, "polars_read_s": round(scan, 2), "card_profile_s": round(ours, 2),
            "ratio": round(ours / scan, 2), "cpu_ratio": round(cpu[1] / cpu[0], 2), "polars_n_unique_s": round(counted, 2),
        }))  # fmt: skip


def check(datasets: int, rounds: int) -> None:
    """`cards check` on copies of a checked-in card, in a fresh process each time."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        (root / "recipes").mkdir()
        from corpushub.services.cards import FACTS, data_digest, documents_of, figures_digest, read_kept, read_recipe
        from corpushub.services.validators import installed, mark

        source = ROOT / "recipes/epidemic-notices.yaml"
        recipe_text = source.read_text("utf-8")
        (root / "recipes/samples").mkdir()
        for sample in (ROOT / "recipes/samples").glob("epidemic*"):
            shutil.copy(sample, root / "recipes/samples")
        card = ROOT / "cards" / read_recipe(source).dataset
        for number in range(datasets):
            name = f"copy-{number:03d}"
            path = root / "recipes" / f"{name}.yaml"
            path.write_text(recipe_text.replace("yunzhou/epidemic-notices", f"yunzhou/{name}"), "utf-8")
            recipe, folder = read_recipe(path), root / "cards/yunzhou" / name
            shutil.copytree(card, folder)
            value = json.loads((folder / FACTS).read_text("utf-8"))
            value["data_digest"] = data_digest(recipe, path.parent)
            value["built"] |= {"dataset": recipe.dataset, "recipe_digest": recipe.digest}
            (folder / FACTS).write_text(json.dumps(value), "utf-8")
            kept = read_kept(folder)
            assert kept is not None
            documents, _ = documents_of(recipe, kept)
            for file, content in documents.items():
                (folder / file).write_bytes(content)
            value["validated"] = mark(documents, installed())
            value["digest"] = figures_digest(value)
            (folder / FACTS).write_text(json.dumps(value), "utf-8")
        command = [
            sys.executable,
            "-m",
            "corpushub",
            "cards",
            "check",
            "--recipes",
            str(root / "recipes"),
            "--cards",
            str(root / "cards"),
        ]
        took = best(rounds, lambda: subprocess.run(command, check=True, cwd=ROOT, capture_output=True))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(json.dumps({"datasets": datasets, "cards_check_s": round(took, 2), "cards_check_cpu_s": round(cpu, 2)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["check", "profile"])
    parser.add_argument("--datasets", type=int, default=100)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if asked.what == "check":
        check(asked.datasets, asked.rounds)
    else:
        profile(asked.rows, asked.rounds)


if __name__ == "__main__":
    main()
