"""A backup holds the whole hub, is whole or not there, and comes back on any of the stores."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from corpushub.base.errors import Conflict, HubError, Invalid, NotFound
from corpushub.base.identity import sha256
from corpushub.base.settings import Settings
from corpushub.base.signing import hub_key
from corpushub.domain.parties import SYSTEM
from corpushub.services.backup import ABOUT, DIGESTS, ROWS, alone, backups
from corpushub.services.hub import Hub
from corpushub.store.db import Database
from corpushub.store.migrate import all_metadata
from tests.kit.demo import copy_of
from tests.kit.gov import START, credit_code, registered
from tests.kit.hub import REPO, SomeHub, notices, some_hub
from tests.kit.postgres import a_database
from tests.store import test_objects

ROOT = Path(__file__).parents[2]
bucket = test_objects.bucket


@pytest.fixture
def hub(tmp_path: Path) -> SomeHub:
    (tmp_path / "home").mkdir()
    made = some_hub(tmp_path / "home")
    registered(made.city)
    made.publish(REPO, notices())
    hub_key(made.settings, "ledger")
    (made.settings.home / "corpushub.toml").write_text('lang = "en"\n')
    (made.settings.home / "builds" / "tmp-1").mkdir(parents=True)
    for name in ("builds/b.json", "builds/tmp-1/half.json", "cache/c"):
        (made.settings.home / name).parent.mkdir(exist_ok=True)
        (made.settings.home / name).write_text(name)
    return made


def rows_of(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.read() as unit:
        return {
            table.name: sorted(map(tuple, unit.connection.execute(sa.select(table)).all()), key=repr)
            for table in all_metadata().sorted_tables
        }


def another(tmp_path: Path, name: str = "other") -> Hub:
    return Hub(Settings(home=tmp_path / name))


@pytest.mark.parametrize("store", ["folder", "bucket"])
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_hub_comes_back_on_any_of_its_stores(
    hub: SomeHub, tmp_path: Path, request: pytest.FixtureRequest, store: str, database: str
) -> None:
    made = hub.backup.make(tmp_path / "kept")
    place: Settings = request.getfixturevalue("bucket") if store == "bucket" else Settings(tmp_path)
    url = a_database("restored") if database == "postgresql" else ""
    other = Hub(replace(place, home=tmp_path / "other", database_url=url))
    done = other.backup.restore(tmp_path / "kept")
    assert (done.backup, done.rows, done.ledger, done.objects) == (made.backup, made.rows, made.ledger, made.objects)
    assert rows_of(other.database) == rows_of(hub.database)
    for data in notices().values():
        assert other.objects.read(sha256(data)) == data
    home, here = hub.settings.home, other.settings.home
    assert (here / "keys/ledger.key").read_bytes() == (home / "keys/ledger.key").read_bytes()
    assert (here / "keys/ledger.key").stat().st_mode & 0o777 == 0o600
    assert (here / "corpushub.toml").read_text() == 'lang = "en"\n'
    assert [path.name for path in (here / "builds").rglob("*")] == ["b.json"]
    assert not (here / "cache").exists()
    assert other.audit.verify().is_whole
    # It goes on where it stopped, with numbers of its own behind those that came.
    name = {"zh": "后来者", "en": "Later"}
    other.parties.add_org(SYSTEM, id="later", credit_code=credit_code(77), kind="agency", region="990100", name=name)
    report = other.audit.verify()
    assert report.is_whole
    assert report.leaves == made.ledger + 1
    other.close()


def test_a_backup_may_be_made_while_the_hub_works_and_the_next_adds_only_what_is_new(hub: SomeHub, tmp_path: Path) -> None:
    first = hub.backup.make(tmp_path / "kept")
    assert first.new_objects == first.objects == len(notices())
    hub.backup.clock = lambda: START.replace(year=2027)
    added = hub.objects.put_bytes(b"added")
    second = hub.backup.make(tmp_path / "kept", keep=5)
    assert (second.new_objects, second.objects) == (1, len(notices()) + 1)
    assert backups(tmp_path / "kept") == [first.backup, second.backup]
    older = another(tmp_path, "older")
    older.backup.restore(tmp_path / "kept", first.backup)
    assert older.objects.size(added) is None
    newer = another(tmp_path, "newer")
    assert newer.backup.restore(tmp_path / "kept").backup == second.backup
    assert newer.objects.size(added) == 5


def test_only_the_newest_stay_with_what_they_need(hub: SomeHub, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    gone = hub.objects.put_bytes(b"only in the first")
    hub.backup.make(kept)
    for path in kept.glob("objects/??/*"):
        os.utime(path, (0, 0))
    (hub.settings.home / "objects" / gone[:2] / gone).unlink()
    hub.backup.clock = lambda: START.replace(year=2027)
    second = hub.backup.make(kept, keep=1)
    assert backups(kept) == [second.backup]
    assert not (kept / "objects" / gone[:2] / gone).exists()
    other = another(tmp_path)
    other.backup.restore(kept)
    assert rows_of(other.database) == rows_of(hub.database)


def test_a_backup_is_nobody_elses(hub: SomeHub, tmp_path: Path) -> None:
    made = hub.backup.make(tmp_path / "kept")
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0
    assert (tmp_path / "kept" / made.backup).stat().st_mode & 0o077 == 0


def test_what_cannot_be_right_is_refused_and_leaves_all_as_it_was(hub: SomeHub, tmp_path: Path) -> None:
    def refused(code: str, kind: type[HubError], act: object, *words: object) -> None:
        with pytest.raises(kind) as told:
            act(*words)  # type: ignore[operator]
        assert told.value.code == code
        assert str(tmp_path) not in told.value.explain("en") + told.value.explain("zh")

    kept, other = tmp_path / "kept", another(tmp_path)
    refused("backup.inside_home", Invalid, hub.backup.make, hub.settings.home / "kept")
    refused("backup.none", NotFound, other.backup.restore, tmp_path / "nothing")
    made = hub.backup.make(kept)
    refused("backup.at_once", Conflict, hub.backup.make, kept)
    with alone(kept):
        hub.backup.clock = lambda: START.replace(year=2027)
        refused("backup.at_once", Conflict, hub.backup.make, kept)
    refused("backup.none", NotFound, other.backup.restore, kept, "20200101T000000Z")
    refused("backup.not_empty", Conflict, hub.backup.restore, kept)
    place, before = kept / made.backup, rows_of(other.database)
    for path, code in (
        (place / ABOUT, "backup.unreadable"),
        (place / ROWS, "backup.damaged"),
        (next(kept.glob(f"objects/??/{sha256(notices()['README.md'])}")), "backup.damaged"),
    ):
        data = path.read_bytes()
        path.chmod(0o600)
        path.write_bytes(data[:50])
        refused(code, Invalid, other.backup.restore, kept)
        path.write_bytes(data)
    about = (place / ABOUT).read_text()
    (place / ABOUT).write_text(about.replace("builds/b.json", "../b.json"))
    refused("backup.unreadable", Invalid, other.backup.restore, kept)
    (place / ABOUT).write_text(about)
    hub_key(other.settings, "ledger")
    refused("backup.other_file", Conflict, other.backup.restore, kept)
    assert rows_of(other.database) == before
    shutil.rmtree(other.settings.home / "keys")
    other.backup.restore(kept)
    assert rows_of(other.database) == rows_of(hub.database)


def test_a_damaged_object_of_the_hub_is_named_and_no_backup_is_left(hub: SomeHub, tmp_path: Path) -> None:
    digest = sha256(notices()["README.md"])
    path = hub.settings.home / "objects" / digest[:2] / digest
    path.chmod(0o600)
    path.write_bytes(b"other")
    with pytest.raises(Invalid) as told:
        hub.backup.make(tmp_path / "kept")
    assert digest in told.value.explain("en")
    assert backups(tmp_path / "kept") == []


def test_backups_and_restores_that_are_killed_are_begun_again(prepared_home: Path, tmp_path: Path) -> None:
    home, kept = copy_of(prepared_home, tmp_path / "home"), tmp_path / "kept"
    other = tmp_path / "other"

    def killed_after(seconds: float, *words: str) -> bool:
        line = [sys.executable, "-m", "corpushub", *words]
        process = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(seconds)
        done = process.poll() is not None
        process.send_signal(signal.SIGKILL)
        _, told = process.communicate(timeout=60)
        assert b"Traceback" not in told
        return done

    for seconds in (0.6, 0.9, 1.2, 1.5):
        if killed_after(seconds, "--home", str(home), "backup", str(kept)):
            break
        assert all((kept / name / DIGESTS).exists() for name in backups(kept))
    whole = Hub(Settings(home=home))
    whole.backup.make(kept)
    assert not list(kept.glob("tmp-*"))
    for seconds in (0.6, 0.9, 1.2):
        if killed_after(seconds, "--home", str(other), "restore", str(kept)):
            break
    restored = Hub(Settings(home=other))
    try:
        restored.backup.restore(kept)
    except Conflict as told:  # one of them had ended before it was killed
        assert told.code == "backup.not_empty"  # noqa: PT017
    assert rows_of(restored.database) == rows_of(whole.database)
    assert restored.audit.verify().is_whole
