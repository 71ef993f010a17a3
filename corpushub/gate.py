"""The one gate around everything that is served: who asks, may they come in here, how much, and what every answer carries.

* A request speaks for a bearer token, else for a session cookie, else for nobody. A token in a URL is refused, never used.
* A change that comes with a cookie must come from our own pages (Origin, Sec-Fetch-Site).
* Portal areas admit by path before Gradio sees the request: its own checks leave queue, MCP and file routes open. They take sessions
  alone: what a token may is decided by the interfaces for programs, a screen does whatever its person may.
* Limits: header and body size, requests per five minutes; answered with headers the Hub's clients wait for.
* Every answer has a request id, security headers, and one log line without query, names or tokens.
"""

from __future__ import annotations

import base64
import binascii
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from corpushub.api.hf_errors import refusal
from corpushub.api.logs import Answered, Lines
from corpushub.api.metrics import Metrics
from corpushub.api.quick import Quick
from corpushub.api.throttle import Throttle, TooMany
from corpushub.api.wire import App, Call, Message, Receive, Reply, Scope, Send, TooLarge, request_id, run, run_once
from corpushub.base.errors import Forbidden, HubError, Invalid, Unavailable
from corpushub.base.identity import Stopwatch
from corpushub.base.messages import LANGS, Lang
from corpushub.domain.parties import ANONYMOUS, Actor
from corpushub.portal.areas import area_of
from corpushub.services.access import PREFIX
from corpushub.services.accounts import COOKIE

if TYPE_CHECKING:
    from corpushub.services.hub import Hub

MAX_HEADER_BYTES = 48 << 10
MAX_BODY_BYTES = 2 << 20
MAX_FILE_BYTES = 64 << 20
MAX_OPEN = 1024  # requests at once; what comes beyond is told to come back, because a queue without end only grows
BACK_SECONDS = 2
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SIGN_IN = "/signin"
_FOR_PEOPLE = ("/download/", "/upload/")  # what forms of the screens fetch and hand in
_STREAMED = ("/api/datasets/", "/datasets/", "/xet/")  # the hub bounds these bodies itself, piece by piece
_FILES = ("/upload/", "/v1/federation/peers/")  # bodies that are files; all others are forms, which are taken apart on the loop
_PORTAL_CSP = (
    b"content-security-policy",
    (
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        b"font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
        b"frame-ancestors 'none'"
    ),
)
_FILE_CSP = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox; frame-ancestors 'none'",
)
_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
]
_HTTPS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
log = logging.getLogger("corpushub.http")


@dataclass(slots=True)
class Visit:
    """One request on its way through the gate."""

    request_id: str
    kind: str
    secure: bool
    watch: Stopwatch
    status: int = 0
    sent: int = 0
    limit: tuple[tuple[bytes, bytes], ...] = ()


class Gate:
    """ASGI middleware; sets `scope["state"]`: actor, lang, request_id."""

    def __init__(self, app: App, hub: Hub, *, metrics: Metrics, throttle: Throttle) -> None:
        self.app = app
        self.hub = hub
        self.metrics = metrics
        self.throttle = throttle
        self.lines: Lines | None = None  # where every answer is logged, once somebody listens
        self.endpoint = hub.settings.endpoint()
        self.secure = self.endpoint.startswith("https:")
        dress = (*_ALWAYS, _FILE_CSP, *((_HTTPS,) if self.secure else ()))
        self.quick = Quick(hub, metrics=metrics, throttle=throttle, dress=dress, told=self.tell)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        call = Call(scope, receive, send)
        stated = (call.headers.get("x-request-id", ""), call.headers.get("x-amzn-trace-id", ""))
        visit = Visit(request_id(*stated), kind_of(scope["path"]), self.secure, Stopwatch())
        scope.setdefault("state", {}).update(
            request_id=visit.request_id, lang=lang_of(call, self.hub.settings.lang), actor=ANONYMOUS
        )
        self.metrics.begin()
        try:
            await self.enter(call, visit)
        finally:
            seconds = visit.watch.seconds()
            self.metrics.end(visit.kind, visit.status, seconds, visit.sent)
            if self.lines is not None:
                who = call.actor.person, call.actor.token
                told = Answered(time.time(), visit.request_id, call.method, visit.kind, visit.status, seconds, visit.sent, *who)
                self.lines.answered(told)

    async def enter(self, call: Call, visit: Visit) -> None:
        """Judge, then pass on; a refusal or a bug becomes an answer here."""
        send = self.dressed(call, visit)
        inner = Call(call.scope, call.receive, send)
        try:
            if self.metrics.open > MAX_OPEN and visit.kind != "site":
                visit.limit = ((b"retry-after", b"%d" % BACK_SECONDS),)
                raise Unavailable("http.busy", seconds=BACK_SECONDS)
            await self.judge(call, visit)
            if answer := self.turned_away(call):
                await inner.reply(answer)
                return
            await self.app(call.scope, self.bounded(call), send)
        except HubError as error:
            if visit.status:
                raise
            await inner.reply(refusal(call, error))
        except Exception:
            log.exception("request=%s code=http.internal", visit.request_id)
            if visit.status == Broken.status:
                return  # told already, by the framework
            if visit.status:
                raise
            await inner.reply(refusal(call, Broken("http.internal", request=visit.request_id)))

    async def judge(self, call: Call, visit: Visit) -> None:
        """Raises: Invalid, Forbidden where the request may not pass."""
        if sum(len(name) + len(value) for name, value in call.scope["headers"]) > MAX_HEADER_BYTES:
            raise TooLarge("http.headers_too_large", limit=MAX_HEADER_BYTES)
        if PREFIX.encode() in call.scope["query_string"]:
            raise Invalid("http.token_in_url")
        address = (call.scope.get("client") or ("?",))[0]
        try:
            actor, by_cookie = await self.actor_of(call)
        except Forbidden:
            self.count(visit, address, signed_in=False)  # guesses are counted, too
            raise
        call.scope["state"]["actor"] = actor
        path = call.scope["path"]
        if (by_cookie or path == SIGN_IN) and call.method not in _SAFE and not same_origin(call, self.endpoint):
            raise Forbidden("http.origin")  # signing in, too: a stranger's page could sign somebody in as its own account
        if actor.token and (area_of(path) or path.startswith(_FOR_PEOPLE)):
            raise Forbidden("http.session_only")
        if path == SIGN_IN and call.method == "POST":
            self.count(visit, address, signed_in=False, kind="signin")
        self.count(visit, actor.token or actor.person or address, signed_in=not actor.is_anonymous)

    def count(self, visit: Visit, who: str, *, signed_in: bool, kind: str = "") -> None:
        """Raises: TooMany."""
        try:
            visit.limit = self.throttle.spend(who, kind or visit.kind, signed_in=signed_in)
        except TooMany as error:
            visit.limit = error.headers
            raise

    async def actor_of(self, call: Call) -> tuple[Actor, bool]:
        """Who asks, and whether only a cookie says so. Raises: Forbidden("token.unknown")."""
        if call.scope["path"].startswith("/xet/"):
            return ANONYMOUS, False  # carries its own grant, which its route opens
        if secret := secret_of(call.headers.get("authorization", "")):
            access = self.hub.access
            actor = access.known_actor(secret) or await run_once(secret, access.actor_of_token, secret)
            if actor is None:
                raise Forbidden("token.unknown")
            return actor, False
        if cookie := cookie_of(call, COOKIE):
            actor = await run(self.hub.accounts.actor_of_session, cookie)
            if actor is not None:
                return actor, True
        return ANONYMOUS, False

    @staticmethod
    def turned_away(call: Call) -> Reply | None:
        """A portal area this actor may not enter: to the sign-in page for a person who is nobody yet, else a refusal."""
        area = area_of(call.scope["path"])
        if area is None or area.admits(call.actor):
            return None
        if call.actor.is_anonymous and call.method == "GET" and "text/html" in call.headers.get("accept", ""):
            target = quote(call.scope["path"], safe="/")
            return Reply(303, b"", [("location", f"/signin?next={target}"), ("cache-control", "no-store")], "text/plain")
        if call.method in {"GET", "HEAD"} and not call.actor.is_anonymous and "text/html" in call.headers.get("accept", ""):
            return None  # the portal's own door refuses, on a page that says why and where to go
        raise Forbidden("token.missing" if call.actor.is_anonymous else "http.area", area=area.name)

    @staticmethod
    def bounded(call: Call) -> Receive:
        """The request's body, as long as its address takes where no route bounds its own. Raises: TooLarge("http.body_too_large")."""
        path = call.scope["path"]
        if path.startswith(_STREAMED):
            return call.receive
        left = limit = MAX_FILE_BYTES if path.startswith(_FILES) else MAX_BODY_BYTES
        stated = call.headers.get("content-length", "0")
        if stated.isdigit() and int(stated) > limit:
            raise TooLarge("http.body_too_large", limit=limit)

        async def receive() -> Message:
            nonlocal left
            message = await call.receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise TooLarge("http.body_too_large", limit=limit)
            return message

        return receive

    def dressed(self, call: Call, visit: Visit) -> Send:
        """`send` that adds what every answer carries and counts what goes out."""

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                visit.status = message["status"]
                lines = message["headers"]
                present = dict(lines)
                message["headers"] = [*lines, *self.dress(visit, present)]
                if call.method != "HEAD":
                    visit.sent += int(present.get(b"content-length", b"0"))
            await call._send(message)

        return send

    @staticmethod
    def dress(visit: Visit, present: dict[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        lines = [*_ALWAYS, (b"x-request-id", visit.request_id.encode()), *visit.limit]
        lines.append(_FILE_CSP if visit.kind in {"resolve", "api"} else _PORTAL_CSP)
        if visit.secure:
            lines.append(_HTTPS)
        return lines if visit.kind == "resolve" else [line for line in lines if line[0] not in present]

    def tell(self, request: str, method: str, actor: Actor, sent: int, seconds: float) -> None:
        """The log line of what `quick` answered."""
        if self.lines is not None:
            self.lines.answered(Answered(time.time(), request, method, "resolve", 200, seconds, sent, actor.person, actor.token))


class Broken(HubError):
    """A bug, told without its insides."""

    status = 500


def kind_of(path: str) -> str:
    """Which family of routes: what limits, policies and metrics go by."""
    if path.startswith("/datasets/"):
        return "resolve"
    if path.startswith(("/api/", "/xet/", "/mcp")):
        return "api"
    return "portal" if area_of(path) else "site"


def lang_of(call: Call, default: str) -> Lang:
    """The language of the path, else of the browser; programs that state none get English."""
    first = call.scope["path"].split("/", 2)[1:2]
    stated = first[0] if first and first[0] in LANGS else call.headers.get("accept-language", "")
    if not stated:
        return "en" if "text/html" not in call.headers.get("accept", "") else ("zh" if default == "zh" else "en")
    return "zh" if stated.lower().startswith("zh") else "en"


def secret_of(header: str) -> str:
    """The token of an Authorization header: Bearer, or the password (else the user) of Basic, as git and plain URLs send it."""
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or "-"
    if scheme.lower() != "basic":
        return "-" if header.strip() else ""
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "-"
    return password or user or "-"


def cookie_of(call: Call, name: str) -> str:
    for part in call.headers.get("cookie", "").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""


def same_origin(call: Call, endpoint: str) -> bool:
    """Did one of our own pages send this? A request without Origin and Sec-Fetch-Site comes from no browser of today."""
    site = call.headers.get("sec-fetch-site", "")
    origin = call.headers.get("origin", "")
    if site and site not in {"same-origin", "none"}:
        return False
    if not origin:
        return True
    return origin == endpoint or urlsplit(origin).netloc == call.headers.get("host", "")
