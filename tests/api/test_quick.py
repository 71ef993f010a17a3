"""The short way of small files says what the long way says, to the same people, and leaves the same records."""

from __future__ import annotations

import socket
import time
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from corpushub.api import quick
from corpushub.api.quick import Quick
from corpushub.api.throttle import Quotas
from tests.kit.gov import released
from tests.kit.hub import CURATOR, READER, REPO, SomeHub, notices, serving, some_hub

OPEN = "city/open"
SMALL = {f"data/{number:03}.bin": bytes([number]) * 20_000 for number in range(40)}
LONG = {"x-long-way": "1"}  # a header the short way does not know


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SomeHub:
    made = some_hub(tmp_path)
    # What is believed for a second is believed for a minute here, so that a busy machine does not change which way is taken.
    monkeypatch.setattr(quick, "REF_SECONDS", 60.0)
    for believed in (made.repositories._snapshots, made.access._permissions, made.access._actors):
        believed.seconds = 60.0
    released(made.city)
    made.publish(OPEN, {**notices(), **SMALL, "数据.bin": b"x", "empty.bin": b""}, gated="")
    made.publish(REPO, {**notices(), **SMALL})
    return made


@pytest.fixture
def address(hub: SomeHub) -> Generator[str]:
    with serving(hub) as found:
        yield found


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The targets answered the short way."""
    seen: list[str] = []
    usual = Quick.answer

    def counted(self: Quick, method: bytes, target: bytes, headers: object, address: str) -> list[bytes] | None:
        found = usual(self, method, target, headers, address)  # type: ignore[arg-type]  # passed on as it came
        if found is not None:
            seen.append(f"{method.decode()} {target.decode()}")
        return found

    monkeypatch.setattr(Quick, "answer", counted)
    return seen


def test_both_ways_give_the_same_bytes_and_headers(hub: SomeHub, address: str, short: list[str]) -> None:
    commit = hub.repositories.at(READER, OPEN).commit.id
    paths = [f"/datasets/{OPEN}/resolve/{revision}/data/00{n}.bin" for revision in ("main", "v1.0.0", commit) for n in range(3)]
    with httpx.Client(base_url=address) as client:
        for path in paths:
            client.get(path, headers=LONG)
            one, two = client.get(path), client.get(path, headers=LONG)
            assert one.content == two.content == SMALL[path.partition(f"{path.split('/')[5]}/")[2]]
            fixed = {"date", "x-request-id"}
            assert {k: v for k, v in one.headers.items() if k not in fixed} == {
                k: v for k, v in two.headers.items() if k not in fixed
            }
            assert one.headers["x-request-id"] != two.headers["x-request-id"]
        head = client.head(paths[-1])
        assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "20000")
        assert client.head(paths[0]).status_code == 307
        assert client.get(paths[-1], headers={"x-request-id": "mine"}).headers["x-request-id"] == "mine"
    assert [f"GET {path}" for path in paths] == [line for line in short if line.startswith("GET")][: len(paths)]
    assert f"HEAD {paths[-1]}" in short


def test_what_is_out_of_the_ordinary_takes_the_long_way(address: str, short: list[str]) -> None:
    base = f"/datasets/{OPEN}/resolve/v1.0.0"
    with httpx.Client(base_url=address) as client:
        client.get(f"{base}/data/000.bin")
        short.clear()
        assert client.get(f"{base}/data/000.bin", headers={"range": "bytes=0-9"}).status_code == 206
        assert client.get(f"{base}/data/000.bin?download=true").headers["content-disposition"].startswith("attachment")
        assert client.get(f"{base}/%E6%95%B0%E6%8D%AE.bin").content == b"x"
        assert client.get(f"{base}/README.md").text.startswith("---")
        assert client.get(f"{base}/data/test-00000-of-00001.parquet").content[:4] == b"PAR1"
        assert client.get(f"{base}/none.bin").status_code == 404
        assert client.get(f"{base}/../v1.0.0/data/000.bin", headers={"cookie": "a=b"}).status_code in {200, 404}
        assert client.get(f"{base}/data/000.bin", headers={"connection": "close"}).content == SMALL["data/000.bin"]
    assert short == []


def test_a_door_opens_for_its_caller_alone_and_closes_with_the_right(hub: SomeHub, address: str, short: list[str]) -> None:
    entitlement = hub.entitle()
    secret, token = hub.access.issue_token(READER, name="reader")
    path = f"{address}/datasets/{REPO}/resolve/v1.0.0/data/001.bin"
    mine = {"authorization": f"Bearer {secret}"}
    with httpx.Client() as client:
        assert [client.get(path, headers=mine).status_code for _ in range(3)] == [200] * 3
        assert short
        card = path.replace("data/001.bin", "README.md")
        assert client.get(card).status_code == client.get(card).status_code == 200
        assert client.get(path).status_code == client.get(path).status_code == 401
        other = {"authorization": f"Bearer {hub.token(hub.city['supervisor'])}"}
        assert [client.get(path, headers=other).status_code for _ in range(2)] == [403] * 2
        hub.city.do("implementer", entitlement, "suspend", reason="under check")
        hub.access.forget()
        assert client.get(path, headers=mine).status_code == 403
        hub.city.do("implementer", hub.cases.get(CURATOR, entitlement.id), "resume")
        hub.access.forget()
        assert [client.get(path, headers=mine).status_code for _ in range(2)] == [200] * 2
        hub.access.revoke(READER, token.id)
        assert client.get(path, headers=mine).status_code == 401


def test_every_short_delivery_is_recorded_and_counted(hub: SomeHub, address: str, short: list[str]) -> None:
    entitlement = hub.entitle()
    headers = {"authorization": f"Bearer {hub.token(READER)}"}
    with httpx.Client(base_url=address, headers=headers) as client:
        for path, data in SMALL.items():
            assert client.get(f"/datasets/{REPO}/resolve/v1.0.0/{path}").content == data
        assert 'corpushub_requests_total{kind="resolve",status="200"} 40\n' in client.get("/metrics").text
    assert len(short) == len(SMALL) - 1
    rows = [row for row in hub.access.deliveries(hub.city["auditor"]) if row.person == READER.person]
    assert sum(row.files for row in rows) == len(SMALL)
    assert sum(row.bytes for row in rows) == 20_000 * len(SMALL)
    assert {(row.entitlement, row.purpose) for row in rows} == {(entitlement.id, "model-training")}
    assert hub.repositories.get(READER, REPO).downloads == len(SMALL)


def test_the_short_way_has_the_same_limits(hub: SomeHub) -> None:
    with serving(hub, quotas=Quotas(anonymous_resolve=5)) as address, httpx.Client(base_url=address) as client:
        path = f"/datasets/{OPEN}/resolve/v1.0.0/data/000.bin"
        answers = [client.get(path) for _ in range(8)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
        assert "r=0" in answers[4].headers["ratelimit"]


def test_pipelined_requests_are_answered_in_order_and_a_client_that_does_not_read_is_not_buffered(
    hub: SomeHub, address: str
) -> None:
    base = f"/datasets/{OPEN}/resolve/v1.0.0/data"
    with httpx.Client(base_url=address) as client:
        client.get(f"{base}/000.bin")
    one = f"GET {base}/001.bin HTTP/1.1\r\nHost: x\r\n\r\n"
    two = f"GET {base}/002.bin HTTP/1.1\r\nHost: x\r\nX-Long-Way: 1\r\n\r\n"
    with socket.create_connection(("127.0.0.1", hub.settings.port)) as line:
        line.settimeout(10)
        line.sendall((one + two + one + two).encode())
        got = b""
        while got.count(b"\x01" * 20_000) + got.count(b"\x02" * 20_000) < 4:
            got += line.recv(1 << 20)
        order = [got.find(b"\x01" * 20_000), got.find(b"\x02" * 20_000), got.rfind(b"\x01" * 20_000), got.rfind(b"\x02" * 20_000)]
        assert order == sorted(order)
    with socket.create_connection(("127.0.0.1", hub.settings.port)) as line:
        line.settimeout(1)
        with pytest.raises(TimeoutError):
            for _ in range(5_000):  # 100 MB of answers asked for, none read: the server stops reading
                line.sendall(one.encode() * 50)
        time.sleep(0.1)
        with httpx.Client(base_url=address) as client:
            assert client.get("/healthz").status_code == 200
