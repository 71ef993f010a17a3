"""`resolve` and `raw`: the bytes of one file of one revision.

HEAD on a branch or tag answers 307 to the commit's URL, so that the GET that follows gets the same commit; GET does not, because
readers that ask for ranges would pay the redirect on each. The gate is asked on every request, for commit URLs too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from corpushub.api.hf_errors import CORS
from corpushub.api.sender import Blob, Sender
from corpushub.api.wire import Call, Reply, run, run_once
from corpushub.base.errors import NotFound
from corpushub.domain.parties import Actor
from corpushub.domain.tree import Entry, pointer_text
from corpushub.services.access import Fresh
from corpushub.services.delivery import Taken
from corpushub.services.repositories import Located, Snapshot, is_card

if TYPE_CHECKING:
    from corpushub.services.hub import Hub

IMMUTABLE = "public, max-age=31536000, immutable"
_TEXT = {
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "csv": "text/csv; charset=utf-8",
}
_TEXT |= dict.fromkeys(("txt", "ttl", "yaml", "yml", "toml"), "text/plain; charset=utf-8")


_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})")
_blobs: Fresh[tuple[object, ...], Blob] = Fresh(600.0)


async def resolve(hub: Hub, sender: Sender, call: Call, repo_id: str, rest: tuple[str, ...]) -> Reply | None:
    """Answer with the file's bytes, or a redirect to the commit's URL for a HEAD of what may move."""
    located = await locate(hub, call, repo_id, rest)
    snapshot, entry = located.snapshot, located.entry
    if call.method == "HEAD" and not snapshot.immutable:
        path = quote(f"/datasets/{repo_id}/resolve/{snapshot.commit.id}/{entry.path}")
        query = call.scope["query_string"].decode("latin-1")
        headers = [
            ("location", f"{path}?{query}" if query else path),
            ("etag", f'"{entry.etag}"'),
            *entry_headers(snapshot, entry, download=call.flag("download")),
            *CORS,
        ]
        return Reply(307, b"", headers)
    blob = blob_of(snapshot, entry, download=call.flag("download"))
    if call.method == "HEAD" and entry.lfs and not is_card(entry.path):
        address = hub.passes.at_hand(call.actor, located) or await run(hub.passes.issue, call.actor, located)
        if address is not None:
            return Reply(302, b"", [(name.decode(), value.decode("latin-1")) for name, value in blob.elsewhere(address)])

    async def holds() -> bool:
        return await run(hub.repositories.holds, call.actor, snapshot.repo.id, snapshot.commit.id) is not None

    if not located.permission.counted or call.method == "HEAD":
        if sent := await sender.send(call, blob, holds):
            hub.access.record_delivery(
                call.actor, await taken(hub, call, located, sent), located.permission, request=call.request_id
            )
        return None
    hold = await run(hub.viewer.hold, located, share_of(call.headers.get("range", ""), entry.size))
    try:
        await run(hold.begin)
        if sent := await sender.send(call, blob, holds):
            hold.record(call.actor, await taken(hub, call, located, sent), request=call.request_id)
    finally:  # also where the reader has gone, and `begin` is still at work
        hold.end()
    return None


def share_of(stated: str, size: int) -> float:
    """The part of a file that a Range header asks for; all of it where that can't be told."""
    found = _RANGE.fullmatch(stated.strip())
    if found is None or not size:
        return 1.0
    first, last = int(found[1]), min(int(found[2] or size - 1), size - 1)
    return max(0, last - first + 1) / size


def blob_of(snapshot: Snapshot, entry: Entry, *, download: bool) -> Blob:
    """What is sent of a file; made once, because a commit's files never change."""
    repo = snapshot.repo
    key = (snapshot.commit.id, entry.path, snapshot.immutable, snapshot.ref, repo.gated, repo.private, download)
    if (kept := _blobs.get(key)) is not None:
        return kept
    headers = entry_headers(snapshot, entry, download=download)
    return _blobs.put(key, Blob.of(entry.sha256, entry.size, entry.etag, headers, media_of(entry.path)))


async def raw(hub: Hub, sender: Sender, call: Call, repo_id: str, rest: tuple[str, ...]) -> Reply | None:
    """As `resolve`, but a large file answers with its pointer text."""
    located = await locate(hub, call, repo_id, rest)
    if located.entry.lfs:
        text = pointer_text(located.entry.sha256, located.entry.size)
        headers = [("x-repo-commit", located.snapshot.commit.id), *CORS]
        return Reply(200, text, headers, "text/plain; charset=utf-8")
    return await resolve(hub, sender, call, repo_id, rest)


async def snapshot_of(hub: Hub, actor: Actor, repo_id: str, revision: str) -> Snapshot:
    """`Repositories.at`, looked up once for all who ask the same at the same time."""
    if (known := hub.repositories.known(actor, repo_id, revision)) is not None:
        return known
    return await run_once((actor, repo_id, revision), hub.repositories.at, actor, repo_id, revision)


async def locate(hub: Hub, call: Call, repo_id: str, rest: tuple[str, ...]) -> Located:
    """The file that `revision/path` names. Where no such revision exists, the longest branch or tag with slashes in its name wins."""
    revision, path = rest[0], "/".join(rest[1:])
    if (grant := call.one("sig")) and call.actor.is_anonymous:
        actor = await run(hub.access.actor_of_link, grant, f"{repo_id}/{revision}/{path}")
        call.state["actor"] = actor
    if hub.repositories.known(call.actor, repo_id, revision) is not None:
        return hub.repositories.locate(call.actor, repo_id, revision, path)
    try:
        await snapshot_of(hub, call.actor, repo_id, revision)
        return await run(hub.repositories.locate, call.actor, repo_id, revision, path)
    except NotFound as error:
        if error.code != "repo.revision_unknown" or len(rest) < 3:
            raise
        for ref in await run(hub.repositories.refs, call.actor, repo_id):
            for name in (ref.full, ref.name):
                words = tuple(name.split("/"))
                if len(words) > 1 and rest[: len(words)] == words and len(rest) > len(words):
                    return await run(hub.repositories.locate, call.actor, repo_id, name, "/".join(rest[len(words) :]))
        raise


def entry_headers(snapshot: Snapshot, entry: Entry, *, download: bool) -> list[tuple[str, str]]:
    """Headers that go with every status of a file."""
    public = snapshot.immutable and not (snapshot.repo.private or snapshot.repo.gated)
    name = entry.path.rpartition("/")[2]
    plain = "".join(letter if letter.isascii() and letter.isprintable() and letter not in '"\\' else "_" for letter in name)
    shown = "attachment" if download or name.endswith((".svg", ".html", ".htm", ".xml")) else "inline"
    headers = [
        ("x-repo-commit", snapshot.commit.id),
        ("cache-control", IMMUTABLE if public else "private, no-cache"),
        ("content-disposition", f"{shown}; filename*=UTF-8''{quote(name, safe='')}; filename=\"{plain}\";"),
    ]
    if entry.lfs:
        headers += [("x-linked-etag", f'"{entry.sha256}"'), ("x-linked-size", str(entry.size))]
    if snapshot.ref is not None and snapshot.ref.state:
        headers.append(("x-hf-warning", f"release; {snapshot.ref.name} is {snapshot.ref.state}: {snapshot.ref.reason}"))
    return headers


def media_of(path: str) -> str:
    return _TEXT.get(path.rpartition(".")[2].lower(), "application/octet-stream")


async def taken(hub: Hub, call: Call, located: Located, sent: int) -> Taken:
    """What went out, to be recorded; of a table also its rows, for a range the share of them, rounded up: small pieces are no way around a limit.

    A download counts when the client says it is one (or asks for the whole file without saying).
    """
    entry = located.entry
    counts = sent == entry.size and call.headers.get("x-hf-download-counter", "1") == "1"
    rows = -(-await run(hub.viewer.rows_in, entry) * sent // entry.size) if entry.path.endswith(".parquet") else 0
    return Taken(located.snapshot.repo.id, located.snapshot.commit.id, entry.path, sent, rows=rows, downloads=int(counts))
