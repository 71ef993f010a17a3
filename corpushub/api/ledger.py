"""The ledger in public, in the layout of C2SP tlog-tiles: the newest checkpoint, hash tiles, and what a witness needs and answers.

GET  /ledger/checkpoint           the signed note with its cosignatures
GET  /ledger/key                  the log's public key
GET  /ledger/release-key          the public key releases are signed with
GET  /ledger/tile/<level>/...     hashes only; entries are exported to those who may read them
GET  /ledger/continuation?old=N   consistency proof from size N and the checkpoint (C2SP tlog-witness)
POST /ledger/cosignatures         a registered witness' signature lines
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from corpushub.base.errors import NotFound

if TYPE_CHECKING:
    from corpushub.services.hub import Hub

_FOREVER = {"cache-control": "public, max-age=31536000, immutable"}
_NOW = {"cache-control": "no-cache"}
_MAX_LINES = 20_000


def router(hub: Hub) -> APIRouter:
    """The routes, over `hub.audit`."""
    made = APIRouter(prefix="/ledger", include_in_schema=False)  # plain text and bytes of another standard, not our JSON
    audit = hub.audit

    @made.get("/checkpoint", response_class=PlainTextResponse)
    def checkpoint() -> PlainTextResponse:
        """The newest signed checkpoint."""
        note = audit.latest()
        if note is None:
            raise NotFound("audit.nothing_signed")
        return PlainTextResponse(note.note, headers=_NOW)

    @made.get("/key", response_class=PlainTextResponse)
    def key() -> PlainTextResponse:
        """The log's public key."""
        return PlainTextResponse(f"{audit.verifier_key()}\n", headers=_NOW)

    @made.get("/release-key", response_class=PlainTextResponse)
    def release_key() -> PlainTextResponse:
        """The public key releases are signed with."""
        return PlainTextResponse(f"{audit.release_key()}\n", headers=_NOW)

    @made.get("/tile/{path:path}", response_class=Response)
    def tile(path: str) -> Response:
        """Hashes of a tile; a tile inside a checkpoint never changes."""
        return Response(audit.tile(path), media_type="application/octet-stream", headers=_FOREVER)

    @made.get("/continuation", response_class=PlainTextResponse)
    def continuation(old: Annotated[int, Query(ge=0, le=1 << 62)] = 0) -> PlainTextResponse:
        """Proof that the newest checkpoint continues the one of `old` leaves."""
        return PlainTextResponse(audit.continuation(old), headers=_NOW)

    @made.post("/cosignatures")
    def cosignatures(lines: Annotated[str, Body(media_type="text/plain", max_length=_MAX_LINES)]) -> JSONResponse:
        """Keep a witness' signatures."""
        return JSONResponse({"kept": audit.cosign(lines)})

    return made
