"""Files made on demand for people, and the one file they hand in: each is asked for by a form of a screen and decided on by its service."""

from __future__ import annotations

import json
import shutil
import tempfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Form, Request, UploadFile
from fastapi.responses import FileResponse, RedirectResponse, Response
from starlette.background import BackgroundTask

from corpushub.base.errors import Invalid
from corpushub.base.identity import BEIJING
from corpushub.base.messages import Lang
from corpushub.domain.parties import ANONYMOUS, Actor
from corpushub.domain.report import MEDIA
from corpushub.services.hub import Hub
from corpushub.services.reporting import printed

BUNDLE = "/download/audit-bundle"
PAGE_OUT, PAGE_IN = "/download/catalog-page", "/upload/catalog-page"
OUTPUT, REPORT = "/download/output", "/download/report"
MAX_PAGE_BYTES = 32 << 20
Day = date | Literal[""]


def routes(app: FastAPI, hub: Hub) -> None:
    """Add the downloads."""

    def bundle(request: Request, since: Annotated[Day, Form()] = "", until: Annotated[Day, Form()] = "") -> FileResponse:
        folder = Path(tempfile.mkdtemp())
        leave = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
        target = folder / "audit-bundle.tar"
        actor = getattr(request.state, "actor", ANONYMOUS)
        try:
            hub.audit.export(actor, target, since=start_of(since), until=start_of(until))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return FileResponse(target, filename=target.name, media_type="application/x-tar", background=leave)

    app.add_api_route(BUNDLE, bundle, methods=["POST"], include_in_schema=False)
    pages(app, hub)
    results(app, hub)


def actor_of(request: Request) -> Actor:
    found = getattr(request.state, "actor", ANONYMOUS)
    return found if isinstance(found, Actor) else ANONYMOUS


def pages(app: FastAPI, hub: Hub) -> None:
    """Signed pages of the catalog as files, for hubs that do not reach each other."""

    def page_out(partner: str = "", after: int = 0) -> Response:
        told = json.dumps(hub.federation.delta(after=after, partner=partner), ensure_ascii=False, indent=1)
        return attached(told.encode(), "catalog.json", "application/json")

    def page_in(request: Request, page: UploadFile, peer: Annotated[str, Form()], back: Annotated[str, Form()] = "") -> Response:
        got = hub.federation.receive(actor_of(request), peer, read_page(page))
        where = back if back.startswith("/") and not back.startswith("//") else "/"
        return RedirectResponse(f"{where}?took=1&added={len(got.added)}&changed={len(got.changed)}", 303)

    app.add_api_route(PAGE_OUT, page_out, methods=["GET"], include_in_schema=False)
    app.add_api_route(PAGE_IN, page_in, methods=["POST"], include_in_schema=False)


def read_page(page: UploadFile) -> Any:
    """The JSON of a handed-in page. Raises: Invalid("federation.not_a_delta")."""
    data = page.file.read(MAX_PAGE_BYTES + 1)
    try:
        if len(data) > MAX_PAGE_BYTES:
            raise Invalid("federation.not_a_delta")
        return json.loads(data)
    except ValueError:
        raise Invalid("federation.not_a_delta") from None


def results(app: FastAPI, hub: Hub) -> None:
    """Cleared outputs of compute jobs, and the periodic report as a document."""

    def output(request: Request, case: str) -> Response:
        return attached(hub.compute.output(actor_of(request), case), f"{case}.parquet", "application/vnd.apache.parquet")

    def report(request: Request, first: date, last: date, form: str = "docx", lang: Lang = "zh") -> Response:
        data = printed(hub.oversight, actor_of(request), (first, last), form, lang)
        return attached(data, f"report-{first}-{last}.{form}", MEDIA[form])

    app.add_api_route(REPORT, report, methods=["GET"], include_in_schema=False)
    app.add_api_route(f"{OUTPUT}/{{case}}", output, methods=["GET"], include_in_schema=False)


def attached(data: bytes, name: str, media_type: str) -> Response:
    return Response(data, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def start_of(day: Day) -> datetime | None:
    """The first moment of a day of China; None where none was stated."""
    return datetime.combine(day, time.min, BEIJING) if isinstance(day, date) else None
