"""Strangers at the door of the portal: other people's tokens, forms of other sites, passwords by the thousand, files nobody asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from corpushub.api.throttle import Quotas
from corpushub.domain.parties import SYSTEM
from corpushub.services.accounts import COOKIE
from corpushub.web import create_app
from tests.kit.hub import CURATOR, SomeHub, some_hub

PASSWORD = "a password for tests"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> SomeHub:
    made = some_hub(tmp_path_factory.mktemp("door"))
    made.accounts.set_password(SYSTEM, "operator", PASSWORD)
    return made


@pytest.fixture(scope="module")
def app(hub: SomeHub) -> Any:
    return create_app(hub.hub, quotas=Quotas(signin=20))


def ask(
    app: Any, hub: SomeHub, method: str, path: str, headers: Mapping[str, str] | None = None, **options: Any
) -> httpx.Response:
    async def send() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=hub.settings.endpoint(), timeout=60, cookies=options.pop("cookies", {})
        ) as client:
            return await client.request(method, path, headers=headers, **options)

    return asyncio.run(send())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/zh/make/studio"),
        ("POST", "/zh/make/gradio_api/component_server"),
        ("POST", "/en/demand/gradio_api/component_server"),
        ("POST", "/upload/catalog-page"),
        ("POST", "/download/audit-bundle"),
    ],
)
def test_no_token_opens_a_screen_whatever_it_may(app: Any, hub: SomeHub, method: str, path: str) -> None:
    """A screen does all its person may; a token that may only read would approve, hand in and make tokens there."""
    for scopes in (("read",), ("read", "write", "request")):
        answer = ask(app, hub, method, path, {"authorization": f"Bearer {hub.token(CURATOR, *scopes)}"}, json=None)
        assert (answer.status_code, answer.headers["x-error-message"][:16]) == (403, "Pages for people")


def test_a_form_of_another_site_signs_nobody_in(app: Any, hub: SomeHub) -> None:
    form = {"name": "operator", "password": PASSWORD}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = ask(app, hub, "POST", "/signin", headers, data=form)
        assert answer.status_code == 403
        assert COOKIE not in answer.cookies
    assert COOKIE in ask(app, hub, "POST", "/signin", {"origin": hub.settings.endpoint()}, data=form).cookies


def test_passwords_are_tried_a_few_times_from_one_address_whatever_the_accounts(hub: SomeHub) -> None:
    app = create_app(hub.hub, quotas=Quotas(signin=3), with_portal=True)
    form = {"password": "one guess for everybody"}
    answers = [ask(app, hub, "POST", "/signin", data=form | {"name": f"person-{number}"}) for number in range(5)]
    assert [answer.status_code for answer in answers] == [403, 403, 403, 429, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert ask(app, hub, "GET", "/signin").status_code == 200


@pytest.mark.parametrize("visitor", ["", "operator"])
def test_gradio_takes_no_files_and_gives_none(app: Any, hub: SomeHub, visitor: str) -> None:
    cookies = {COOKIE: hub.accounts.sign_in(visitor, PASSWORD)} if visitor else {}
    headers = {"origin": hub.settings.endpoint()}
    sent = ask(app, hub, "POST", "/zh/data/gradio_api/upload", headers, files={"files": ("a.html", b"<b>")}, cookies=cookies)
    assert sent.status_code == 404
    for path in ("file=/etc/hostname", "proxy=http://127.0.0.1/", "stream/a/b/c", "deep_link?session_hash=a", "run/predict"):
        assert ask(app, hub, "GET", f"/zh/data/gradio_api/{path}", headers, cookies=cookies).status_code == 404, path
    assert ask(app, hub, "GET", "/zh/data/config", headers, cookies=cookies).status_code == 200


@pytest.mark.parametrize("sent", [None, [], "x", {"url": "http://["}, {"url": 7, "act": ["a"], "form": {}}])
@pytest.mark.parametrize("function", ["portal_show", "portal_act"])
def test_what_no_form_of_ours_sends_is_no_fault_of_ours(app: Any, hub: SomeHub, function: str, sent: Any) -> None:
    answer = call(app, hub, function, sent)
    assert (answer.status_code, answer.json()["status"]) == (200, 404)


@pytest.mark.parametrize("form", [None, [1, 2], "x", {"notice": {"path": "/etc/hostname"}}, {"notice": [{"a": 1}]}])
def test_a_forged_form_is_read_as_an_empty_one(app: Any, hub: SomeHub, form: Any) -> None:
    """A path in place of a file, a mapping in place of words: nothing a screen asks for."""
    sent = {"url": "/zh/home/notices", "act": "read", "form": form}
    assert call(app, hub, "portal_act", sent, area="home").json()["status"] == 200


def call(app: Any, hub: SomeHub, function: str, data: Any, area: str = "data") -> httpx.Response:
    headers = {"origin": hub.settings.endpoint()}
    cookies = {COOKIE: hub.accounts.sign_in("operator", PASSWORD)}
    config = ask(app, hub, "GET", f"/zh/{area}/config", headers, cookies=cookies).json()
    number = next(item["id"] for item in config["components"] if item["type"] == "html")
    body = {"data": data, "component_id": number, "fn_name": function, "session_hash": "forged"}
    return ask(app, hub, "POST", f"/zh/{area}/gradio_api/component_server", headers, json=body, cookies=cookies)


def test_heads_and_unknown_addresses_are_answered_like_pages(app: Any, hub: SomeHub) -> None:
    """A monitor asks for heads; a program that strays is told in its language, a person led to the portal's page for it."""
    for path, status in (("/zh", 303), ("/en/", 303), ("/signin", 200), ("/en/nothing", 404), ("/zh/data/datasets", 200)):
        assert ask(app, hub, "HEAD", path).status_code == status, path
    for lang, word in (("zh", "该地址没有内容"), ("en", "Nothing lives at this address")):
        told = ask(app, hub, "GET", "/nothing", {"accept-language": lang})
        assert (told.status_code, told.json()["code"], word in told.text) == (404, "http.not_found", True)
    shown = ask(app, hub, "GET", "/nothing", {"accept": "text/html"})
    assert (shown.status_code, shown.headers["location"]) == (303, "/zh/nothing")
