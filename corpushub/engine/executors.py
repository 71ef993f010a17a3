"""Who does the tasks: this process, or a pool of spawned ones. The same tasks leave the same bytes in the cache whoever does them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from corpushub.engine.cache import Cache
from corpushub.engine.plan import Plan
from corpushub.engine.run_shard import Task, map_shard, sketch_shard

FUNCTIONS = {"map_shard": map_shard, "sketch_shard": sketch_shard}


class Executor(Protocol):
    def perform(self, function: str, plan: Plan, tasks: Sequence[Task], cache: Cache) -> Iterator[Task]:
        """Do every task, in any order; yields each when it is done."""


class Serial:
    """One after the other, here."""

    def perform(self, function: str, plan: Plan, tasks: Sequence[Task], cache: Cache) -> Iterator[Task]:
        work = FUNCTIONS[function]
        for task in tasks:
            work(plan, task, cache)
            yield task
