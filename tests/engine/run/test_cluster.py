"""The same plan on a Ray cluster of two nodes: equal bytes."""

from __future__ import annotations

import warnings
from pathlib import Path

from corpushub.engine.run.cluster import RayCluster
from corpushub.engine.run.executors import Serial
from tests.engine.run.test_executors import built, folder  # noqa: F401  the fixture

PATIENT = {"agent_register_timeout_ms": 100_000}


def test_two_nodes_give_the_bytes_of_one_process(folder: Path) -> None:  # noqa: F811
    one = built(folder, "serial", Serial())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80_000_000, "_system_config": PATIENT}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        cluster.add_node(num_cpus=1, object_store_memory=80_000_000)
        try:
            with RayCluster(cluster.address) as executor:
                assert built(folder, "ray", executor) == one
        finally:
            cluster.shutdown()
