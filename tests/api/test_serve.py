"""`corpushub serve` as an operator runs it: what it logs, and how it stops."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from corpushub.api.logs import Answered, Lines
from tests.kit.hub import CURATOR, READER, SomeHub, notices, some_hub

BIG = os.urandom(1 << 20) * 40
OPEN = "city/open"


@dataclass
class Run:
    """A server of its own process, and where its stderr goes."""

    hub: SomeHub
    process: subprocess.Popen[bytes]
    said: Path

    @property
    def base(self) -> str:
        return str(self.hub.settings.endpoint())

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said.read_text().splitlines()]


@pytest.fixture
def run(tmp_path: Path) -> Generator[Run]:
    hub = some_hub(tmp_path)
    hub.publish(OPEN, {**notices(), "big.bin": BIG, "secret-name.txt": b"small"}, gated="")
    home = {"CORPUSHUB_HOME": str(tmp_path), "CORPUSHUB_DATABASE_URL": hub.settings.database_url, "PORT": str(hub.settings.port)}
    code = (
        "from corpushub.base.settings import load_settings; from corpushub.services.hub import open_hub; from corpushub.web import serve;"
        f"serve(open_hub(load_settings()), host='127.0.0.1', port={hub.settings.port}, with_portal=False)"
    )
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen([sys.executable, "-c", code], env=os.environ | home, stderr=said)
    try:
        deadline = time.monotonic() + 60
        while not answers(f"{hub.settings.endpoint()}/healthz"):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield Run(hub, process, tmp_path / "said")
    finally:
        process.kill()
        process.wait(timeout=10)


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.ConnectError:
        return False


def test_every_answer_is_a_log_line_with_its_id_and_nothing_of_what_was_asked(run: Run) -> None:
    secret = run.hub.access.issue_token(READER, name="test", days=366)[0]
    headers = {"authorization": f"Bearer {secret}"}
    with httpx.Client(base_url=run.base, headers=headers) as client:
        file = f"/datasets/{OPEN}/resolve/v1.0.0/secret-name.txt"
        asked = [
            client.get(file, headers={"x-request-id": "first"}),
            client.get(file, headers={"x-request-id": "quick"}),
            client.get(f"/api/datasets?search=whispered&token={secret}", headers={"x-request-id": "refused"}),
            client.get("/api/datasets?search=whispered"),
            client.get("/datasets/city/none/resolve/main/secret-name.txt", headers={"x-request-id": "none here"}),
            client.get("/healthz", headers={"cookie": "session=whispered"}),
        ]
    wanted = [(answer.headers["x-request-id"], answer.status_code) for answer in asked]
    assert [status for _, status in wanted] == [200, 200, 400, 200, 404, 200]
    deadline = time.monotonic() + 5
    while not {answer for answer, _ in wanted} <= {line.get("request") for line in run.lines()}:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    lines = {line["request"]: line for line in run.lines() if line["log"] == "corpushub.http"}
    assert [lines[name]["status"] for name, _ in wanted] == [status for _, status in wanted]
    assert lines["first"]["bytes"] == lines["quick"]["bytes"] == 5
    assert {lines[name]["person"] for name, _ in wanted if lines[name]["status"] == 200} == {READER.person}
    assert set(lines["quick"]) == {"at", "level", "log", "request", "method", "kind", "status", "ms", "bytes", "person", "token"}
    told = run.said.read_text()
    for word in (secret, "secret-name", "whispered", OPEN, "city/none"):
        assert word not in told


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_person_at_a_terminal_is_not_told_of_every_answer() -> None:
    answer = Answered(at=0.0, request="r", method="GET", kind="site", status=200, seconds=0.1, sent=1, person="", token="")
    told = {}
    for stream in (io.StringIO(), Terminal()):
        lines = Lines(stream)
        lines.answered(answer)
        lines.close()
        told[stream.isatty()] = stream.getvalue().count("\n")
    assert told == {False: 1, True: 0}


def test_a_transfer_under_way_ends_whole_when_the_server_is_told_to_stop(run: Run) -> None:
    token = {"authorization": f"Bearer {run.hub.access.issue_token(CURATOR, name='test', days=366)[0]}"}
    with httpx.stream("GET", f"{run.base}/datasets/{OPEN}/resolve/v1.0.0/big.bin", headers=token) as answer:
        pieces = answer.iter_raw(1 << 18)
        got = [next(pieces)]
        run.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{run.base}/healthz")
        got += pieces
    assert b"".join(got) == BIG
    assert run.process.wait(timeout=20) == 0
    assert [line["bytes"] for line in run.lines() if line.get("kind") == "resolve"] == [len(BIG)], "its line is not lost"
    rows = run.hub.access.deliveries(run.hub.city["auditor"], repo=OPEN)
    assert [(row.path, row.bytes, row.person) for row in rows] == [("big.bin", len(BIG), CURATOR.person)]


def test_a_served_hub_looks_after_what_comes_due(tmp_path: Path) -> None:
    """As the command opens it: with its chores, so that what was refused is on record within a round."""
    hub = some_hub(tmp_path)
    home = {"CORPUSHUB_HOME": str(tmp_path), "CORPUSHUB_DATABASE_URL": hub.settings.database_url, "CORPUSHUB_LANG": "en"}
    command = [sys.executable, "-m", "corpushub", "serve", "--port", str(hub.settings.port)]
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(command, env=os.environ | home, stdout=said, stderr=said)
    try:
        deadline = time.monotonic() + 120
        while not answers(f"{hub.settings.endpoint()}/healthz"):
            assert process.poll() is None, (tmp_path / "said").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        told = httpx.get(f"{hub.settings.endpoint()}/api/whoami-v2", headers={"authorization": "Bearer chub_nobody"})
        assert told.status_code == 401
        while not kept(hub):
            assert time.monotonic() < deadline, "nobody looked after it"
            time.sleep(0.2)
    finally:
        process.kill()
        process.wait(timeout=10)


def kept(hub: SomeHub) -> list[Any]:
    with hub.database.read() as unit:
        return list(unit.documents.list("attempt"))
