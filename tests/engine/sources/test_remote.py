"""Sources elsewhere: only from hosts that were allowed, fetched once, refused in words."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from corpushub.base.errors import Forbidden, NotFound, Unavailable
from corpushub.base.settings import Settings
from corpushub.domain.recipe import SourceRef
from corpushub.engine.cache import Cache
from corpushub.engine.sources.opening import Place, open_source

ASKED: list[str] = []


class Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ASKED.append(self.path)
        if self.path == "/data.csv":
            body = "名称,数\n北京,1\n".encode("gb18030")
            self.send_response(200)
            self.send_header("ETag", '"v1"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        elif self.path == "/moved.csv":
            self.send_response(302)
            self.send_header("Location", "http://elsewhere.example/data.csv")
            self.end_headers()
        else:
            self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def opened(tmp_path: Path, address: str, **settings: str) -> int:
    place = Place(tmp_path, Settings(home=tmp_path, **settings), Cache(tmp_path / "cache"))
    return open_source(SourceRef("s", "r/1", address), place).fact.rows


def test_an_allowed_host_is_read_and_any_other_is_not_even_asked(site: str, tmp_path: Path) -> None:
    assert opened(tmp_path, f"{site}/data.csv", allowed_hosts="127.0.0.1") == 1
    ASKED.clear()
    with pytest.raises(Forbidden, match=r"source\.host"):
        opened(tmp_path, f"{site}/data.csv", allowed_hosts="example.org")
    assert ASKED == []


def test_a_redirect_leads_nowhere(site: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"source\.unreachable"):
        opened(tmp_path, f"{site}/moved.csv", allowed_hosts="127.0.0.1")


def test_what_is_missing_or_away_is_told_apart(site: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"source\.missing"):
        opened(tmp_path, f"{site}/none.csv", allowed_hosts="127.0.0.1")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = probe.getsockname()[1]
    with pytest.raises(Unavailable, match=r"source\.unreachable"):
        opened(tmp_path, f"http://127.0.0.1:{closed}/a.csv", allowed_hosts="127.0.0.1")


def test_an_object_of_a_bucket_is_a_source(tmp_path: Path) -> None:
    import httpx
    from moto.server import ThreadedMotoServer

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    try:
        httpx.put(f"http://127.0.0.1:{port}/data")
        httpx.put(f"http://127.0.0.1:{port}/data/a/b.jsonl", content=b'{"a": 1}\n{"a": 2}\n')
        keys = {"s3_endpoint": f"http://127.0.0.1:{port}", "s3_access_key_id": "k", "s3_secret_access_key": "s"}
        assert opened(tmp_path, "s3://data/a/b.jsonl", **keys) == 2
        with pytest.raises(NotFound):
            opened(tmp_path, "s3://data/a/none.jsonl", **keys)
    finally:
        server.stop()


@pytest.mark.parametrize(
    "address", ["s3://hub/releases/ab/cdef", "s3://hub/releases", "s3://hub/else/../releases/ab", "s3://hub//releases/ab"]
)
def test_the_hub_s_own_store_is_no_source(tmp_path: Path, address: str) -> None:
    """It holds what others were granted, under names that lists of files show."""
    with pytest.raises(Forbidden, match=r"source\.own_store"):
        opened(tmp_path, address, objects_url="s3://hub/releases", s3_endpoint="http://127.0.0.1:9")
    with pytest.raises(Unavailable):
        opened(tmp_path, "s3://hub/releases-of-others/a.csv", objects_url="s3://hub/releases", s3_endpoint="http://127.0.0.1:9")
