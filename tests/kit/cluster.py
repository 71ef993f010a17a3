"""A Ray cluster of two nodes on this machine."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

ATTEMPTS = 3  # Ray gives a node a fixed half minute to start, which a busy machine may exceed
PATIENT = {"agent_register_timeout_ms": 100_000}
NODE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80_000_000}


@contextmanager
def two_nodes() -> Generator[Any]:
    """A started `ray.cluster_utils.Cluster`, shut down at the end. A start that fails is cleared away and tried again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cluster = started()
        try:
            yield cluster
        finally:
            cluster.shutdown()


def started() -> Any:
    from ray.cluster_utils import Cluster

    for attempt in range(1, ATTEMPTS + 1):
        cluster: Any = Cluster()
        try:
            cluster.add_node(**NODE, include_dashboard=False, _system_config=PATIENT)
            cluster.add_node(**NODE)
        except Exception:  # Ray raises a bare Exception here
            cluster.shutdown()
            if attempt == ATTEMPTS:
                raise
        else:
            return cluster
    raise AssertionError
