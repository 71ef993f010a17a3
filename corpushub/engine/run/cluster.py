"""The same tasks on a Ray cluster (extra `corpushub[cluster]`). The cache folder must be on storage every node sees.

Ray runs code that a client sends, so a cluster must only be reachable by its operator: token authentication is switched on where Ray has it,
and the dashboard stays off for clusters started here.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from typing import Any, Self

from corpushub.base.errors import Unavailable
from corpushub.engine.cache import Cache
from corpushub.engine.plan import Plan
from corpushub.engine.run.executors import Serial, T, do, order_of

MAX_RETRIES = 5
KNOCK_SECONDS = 5.0
STARTS = 3


class RayCluster:
    """`ray-local` starts a cluster on this machine, `ray://HOST:PORT` joins the one whose head listens there. Use as a context manager.

    This machine has to be a node of the cluster it joins: the cache is shared, so nothing is gained by sending data through Ray.

    Raises: Unavailable("build.no_ray" | "build.ray_not_started" | "build.ray_unreachable").
    """

    def __init__(self, address: str, workers: int = 0) -> None:
        try:
            import ray
        except ImportError:
            raise Unavailable("build.no_ray") from None
        self.ray: Any = ray
        self.workers = workers
        self.mine = not ray.is_initialized()
        try:
            if self.mine and address == "ray-local":
                start(ray, workers)
            elif self.mine:
                head = address.removeprefix("ray://")
                knock(head)
                ray.init(address=head, log_to_driver=False, configure_logging=False)
        except Exception as error:
            code = "build.ray_not_started" if address == "ray-local" else "build.ray_unreachable"
            raise Unavailable(code, reason=type(error).__name__) from error
        self.remote = ray.remote(max_retries=MAX_RETRIES, num_cpus=1)(do)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.mine:
            self.ray.shutdown()

    def perform(self, function: str, plan: Plan, tasks: Sequence[T], cache: Cache) -> Iterator[T]:
        if len(tasks) < 2:
            yield from Serial().perform(function, plan, tasks, cache)
            return
        order = self.ray.put(order_of(plan, cache))
        ahead = 4 * max(2, int(self.ray.cluster_resources().get("CPU", 2)))
        waiting: dict[Any, T] = {}
        queue = iter(tasks)
        while True:
            while len(waiting) < ahead and (task := next(queue, None)) is not None:
                waiting[self.remote.remote(function, order, task)] = task
            if not waiting:
                return
            done, _ = self.ray.wait(list(waiting), num_returns=1)
            for reference in done:
                task = waiting.pop(reference)
                try:
                    self.ray.get(reference)
                except self.ray.exceptions.RayTaskError as error:
                    raise error.as_instanceof_cause() from error
                except self.ray.exceptions.RayError as error:
                    raise Unavailable("build.workers_lost", times=MAX_RETRIES) from error
                yield task


def start(ray: Any, workers: int) -> None:
    """A cluster on this machine. Ray gives a node half a minute, which a busy machine may exceed: so it is tried again."""
    for left in reversed(range(STARTS)):
        try:
            # Without an address Ray would join any cluster it finds on this machine.
            ray.init("local", num_cpus=workers or None, include_dashboard=False, log_to_driver=False, configure_logging=False)
        except Exception as error:
            ray.shutdown()
            if not left or type(error) is not Exception:  # that is what Ray raises when the time is over
                raise
        else:
            return


def knock(head: str) -> None:
    """Raises OSError or ValueError where nobody listens: Ray itself would go on asking for many minutes."""
    host, _, port = head.rpartition(":")
    socket.create_connection((host, int(port)), KNOCK_SECONDS).close()
