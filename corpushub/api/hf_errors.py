"""Refusals as the Hub's clients understand them: status, `X-Error-Code`, `X-Error-Message`, and the sentence again as JSON.

The message of an unknown token is read by the client word for word; so is the code that goes with a 401.
"""

from __future__ import annotations

from urllib.parse import quote

from corpushub.api.wire import Call, Reply, WrongMethod, json_reply
from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid, NotFound
from corpushub.services.access import Gated
from corpushub.services.repositories import Moved

_REVISION = {"repo.revision_unknown", "repo.withdrawn", "repo.withdrawn_use", "repo.quarantined", "repo.quarantined_use"}
_CODES = {"repo.unknown": "RepoNotFound", "repo.entry_unknown": "EntryNotFound"} | dict.fromkeys(_REVISION, "RevisionNotFound")
_STATUS = {"repo.parent_stale": 412, "token.unknown": 401, "token.missing": 401, "http.not_offered": 501}
EXPOSED = "X-Repo-Commit,X-Linked-Size,X-Linked-Etag,ETag,Content-Range,Content-Length,Accept-Ranges,X-Error-Code,X-Error-Message,Link,X-Request-Id"
CORS = [("access-control-allow-origin", "*"), ("access-control-expose-headers", EXPOSED)]


def refusal(call: Call, error: HubError) -> Reply:
    """The answer to a refusal; a moved repository becomes a redirect to its new name."""
    if isinstance(error, Moved):
        return moved(call, error)
    code = "GatedRepo" if isinstance(error, Gated) else _CODES.get(error.code, "")
    english = error.explain("en")
    headers = [("x-error-message", english.replace("\n", " ")), ("cache-control", "private, no-store"), *CORS]
    if code:
        headers.append(("x-error-code", code))
    if "commit" in error.facts:
        headers.append(("x-repo-commit", str(error.facts["commit"])))
    if isinstance(error, Gated):
        headers.append(("x-hf-warning", f"access; Request access to {error.facts['repo']} at {error.url}"))
    elif error.code in _REVISION and "reason" in error.facts:
        headers.append(("x-hf-warning", f"release; {english}"))
    if isinstance(error, WrongMethod):
        headers.append(("allow", error.allow))
    if error.status == 401 or status_of(call, error) == 401:
        headers.append(("www-authenticate", 'Bearer realm="corpushub"'))
    told = error.explain(call.lang) if call.lang != "en" else english
    return json_reply({"error": told, "code": error.code}, status_of(call, error), headers)


def status_of(call: Call, error: HubError) -> int:
    """The status clients expect: 401 to anonymous callers for what a token might open, 400 for what can't be right."""
    if error.code in _STATUS:
        return _STATUS[error.code]
    if isinstance(error, Gated):
        return 401 if error.anonymous else 403
    if error.code == "repo.unknown":
        return 401 if call.actor.is_anonymous else 404
    if isinstance(error, Invalid):
        return error.status if error.status in {405, 413} else 400
    if isinstance(error, (Forbidden, NotFound, Conflict)):
        return error.status
    return error.status


def moved(call: Call, error: Moved) -> Reply:
    """307, so that a POST stays a POST; the query travels along."""
    old = str(error.facts["repo"])
    raw: str = (call.scope.get("raw_path") or b"").decode("ascii", "replace").split("?")[0]
    target = raw.replace(quote(old), quote(error.to), 1)
    query = call.scope["query_string"].decode("latin-1")
    location = f"{target}?{query}" if query else target
    return Reply(307, b"", [("location", location), ("cache-control", "no-store"), *CORS])
