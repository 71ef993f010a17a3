"""An agent sees, takes and asks for exactly what its person may."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kit.gov import released
from tests.kit.hub import READER, REPO, SomeHub, get, notices, serving, some_hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Generator[SomeHub]:
    made = some_hub(Path(tmp_path_factory.mktemp("hub")))
    released(made.city)
    made.publish(REPO, notices())
    yield made
    made.close()


def ask(hub: SomeHub, tool: str, token: str = "", **arguments: Any) -> Any:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    return get(hub, "/mcp", token, "POST", json=message).json()["result"]


def test_metadata_is_open_and_rows_are_not(hub: SomeHub) -> None:
    assert [row["id"] for row in ask(hub, "search_datasets", query="notices")["structuredContent"]["datasets"]] == [REPO]
    assert "# Notices" in ask(hub, "get_card", dataset=REPO)["structuredContent"]["card"]
    assert ask(hub, "get_schema", dataset=REPO)["structuredContent"]["configs"]["default"]["rows"] == {"train": 300, "test": 20}
    refused = ask(hub, "get_sample", dataset=REPO)
    assert refused["isError"]
    assert "Sign in" in refused["content"][0]["text"]


def test_a_request_goes_through_the_flow(hub: SomeHub) -> None:
    token = hub.token(READER, "read", "request")
    asked = ask(hub, "request_access", token, dataset=REPO, purpose="research", plan="count the words", terms_accepted=True)
    assert not asked["isError"], asked
    status = ask(hub, "request_status", token, request=asked["structuredContent"]["request"])
    assert status["structuredContent"]["requests"][0]["status"] == "pending"
    assert ask(
        hub, "request_access", hub.token(READER), dataset=REPO, purpose="research", plan="count the words", terms_accepted=True
    )["isError"]
    assert ask(hub, "request_status")["isError"]


def test_the_protocol_s_own_client_connects(hub: SomeHub) -> None:
    code = """
import asyncio, json, os, httpx
from mcp.client.client import Client
async def main():
    async with Client(os.environ["HUB"] + "/mcp") as client:
        tools = await client.list_tools()
        found = await client.call_tool("get_schema", {"dataset": "city/notices"})
        print(json.dumps([sorted(tool.name for tool in tools.tools), found.structured_content["configs"]["default"]["rows"]["train"]]))
asyncio.run(main())
"""
    with serving(hub) as address:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"HUB": address},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    names, rows = json.loads(done.stdout.strip().splitlines()[-1])
    assert names == ["get_card", "get_sample", "get_schema", "request_access", "request_status", "search_datasets"]
    assert rows == 300


@settings(max_examples=60)
@given(
    message=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.sampled_from(["2.0", "tools/call", "get_card", "initialize", "city/notices", "x"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["jsonrpc", "id", "method", "params", "name", "arguments", "dataset", "limit"]), inner, max_size=5
            )
        ),
        max_leaves=12,
    )
)
def test_no_message_breaks_it(hub: SomeHub, message: Any) -> None:
    assert get(hub, "/mcp", method="POST", content=json.dumps(message).encode()).status_code < 500
