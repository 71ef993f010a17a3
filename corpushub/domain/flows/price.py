"""Price item (article 7): cost statement checked, cap approved, price listed at or below it. Whoever proposed never caps (INV-02, INV-10)."""

from __future__ import annotations

from datetime import datetime

from corpushub.base.errors import Conflict, HubError, Invalid
from corpushub.domain.flows.shared import NOTE, REASON, day_end, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.pricing import UNITS, CostStatement, read_tiers, shares_problem, unit_cap
from corpushub.domain.workflow import CLOCK, OPENER, Case, Context, Data, Flow, Seat, step

ITEM = (
    Field("product"),
    Field("operator", "org"),
    Field("implementer", "org"),
    Field("unit", "choice", choices=UNITS),
    Field("statement", "record"),
    Field("expected_units", "int"),
    Field("shares", "record", required=False),
    Field("basis", "note", required=False),
)
CAP = (
    Field("cap_fen", "int"),
    Field("kind", "choice", choices=("trial", "formal")),
    Field("valid_from", "date"),
    Field("valid_to", "date"),
    NOTE,
)


def statement_valid(_: Case, __: Actor, data: Data, ___: Context) -> HubError | None:
    if not data:
        return None
    try:
        CostStatement.from_json(data["statement"])
    except Invalid as wrong:
        return wrong
    if data["expected_units"] <= 0:
        return Invalid("price.amount", field="expected_units")
    why = shares_problem(data["shares"]) if data.get("shares") else ""
    return Invalid("price.shares", why=why) if why else None


def cap_within_revenue(case: Case, _: Actor, data: Data, __: Context) -> HubError | None:
    """The cap times the expected units never exceeds the permitted revenue less what was earned too much before."""
    if not data:
        return None
    most = unit_cap(
        int(case.data["permitted_revenue"]), int(case.data["expected_units"]), int(case.data.get("carried_excess", 0))
    )
    if not 0 <= data["cap_fen"] <= most:
        return Conflict("price.cap_too_high", cap=data["cap_fen"], most=most)
    return (
        Invalid("form.period", begins=data["valid_from"], ends=data["valid_to"])
        if data["valid_from"] > data["valid_to"]
        else None
    )


def price_within_cap(case: Case, _: Actor, data: Data, context: Context) -> HubError | None:
    if not data:
        return None
    try:
        tiers = read_tiers(data["tiers"])
    except Invalid as wrong:
        return wrong
    highest = max(tier.unit_price_fen for tier in tiers)
    if highest > int(case.data["cap_fen"]):
        return Conflict("price.above_cap", price=highest, cap=case.data["cap_fen"])
    over = context.day.isoformat() > case.data["valid_to"]
    return Conflict("price.cap_over", ended=case.data["valid_to"]) if over else None


def note_revenue(_: Case, __: Actor, data: Data, ___: Context) -> Data:
    return {"permitted_revenue": CostStatement.from_json(data["statement"]).permitted_revenue}


def cap_ends(case: Case, context: Context) -> datetime | None:
    return day_end("valid_to")(case, context)


IMPLEMENTER = Seat(Role.IMPLEMENTER, "implementer")
OPERATOR = Seat(Role.OPERATOR, "operator")

FLOW = Flow(
    name="price",
    prefix="pri",
    subject="product",
    orgs=("operator",),
    public_states=("capped", "listed", "retired"),
    opening=step("open", "-> proposed", "proposed", Role.OPERATOR, fields=ITEM, guards=(statement_valid,), derive=note_revenue),
    transitions=(
        step(
            "check_cost", "proposed -> cost_checked", "cost_checked", IMPLEMENTER, Role.AUTHORITY, fields=(NOTE,), decides="org"
        ),
        step(
            "return",
            "proposed, cost_checked -> returned",
            "returned",
            IMPLEMENTER,
            Role.AUTHORITY,
            fields=(REASON,),
            decides="org",
            effects=(tell("notice.refused", "opener"),),
        ),
        step(
            "resubmit",
            "returned -> proposed",
            "resubmitted",
            OPENER,
            fields=(Field("statement", "record"), Field("expected_units", "int")),
            guards=(statement_valid,),
            derive=note_revenue,
        ),
        step(
            "cap",
            "cost_checked -> capped",
            "capped",
            IMPLEMENTER,
            Role.AUTHORITY,
            fields=CAP,
            decides="org",
            guards=(cap_within_revenue,),
        ),
        step(
            "list",
            "capped, listed -> listed",
            "listed",
            OPERATOR,
            fields=(Field("tiers", "records"),),
            guards=(price_within_cap,),
        ),
        step(
            "adjust",
            "capped, listed -> cost_checked",
            "adjustment_begun",
            IMPLEMENTER,
            Role.AUTHORITY,
            fields=(REASON,),
            decides="org",
        ),
        step("retire", "capped, listed -> retired", "retired", OPERATOR, IMPLEMENTER, fields=(REASON,)),
        step(
            "end_cap",
            "capped, listed -> retired",
            "cap_ended",
            CLOCK,
            due=cap_ends,
            effects=(tell("notice.price_ended", "operator"),),
        ),
    ),
)
