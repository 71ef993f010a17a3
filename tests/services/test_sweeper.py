"""A sweep takes what nobody names, and nothing else: not a proposal's bytes, not a push's, not a release's, killed or not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from corpushub.base.errors import Forbidden
from corpushub.base.identity import sha256
from corpushub.domain.parties import SYSTEM
from corpushub.domain.tree import entry_for
from corpushub.services.contributions import Push
from tests.kit.hub import CURATOR, READER, REPO, SomeHub, notices, some_hub

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hub(tmp_path: Path) -> SomeHub:
    return some_hub(tmp_path)


def grow_old(home: Path) -> None:
    for path in (home / "objects").glob("??/*"):
        os.utime(path, (0, time.time() - 7200))


def test_what_any_row_names_is_kept(hub: SomeHub) -> None:
    hub.publish(REPO, notices())
    hub.repositories.create(CURATOR, "city/pushed")
    pushed = b"pushed"
    hub.contributions.push(CURATOR, "city/pushed", Push("main", "one", files=[hub.contributions.keep_small("a.txt", pushed)]))
    uploaded, proposed, gone = (hub.objects.put_bytes(word) for word in (b"uploaded", b"proposed", b"gone"))
    hub.contributions.received(CURATOR, "city/pushed", uploaded, 8)
    with hub.database.begin() as unit:
        unit.documents.put("manifest", "m", {"documents": {"data/a.parquet": proposed}})
    grow_old(hub.settings.home)
    young = hub.objects.put_bytes(b"young")
    swept = hub.sweeper.sweep(SYSTEM)
    assert (swept.objects, swept.bytes) == (1, 4)
    assert hub.objects.size(gone) is None
    kept = [sha256(data) for data in notices().values()] + [sha256(pushed), uploaded, proposed, young]
    assert all(hub.objects.size(digest) is not None for digest in kept)


def test_a_deleted_repository_frees_its_bytes_at_the_next_sweep(hub: SomeHub) -> None:
    hub.repositories.create(CURATOR, "city/pushed")
    data = b"only here"
    hub.contributions.push(CURATOR, "city/pushed", Push("main", "one", files=[hub.contributions.keep_small("a.txt", data)]))
    grow_old(hub.settings.home)
    assert hub.sweeper.sweep(SYSTEM).objects == 0
    hub.repositories.delete(CURATOR, "city/pushed")
    hub.sweeper.sweep(SYSTEM)
    assert hub.objects.size(sha256(data)) is None


def test_it_happens_once_a_day_and_nobody_else_may(hub: SomeHub) -> None:
    assert hub.sweeper.sweep_if_due()
    assert not hub.sweeper.sweep_if_due()
    hub.city.clock.forward(days=2)
    assert hub.sweeper.sweep_if_due()
    for actor in (READER, CURATOR):
        with pytest.raises(Forbidden):
            hub.sweeper.sweep(actor)


SCRIPT = """
import sys
from pathlib import Path
from corpushub.base.settings import Settings
from corpushub.domain.parties import SYSTEM
from corpushub.services.hub import open_hub
hub = open_hub(Settings(home=Path(sys.argv[1])))
print("ready", flush=True)
hub.sweeper.sweep(SYSTEM)
"""


def test_a_sweep_that_is_killed_has_taken_only_what_nobody_named(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from corpushub.base.settings import Settings
    from corpushub.services.hub import open_hub

    hub = open_hub(Settings(home=tmp_path))
    named = {f"data/{number}.txt": b"named %d" % number for number in range(50)}
    for number in range(3000):
        hub.objects.put_bytes(b"unnamed %d" % number)
    with hub.database.begin() as unit:
        unit.repos.ensure("city/a", org="o", by="p")
        unit.repos.commit("city/a", [entry_for(path, data) for path, data in named.items()], "one", "p", datetime.now(UTC))
    for data in named.values():
        hub.objects.put_bytes(data)
    hub.close()
    grow_old(tmp_path)
    for pause in (0.0, 0.02, 0.05, 0.1):
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()
    again = open_hub(Settings(home=tmp_path))
    again.sweeper.sweep(SYSTEM)
    held = {path.name for path in (tmp_path / "objects").glob("??/*")}
    assert held == {sha256(data) for data in named.values()}
    assert not list((tmp_path / "objects").glob("swept-*"))
    again.close()
