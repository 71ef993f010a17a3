"""What a client may send that PostgreSQL minds and SQLite does not: told as its mistake, never a 500."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from corpushub.base.settings import Settings
from corpushub.services.hub import open_hub
from tests.kit.gov import a_city, released
from tests.kit.hub import CURATOR, REPO, SomeHub, free_port, get, notices
from tests.kit.postgres import a_database

ENTRY = f"/api/datasets/{REPO}"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[SomeHub]:
    home = Path(tmp_path_factory.mktemp("hub"))
    url = a_database("odd_text") if request.param == "postgresql" else ""
    city = a_city(home, url)
    made = SomeHub(open_hub(Settings(home=home, port=free_port(), database_url=url or str(home / "city.db")), city.clock), city)
    released(city)
    made.publish(REPO, notices())
    yield made
    made.close()
    city.database.close()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/resources/%00",
        "/v1/resources?q=%00&owner=%00",
        "/v1/id/%00",
        "/v1/cases?cursor=%00",
        "/v1/cases?flow=%00&state=%00",
        "/v1/cases?subject=%00",
        "/v1/cases/%00",
        "/v1/holders?dataset=%00",
        "/v1/federation/origin/%00",
        "/v1/samples/a/%00",
        "/v1/listing-pack/%00?version=1",
        "/viewer/info?dataset=%00",
        "/api/datasets/a/b%00",
        "/dsp/catalog/datasets/%00",
        "/dsp/negotiations/%00",
    ],
)
def test_an_address_that_is_no_text_finds_nothing(hub: SomeHub, path: str) -> None:
    for secret in ("", hub.token(CURATOR)):
        assert get(hub, path, secret).status_code < 500


@pytest.mark.parametrize("bad", ["\0", "\ud800"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/demand", {"title": "a?", "text": "c"}),
        ("POST", "/v1/demand", {"title": "a", "text": "c", "?": "x"}),
        ("POST", "/v1/conflicts", {"person": "a?", "org": "b?", "kind": "x"}),
        ("POST", f"{ENTRY}/tag/main", {"tag": "vx", "message": "m?"}),
        ("POST", "/api/repos/move", {"type": "dataset", "fromRepo": "a?/b", "toRepo": "c/d"}),
        ("POST", f"/datasets/{REPO}.git/info/lfs/objects/batch", {"operation": "upload", "objects": [{"oid": "?" * 64, "size": 1}]}),
        ("POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_card", "arguments": {"dataset": "?/b"}}}),
        ("POST", "/dsp/negotiations/request", {"offer": {"target": "?"}, "consumerPid": "?"}),
        ("POST", f"{ENTRY}/commit/main", {"key": "header", "value": {"summary": "a?b"}}),
    ],
)  # fmt: skip
def test_a_body_whose_text_is_none_is_refused(hub: SomeHub, method: str, path: str, body: dict[str, Any], bad: str) -> None:
    secret = hub.token(CURATOR, "read", "write", "request")
    for sent in (
        json.dumps(body).replace("?", json.dumps(bad)[1:-1]).encode(),
        json.dumps(body).encode().replace(b"?", bad.encode("utf-8", "surrogatepass")),
    ):
        answer = get(hub, path, secret, method, content=sent, headers={"content-type": "application/json"})
        assert 400 <= answer.status_code < 500, answer.text


def test_what_is_longer_than_the_database_keeps_is_refused(hub: SomeHub) -> None:
    secret = hub.token(CURATOR, "read", "write", "request")
    answer = get(hub, f"{ENTRY}/tag/main", secret, "POST", json={"tag": "v" + "1" * 400, "message": "m"})
    assert answer.status_code < 500


def test_a_number_spelled_like_an_escape_is_text(hub: SomeHub) -> None:
    sent = rb'{"title": "a \\u0000 \ud83d\ude00", "text": "the words \\ud800 stand here as they are"}'
    answer = get(hub, "/v1/demand", hub.token(hub.city["developer"], "read", "write"), "POST", content=sent)
    assert answer.status_code == 201
    assert answer.json()["data"]["title"] == "a \\u0000 😀"
