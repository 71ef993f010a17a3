"""Objects are what their name says, whatever store holds them."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpushub.base.errors import Invalid, NotFound, Unavailable
from corpushub.base.identity import sha256
from corpushub.base.settings import Settings
from corpushub.store.objects import Objects

HOUR = 3700


@pytest.fixture(scope="module")
def bucket() -> Iterator[Settings]:
    import httpx
    from moto.server import ThreadedMotoServer

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    httpx.put(f"http://127.0.0.1:{port}/hub")
    yield Settings(
        home=Path("/nonexistent"), objects_url="s3://hub/objects", s3_endpoint=f"http://127.0.0.1:{port}",
        s3_access_key_id="k", s3_secret_access_key="s",
    )  # fmt: skip
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "folder":
        return Objects(tmp_path / "objects")
    return Objects.of(request.getfixturevalue("bucket"))


def test_bytes_come_back_under_their_digest(objects: Objects, tmp_path: Path) -> None:
    data = os.urandom(300_000)
    file = tmp_path / "file"
    file.write_bytes(data)
    assert objects.put_file(file) == objects.put_bytes(data) == sha256(data)
    assert objects.read(sha256(data)) == data
    assert objects.read(sha256(data), 10, 20) == data[10:20]
    assert objects.read(sha256(data), len(data)) == b""
    assert objects.size(sha256(data)) == len(data)
    assert objects.verify(sha256(data))
    with objects.open(sha256(data)) as stream:
        stream.seek(299_990)
        assert stream.read() == data[-10:]


def test_a_missing_object_is_not_found(objects: Objects) -> None:
    assert objects.size("0" * 64) is None
    with pytest.raises(NotFound):
        objects.read("0" * 64)
    with pytest.raises(NotFound):
        objects.open("0" * 64)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "0" * 63])
def test_a_name_that_is_no_digest_is_refused(objects: Objects, name: str) -> None:
    with pytest.raises(Invalid):
        objects.size(name)


def test_sweep_spares_what_is_named_and_what_is_young(tmp_path: Path) -> None:
    objects = Objects(tmp_path / "objects")
    kept, old, young = (objects.put_bytes(word) for word in (b"kept", b"old", b"young"))
    for digest in (kept, old):
        path = objects.local_path(digest)
        assert path
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - HOUR))
    assert objects.sweep(lambda: {kept}) == (1, 3)
    assert [objects.size(digest) is not None for digest in (kept, old, young)] == [True, False, True]


def aged(objects: Objects, digest: str) -> Path:
    path = objects.local_path(digest)
    assert path
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - HOUR))
    return path


def is_aged(objects: Objects, digest: str) -> bool:
    try:
        return bool(aged(objects, digest))
    except FileNotFoundError:
        return False


def test_putting_again_what_is_about_to_be_swept_keeps_it(tmp_path: Path) -> None:
    objects = Objects(tmp_path / "objects")
    before, between = (objects.put_bytes(word) for word in (b"before", b"between"))
    aged(objects, before), aged(objects, between)

    def named() -> set[str]:
        objects.put_bytes(b"between")  # found old, put again while the names are being read
        return set()

    assert objects.sweep(named) == (1, 6)
    assert [objects.size(digest) for digest in (before, between)] == [None, 7]


def test_a_put_that_refreshes_what_a_sweep_removes_meanwhile_writes_it_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = Objects(tmp_path / "objects")
    old = aged(objects, objects.put_bytes(b"word"))
    found, utime = threading.Event(), os.utime

    def slow(path: Path, *times: tuple[float, float]) -> None:
        with path.open("rb") as held:  # found by its name, which a sweep may take before the time is written
            if path == old and not found.is_set():
                found.set()
                assert objects.sweep(set) == (1, 4)
            utime(held.fileno(), *times)

    monkeypatch.setattr(os, "utime", slow)
    assert objects.read(objects.put_bytes(b"word")) == b"word"
    assert found.is_set()


def test_a_sweep_killed_in_the_middle_is_settled_at_the_next_start(tmp_path: Path) -> None:
    objects = Objects(tmp_path / "objects")
    unnamed, again = (objects.put_bytes(word) for word in (b"unnamed", b"put again"))
    for digest in (unnamed, again):
        aged(objects, digest).rename(tmp_path / "objects" / f"swept-{digest}")
    os.utime(tmp_path / "objects" / f"swept-{again}")
    reopened = Objects(tmp_path / "objects")
    assert [reopened.size(digest) for digest in (unnamed, again)] == [None, 9]
    assert not list((tmp_path / "objects").glob("swept-*"))


def test_puts_and_sweeps_at_once_lose_nothing_that_was_put(tmp_path: Path) -> None:
    objects = Objects(tmp_path / "objects")
    words = [b"%d" % number for number in range(20)]
    for word in words:
        aged(objects, objects.put_bytes(word))
    stop = threading.Event()

    def sweeping() -> None:
        while not stop.is_set():
            objects.sweep(set)

    sweeper = threading.Thread(target=sweeping)
    sweeper.start()
    try:
        for _ in range(30):
            for word in words:
                digest = objects.put_bytes(word)
                assert objects.read(digest) == word
                assert objects.size(digest) == len(word)
                deadline = time.monotonic() + 20  # set aside and given back takes a moment
                while not is_aged(objects, digest):
                    assert time.monotonic() < deadline
    finally:
        stop.set()
        sweeper.join()


def test_leftovers_of_a_killed_put_go_at_the_next_start(tmp_path: Path) -> None:
    objects = Objects(tmp_path / "objects")
    left = tmp_path / "objects" / "tmp-left"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    digest = objects.put_bytes(b"whole")
    assert Objects(tmp_path / "objects").read(digest) == b"whole"
    assert not left.exists()


def test_an_unreachable_bucket_says_try_again() -> None:
    settings = Settings(home=Path("/nonexistent"), objects_url="s3://hub", s3_endpoint="http://127.0.0.1:1")
    with pytest.raises(Unavailable):
        Objects.of(settings).size("0" * 64)
