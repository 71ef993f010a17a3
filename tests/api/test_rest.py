"""REST over a real hub through the real gate: tokens, idempotency, conflicts, problem+json, and an OpenAPI document that names every command."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from corpushub.base.settings import Settings
from corpushub.domain.flows import flows
from corpushub.services.hub import Hub, open_hub
from corpushub.web import create_app
from tests.kit.gov import RESOURCE, Ticker, a_released_city, credit_code

DEMAND = {"title": "notices by street", "text": "we need all notices with their street"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Generator[Hub]:
    home = Path(tmp_path_factory.mktemp("rest"))
    city = a_released_city(home)
    city.database.close()
    made = open_hub(Settings(home=home, database_url=str(home / "city.db")), Ticker(city.clock.now))
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(hub: Hub) -> Generator[TestClient]:
    with TestClient(create_app(hub, with_portal=False), base_url="http://127.0.0.1:7860") as client:
        yield client


@pytest.fixture(scope="module")
def tokens(hub: Hub) -> dict[str, str]:
    people = ("developer", "operator", "implementer", "provider", "authority", "supervisor")
    made = {
        name: hub.access.issue_token(
            hub.parties.actor_of(name), name="t", scopes=["read", "write", "request"], purpose="", days=30
        )[0]
        for name in people
    }
    asking, _ = hub.access.issue_token(hub.parties.actor_of("developer"), name="t", scopes=["read"], purpose="", days=30)
    return {**made, "reader": asking}


class Caller:
    def __init__(self, client: TestClient, tokens: dict[str, str]) -> None:
        self.client = client
        self.tokens = tokens

    def __call__(self, person: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if person:
            named["authorization"] = f"Bearer {self.tokens[person]}"
        return self.client.request(method, f"/v1{path}", json=body, headers=named)


@pytest.fixture
def call(client: TestClient, tokens: dict[str, str]) -> Caller:
    return Caller(client, tokens)


def test_a_demand_from_opening_to_answer(call: Caller) -> None:
    made = call("developer", "POST", "/demand", DEMAND)
    assert made.status_code == 201, made.text
    case = made.json()
    assert made.headers["etag"] == '"1"'
    assert call("developer", "POST", f"/demand/{case['id']}/submit").json()["state"] == "submitted"
    assert call("operator", "POST", f"/demand/{case['id']}/acknowledge").json()["state"] == "acknowledged"
    history = call("developer", "GET", f"/cases/{case['id']}/history").json()["items"]
    assert [event["type"] for event in history] == ["demand.opened", "demand.submitted", "demand.acknowledged"]
    clocks = call("developer", "GET", f"/cases/{case['id']}/clocks").json()["items"]
    assert {item["clock"]: item["state"] for item in clocks} == {
        "acknowledge": "met",
        "first_reply": "running",
        "fulfil": "running",
    }
    assert case["id"] in {task["case"]["id"] for task in call("operator", "GET", "/tasks").json()["items"]}
    allowed = {
        item["command"]: item["refused"] for item in call("operator", "GET", f"/cases/{case['id']}/allowed").json()["items"]
    }
    assert allowed["offer"] is None


def test_a_repeated_request_answers_the_same_and_does_nothing(call: Caller) -> None:
    one = call("developer", "POST", "/demand", DEMAND, idempotency_key="k-1").json()
    two = call("developer", "POST", "/demand", DEMAND, idempotency_key="k-1").json()
    assert one == two
    other = call("developer", "POST", "/demand", {**DEMAND, "title": "something else"}, idempotency_key="k-1")
    assert (other.status_code, other.json()["title"]) == (409, "case.key_reused")
    first = call("developer", "POST", f"/demand/{one['id']}/submit", idempotency_key="k-2").json()
    call("operator", "POST", f"/demand/{one['id']}/acknowledge")
    assert call("developer", "POST", f"/demand/{one['id']}/submit", idempotency_key="k-2").json() == first


def test_a_stale_version_is_refused(call: Caller) -> None:
    case = call("developer", "POST", "/demand", DEMAND).json()
    call("developer", "POST", f"/demand/{case['id']}/submit", if_match='"1"')
    stale = call("operator", "POST", f"/demand/{case['id']}/acknowledge", if_match='"1"')
    assert (stale.status_code, stale.json()["title"]) == (409, "case.stale")
    assert call("operator", "POST", f"/demand/{case['id']}/acknowledge", if_match="yesterday").status_code == 422


@pytest.mark.parametrize(("lang", "word"), [("zh", "缺少"), ("en", "missing")])
def test_a_form_names_all_its_problems_in_the_callers_language(call: Caller, lang: str, word: str) -> None:
    refused = call("developer", "POST", "/demand", {"colour": "red"}, accept_language=lang)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    told = refused.json()
    assert {item["place"] for item in told["problems"]} == {"title", "text", "colour"}
    assert any(word in item["detail"] for item in told["problems"])


@pytest.mark.parametrize("body", [b"[]", b"{", b'"x"', b"\xff", b"[" * 5000])
def test_a_body_that_is_no_object_is_refused(client: TestClient, tokens: dict[str, str], body: bytes) -> None:
    answer = client.post("/v1/demand", content=body, headers={"authorization": f"Bearer {tokens['developer']}"})
    assert (answer.status_code, answer.json()["title"]) == (422, "rest.body")


def test_nobody_and_readers_change_nothing_but_anybody_may_object(call: Caller) -> None:
    assert call("", "POST", "/demand", DEMAND).status_code == 403
    assert call("reader", "POST", "/demand", DEMAND).json()["title"] == "token.scope_missing"
    filed = call("", "POST", "/objection", {"about": RESOURCE, "kind": "missing", "text": "a column is missing"})
    assert filed.status_code == 201


@pytest.mark.parametrize(("lang", "words"), [("zh", "没有“read”权限"), ("en", "may not read")])
def test_what_is_read_is_read_by_tokens_that_may(hub: Hub, call: Caller, client: TestClient, lang: str, words: str) -> None:
    """Every route, by the description of all: a token made for requests alone once read its person's cases."""
    person = hub.parties.actor_of("operator")
    asks = hub.access.issue_token(person, name="t", scopes=["request"])[0]
    narrow = hub.access.issue_token(person, name="t", scopes=["read", "repo:city/notices"])[0]
    paths = client.get("/openapi.json").json()["paths"]
    reading = [path for path, methods in paths.items() if "get" in methods and path.startswith("/v1/")]
    assert len(reading) > 30
    for path in reading:
        asked = path.replace("{dataset}", "city/notices").replace("{year}", "2026").replace("{day}", "2026-03-01")
        where = {"accept-language": lang, "authorization": f"Bearer {asks}"}
        told = client.get(asked, headers=where, params={"dataset": "city/notices"})
        assert (told.status_code, told.json().get("title")) == (403, "token.scope_missing"), path
        assert words in told.json()["detail"]
    for path, status in (("/v1/cases", 403), ("/v1/holders?dataset=city/notices", 200), ("/v1/holders?dataset=city/other", 403)):
        assert client.get(path, headers={"authorization": f"Bearer {narrow}"}).status_code == status, path
    assert call("reader", "GET", "/cases").status_code == 200
    assert call("", "GET", "/flows").status_code == 200


def test_cases_of_others_are_unknown(call: Caller) -> None:
    case = call("developer", "POST", "/demand", DEMAND).json()
    assert call("provider", "GET", f"/cases/{case['id']}").status_code == 200
    assert call("", "GET", f"/cases/{case['id']}").status_code == 404
    assert call("developer", "GET", "/cases/dem-nothing").json()["title"] == "case.unknown"


def test_lists_page(call: Caller) -> None:
    for _ in range(3):
        call("developer", "POST", "/demand", DEMAND)
    first = call("developer", "GET", "/cases?flow=demand&limit=2").json()
    second = call("developer", "GET", f"/cases?flow=demand&limit=2&cursor={first['cursor']}").json()
    assert len(first["items"]) == 2
    assert not {case["id"] for case in first["items"]} & {case["id"] for case in second["items"]}
    assert call("developer", "GET", "/cases?limit=100000").status_code == 422


def test_catalog_queries(call: Caller) -> None:
    assert call("", "GET", "/resources?q=notices").json()["items"][0]["id"] == RESOURCE
    assert call("", "GET", f"/resources/{RESOURCE}").json()["owner"] == "stats-bureau"
    assert call("", "GET", f"/resources/{RESOURCE}/as-of/2026-01-01").json()["open_attribute"] == "conditional"
    assert call("provider", "PATCH", f"/resources/{RESOURCE}", {"system": "records"}).json()["system"] == "records"
    assert call("operator", "PATCH", f"/resources/{RESOURCE}", {"system": "mine"}).status_code == 403
    assert {item["type"] for item in call("", "GET", "/changes").json()["items"]} >= {"resource.added", "resource.registered"}


def test_oversight_queries(call: Caller) -> None:
    numbers = {item["id"]: item["value"] for item in call("", "GET", "/indicators").json()["items"]}
    assert numbers["versions_released"] == 1
    assert call("developer", "GET", "/unusual").status_code == 403
    assert call("supervisor", "GET", "/unusual").status_code == 200
    assert call("", "GET", "/disclosure/2026").json()["totals"]["authorizations"] == 1
    assert call("", "GET", "/disclosure/2099").status_code == 422
    assert call("operator", "GET", "/holders?dataset=city/notices").json()["items"] == []
    assert call("", "GET", "/id/city/notices@1.0.0").json()["state"] == "released"
    assert call("", "GET", "/id/nothing").status_code == 404
    assert call("", "GET", "/rules").json()["items"]
    assert call("authority", "GET", "/gaps").json()["entries"] == 1
    for path in ("/sharing-list", "/opening-plan/2026", "/revenue", "/orgs", "/me", "/notices", "/flows", "/conflicts"):
        assert call("operator", "GET", path).status_code == 200, path


def test_the_openapi_document_names_every_command(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for flow in flows().values():
        assert "post" in paths[f"/v1/{flow.name}"]
        for row in flow.transitions:
            body = paths[f"/v1/{flow.name}/{{case_id}}/{row.command}"]["post"]
            assert set(body["requestBody"]["content"]["application/json"]["schema"]["properties"]) >= {
                item.name for item in row.fields
            }


def test_accounts_over_rest(call: Caller) -> None:
    org = {
        "id": "north",
        "credit_code": credit_code(77),
        "kind": "developer",
        "region": "990100",
        "name": {"zh": "北", "en": "North"},
    }
    assert call("developer", "POST", "/orgs", org).status_code == 403
    assert call("authority", "POST", "/orgs", org).status_code == 201
    assert (
        call("authority", "POST", "/people", {"id": "n.one", "org": "north", "name": "One", "roles": ["developer"]}).status_code
        == 201
    )
    wrong = call("authority", "POST", "/people", {"id": 7, "org": "north", "colour": "red"})
    assert {item["place"] for item in wrong.json()["problems"]} == {"id", "name", "colour"}
    assert call("authority", "POST", "/people/n.one/seats/reviewer").status_code == 201
    assert call("authority", "DELETE", "/people/n.one/seats/reviewer").json() == {"ended": 1}
    declared = {"person": "n.one", "org": "beichen", "kind": "family"}
    assert call("authority", "POST", "/conflicts", declared).status_code == 201
    assert declared | {"ended": ""} in call("authority", "GET", "/conflicts").json()["items"]
    assert call("authority", "POST", "/people/n.one/departure").json()["state"] == "departed"
