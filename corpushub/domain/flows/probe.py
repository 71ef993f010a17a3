"""Data probe (article 4): what a source looks like, observed on a schedule without moving a row; drift opens a task for its provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from corpushub.base.errors import HubError, Invalid
from corpushub.domain.flows.shared import NOTE, REASON, known_resources, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.workflow import CLOCK, Case, Context, Data, Event, Flow, Open, Reaction, Seat, step

DEFINITION = (Field("resource", "resource"), Field("address"), Field("interval_days", "int", required=False, least=1, most=366))
SEEN = (
    Field("schema_digest", "digest"),
    Field("rows", "int"),
    Field("null_rates", "record", required=False),
    Field("newest", required=False),
    Field("bytes", "int", required=False),
)


def drift(before: Mapping[str, Any], now: Mapping[str, Any], *, rows_percent: int, nulls_percent: int) -> tuple[str, ...]:
    """What changed beyond the limits between two observations."""
    found = []
    if before["schema_digest"] != now["schema_digest"]:
        found.append("schema")
    if abs(now["rows"] - before["rows"]) * 100 > rows_percent * max(1, before["rows"]):
        found.append("rows")
    rates = before.get("null_rates") or {}
    for name, rate in sorted((now.get("null_rates") or {}).items()):
        if abs(float(rate) - float(rates.get(name, rate))) * 100 > nulls_percent:
            found.append(f"nulls:{name}")
    return tuple(found)


def counts_only(_: Case, __: Actor, data: Data, ___: Context) -> HubError | None:
    """No row content in what a probe sends: rates are numbers, the newest value is a date."""
    rates = data.get("null_rates") or {}
    if not all(isinstance(rate, int | float) and 0 <= rate <= 1 for rate in rates.values()):
        return Invalid("probe.content")
    newest = str(data.get("newest", ""))
    return (
        Invalid("probe.content") if newest and not newest.replace("-", "").replace(":", "").replace("T", "").isdigit() else None
    )


def judge(case: Case, _: Actor, data: Data, context: Context) -> Data:
    before = case.data.get("baseline")
    seen = dict(data)
    if not before:
        return {"baseline": seen, "drift": []}
    limits = {
        "rows_percent": context.rules.number("probe.row_count_change"),
        "nulls_percent": context.rules.number("probe.null_rate_change"),
    }
    return {"drift": list(drift(before, seen, **limits)), "last": seen}


def take_as_baseline(case: Case, _: Actor, __: Data, ___: Context) -> Data:
    return {"baseline": case.data.get("last", {}), "drift": []}


def route(_: Case, data: Data, __: Context) -> str:
    return "drifted" if data.get("drift") else "watching"


def next_look(case: Case, context: Context) -> datetime | None:
    days = int(case.data.get("interval_days", 0)) or context.rules.number("probe.interval_days")
    last = case.history[-1].at if case.history else case.updated_at
    return last + timedelta(days=days)


def note_owner(_: Case, __: Actor, data: Data, context: Context) -> Data:
    entry = context.facts.resource(data["resource"])
    return {"owner": entry.owner if entry else ""}


def ask_provider(case: Case, event: Event, _: Context) -> Iterable[Reaction]:
    if event.state == "drifted":
        yield Open(
            "objection",
            {
                "about": case.data["resource"],
                "kind": "wrong_value",
                "severity": "normal",
                "text": f"{case.id}: {', '.join(event.data['drift'])}",
            },
        )


OWNER = Seat(party="owner")
KEEPERS = (Seat(Role.PROVIDER, "owner"), Seat(Role.AUTHORITY), Seat(Role.OPERATOR))

FLOW = Flow(
    name="probe",
    prefix="prb",
    subject="resource",
    readers=(OWNER, *KEEPERS),
    opening=step(
        "open",
        "-> watching",
        "set_up",
        Role.PROVIDER,
        Role.AUTHORITY,
        Role.OPERATOR,
        fields=DEFINITION,
        guards=(known_resources("resource"),),
        derive=note_owner,
    ),
    transitions=(
        step(
            "observe",
            "watching, overdue, drifted -> watching",
            "observed",
            *KEEPERS,
            CLOCK,
            fields=SEEN,
            guards=(counts_only,),
            derive=judge,
            route=route,
            effects=(ask_provider,),
        ),
        step("miss", "watching -> overdue", "missed", CLOCK, due=next_look, effects=(tell("notice.probe_missed", "owner"),)),
        step("accept_drift", "drifted -> watching", "drift_accepted", *KEEPERS, fields=(NOTE,), derive=take_as_baseline),
        step("retire", "watching, overdue, drifted -> retired", "retired", *KEEPERS, fields=(REASON,)),
    ),
)
