"""Two hubs of their own processes over one PostgreSQL: what one promises the other knows of."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import httpx
import pytest

from corpushub.base.settings import Settings
from corpushub.services.hub import open_hub
from tests.kit.gov import a_city, released
from tests.kit.hub import READER, REPO, SomeHub, free_port, notices
from tests.kit.postgres import a_database

SMALL = "data/test-00000-of-00001.parquet"  # 20 rows
AT_ONCE = 12
SERVER = """
import datetime, sys
from corpushub.base.settings import load_settings
from corpushub.services.hub import open_hub
from corpushub.web import serve
from tests.kit.gov import Ticker

settings = load_settings()
hub = open_hub(settings, Ticker(datetime.datetime.fromisoformat(sys.argv[1])))
serve(hub, host="127.0.0.1", port=settings.port, with_portal=False)
"""


@pytest.fixture
def hub(tmp_path: Path) -> Generator[SomeHub]:
    url = a_database("two_hubs")
    city = a_city(tmp_path, url)
    made = SomeHub(open_hub(Settings(home=tmp_path, port=free_port(), database_url=url), city.clock), city)
    city.made["release"] = released(city)
    made.publish(REPO, notices())
    yield made
    made.close()
    city.database.close()


@contextmanager
def served(hub: SomeHub) -> Generator[str]:
    """The address of a server in a process of its own, over the database and objects of `hub`."""
    port = free_port()
    home = {"CORPUSHUB_HOME": str(hub.settings.home), "CORPUSHUB_DATABASE_URL": hub.settings.database_url, "PORT": str(port)}
    words = [sys.executable, "-c", SERVER, hub.city.clock.now.isoformat()]
    process = subprocess.Popen(words, env=os.environ | home, cwd=Path(__file__).parents[2], stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while not answers(address):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield address
    finally:
        process.kill()
        process.wait(timeout=10)


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_the_last_rows_of_a_right_leave_one_of_two_hubs(hub: SomeHub) -> None:
    right = hub.entitle(max_rows=50)
    secret = hub.token(READER)
    together = Barrier(AT_ONCE)

    def take(address: str) -> int:
        with httpx.Client(base_url=address, headers={"authorization": f"Bearer {secret}"}) as client:
            client.get(f"/api/datasets/{REPO}")
            together.wait()
            return client.get(f"/datasets/{REPO}/resolve/v1.0.0/{SMALL}").status_code

    with served(hub) as one, served(hub) as other, ThreadPoolExecutor(AT_ONCE) as readers:
        assert Counter(readers.map(take, [one, other] * (AT_ONCE // 2))) == {200: 2, 403: AT_ONCE - 2}
        deadline = time.monotonic() + 10
        while used(hub, right.id) < 40 and time.monotonic() < deadline:
            time.sleep(0.1)
    assert used(hub, right.id) == 40
    with hub.database.read() as unit:
        assert not unit.row_holds.held()


def used(hub: SomeHub, right: str) -> int:
    with hub.database.read() as unit:
        return int(unit.deliveries.used(right)["rows"])
