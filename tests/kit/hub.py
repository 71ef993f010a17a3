"""A hub with a few datasets in it, and a real server in front, for tests of what clients see."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import uvicorn

from corpushub.api.protocol import HubProtocol
from corpushub.base.settings import Settings
from corpushub.domain.parties import Actor, Role
from corpushub.domain.tree import entry_for
from corpushub.domain.workflow import Case
from corpushub.services.hub import Hub, open_hub
from corpushub.web import create_app
from tests.kit.gov import City, a_city, entitled

CURATOR = Actor("operator", "data-group", frozenset({Role.OPERATOR}), "operator")
READER = Actor("developer", "beichen", frozenset({Role.DEVELOPER}), "developer")
STRANGER = Actor("supervisor", "cyber", frozenset({Role.SUPERVISOR}), "supervisor")
REPO = "city/notices"
AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
CARD = """---
pretty_name: Notices
license: cc-by-4.0
language: [zh, en]
configs:
- config_name: default
  data_files:
  - {split: train, path: data/train-*.parquet}
  - {split: test, path: data/test-*.parquet}
---
# Notices

Short notices of a fictional city, for tests of what clients see.
"""


@dataclass
class SomeHub:
    """A hub over real stores in a small city (see `kit.gov`), with shortcuts."""

    hub: Hub
    city: City

    def __getattr__(self, name: str) -> Any:
        return getattr(self.hub, name)

    def entitle(self, **over: Any) -> Case:
        """The entitlement in force that deliveries to the reader's organisation rest on (`gov.entitled`)."""
        ask = {"dataset": REPO, "purpose": "model-training", "channels": ["file"], "plan": "train a small model"}
        entitled(self.city, **(ask | over))
        self.access.forget()
        held = self.city.cases.list(self.city["developer"], flow="entitlement").items
        return held[0]  # of several for the same, deliveries name the first

    def publish(self, repo_id: str, files: Mapping[str, bytes], tag: str = "v1.0.0", *, gated: str = "manual") -> str:
        """Release `files` as `tag` and main, as a publication does; gives the commit."""
        for data in files.values():
            self.objects.put_bytes(data)
        with self.database.begin() as unit:
            unit.repos.ensure(repo_id, org=CURATOR.org, by=CURATOR.person, gated=gated)
            entries = [entry_for(path, data) for path, data in files.items()]
            commit = unit.repos.commit(repo_id, entries, f"Release {tag}", CURATOR.person, AT)
            unit.repos.set_tag(repo_id, tag, commit)
            unit.repos.set_branch(repo_id, "main", commit)
        self.repositories.forget()
        return commit

    def token(self, actor: Actor, *scopes: str) -> str:
        return self.access.issue_token(actor, name="test", scopes=scopes or ("read",))[0]


def parquet(rows: int, start: int = 0) -> bytes:
    """A small table: id, text."""
    sink = BytesIO()
    table = pa.table({"id": list(range(start, start + rows)), "text": [f"notice {n}" for n in range(start, start + rows)]})
    pq.write_table(table, sink, row_group_size=50)
    return sink.getvalue()


def notices() -> dict[str, bytes]:
    """Files of a small dataset: 300 train rows in two shards, 20 test rows, a card."""
    return {
        "README.md": CARD.encode(),
        "data/train-00000-of-00002.parquet": parquet(150),
        "data/train-00001-of-00002.parquet": parquet(150, 150),
        "data/test-00000-of-00001.parquet": parquet(20),
    }


@contextmanager
def serving(hub: Any, **options: Any) -> Generator[str]:
    """The address of a running server for `hub`."""
    address = hub.settings.endpoint()
    app = create_app(hub, **{"with_portal": False, **options})
    config = uvicorn.Config(
        app, host="127.0.0.1", port=hub.settings.port, http=HubProtocol.over(app.quick), log_level="warning", access_log=False
    )
    server = uvicorn.Server(config)
    with running(server):
        yield address


@contextmanager
def running(server: uvicorn.Server) -> Generator[None]:
    """`server` in a thread of its own, answering when the block begins and stopped when it ends."""
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def some_hub(home: Path, **settings: Any) -> SomeHub:
    city = a_city(home)
    made = Settings(home=home, port=free_port(), database_url=str(home / "city.db"), **settings)
    return SomeHub(open_hub(made, city.clock), city)


_APPS: dict[Path, Any] = {}  # one application per hub: making one takes longer than a request


def caller(hub: Any, token: str = "", **options: Any) -> httpx.AsyncClient:
    """A client of the whole application inside this process: no socket, everything else real."""
    app = _APPS.get(hub.settings.home) if not options else None
    if app is None:
        app = create_app(hub, **{"with_portal": False, **options})
        if not options:
            _APPS[hub.settings.home] = app
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=hub.settings.endpoint(), headers=headers)


def get(hub: Any, path: str, token: str = "", method: str = "GET", **options: Any) -> httpx.Response:
    """One request inside this process."""

    async def ask() -> httpx.Response:
        async with caller(hub, token) as client:
            return await client.request(method, path, **options)

    return asyncio.run(ask())
