"""What the server does below HTTP: whole and partial files past Python, slow and oversized heads."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from corpushub.api import protocol
from tests.kit.hub import CURATOR, READER, SomeHub, notices, serving, some_hub

BIG = os.urandom(1 << 20) * 5 + b"end"
REPO = "city/big"
ASKED = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> SomeHub:
    made = some_hub(tmp_path_factory.mktemp("hub"))
    made.publish(REPO, {"big.bin": BIG, "数据/一.txt": "一".encode(), **notices()}, tag="v1.0.0", gated="")
    return made


@pytest.fixture(scope="module")
def address(hub: SomeHub) -> Generator[str]:
    with serving(hub) as found:
        yield found


def test_a_large_file_arrives_whole_in_parts_and_one_after_another(address: str) -> None:
    url = f"{address}/datasets/{REPO}/resolve/v1.0.0/big.bin"
    with httpx.Client() as client:
        for span in ((0, len(BIG)), (5, 3 << 20), ((2 << 20) + 1, len(BIG)), (len(BIG) - 3, len(BIG))):
            answer = client.get(url, headers={"range": f"bytes={span[0]}-{span[1] - 1}"})
            assert answer.status_code == 206
            assert answer.content == BIG[span[0] : span[1]]
        assert client.get(url).content == BIG
        assert client.get(f"{address}/healthz").json()["status"] == "ok"


def test_a_client_that_leaves_in_the_middle_hurts_nobody(address: str) -> None:
    for _ in range(3):
        with httpx.stream("GET", f"{address}/datasets/{REPO}/resolve/v1.0.0/big.bin") as answer:
            next(answer.iter_raw(1000))
    assert httpx.get(f"{address}/healthz").status_code == 200


def test_a_slow_or_endless_head_is_cut_off(hub: SomeHub, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", hub.settings.port)) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        line.settimeout(5)
        assert line.recv(100) == b""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 20.0)
    with socket.create_connection(("127.0.0.1", hub.settings.port)) as line:
        line.settimeout(5)
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        try:
            for number in range(300):
                line.sendall(b"X-%d: " % number + b"a" * 1000 + b"\r\n")
            answer = line.recv(1000)
        except (BrokenPipeError, ConnectionResetError):
            answer = b"HTTP/1.1 400"
        assert answer.startswith(b"HTTP/1.1 400")
    assert httpx.get(f"{address}/healthz").status_code == 200


def ends(line: socket.socket) -> bool:
    """Does the server close it within three seconds, whatever it says before?"""
    line.settimeout(3)
    try:
        while line.recv(10_000):
            pass
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("said", [[b"GET /"], [ASKED, b"GET /"], [ASKED, b"\r\n"], [b"\r\n"]])
def test_no_connection_is_held_by_less_than_a_head(
    hub: SomeHub, address: str, monkeypatch: pytest.MonkeyPatch, said: list[bytes]
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", hub.settings.port)) as line:
        for piece in said:
            line.sendall(piece)
            time.sleep(0.1)
        assert ends(line)
    assert httpx.get(f"{address}/healthz").status_code == 200


def test_a_new_connection_has_longer_for_its_first_byte_but_not_for_ever(
    hub: SomeHub, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    with socket.create_connection(("127.0.0.1", hub.settings.port)) as line:
        time.sleep(0.1 + protocol.LATE_SECONDS + 0.5)
        line.sendall(ASKED)
        assert line.recv(100).startswith(b"HTTP/1.1 200")
    monkeypatch.setattr(protocol, "FIRST_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", hub.settings.port)) as line:
        assert ends(line)
    assert httpx.get(f"{address}/healthz").status_code == 200


def test_a_head_that_came_while_the_loop_was_late_is_answered(
    hub: SomeHub, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = protocol.HubProtocol.data_received

    def busy(self: protocol.HubProtocol, data: bytes) -> None:
        if data == b"\r\n":
            time.sleep(1.0)  # a machine that has no time for this server
        real(self, data)

    monkeypatch.setattr(protocol.HubProtocol, "data_received", busy)
    monkeypatch.setattr(protocol, "FIRST_SECONDS", 0.3)
    with (
        socket.create_connection(("127.0.0.1", hub.settings.port)) as line,
        socket.create_connection(line.getpeername()) as other,
    ):
        time.sleep(0.1)
        other.sendall(b"\r\n")
        time.sleep(0.1)
        line.sendall(ASKED)
        line.settimeout(5)
        assert line.recv(100).startswith(b"HTTP/1.1 200")
    assert httpx.get(f"{address}/healthz").status_code == 200


def test_a_body_that_trickles_is_cut_off_and_one_that_comes_is_not(
    hub: SomeHub, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "BODY_SECONDS", 0.3)
    head = b"POST /api/validate-yaml HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", hub.settings.port)) as line:
        line.settimeout(10)
        line.sendall(head % 100_000 + b"{")
        for _ in range(3):
            time.sleep(0.05)
            line.sendall(b" ")
        started = time.monotonic()
        assert line.recv(1000) in {b"", b"HTTP/1.1 400"}
        assert time.monotonic() - started < 5
    monkeypatch.setattr(protocol, "MIN_BODY_BYTES", 1000)
    body = b'{"content": "' + b"x" * 20_000 + b'"}'
    with socket.create_connection(("127.0.0.1", hub.settings.port)) as line:
        line.settimeout(10)
        line.sendall(head % len(body))
        for at in range(0, len(body), 2000):
            line.sendall(body[at : at + 2000])
            time.sleep(0.1)
        assert line.recv(1000).startswith(b"HTTP/1.1 200")
    assert httpx.get(f"{address}/healthz").status_code == 200


@pytest.mark.parametrize("how", ["revoked", "withdrawn"])
@pytest.mark.parametrize("route", ["sendfile", "pieces"])
def test_a_running_transfer_is_cut_when_the_right_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, route: str
) -> None:
    monkeypatch.setattr(protocol, "HOLDS_SECONDS", 0.05)
    if route == "pieces":
        monkeypatch.setattr(protocol, "SENDFILE", "nobody.asks")
    hub = some_hub(tmp_path)
    large = os.urandom(1 << 20) * 60
    commit = hub.publish("city/large", {"large.bin": large})
    token = hub.access.issue_token(CURATOR if how == "revoked" else READER, name="cut")
    if how == "withdrawn":
        with hub.database.begin() as unit:
            unit.repos.update("city/large", gated="")
        hub.repositories.forget()
    with serving(hub) as address:
        request = httpx.Request("GET", f"{address}/datasets/city/large/resolve/{commit}/large.bin")
        request.headers["authorization"] = f"Bearer {token[0]}"
        with httpx.Client(timeout=10) as client:
            answer = client.send(request, stream=True)
            assert answer.status_code == 200
            pieces = answer.iter_raw(1 << 16)
            got = len(next(pieces))
            if how == "revoked":
                hub.access.revoke(CURATOR, token[1].id)
            else:
                with hub.database.begin() as unit:
                    unit.repos.stop("city/large", "v1.0.0", state="withdrawn", reason="row 7")
                hub.repositories.forget()
            time.sleep(0.3)
            with pytest.raises(httpx.HTTPError):
                for piece in pieces:
                    got += len(piece)
                    time.sleep(0.002)
            assert got < len(large)


def raw(address: str, asked: bytes) -> httpx.Response:
    """What the server says to these bytes, which no client of today would send."""
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as line:
        line.settimeout(10)
        line.sendall(asked)
        told = b"".join(iter(lambda: line.recv(65536), b""))
    head, _, body = told.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    return httpx.Response(int(first.split()[1]), headers=dict(line.split(": ", 1) for line in lines), content=body)


@pytest.mark.parametrize(
    "asked",
    [
        b"\x16\x03\x01\x02\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX-A: a\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"POST /api/validate-yaml HTTP/1.1\r\nContent-Length: 4\r\n\r\n{  }",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /api/validate-yaml HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ids=["tls", "http2", "nul", "no host", "two hosts", "no host, but a body", "endless", "smuggled"],
)
def test_what_is_no_http_is_told_in_both_languages(address: str, asked: bytes) -> None:
    told = raw(address, asked)
    assert told.status_code == 400
    assert told.json()["code"] == "http.malformed"
    assert all(word in told.json()["error"] for word in ("格式正确的 HTTP 请求", "well-formed HTTP request"))


def test_a_request_of_the_old_version_needs_no_host(address: str) -> None:
    assert raw(address, b"GET /healthz HTTP/1.0\r\n\r\n").status_code == 200


def test_who_asks_for_a_websocket_gets_what_a_plain_request_gets(address: str) -> None:
    """Once a status of 500, and a line in the log that something is broken."""
    wanted = b"Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    for path, status in ((b"/healthz", 200), (f"/datasets/{REPO}/resolve/v1.0.0/none".encode(), 404)):
        asked = b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\n" + wanted + b"\r\n"
        assert raw(address, asked).status_code == status, path
