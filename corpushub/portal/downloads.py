"""Files made on demand for people: the audit bundle. Each is asked for by a form of a screen and decided on by its service."""

from __future__ import annotations

import shutil
import tempfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Literal

from fastapi import FastAPI, Form, Request
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from corpushub.base.identity import BEIJING
from corpushub.domain.parties import ANONYMOUS
from corpushub.services.hub import Hub

BUNDLE = "/download/audit-bundle"
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


def start_of(day: Day) -> datetime | None:
    """The first moment of a day of China; None where none was stated."""
    return datetime.combine(day, time.min, BEIJING) if isinstance(day, date) else None
