"""Bad input gets a client's own exception with a readable message: never a 5xx, nothing stored, nothing leaked."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import socket
import struct
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpushub.api import hf_lfs, hf_write
from corpushub.api.throttle import Quotas
from corpushub.domain.front_matter import CardHead
from tests.kit.hub import CURATOR, READER, REPO, SomeHub, caller, get, notices, parquet, serving, some_hub

OPEN = "city/open"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Generator[SomeHub]:
    made = some_hub(Path(tmp_path_factory.mktemp("hub")))
    made.publish(OPEN, notices(), gated="")
    made.publish(REPO, notices())
    made.repositories.create(CURATOR, "city/pushed")
    yield made
    made.close()


@pytest.fixture(scope="module")
def writer(hub: SomeHub) -> str:
    return hub.token(CURATOR, "read", "write")


TRAVERSALS = [
    "../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "..%5c..%5cetc%5cpasswd",
    "data/..%252f..%252fetc/passwd",
    "data//x",
    "%2e/README.md",
    "data/%00.parquet",
    ".git/config",
    "%ff%fe",
    "README.md%0d%0aX-Evil:%201",
    "a" * 5000,
    "数据/%E2%80%AEx",
]


@pytest.mark.parametrize("path", TRAVERSALS)
@pytest.mark.parametrize("route", ["resolve/main", "raw/main", "resolve/v1.0.0"])
def test_traversal_in_every_encoding_finds_nothing(hub: SomeHub, route: str, path: str) -> None:
    answer = get(hub, f"/datasets/{OPEN}/{route}/{path}")
    assert answer.status_code in {400, 404}, answer.status_code
    assert "root:" not in answer.text
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize(
    "revision", ["x%0d%0aX-Evil:1", "%00", "refs%2F..%2Fheads", "main%2F..", "0" * 40, "0" * 64, "héads", "%E6%95%B0", "-1", "*"]
)
def test_odd_revisions_are_unknown_revisions(hub: SomeHub, revision: str) -> None:
    for path in (
        f"/api/datasets/{OPEN}/revision/{revision}",
        f"/datasets/{OPEN}/resolve/{revision}/README.md",
        f"/api/datasets/{OPEN}/tree/{revision}",
    ):
        answer = get(hub, path)
        assert answer.status_code == 404, path
        assert answer.headers["x-error-code"] == "RevisionNotFound"
        assert "x-evil" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "status", "length"),
    [
        ("bytes=0-9", 206, 10),
        ("bytes=-5", 206, 5),
        ("bytes=5-", 206, None),
        ("bytes=0-99999999999", 206, None),
        ("bytes=999999999-", 416, 0),
        ("bytes=-0", 416, 0),
        ("bytes=9-2", 200, None),
        ("bytes=0-1,4-5", 200, None),
        ("lines=1-2", 200, None),
        ("bytes=-", 200, None),
        ("bytes=" + "9" * 40 + "-", 200, None),
    ],
)
def test_ranges(hub: SomeHub, asked: str, status: int, length: int | None) -> None:
    data = notices()["data/test-00000-of-00001.parquet"]
    answer = get(hub, f"/datasets/{OPEN}/resolve/main/data/test-00000-of-00001.parquet", headers={"range": asked})
    assert answer.status_code == status
    assert len(answer.content) == (length if length is not None else len(data) - (5 if asked == "bytes=5-" else 0))
    if status == 416:
        assert answer.headers["content-range"] == f"bytes */{len(data)}"


def test_a_file_that_did_not_change_is_not_sent_again(hub: SomeHub) -> None:
    path = f"/datasets/{OPEN}/resolve/main/README.md"
    etag = get(hub, path).headers["etag"]
    again = get(hub, path, headers={"if-none-match": f'"x", W/{etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert get(hub, path, headers={"if-range": '"other"', "range": "bytes=0-1"}).status_code == 200


def test_a_head_of_a_branch_leads_to_its_commit(hub: SomeHub) -> None:
    head = get(hub, f"/datasets/{OPEN}/resolve/main/README.md", method="HEAD")
    commit = hub.repositories.at(READER, OPEN).commit.id
    assert (head.status_code, head.headers["location"]) == (307, f"/datasets/{OPEN}/resolve/{commit}/README.md")
    then = get(hub, head.headers["location"], method="HEAD")
    assert (then.status_code, then.content) == (200, b"")
    assert then.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_the_gate_is_asked_before_the_name(hub: SomeHub) -> None:
    for name in ("README.py", "notices.py", "data/none.parquet"):
        answer = get(hub, f"/datasets/{REPO}/resolve/main/{name}", method="HEAD")
        assert (answer.status_code, answer.headers["x-error-code"]) == (401, "GatedRepo")


def test_tokens_in_addresses_and_forged_links_are_refused(hub: SomeHub) -> None:
    secret = hub.token(READER)
    answer = get(hub, f"/datasets/{OPEN}/resolve/main/README.md?token={secret}")
    assert answer.status_code == 400
    assert secret not in answer.text
    for grant in ("x", "x.y", "W10.x", "é", "." * 300):
        assert get(hub, f"/datasets/{REPO}/resolve/main/README.md?sig={grant}").status_code == 403


def test_a_signed_link_serves_one_file_and_ends_with_its_token(hub: SomeHub) -> None:
    secret, token = hub.access.issue_token(CURATOR, name="link", scopes=("read",))
    manifest = get(hub, f"/api/datasets/{REPO}/parquet/v1.0.0", secret).json()
    assert len(manifest["parquet_files"]) == 3
    url = manifest["parquet_files"][0]["url"]
    assert secret not in url
    path = url.removeprefix(hub.settings.endpoint())
    assert get(hub, path).content == notices()[manifest["parquet_files"][0]["filename"]]
    other = path.replace("test-00000-of-00001", "train-00000-of-00002")
    assert get(hub, other).status_code == 403
    hub.access.revoke(CURATOR, token.id)
    assert get(hub, path).status_code == 403
    hub.city.clock.forward(days=1)
    assert get(hub, path).status_code == 403


def commit_body(*lines: Any) -> bytes:
    return b"\n".join(json.dumps(line).encode() if not isinstance(line, bytes) else line for line in lines)


HEADER = {"key": "header", "value": {"summary": "x"}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[1]",
        b'{"key":"file"}',
        commit_body({"key": "file", "value": {"path": "a", "content": ""}}),
        commit_body(HEADER, {"key": "file", "value": {"path": "../a", "content": "eA==", "encoding": "base64"}}),
        commit_body(HEADER, {"key": "file", "value": {"path": ".git/hooks/x", "content": "eA==", "encoding": "base64"}}),
        commit_body(HEADER, {"key": "file", "value": {"path": "a\u0000b", "content": "eA==", "encoding": "base64"}}),
        commit_body(
            HEADER, {"key": "file", "value": {"path": "a", "content": "!!", "encoding": "base64"}}, {"key": "file", "value": 1}
        ),
        commit_body(HEADER, {"key": "lfsFile", "value": {"path": "a.parquet", "oid": "f" * 64, "size": 3}}),
        commit_body(HEADER, {"key": "lfsFile", "value": {"path": "a.parquet", "oid": "../../x", "size": 3}}),
        commit_body(HEADER, {"key": "evil", "value": {}}),
        commit_body(
            HEADER,
            {"key": "file", "value": {"path": "a", "content": "eA==", "encoding": "base64"}},
            {"key": "file", "value": {"path": "a/b", "content": "eA==", "encoding": "base64"}},
        ),
        b'{"key":"header","value":' + b"[" * 100_000,
        b"\xff\xfe\x00",
    ],
)
def test_a_bad_commit_changes_nothing(hub: SomeHub, writer: str, body: bytes) -> None:
    before = hub.repositories.at(CURATOR, "city/pushed").commit.id
    answer = get(hub, "/api/datasets/city/pushed/commit/main", writer, "POST", content=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]
    hub.repositories.forget()
    assert hub.repositories.at(CURATOR, "city/pushed").commit.id == before


def batch(hub: SomeHub, token: str, repo: str, data: bytes, size: int | None = None) -> Any:
    objects = [{"oid": hashlib.sha256(data).hexdigest(), "size": len(data) if size is None else size}]
    body = {"operation": "upload", "transfers": ["basic"], "objects": objects}
    return get(hub, f"/datasets/{repo}.git/info/lfs/objects/batch", token, "POST", json=body)


def test_an_upload_with_wrong_bytes_stores_nothing(hub: SomeHub, writer: str) -> None:
    data = b"right" * 100
    href = (
        batch(hub, writer, "city/pushed", data)
        .json()["objects"][0]["actions"]["upload"]["href"]
        .removeprefix(hub.settings.endpoint())
    )
    for wrong in (data[:-1], data + b"x", b"wrong" * 100):
        assert get(hub, href, method="PUT", content=wrong).status_code == 400
    assert hub.objects.size(hashlib.sha256(data).hexdigest()) is None
    assert get(hub, href.replace("/put/", "/put/0"), method="PUT", content=data).status_code in {400, 403}
    assert get(hub, href, method="PUT", content=data).status_code == 200
    assert not list((hub.settings.home / "uploads").glob("*.part"))


def test_another_repository_s_object_can_not_be_named(hub: SomeHub, writer: str) -> None:
    data = notices()["data/train-00000-of-00002.parquet"]
    digest = hashlib.sha256(data).hexdigest()
    assert "actions" in batch(hub, writer, "city/pushed", data).json()["objects"][0]
    line = {"key": "lfsFile", "value": {"path": "stolen.parquet", "oid": digest, "size": len(data)}}
    answer = get(hub, "/api/datasets/city/pushed/commit/main", writer, "POST", content=commit_body(HEADER, line))
    assert answer.status_code == 400
    assert "never received" in answer.headers["x-error-message"]


def test_an_oversized_object_is_refused_in_the_batch(hub: SomeHub, writer: str) -> None:
    for size in (-1, 1 << 60, True, None):
        row = batch(hub, writer, "city/pushed", b"x", 1 << 60 if size is None else size).json()["objects"][0]
        assert "error" in row or row["size"] == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"\x00" * 7, b"\x00\xff\xff\xff\x00\xff\xff\x00", b"XETBLOB", b"\x01" * 100],
)
def test_a_malformed_xorb_or_shard_is_the_client_s_fault(hub: SomeHub, writer: str, body: bytes) -> None:
    told = get(hub, "/api/datasets/city/pushed/xet-write-token/main", writer).json()
    base, token = told["casUrl"].removeprefix(hub.settings.endpoint()), told["accessToken"]
    assert get(hub, f"{base}/v1/xorbs/default/{'a' * 64}", token, "POST", content=body).status_code == 400
    assert get(hub, f"{base}/v1/xorbs/default/..%2f..%2fx", token, "POST", content=body).status_code == 404
    assert get(hub, f"{base}/v1/shards", token, "POST", content=body).status_code == 400
    assert get(hub, f"/xet/{'0' * 32}/v1/shards", token, "POST", content=body).status_code == 403
    assert get(hub, f"{base}/v1/shards", "forged", "POST", content=body).status_code == 403


def raw_digest(hexed: str) -> bytes:
    """The bytes of a digest as Xet writes them: each group of eight reversed."""
    plain = bytes.fromhex(hexed)
    return b"".join(plain[at : at + 8][::-1] for at in range(0, 32, 8))


def shard(xorb: str, length: int, digest: str) -> bytes:
    """A shard of one file: the first chunk of `xorb`, which it says has this digest."""
    head = b"HFRepoMetaData".ljust(32, b"\0") + struct.pack("<QQ", 2, 0)
    record = b"\1" * 32 + struct.pack("<IIQ", 1 << 30, 1, 0)
    segment = raw_digest(xorb) + struct.pack("<IIII", 0, length, 0, 1)
    return head + record + segment + raw_digest(digest) + b"\0" * 16 + b"\xff" * 48


def test_a_poisoned_xorb_makes_no_file_and_is_nobody_else_s(hub: SomeHub, writer: str) -> None:
    hub.repositories.create(CURATOR, "city/other")
    good, evil, name = b"good" * 50, b"evil" * 50, "a" * 64
    digest = hashlib.sha256(good).hexdigest()

    def xorb(data: bytes) -> bytes:
        return b"\0" + len(data).to_bytes(3, "little") + b"\0" + len(data).to_bytes(3, "little") + data

    def store(repo: str) -> tuple[str, str]:
        told = get(hub, f"/api/datasets/{repo}/xet-write-token/main", writer).json()
        return told["casUrl"].removeprefix(hub.settings.endpoint()), told["accessToken"]

    base, token = store("city/pushed")
    assert get(hub, f"{base}/v1/xorbs/default/{name}", token, "POST", content=xorb(evil)).json() == {"was_inserted": True}
    answer = get(hub, f"{base}/v1/shards", token, "POST", content=shard(name, len(good), digest))
    assert (answer.status_code, answer.json()["code"]) == (400, "upload.hash_wrong")
    elsewhere, other = store("city/other")
    assert elsewhere != base
    assert get(hub, f"{base}/v1/shards", other, "POST", content=shard(name, len(good), digest)).status_code == 403
    answer = get(hub, f"{elsewhere}/v1/shards", other, "POST", content=shard(name, len(good), digest))
    assert (answer.status_code, answer.json()["code"]) == (400, "upload.xorb_unknown")
    assert hub.objects.size(digest) is None
    assert hub.objects.size(hashlib.sha256(evil).hexdigest()) is None
    assert get(hub, f"{elsewhere}/v1/xorbs/default/{name}", other, "POST", content=xorb(good)).status_code == 200
    assert get(hub, f"{elsewhere}/v1/shards", other, "POST", content=shard(name, len(good), digest)).json() == {"result": 1}
    assert hub.objects.read(digest) == good


@pytest.mark.parametrize(
    "parts", [[], [{"partNumber": 1}], [{"partNumber": [1]}, {"partNumber": {}}], ["x"], [{"partNumber": "1"}]]
)
def test_an_upload_in_parts_ends_only_with_all_of_them(
    hub: SomeHub, writer: str, monkeypatch: pytest.MonkeyPatch, parts: list[Any]
) -> None:
    monkeypatch.setattr(hf_lfs, "MULTIPART_FROM", 1)
    monkeypatch.setattr(hf_lfs, "PART_BYTES", 100)
    data = b"in parts" * 30
    objects = [{"oid": hashlib.sha256(data).hexdigest(), "size": len(data)}]
    body = {"operation": "upload", "transfers": ["basic", "multipart"], "objects": objects}
    row = get(hub, "/datasets/city/pushed.git/info/lfs/objects/batch", writer, "POST", json=body).json()["objects"][0]
    upload = row["actions"]["upload"]
    first = upload["header"]["00001"].removeprefix(hub.settings.endpoint())
    assert get(hub, first, method="PUT", content=data[:99]).status_code == 400
    assert get(hub, first.replace("/1?", "/9?"), method="PUT", content=data[:100]).status_code == 400
    assert get(hub, first, method="PUT", content=data[:100]).status_code == 200
    href = upload["href"].removeprefix(hub.settings.endpoint())
    assert get(hub, href, method="POST", json={"oid": objects[0]["oid"], "parts": parts}).status_code == 400
    claimed = [{"partNumber": number, "etag": "x"} for number in (1, 2, 3)]
    assert get(hub, href, method="POST", json={"parts": claimed}).status_code == 400
    assert hub.objects.size(objects[0]["oid"]) is None


def test_names_that_differ_by_case_only_collide(hub: SomeHub, writer: str) -> None:
    body = {"name": "Pushed", "organization": "City", "type": "dataset"}
    answer = get(hub, "/api/repos/create", writer, "POST", json=body)
    assert answer.status_code == 409
    assert answer.json()["url"]
    for name in ("a/../b", "x" * 200, ".hidden", "a b", "a--b", "", "x.git"):
        assert get(hub, "/api/repos/create", writer, "POST", json=body | {"name": name}).status_code == 400


def test_models_and_spaces_and_unknown_features_say_so(hub: SomeHub) -> None:
    assert get(hub, "/api/models/a/b").headers["x-error-code"] == "RepoNotFound"
    answer = get(hub, f"/api/datasets/{OPEN}/discussions")
    assert answer.status_code == 501
    assert answer.headers["x-error-message"]
    for path in ("/api/collections/a/b", "/api/settings/webhooks", "/api/users/x/likes", "/api/models", "/api/spaces"):
        answer = get(hub, path)
        assert (answer.status_code, answer.json()["code"]) == (501, "http.not_offered"), path
    assert "repo" not in get(hub, "/api/datasets/").json()["code"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/api/datasets", "GET, HEAD"),
        ("DELETE", f"/api/datasets/{OPEN}", "GET, HEAD"),
        ("POST", f"/api/datasets/{OPEN}/tree/main", "GET, HEAD"),
        ("GET", f"/api/datasets/{OPEN}/paths-info/main", "POST"),
        ("GET", f"/api/datasets/{OPEN}/tag/v1", "POST, DELETE"),
        ("POST", f"/api/datasets/{OPEN}/settings", "PUT"),
        ("PUT", f"/datasets/{OPEN}/resolve/main/README.md", "GET, HEAD"),
        ("DELETE", "/healthz", "GET, HEAD"),
        ("PATCH", "/v1/cases", "GET"),
        ("POST", "/viewer/rows", "GET"),
    ],
)
def test_another_method_is_refused_with_the_ones_there_are(hub: SomeHub, method: str, path: str, allow: str) -> None:
    for lang, word in (("zh", "请使用"), ("en", "is not possible here; use")):
        answer = get(hub, path, method=method, headers={"accept-language": lang})
        assert (answer.status_code, answer.json()["code"]) == (405, "http.method")
        assert set(answer.headers["allow"].split(", ")) == set(allow.split(", "))
        assert word in answer.text


@pytest.mark.parametrize("path", ["/nothing", "/v1/nothing", "/api/nothing", "/api/datasets/", f"/api/datasets/{OPEN}/nothing"])
def test_no_such_address_is_told_in_the_callers_language(hub: SomeHub, path: str) -> None:
    for lang, word in (("zh", "该地址没有内容"), ("en", "Nothing lives at this address")):
        answer = get(hub, path, headers={"accept-language": lang})
        assert (answer.status_code, answer.json()["code"]) == (404, "http.not_found")
        assert word in answer.text


@pytest.mark.parametrize(
    ("query", "code", "word"),
    [
        ("", "http.parameter_missing", "dataset"),
        (f"?dataset={OPEN}&length=abc", "http.parameter_invalid", "length"),
        (f"?dataset={OPEN}&length=0&offset=-1", "http.parameter_invalid", "offset"),
        (f"?dataset={'a' * 300}", "http.parameter_invalid", "dataset"),
    ],
)
def test_a_query_that_does_not_fit_is_told_in_the_callers_language(hub: SomeHub, query: str, code: str, word: str) -> None:
    told = {lang: get(hub, f"/viewer/rows{query}", headers={"accept-language": lang}) for lang in ("zh", "en")}
    assert [answer.status_code for answer in told.values()] == [422, 422]
    assert told["zh"].json()["code"] == code
    assert "参数" in told["zh"].json()["detail"]
    assert "Parameter" in told["en"].json()["detail"]
    assert all(word in answer.json()["detail"] and len(answer.text) < 600 for answer in told.values())


def test_what_watches_may_ask_for_heads_alone(hub: SomeHub) -> None:
    for path, status in (("/healthz", 200), ("/metrics", 200), ("/", 303)):
        assert get(hub, path, method="HEAD").status_code == status, path


@pytest.mark.parametrize("days", ["²", "٣", "9" * 5000, "-1", "1.5"])
def test_a_number_that_is_none_is_told(hub: SomeHub, days: str) -> None:
    """Some of them once were a status of 500, for anybody."""
    answer = get(hub, f"/datasets/{OPEN}/ask-access", method="POST", data={"days": days})
    assert (answer.status_code, answer.json()["code"]) == (400, "http.parameter_invalid")


def test_a_form_of_a_million_fields_is_not_taken_apart(hub: SomeHub) -> None:
    for path in (f"/api/datasets/{OPEN}/paths-info/main", f"/datasets/{OPEN}/ask-access"):
        headers = {"content-type": "application/x-www-form-urlencoded"}
        assert get(hub, path, method="POST", content=b"a=&" * (1 << 18), headers=headers).status_code == 400
        assert get(hub, path, method="POST", content=b"%41" * (1 << 19), headers=headers).status_code == 413


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("/api/validate-yaml", 3),
        ("/api/repos/create", 2),
        (f"/api/datasets/{OPEN}/paths-info/main", 2),
        (f"/datasets/{OPEN}.git/info/lfs/objects/batch", 2),
        ("/mcp", 2),
        ("/v1/objection", 2),
        ("/v1/federation/peers", 2),
        ("/dsp/catalog/request", 2),
        ("/ledger/cosignatures", 3),
        ("/signin", 3),
    ],
)
def test_what_has_to_be_taken_apart_whole_is_small(hub: SomeHub, path: str, size: int) -> None:
    """Eight megabytes of nested lists, from anybody, held every other request for a second: while JSON is read nothing else runs."""
    secret = hub.token(CURATOR, "read", "write", "request") if path == "/v1/federation/peers" else ""
    body = b'{"a":[' + b"[]," * (size * (1 << 20) // 3) + b"0]}"
    answer = get(
        hub, path, secret, "POST", content=body, headers={"content-type": "application/json", "origin": hub.settings.endpoint()}
    )
    assert answer.status_code == 413


def test_a_page_of_a_peer_is_taken_from_those_who_keep_the_catalog_alone(hub: SomeHub) -> None:
    """Whoever had a token that writes could hand over 64 MB, or have the hub ask a peer."""
    secret = hub.token(CURATOR, "read", "write")
    for body in (b"", b"no page at all"):
        answer = get(hub, "/v1/federation/peers/none", secret, "POST", content=body)
        assert (answer.status_code, answer.json()["title"]) == (403, "federation.keepers_only")


def test_a_long_line_of_a_commit_is_one_file(hub: SomeHub, writer: str) -> None:
    path = "/api/datasets/city/pushed/commit/main"
    tangled = b'{"key":"file","value":[' + b"[]," * (1 << 19) + b"0]}"
    answer = get(hub, path, writer, "POST", content=commit_body(HEADER) + b"\n" + tangled)
    assert (answer.status_code, answer.headers["x-error-message"].count("base64")) == (400, 1)
    large = {
        "key": "file",
        "value": {"path": "l.txt", "content": base64.b64encode(b"x" * (3 << 20)).decode(), "encoding": "base64"},
    }
    assert get(hub, path, writer, "POST", content=commit_body(HEADER, large)).status_code == 200


def test_long_cards_take_one_thread_of_the_hub_at_most(hub: SomeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A head of 250 kB takes three seconds to read: eight of them, by anybody, once kept every thread for as long."""
    under_way, most = 0, 0

    def slow(text: str) -> CardHead:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        time.sleep(0.05)
        under_way -= 1
        return CardHead()

    async def together() -> set[int]:
        async with caller(hub) as client:
            asked = (client.post("/api/validate-yaml", json={"content": "x"}) for _ in range(8))
            return {answer.status_code for answer in await asyncio.gather(*asked)}

    monkeypatch.setattr(hf_write, "read_head", slow)
    assert asyncio.run(together()) == {200}
    assert most == 1


def test_a_card_that_would_unfold_without_end_stops_nobody(hub: SomeHub) -> None:
    """One such request, by anybody, once stopped the hub for everybody."""
    levels = "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(12))
    card = f"---\na: &a [x,x,x,x,x,x,x,x,x]\n{levels}---\n"
    answer = get(hub, "/api/validate-yaml", method="POST", json={"content": card, "repoType": "dataset"})
    assert answer.status_code == 400
    assert "unfolds to too much" in answer.json()["errors"][0]["message"]


def test_too_many_requests_tell_when_to_come_back(hub: SomeHub) -> None:
    async def ask() -> list[int]:
        async with caller(hub, quotas=Quotas(anonymous_api=3)) as client:
            answers = [await client.get("/api/datasets") for _ in range(5)]
            assert answers[-1].headers["ratelimit"].startswith('"api";r=0;t=')
            assert int(answers[-1].headers["retry-after"]) > 0
            return [answer.status_code for answer in answers]

    assert asyncio.run(ask()) == [200, 200, 200, 429, 429]


def test_large_headers_and_bodies_are_cut_off(hub: SomeHub, writer: str) -> None:
    assert get(hub, "/api/datasets", headers={"x-long": "a" * 60_000}).status_code in {400, 413, 431}
    assert (
        get(hub, f"/api/datasets/{OPEN}/paths-info/main", method="POST", content=b"paths=" + b"a" * (9 << 20)).status_code == 413
    )


def test_a_change_with_a_cookie_must_come_from_our_pages(hub: SomeHub) -> None:
    hub.accounts.set_password(hub.city["keeper"], "operator", "correct horse battery")
    cookie = {"cookie": f"corpushub_session={hub.accounts.sign_in('operator', 'correct horse battery')}"}
    body = {"name": "by-cookie", "organization": "city", "type": "dataset"}
    for extra in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        assert get(hub, "/api/repos/create", method="POST", json=body, headers=cookie | extra).status_code == 403
    own = {"origin": hub.settings.endpoint(), "sec-fetch-site": "same-origin"}
    assert get(hub, "/api/repos/create", method="POST", json=body, headers=cookie | own).status_code == 200


def test_every_answer_has_its_headers(hub: SomeHub) -> None:
    for path in ("/api/datasets", f"/datasets/{OPEN}/resolve/main/README.md", "/healthz", "/nothing"):
        answer = get(hub, path, headers={"x-request-id": "abc-1"})
        assert answer.headers["x-request-id"] == "abc-1"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "content-security-policy" in answer.headers
    assert get(hub, "/healthz", headers={"x-request-id": "a\tb"}).headers["x-request-id"] != "a\tb"
    assert "corpushub_requests_total" in get(hub, "/metrics").text


SEGMENT = st.text(st.characters(codec="utf-8", exclude_characters="/?#"), max_size=12) | st.sampled_from(
    [
        "datasets",
        "api",
        "city",
        "open",
        "pushed",
        "resolve",
        "main",
        "tree",
        "commit",
        "revision",
        "..",
        "refs",
        "tag",
        "%2F",
        "%",
        "xet",
        "info",
        "lfs",
        "objects",
    ]
)


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    segments=st.lists(SEGMENT, max_size=8),
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]),
    body=st.binary(max_size=200)
    | st.sampled_from([b"{}", b"[]", b'{"files":[{}]}', b'{"paths":1}', b'{"objects":[{}]}', b'{"type":"dataset"}']),
    query=st.text(st.characters(codec="ascii"), max_size=30),
)
def test_no_request_breaks_the_protocol(
    hub: SomeHub, writer: str, segments: list[str], method: str, body: bytes, query: str
) -> None:
    """A fuzzer over routes, methods, bodies and queries: every answer is below 500 and carries a readable message."""
    from urllib.parse import quote

    path = "/" + "/".join(quote(part, safe="%.") for part in segments)
    answer = get(hub, f"{hub.settings.endpoint()}{path}?{quote(query, safe='=&%')}", writer, method, content=body)
    assert answer.status_code < 500 or answer.status_code == 501, (path, answer.text)
    if answer.status_code >= 400 and method != "HEAD":
        assert answer.json()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.dictionaries(
        st.sampled_from(
            [
                "files",
                "paths",
                "expand",
                "operation",
                "objects",
                "tag",
                "type",
                "name",
                "gated",
                "visibility",
                "status",
                "startingPoint",
            ]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["path", "size", "oid", "x"]), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    )
)
def test_no_json_breaks_a_write_route(hub: SomeHub, writer: str, data: dict[str, Any]) -> None:
    for method, path in (
        ("POST", "/api/datasets/city/pushed/preupload/main"),
        ("POST", "/api/datasets/city/pushed/paths-info/main"),
        ("POST", "/datasets/city/pushed.git/info/lfs/objects/batch"),
        ("POST", "/api/datasets/city/pushed/tag/main"),
        ("PUT", "/api/datasets/city/pushed/settings"),
        ("POST", "/api/repos/create"),
        ("POST", "/api/datasets/city/pushed/user-access-request/handle"),
        ("POST", "/datasets/city/pushed/ask-access"),
        ("POST", "/api/validate-yaml"),
    ):
        answer = get(hub, path, writer, method, json=data)
        assert answer.status_code < 500, (path, data, answer.text)


def test_a_truncated_upload_leaves_nothing(tmp_path: Path) -> None:
    hub = some_hub(tmp_path)
    hub.repositories.create(CURATOR, "city/pushed")
    data = b"x" * 500_000
    with serving(hub):
        href = batch(hub, hub.token(CURATOR, "read", "write"), "city/pushed", data).json()["objects"][0]["actions"]["upload"][
            "href"
        ]
        path = href.removeprefix(hub.settings.endpoint())
        with socket.create_connection(("127.0.0.1", hub.settings.port)) as line:
            line.sendall(f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data[:1000])
        assert get(hub, "/healthz").status_code == 200
    assert hub.objects.size(hashlib.sha256(data).hexdigest()) is None
    assert not list((hub.settings.home / "uploads").glob("*.part"))
    hub.close()


def test_small_and_large_files_come_inside_a_commit_or_not_at_all(hub: SomeHub, writer: str) -> None:
    data = parquet(3)
    asked = [
        {"path": "a.parquet", "size": len(data)},
        {"path": "b.txt", "size": 3},
        {"path": "c.txt", "size": 5 << 20},
        {"path": "e.bin", "size": 0},
    ]
    modes = get(hub, "/api/datasets/city/pushed/preupload/main", writer, "POST", json={"files": asked}).json()["files"]
    assert [row["uploadMode"] for row in modes] == ["lfs", "regular", "lfs", "regular"]
    line = {"key": "file", "value": {"path": "b.txt", "content": base64.b64encode(b"one").decode(), "encoding": "base64"}}
    assert get(hub, "/api/datasets/city/pushed/commit/main", writer, "POST", content=commit_body(HEADER, line)).status_code == 200
    hub.repositories.forget()
    again = get(hub, "/api/datasets/city/pushed/preupload/main", writer, "POST", json={"files": asked[1:2]}).json()["files"]
    assert again[0]["oid"] == "43dd47ea691c90a5fa7827892c70241913351963"
