"""Every mount, every seat, every kind of address: who gets in, who is shown the way, who is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from corpushub.base.messages import LANGS
from corpushub.domain.parties import ANONYMOUS, SYSTEM, Actor, Role
from corpushub.portal.app import Desk, blocks
from corpushub.portal.areas import AREAS, Area, Place, area_of
from corpushub.portal.screens import all_screens
from corpushub.services.accounts import COOKIE
from corpushub.web import create_app
from tests.kit.hub import SomeHub, some_hub

SEATS = ("", "authority", "provider", "implementer", "operator", "registrar", "developer", "reviewer", "auditor", "supervisor")
BELOW = (
    "/config",
    "/gradio_api/info",
    "/gradio_api/startup-events",
    "/gradio_api/queue/status",
    "/theme.css",
    "/gradio_api/mcp/schema",
    "/gradio_api/mcp/",
)
CALLS = (
    "/gradio_api/component_server",
    "/gradio_api/run/predict",
    "/gradio_api/queue/join",
    "/gradio_api/upload",
    "/gradio_api/reset",
    "/gradio_api/cancel",
)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> SomeHub:
    return some_hub(tmp_path_factory.mktemp("matrix"))


@pytest.fixture(scope="module")
def app(hub: SomeHub) -> Any:
    return create_app(hub.hub, with_portal=True)


@pytest.fixture(scope="module")
def cookies(hub: SomeHub) -> dict[str, str]:
    """A session for every seat that the small city has a person for; all sign in the same way."""
    found = {}
    for seat in SEATS[1:]:
        hub.accounts.set_password(SYSTEM, seat, "a password for tests")
        found[seat] = hub.accounts.sign_in(seat, "a password for tests")
    return found


def ask(app: Any, hub: SomeHub, method: str, path: str, cookie: str = "", **options: Any) -> httpx.Response:
    async def send() -> httpx.Response:
        headers = {"accept": "text/html", "origin": hub.settings.endpoint(), **options.pop("headers", {})}
        jar = {COOKIE: cookie} if cookie else {}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=hub.settings.endpoint(), cookies=jar, timeout=60
        ) as client:
            return await client.request(method, path, headers=headers, **options)

    return asyncio.run(send())


def actor(hub: SomeHub, seat: str) -> Actor | None:
    return hub.parties.actor_of(seat) if seat else None


def admitted(hub: SomeHub, area: Area, seat: str) -> bool:
    person = actor(hub, seat)
    return area.public or (person is not None and area.admits(person))


def expected(hub: SomeHub, area: Area, place: Place, seat: str) -> int:
    """What the permission table says of a page: shown, refused, or the way to sign in."""
    if not admitted(hub, area, seat):
        return 403 if seat else 303
    person = actor(hub, seat) or ANONYMOUS
    screen = next(item for item in all_screens() if item.pattern == place.path)
    return 200 if screen.admits(person) else 403


def statuses(app: Any, hub: SomeHub, cookie: str, calls: Sequence[tuple[str, str]]) -> dict[tuple[str, str], httpx.Response]:
    """Many requests of one visitor, one after another in one loop."""

    async def send() -> dict[tuple[str, str], httpx.Response]:
        headers = {"accept": "text/html", "origin": hub.settings.endpoint()}
        jar = {COOKIE: cookie} if cookie else {}
        found = {}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=hub.settings.endpoint(), cookies=jar, headers=headers, timeout=60
        ) as client:
            for method, path in calls:
                body = {"json": {"data": [], "fn_index": 0}} if method == "POST" else {}
                found[method, path] = await client.request(method, path, **body)
        return found

    return asyncio.run(send())


@pytest.mark.parametrize("seat", SEATS, ids=lambda seat: seat or "nobody")
def test_pages_open_for_the_seats_of_their_area_only(app: Any, hub: SomeHub, cookies: dict[str, str], seat: str) -> None:
    langs = LANGS if seat in {"", "authority", "developer"} else LANGS[:1]
    places = {f"/{lang}{place.path}": (area, place) for lang in langs for area in AREAS for place in area.places}
    for (_, path), answer in statuses(app, hub, cookies.get(seat, ""), [("GET", path) for path in places]).items():
        area, place = places[path]
        assert answer.status_code == expected(hub, area, place, seat), (path, seat, answer.status_code)
        if answer.status_code == 303:
            assert answer.headers["location"].startswith("/signin?next=")


@pytest.mark.parametrize("seat", SEATS, ids=lambda seat: seat or "nobody")
def test_nothing_below_a_closed_area_answers(app: Any, hub: SomeHub, cookies: dict[str, str], seat: str) -> None:
    closed = [area for area in AREAS if not admitted(hub, area, seat)]
    calls = [
        (method, f"/zh/{area.name}{path}")
        for area in closed
        for method, paths in (("GET", BELOW), ("POST", CALLS))
        for path in paths
    ]
    for (method, path), answer in statuses(app, hub, cookies.get(seat, ""), calls).items():
        allowed = {303, 401, 403} if method == "GET" else {401, 403}
        assert answer.status_code in allowed, (method, path, answer.status_code)


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.name)
def test_mcp_of_gradio_is_switched_off_everywhere(app: Any, hub: SomeHub, cookies: dict[str, str], area: Area) -> None:
    seat = next(name for name in SEATS[1:] if admitted(hub, area, name))
    for path in ("/gradio_api/mcp/", "/gradio_api/mcp/schema", "/gradio_api/mcp/sse"):
        assert ask(app, hub, "GET", f"/zh/{area.name}{path}", cookies[seat]).status_code in {404, 405}


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.name)
def test_config_holds_no_screen_and_stays_small(app: Any, hub: SomeHub, cookies: dict[str, str], area: Area) -> None:
    seat = next(name for name in SEATS[1:] if admitted(hub, area, name))
    answer = ask(app, hub, "GET", f"/zh/{area.name}/config", cookies[seat])
    assert answer.status_code == 200
    assert len(answer.content) <= 150_000
    assert len(answer.json()["components"]) <= 60
    assert all(not component["props"].get("value") for component in answer.json()["components"])
    assert not any(
        component["type"] in {"state", "browserstate"} for component in answer.json()["components"]
    )  # a session holds nothing


def test_no_mount_keeps_a_core_from_resting(hub: SomeHub) -> None:
    """Gradio looks into an empty queue every millisecond; nothing of ours is queued."""
    for area in AREAS:
        assert blocks(Desk(hub.hub, area, "zh"))._queue.sleep_when_free >= 0.5


def call(app: Any, hub: SomeHub, cookie: str, area: str, function: str, data: dict[str, Any]) -> httpx.Response:
    config = ask(app, hub, "GET", f"/zh/{area}/config", cookie).json()
    number = next(item["id"] for item in config["components"] if item["type"] == "html")
    body = {"data": data, "component_id": number, "fn_name": function, "session_hash": "matrix"}
    return ask(app, hub, "POST", f"/zh/{area}/gradio_api/component_server", cookie, json=body)


def test_a_function_of_one_area_never_serves_a_screen_of_another(app: Any, hub: SomeHub, cookies: dict[str, str]) -> None:
    answer = call(app, hub, cookies["developer"], "data", "portal_show", {"url": "/zh/oversee/audit"})
    assert answer.json()["status"] == 404


def test_a_screen_of_another_seat_is_refused_inside_an_open_area_too(app: Any, hub: SomeHub, cookies: dict[str, str]) -> None:
    answer = call(app, hub, cookies["operator"], "oversee", "portal_show", {"url": "/zh/oversee/audit"})
    assert answer.json()["status"] == 403
    answer = call(
        app, hub, cookies["operator"], "oversee", "portal_act", {"url": "/zh/oversee/audit", "act": "checkpoint", "form": {}}
    )
    assert answer.json()["status"] == 403


def test_an_act_that_a_screen_does_not_have_is_not_found(app: Any, hub: SomeHub, cookies: dict[str, str]) -> None:
    answer = call(
        app, hub, cookies["operator"], "home", "portal_act", {"url": "/zh/home/tasks", "act": "change_password", "form": {}}
    )
    assert answer.json()["status"] == 404


def test_an_unknown_function_is_not_found(app: Any, hub: SomeHub, cookies: dict[str, str]) -> None:
    assert call(app, hub, cookies["operator"], "home", "__class__", {}).status_code == 404


def test_a_change_from_another_origin_is_refused(app: Any, hub: SomeHub, cookies: dict[str, str]) -> None:
    answer = ask(
        app,
        hub,
        "POST",
        "/signout",
        cookies["auditor"],
        headers={"origin": "http://elsewhere.example", "sec-fetch-site": "cross-site"},
    )
    assert answer.status_code == 403
    assert hub.accounts.actor_of_session(cookies["auditor"]) is not None


def test_signing_in_leads_only_to_paths_of_ours(app: Any, hub: SomeHub) -> None:
    for then in ("//evil.example/x", "https://evil.example", "/\\evil.example", "/signin", "javascript:alert(1)"):
        form = {"name": "developer", "password": "a password for tests", "next": then}
        answer = ask(app, hub, "POST", "/signin", data=form)
        assert answer.status_code == 303
        assert answer.headers["location"] in {"/zh/home/tasks", "/en/home/tasks"}
        assert "httponly" in answer.headers["set-cookie"].lower()
        assert "samesite=lax" in answer.headers["set-cookie"].lower()


def test_a_wrong_password_says_so_in_the_language_of_the_page(app: Any, hub: SomeHub) -> None:
    answer = ask(app, hub, "POST", "/signin", data={"name": "developer", "password": "wrong", "lang": "en"})
    assert answer.status_code == 403
    assert "Account or password is wrong" in answer.text
    answer = ask(app, hub, "POST", "/signin", data={"name": "<script>", "password": "wrong", "lang": "zh"})
    assert "<script>" not in answer.text.split("<main", 1)[1]


def test_every_address_of_the_portal_belongs_to_an_area() -> None:
    assert area_of("/zh/make/gradio_api/run") is not None
    assert area_of("/en/data/datasets/a/b") is not None
    assert area_of("/datasets/a/b") is None
    roles = {role for area in AREAS for role in area.roles}
    assert Role.PUBLIC not in roles
