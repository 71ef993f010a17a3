"""What a token, a grant or a name opens ends with it, and tells nobody else anything."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from corpushub import gate
from corpushub.api.throttle import Quotas
from corpushub.domain.parties import Actor, Role
from tests.kit.gov import released
from tests.kit.hub import CURATOR, READER, REPO, STRANGER, SomeHub, caller, get, notices, some_hub

DATA = b"pushed" * 100
DIGEST = hashlib.sha256(DATA).hexdigest()
ELSEWHERE = Actor("other", "cyber", frozenset({Role.OPERATOR}), "other")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> SomeHub:
    made = some_hub(tmp_path_factory.mktemp("hub"))
    made.publish(REPO, notices())
    made.repositories.create(CURATOR, "city/pushed")
    return made


def granted(hub: SomeHub, secret: str) -> str:
    body = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": DIGEST, "size": len(DATA)}]}
    row = get(hub, "/datasets/city/pushed.git/info/lfs/objects/batch", secret, "POST", json=body).json()["objects"][0]
    return str(row["actions"]["upload"]["href"]).removeprefix(hub.settings.endpoint())


def test_a_grant_to_upload_ends_with_the_token_it_was_given_to(hub: SomeHub) -> None:
    secret, token = hub.access.issue_token(CURATOR, name="push", scopes=("read", "write"))
    href = granted(hub, secret)
    told = get(hub, "/api/datasets/city/pushed/xet-write-token/main", secret).json()
    store = told["casUrl"].removeprefix(hub.settings.endpoint())
    assert get(hub, f"{store}/v1/telemetry", told["accessToken"], "POST").status_code == 200
    hub.access.revoke(CURATOR, token.id)
    assert get(hub, href, method="PUT", content=DATA).status_code == 403
    assert get(hub, f"{store}/v1/telemetry", told["accessToken"], "POST").status_code == 403
    assert hub.objects.size(DIGEST) is None


class Disk(NamedTuple):
    total: int
    used: int
    free: int


def test_a_full_disk_refuses_uploads_with_a_reason_and_keeps_nothing(hub: SomeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = hub.token(CURATOR, "read", "write")
    href = granted(hub, secret)
    told = get(hub, "/api/datasets/city/pushed/xet-write-token/main", secret).json()
    store = told["casUrl"].removeprefix(hub.settings.endpoint())
    xorb = b"\0" + (4).to_bytes(3, "little") + b"\0" + (4).to_bytes(3, "little") + b"data"
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Disk(10 << 30, 9 << 30, 1 << 30))
    for answer in (
        get(hub, href, method="PUT", content=DATA),
        get(hub, f"{store}/v1/xorbs/default/{'b' * 64}", told["accessToken"], "POST", content=xorb),
    ):
        assert answer.status_code == 507
        assert "no room" in answer.headers["x-error-message"]
    assert hub.objects.size(DIGEST) is None
    assert not list(Path(hub.settings.home).rglob("*.part"))


def test_the_same_xorb_may_come_twice_at_once(hub: SomeHub) -> None:
    told = get(hub, "/api/datasets/city/pushed/xet-write-token/main", hub.token(CURATOR, "read", "write")).json()
    path = told["casUrl"].removeprefix(hub.settings.endpoint()) + f"/v1/xorbs/default/{'c' * 64}"
    data = bytes(1 << 19)
    body = b"\0" + len(data).to_bytes(3, "little") + b"\0" + len(data).to_bytes(3, "little") + data

    async def send() -> list[Any]:
        async with caller(hub, told["accessToken"]) as client:
            return await asyncio.gather(*(client.post(path, content=body) for _ in range(8)))

    assert {answer.status_code for answer in asyncio.run(send())} == {200}


def test_a_hidden_dataset_does_not_tell_its_new_name(hub: SomeHub) -> None:
    hub.repositories.create(CURATOR, "city/plan", private=True)
    hub.repositories.move(CURATOR, "city/plan", "city/whispered")
    for secret in ("", hub.token(READER), hub.token(STRANGER)):
        for path in ("/api/datasets/city/plan", "/datasets/city/plan/resolve/main/README.md"):
            answer = get(hub, path, secret)
            assert answer.status_code in {401, 404}
            assert "whispered" not in answer.text + str(answer.headers)
            unknown = get(hub, path.replace("plan", "none"), secret)
            assert unknown.text.replace("none", "plan") == answer.text
    curator = get(hub, "/api/datasets/city/plan", hub.token(CURATOR))
    assert (curator.status_code, curator.headers["location"]) == (307, "/api/datasets/city/whispered")


def test_a_curators_token_for_some_datasets_or_for_requests_alone_takes_no_data_of_others(hub: SomeHub) -> None:
    """The seat of a curator once opened every dataset of its organisation to any of its tokens."""
    data = f"/datasets/{REPO}/resolve/main/data/test-00000-of-00001.parquet"
    rows = f"/viewer/rows?dataset={REPO}&split=test"
    may = {("read",): True, ("write",): True, ("read", f"repo:{REPO}"): True, ("request",): False}
    may |= {("read", "repo:city/pushed"): False, ("read", "write", "request", "repo:city/pushed"): False}
    for scopes, given in may.items():
        secret = hub.token(CURATOR, *scopes)
        for path in (data, f"/api/datasets/{REPO}/parquet/main", f"/api/datasets/{REPO}/auth-check", rows):
            answer = get(hub, path, secret)
            assert answer.status_code == (200 if given else 403), (scopes, path, answer.text)


def test_a_token_for_some_datasets_sees_of_the_others_what_everybody_sees(hub: SomeHub) -> None:
    """Revisions nobody has released, and datasets hidden or not released yet, are its person's to see, not the token's."""
    secrets = {
        "session": "",
        "all": hub.token(CURATOR, "read", "write"),
        "narrow": hub.token(CURATOR, "read", "write", f"repo:{REPO}"),
        "request": hub.token(CURATOR, "request"),
        "zone": hub.token(CURATOR, "read", "write", "zone:zon-1"),
    }
    hub.publish("city/other", notices())
    pushed = hub.repositories.create(CURATOR, "city/unseen", private=True)
    with hub.database.begin() as unit:
        entries = list(unit.repos.tree(hub.repositories.at(CURATOR, "city/other").commit.id).entries)[1:]
        draft = unit.repos.commit("city/other", entries, "What is planned", "operator", hub.city.clock(), released=False)
        unit.repos.set_branch("city/other", "plans", draft, released=False)
    hub.repositories.forget()
    for path in (
        f"/api/datasets/city/other/revision/{draft}",
        "/api/datasets/city/other/tree/plans",
        f"/api/datasets/{pushed.id}",
    ):
        for name in ("narrow", "request", "zone", "all"):  # whoever asks first leaves nothing behind for the next
            assert get(hub, path, secrets[name]).status_code == (200 if name == "all" else 404), (name, path)
    for name in ("narrow", "request", "zone"):
        refs = get(hub, "/api/datasets/city/other/refs", secrets[name]).json()
        assert [ref["name"] for ref in refs["branches"]] == ["main"]
        assert get(hub, "/api/datasets/city/other", secrets[name]).status_code == 200
        listed = {row["id"] for row in get(hub, "/api/datasets?limit=1000", secrets[name]).json()}
        assert {"city/other", REPO} <= listed
        assert not {"city/unseen", "city/pushed"} & listed
    narrow = hub.token(CURATOR, "read", "repo:city/unseen")
    assert get(hub, "/api/datasets/city/unseen", narrow).status_code == 200
    assert "city/unseen" in get(hub, "/api/datasets?limit=1000", narrow).text


def test_a_token_of_a_zone_changes_nothing_and_takes_nothing_as_a_curator(hub: SomeHub) -> None:
    secret = hub.token(CURATOR, "read", "write", "request", "zone:zon-1")
    data = get(hub, f"/datasets/{REPO}/resolve/main/data/test-00000-of-00001.parquet", secret)
    assert (data.status_code, data.headers["x-error-code"]) == (403, "GatedRepo")
    asked = get(hub, "/api/datasets/city/pushed/branch/more", secret, "POST", json={})
    assert asked.status_code in {403, 404}
    opened = get(hub, "/v1/demand", secret, "POST", json={"title": "x", "text": "y"})
    assert (opened.status_code, opened.json()["title"]) == (403, "token.elsewhere")


def test_requests_for_a_dataset_are_shown_to_tokens_that_read(hub: SomeHub) -> None:
    path = f"/api/datasets/{REPO}/user-access-request/pending"
    assert get(hub, path, hub.token(CURATOR, "read")).status_code == 200
    for scopes in (("request",), ("read", "repo:city/other")):
        assert get(hub, path, hub.token(CURATOR, *scopes)).status_code == 403


def test_one_curator_neither_renames_nor_hides_what_was_released(hub: SomeHub) -> None:
    """By another name a release was stopped by no withdrawal; hidden, it was withdrawn by one person, without a word on record."""
    released(hub.city, dataset="city/kept")
    hub.publish("city/kept", notices())
    secret = hub.token(CURATOR, "read", "write")
    body = {"fromRepo": "city/kept", "toRepo": "city/elsewhere", "type": "dataset"}
    for method, path, asked in (
        ("POST", "/api/repos/move", body),
        ("PUT", "/api/datasets/city/kept/settings", {"visibility": "private"}),
        ("PUT", "/api/datasets/city/kept/settings", {"private": True}),
    ):
        answer = get(hub, path, secret, method, json=asked)
        assert (answer.status_code, answer.json()["code"]) == (409, "repo.on_record")
    assert get(hub, "/api/datasets/city/kept").status_code == 200
    assert get(hub, "/api/datasets/city/kept/settings", secret, "PUT", json={"private": False}).status_code == 200


def test_nobody_takes_the_name_of_another_organisation(hub: SomeHub) -> None:
    secret = hub.token(CURATOR, "read", "write")
    for space, status in ((READER.org, 403), (CURATOR.org, 200)):
        body = {"name": "first", "organization": space, "type": "dataset"}
        assert get(hub, "/api/repos/create", secret, "POST", json=body).status_code == status
    body = {"fromRepo": "city/pushed", "toRepo": f"{READER.org}/second", "type": "dataset"}
    assert get(hub, "/api/repos/move", secret, "POST", json=body).status_code == 403


def test_nobody_moves_a_dataset_among_another_organisation_s(hub: SomeHub) -> None:
    with hub.database.begin() as unit:
        unit.repos.ensure("theirs/one", org=ELSEWHERE.org, by=ELSEWHERE.person)
    body = {"fromRepo": "city/pushed", "toRepo": "theirs/two", "type": "dataset"}
    assert get(hub, "/api/repos/move", hub.token(CURATOR, "read", "write"), "POST", json=body).status_code == 403
    assert hub.repositories.get(CURATOR, "city/pushed").id == "city/pushed"


def test_guessing_tokens_is_counted(hub: SomeHub) -> None:
    async def guess() -> list[int]:
        async with caller(hub, quotas=Quotas(anonymous_api=5)) as client:
            asked = [await client.get("/api/whoami-v2", headers={"authorization": f"Bearer chub_{n}"}) for n in range(8)]
            return [answer.status_code for answer in asked]

    assert asyncio.run(guess()) == [401] * 5 + [429] * 3


def test_a_hub_with_too_many_open_requests_asks_to_come_back_and_still_tells_its_health(
    hub: SomeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "MAX_OPEN", 0)
    answer = get(hub, "/api/datasets", hub.token(READER))
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["code"]) == (503, "2", "http.busy")
    assert get(hub, "/healthz").status_code == 200
    monkeypatch.undo()
    assert get(hub, "/api/datasets", hub.token(READER)).status_code == 200
