"""The Dataspace Protocol (2025-1, HTTPS binding): catalog and contract negotiation, bound to the access flow.

GET  /.well-known/dspace-version                     which versions are spoken, and where
POST /dsp/catalog/request                            CatalogRequestMessage -> dcat:Catalog with odrl offers
GET  /dsp/catalog/datasets/<owner/name>              one dataset with its offer
POST /dsp/negotiations/request                       ContractRequestMessage -> ContractNegotiation (REQUESTED)
GET  /dsp/negotiations/<pid>                         how it stands: REQUESTED, AGREED, FINALIZED, TERMINATED
POST /dsp/negotiations/<pid>/agreement/verification  the consumer verifies: the right begins
POST /dsp/negotiations/<pid>/termination             the consumer takes the request back
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from corpushub.api.rest import ProblemRoute, actor_of, require_scope
from corpushub.api.rest_forms import answers
from corpushub.api.wire import run
from corpushub.base.errors import HubError
from corpushub.base.messages import Lang
from corpushub.domain.feed import CONTEXT
from corpushub.services.dataspace import Negotiation

if TYPE_CHECKING:
    from corpushub.services.hub import Hub

VERSION = {"protocolVersions": [{"version": "2025-1", "path": "/dsp", "binding": "HTTPS"}]}


class DataspaceRoute(ProblemRoute):
    """Answers a refusal in the protocol's own words."""

    @staticmethod
    def refusal(request: Request, error: HubError) -> Response:
        lang: Lang = getattr(request.state, "lang", "en")
        kind = "CatalogError" if "/catalog" in request.url.path else "ContractNegotiationError"
        told = {"@context": CONTEXT, "@type": kind, "code": error.code, "reason": [error.explain(lang)]}
        return JSONResponse(told, error.status)


def router(hub: Hub) -> APIRouter:
    """The routes, over `hub.dataspace`."""
    made = APIRouter(route_class=DataspaceRoute, include_in_schema=False)  # another standard's documents, not our JSON
    space = hub.dataspace

    @made.get("/.well-known/dspace-version")
    async def version() -> dict[str, Any]:
        return VERSION

    @made.post("/dsp/catalog/request")
    async def catalog(request: Request) -> dict[str, Any]:
        await answers(request)
        return await run(space.catalog)

    @made.get("/dsp/catalog/datasets/{name:path}")
    async def dataset(name: str) -> dict[str, Any]:
        return await run(space.dataset, name)

    @made.post("/dsp/negotiations/request")
    async def request_contract(request: Request) -> Response:
        actor = actor_of(request)
        await run(require_scope, hub, actor, "access")
        return JSONResponse(told(await run(space.request, actor, await answers(request))), 201)

    @made.get("/dsp/negotiations/{pid}")
    async def negotiation(request: Request, pid: str) -> dict[str, Any]:
        return told(await run(space.negotiation, actor_of(request), pid))

    @made.post("/dsp/negotiations/{pid}/agreement/verification")
    async def verify(request: Request, pid: str) -> dict[str, Any]:
        await run(require_scope, hub, actor_of(request), "access")
        return told(await run(space.verify, actor_of(request), pid))

    @made.post("/dsp/negotiations/{pid}/termination")
    async def terminate(request: Request, pid: str) -> dict[str, Any]:
        await run(require_scope, hub, actor_of(request), "access")
        return told(await run(space.terminate, actor_of(request), pid))

    return made


def told(found: Negotiation) -> dict[str, Any]:
    """A ContractNegotiation message."""
    message = {"@context": CONTEXT, "@type": "ContractNegotiation", "providerPid": found.provider_pid}
    message |= {"consumerPid": found.consumer_pid, "state": found.state}
    return {**message, "agreement": dict(found.agreement)} if found.agreement else message
