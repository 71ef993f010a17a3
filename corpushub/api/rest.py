"""REST under `/v1`: every flow's commands and every query, as JSON.

* Errors are `application/problem+json` (RFC 9457) in the caller's language, with every problem of a form.
* A POST may carry `Idempotency-Key`: repeating it returns the first answer. `If-Match: <version>` refuses what has moved on.
* A token reads where it has the right to read, one for some datasets what is about those.
* Lists page with `limit` and `cursor`; an empty cursor is the end.
* The request body of a command is its form; the OpenAPI document is made from the same table the kernel judges by.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from corpushub.api.rest_forms import answers, case_json, clock_json, entry_json, form_schema, problem
from corpushub.api.wire import run
from corpushub.base.errors import Forbidden, HubError, Invalid, Problem
from corpushub.base.identity import business_day
from corpushub.domain.feed import feed_of, rows_of
from corpushub.domain.flows import flows
from corpushub.domain.parties import Actor
from corpushub.domain.registers import to_csv
from corpushub.domain.workflow import Flow, Transition
from corpushub.services.access import require
from corpushub.services.registers import NAMES

if TYPE_CHECKING:
    from corpushub.services.hub import Hub

ASKING = frozenset({"access", "demand", "objection", "question"})
Limit = Annotated[int, Query(ge=1, le=500)]


class ProblemRoute(APIRoute):
    """Reads for who may read, and answers a refusal as problem+json."""

    @staticmethod
    def refusal(request: Request, error: HubError) -> Response:
        return problem(error, getattr(request.state, "lang", "en"), request.url.path)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                if request.method == "GET":
                    about = request.path_params.get("dataset") or request.query_params.get("dataset", "")
                    require(actor_of(request), "read", about)
                return await inner(request)
            except HubError as error:
                return self.refusal(request, error)

        return handler


def router(hub: Hub) -> APIRouter:
    """Every route, over one hub."""
    api = APIRouter(
        prefix="/v1",
        route_class=ProblemRoute,
        responses={"default": {"description": "Problem", "content": {"application/problem+json": {}}}},
    )
    add_queries(api, hub)
    add_work(api, hub)
    add_catalog(api, hub)
    add_parties(api, hub)
    add_accounts(api, hub)
    add_oversight(api, hub)
    add_lists(api, hub)
    add_registers(api, hub)
    for flow in flows().values():
        add_flow(api, hub, flow)
    return api


def actor_of(request: Request) -> Actor:
    actor = request.state.actor
    assert isinstance(actor, Actor)
    return actor


def named(told: dict[str, Any], known: tuple[str, ...], required: tuple[str, ...]) -> dict[str, Any]:
    """Only known names of the right kind, all required ones. Raises: Invalid("case.form")."""
    problems = [
        Problem("form.unknown", {"field": name, "known": ", ".join(known)}, path=name) for name in told if name not in known
    ]
    problems += [Problem("form.missing", {"field": name}, path=name) for name in required if not told.get(name)]
    for name, value in told.items():
        kinds = {"name": (dict, str), "roles": (list,)}.get(name, (str,))
        if not isinstance(value, kinds) or (isinstance(value, list) and not all(isinstance(item, str) for item in value)):
            problems.append(Problem("form.not_text", {"field": name}, path=name))
    if problems:
        raise Invalid("case.form", problems=problems)
    return told


def expected(request: Request) -> int | None:
    """The version of If-Match. Raises: Invalid("rest.if_match")."""
    stated = request.headers.get("if-match", "").strip('W/" ')
    if not stated:
        return None
    if not (stated.isascii() and stated.isdigit() and len(stated) < 10):
        raise Invalid("rest.if_match")
    return int(stated)


def add_flow(api: APIRouter, hub: Hub, flow: Flow) -> None:
    """POST /v1/<flow> opens a case, POST /v1/<flow>/<id>/<command> gives a command."""

    async def open_case(request: Request) -> Response:
        actor = actor_of(request)
        await run(require_scope, hub, actor, flow.name)
        data, once = await answers(request), request.headers.get("idempotency-key", "")[:200]
        case = await run(hub.cases.open, actor, flow.name, data, once=once)
        return reply(case_json(case), 201, case.version)

    api.add_api_route(
        f"/{flow.name}",
        open_case,
        methods=["POST"],
        status_code=201,
        openapi_extra=form_schema(flow.opening.fields),
        operation_id=f"open_{flow.name}",
        tags=[flow.name],
    )
    for row in {row.command: row for row in reversed(flow.transitions)}.values():
        add_command(api, hub, flow, row)


def add_command(api: APIRouter, hub: Hub, flow: Flow, row: Transition) -> None:
    fields = {item.name: item for same in flow.rows(row.command) for item in same.fields}

    async def execute(request: Request, case_id: str) -> Response:
        actor = actor_of(request)
        await run(require_scope, hub, actor, flow.name)
        data, once = await answers(request), request.headers.get("idempotency-key", "")[:200]
        case = await run(hub.cases.execute, actor, case_id, row.command, data, expected_version=expected(request), once=once)
        return reply(case_json(case), 200, case.version)

    path = f"/{flow.name}/{{case_id}}/{row.command}"
    extra = form_schema(tuple(fields.values()))
    api.add_api_route(
        path, execute, methods=["POST"], openapi_extra=extra, operation_id=f"{flow.name}_{row.command}", tags=[flow.name]
    )


def require_scope(hub: Hub, actor: Actor, flow: str) -> None:
    """A token may act where its scopes say so: `write`, or `request` for what anybody may ask for. Raises: Forbidden("token.…")."""
    if actor.is_anonymous:
        if flow == "objection":
            return
        raise Forbidden("token.missing")
    if flow in ASKING:
        try:
            hub.access.require_scope(actor, "request")
        except Forbidden:
            hub.access.require_scope(actor, "write")
        return
    hub.access.require_scope(actor, "write")


def reply(body: object, status: int = 200, version: int = 0) -> JSONResponse:
    return JSONResponse(body, status, {"etag": f'"{version}"'} if version else None)


def add_queries(api: APIRouter, hub: Hub) -> None:
    """Flows, cases, their history and clocks."""

    @api.get("/flows", tags=["cases"])
    async def list_flows() -> dict[str, Any]:
        return {"items": [{"name": flow.name, "states": flow.states, "finals": sorted(flow.finals)} for flow in flows().values()]}

    @api.get("/cases", tags=["cases"])
    async def list_cases(  # noqa: PLR0913 - filters
        request: Request,
        flow: str = "",
        state: str = "",
        subject: str = "",
        *,
        mine: bool = False,
        limit: Limit = 50,
        cursor: str = "",
    ) -> dict[str, Any]:
        states = [name for name in state.split(",") if name]
        found = await run(
            hub.cases.list,
            actor_of(request),
            flow=flow or None,
            states=states or None,
            subject=subject,
            mine=mine,
            limit=limit,
            cursor=cursor or None,
        )
        return {"items": [case_json(case) for case in found.items], "cursor": found.cursor}

    @api.get("/cases/{case_id}", tags=["cases"])
    async def get_case(request: Request, case_id: str) -> Response:
        case = await run(hub.cases.get, actor_of(request), case_id)
        return reply(case_json(case), version=case.version)

    @api.get("/cases/{case_id}/history", tags=["cases"])
    async def history(request: Request, case_id: str) -> dict[str, Any]:
        case = await run(hub.cases.get, actor_of(request), case_id)
        return {"items": case_json(case, history=True)["history"]}

    @api.get("/cases/{case_id}/clocks", tags=["cases"])
    async def clocks(request: Request, case_id: str) -> dict[str, Any]:
        return {"items": [clock_json(item) for item in await run(hub.cases.clocks, actor_of(request), case_id)]}


def add_work(api: APIRouter, hub: Hub) -> None:
    """What somebody may do, has to do, and was told."""

    @api.get("/cases/{case_id}/allowed", tags=["cases"])
    async def allowed(request: Request, case_id: str) -> dict[str, Any]:
        found = await run(hub.cases.allowed, actor_of(request), case_id)
        lang = request.state.lang
        return {
            "items": [
                {
                    "command": item.command,
                    "refused": {"code": item.refusal.code, "detail": item.refusal.explain(lang)} if item.refusal else None,
                    "missing": {"people": item.missing_people, "orgs": item.missing_orgs, "seats": item.missing_seats},
                }
                for item in found
            ]
        }

    @api.get("/tasks", tags=["cases"])
    async def tasks(request: Request) -> dict[str, Any]:
        found = await run(hub.cases.tasks, actor_of(request))
        rows = [
            {"case": case_json(item.case), "commands": item.commands, "clock": clock_json(item.clock) if item.clock else None}
            for item in found
        ]
        return {"items": rows}

    @api.get("/notices", tags=["cases"])
    async def notices(request: Request, *, unseen: bool = False, limit: Limit = 50) -> dict[str, Any]:
        found = await run(hub.cases.notices, actor_of(request), unseen=unseen, limit=limit)
        return {
            "items": [
                {"id": item.id, "topic": item.topic, "case": item.case, "at": item.created_at, "facts": item.payload}
                for item in found
            ]
        }

    @api.post("/notices/{notice_id}/seen", tags=["cases"])
    async def seen(request: Request, notice_id: str) -> dict[str, Any]:
        actor = actor_of(request)
        await run(require_scope, hub, actor, "notices")
        return {"seen": await run(hub.cases.mark_seen, actor, notice_id)}


def add_catalog(api: APIRouter, hub: Hub) -> None:
    """Entries, as they are and as they were."""

    @api.get("/resources", tags=["catalog"])
    async def search(  # noqa: PLR0913 - filters
        request: Request, q: str = "", owner: str = "", domain: str = "", region: str = "", *, limit: Limit = 50, cursor: str = ""
    ) -> dict[str, Any]:
        found = await run(
            hub.catalog.search, actor_of(request), q, limit=limit, cursor=cursor, owner=owner, domain=domain, region=region
        )
        return {"items": [entry_json(entry) for entry in found.items], "cursor": found.cursor}

    @api.post("/resources", tags=["catalog"], status_code=201)
    async def add(request: Request) -> Response:
        actor = actor_of(request)
        await run(require_scope, hub, actor, "resource")
        return reply(entry_json(await run(hub.catalog.add, actor, await answers(request))), 201)

    @api.get("/resources/{resource_id:path}/as-of/{day}", tags=["catalog"])
    async def as_of(request: Request, resource_id: str, day: date) -> dict[str, Any]:
        return dict(await run(hub.catalog.as_of, actor_of(request), resource_id, day.isoformat()))

    @api.get("/resources/{resource_id:path}", tags=["catalog"])
    async def get(request: Request, resource_id: str) -> Response:
        entry = await run(hub.catalog.get, actor_of(request), resource_id)
        return reply(entry_json(entry), version=entry.version)

    @api.patch("/resources/{resource_id:path}", tags=["catalog"])
    async def revise(request: Request, resource_id: str) -> Response:
        actor = actor_of(request)
        await run(require_scope, hub, actor, "resource")
        entry = await run(hub.catalog.revise, actor, resource_id, await answers(request))
        return reply(entry_json(entry), version=entry.version)

    @api.get("/catalog.jsonld", tags=["catalog"])
    async def feed() -> Response:
        entries, day = await run(hub.catalog.public), business_day(hub.clock()).isoformat()
        return JSONResponse(feed_of(entries, hub.settings.endpoint(), day), media_type="application/ld+json")

    @api.get("/catalog.csv", tags=["catalog"])
    async def table() -> Response:
        rows = rows_of(await run(hub.catalog.public), business_day(hub.clock()).isoformat())
        return Response(to_csv(rows), media_type="text/csv; charset=utf-8")

    @api.get("/changes", tags=["catalog"])
    async def changes(request: Request, after: Annotated[int, Query(ge=0, le=2**53)] = 0, limit: Limit = 100) -> dict[str, Any]:
        return {"items": await run(hub.oversight.changes, actor_of(request), after=after, limit=limit)}


def add_parties(api: APIRouter, hub: Hub) -> None:
    """Organisations, people, seats and interests."""

    @api.get("/orgs", tags=["parties"])
    async def orgs(kind: str = "") -> dict[str, Any]:
        found = await run(hub.parties.orgs, kind)
        return {
            "items": [
                {"id": org.id, "credit_code": org.credit_code, "kind": org.kind, "region": org.region, "name": dict(org.name)}
                for org in found
            ]
        }

    @api.get("/me", tags=["parties"])
    async def me(request: Request) -> dict[str, Any]:
        actor = actor_of(request)
        return {"person": actor.person, "org": actor.org, "seats": sorted(actor.roles), "opens": hub.cases.openable(actor)}

    @api.post("/people/{person_id}/seats/{role}", tags=["parties"], status_code=201)
    async def seat(request: Request, person_id: str, role: str) -> dict[str, Any]:
        actor = actor_of(request)
        await run(require_scope, hub, actor, "parties")
        held = await run(hub.parties.bind, actor, person_id, role)
        return {"id": held.id, "person": held.person, "role": held.role, "valid_from": held.valid_from}

    @api.delete("/people/{person_id}/seats/{role}", tags=["parties"])
    async def unseat(request: Request, person_id: str, role: str) -> dict[str, Any]:
        actor = actor_of(request)
        await run(require_scope, hub, actor, "parties")
        return {"ended": await run(hub.parties.unbind, actor, person_id, role)}

    @api.get("/conflicts", tags=["parties"])
    async def conflicts(request: Request) -> dict[str, Any]:
        return {"items": await run(hub.parties.conflicts, actor_of(request))}


def add_accounts(api: APIRouter, hub: Hub) -> None:
    """Keeping organisations, people and interests."""

    @api.post("/orgs", tags=["parties"], status_code=201)
    async def add_org(request: Request) -> dict[str, Any]:
        told = named(
            await answers(request),
            ("id", "credit_code", "kind", "region", "name", "parent"),
            ("credit_code", "kind", "region", "name"),
        )
        org = await keep(request, hub.parties.add_org, told)
        return {"id": org.id, "credit_code": org.credit_code}

    @api.post("/people", tags=["parties"], status_code=201)
    async def add_person(request: Request) -> dict[str, Any]:
        told = named(await answers(request), ("id", "org", "name", "roles", "oidc_subject", "valid_to"), ("id", "org", "name"))
        person = await keep(request, hub.parties.add_person, told)
        return {"id": person.id, "org": person.org}

    @api.post("/people/{person_id}/departure", tags=["parties"])
    async def depart(request: Request, person_id: str) -> dict[str, Any]:
        actor = actor_of(request)
        await run(require_scope, hub, actor, "parties")
        return {"id": (await run(hub.parties.depart, actor, person_id)).id, "state": "departed"}

    @api.post("/conflicts", tags=["parties"], status_code=201)
    async def declare(request: Request) -> dict[str, Any]:
        told = named(await answers(request), ("person", "org", "kind", "ended"), ("person", "org", "kind"))
        await keep(request, hub.parties.declare_conflict, told)
        return told

    async def keep(request: Request, work: Callable[..., Any], told: dict[str, Any]) -> Any:
        actor = actor_of(request)
        await run(require_scope, hub, actor, "parties")
        return await run(work, actor, **told)


def add_oversight(api: APIRouter, hub: Hub) -> None:
    """Numbers, findings and packs."""

    def span(first: date | None, last: date | None) -> dict[str, Any]:
        return {"first": first, "last": last}

    @api.get("/indicators", tags=["oversight"])
    async def indicators(request: Request, first: date | None = None, last: date | None = None) -> dict[str, Any]:
        return {"items": await run(hub.oversight.indicators, actor_of(request), **span(first, last))}

    @api.get("/unusual", tags=["oversight"])
    async def unusual(request: Request, first: date | None = None, last: date | None = None) -> dict[str, Any]:
        return {"items": await run(hub.oversight.unusual, actor_of(request), **span(first, last))}

    @api.get("/disclosure/{year}", tags=["oversight"])
    async def disclosure(request: Request, year: int, org: str = "") -> dict[str, Any]:
        return await run(hub.oversight.disclosure_pack, actor_of(request), year, org=org)

    @api.put("/alerts", tags=["oversight"])
    async def alerts(request: Request) -> dict[str, Any]:
        actor, told = actor_of(request), await answers(request)
        await run(require_scope, hub, actor, "alerts")
        kinds = named({"roles": told.get("kinds", [])}, ("roles",), ())["roles"]
        return {"kinds": await run(hub.oversight.subscribe, actor, kinds)}

    @api.get("/holders", tags=["oversight"])
    async def holders(request: Request, dataset: str) -> dict[str, Any]:
        return {"items": await run(hub.oversight.holders, actor_of(request), dataset)}


def add_lists(api: APIRouter, hub: Hub) -> None:
    """Lists the policy names, the rulebook in force and the resolver of ids."""

    @api.get("/sharing-list", tags=["oversight"])
    async def sharing_list(request: Request, partner: str = "") -> dict[str, Any]:
        return {"items": await run(hub.oversight.sharing_list, actor_of(request), partner=partner)}

    @api.get("/opening-plan/{year}", tags=["oversight"])
    async def opening_plan(request: Request, year: int) -> dict[str, Any]:
        return await run(hub.oversight.opening_plan, actor_of(request), year)

    @api.get("/revenue", tags=["oversight"])
    async def revenue(request: Request) -> dict[str, Any]:
        return {"items": await run(hub.oversight.revenue_meters, actor_of(request))}

    @api.get("/gaps", tags=["oversight"])
    async def gaps(request: Request) -> dict[str, Any]:
        return await run(hub.oversight.catalog_gaps, actor_of(request))

    @api.get("/id/{name:path}", tags=["oversight"])
    async def resolve(request: Request, name: str) -> Mapping[str, Any]:
        found = await run(hub.oversight.resolve, actor_of(request), name)
        return {key: getattr(found, key) for key in ("id", "kind", "state", "title", "successor", "reason")}

    @api.get("/rules", tags=["oversight"])
    async def rules() -> dict[str, Any]:
        book = hub.cases.rules
        return {"pack": book.name, "digest": book.digest, "items": list(book.rules.values())}


def add_registers(api: APIRouter, hub: Hub) -> None:
    """Tables the policy names, packs for exchanges, samples, and parts of releases handed down."""

    @api.get("/registers", tags=["oversight"])
    async def registers() -> dict[str, Any]:
        return {"items": list(NAMES)}

    @api.get("/registers/{name}", tags=["oversight"])
    async def register(request: Request, name: str, *, csv: bool = False) -> Response:
        if csv:
            told = await run(hub.registers.csv, actor_of(request), name)
            return Response(told, media_type="text/csv; charset=utf-8")
        return reply({"items": await run(hub.registers.rows, actor_of(request), name)})

    @api.get("/listing-pack/{dataset:path}", tags=["oversight"])
    async def listing_pack(request: Request, dataset: str, version: str) -> dict[str, Any]:
        return await run(hub.registers.listing_pack, actor_of(request), dataset, version)

    @api.get("/samples/{dataset:path}", tags=["catalog"])
    async def sample(
        request: Request,
        dataset: str,
        revision: str = "main",
        rows: Annotated[int, Query(ge=1, le=100)] = 10,
        *,
        synthetic: bool = False,
    ) -> dict[str, Any]:
        found = await run(hub.samples.draw, actor_of(request), dataset, revision=revision, rows=rows, synthetic=synthetic)
        return {**asdict(found), "digest": found.digest}

    @api.get("/parts/{dataset:path}", tags=["catalog"])
    async def part(request: Request, dataset: str, config: str = "", split: str = "", revision: str = "main") -> Response:
        actor = actor_of(request)
        table = await run(hub.viewer.table, actor, dataset, revision, config, split)
        return Response(await run(hub.viewer.part, actor, table), media_type="application/vnd.apache.parquet")
