"""Git LFS: large objects in and out by digest. Upload links carry their own grant, because clients send no Authorization there."""

from __future__ import annotations

import asyncio
from math import ceil
from typing import TYPE_CHECKING, Any

from corpushub.api.hf_read import next_page
from corpushub.api.wire import Call, Reply, json_reply, list_in, run
from corpushub.base.errors import HubError, Invalid, NotFound
from corpushub.base.identity import sha256
from corpushub.domain.parties import Actor

if TYPE_CHECKING:
    from corpushub.services.hub import Hub
    from corpushub.store.incoming import Receiver

MEDIA = "application/vnd.git-lfs+json"
PART_BYTES = 32 << 20
MULTIPART_FROM = 128 << 20
MAX_OBJECT_BYTES = 64 << 30
MAX_OBJECTS = 2000
GRANT_SECONDS = 6 * 3600
WRITE_BYTES = 1 << 20


async def batch(hub: Hub, call: Call, repo_id: str) -> Reply:
    """What to do for each object: nothing where this repository has it, else where to send or get it."""
    asked = await call.json()
    objects = [row for row in list_in(asked, "objects") if isinstance(row, dict)][:MAX_OBJECTS]
    several = "multipart" in list_in(asked, "transfers")
    if asked.get("operation") == "download":
        shown = [await download_action(hub, call, repo_id, row) for row in objects]
        return lfs_reply({"transfer": "basic", "objects": shown})
    missing = await run(hub.contributions.missing, call.actor, repo_id, [str(row.get("oid", "")) for row in objects])
    multipart = several and any(size_of(row) >= MULTIPART_FROM for row in objects)
    shown = [upload_action(hub, call, repo_id, row, missing=missing, multipart=multipart) for row in objects]
    return lfs_reply({"transfer": "multipart" if multipart else "basic", "objects": shown})


def size_of(row: dict[str, Any]) -> int:
    size = row.get("size")
    return size if isinstance(size, int) and not isinstance(size, bool) else -1


def upload_action(
    hub: Hub, call: Call, repo_id: str, row: dict[str, Any], *, missing: set[str], multipart: bool
) -> dict[str, Any]:
    digest, size = str(row.get("oid", "")), size_of(row)
    shown: dict[str, Any] = {"oid": digest, "size": size, "authenticated": True}
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef") or not 0 <= size <= MAX_OBJECT_BYTES:
        return shown | {"error": {"code": 422, "message": "oid must be a SHA-256 and size a sensible number"}}
    if digest not in missing:
        return shown
    base = f"{hub.settings.endpoint()}/datasets/{repo_id}.git/info/lfs/objects"
    facts = {"person": call.actor.person, "token": call.actor.token, "repo": repo_id, "oid": digest, "size": size}
    grant = hub.access.grants.sign("upload", facts, seconds=GRANT_SECONDS)
    upload: dict[str, Any] = {"href": f"{base}/put/{digest}?grant={grant}"}
    if multipart:
        parts = {f"{n:05}": f"{base}/part/{digest}/{n}?grant={grant}" for n in range(1, max(1, ceil(size / PART_BYTES)) + 1)}
        upload = {"href": f"{base}/complete/{digest}?grant={grant}", "header": {"chunk_size": str(PART_BYTES), **parts}}
    return shown | {"actions": {"upload": upload, "verify": {"href": f"{base}/verify"}}}


async def download_action(hub: Hub, call: Call, repo_id: str, row: dict[str, Any]) -> dict[str, Any]:
    """As for any delivery, the gate decides; the link resolves in the released head that names the object."""
    digest = str(row.get("oid", ""))
    shown: dict[str, Any] = {"oid": digest, "size": size_of(row), "authenticated": True}
    try:
        snapshot = await run(hub.repositories.at, call.actor, repo_id, "main")
        await run(hub.repositories.permit, call.actor, snapshot)
        entry = next((item for item in snapshot.tree.entries if item.lfs and item.sha256 == digest), None)
        if entry is None:
            raise NotFound("repo.entry_unknown", path=digest[:64], revision="main")
    except HubError as error:
        return shown | {"error": {"code": error.status, "message": error.explain(call.lang)}}
    href = await run(hub.access.sign_download, call.actor, repo_id, snapshot.commit.id, entry.path, seconds=GRANT_SECONDS)
    return shown | {"size": entry.size, "actions": {"download": {"href": href}}}


def lfs_reply(value: dict[str, Any]) -> Reply:
    reply = json_reply(value)
    reply.media = MEDIA
    return reply


async def granted(hub: Hub, call: Call, repo_id: str, digest: str) -> tuple[Actor, int]:
    """Who may send this object, and its size. Raises: Forbidden("upload.grant_invalid") also when the token behind the grant has ended."""
    facts = await run(hub.access.grants.open, "upload", call.one("grant"))
    if (facts["repo"], facts["oid"]) != (repo_id, digest):
        raise Invalid("upload.grant_invalid")
    return await run(hub.access.actor_behind, facts["person"], facts["token"]), int(facts["size"])


async def put(hub: Hub, call: Call, repo_id: str, digest: str) -> Reply:
    """A whole object in one body; visible only when size and digest are right."""
    actor, size = await granted(hub, call, repo_id, digest)
    with await run(hub.contributions.incoming.receive, digest, size) as receiver:
        await pour(call, receiver)
        await run(receiver.finish)
    await run(hub.contributions.received, actor, repo_id, digest, size)
    return Reply(200, b"", [("etag", f'"{digest}"')])


async def pour(call: Call, receiver: Receiver) -> None:
    """Write the body as it arrives, a megabyte at a time."""
    held = bytearray()
    async for chunk in call.chunks():
        held += chunk
        if len(held) >= WRITE_BYTES:
            await run(receiver.write, bytes(held))
            held.clear()
    await run(receiver.write, bytes(held))


async def put_part(hub: Hub, call: Call, repo_id: str, digest: str, number: str) -> Reply:
    actor, size = await granted(hub, call, repo_id, digest)
    last = max(1, ceil(size / PART_BYTES))
    if not number.isascii() or not number.isdigit() or len(number) > 9 or not 1 <= int(number) <= last:
        raise Invalid("upload.part_missing", part=number[:10])
    offset = (int(number) - 1) * PART_BYTES
    data = await call.body(PART_BYTES)
    if len(data) != min(PART_BYTES, size - offset):
        raise Invalid("upload.size_wrong", actual=len(data), expected=min(PART_BYTES, size - offset))
    name = hub.contributions.upload_name(actor, repo_id, digest)
    await run(hub.contributions.incoming.write_part, name, offset, data)
    return Reply(200, b"", [("etag", f'"{await asyncio.to_thread(sha256, data)}"')])


async def complete(hub: Hub, call: Call, repo_id: str, digest: str) -> Reply:
    actor, size = await granted(hub, call, repo_id, digest)
    asked = await call.json()
    rows = [row for row in list_in(asked, "parts") if isinstance(row, dict)]
    present = {number for row in rows if isinstance(number := row.get("partNumber"), int)}
    for number in range(1, max(1, ceil(size / PART_BYTES)) + 1):
        if number not in present:
            raise Invalid("upload.part_missing", part=number)
    name = hub.contributions.upload_name(actor, repo_id, digest)
    await run(hub.contributions.incoming.finish_parts, name, digest, size)
    await run(hub.contributions.received, actor, repo_id, digest, size)
    return json_reply({"success": True})


async def listing(hub: Hub, call: Call, repo_id: str) -> Reply:
    """Large files as `list_lfs_files` knows them; the id that deletes one is its digest."""
    found = await run(hub.contributions.large_files, call.actor, repo_id)
    limit, start = max(1, call.number("limit", 1000, 1000)), call.number("cursor", 0, 10_000_000)
    shown = [
        {
            "fileOid": file.sha256,
            "filename": file.path,
            "oid": file.sha256,
            "pushedAt": file.at,
            "ref": file.ref or None,
            "size": file.size,
        }
        for file in found[start : start + limit]
    ]
    more = [("link", next_page(hub, call, str(start + limit)))] if start + limit < len(found) else []
    return json_reply(shown, 200, more)


async def deletion(hub: Hub, call: Call, repo_id: str) -> Reply:
    asked = (await call.json()).get("deletions")
    if not isinstance(asked, dict):
        raise Invalid("http.body_invalid", why="deletions is not an object")
    digests = [str(digest) for digest in list_in(asked, "sha")][:MAX_OBJECTS]
    rewrite = asked.get("rewriteHistory") is not False
    await run(hub.contributions.drop_large_files, call.actor, repo_id, digests, rewrite=rewrite)
    return json_reply({"success": True})


async def verify(hub: Hub, call: Call, repo_id: str) -> Reply:
    asked = await call.json()
    digest = str(asked.get("oid", ""))
    if await run(hub.contributions.missing, call.actor, repo_id, [digest]):
        raise NotFound("repo.object_missing", path="-", sha256=digest[:64])
    return json_reply({"message": "success"})
