"""Model Context Protocol for agents: six tools over one address, POST /mcp, answered with plain JSON and without sessions.

An agent is the person its token speaks for: what it may see, take and ask for is decided by the same services as for anybody. A refusal
is a tool result with `isError`, whose text says what to do next.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corpushub import __version__
from corpushub.api.hf_read import listed
from corpushub.api.wire import Call, Reply, json_reply, run
from corpushub.base.errors import HubError, Invalid
from corpushub.base.identity import json_of
from corpushub.domain.parties import Actor
from corpushub.domain.policy import CHANNELS, PURPOSES
from corpushub.services.repositories import CARD, Query
from corpushub.services.requests import Requests, Standing
from corpushub.services.viewer import Asked

if TYPE_CHECKING:
    from corpushub.services.hub import Hub

VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
MAX_BYTES = 1 << 20
MAX_CARD = 40_000
SAMPLE_ROWS = 20
PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """What an agent may call. `fields` are JSON schema properties; `wanted` must be given."""

    name: str
    about: str
    fields: Mapping[str, Any]
    wanted: tuple[str, ...]
    act: Callable[[Hub, Actor, Arguments], Any]
    reads_only: bool = True

    def shown(self) -> dict[str, Any]:
        schema = {"type": "object", "properties": dict(self.fields), "required": list(self.wanted), "additionalProperties": False}
        hints = {"readOnlyHint": self.reads_only, "openWorldHint": False}
        return {"name": self.name, "description": self.about, "inputSchema": schema, "annotations": hints}


def search_datasets(hub: Hub, actor: Actor, given: Arguments) -> Any:
    limit = min(max(int(given.get("limit", 10)), 1), 50)
    words = tuple(str(given.get("query", "")).lower().split()[:8])
    found = hub.repositories.search(actor, Query(words, sort="downloads", limit=limit))
    keep = ("id", "description", "tags", "gated", "lastModified", "downloads")
    return {"datasets": [{name: listed(repo)[name] for name in keep} for repo in found]}


def get_card(hub: Hub, actor: Actor, given: Arguments) -> Any:
    located = hub.repositories.locate(actor, str(given["dataset"]), revision(given), CARD)
    text = hub.objects.read(located.entry.sha256).decode("utf-8", "replace")
    return {
        "dataset": given["dataset"],
        "commit": located.snapshot.commit.id,
        "card": text[:MAX_CARD],
        "truncated": len(text) > MAX_CARD,
    }


def get_schema(hub: Hub, actor: Actor, given: Arguments) -> Any:
    snapshot, splits = hub.viewer.splits(actor, str(given["dataset"]), revision(given))
    told = {}
    for config, names in splits.items():
        tables = [hub.viewer.table(actor, str(given["dataset"]), revision(given), config, split) for split in names]
        told[config] = {
            "columns": hub.viewer.schema(tables[0]),
            "rows": {table.split: hub.viewer.count(table) for table in tables},
        }
    return {"dataset": given["dataset"], "commit": snapshot.commit.id, "configs": told}


def get_sample(hub: Hub, actor: Actor, given: Arguments) -> Any:
    names = (str(given.get("config", "")), str(given.get("split", "")))
    table = hub.viewer.table(actor, str(given["dataset"]), revision(given), *names)
    length = min(max(int(given.get("rows", 5)), 1), SAMPLE_ROWS)
    page = hub.viewer.page(actor, table, Asked(length=length))
    return {"config": table.config, "split": table.split, "rows": list(page.rows), "total": page.total}


def request_access(hub: Hub, actor: Actor, given: Arguments) -> Any:
    form = {name: value for name, value in given.items() if name != "dataset"}
    case = requests_of(hub).ask(actor, str(given["dataset"]), form)
    return {"request": case.id, "state": case.state}


def request_status(hub: Hub, actor: Actor, given: Arguments) -> Any:
    found = requests_of(hub).mine(actor, str(given.get("request", "")))
    return {"requests": [standing(one) for one in found]}


def standing(one: Standing) -> dict[str, Any]:
    case = one.case
    return {
        "request": case.id,
        "dataset": case.data["dataset"],
        "purpose": case.data["purpose"],
        "status": one.status,
        "state": case.state,
    }


def requests_of(hub: Hub) -> Requests:
    return Requests(cases=hub.cases, access=hub.access, repositories=hub.repositories)


def revision(given: Arguments) -> str:
    return str(given.get("revision") or "main")


_TEXT, _FLAG = {"type": "string", "maxLength": 2000}, {"type": "boolean"}
_DATASET = {"type": "string", "description": "owner/name", "maxLength": 200}
_AT = {
    "dataset": _DATASET,
    "revision": {"type": "string", "description": "tag or commit; the newest release where empty", "maxLength": 200},
}
TOOLS = (
    Tool(
        "search_datasets",
        "Find datasets by words in name, title, summary or tags (such as language:zh).",
        {"query": _TEXT, "limit": {"type": "integer", "minimum": 1, "maximum": 50}},
        (),
        search_datasets,
    ),
    Tool(
        "get_card",
        "The data card of a dataset: what it is, where it comes from, what it may be used for.",
        _AT,
        ("dataset",),
        get_card,
    ),
    Tool("get_schema", "Configurations, splits, columns and row counts of a dataset.", _AT, ("dataset",), get_schema),
    Tool(
        "get_sample",
        "A few rows of a dataset, if the caller may take them.",
        _AT | {"config": _TEXT, "split": _TEXT, "rows": {"type": "integer", "minimum": 1, "maximum": SAMPLE_ROWS}},
        ("dataset",),
        get_sample,
    ),
    Tool(
        "request_access",
        "Ask for access to a dataset for one purpose. People decide; the caller's organisation is bound by the terms it accepts.",
        {
            "dataset": _DATASET,
            "purpose": {"type": "string", "enum": list(PURPOSES)},
            "plan": {"type": "string", "minLength": 10, "description": "what will be done with the data", "maxLength": 4000},
            "channels": {"type": "array", "items": {"type": "string", "enum": list(CHANNELS)}},
            "days": {"type": "integer", "minimum": 1},
            "terms_accepted": _FLAG,
        },
        ("dataset", "purpose", "plan", "terms_accepted"),
        request_access,
        reads_only=False,
    ),
    Tool(
        "request_status",
        "How the caller's access requests stand; all of them, or the one named.",
        {"request": _TEXT},
        (),
        request_status,
    ),
)
_BY_NAME = {tool.name: tool for tool in TOOLS}


async def serve(hub: Hub, call: Call) -> Reply:
    """One JSON-RPC message, or a batch of them. A notification is taken without an answer."""
    if call.method != "POST":
        return Reply(405, b"", [("allow", "POST")])
    try:
        message = json_of(await call.body(MAX_BYTES))
    except (ValueError, RecursionError):
        return json_reply(failure(None, PARSE_ERROR, "not JSON"), 400)
    if isinstance(message, list) and message:
        answers = [answer for one in message[:20] if (answer := await answered(hub, call, one)) is not None]
        return json_reply(answers) if answers else Reply(202)
    answer = await answered(hub, call, message)
    return json_reply(answer) if answer is not None else Reply(202)


async def answered(hub: Hub, call: Call, message: Any) -> dict[str, Any] | None:
    """The answer to one message; None for a notification or an answer of the client's."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return failure(None, INVALID_REQUEST, "not a JSON-RPC 2.0 message")
    number, method = message.get("id"), message.get("method")
    if number is None or method is None:
        return None
    given = message.get("params") or {}
    if not isinstance(given, dict):
        return failure(number, INVALID_PARAMS, "params must be an object")
    match method:
        case "initialize":
            return success(number, hello(str(given.get("protocolVersion", ""))))
        case "ping":
            return success(number, {})
        case "tools/list":
            return success(number, {"tools": [tool.shown() for tool in TOOLS]})
        case "tools/call":
            return await called(hub, call, number, given)
        case _:
            return failure(number, NO_METHOD, "no such method")


def hello(wanted: str) -> dict[str, Any]:
    about = "Find public datasets, read their cards and columns, ask for access. Rows need an entitlement of your organisation."
    version = wanted if wanted in VERSIONS else VERSIONS[0]
    server = {"name": "corpushub", "version": __version__}
    return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server, "instructions": about}


async def called(hub: Hub, call: Call, number: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    tool = _BY_NAME.get(str(given.get("name", "")))
    arguments = given.get("arguments") or {}
    if tool is None or not isinstance(arguments, dict):
        return failure(number, INVALID_PARAMS, "no such tool" if tool is None else "arguments must be an object")
    try:
        checked(tool, arguments)
        value = await run(tool.act, hub, call.actor, arguments)
    except HubError as error:
        text = error.explain(call.lang)
        return success(number, {"content": [{"type": "text", "text": text}], "isError": True})
    text = json.dumps(value, ensure_ascii=False)
    return success(number, {"content": [{"type": "text", "text": text}], "structuredContent": value, "isError": False})


_KINDS: dict[str, type | tuple[type, ...]] = {"string": str, "integer": int, "boolean": bool, "array": list}


def checked(tool: Tool, arguments: Arguments) -> None:
    """Raises: Invalid("http.parameter_invalid") for a name, type or size the tool's schema does not have."""
    for name in tool.wanted:
        if name not in arguments:
            raise Invalid("http.parameter_missing", name=name)
    for name, value in arguments.items():
        rule = tool.fields.get(name) or {"type": "nothing"}
        fits = isinstance(value, _KINDS.get(rule["type"], ())) and (rule["type"] == "boolean" or not isinstance(value, bool))
        if not fits or (isinstance(value, str) and len(value) > rule.get("maxLength", 2000)):
            raise Invalid("http.parameter_invalid", name=name[:40], value=str(value)[:40])


def success(number: Any, result: Mapping[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "result": result}


def failure(number: Any, code: int, text: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": text}}
