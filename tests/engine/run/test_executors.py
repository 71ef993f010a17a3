"""Whoever computes, the bytes are the same; a lost worker costs time, not the build."""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest

from corpushub.base.errors import Invalid, Unavailable
from corpushub.base.settings import Settings
from corpushub.engine import shards
from corpushub.engine.run.cluster_choice import executor_for
from corpushub.engine.run.executors import Executor, Pool, Round, Serial, order_of
from corpushub.engine.run.runner import run
from corpushub.engine.run.work import Task
from tests.kit.engine import bytes_of, planned

BODY = """\
sources:
  notices: {resource: r/1, from: files}
contract: {key: id, columns: {id: {required: true}, text: {required: true}}}
steps:
  - normalize: {columns: [text]}
  - dedup_exact: {on: text}
  - split: {by: id}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve files that become twelve shards."""
    monkeypatch.setattr(shards, "SHARD_ROWS", 20)
    files = tmp_path / "files"
    files.mkdir()
    for at in range(12):
        lines = "\n".join(f'{{"text": "第{at * 20 + n % 19}条　公共数据开放利用的通知"}}' for n in range(20))
        (files / f"{at:02}.jsonl").write_text(lines, "utf-8")
    return tmp_path


def built(folder: Path, name: str, executor: Executor) -> dict[str, bytes]:
    plan, cache = planned(folder, BODY, folder / f"cache-{name}")
    assert len(plan.shards) == 12
    if isinstance(executor, Pool):  # workers are there from the first task on: loading takes longer than these few
        with contextlib.suppress(BrokenProcessPool):
            executor.pool(order_of(plan, cache)).submit(os.getpid).result()
    run(plan, folder / name, cache=cache, executor=executor)
    return bytes_of(folder / name)


def test_a_pool_gives_the_bytes_of_one_process(folder: Path) -> None:
    one = built(folder, "serial", Serial())
    with Pool(2) as pool:
        assert built(folder, "pool", pool) == one


def test_tasks_are_done_here_while_workers_load(folder: Path) -> None:
    one = built(folder, "serial", Serial())
    plan, cache = planned(folder, BODY, folder / "cache-loading")
    tasks = [Task(0, f"{at:064x}", shard, first=True, slot=str(at)) for at, (_, shard) in enumerate(plan.shards)]
    cast("Any", forkserver)._forkserver._stop()  # the pool starts it again
    here: set[int] = set()
    with Pool(1) as pool:
        shared = Round(pool.pool(order_of(plan, cache)), "map_shard", iter(list(enumerate(tasks))), 2)
        loading = cast("Any", forkserver)._forkserver._forkserver_pid
        os.kill(loading, signal.SIGSTOP)
        for at in shared.done_meanwhile(plan, cache):
            here.add(at)
            if len(here) == 5:
                os.kill(loading, signal.SIGCONT)
        by_workers = set(shared.done())
    assert here | by_workers == set(range(12))
    assert not here & by_workers
    with Pool(2) as pool:
        run(plan, folder / "loading", cache=cache, executor=pool)
    assert bytes_of(folder / "loading") == one


def test_a_killed_worker_does_not_fail_the_build(folder: Path) -> None:
    one = built(folder, "serial", Serial())
    killed: list[int] = []

    def kill_first(pool: Pool) -> None:
        while not killed:
            processes = list(pool._pool._processes or {}) if pool._pool else []
            if processes:
                time.sleep(0.5)
                os.kill(processes[0], signal.SIGKILL)
                killed.append(processes[0])
            time.sleep(0.05)

    with Pool(2) as pool:
        hunter = threading.Thread(target=kill_first, args=(pool,))
        hunter.start()
        found = built(folder, "killed", pool)
        hunter.join()
    assert killed
    assert found == one


def test_workers_out_of_memory_are_told_and_the_next_build_goes_on(folder: Path) -> None:
    """Every worker may hold a few megabytes only, so it cannot even load what it needs."""
    one = built(folder, "serial", Serial())
    ended = threading.Event()

    def starve(pool: Pool) -> None:
        while not ended.is_set():
            for process in list(pool._pool._processes or {}) if pool._pool else []:
                with contextlib.suppress(ProcessLookupError):
                    resource.prlimit(process, resource.RLIMIT_AS, (60_000_000, 60_000_000))
            time.sleep(0.005)

    with Pool(2) as pool:
        hunter = threading.Thread(target=starve, args=(pool,))
        hunter.start()
        try:
            with pytest.raises(Unavailable, match=r"build\.workers_lost"):
                built(folder, "starved", pool)
        finally:
            ended.set()
            hunter.join()
    assert not (folder / "starved").exists()
    assert built(folder, "starved", Serial()) == one


def test_a_worker_gets_the_order_once_and_each_task_alone(folder: Path) -> None:
    plan, cache = planned(folder, BODY)
    order = order_of(plan, cache)
    at = Task(0, "0" * 64, plan.shards[0][1], first=True, slot="s")
    assert len(pickle.dumps(at)) < 2000
    with Pool(1) as pool:
        first = pool.pool(order)
        assert pool.pool(order) is first
        assert pool.pool(order + b"other") is not first


def test_a_refusal_in_a_worker_arrives_as_itself(folder: Path) -> None:
    with pytest.raises(Invalid, match=r"build\.executor"), executor_for("moon", Settings(home=folder)):
        pass


def test_what_is_stated_decides_who_computes(folder: Path) -> None:
    settings = Settings(home=folder, build_workers=1)
    with executor_for("", settings) as executor:
        assert isinstance(executor, Serial)
    with executor_for("local:3", settings) as executor:
        assert isinstance(executor, Pool)
        assert executor.workers == 3


def test_the_process_workers_are_copied_from_runs_nothing_of_the_frame_library() -> None:
    """Copied while threads of it run, a worker could wait forever for a lock that one of them held."""
    code = "import os, corpushub.engine.run.nursery; print(*(open(f'/proc/self/task/{at}/comm').read() for at in os.listdir('/proc/self/task')))"
    home = Path(__file__).parents[3]
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=home).stdout.split()
    assert told
    assert not [name for name in told if name.startswith(("polars-0", "tokio", "rayon"))]


def test_workers_load_their_modules_from_where_this_process_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "polars.py").write_text("raise SystemExit('a file that happens to lie here')")
    monkeypatch.chdir(folder)
    cast("Any", forkserver)._forkserver._stop()  # the next pool starts it here
    with Pool(2) as pool:
        work = pool.pool(order_of(*planned(folder, BODY)))
        module, threads, kernels = work.submit(seen_by_a_worker).result()
    assert module == pl.__file__
    assert threads == 1
    assert kernels


def test_control_c_reaches_the_build_and_none_of_its_workers(folder: Path) -> None:
    """A terminal sends it to the whole group, also to a worker that has only just begun and to the process that workers are copied from."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    cast("Any", forkserver)._forkserver._stop()  # the next pool starts it here
    with Pool(1) as pool:
        parent, held_back = pool.pool(order_of(*planned(folder, BODY))).submit(held_back_by_a_worker).result()
        assert signal.SIGINT in held_back
        os.kill(parent, signal.SIGINT)
        assert built(folder, "after", pool)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_a_build_that_is_stopped_does_not_wait_for_what_its_workers_have_begun(folder: Path) -> None:
    pool = Pool(1)
    begun = pool.pool(order_of(*planned(folder, BODY))).submit(time.sleep, 100)
    with pytest.raises(KeyboardInterrupt), pool:
        raise KeyboardInterrupt
    assert isinstance(begun.exception(timeout=1), BrokenProcessPool)


def held_back_by_a_worker() -> tuple[int, set[int]]:
    os.kill(os.getpid(), signal.SIGINT)
    return os.getppid(), signal.pthread_sigmask(signal.SIG_BLOCK, ())


def seen_by_a_worker() -> tuple[str, int, bool]:
    return pl.__file__, pl.thread_pool_size(), "corpushub.engine.text.compiled_stats" in sys.modules


def test_what_every_build_loads_leaves_out_what_few_builds_use() -> None:
    """The recognizers alone take longer to load than a small recipe to build."""
    code = "import sys, corpushub.engine.registry as r, corpushub.engine.run.runner; r.registry(); print(*sys.modules)"
    home = Path(__file__).parents[3]
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=home).stdout.split()
    assert not {"presidio_analyzer", "spacy", "numba", "pandas", "sqlalchemy", "gradio", "ray"} & set(loaded)
