"""Item of the sharing responsibility list (article 4): scenario, both departments, elements, frequency; in force only with both confirmations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpushub.base.errors import HubError, Invalid
from corpushub.domain.flows.shared import NOTE, REASON, day_end, known_org, known_resources, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.workflow import CLOCK, Case, Clock, Context, Data, Flow, Seat, step

ITEM = (
    Field("scenario"),
    Field("demander", "org"),
    Field("supplier", "org"),
    Field("resources", "resources"),
    Field("elements", "words", required=False),
    Field("mode", "choice", choices=("file", "api", "query", "model")),
    Field("frequency", "choice", choices=("realtime", "daily", "weekly", "monthly", "quarterly", "yearly", "once")),
    Field("sla_days", "int", required=False, least=1, most=3660),
    Field("basis", "note", min_len=2),
    Field("valid_to", "date", required=False),
    Field("partner", required=False),
)


def two_parties(_: Case, __: Actor, data: Data, ___: Context) -> HubError | None:
    """Two organisations confirm: one alone would owe itself."""
    same = data and data["demander"] == data["supplier"]
    return Invalid("sharing.one_party", org=data["demander"]) if same else None


def not_over(_: Case, __: Actor, data: Data, context: Context) -> HubError | None:
    """A duty whose last day is past would end the moment it begins."""
    over = data.get("valid_to") and data["valid_to"] < context.day.isoformat()
    return Invalid("sharing.over", ended=data["valid_to"]) if over else None


def confirmed_by(side: str) -> Any:
    def derive(_: Case, __: Any, ___: Data, ____: Context) -> Mapping[str, Any]:
        return {side: True}

    return derive


def nobody_confirmed(_: Case, __: Any, ___: Data, ____: Context) -> Mapping[str, Any]:
    return {"demand_confirmed": False, "supply_confirmed": False}


def route(side: str) -> Any:
    other = "supply_confirmed" if side == "demand_confirmed" else "demand_confirmed"

    def choose(case: Case, _: Data, __: Context) -> str:
        return "effective" if case.data.get(other) else side

    return choose


DEMAND = Seat(party="demander")
SUPPLY = Seat(party="supplier")

FLOW = Flow(
    name="share_item",
    prefix="shr",
    subject="supplier",
    public_states=("effective", "breached", "ended"),
    readers=(DEMAND, SUPPLY),
    opening=step(
        "open",
        "-> proposed",
        "proposed",
        Role.AUTHORITY,
        Role.SECTOR,
        Role.PROVIDER,
        Role.DISTRICT,
        fields=ITEM,
        guards=(known_org("demander", "supplier"), known_resources(), two_parties, not_over),
        effects=(tell("notice.share_item_proposed", "demander", "supplier"),),
    ),
    transitions=(
        step(
            "confirm_demand",
            "proposed, supply_confirmed -> demand_confirmed",
            "demand_confirmed",
            DEMAND,
            derive=confirmed_by("demand_confirmed"),
            route=route("demand_confirmed"),
        ),
        step(
            "confirm_supply",
            "proposed, demand_confirmed -> supply_confirmed",
            "supply_confirmed",
            SUPPLY,
            derive=confirmed_by("supply_confirmed"),
            route=route("supply_confirmed"),
        ),
        step(
            "withdraw", "proposed, demand_confirmed, supply_confirmed -> withdrawn", "withdrawn", DEMAND, SUPPLY, fields=(REASON,)
        ),
        step(
            "report_breach",
            "effective -> breached",
            "breach_reported",
            DEMAND,
            Role.AUTHORITY,
            CLOCK,
            fields=(REASON,),
            effects=(tell("notice.share_item_breached", "supplier", "demander"),),
        ),
        step("remedy", "breached -> effective", "remedied", SUPPLY, fields=(NOTE,)),
        step(
            "renew",
            "effective, ended -> proposed",
            "renewed",
            DEMAND,
            SUPPLY,
            fields=(Field("valid_to", "date"),),
            guards=(not_over,),
            derive=nobody_confirmed,
        ),
        step("end", "effective, breached -> ended", "ended", DEMAND, SUPPLY, Role.AUTHORITY, CLOCK, fields=(REASON,)),
        step("expire", "effective, breached -> ended", "expired", CLOCK, due=day_end("valid_to")),
    ),
    clocks=(Clock("deliver", "sharing.deliver", ("breached",), ("effective", "ended")),),
)
