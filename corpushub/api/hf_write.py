"""The Hub's write routes: repositories, commits as NDJSON, branches, tags. What is pushed lands as a contribution, never as a release."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from corpushub.api.hf_errors import CORS
from corpushub.api.wire import JSON_LIMIT, Call, Reply, TooLarge, json_reply, list_in, run
from corpushub.base.errors import Conflict, Invalid, NotFound
from corpushub.base.identity import json_of
from corpushub.domain.front_matter import read_head
from corpushub.services.contributions import Asked, Push
from corpushub.store.repos import HEADS, TAGS

if TYPE_CHECKING:
    from corpushub.services.hub import Hub

MAX_LINE_BYTES = 16 << 20
MAX_PARTS = 1000  # of a long line: a file's content is one of them
MAX_CARD_JSON_BYTES = 2 << 20  # a card of 1 MiB, each of its letters escaped
MAX_COMMIT_BYTES = 2 << 30
MAX_LINES = 50_000
_reading = asyncio.Semaphore(
    1
)  # anybody may ask, and a long head takes seconds: they wait here, not in the threads everybody shares
_DONE = json_reply({"success": True})


async def create_repo(hub: Hub, call: Call) -> Reply:
    asked = await call.json()
    repo_id = repo_named(call, asked)
    private = asked.get("visibility", "private" if asked.get("private") else "public") == "private"
    shown = {"url": f"{hub.settings.endpoint()}/datasets/{repo_id}", "name": repo_id, "id": repo_id}
    try:
        await run(hub.repositories.create, call.actor, repo_id, private=private)
    except Conflict as error:
        headers = [("x-error-message", error.explain("en")), *CORS]
        return json_reply(shown | {"error": error.explain(call.lang)}, 409, headers)
    return json_reply(shown)


def repo_named(call: Call, asked: dict[str, Any]) -> str:
    """Raises: NotFound("repo.kind_unsupported") for models and spaces."""
    if asked.get("type", "model") != "dataset":
        raise NotFound("repo.kind_unsupported")
    name, owner = str(asked.get("name", "")), asked.get("organization") or ""
    return name if "/" in name and name.startswith(f"{owner}/" if owner else "") else f"{owner or call.actor.person}/{name}"


async def delete_repo(hub: Hub, call: Call) -> Reply:
    await run(hub.repositories.delete, call.actor, repo_named(call, await call.json()))
    return _DONE


async def move_repo(hub: Hub, call: Call) -> Reply:
    asked = await call.json()
    if asked.get("type", "model") != "dataset":
        raise NotFound("repo.kind_unsupported")
    await run(hub.repositories.move, call.actor, str(asked.get("fromRepo", "")), str(asked.get("toRepo", "")))
    return _DONE


async def change_settings(hub: Hub, call: Call, repo_id: str) -> Reply:
    asked = await call.json()
    gated = asked.get("gated")
    if gated not in (None, False, "auto", "manual"):
        raise Invalid("http.parameter_invalid", name="gated", value=str(gated)[:40])
    private = {"private": True, "public": False}.get(str(asked.get("visibility", "")), asked.get("private"))
    named = {"gated": "" if gated is False else gated, "private": private if isinstance(private, bool) else None}
    await run(hub.repositories.change, call.actor, repo_id, **named)
    return _DONE


async def validate_card(_: Hub, call: Call) -> Reply:
    """Card linting on every README upload: a head that can't be read aborts the client's upload with this message."""
    asked = await call.json(MAX_CARD_JSON_BYTES)
    async with _reading:
        head = await run(read_head, str(asked.get("content", "")))
    if head.problem:
        return json_reply({"errors": [{"message": f"README.md:{head.line}: {head.problem}"}], "warnings": []}, 400)
    wanted = ("license", "language", "configs")
    missing = [{"message": f"The card's head has no {name}."} for name in wanted if name not in head.data]
    return json_reply({"errors": [], "warnings": missing})


async def preupload(hub: Hub, call: Call, repo_id: str, revision: str) -> Reply:
    asked = await call.json()
    rows = list_in(asked, "files")
    if len(rows) > 2000:
        raise Invalid("http.body_invalid", why="files must be a list of at most 2000")
    files = [Asked(str(row.get("path", "")), whole(row.get("size"))) for row in rows if isinstance(row, dict)]
    modes = await run(hub.contributions.preview, call.actor, repo_id, revision, files)
    shown = [
        {"path": m.path, "uploadMode": "lfs" if m.large else "regular", "shouldIgnore": m.ignored, "oid": m.oid or None}
        for m in modes
    ]
    return json_reply({"files": shown, "commitOid": None})


def whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 50 else 0


async def commit(hub: Hub, call: Call, repo_id: str, branch: str) -> Reply:
    await run(hub.contributions.authorize, call.actor, repo_id)
    push = Push(branch, "", as_pull=call.flag("create_pr"))
    number = 0
    async for line in lines(call):
        number += 1
        if number > MAX_LINES:
            raise TooLarge("http.body_too_large", limit=MAX_COMMIT_BYTES)
        await read_line(hub, push, number, line)
    if not push.message:
        raise Invalid("upload.header_missing")
    pushed = await run(hub.contributions.push, call.actor, repo_id, push)
    base = f"{hub.settings.endpoint()}/datasets/{repo_id}"
    shown = {"success": True, "commitUrl": f"{base}/commit/{pushed.commit}", "commitOid": pushed.commit, "hookOutput": ""}
    if pushed.pull:
        shown["pullRequestUrl"] = f"{base}/discussions/{pushed.pull}"
    return json_reply(shown)


async def lines(call: Call) -> AsyncIterator[bytes]:
    """Lines of the body as they arrive. Raises: TooLarge for an endless line or body."""
    held, total = bytearray(), 0
    async for chunk in call.chunks():
        total += len(chunk)
        start = len(held)
        held += chunk
        if total > MAX_COMMIT_BYTES or len(held) > MAX_LINE_BYTES:
            raise TooLarge("http.body_too_large", limit=MAX_COMMIT_BYTES if total > MAX_COMMIT_BYTES else MAX_LINE_BYTES)
        while (end := held.find(b"\n", start)) >= 0:
            if line := bytes(held[:end]).strip():
                yield line
            del held[: end + 1]
            start = 0
    if line := bytes(held).strip():
        yield line


async def read_line(hub: Hub, push: Push, number: int, line: bytes) -> None:
    """Take one line of the commit in. Raises: Invalid("upload.line_invalid" | "upload.header_missing")."""
    if len(line) > JSON_LIMIT and sum(map(line.count, b",[{")) > MAX_PARTS:
        raise Invalid("upload.line_invalid", line=number, why="a long line holds one file, encoded in base64")
    try:
        item = json_of(line)
        key, value = item["key"], item["value"]
        if number == 1 and key != "header":
            raise Invalid("upload.header_missing")
        match key:
            case "header":
                push.message = str(value["summary"]) + (f"\n\n{text}" if (text := value.get("description")) else "")
                push.parent = str(value.get("parentCommit") or "")
            case "file":
                data = base64.b64decode(value["content"]) if value.get("encoding") == "base64" else str(value["content"]).encode()
                push.files.append(await run(hub.contributions.keep_small, str(value["path"]), data))
            case "lfsFile":
                size = value.get("size")
                push.large.append((str(value["path"]), str(value["oid"]), size if isinstance(size, int) else None))
            case "deletedFile":
                push.deleted_files.append(str(value["path"]))
            case "deletedFolder":
                push.deleted_folders.append(str(value["path"]))
            case _:
                raise Invalid("upload.line_invalid", line=number, why=f"unknown key {str(key)[:40]}")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise Invalid("upload.line_invalid", line=number, why=type(error).__name__) from None


async def contributions(hub: Hub, call: Call, repo_id: str) -> Reply:
    """What was pushed and what became of it: quarantined, building, proposed with its case, or refused with the reasons."""
    await run(hub.contributions.authorize, call.actor, repo_id)
    return json_reply(list(await run(hub.contributions.list, call.actor, repo_id)))


async def make_branch(hub: Hub, call: Call, repo_id: str, name: str) -> Reply:
    asked = await call.json()
    await run(hub.contributions.create_branch, call.actor, repo_id, name, str(asked.get("startingPoint") or "main"))
    return _DONE


async def make_tag(hub: Hub, call: Call, repo_id: str, revision: str) -> Reply:
    asked = await call.json()
    name, message = str(asked.get("tag", "")), str(asked.get("message") or "")
    await run(hub.contributions.create_tag, call.actor, repo_id, name, revision, message)
    return _DONE


async def delete_branch(hub: Hub, call: Call, repo_id: str, name: str) -> Reply:
    await run(hub.contributions.delete_ref, call.actor, repo_id, HEADS, name)
    return _DONE


async def delete_tag(hub: Hub, call: Call, repo_id: str, name: str) -> Reply:
    await run(hub.contributions.delete_ref, call.actor, repo_id, TAGS, name)
    return _DONE


async def squash(hub: Hub, call: Call, repo_id: str, branch: str) -> Reply:
    asked = await call.json()
    made = await run(hub.contributions.squash, call.actor, repo_id, branch, str(asked.get("message") or "Squash history"))
    return json_reply({"success": True, "commitOid": made})
