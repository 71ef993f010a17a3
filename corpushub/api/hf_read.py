"""The Hub's read routes below /api: who am I, which datasets, which revisions, which files."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from corpushub.api.hf_errors import CORS
from corpushub.api.hf_resolve import snapshot_of
from corpushub.api.wire import Call, Reply, json_reply, list_in, run
from corpushub.base.errors import Forbidden, NotFound
from corpushub.base.identity import iso
from corpushub.domain.splits import splits_of
from corpushub.domain.tree import Entry, Folder, pointer_text
from corpushub.services.repositories import Query, Snapshot
from corpushub.store.repos import HEADS, PULLS, TAGS, Commit, Repo

if TYPE_CHECKING:
    from corpushub.services.hub import Hub

TREE_PAGE, TREE_PAGE_EXPANDED, LIST_PAGE, MAX_SIBLINGS, MAX_PATHS = 1000, 50, 100, 10_000, 2000
MAX_PAGES = 64
_pages: dict[
    tuple[str, str, bool, bool, int, str], tuple[bytes, str]
] = {}  # a commit's tree never changes, so neither do its pages
MAX_SHOWN = 5000
_shown: dict[str, tuple[Repo, bytes]] = {}
_OPEN = [("cache-control", "private, no-cache"), *CORS]


async def whoami(hub: Hub, call: Call) -> Reply:
    actor = call.actor
    if actor.is_anonymous:
        raise Forbidden("token.missing")
    token = await run(hub.access.token_of, actor)
    role = "write" if token is None or "write" in token.scopes else "read"
    auth: dict[str, Any] = {"type": "session"}
    if token is not None:
        made = {"displayName": token.name, "role": role, "createdAt": token.created_at}
        auth = {"type": "access_token", "accessToken": made, "expiresAt": token.expires_at}
    org = {"type": "org", "name": actor.org, "fullname": actor.org, "id": actor.org, "roleInOrg": role}
    person = {
        "id": actor.person,
        "name": actor.person,
        "fullname": actor.name or actor.person,
        "email": None,
        "emailVerified": False,
    }
    return json_reply({"type": "user", **person, "canPay": False, "isPro": False, "avatarUrl": "", "orgs": [org], "auth": auth})


async def list_datasets(hub: Hub, call: Call) -> Reply:
    """Search with facets (`filter=language:zh`), sorted, in pages."""
    limit = max(1, call.number("limit", LIST_PAGE, 1000))
    offset = call.number("cursor", 0, 10_000_000)
    words = tuple(call.one("search").lower().split()[:8])
    facets = tuple(item for given in call.query.get("filter", []) for item in given.split(",") if item)[:8]
    gated = {"true": True, "false": False}.get(call.one("gated").lower())
    query = Query(words, facets, call.one("author"), gated, call.one("sort", "lastModified"), offset=offset, limit=limit + 1)
    found = await run(hub.repositories.search, call.actor, query)
    headers = list(_OPEN)
    if len(found) > limit:
        headers.append(("link", next_page(hub, call, str(offset + limit))))
    return Reply(200, b"[" + b",".join([shown_bytes(repo) for repo in found[:limit]]) + b"]", headers)


def shown_bytes(repo: Repo) -> bytes:
    """A repository of a list as JSON: made once for as long as the directory holds the very same."""
    kept = _shown.get(repo.id)
    if kept is None or kept[0] is not repo:
        if len(_shown) >= MAX_SHOWN:
            _shown.clear()
        kept = _shown[repo.id] = repo, json_reply(listed(repo)).body
    return kept[1]


def listed(repo: Repo) -> dict[str, Any]:
    facts = repo.facts
    return {
        "_id": repo.id,
        "id": repo.id,
        "author": repo.id.partition("/")[0],
        "sha": repo.head or None,
        "lastModified": repo.changed_at,
        "createdAt": repo.created_at,
        "private": repo.private,
        "gated": repo.gated or False,
        "disabled": False,
        "downloads": repo.downloads,
        "likes": 0,
        "tags": list(facts.get("tags", ())),
        "description": facts.get("summary", ""),
        "cardData": facts.get("card", {}),
        "usedStorage": facts.get("bytes", 0),
    }


async def info(hub: Hub, call: Call, repo_id: str, revision: str) -> Reply:
    snapshot = await snapshot_of(hub, call.actor, repo_id, revision)
    if (head := hub.repositories.known_head(snapshot)) is None:
        head = await run(hub.repositories.head_of, snapshot)
    value = listed(snapshot.repo) | {
        "sha": snapshot.commit.id,
        "lastModified": snapshot.commit.at,
        "tags": list(head.tags),
        "description": head.summary,
        "cardData": head.data,
        "usedStorage": snapshot.commit.bytes,
        "siblings": [sibling(entry, blobs=call.flag("blobs")) for entry in snapshot.tree.entries[:MAX_SIBLINGS]],
    }
    if wanted := call.query.get("expand"):
        value = {name: item for name, item in value.items() if name in {"_id", "id", *wanted}}
    return json_reply(value, 200, _OPEN)


def sibling(entry: Entry, *, blobs: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"rfilename": entry.path}
    if blobs:
        shown |= {"size": entry.size, "blobId": entry.oid}
        if entry.lfs:
            shown["lfs"] = {
                "sha256": entry.sha256,
                "size": entry.size,
                "pointerSize": len(pointer_text(entry.sha256, entry.size)),
            }
    return shown


async def refs(hub: Hub, call: Call, repo_id: str) -> Reply:
    found = await run(hub.repositories.refs, call.actor, repo_id)
    shown: dict[str, list[dict[str, str]]] = {"branches": [], "converts": [], "tags": []}
    kinds = {HEADS: "branches", TAGS: "tags"}
    if call.flag("include_prs"):
        shown["pullRequests"] = []
        kinds[PULLS] = "pullRequests"
    for ref in found:
        if ref.kind in kinds:
            shown[kinds[ref.kind]].append({"name": ref.name, "ref": ref.full, "targetCommit": ref.target})
    return json_reply(shown, 200, _OPEN)


async def commits(hub: Hub, call: Call, repo_id: str, revision: str) -> Reply:
    found: Sequence[Commit] = await run(hub.repositories.commits, call.actor, repo_id, revision)
    limit, start = max(1, call.number("limit", 100, 1000)), call.number("cursor", 0, 10_000_000)
    page = found[start : start + limit]
    headers = list(_OPEN)
    if start + limit < len(found):
        headers.append(("link", next_page(hub, call, str(start + limit))))
    shown = [{"id": c.id, "title": c.title, "message": c.message, "authors": [{"user": c.author}], "date": c.at} for c in page]
    return json_reply(shown, 200, headers)


async def tree(hub: Hub, call: Call, repo_id: str, revision: str, folder: str) -> Reply:
    snapshot = await snapshot_of(hub, call.actor, repo_id, revision)
    folder = folder.strip("/")
    if folder and folder not in snapshot.tree.folders:
        raise NotFound("repo.entry_unknown", path=folder[:200], revision=revision, commit=snapshot.commit.id)
    expand = call.flag("expand")
    most = TREE_PAGE_EXPANDED if expand else TREE_PAGE
    limit = max(1, call.number("limit", most, most))
    key = (snapshot.commit.id, folder, call.flag("recursive"), expand, limit, call.one("cursor"))
    if (kept := _pages.get(key)) is None:
        items = snapshot.tree.listing(folder, recursive=key[2])
        start = next((at for at, item in enumerate(items) if item.path > key[5]), len(items)) if key[5] else 0
        page = items[start : start + limit]
        more = page[-1].path if start + limit < len(items) else ""
        if len(_pages) >= MAX_PAGES:
            _pages.clear()
        kept = _pages[key] = (json_reply(await shown_items(hub, page, expand=expand)).body, more)
    headers = [*_OPEN, ("x-repo-commit", snapshot.commit.id)]
    if kept[1]:
        headers.append(("link", next_page(hub, call, kept[1])))
    return Reply(200, kept[0], headers)


async def paths_info(hub: Hub, call: Call, repo_id: str, revision: str) -> Reply:
    """Files and folders by name, sent as a form or as JSON; unknown ones are left out."""
    if "json" in call.headers.get("content-type", ""):
        asked = await call.json()
        paths, expand = [str(path) for path in list_in(asked, "paths")], bool(asked.get("expand"))
    else:
        form = await call.form()
        paths, expand = form.get("paths", []), form.get("expand", [""])[-1].lower() in {"true", "1"}
    snapshot = await snapshot_of(hub, call.actor, repo_id, revision)
    by_path, folders = snapshot.tree.by_path, snapshot.tree.folders
    found = [item for path in paths[:MAX_PATHS] if (item := by_path.get(path) or folders.get(path.strip("/")))]
    return json_reply(await shown_items(hub, found, expand=expand), 200, _OPEN)


async def shown_items(hub: Hub, items: Sequence[Entry | Folder], *, expand: bool) -> list[dict[str, Any]]:
    last = await run(hub.repositories.commit_titles, [item.commit for item in items]) if expand else {}
    shown = []
    for item in items:
        value: dict[str, Any] = {"type": "directory", "oid": item.oid, "size": 0, "path": item.path}
        if isinstance(item, Entry):
            value = {"type": "file", "oid": item.oid, "size": item.size, "path": item.path}
            if item.lfs:
                value["lfs"] = {"oid": item.sha256, "size": item.size, "pointerSize": len(pointer_text(item.sha256, item.size))}
        if expand and (commit := last.get(item.commit)):
            value["lastCommit"] = {"id": commit.id, "title": commit.title, "date": commit.at}
            value["securityFileStatus"] = None
        shown.append(value)
    return shown


async def auth_check(hub: Hub, call: Call, repo_id: str, *, write: bool) -> Reply:
    repo = await run(hub.repositories.get, call.actor, repo_id)
    await run(hub.access.require_curator if write else hub.access.permit, call.actor, repo)
    return json_reply({"ok": True}, 200, _OPEN)


async def parquet_manifest(hub: Hub, call: Call, repo_id: str, revision: str) -> Reply:
    """Plain URLs of a revision's data, for readers that know no Hub (Polars, DuckDB, curl).

    Tables that tell of the data (`provenance/…`) have other columns, and a reader that takes all it is given would fail on them.
    """
    snapshot: Snapshot = await snapshot_of(hub, call.actor, repo_id, revision)
    await run(hub.repositories.permit, call.actor, snapshot)
    until = int(call.number("seconds", 3600, 24 * 3600))
    if (head := hub.repositories.known_head(snapshot)) is None:
        head = await run(hub.repositories.head_of, snapshot)
    by_path = snapshot.tree.by_path
    files = [
        {
            "config": config,
            "split": split,
            "filename": path,
            "url": hub.access.sign_download(call.actor, repo_id, snapshot.commit.id, path, seconds=until),
            "size": by_path[path].size,
            "sha256": by_path[path].sha256,
        }
        for config, splits in splits_of(head.data, by_path).items()
        for split, paths in splits.items()
        for path in paths
    ]
    files.sort(key=itemgetter("filename"))
    expires = iso(hub.access.after(until))
    return json_reply({"dataset": repo_id, "commit": snapshot.commit.id, "expires": expires, "parquet_files": files}, 200, _OPEN)


def next_page(hub: Hub, call: Call, cursor: str) -> str:
    """The Link header of the page after this one."""
    query = [(name, value) for name, values in call.query.items() if name != "cursor" for value in values]
    path = "/".join(quote(part, safe="") for part in call.path)
    return f'<{hub.settings.endpoint()}/{path}?{urlencode([*query, ("cursor", cursor)])}>; rel="next"'
