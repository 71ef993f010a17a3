"""Who does the tasks: this process, or a pool of others. The same tasks leave the same bytes in the cache whoever does them.

A worker gets an order (recipe, opened sources, setting), makes the plan anew - planning is pure - and then tasks by number. Data never
travels with a task: it lies in the cache under its digest. A worker that dies or runs out of memory is replaced and its tasks are done again.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from itertools import chain
from multiprocessing import forkserver, get_context, parent_process, resource_tracker
from multiprocessing.context import BaseContext
from pathlib import Path
from threading import Thread
from typing import Any, Protocol, Self, TypeVar

from corpushub.base.errors import Unavailable
from corpushub.base.settings import environment_with
from corpushub.domain.recipe import Recipe
from corpushub.engine.cache import Cache
from corpushub.engine.plan import Plan, Setting, make_plan
from corpushub.engine.run.barrier import rule_shards
from corpushub.engine.run.release import bin_shard, encode_group, join_groups, measure_shard
from corpushub.engine.run.work import map_shard, sketch_shard
from corpushub.engine.sources.opening import Source
from corpushub.engine.text.utf8 import WORTH_BYTES, compiled


class Task(Protocol):
    """A piece of work: what it leaves in the cache is named by `key`; `rows` tell how much it is."""

    @property
    def key(self) -> str: ...

    @property
    def rows(self) -> int: ...


T = TypeVar("T", bound=Task)
Work = Callable[[Plan, Any, Cache], Path]
FUNCTIONS: Mapping[str, Work] = {
    work.__name__: work for work in (map_shard, sketch_shard, rule_shards, measure_shard, bin_shard, encode_group, join_groups)
}
MAX_LOSSES = 3
FEW_TASKS = 4  # fewer are done here while no worker runs: starting processes and loading libraries costs more


class Executor(Protocol):
    def perform(self, function: str, plan: Plan, tasks: Sequence[T], cache: Cache) -> Iterator[T]:
        """Do every task, in any order; yields each when it is done."""


class Serial:
    """One after the other, here."""

    def perform(self, function: str, plan: Plan, tasks: Sequence[T], cache: Cache) -> Iterator[T]:
        work = FUNCTIONS[function]
        for task in tasks:
            work(plan, task, cache)
            yield task


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker needs to make the plan."""

    recipe: Recipe
    sources: tuple[Source, ...]
    setting: Setting
    cache: str


def order_of(plan: Plan, cache: Cache) -> bytes:
    """The order as bytes; only this hub's own processes ever read it."""
    return pickle.dumps(Order(plan.recipe, plan.sources, plan.setting, str(cache.root)))


@lru_cache(maxsize=2)
def planned(order: bytes) -> tuple[Plan, Cache]:
    from corpushub.engine.registry import registry

    found: Order = pickle.loads(order)  # noqa: S301  written by `order_of` in the parent process
    return make_plan(found.recipe, found.sources, registry(), found.setting), Cache(Path(found.cache))


def do(function: str, order: bytes, task: Task) -> None:
    """A worker's work: one task."""
    plan, cache = planned(order)
    FUNCTIONS[function](plan, task, cache)


HELD: list[bytes] = []
"""The order a worker works on, sent once: with every task it would be most of what travels."""


def begin(order: bytes) -> None:
    """The first thing a worker does."""
    HELD[:] = [order]
    Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """A build that is killed takes its workers with it; by themselves they would wait for tasks for ever."""
    if parent := parent_process():
        parent.join()
        os._exit(1)


def do_held(function: str, task: Task) -> None:
    """One task of the order this worker began with."""
    do(function, HELD[0], task)


def load_kernels() -> None:
    """Load the compiled text kernels, where there are any, without waiting for enough text to repay it."""
    if compiled(WORTH_BYTES) is not None:
        import_module("corpushub.engine.text.compiled_stats")


def nursery() -> BaseContext:
    """Where workers come from: they are copied from a process that has loaded everything (module `nursery`), which starts with the first call.

    It looks for modules where this process does, and in the folder somebody happens to stand in only if this process does. A worker has one thread: the processes
    are the parallelism. Control-C at a terminal reaches every process of a build; only the one that owns the workers acts on it.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["corpushub.engine.run.nursery"])
    places = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    resource_tracker.ensure_running()  # starting it lifts what is held back below
    held_back = signal.pthread_sigmask(
        signal.SIG_BLOCK, {signal.SIGINT}
    )  # inherited: a handler set by a worker would come too late
    try:
        with environment_with(PYTHONPATH=places, PYTHONSAFEPATH="1", POLARS_MAX_THREADS="1"):
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held_back)
    return context


@dataclass(slots=True)
class Round:
    """Tasks with their numbers, handed to a pool. A bounded number is submitted ahead, so that a long list of tasks costs no memory."""

    pool: ProcessPoolExecutor
    function: str
    tasks: Iterator[tuple[int, Task]]
    ahead: int
    waiting: dict[Future[None], int] = field(default_factory=dict)

    def submit(self) -> None:
        while len(self.waiting) < self.ahead and (item := next(self.tasks, None)) is not None:
            at, task = item
            self.waiting[self.pool.submit(do_held, self.function, task)] = at

    def done(self) -> Iterator[int]:
        """The numbers of tasks as workers finish them, until none is left."""
        while True:
            self.submit()
            if not self.waiting:
                return
            finished, _ = wait(self.waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                at = self.waiting.pop(future)
                future.result()
                yield at

    def done_meanwhile(self, plan: Plan, cache: Cache) -> Iterator[int]:
        """The numbers of tasks done here while what workers are copied from loads: the first submitted task waits for that."""
        with ThreadPoolExecutor(1) as starter:
            starting = starter.submit(self.submit)
            load_kernels()  # what needs a pool is large enough to need them
            while not starting.done() and (item := next(self.tasks, None)) is not None:
                at, task = item
                FUNCTIONS[self.function](plan, task, cache)
                yield at
            starting.result()


class Pool:
    """Processes copied from one that has everything loaded (`nursery`), which stay for the whole build. Use as a context manager."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._order = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(at_once=kind is not None)

    def close(self, *, at_once: bool = False) -> None:
        """Let the workers go. What they have begun is waited for, or, `at_once`, left as a killed build leaves it."""
        if self._pool is not None:
            if at_once:
                for worker in list((self._pool._processes or {}).values()):
                    worker.kill()
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = None

    def pool(self, order: bytes) -> ProcessPoolExecutor:
        if order != self._order:
            self.close()
        if self._pool is None:
            self._order = order
            self._pool = ProcessPoolExecutor(self.workers, mp_context=nursery(), initializer=begin, initargs=(order,))
        return self._pool

    def perform(self, function: str, plan: Plan, tasks: Sequence[T], cache: Cache) -> Iterator[T]:
        if self._pool is None and len(tasks) < FEW_TASKS:
            yield from Serial().perform(function, plan, tasks, cache)
        elif self._pool is not None and function == rule_shards.__name__:
            with Pool(1) as alone:  # what a ruling holds in memory goes with its process
                yield from alone.shared_out(function, plan, tasks, cache)
        else:
            yield from self.shared_out(function, plan, tasks, cache)

    def shared_out(self, function: str, plan: Plan, tasks: Sequence[T], cache: Cache) -> Iterator[T]:
        """Tasks done by workers; those of one that is lost are done again."""
        order = order_of(plan, cache)
        left = dict(enumerate(tasks))
        losses = 0
        while left:
            loading = self._pool is None and not losses and len(left) >= FEW_TASKS
            handed = Round(self.pool(order), function, iter(tuple(left.items())), 2 * self.workers)
            try:
                for at in chain(handed.done_meanwhile(plan, cache) if loading else (), handed.done()):
                    yield left.pop(at)
            except (BrokenProcessPool, MemoryError) as error:
                self.close()
                losses += 1
                if losses > MAX_LOSSES:
                    raise Unavailable("build.workers_lost", times=losses) from error
