"""Who does the tasks: this process, or a pool of spawned ones. The same tasks leave the same bytes in the cache whoever does them.

A worker gets an order (recipe, opened sources, setting), makes the plan anew - planning is pure - and then tasks by number. Data never
travels with a task: it lies in the cache under its digest. A worker that dies or runs out of memory is replaced and its tasks are done again.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from corpushub.base.errors import Unavailable
from corpushub.domain.recipe import Recipe
from corpushub.engine.cache import Cache
from corpushub.engine.plan import Plan, Setting, make_plan
from corpushub.engine.run.pool import HELD, begin
from corpushub.engine.run.release import bin_shard, encode_group, join_groups, measure_shard
from corpushub.engine.run.work import map_shard, sketch_shard
from corpushub.engine.sources.opening import Source


class Task(Protocol):
    """A piece of work: what it leaves in the cache is named by `key`; `rows` tell how much it is."""

    @property
    def key(self) -> str: ...

    @property
    def rows(self) -> int: ...


T = TypeVar("T", bound=Task)
Work = Callable[[Plan, Any, Cache], Path]
FUNCTIONS: Mapping[str, Work] = {
    work.__name__: work for work in (map_shard, sketch_shard, measure_shard, bin_shard, encode_group, join_groups)
}
MAX_LOSSES = 3
FEW_TASKS = 4  # fewer are done here: starting processes and loading libraries costs more


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


def do_held(function: str, task: Task) -> None:
    """The same for the order this worker began with."""
    do(function, HELD[0], task)


class Pool:
    """Spawned processes that stay for the whole build. Use as a context manager."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._order = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = None

    def pool(self, order: bytes) -> ProcessPoolExecutor:
        if order != self._order:
            self.close()
        if self._pool is None:
            self._order = order
            self._pool = ProcessPoolExecutor(self.workers, mp_context=get_context("spawn"), initializer=begin, initargs=(order,))
        return self._pool

    def perform(self, function: str, plan: Plan, tasks: Sequence[T], cache: Cache) -> Iterator[T]:
        if len(tasks) < FEW_TASKS:
            yield from Serial().perform(function, plan, tasks, cache)
            return
        order = order_of(plan, cache)
        left = list(tasks)
        losses = 0
        while left:
            try:
                for task in self._round(function, order, left):
                    left.remove(task)
                    yield task
            except (BrokenProcessPool, MemoryError) as error:
                self.close()
                losses += 1
                if losses > MAX_LOSSES:
                    raise Unavailable("build.workers_lost", times=losses) from error

    def _round(self, function: str, order: bytes, tasks: Sequence[T]) -> Iterator[T]:
        """Submit a bounded number ahead, so that a long list of tasks costs no memory."""
        waiting: dict[Future[None], T] = {}
        queue = iter(tuple(tasks))
        while True:
            while len(waiting) < 2 * self.workers and (task := next(queue, None)) is not None:
                waiting[self.pool(order).submit(do_held, function, task)] = task
            if not waiting:
                return
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                task = waiting.pop(future)
                future.result()
                yield task
