"""What the server does below HTTP: whole and partial files past Python, slow and oversized heads."""

from __future__ import annotations

import os
import socket
from collections.abc import Generator

import httpx
import pytest

from corpushub.api import protocol
from tests.kit.hub import SomeHub, notices, serving, some_hub

BIG = os.urandom(1 << 20) * 5 + b"end"
REPO = "city/big"


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
