"""The same work on a Ray cluster of two nodes: equal bytes, by the engine's own hand and by the command line's, and no process left."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from corpushub.engine.run.cluster import RayCluster
from corpushub.engine.run.executors import Serial
from tests.cli import test_build
from tests.engine.run import test_executors
from tests.kit.cluster import two_nodes
from tests.kit.demo import free_port

folder, shell = test_executors.folder, test_build.shell


@pytest.fixture(scope="module")
def cluster() -> Generator[Any]:
    before = descendants()
    with two_nodes() as nodes:
        yield nodes
    assert gone(before) == set()


def descendants() -> set[int]:
    """The running processes that this one has started, itself or through others."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = status.read_text("utf-8", "replace").rpartition(")")[2].split()[:2]
        except OSError:  # it has just ended
            continue
        if state != "Z":
            parents[int(status.parent.name)] = int(parent)
    found: set[int] = set()
    edge = {os.getpid()}
    while edge:
        edge = {pid for pid, parent in parents.items() if parent in edge} - found
        found |= edge
    return found


def gone(before: set[int], seconds: float = 30) -> set[int]:
    """Processes that have come since `before` and do not go."""
    end = time.monotonic() + seconds
    while (left := descendants() - before) and time.monotonic() < end:
        time.sleep(0.2)
    return left


def test_two_nodes_give_the_bytes_of_one_process(folder: Path, cluster: Any) -> None:
    one = test_executors.built(folder, "serial", Serial())
    with RayCluster(cluster.address) as executor:
        assert test_executors.built(folder, "ray", executor) == one


@pytest.mark.parametrize("here", [False, True], ids=["ray://", "ray-local"])
def test_a_build_on_ray_gives_the_release_of_this_machine_and_leaves_no_process(
    shell: Callable[..., Any], tmp_path: Path, cluster: Any, here: bool
) -> None:
    recipe = str(tmp_path / "notices.yaml")
    code, one, told = shell("build", recipe, "--on", "serial")
    assert code == 0, told
    (tmp_path / "cache").rename(tmp_path / "elsewhere")
    before = descendants()
    code, other, told = shell("build", recipe, "--on", "ray-local" if here else f"ray://{cluster.address}")
    assert code == 0, told
    assert {name: taken for name, (taken, _) in other["reused"].items() if taken} == {}
    assert other["files"] == one["files"]
    assert other["logical_digest"] == one["logical_digest"]
    if here:
        assert gone(before) == set()


def test_a_cluster_that_is_not_there_is_told_at_once_with_what_to_do(shell: Callable[..., Any], tmp_path: Path) -> None:
    recipe = str(tmp_path / "notices.yaml")
    for address in (f"ray://127.0.0.1:{free_port()}", "ray://nowhere"):
        code, _, told = shell("build", recipe, "--on", address, plain=True)
        assert (code, "Traceback" in told, "ray://HOST:PORT" in told) == (75, False, True), told
