"""How the engine grows: 1x, 4x, 16x input, an unchanged and a slightly changed rebuild, one process against two and against Ray.

    python benchmarks/scale.py                  # 8, 32 and 128 MB of text
    python benchmarks/scale.py --base-mb 50 --ray

Each build runs in a process of its own; CPU seconds and peak resident memory are those of the whole process tree, as the kernel counts them.
The corpus is that of `corpus.py`, as Parquet files. Ratios matter, absolute
figures hang on the machine. The result is a JSON object on standard output, one line per measurement before it on standard error.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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
  - normalize: {columns: [text]}
  - drop_short: {column: text, min_chars: 50}
  - drop_low_quality: {column: text, profile: zh-web}
  - dedup_exact: {on: text}
  - dedup_near: {on: text, jaccard: 0.8}
  - split: {by: id}
"""


def generate(folder: Path, mega_bytes: int, seed: int = 7) -> None:
    """Parquet files of about 4 MB of text each, from the seeded corpus with copies, near copies and junk."""
    import corpus

    folder.mkdir(parents=True, exist_ok=True)
    size, number = 0, 0
    while size < mega_bytes * 1_000_000:
        frame = corpus.generate(2000, seed + number).with_columns(
            id=pl.concat_str(pl.lit(f"{number}-"), pl.col("id").cast(pl.String))
        )
        size += int(frame["text"].str.len_bytes().sum())
        frame.select("id", "text").write_parquet(folder / f"part-{number:05}.parquet", row_group_size=1000)
        number += 1


def build(home: Path, out: Path, on: str) -> None:
    """Carry the recipe out (in the process that is measured)."""
    from corpushub.base.settings import Settings
    from corpushub.domain.recipe import Recipe
    from corpushub.engine.cache import Cache
    from corpushub.engine.plan import Setting, make_plan
    from corpushub.engine.registry import registry
    from corpushub.engine.run.cluster_choice import executor_for
    from corpushub.engine.run.runner import run
    from corpushub.engine.sources.opening import Place, open_source

    settings = Settings(home=home)
    recipe = Recipe.parse(RECIPE, name="scale.yaml", steps=registry())
    place = Place(home, settings, Cache(home / "cache"))
    sources = [open_source(ref, place) for ref in recipe.sources]
    plan = make_plan(recipe, sources, registry(), Setting(home))
    with executor_for(on, settings) as executor:
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


def measured(name: str, home: Path, on: str = "serial") -> dict[str, object]:
    """One build in its own process."""
    out = home / "out" / name
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    clock = time.perf_counter()
    script = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'benchmarks')!r}]; import scale; from pathlib import Path; scale.peak(lambda: scale.build(Path({str(home)!r}), Path({str(out)!r}), {on!r}))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(answer.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = answer.stdout.splitlines()
    found = {
        **json.loads(lines[0]),
        "name": name,
        "wall": round(time.perf_counter() - clock, 2),
        "cpu": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
        "peak_mb": json.loads(lines[1])["peak_mb"],
    }
    print(json.dumps(found), file=sys.stderr)
    return found


def peak(work: object) -> None:
    """Run `work` and print the peak resident memory of this process in MB."""
    work()  # type: ignore[operator]
    print(json.dumps({"peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}))


def edit(folder: Path) -> None:
    """Change one row in a hundred of every file."""
    for path in sorted(folder.glob("*.parquet")):
        frame = pl.read_parquet(path)
        at = pl.int_range(pl.len()) % 100 == 17
        frame.with_columns(text=pl.when(at).then(pl.concat_str("text", pl.lit("改。"))).otherwise("text")).write_parquet(
            path, row_group_size=1000
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-mb", type=int, default=8)
    parser.add_argument("--ray", action="store_true")
    options = parser.parse_args()
    results: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        for factor in (1, 4, 16):
            home = Path(name) / f"x{factor}"
            generate(home / "docs", options.base_mb * factor)
            results[f"x{factor}"] = measured(f"x{factor}", home)
        results["unchanged"] = measured("unchanged", home)
        edit(home / "docs")
        results["changed_1_percent"] = measured("changed", home)
        home = Path(name) / "x4"
        for on in ("local:2", *(["ray-local"] if options.ray else [])):
            (home / "cache").rename(home / f"cache-before-{on.replace(':', '')}")
            results[on] = measured(on.replace(":", ""), home, on)
            assert results[on]["digest"] == results["x4"]["digest"], "another executor gave other rows"
    cpu = {key: float(str(value["cpu"])) for key, value in results.items()}
    ratios = {
        "growth_16x": round(cpu["x16"] / cpu["x1"], 2),
        "unchanged_of_full": round(cpu["unchanged"] / cpu["x16"], 4),
        "changed_of_full": round(cpu["changed_1_percent"] / cpu["x16"], 4),
        "two_processes": round(float(str(results["x4"]["wall"])) / float(str(results["local:2"]["wall"])), 2),
        "mb_per_cpu_second": round(options.base_mb * 16 / cpu["x16"], 2),
    }
    print(json.dumps({"results": results, "ratios": ratios}, indent=2))


if __name__ == "__main__":
    main()
