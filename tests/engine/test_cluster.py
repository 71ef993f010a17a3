"""The same plan on a Ray cluster of two nodes: equal bytes."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from corpushub.engine.cluster import RayCluster
from corpushub.engine.executors import Serial
from tests.engine.test_executors import built, folder  # noqa: F401  the fixture

pytest.importorskip("ray")

PATIENT = {"agent_register_timeout_ms": 100_000}


def test_two_nodes_give_the_bytes_of_one_process(folder: Path) -> None:  # noqa: F811
    one = built(folder, "serial", Serial())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80_000_000, "_system_config": PATIENT}
        try:
            cluster = Cluster(initialize_head=True, head_node_args=head)
            cluster.add_node(num_cpus=1, object_store_memory=80_000_000)
        except Exception as error:  # noqa: BLE001  Ray raises a bare Exception
            pytest.skip(f"Ray's own daemons did not start in time on this machine: {type(error).__name__}")
        try:
            with RayCluster(cluster.address) as executor:
                assert built(folder, "ray", executor) == one
        finally:
            cluster.shutdown()
