"""Whoever computes, the bytes are the same; a lost worker costs time, not the build."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest

from corpushub.base.errors import Conflict, Unavailable
from corpushub.engine import shards
from corpushub.engine.run import pool as pools
from corpushub.engine.run.executors import Executor, Serial, order_of
from corpushub.engine.run.nursery import nursery
from corpushub.engine.run.pool import Pool, Worker, outcome
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
        executor.start(order_of(plan, cache), 12)
    run(plan, folder / name, cache=cache, executor=executor)
    return bytes_of(folder / name)


class Struck(Pool):
    """A pool whose first workers are stopped as soon as they are there, so that they hold tasks they will not do."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self.struck: list[Worker] = []

    def start(self, order: bytes, tasks: int) -> None:
        super().start(order, tasks)
        while len(self.struck) < self.size // 2:
            worker = self.workers[len(self.struck)]
            assert worker.process.pid
            os.kill(worker.process.pid, signal.SIGSTOP)
            self.struck.append(worker)


class Starved(Pool):
    """A pool whose workers may hold a few megabytes only, so that they cannot even load what they need."""

    def start(self, order: bytes, tasks: int) -> None:
        there = list(self.workers)
        super().start(order, tasks)
        for worker in self.workers:
            if worker in there:
                continue
            assert worker.process.pid
            resource.prlimit(worker.process.pid, resource.RLIMIT_AS, (60_000_000, 60_000_000))


@pytest.mark.parametrize("rows", [0, 1_000_000], ids=["rulings in a process of their own", "rulings by a worker"])
def test_a_pool_gives_the_bytes_of_one_process(folder: Path, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(pools, "LARGE_RULING", rows)
    one = built(folder, "serial", Serial())
    with Pool(2) as pool:
        assert built(folder, "pool", pool) == one


def test_tasks_are_done_here_while_workers_load(folder: Path) -> None:
    one = built(folder, "serial", Serial())
    plan, cache = planned(folder, BODY, folder / "cache-loading")
    tasks = [Task(0, f"{at:064x}", shard, first=True, slot=str(at)) for at, (_, shard) in enumerate(plan.shards)]
    cast("Any", forkserver)._forkserver._stop()
    nursery()
    os.kill(cast("Any", forkserver)._forkserver._forkserver_pid, signal.SIGSTOP)
    done: list[Task] = []
    with Pool(1, patience=0.0) as pool:
        for task in pool.shared_out("map_shard", plan, tasks, cache):
            done.append(task)
            if len(done) == 5:
                assert not pool.workers
                os.kill(cast("Any", forkserver)._forkserver._forkserver_pid, signal.SIGCONT)
                while not pool.there():
                    time.sleep(0.01)
    assert sorted(done, key=tasks.index) == tasks
    with Pool(2) as pool:
        run(plan, folder / "loading", cache=cache, executor=pool)
    assert bytes_of(folder / "loading") == one


def test_a_build_that_is_done_in_a_moment_starts_no_workers(folder: Path) -> None:
    one = built(folder, "serial", Serial())
    plan, cache = planned(folder, BODY, folder / "cache-alone")
    with Pool(2, patience=60.0) as pool:
        run(plan, folder / "alone", cache=cache, executor=pool)
        assert not pool.there()
        assert not pool.workers
    assert bytes_of(folder / "alone") == one


def test_who_is_done_before_workers_are_there_does_not_wait_for_them(folder: Path) -> None:
    plan, cache = planned(folder, BODY)
    cast("Any", forkserver)._forkserver._stop()
    nursery()
    loading = cast("Any", forkserver)._forkserver._forkserver_pid
    os.kill(loading, signal.SIGSTOP)
    with Pool(2, patience=0.0) as pool:
        run(plan, folder / "out", cache=cache, executor=pool)
        assert not pool.there()
        os.kill(loading, signal.SIGCONT)
    assert not pool.workers


def test_a_killed_worker_costs_nothing_but_its_own_work(folder: Path) -> None:
    one = built(folder, "serial", Serial())
    with Struck(2) as pool:
        pool.start(order_of(*planned(folder, BODY, folder / "cache-killed")), 2)
        struck, other = pool.workers
        threading.Timer(0.5, struck.process.kill).start()
        assert built(folder, "killed", pool) == one
        assert struck not in pool.workers
        assert other in pool.workers
        assert struck.process.exitcode == -signal.SIGKILL


def test_a_worker_that_stands_still_is_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one does whose libraries wait for a thread that could not begin."""
    monkeypatch.setattr(pools, "STILL_SECONDS", 0.5)
    one = built(folder, "serial", Serial())
    with Struck(2) as pool:
        assert built(folder, "still", pool) == one
        assert pool.struck[0] not in pool.workers


def test_what_computes_does_not_stand_still() -> None:
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    worker = Worker(cast("Any", busy), cast("Any", None))
    try:
        for _ in range(3):
            time.sleep(0.5)
            assert not worker.stands_still()
        os.kill(busy.pid, signal.SIGSTOP)
        os.waitpid(busy.pid, os.WUNTRACED)
        worker.stands_still()
        assert worker.stands_still()
    finally:
        busy.kill()
        busy.wait(10)
    assert not worker.stands_still()  # nothing is known of what is gone


def test_workers_out_of_memory_are_told_and_the_next_build_goes_on(folder: Path) -> None:
    one = built(folder, "serial", Serial())
    with Starved(2) as pool, pytest.raises(Unavailable, match=r"build\.workers_lost"):
        built(folder, "starved", pool)
    assert not (folder / "starved").exists()
    assert built(folder, "starved", Serial()) == one


def test_workers_that_cannot_be_started_are_told_and_the_next_build_goes_on(folder: Path) -> None:
    cast("Any", forkserver)._forkserver._stop()
    nursery()
    loading = cast("Any", forkserver)._forkserver._forkserver_pid
    os.kill(loading, signal.SIGSTOP)
    threading.Timer(0.5, os.kill, (loading, signal.SIGKILL)).start()
    with Pool(1) as pool, pytest.raises(Unavailable, match=r"build\.workers_lost"):
        pool.start(b"", 1)
    with Pool(1) as pool:
        assert built(folder, "after", pool)


def test_a_worker_gets_the_order_once_and_each_task_alone(folder: Path) -> None:
    plan, cache = planned(folder, BODY)
    order = order_of(plan, cache)
    at = Task(0, "0" * 64, plan.shards[0][1], first=True, slot="s")
    assert len(pickle.dumps(at)) < 2000
    with Pool(1) as pool:
        pool.start(order, 9)
        first = pool.workers
        pool.start(order, 9)
        assert pool.workers is first
        assert len(first) == 1
        pool.start(order + b"other", 9)
        assert pool.workers is not first
        assert not first[0].process.is_alive()


def test_no_more_workers_than_tasks(folder: Path) -> None:
    with Pool(8) as pool:
        pool.start(order_of(*planned(folder, BODY)), 2)
        assert len(pool.workers) == 2


def test_what_fails_in_a_worker_fails_here_as_itself(folder: Path) -> None:
    plan, cache = planned(folder, BODY)
    wrong = Task(99, "0" * 64, plan.shards[0][1], first=True, slot="s")
    with Pool(1) as pool:
        pool.start(order_of(plan, cache), 1)
        with pytest.raises(IndexError) as told:
            list(pool.perform("map_shard", plan, [wrong], cache))
        assert "map_shard" in told.value.__notes__[0]


def test_a_refusal_keeps_its_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Unavailable("build.workers_lost", times=7)

    monkeypatch.setattr(pools, "do", refuse)
    told = pickle.loads(outcome("map_shard", b"", cast("Any", None)))
    assert told.explain("zh") == Unavailable("build.workers_lost", times=7).explain("zh")


def test_an_error_that_cannot_be_told_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    class Foreign(BaseException):
        """Like a panic of the frame library: of a class no other process can import."""

    def panic(*_: object) -> None:
        raise Foreign

    monkeypatch.setattr(pools, "do", panic)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        outcome("map_shard", b"", cast("Any", None))


def test_a_build_that_is_cancelled_leaves_no_answers_to_the_next(folder: Path) -> None:
    one = built(folder, "serial", Serial())
    plan, cache = planned(folder, BODY, folder / "cache-cancelled")
    asked = iter([False] * 3 + [True] * 100)
    with Pool(2) as pool:
        pool.start(order_of(plan, cache), 12)
        with pytest.raises(Conflict, match=r"build\.cancelled"):
            run(plan, folder / "cancelled", cache=cache, executor=pool, cancelled=lambda: next(asked))
        assert not any(worker.sent for worker in pool.workers)
        run(plan, folder / "cancelled", cache=cache, executor=pool)
    assert bytes_of(folder / "cancelled") == one


def test_the_process_workers_are_copied_from_runs_nothing_of_the_frame_library() -> None:
    """Copied while threads of it run, a worker could wait forever for a lock that one of them held."""
    code = "import os, corpushub.engine.run.loaded; print(*(open(f'/proc/self/task/{at}/comm').read() for at in os.listdir('/proc/self/task')))"
    home = Path(__file__).parents[3]
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=home).stdout.split()
    assert told
    assert not [name for name in told if name.startswith(("polars-0", "tokio", "rayon"))]


def test_workers_load_their_modules_from_where_this_process_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "polars.py").write_text("raise SystemExit('a file that happens to lie here')")
    monkeypatch.chdir(folder)
    cast("Any", forkserver)._forkserver._stop()  # it starts here again
    with nursery().Pool(1) as pool:
        module, threads, kernels = pool.apply_async(seen_by_a_worker).get(60)
    assert module == pl.__file__
    assert threads == 1
    assert kernels


def test_control_c_reaches_the_build_and_none_of_its_workers(folder: Path) -> None:
    """A terminal sends it to the whole group, also to a worker that has only just begun and to the process that workers are copied from."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    cast("Any", forkserver)._forkserver._stop()  # the next pool starts it here
    with Pool(2) as pool:
        pool.start(order_of(*planned(folder, BODY, folder / "cache-after")), 2)
        for process in (*(worker.process.pid for worker in pool.workers), cast("Any", forkserver)._forkserver._forkserver_pid):
            os.kill(process, signal.SIGINT)
        there = list(pool.workers)
        assert built(folder, "after", pool)
        assert pool.workers == there
    with nursery().Pool(1) as other:
        assert signal.SIGINT in other.apply_async(held_back_by_a_worker).get(60)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_a_build_that_is_stopped_does_not_wait_for_what_its_workers_have_begun(folder: Path) -> None:
    plan, cache = planned(folder, BODY)
    tasks = [Task(0, f"{at:064x}", shard, first=True, slot=str(at)) for at, (_, shard) in enumerate(plan.shards)]
    pool = Struck(2)
    pool.start(order_of(plan, cache), 12)
    workers = list(pool.workers)
    with pytest.raises(KeyboardInterrupt), pool:
        next(pool.shared_out("map_shard", plan, tasks, cache))
        raise KeyboardInterrupt
    assert [worker.process.exitcode for worker in workers] == [-signal.SIGKILL] * 2


def held_back_by_a_worker() -> set[int]:
    os.kill(os.getpid(), signal.SIGINT)
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())


def seen_by_a_worker() -> tuple[str, int, bool]:
    return pl.__file__, pl.thread_pool_size(), "corpushub.engine.text.compiled_stats" in sys.modules
