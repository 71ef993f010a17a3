"""Objects are what their name says, whatever store holds them."""

from __future__ import annotations

import os
import socket
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
    assert objects.sweep({kept}) == 1
    assert [objects.size(digest) is not None for digest in (kept, old, young)] == [True, False, True]


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
