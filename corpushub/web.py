"""Everything served over HTTP as one ASGI application: the hub protocol, REST and portal behind one gate.

The hub's routes are looked at first: they are a plain ASGI handler, and a framework's router would decode their paths.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from corpushub import __version__
from corpushub.api import dataspace, federation, ledger, rest, viewer
from corpushub.api.hf import HubApi, handles
from corpushub.api.logs import start_logging, stop_logging
from corpushub.api.metrics import Metrics
from corpushub.api.protocol import HubProtocol
from corpushub.api.throttle import Quotas, Throttle
from corpushub.api.wire import THREADS, App, Receive, Scope, Send, WrongMethod, run
from corpushub.base.errors import Conflict, HubError, Invalid, NotFound, Problem
from corpushub.base.messages import LANGS, Lang
from corpushub.gate import Broken, Gate

if TYPE_CHECKING:
    from corpushub.services.hub import Hub

ARENAS, M_ARENA_MAX = 2, -8


class Front:
    """Sends a request to the hub protocol or to the framework."""

    def __init__(self, hub_api: App, site: App) -> None:
        self.hub_api = hub_api
        self.site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and handles(scope["path"])
        if scope["type"] == "http" and (path := viewer.path_of(scope["headers"], scope["path"])):
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await (self.hub_api if ours else self.site)(scope, receive, send)


def create_app(hub: Hub, *, quotas: Quotas | None = None, with_portal: bool = True) -> Gate:
    """The whole site for one `hub`, closed together with the server; without the portal it starts in a tenth of the time."""
    metrics = Metrics()
    site = FastAPI(title="corpushub", version=__version__, lifespan=lifespan(hub), docs_url=None, redoc_url=None)
    site.add_exception_handler(HubError, explain)
    site.add_exception_handler(HTTPException, unanswered)
    site.add_exception_handler(RequestValidationError, unfit)
    site.add_exception_handler(Exception, broken)
    add_watch_routes(site, hub, metrics)
    site.add_api_route("/", front_door, methods=["GET", "HEAD"], include_in_schema=False)
    if with_portal:
        from corpushub.portal import app as portal

        portal.mount(site, hub)  # first: routes are tried in order, and a click need not pass two hundred of the interfaces
    site.include_router(rest.router(hub))
    site.include_router(federation.router(hub))
    site.include_router(dataspace.router(hub))
    site.include_router(ledger.router(hub))
    site.include_router(viewer.router(hub))
    front = Front(HubApi(hub), GZipMiddleware(site, minimum_size=1024))
    return Gate(front, hub, metrics=metrics, throttle=Throttle(quotas))


def add_watch_routes(site: FastAPI, hub: Hub, metrics: Metrics) -> None:
    """`/healthz` for whoever restarts us, `/metrics` for whoever counts."""

    async def healthz() -> JSONResponse:
        ledger = await run(check_database, hub)
        return JSONResponse({"status": "ok", "version": __version__, **ledger})

    async def metrics_text() -> PlainTextResponse:
        return PlainTextResponse(metrics.text(), media_type="text/plain; version=0.0.4")

    site.add_api_route("/healthz", healthz, methods=["GET", "HEAD"], include_in_schema=False)
    site.add_api_route("/metrics", metrics_text, methods=["GET", "HEAD"], include_in_schema=False)


def check_database(hub: Hub) -> dict[str, Any]:
    """Raises: Unavailable("store.busy") when the database does not answer."""
    with hub.database.read() as unit:
        unit.documents.list("health", limit=1)
    return {"database": "ok"}


def lifespan(hub: Hub) -> Any:
    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncGenerator[None]:
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        await run(hub.load)  # whoever opened it: without its chores the worker looks after nothing
        hub.jobs.start()
        await run(hub.passes.start)
        yield
        await run(hub.passes.stop)
        await run(hub.jobs.stop)
        await run(hub.access.close)

    return live


def front_door(request: Request) -> RedirectResponse:
    """To the portal in the browser's language; Chinese where it states none."""
    return RedirectResponse(f"/{request.state.lang if request.headers.get('accept-language') else LANGS[0]}/", status_code=303)


async def explain(request: Request, error: Exception) -> JSONResponse:
    """A refusal as JSON: code, sentence in the caller's language, and every problem with its place."""
    assert isinstance(error, HubError)
    lang: Lang = getattr(request.state, "lang", "en")
    problems = [
        {"code": problem.code, "place": problem.place(), "message": problem.explain(lang)}
        for problem in (error.problems if isinstance(error, Invalid) else ())
    ]
    allow = {"allow": error.allow} if isinstance(error, WrongMethod) else None
    return JSONResponse({"code": error.code, "detail": error.explain(lang), "problems": problems}, error.status, allow)


async def broken(request: Request, _: Exception) -> Response:
    """A bug in the words of a refusal; the framework raises it on to the gate, which logs it."""
    return await explain(request, Broken("http.internal", request=request.state.request_id))


async def unanswered(request: Request, error: Exception) -> Response:
    """What the framework itself refuses, in our words."""
    assert isinstance(error, HTTPException)
    if error.status_code == NotFound.status:
        return await explain(request, NotFound("http.not_found"))
    if error.status_code == WrongMethod.status:
        return await explain(request, WrongMethod(request.method, (error.headers or {}).get("Allow", "GET")))
    return await http_exception_handler(request, error)


async def unfit(request: Request, error: Exception) -> JSONResponse:
    """A query that doesn't fit its description: the first problem as the sentence, the others below it."""
    assert isinstance(error, RequestValidationError)
    first, *more = (parameter_problem(found) for found in error.errors())
    return await explain(request, Invalid(first.code, problems=more, **first.facts))


def parameter_problem(found: dict[str, Any]) -> Problem:
    name = str(found["loc"][-1])[:80]
    if found["type"] == "missing":
        return Problem("http.parameter_missing", {"name": name})
    return Problem("http.parameter_invalid", {"name": name, "value": str(found.get("input"))[:40]})


def keep_few_arenas() -> None:
    """Let glibc's allocator take memory from two pools instead of eight per core: what one thread frees another may use."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_ARENA_MAX, ARENAS)


def check_port(host: str, port: int) -> None:
    """Raises: Conflict("cli.port_taken") before anything is loaded that the server would not need."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server itself does: a port just left is free
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise Conflict("cli.port_taken", port=port, free=port + 1) from None


def serve(hub: Hub, *, host: str, port: int, with_portal: bool = True) -> None:
    """Serve until told to stop; open transfers get twenty seconds to end."""
    import uvicorn

    check_port(host, port)
    keep_few_arenas()
    app = create_app(hub, with_portal=with_portal)
    # What is loaded by now lives as long as the process: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    app.lines = lines = start_logging()
    # The server ends what is under way and then sends itself the signal again, which by default ends the process before `finally`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        uvicorn.run(
            app,
            host=host,
            port=port,
            http=HubProtocol.over(app.quick),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=20,
            timeout_keep_alive=30,
        )
    finally:
        stop_logging(lines)
