"""A request made through the Hub protocol goes through the access flow and opens the download when it is granted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.gov import released
from tests.kit.hub import CURATOR, READER, REPO, SomeHub, get, notices, some_hub

FILE = f"/datasets/{REPO}/resolve/v1.0.0/data/test-00000-of-00001.parquet"


@pytest.fixture
def hub(tmp_path: Path) -> SomeHub:
    made = some_hub(tmp_path)
    released(made.city)
    made.publish(REPO, notices())
    return made


def handle(hub: SomeHub, person: str, request: str, status: str) -> int:
    token = hub.token(hub.city[person], "read", "write")
    path = f"/api/datasets/{REPO}/user-access-request/handle"
    return get(
        hub, path, token, "POST", json={"requestId": request, "status": status, "rejectionReason": "not for this"}
    ).status_code


def test_from_asking_to_downloading(hub: SomeHub) -> None:
    token = hub.token(READER, "read", "request")
    assert get(hub, FILE, token).status_code == 403
    form = {"purpose": "model-training", "channels": ["file"], "plan": "train a small model", "terms_accepted": "on"}
    asked = get(hub, f"/datasets/{REPO}/ask-access", token, "POST", data=form)
    assert asked.status_code == 200, asked.text
    request = asked.json()["requestId"]
    pending = get(hub, f"/api/datasets/{REPO}/user-access-request/pending", hub.token(CURATOR)).json()
    assert [row["requestId"] for row in pending] == [request]
    assert handle(hub, "operator", request, "accepted") == 200
    assert handle(hub, "implementer", request, "accepted") == 200
    assert get(hub, FILE, token).status_code == 403
    hub.city.do("developer", hub.cases.get(READER, request), "countersign")
    hub.access.forget()
    answer = get(hub, FILE, token)
    assert answer.status_code == 200
    assert answer.content == notices()["data/test-00000-of-00001.parquet"]


def test_a_requester_cannot_decide_and_grant_needs_a_request(hub: SomeHub) -> None:
    token = hub.token(READER, "read", "write", "request")
    form = {"purpose": "model-training", "plan": "train a small model", "terms_accepted": True}
    request = get(hub, f"/datasets/{REPO}/ask-access", token, "POST", json=form).json()["requestId"]
    assert handle(hub, "developer", request, "accepted") == 403
    granted = get(hub, f"/api/datasets/{REPO}/user-access-request/grant", hub.token(CURATOR), "POST", json={"user": "developer"})
    assert granted.status_code == 403
    assert "request" in granted.headers["x-error-message"]


def test_what_is_missing_in_a_form_is_said_at_once(hub: SomeHub) -> None:
    answer = get(hub, f"/datasets/{REPO}/ask-access", hub.token(READER, "request"), "POST", json={"purpose": "fun"})
    assert answer.status_code == 400
    assert "purpose" in answer.json()["error"]
    assert get(hub, f"/datasets/{REPO}/ask-access", hub.token(READER), "POST", json={}).status_code == 403
    assert get(hub, f"/datasets/{REPO}/ask-access", "", "POST", json={}).status_code == 401
