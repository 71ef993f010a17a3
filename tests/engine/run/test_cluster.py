"""The same plan on a Ray cluster of two nodes: equal bytes."""

from __future__ import annotations

from pathlib import Path

from corpushub.engine.run.cluster import RayCluster
from corpushub.engine.run.executors import Serial
from tests.engine.run.test_executors import built, folder  # noqa: F401  the fixture
from tests.kit.cluster import two_nodes


def test_two_nodes_give_the_bytes_of_one_process(folder: Path) -> None:  # noqa: F811
    one = built(folder, "serial", Serial())
    with two_nodes() as cluster, RayCluster(cluster.address) as executor:
        assert built(folder, "ray", executor) == one
