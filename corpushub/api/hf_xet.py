"""Xet ingest: what clients with hf_xet speak for every large upload, without asking and without falling back.

The address of the store changes every week and differs per person and repository: clients remember chunks by address, so purged
xorbs are sent again, and nobody can refer to (or poison) another's chunks by their hash.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpushub.api.wire import Call, Reply, json_reply, run
from corpushub.base.errors import Forbidden, NotFound
from corpushub.base.identity import sha256
from corpushub.domain.parties import Actor
from corpushub.store.xet import MAX_SHARD_BYTES, MAX_XORB_BYTES, chunks_of, files_of

if TYPE_CHECKING:
    from corpushub.services.hub import Hub

TOKEN_SECONDS = 3600
EPOCH_SECONDS = 7 * 24 * 3600
_HASH = re.compile(r"[0-9a-f]{64}")
_materializing = asyncio.Semaphore(2)


async def write_token(hub: Hub, call: Call, repo_id: str) -> Reply:
    await run(hub.contributions.authorize, call.actor, repo_id)
    now = int(hub.clock().timestamp())
    scope = sha256(f"{call.actor.person}\0{repo_id}\0{now // EPOCH_SECONDS}".encode())[:32]
    facts = {"person": call.actor.person, "token": call.actor.token, "repo": repo_id, "scope": scope}
    grant = await run(hub.access.grants.sign, "xet", facts, seconds=TOKEN_SECONDS)
    url = f"{hub.settings.endpoint()}/xet/{scope}"
    headers = [("x-xet-cas-url", url), ("x-xet-access-token", grant), ("x-xet-token-expiration", str(now + TOKEN_SECONDS))]
    return json_reply({"casUrl": url, "accessToken": grant, "exp": now + TOKEN_SECONDS}, 200, headers)


async def route(hub: Hub, call: Call, scope: str, rest: tuple[str, ...]) -> Reply:
    """Routes below the store's address. What it does not offer is 404: clients then send the body itself."""
    actor, repo_id = await caller(hub, call, scope)
    match (call.method, rest):
        case ("POST", ("v1", "xorbs", "default", name)) if _HASH.fullmatch(name):
            return await put_xorb(hub, call, scope, name)
        case ("POST", ("v1", "shards")):
            return await put_shard(hub, call, actor, repo_id, scope)
        case ("POST", ("v1", "telemetry")):
            return json_reply({})
        case _:
            raise NotFound("http.not_found")


async def caller(hub: Hub, call: Call, scope: str) -> tuple[Actor, str]:
    """Raises: Forbidden("upload.grant_invalid") also when the token behind the grant has ended."""
    facts: dict[str, Any] = await run(
        hub.access.grants.open, "xet", call.headers.get("authorization", "").removeprefix("Bearer ")
    )
    if facts["scope"] != scope:
        raise Forbidden("upload.grant_invalid")
    actor = await run(hub.access.actor_behind, facts["person"], facts["token"])
    return actor, str(facts["repo"])


async def put_xorb(hub: Hub, call: Call, scope: str, name: str) -> Reply:
    data = await call.body(MAX_XORB_BYTES)
    await run(chunks_of, data)
    path = await run(hub.contributions.xorb_folder, scope) / name
    known = path.exists()
    if not known:
        await run(hub.contributions.incoming.require_room, len(data))
        await run(place, path, data)
    return json_reply({"was_inserted": not known})


def place(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(f".{secrets.token_hex(4)}.part")  # the same xorb may come twice at once
    temporary.write_bytes(data)
    temporary.replace(path)


async def put_shard(hub: Hub, call: Call, actor: Actor, repo_id: str, scope: str) -> Reply:
    """Put the files together; a fault is the client's (4xx), because it would repeat a 5xx for minutes."""
    files = files_of(await call.body(MAX_SHARD_BYTES))
    async with _materializing:
        await run(hub.contributions.materialize, actor, repo_id, files, scope)
        await run(purge, hub.contributions.incoming.folder / "xorbs", hub.clock().timestamp())
    return json_reply({"result": 1})


def purge(folder: Path, now: float) -> None:
    """Remove stores whose week is over."""
    for scope in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if now - scope.stat().st_mtime > 2 * EPOCH_SECONDS:
                shutil.rmtree(scope, ignore_errors=True)
