"""Catalogs of several hubs as one, over HTTP: what is public is for anybody, what changes the catalog is for those who keep it.

GET  /v1/federation/key              the key this hub's catalog is signed with
GET  /v1/federation/delta?after=N    the signed page after number N, with `partner` what a partner is told
GET  /v1/federation/origin/<id>      whose word an entry is, checked now
POST /v1/federation/peers            enter a peer by its key
POST /v1/federation/peers/<name>     hand over a page of this peer; an empty body asks the peer itself
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from corpushub.api.rest import ProblemRoute, actor_of, named, reply, require_scope
from corpushub.api.rest_forms import answers, body
from corpushub.api.wire import run
from corpushub.base.errors import Invalid, Problem
from corpushub.domain.delta import MOST_BYTES
from corpushub.services.federation import Peer

if TYPE_CHECKING:
    from corpushub.services.hub import Hub


def router(hub: Hub) -> APIRouter:
    """The routes, over `hub.federation`."""
    made = APIRouter(prefix="/v1/federation", route_class=ProblemRoute, tags=["federation"])
    federation = hub.federation

    @made.get("/key")
    async def key() -> dict[str, str]:
        return {"key": str(federation.key.verifier)}

    @made.get("/delta")
    async def delta(
        after: Annotated[int, Query(ge=0, le=2**53)] = 0, partner: Annotated[str, Query(max_length=80)] = ""
    ) -> dict[str, Any]:
        return await run(federation.delta, after=after, partner=partner)

    @made.get("/origin/{resource_id:path}")
    async def origin(resource_id: str) -> dict[str, Any]:
        return dict(await run(federation.origin, resource_id))

    @made.get("/peers")
    async def peers() -> dict[str, Any]:
        return {"items": [peer_json(peer) for peer in await run(federation.peers)]}

    @made.post("/peers", status_code=201)
    async def add_peer(request: Request) -> Response:
        actor = actor_of(request)
        await run(require_scope, hub, actor, "federation")
        told = await answers(request)
        regions = told.pop("regions", None)
        named(told, ("name", "key", "address", "partner"), ("name", "key"))
        if not isinstance(regions, list) or not all(isinstance(code, str) for code in regions):
            raise Invalid("case.form", problems=[Problem("form.not_list", {"field": "regions"}, path="regions")])
        peer = Peer(told["name"], told["key"], tuple(regions), told.get("address", ""), told.get("partner", ""))
        return reply(peer_json(await run(federation.add_peer, actor, peer)), 201)

    @made.post("/peers/{name}")
    async def hear(request: Request, name: str) -> dict[str, Any]:
        actor = actor_of(request)
        await run(require_scope, hub, actor, "federation")
        federation.require_keeper(actor)  # before a body this large is taken from just anybody
        raw = await body(request, MOST_BYTES)
        got = await run(federation.receive_text, actor, name, raw) if raw.strip() else await run(federation.pull, actor, name)
        return {"peer": got.peer, "added": got.added, "changed": got.changed, "upto": got.upto, "more": got.more}

    return made


def peer_json(peer: Peer) -> dict[str, Any]:
    return {"name": peer.name, "key": peer.key, "regions": list(peer.regions), "address": peer.address, "partner": peer.partner}
