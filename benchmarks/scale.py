"""How the engine grows: 1x, 4x, 16x input; an unchanged rebuild, one after a changed shard in a hundred and one after a changed row in a
hundred; one process against two and against Ray.

    python benchmarks/scale.py                            # 8, 32 and 128 MB of text
    python benchmarks/scale.py --base-mb 32 --recipe all-scrub          # personal information is scrubbed too
    python benchmarks/scale.py --base-mb 625 --factors 1 16 --recipe near --only-growth  # one step alone, to 10 GB
    python benchmarks/scale.py --base-mb 32 --on one-core --on local:2 --on ray-local

Speed-ups are by the clock, compared with one process on one core (`one-core`) where that was asked for; without it, with one process that has
all cores, whose readers and writers use more than one of them.

Each build runs in a process of its own; CPU seconds are those of the whole process tree, peak resident memory is each process's,
the build's own first, as the kernel counts them. `new_bytes` of a rebuild: the share of release bytes in pages that the build before did not have.
The corpus is that of `corpus.py`, as Parquet files. Ratios matter, absolute
figures hang on the machine. The result is a JSON object on standard output, one line per measurement before it on standard error.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).resolve().parent.parent

RECIPE = """\
dataset: bench/scale
title: {zh: 规模, en: Scale}
purpose: model-training
licence: {id: cc-by-4.0}
sources:
  docs: {resource: bench/docs, from: docs}
contract: {key: id, columns: {id: {required: true}, text: {required: true}}}
steps:
"""
CLEAN = """\
  - normalize: {columns: [text]}
  - drop_short: {column: text, min_chars: 50}
  - drop_low_quality: {column: text, profile: zh-web}
"""
EXACT = "  - dedup_exact: {on: text}\n"
NEAR = "  - dedup_near: {on: text, jaccard: 0.8}\n"
SPLIT = "  - split: {by: id}\n"
RECIPES = {
    "all": CLEAN + EXACT + NEAR + SPLIT,
    "all-scrub": CLEAN + EXACT + NEAR + "  - scrub: {columns: [text]}\n" + SPLIT,
    "clean": CLEAN,
    "exact": EXACT,
    "near": NEAR,
    "scrub": "  - scrub: {columns: [text], names: false}\n",
}
ONE_CORE = "one-core"
BASE = 140
"""So many files are made from nothing."""
SCRUB = "  - scrub: {columns: [text]}\n"


def salted(texts: pl.Series, salt: int) -> pl.Series:
    """The same texts in other words: all but the most frequent Han characters change places, and so do the letters that small English words
    can do without. Copies stay copies, sentences keep their shape, and no row is like one of another salt."""
    codes = np.frombuffer("\0".join(texts).encode("utf-32-le"), np.uint32)
    count = np.bincount(codes, minlength=0xA000)[0x4E00:0xA000]
    rare = (np.argsort(-count, kind="stable")[200:] + 0x4E00)[: np.count_nonzero(count)].astype(np.uint32)
    table, rng = np.arange(0x110000, dtype=np.uint32), np.random.default_rng(salt)
    for group in (rare, np.frombuffer(b"bcgjklmpquvxyz", np.uint8), np.frombuffer(b"0123456789", np.uint8)):
        table[group] = rng.permutation(group)
    return pl.Series(texts.name, table[codes].tobytes().decode("utf-32-le").split("\0"))


def generate(folder: Path, mega_bytes: int, seed: int = 7) -> None:
    """Parquet files of about 4 MB of text each, from the seeded corpus with copies, near copies and junk; after the first 600 MB the
    same texts come again in other words, which is ten times as quick to make."""
    import corpus

    folder.mkdir(parents=True, exist_ok=True)
    size, number, first = 0, 0, []
    while size < mega_bytes * 1_000_000:
        if number < BASE:
            first.append(corpus.generate(2000, seed + number).select("id", "text"))
            frame = first[-1]
        else:
            frame = first[number % BASE].with_columns(salted(first[number % BASE]["text"], seed + number))
        frame = frame.with_columns(id=pl.concat_str(pl.lit(f"{number}-"), pl.col("id").cast(pl.String)))
        size += int(frame["text"].str.len_bytes().sum())
        frame.write_parquet(folder / f"part-{number:05}.parquet", row_group_size=1000)
        number += 1


def build(home: Path, out: Path, on: str, recipe_name: str) -> None:
    """Carry the recipe out (in the process that is measured)."""
    from corpushub.base.settings import Settings
    from corpushub.engine.run.cluster_choice import executor_for

    settings = Settings(home=home)
    with executor_for("serial" if on == ONE_CORE else on, settings) as executor:
        from corpushub.domain.recipe import Recipe
        from corpushub.engine.cache import Cache
        from corpushub.engine.plan import Setting, make_plan
        from corpushub.engine.registry import registry
        from corpushub.engine.run.runner import run
        from corpushub.engine.sources.opening import open_source
        from corpushub.engine.sources.place import Place

        recipe = Recipe.parse(RECIPE + RECIPES[recipe_name], name="scale.yaml", steps=registry())
        place = Place(home, settings, Cache(home / "cache"))
        sources = [open_source(ref, place) for ref in recipe.sources]
        plan = make_plan(recipe, sources, registry(), Setting(home, b"0123456789abcdef"))
        built = run(plan, out, cache=place.cache, executor=executor)
    print(
        json.dumps(
            {
                "rows": built.rows,
                "digest": built.logical_digest,
                "dropped": sum(sum(step.dropped.values()) for step in built.steps),
            }
        )
    )


def measured(name: str, home: Path, on: str = "serial", recipe: str = "all") -> dict[str, object]:
    """One build in its own process."""
    out = home / "out" / name
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    clock = time.perf_counter()
    call = f"scale.build(Path({str(home)!r}), Path({str(out)!r}), {on!r}, {recipe!r})"
    paths = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'benchmarks')!r}]; import scale; from pathlib import Path"
    # Worker processes import the start script, so the call stands behind the guard.
    pinned = ["taskset", "-c", str(max(os.sched_getaffinity(0)))] if on == ONE_CORE else []
    process = subprocess.Popen([*pinned, sys.executable, "-c", f"{paths}; {call}"], stdout=subprocess.PIPE, text=True)
    with ThreadPoolExecutor(1) as watcher:  # the clock stops with the build, not when somebody looks
        peaks = watcher.submit(watched, process)
        line = process.communicate()[0]
        wall = time.perf_counter() - clock
    if process.returncode:
        raise SystemExit(process.returncode)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = {
        **json.loads(line),
        "name": name,
        "recipe": recipe,
        "wall": round(wall, 2),
        "cpu": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
        "peak_mb": peaks.result(),
    }
    print(json.dumps(found), file=sys.stderr)
    return found


def watched(process: subprocess.Popen[str]) -> list[int]:
    """The peak resident memory in MB of a process and of every process under it, the first one's first."""
    peaks = {process.pid: 0}
    while process.returncode is None:
        for entry in Path("/proc").glob("[0-9]*/status"):
            with suppress(OSError, KeyError):
                fields = dict(line.split(":", 1) for line in entry.read_text().splitlines())
                pid, parent = int(fields["Pid"]), int(fields["PPid"])
                if pid in peaks or parent in peaks:
                    peaks[pid] = max(peaks.get(pid, 0), int(fields["VmHWM"].split()[0]) // 1024)
        time.sleep(0.2)
    first = peaks.pop(process.pid)
    return [first, *sorted(peaks.values(), reverse=True)]


def pages_in(out: Path) -> dict[str, int]:
    """Pages of a release's data by the digest of their bytes, with their sizes; pages end where the content says so."""
    from corpushub.engine.run.join import LOCATIONS, OFFSET_AT, OFFSET_LENGTH, Reader, opened

    found = {}
    for path in sorted((out / "data").glob("*.parquet")):
        data = path.read_bytes()
        for column in opened(path).columns:
            start = column[OFFSET_AT][1]
            index = Reader(data[start : start + column[OFFSET_LENGTH][1]]).struct()
            for page in index[LOCATIONS][1][1]:
                piece = data[page[1][1] : page[1][1] + page[2][1]]
                found[hashlib.sha256(piece).hexdigest()] = len(piece)
    return found


def new_share(older: Path, newer: Path) -> float:
    """Bytes of pages that only the newer release has, of all its bytes."""
    one, two = pages_in(older), pages_in(newer)
    return round(sum(size for digest, size in two.items() if digest not in one) / sum(two.values()), 4)


def edit(paths: Sequence[Path], every: int) -> None:
    """Change one row in `every` of these files."""
    for path in paths:
        frame = pl.read_parquet(path)
        at = pl.int_range(pl.len()) % every == every // 6
        frame.with_columns(text=pl.when(at).then(pl.concat_str("text", pl.lit("改。"))).otherwise("text")).write_parquet(
            path, row_group_size=1000
        )


def rebuilt(home: Path, recipe: str) -> dict[str, dict[str, object]]:
    """Rebuilds of the home that was built last: unchanged, one file in a hundred changed, one row in a hundred of every file changed."""
    files = sorted((home / "docs").glob("*.parquet"))
    last = next((home / "out").iterdir())
    results = {"unchanged": measured("unchanged", home, recipe=recipe)}
    for name, paths, every in (
        ("changed_shards", files[:: 100 if len(files) > 100 else len(files)], 2),
        ("changed_rows", files, 100),
    ):
        edit(paths, every)
        results[name] = measured(name, home, recipe=recipe)
        results[name]["new_bytes"] = new_share(last, home / "out" / name)
        last = home / "out" / name
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-mb", type=int, default=8)
    parser.add_argument("--factors", type=int, nargs="*", default=[1, 4, 16])
    parser.add_argument(
        "--on", action="append", default=[], help="one-core, local:2, ray-local: the largest input again, from nothing"
    )
    parser.add_argument("--recipe", choices=RECIPES, default="all", help="all steps, with scrubbing too, or one step alone")
    parser.add_argument("--only-growth", action="store_true", help="no rebuilds")
    parser.add_argument("--folder", help="where to work; a temporary folder where nothing is said")
    options = parser.parse_args()
    results: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory(prefix="scale-", dir=options.folder) as name:
        for factor in options.factors:
            home = Path(name) / f"x{factor}"
            generate(home / "docs", options.base_mb * factor)
            results[f"x{factor}"] = measured(f"x{factor}", home, recipe=options.recipe)
        for on in options.on:
            other = Path(name) / on.replace(":", "")
            shutil.copytree(home / "docs", other / "docs", copy_function=os.link)
            results[on] = measured(on.replace(":", ""), other, on, recipe=options.recipe)
            assert results[on]["digest"] == results[f"x{options.factors[-1]}"]["digest"], "another executor gave other rows"
        if not options.only_growth:
            results |= rebuilt(home, options.recipe)
    print(json.dumps({"results": results, "ratios": ratios(results, options)}, indent=2))


def ratios(results: dict[str, dict[str, object]], options: argparse.Namespace) -> dict[str, float]:
    cpu = {key: float(str(value["cpu"])) for key, value in results.items()}
    wall = {key: float(str(value["wall"])) for key, value in results.items()}
    first, last = (f"x{options.factors[at]}" for at in (0, -1))
    names = ("unchanged", "changed_shards", "changed_rows")
    return {
        f"growth_{options.factors[-1] // options.factors[0]}x": round(cpu[last] / cpu[first], 2),
        **{f"{name}_of_full": round(cpu[name] / cpu[last], 4) for name in names if name in cpu},
        **{f"{name}_goal_seconds": round(0.03 * cpu[last] + 2, 2) for name in names[1:] if name in cpu},
        **{f"{on}_speedup": round(wall.get(ONE_CORE, wall[last]) / wall[on], 2) for on in options.on if on != ONE_CORE},
        "mb_per_cpu_second": round(options.base_mb * options.factors[-1] / cpu[last], 2),
    }


if __name__ == "__main__":
    main()
