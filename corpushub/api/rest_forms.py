"""How cases, entries, clocks, forms and refusals look as JSON, and how what a caller sends is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from corpushub.api.wire import JSON_LIMIT, TooLarge
from corpushub.base.errors import HubError, Invalid
from corpushub.base.identity import iso, json_of
from corpushub.base.messages import Lang, text
from corpushub.domain.catalog import Resource
from corpushub.domain.clocks import Reading
from corpushub.domain.form import Field
from corpushub.domain.workflow import Case

_SCHEMAS: dict[str, dict[str, Any]] = {
    "date": {"type": "string", "format": "date"},
    "int": {"type": "integer"},
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "record": {"type": "object"},
    "records": {"type": "array", "items": {"type": "object"}},
    **{kind: {"type": "array", "items": {"type": "string"}} for kind in ("words", "orgs", "resources", "choices")},
}


def form_schema(fields: Sequence[Field]) -> dict[str, Any]:
    """The OpenAPI request body of a command's form, titled in both languages."""
    properties: dict[str, Any] = {}
    for item in fields:
        schema = dict(_SCHEMAS.get(item.kind, {"type": "string"}))
        if item.choices:
            schema = (
                {"type": "array", "items": {"enum": list(item.choices)}}
                if item.kind == "choices"
                else {"enum": list(item.choices)}
            )
        if item.min_len:
            schema["minLength"] = item.min_len
        properties[item.name] = {
            **schema,
            "title": text(f"flow_field.{item.name}", "en"),
            "description": text(f"flow_field.{item.name}", "zh"),
        }
    required = [item.name for item in fields if item.required and item.default is None]
    schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        **({"required": required} if required else {}),
    }
    headers = [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
        for name in ("Idempotency-Key", "If-Match")
    ]
    return {
        "requestBody": {"required": bool(required), "content": {"application/json": {"schema": schema}}},
        "parameters": headers,
    }


def case_json(case: Case, *, history: bool = False) -> dict[str, Any]:
    told = {
        "id": case.id,
        "flow": case.flow,
        "state": case.state,
        "version": case.version,
        "data": dict(case.data),
        "votes": [{"person": vote.person, "org": vote.org, "command": vote.command} for vote in case.votes],
        "opened_by": case.opened_by,
        "opened_org": case.opened_org,
        "opened_at": iso(case.opened_at),
        "updated_at": iso(case.updated_at),
    }
    if history:
        told["history"] = [
            {
                "version": event.version,
                "type": event.type,
                "actor": event.actor,
                "on_behalf_of": event.on_behalf_of,
                "org": event.org,
                "at": iso(event.at),
                "state": event.state,
                "data": dict(event.data),
            }
            for event in case.history
        ]
    return told


def entry_json(entry: Resource) -> dict[str, Any]:
    return entry.to_json()


def clock_json(item: Reading) -> dict[str, Any]:
    return {
        "clock": item.clock,
        "rule": item.rule,
        "verified": item.verified,
        "started": item.started.isoformat(),
        "due": item.due.isoformat(),
        "provisional": item.provisional,
        "state": item.state,
        "light": item.light,
        "working_days_left": item.left,
    }


def problem(error: HubError, lang: Lang, path: str) -> JSONResponse:
    """RFC 9457 problem details: what is wrong, where, what to do next."""
    found = [
        {"code": item.code, "place": item.place(), "detail": text(item.code, lang, **item.facts)}
        for item in (error.problems if isinstance(error, Invalid) else ())
    ]
    body = {
        "type": f"urn:corpushub:problem:{error.code}",
        "title": error.code,
        "status": error.status,
        "detail": error.explain(lang),
        "instance": path,
        "problems": found,
    }
    return JSONResponse(body, error.status, media_type="application/problem+json")


async def body(request: Request, most: int) -> bytearray:
    """What a caller sent. Raises: TooLarge("http.body_too_large")."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > most:
            raise TooLarge("http.body_too_large", limit=most)
    return raw


async def answers(request: Request) -> dict[str, Any]:
    """The JSON object a caller sent; an empty body is an empty form. Raises: Invalid("rest.body"), TooLarge("http.body_too_large")."""
    raw = await body(request, JSON_LIMIT)
    if not raw.strip():
        return {}
    try:
        value = json_of(raw)
    except (ValueError, RecursionError):
        raise Invalid("rest.body") from None
    if not isinstance(value, dict):
        raise Invalid("rest.body")
    return value
