"""The same work on a Ray cluster of two nodes: equal bytes, by the engine's own hand and by the command line's, and no process left."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from corpushub.engine.run.cluster import RayCluster
from corpushub.engine.run.executors import Serial
from tests.cli import test_interrupts
from tests.engine.run import test_pool
from tests.kit.cluster import two_nodes
from tests.kit.demo import free_port

folder, home, say = test_pool.folder, test_interrupts.home, test_interrupts.say


@pytest.fixture(scope="module")
def cluster() -> Generator[Any]:
    with two_nodes() as nodes:
        yield nodes


def test_two_nodes_give_the_bytes_of_one_process(folder: Path, cluster: Any) -> None:
    one = test_pool.built(folder, "serial", Serial())
    with RayCluster(cluster.address) as executor:
        assert test_pool.built(folder, "ray", executor) == one


@pytest.mark.parametrize("on", ["ray://{address}", "ray-local"])
def test_a_build_on_a_cluster_gives_the_release_of_this_machine_and_leaves_no_process(
    home: Path, say: test_interrupts.Say, cluster: Any, on: str
) -> None:
    recipe = str(home / "notices.yaml")
    one = json.loads(say("build", recipe, "--on", "serial", "--json")[1])
    (home / "cache").rename(home / "elsewhere")
    process = test_interrupts.start(home, "build", recipe, "--on", on.format(address=cluster.address), "--json")
    out, told = process.communicate(timeout=300)
    assert process.returncode == 0, told
    other = json.loads(out)
    assert {(taken, shards) for taken, shards in other["reused"].values()} == {(0, 20)}
    assert other["files"] == one["files"]
    assert other["logical_digest"] == one["logical_digest"]
    assert left_by(home) == []


def left_by(home: Path, seconds: float = 30) -> list[str]:
    """Processes that a program over this home started and that do not go: its environment tells them, whoever their parent is now."""
    mark = f"CORPUSHUB_HOME={home}\0".encode()
    end = time.monotonic() + seconds
    while True:
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):  # it has just ended
                found += [environ.parent.name] if mark in environ.read_bytes() else []
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.2)


def test_a_cluster_that_is_not_there_is_told_at_once_with_what_to_do(home: Path, say: test_interrupts.Say) -> None:
    recipe = str(home / "notices.yaml")
    for address in (f"ray://127.0.0.1:{free_port()}", "ray://nowhere"):
        code, _, told = say("build", recipe, "--on", address, "--lang", "en")
        assert (code, "Traceback" in told, "ray://HOST:PORT" in told) == (75, False, True), told


def test_ray_that_does_not_start_is_told_with_what_to_do(home: Path, tmp_path: Path) -> None:
    """Its sockets lie below its own folder, and the system takes no socket with so long a path."""
    process = test_interrupts.start(
        home, "build", str(home / "notices.yaml"), "--on", "ray-local", "--lang", "en", RAY_TMPDIR=str(tmp_path / ("x" * 120))
    )
    _, told = process.communicate(timeout=300)
    assert (process.returncode, "Traceback" in told, "--on local" in told) == (75, False, True), told
    assert left_by(home) == []
