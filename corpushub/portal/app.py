"""The portal in the hub's application: one small Blocks per area and language, sign-in pages, static files.

Rules of this module:
- the right to enter an area is decided by the path, before Gradio sees the request, for every address below the mount;
- documents are rendered here with the screen in them (nothing protected stands in a component's constructor or in `/config`);
- the two functions a page may call (`portal_show`, `portal_act`) find the screen again by its address and ask the services again.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import anyio.to_thread
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from corpushub.base.errors import Forbidden, HubError, NotFound
from corpushub.base.messages import LANGS, Lang
from corpushub.domain.parties import ANONYMOUS, Actor
from corpushub.portal import assets, downloads, parts, signing
from corpushub.portal.areas import AREAS, Area
from corpushub.portal.pages import Ask, Outcome, Page, Screen, Words, link, query_of
from corpushub.portal.screens import all_screens
from corpushub.portal.shell import Shell
from corpushub.services.hub import Hub

ON_LOAD = "window.portal.attach(element, server)"
SERVED = frozenset(
    {"component_server", "startup-events", "heartbeat", "info", "app_id", "queue"}
)  # of Gradio's own: what our page asks for
QUEUE_LOOKS_EVERY = 1.0  # seconds; nothing here is queued, and twelve mounts looking every millisecond keep a core from resting


def mount(app: FastAPI, hub: Hub) -> None:
    """Add the portal's addresses to `app`: `/zh/…`, `/en/…`, `/signin`, `/signout`, `/static/portal/…`."""
    app.add_api_route("/static/portal/{digest}/{name}", static_file, methods=["GET", "HEAD"], include_in_schema=False)
    signing.routes(app, hub)
    downloads.routes(app, hub)
    for lang in LANGS:
        for path in (f"/{lang}", f"/{lang}/"):
            app.add_api_route(path, front_door, methods=["GET", "HEAD"], include_in_schema=False)
        doors = {area.name: mount_area(app, hub, area, lang) for area in AREAS}
        app.add_api_route(f"/{lang}/{{rest:path}}", doors["data"].lost, methods=["GET", "HEAD"], include_in_schema=False)
    app.add_exception_handler(NotFound.status, lost_outside)


def mount_area(app: FastAPI, hub: Hub, area: Area, lang: Lang) -> Door:
    import gradio as gr

    desk = Desk(hub, area, lang)
    path = f"/{lang}/{area.name}"
    gr.mount_gradio_app(
        app, blocks(desk), path, footer_links=[], run_history=False, show_error=False, ssr_mode=False, mcp_server=False
    )
    route = app.router.routes[-1]
    assert isinstance(route, Mount)
    route.app = door = Door(desk, Shell(route.app, path, lang), path, route.app)
    return door


def blocks(desk: Desk) -> Any:
    """One HTML component that takes over the screen the document already shows."""
    import gradio as gr

    def portal_show(data: dict[str, Any], request: Any) -> dict[str, Any]:
        return desk.portal_show(data, request)

    def portal_act(data: dict[str, Any], request: Any) -> dict[str, Any]:
        return desk.portal_act(data, request)

    for function in (portal_show, portal_act):  # Gradio finds the request by its annotation, which has to be the class itself
        function.__annotations__ = {"data": dict, "request": gr.Request}
    with unserved(), gr.Blocks(title=desk.t("portal.name"), analytics_enabled=False, fill_width=True) as page:
        gr.HTML(
            html_template='<div class="screen-slot"></div>',
            js_on_load=ON_LOAD,
            apply_default_css=False,
            server_functions=[portal_show, portal_act],
        )
    page.state_session_capacity = 400
    page._queue.sleep_when_free = QUEUE_LOOKS_EVERY
    return page


@contextmanager
def unserved() -> Generator[None]:
    """Gradio makes an application with some eighty routes twice for each page that is built, and mounts neither but a third: two thirds of what
    starting the portal takes. Pages built in here have none until they are mounted.
    """
    from gradio.routes import App

    make = App.__dict__["create_app"]
    App.create_app = staticmethod(lambda *_, **__: None)  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        App.create_app = make  # type: ignore[method-assign]


async def static_file(name: str) -> Response:
    if not assets.known(name):
        raise HTTPException(404)
    return Response(assets.content(name), media_type=assets.TYPES[name.rpartition(".")[2]], headers=assets.KEEP)


async def lost_outside(request: Request, error: Exception) -> Response:
    """An address nobody knows outside the portal: a person is shown the portal's page for it, programs what the application tells them."""
    assert isinstance(error, StarletteHTTPException)
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        lang = request.state.lang if request.headers.get("accept-language") else LANGS[0]
        return RedirectResponse(f"/{lang}{request.url.path}", 303)
    told: Response = await request.app.exception_handlers[StarletteHTTPException](request, error)
    return told


def front_door(request: Request) -> RedirectResponse:
    lang: Lang = "en" if request.url.path.startswith("/en") else "zh"
    return RedirectResponse(link(lang, "/data/datasets" if actor_of(request.scope).is_anonymous else "/home/tasks"), 303)


def actor_of(scope: Scope) -> Actor:
    """The actor the gate found; nobody where it found none."""
    found = scope.get("state", {}).get("actor")
    return found if isinstance(found, Actor) else ANONYMOUS


class Desk:
    """The screens of one area in one language: shows them and carries their acts out."""

    def __init__(self, hub: Hub, area: Area, lang: Lang) -> None:
        self.hub, self.area, self.t = hub, area, Words(lang)
        self.screens = tuple(screen for screen in all_screens() if screen.area == area.name)

    def find(self, path: str) -> tuple[Screen, dict[str, str]] | None:
        for screen in self.screens:
            params = screen.matches(path)
            if params is not None:
                return screen, params
        return None

    def ask(self, actor: Actor, path: str, query: Mapping[str, str]) -> tuple[Screen, Ask]:
        """The screen at `path` and the request for it.

        Raises: NotFound("portal.no_screen"), Forbidden("portal.seat") where the actor's seat does not see it.
        """
        found = self.find(path)
        if found is None:
            raise NotFound("portal.no_screen")
        screen, params = found
        if not self.area.admits(actor) or not screen.admits(actor):
            raise Forbidden("portal.seat")
        return screen, Ask(self.hub, actor, self.t, path, params, query)

    def portal_show(self, data: dict[str, Any], request: Request) -> dict[str, Any]:
        """One screen by its address, for moving about without a new document."""
        path, query = self.address(str(form_of(data).get("url", "")))
        try:
            screen, ask = self.ask(actor_of(request.scope), path, query)
            page = screen.show(ask)
        except HubError as error:
            return {"title": self.t("portal.refused"), "html": str(parts.refusal(self.t, error)), "status": error.status}
        unseen = self.hub.cases.unseen(ask.actor)
        return {
            "title": page.title,
            "html": str(page.body),
            "place": screen.place,
            "wide": page.wide,
            "unseen": unseen,
            "status": 200,
        }

    def portal_act(self, data: dict[str, Any], request: Request) -> dict[str, Any]:
        """Carry out one act of the screen at `url` with the fields of a form."""
        sent = form_of(data)
        path, query = self.address(str(sent.get("url", "")))
        try:
            screen, ask = self.ask(actor_of(request.scope), path, query)
            act = screen.acts.get(str(sent.get("act", "")))
            if act is None:
                raise NotFound("portal.no_act")
            outcome = act(ask, form_of(data.get("form") if isinstance(data, dict) else None))
        except HubError as error:
            return {"tone": "bad", "html": str(parts.refusal(self.t, error)), "status": error.status}
        return answer(outcome)

    def address(self, url: str) -> tuple[str, dict[str, str]]:
        """Path below the language and query of an address of ours; of what is none, neither."""
        try:
            split = urlsplit(url)
        except ValueError:
            return "", {}
        return split.path.removeprefix(f"/{self.t.lang}"), query_of(split.query)


def form_of(sent: Any) -> dict[str, Any]:
    """What a form of ours sends: names with words, lists of words, ticks and numbers. Whatever else a program sends is not taken."""
    plain = (str, bool, int, float)
    return {
        str(name): value
        for name, value in (sent.items() if isinstance(sent, dict) else ())
        if isinstance(value, plain) or (isinstance(value, list) and all(isinstance(item, plain) for item in value))
    }


def answer(outcome: Outcome) -> dict[str, Any]:
    return {"tone": outcome.tone, "notice": outcome.notice, "goto": outcome.goto, "extra": dict(outcome.extra), "status": 200}


class Door:
    """ASGI: guards one mount, answers its documents, leaves the rest to Gradio."""

    def __init__(self, desk: Desk, shell: Shell, path: str, gradio_app: ASGIApp) -> None:
        self.desk, self.shell, self.path, self.gradio_app = desk, shell, path, gradio_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await Response(status_code=404)(scope, receive, send)
            return
        actor, path = actor_of(scope), scope["path"].removeprefix(f"/{self.desk.t.lang}")
        within = scope["path"].removeprefix(self.path)
        if within.startswith("/assets/") and self.desk.area.public:
            await self.gradio_app(scope, receive, kept(send))
        elif scope["method"] in {"GET", "HEAD"} and (within in {"", "/"} or self.desk.find(path)):
            await (await self.document(scope, actor, path))(scope, receive, send)
        elif not self.desk.area.admits(actor):
            await Response(status_code=401 if actor.is_anonymous else 403)(scope, receive, send)
        elif within.startswith("/gradio_api/") and within.split("/")[2] not in SERVED:
            await Response(status_code=404)(scope, receive, send)  # uploads that nobody asked for would fill the disk
        else:
            await self.or_lost(scope, receive, send)

    async def or_lost(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What Gradio has at this address; a person who came to one nobody knows is told so, with the way on."""
        reads = scope["method"] == "GET" and "text/html" in Request(scope).headers.get("accept", "")
        unknown = False

        async def sending(message: Message) -> None:
            nonlocal unknown
            unknown |= reads and message.get("status") == NotFound.status
            if not unknown:
                await send(message)

        await self.gradio_app(scope, receive, sending)
        if unknown:
            await (await self.lost(Request(scope)))(scope, receive, send)

    async def lost(self, request: Request) -> Response:
        """The page that says there is no such page."""
        scope = request.scope
        return await self.document(scope, actor_of(scope), request.url.path.removeprefix(f"/{self.desk.t.lang}"))

    async def document(self, scope: Scope, actor: Actor, path: str) -> Response:
        """The page at `path`, or the way to sign in, or why this seat may not see it."""
        request, lang = Request(scope), self.desk.t.lang
        if path.rstrip("/") == f"/{self.desk.area.name}":
            return RedirectResponse(link(lang, self.desk.area.places[0].path), 303)
        if actor.is_anonymous and not self.desk.area.public:
            return RedirectResponse(
                signing.address(lang, request.url.path + (f"?{request.url.query}" if request.url.query else "")), 303
            )
        query = query_of(request.url.query)
        ask, place, page, status = await anyio.to_thread.run_sync(self.page, actor, path, query)
        text = await self.shell.document(ask, self.desk.area.name, place, page, request.headers.get("host", ""))
        return HTMLResponse(text, status, headers={"Cache-Control": "no-store", "Vary": "Cookie"})

    def page(self, actor: Actor, path: str, query: Mapping[str, str]) -> tuple[Ask, str, Page, int]:
        try:
            screen, ask = self.desk.ask(actor, path, query)
            return ask, screen.place, screen.show(ask), 200
        except HubError as error:
            ask = Ask(self.desk.hub, actor, self.desk.t, path, {}, query)
            found = self.desk.find(path)
            body = parts.refused(ask, error)
            return ask, found[0].place if found else "", Page(self.desk.t("portal.refused"), body), error.status


def kept(send: Send) -> Send:
    """Gradio's assets carry their digest in their name: let browsers keep them."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            message["headers"] = [*message.get("headers", []), (b"cache-control", b"public, max-age=31536000, immutable")]
        await send(message)

    return sending
