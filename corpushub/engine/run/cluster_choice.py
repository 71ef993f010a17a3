"""Which executor does the work: `serial` here, `local` or `local:N` in spawned processes, `ray-local` or `ray://HOST:PORT` on Ray.

Nothing stated means local with as many processes as the settings or cores allow; a single task is always done here. Workers somebody asks for by
number are wanted for sure: they begin to load at once, while this process loads the engine itself, reads and plans.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from corpushub.base.errors import Invalid
from corpushub.base.settings import Settings
from corpushub.engine.run.nursery import nursery

if TYPE_CHECKING:
    from corpushub.engine.run.executors import Executor


@contextmanager
def executor_for(on: str, settings: Settings) -> Generator[Executor]:
    """The executor `on` names. Raises: Invalid("build.executor"), Unavailable("build.no_ray" | "build.ray_not_started" | "build.ray_unreachable")."""
    name, _, number = on.partition(":")
    workers = settings.build_workers or len(os.sched_getaffinity(0))
    if name in {"", "local"} and (not number or (number.isdigit() and int(number) > 0)):
        workers = int(number or workers)
        if workers > 1:
            if number:
                nursery()
            from corpushub.engine.run.pool import PATIENCE, Pool

            with Pool(workers, patience=0.0 if number else PATIENCE) as pool:
                yield pool
            return
        on = "serial"
    if on == "serial":
        from corpushub.engine.run.executors import Serial

        yield Serial()
    elif on == "ray-local" or on.startswith("ray://"):
        from corpushub.engine.run.cluster import RayCluster

        with RayCluster(on, settings.build_workers) as cluster:
            yield cluster
    else:
        raise Invalid("build.executor", on=on)
