"""kill -9 at any moment of a build: the next start is clean and ends in the same bytes."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from corpushub.engine.cache import Cache
from tests.kit.engine import bytes_of

SCRIPT = """
import sys
from pathlib import Path
from corpushub.engine import shards
shards.SHARD_ROWS = 100
from corpushub.engine.run.runner import run
from tests.kit.engine import planned
BODY = '''
sources:
  notices: {resource: r/1, from: files}
contract: {key: id, columns: {id: {required: true}, text: {required: true}}}
steps:
  - normalize: {columns: [text]}
  - dedup_exact: {on: text}
  - chunk: {column: text, max_chars: 40}
  - split: {by: id}
'''
folder, out = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
plan, cache = planned(folder, BODY, out.parent / "cache")
run(plan, out, cache=cache)
print("done", flush=True)
"""


WORKERS = """
import sys, time
from pathlib import Path
from corpushub.engine.run.executors import order_of
from corpushub.engine.run.pool import Pool
from tests.kit.engine import planned
BODY = '''
sources:
  notices: {resource: r/1, from: files}
contract: {key: id, columns: {id: {required: true}, text: {required: true}}}
steps:
  - normalize: {columns: [text]}
'''
with Pool(2) as pool:
    pool.start(order_of(*planned(Path(sys.argv[1]), BODY)), 2)
    print(*(worker.process.pid for worker in pool.workers), flush=True)
    time.sleep(600)
"""


def start(folder: Path, out: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, folder, out], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def corpus(folder: Path) -> None:
    files = folder / "files"
    files.mkdir()
    for at in range(30):
        lines = "\n".join(
            f'{{"text": "第{at}章第{n}条　为了规范公共数据授权运营，依照有关法律制定本办法，自发布之日起施行。{n % 7}"}}'
            for n in range(100)
        )
        (files / f"{at:02}.jsonl").write_text(lines, "utf-8")


def test_two_builds_of_one_recipe_at_once_give_equal_bytes(tmp_path: Path) -> None:
    corpus(tmp_path)
    outs = [tmp_path / "both" / name for name in ("one", "two")]
    outs[0].parent.mkdir()
    processes = [start(tmp_path, out) for out in outs]
    assert [process.wait() for process in processes] == [0, 0]
    assert bytes_of(outs[0]) == bytes_of(outs[1])


def test_a_killed_build_goes_on_and_ends_in_equal_bytes(tmp_path: Path) -> None:
    corpus(tmp_path)
    whole = tmp_path / "whole" / "out"
    whole.parent.mkdir()
    clock = time.monotonic()
    assert start(tmp_path, whole).wait() == 0
    seconds = time.monotonic() - clock
    killed = tmp_path / "killed" / "out"
    killed.parent.mkdir()
    chance = random.Random(5)
    for _ in range(3):
        process = start(tmp_path, killed)
        time.sleep(chance.random() * seconds * 0.6)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if killed.exists():
            break
        assert not (killed / "data").exists()
    if not killed.exists():
        assert start(tmp_path, killed).wait() == 0
    assert bytes_of(killed) == bytes_of(whole)
    Cache(killed.parent / "cache").sweep()
    assert not list((killed.parent / "cache").glob("tmp-*"))


def test_a_killed_build_takes_its_workers_with_it(tmp_path: Path) -> None:
    corpus(tmp_path)
    build = subprocess.Popen(
        [sys.executable, "-c", WORKERS, tmp_path], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert build.stdout is not None
    workers = [Path(f"/proc/{pid}") for pid in build.stdout.readline().split()]
    assert workers
    assert all(worker.exists() for worker in workers)
    build.send_signal(signal.SIGKILL)
    build.wait()
    patience = time.monotonic() + 20
    while any(map(is_running, workers)) and time.monotonic() < patience:
        time.sleep(0.05)
    assert not any(map(is_running, workers))


def is_running(process: Path) -> bool:
    """One that has ended and that nobody has asked after yet does not run."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
