"""Price item (article 7): cost statement checked, cap approved, price listed at or below it. Whoever proposed never caps (INV-02, INV-10)."""

from __future__ import annotations

from datetime import datetime

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid
from corpushub.domain.flows.shared import NOTE, REASON, day_end, known_org, period_in_order, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.pricing import UNITS, CostStatement, read_tiers, shares_problem, unit_cap
from corpushub.domain.workflow import CLOCK, OPENER, Case, Context, Data, Flow, Seat, step

EXPECTED = Field("expected_units", "int", least=1)
ITEM = (
    Field("product"),
    Field("operator", "org"),
    Field("implementer", "org"),
    Field("unit", "choice", choices=UNITS),
    Field("statement", "record"),
    EXPECTED,
    Field("shares", "record", required=False),
    Field("basis", "note", required=False),
)
CAP = (
    Field("cap_fen", "int", least=0),
    Field("kind", "choice", choices=("trial", "formal")),
    Field("valid_from", "date"),
    Field("valid_to", "date"),
    NOTE,
)


def own_item(_: Case, actor: Actor, data: Data, __: Context) -> HubError | None:
    """An operator prices what is its own, and never checks the costs itself under another seat."""
    if data["operator"] != actor.org:
        return Forbidden("price.not_own", operator=data["operator"])
    return Invalid("price.same_party", org=data["operator"]) if data["operator"] == data["implementer"] else None


def known_product(_: Case, __: Actor, data: Data, context: Context) -> HubError | None:
    """A price belongs to an entry of the catalog or to a dataset that is proposed or out."""
    known = context.facts.resource(data["product"]) or context.facts.cases("release", subject=data["product"])
    return None if known else Invalid("price.unknown_product", product=data["product"])


def statement_valid(_: Case, __: Actor, data: Data, ___: Context) -> HubError | None:
    if not data:
        return None
    try:
        CostStatement.from_json(data["statement"])
    except Invalid as wrong:
        return wrong
    why = shares_problem(data["shares"]) if data.get("shares") else ""
    return Invalid("price.shares", why=why) if why else None


def cap_within_revenue(case: Case, _: Actor, data: Data, context: Context) -> HubError | None:
    """The cap times the expected units never exceeds the permitted revenue less what was earned too much before."""
    if not data:
        return None
    most = unit_cap(int(case.data["permitted_revenue"]), int(case.data["expected_units"]), excess_of(case, context))
    return Conflict("price.cap_too_high", cap=data["cap_fen"], most=most) if data["cap_fen"] > most else None


def excess_of(case: Case, context: Context) -> int:
    """Fen the operator's last closed period earned too much with this product."""
    closed = context.facts.cases("revenue", subject=case.data["operator"], states=("closed",))
    last = max(closed, key=lambda item: str(item.data["valid_to"]), default=None)
    return int(last.data.get("carried_by", {}).get(case.data["product"], 0)) if last else 0


def cap_not_over(_: Case, __: Actor, data: Data, context: Context) -> HubError | None:
    """A cap whose last day is past ends the moment it is set."""
    over = data and data["valid_to"] < context.day.isoformat()
    return Conflict("price.cap_over", ended=data["valid_to"]) if over else None


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
    opening=step(
        "open",
        "-> proposed",
        "proposed",
        Role.OPERATOR,
        fields=ITEM,
        guards=(known_org("operator", "implementer"), own_item, known_product, statement_valid),
        derive=note_revenue,
    ),
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
            fields=(Field("statement", "record"), EXPECTED),
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
            guards=(period_in_order, cap_not_over, cap_within_revenue),
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
