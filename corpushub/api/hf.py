"""The Hugging Face Hub protocol, as far as datasets need it: one ASGI handler that clients find where they expect the Hub.

Everything below `/api/datasets`, `/datasets` and the few account routes comes here; `handles` says which. Routing is on decoded
segments of the raw path (see `wire`). Refusals become the headers clients understand (see `hf_errors`).
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING
from urllib.parse import quote

from corpushub.api import hf_lfs, hf_read, hf_requests, hf_resolve, hf_write, hf_xet, mcp
from corpushub.api.hf_errors import CORS, refusal
from corpushub.api.sender import Sender
from corpushub.api.wire import Call, Receive, Reply, Scope, Send, WrongMethod, json_reply
from corpushub.base.errors import HubError, Invalid, NotFound

if TYPE_CHECKING:
    from corpushub.services.hub import Hub

_ABSENT = frozenset({"discussions", "collections", "webhooks", "notebook", "jobs"})
_ABROAD = frozenset(
    {*_ABSENT, "models", "spaces", "users", "organizations", "papers", "settings"}
)  # the Hub's, which this one has not
_API = {"whoami-v2", "datasets", "datasets-tags-by-type", "repos", "agent-harnesses", "validate-yaml", *_ABROAD}
_METHODS = (
    dict.fromkeys(
        ("refs", "revision", "tree", "commits", "auth-check", "parquet", "contributions", "xet-write-token"), "GET, HEAD"
    )
    | dict.fromkeys(("resolve", "raw", "whoami-v2", "datasets", "datasets-tags-by-type"), "GET, HEAD")
    | dict.fromkeys(("paths-info", "preupload", "commit", "super-squash", "ask-access", "validate-yaml"), "POST")
    | dict.fromkeys(("branch", "tag"), "POST, DELETE")
    | {"": "GET, HEAD", "settings": "PUT"}
)
_PREFLIGHT = [
    ("access-control-allow-methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS"),
    ("access-control-allow-headers", "Authorization,Range,Content-Type,If-None-Match"),
    ("access-control-max-age", "86400"),
    *CORS,
]
Answer = Awaitable[Reply | None]


def handles(path: str) -> bool:
    """Is this (decoded) path the hub's?"""
    if path.startswith("/api/"):
        return path.split("/", 3)[2] in _API
    return path.startswith(("/datasets/", "/xet/")) or path in {"/mcp", "/mcp/"}


class HubApi:
    """ASGI application over the services."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.sender = Sender(hub.objects, hub.settings.accel_redirect)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = Call(scope, receive, send)
        try:
            answer = await self.route(call)
        except HubError as error:
            if call.started:
                raise
            answer = refusal(call, error)
        if answer is not None:
            await call.reply(answer)

    def route(self, call: Call) -> Answer:
        """Find who answers. Raises: NotFound("http.not_found"), WrongMethod, Invalid("http.not_offered" | "http.bad_url")."""
        if call.method == "OPTIONS":
            return preflight()
        match call.path:
            case ("mcp",) | ("mcp", ""):
                return mcp.serve(self.hub, call)
            case ("xet", scope, *rest):
                return hf_xet.route(self.hub, call, scope, tuple(rest))
            case ("datasets", owner, name, "info", "lfs", "objects", *rest) if name.endswith(".git"):
                return self.large(call, f"{owner}/{name[:-4]}", tuple(rest))
            case ("datasets", owner, name, *rest):
                return self.site(call, f"{owner}/{name}", tuple(rest))
            case ("api", "datasets", owner, name, *rest) if name:
                return self.dataset(call, f"{owner}/{name}", tuple(rest))
            case ("api", *rest):
                return self.account(call, tuple(rest))
            case _:
                raise NotFound("http.not_found")

    def account(self, call: Call, rest: tuple[str, ...]) -> Answer:
        match (reading(call), rest):
            case ("GET", ("whoami-v2",)):
                return hf_read.whoami(self.hub, call)
            case ("GET", ("datasets",)):
                return hf_read.list_datasets(self.hub, call)
            case ("GET", ("datasets-tags-by-type",)):
                return constant({})
            case ("POST", ("repos", "create")):
                return hf_write.create_repo(self.hub, call)
            case ("DELETE", ("repos", "delete")):
                return hf_write.delete_repo(self.hub, call)
            case ("POST", ("repos", "move")):
                return hf_write.move_repo(self.hub, call)
            case ("POST", ("validate-yaml",)):
                return hf_write.validate_card(self.hub, call)
            case (_, ("datasets" | "models" | "spaces", name, *more)) if name:
                raise NotFound("repo.unknown", repo="/".join((name, *more[:1]))[:200])
            case (_, (name, *_)) if name in _ABROAD:
                raise Invalid("http.not_offered", what=name)
            case _:
                raise astray(call, rest)

    def dataset(self, call: Call, repo_id: str, rest: tuple[str, ...]) -> Answer:
        """Routes below /api/datasets/{owner}/{name}."""
        hub = self.hub
        match (reading(call), rest):
            case ("GET", ()):
                return hf_read.info(hub, call, repo_id, "main")
            case ("GET", ("revision", *revision)) if revision:
                return hf_read.info(hub, call, repo_id, "/".join(revision))
            case ("GET", ("refs",)):
                return hf_read.refs(hub, call, repo_id)
            case ("GET", ("commits", *revision)) if revision:
                return hf_read.commits(hub, call, repo_id, "/".join(revision))
            case ("GET", ("tree", revision, *folder)):
                return hf_read.tree(hub, call, repo_id, revision, "/".join(folder))
            case ("POST", ("paths-info", *revision)) if revision:
                return hf_read.paths_info(hub, call, repo_id, "/".join(revision))
            case ("GET", ("auth-check",)):
                return hf_read.auth_check(hub, call, repo_id, write=False)
            case ("GET", ("auth-check", "write")):
                return hf_read.auth_check(hub, call, repo_id, write=True)
            case ("GET", ("parquet", revision)):
                return hf_read.parquet_manifest(hub, call, repo_id, revision)
            case ("GET", ("contributions",)):
                return hf_write.contributions(hub, call, repo_id)
            case ("GET", ("lfs-files",)):
                return hf_lfs.listing(hub, call, repo_id)
            case ("GET", ("user-access-request", status)):
                return hf_requests.listing(hub, call, repo_id, status)
            case ("GET", ("xet-write-token", *revision)) if revision:
                return hf_xet.write_token(hub, call, repo_id)
            case _:
                return self.changes(call, repo_id, rest)

    def changes(self, call: Call, repo_id: str, rest: tuple[str, ...]) -> Answer:
        """Routes below /api/datasets/{owner}/{name} that change something."""
        hub = self.hub
        match (call.method, rest):
            case ("POST", ("preupload", *revision)) if revision:
                return hf_write.preupload(hub, call, repo_id, "/".join(revision))
            case ("POST", ("commit", *branch)) if branch:
                return hf_write.commit(hub, call, repo_id, "/".join(branch))
            case ("POST", ("branch", *name)) if name:
                return hf_write.make_branch(hub, call, repo_id, "/".join(name))
            case ("DELETE", ("branch", *name)) if name:
                return hf_write.delete_branch(hub, call, repo_id, "/".join(name))
            case ("POST", ("tag", *revision)) if revision:
                return hf_write.make_tag(hub, call, repo_id, "/".join(revision))
            case ("DELETE", ("tag", *name)) if name:
                return hf_write.delete_tag(hub, call, repo_id, "/".join(name))
            case ("POST", ("super-squash", *branch)) if branch:
                return hf_write.squash(hub, call, repo_id, "/".join(branch))
            case ("POST", ("lfs-files", "batch")):
                return hf_lfs.deletion(hub, call, repo_id)
            case ("POST", ("user-access-request", "handle")):
                return hf_requests.handle(hub, call, repo_id)
            case ("POST", ("user-access-request", "grant")):
                return hf_requests.grant(hub, call, repo_id)
            case ("PUT", ("settings",)):
                return hf_write.change_settings(hub, call, repo_id)
            case (_, (name, *_)) if name in _ABSENT:
                raise Invalid("http.not_offered", what=name)
            case _:
                raise astray(call, rest)

    def large(self, call: Call, repo_id: str, rest: tuple[str, ...]) -> Answer:
        """Git LFS below /datasets/{owner}/{name}.git/info/lfs/objects."""
        hub = self.hub
        match (call.method, rest):
            case ("POST", ("batch",)):
                return hf_lfs.batch(hub, call, repo_id)
            case ("POST", ("verify",)):
                return hf_lfs.verify(hub, call, repo_id)
            case ("PUT", ("put", digest)):
                return hf_lfs.put(hub, call, repo_id, digest)
            case ("PUT", ("part", digest, number)):
                return hf_lfs.put_part(hub, call, repo_id, digest, number)
            case ("POST", ("complete", digest)):
                return hf_lfs.complete(hub, call, repo_id, digest)
            case _:
                raise NotFound("http.not_found")

    def site(self, call: Call, repo_id: str, rest: tuple[str, ...]) -> Answer:
        """Routes below /datasets/{owner}/{name}."""
        match (reading(call), rest):
            case ("GET", () | ("commit" | "tree" | "discussions", *_)):
                return page(call, repo_id)
            case ("POST", ("ask-access",)):
                return hf_requests.ask(self.hub, call, repo_id)
            case ("GET", ("resolve", revision, first, *more)):
                return hf_resolve.resolve(self.hub, self.sender, call, repo_id, (revision, first, *more))
            case ("GET", ("raw", revision, first, *more)):
                return hf_resolve.raw(self.hub, self.sender, call, repo_id, (revision, first, *more))
            case _:
                raise astray(call, rest)


def astray(call: Call, rest: tuple[str, ...]) -> HubError:
    """Why nothing answers: a known address that takes other methods, or no address at all."""
    allow = _METHODS.get(rest[0] if rest else "", "")
    return NotFound("http.not_found") if not allow or call.method in allow.split(", ") else WrongMethod(call.method, allow)


def reading(call: Call) -> str:
    """The method, HEAD counted as GET."""
    return "GET" if call.method == "HEAD" else call.method


async def page(call: Call, repo_id: str) -> Reply:
    """Addresses that people paste into a browser lead to the portal's page of the dataset."""
    return Reply(303, b"", [("location", f"/{call.lang}/data/datasets/{quote(repo_id)}"), ("cache-control", "no-store")])


async def preflight() -> Reply:
    return Reply(204, b"", list(_PREFLIGHT))


async def constant(value: object) -> Reply:
    return json_reply(value)
