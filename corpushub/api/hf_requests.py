"""Access requests as the Hub's clients know them, carried out by the access flow: quorum and seats decide, not this route."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corpushub.api.wire import Call, Reply, json_reply, run
from corpushub.base.errors import Forbidden, Invalid
from corpushub.base.identity import iso
from corpushub.services.requests import Requests, Standing

if TYPE_CHECKING:
    from corpushub.services.hub import Hub

_LISTS = frozenset({"channels", "members", "regions"})
_NUMBERS = frozenset({"days", "max_rows"})


def requests_of(hub: Hub) -> Requests:
    return Requests(cases=hub.cases, access=hub.access, repositories=hub.repositories)


async def ask(hub: Hub, call: Call, repo_id: str) -> Reply:
    """Open and submit a request from a form or JSON; `terms_accepted` has to be said."""
    if "json" in call.headers.get("content-type", ""):
        form = await call.json()
    else:
        sent = await call.form()
        form = {name: values if name in _LISTS else values[-1] for name, values in sent.items() if any(values)}
        form["terms_accepted"] = str(form.get("terms_accepted", "")).lower() in {"1", "true", "on", "yes"}
    for name in _NUMBERS & set(form):
        word = str(form[name])
        if not (word.isascii() and word.isdigit() and len(word) < 10):
            raise Invalid("http.parameter_invalid", name=name, value=word[:40])
        form[name] = int(word)
    case = await run(requests_of(hub).ask, call.actor, repo_id, form)
    return json_reply({"requestId": case.id, "status": "pending", "state": case.state})


async def listing(hub: Hub, call: Call, repo_id: str, status: str) -> Reply:
    found = await run(requests_of(hub).of, call.actor, repo_id, status)
    return json_reply([shown(standing) for standing in found])


def shown(standing: Standing) -> dict[str, Any]:
    case = standing.case
    fields = {name: case.data[name] for name in ("purpose", "channels", "plan", "days") if name in case.data}
    who = {"_id": case.opened_by, "user": case.opened_by, "fullname": case.opened_org, "email": None}
    told = {"requestId": case.id, "user": who, "status": standing.status, "state": case.state, "fields": fields}
    return told | {
        "timestamp": iso(case.opened_at),
        "grantedBy": None,
    }


async def handle(hub: Hub, call: Call, repo_id: str) -> Reply:
    asked = await call.json()
    whose = str(asked.get("requestId") or asked.get("user") or "")
    status, reason = str(asked.get("status", "")), str(asked.get("rejectionReason") or "")
    standing = await run(requests_of(hub).decide, call.actor, repo_id, whose, status=status, reason=reason)
    return json_reply(shown(standing))


async def grant(hub: Hub, call: Call, repo_id: str) -> Reply:
    """There is no access without a request, a purpose and a decision."""
    await run(hub.repositories.get, call.actor, repo_id)
    raise Forbidden("repo.grant_by_request", url=hub.access.request_url(repo_id))
