"""Who does the tasks: this process, or others (`pool`, `cluster`). The same tasks leave the same bytes in the cache whoever does them.

A worker gets an order (recipe, opened sources, setting), makes the plan anew - planning is pure - and then tasks. Data never travels with a
task: it lies in the cache under its digest.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

from corpushub.domain.recipe import Recipe
from corpushub.engine.cache import Cache
from corpushub.engine.plan import Plan, Setting, make_plan
from corpushub.engine.run.barrier import rule_shards
from corpushub.engine.run.drops import write_part
from corpushub.engine.run.release import bin_shard, join_groups, measure_shard
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
    work.__name__: work for work in (map_shard, sketch_shard, rule_shards, measure_shard, bin_shard, write_part, join_groups)
}


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
