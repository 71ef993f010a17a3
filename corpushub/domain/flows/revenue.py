"""Revenue period (article 7): what was earned against what was permitted; the excess is carried into the next period."""

from __future__ import annotations

from collections.abc import Iterable

from corpushub.base.errors import Conflict, HubError
from corpushub.domain.flows.shared import NOTE, known_org, period_in_order
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.policy import FREE_PURPOSES, PURPOSES
from corpushub.domain.pricing import charge, parts_of_whole, read_tiers
from corpushub.domain.workflow import CLOCK, Act, Case, Context, Data, Event, Flow, Reaction, Seat, step

PERIOD = (
    Field("operator", "org"),
    Field("implementer", "org"),
    Field("valid_from", "date"),
    Field("valid_to", "date"),
    Field("permitted_fen", "int", least=0),
)


def ceiling(case: Case) -> int:
    """Fen the period may earn: what is permitted less what the period before earned too much."""
    return max(0, int(case.data["permitted_fen"]) - int(case.data.get("excess_before", 0)))


def no_overlap(_: Case, __: Actor, data: Data, context: Context) -> HubError | None:
    """An operator's periods follow one another: two over the same days would each have the whole ceiling."""
    for other in context.facts.cases("revenue", subject=data.get("operator", "")) if data else ():
        if other.data["valid_from"] <= data["valid_to"] and data["valid_from"] <= other.data["valid_to"]:
            return Conflict("price.period_taken", period=other.id, begins=other.data["valid_from"], ends=other.data["valid_to"])
    return None


def bring_excess(_: Case, __: Actor, data: Data, context: Context) -> Data:
    """What the period before earned too much, where it is closed already; else its closing brings it."""
    earlier = [
        item for item in context.facts.cases("revenue", subject=data["operator"]) if item.data["valid_to"] < data["valid_from"]
    ]
    before = max(earlier, key=lambda item: str(item.data["valid_to"]), default=None)
    return {"excess_before": int(before.data["carried_excess"])} if before and before.state == "closed" else {}


def add_sale(case: Case, _: Actor, data: Data, context: Context) -> Data:
    """What was billed, by default what the listed price says, and the product it was billed for."""
    item = context.facts.case(data["price"])
    assert item is not None  # the guard saw it
    amount = data.get("amount_fen", listed_charge(item, data))
    earned = int(case.data.get("earned_fen", 0)) + amount
    by_product = dict(case.data.get("earned_by", {}))
    by_product[item.data["product"]] = by_product.get(item.data["product"], 0) + amount
    return {
        "amount_fen": amount,
        "listed_fen": listed_charge(item, data),
        "product": item.data["product"],
        "earned_fen": earned,
        "earned_by": by_product,
        "sales": int(case.data.get("sales", 0)) + 1,
    }


def listed_charge(item: Case, data: Data) -> int:
    """Fen for the units of a sale by the tiers listed today; nothing where the purpose serves the public."""
    return charge(read_tiers(item.data["tiers"]), data["units"], data["purpose"])


def sale_allowed(_: Case, __: Actor, data: Data, context: Context) -> HubError | None:
    """Every sale is at or below the cap that holds today, and free purposes are never billed (INV-10)."""
    if not data:
        return None
    item = context.facts.case(data["price"])
    if item is None or item.flow != "price" or item.state != "listed":
        return Conflict("price.not_listed", price=data["price"])
    amount = data.get("amount_fen", 0)
    if amount > (most := int(item.data["cap_fen"]) * data["units"]):
        return Conflict("price.above_cap", price=amount, cap=most)
    free = data["purpose"] in FREE_PURPOSES and amount
    return Conflict("price.free_use", purpose=data["purpose"]) if free else None


def settle(case: Case, _: Actor, __: Data, ___: Context) -> Data:
    """What was earned too much, in all and by product in proportion to its sales: caps that are set next are lower by it."""
    earned, before = int(case.data.get("earned_fen", 0)), int(case.data.get("excess_before", 0))
    excess = max(0, earned + before - int(case.data["permitted_fen"]))
    return {"carried_excess": excess, "carried_by": parts_of_whole(excess, case.data.get("earned_by", {}))}


def carry(case: Case, _: Event, context: Context) -> Iterable[Reaction]:
    """A period that was opened before this one closed learns what it has to make good."""
    later = [
        item
        for item in context.facts.cases("revenue", subject=case.data["operator"], states=("open",))
        if item.data["valid_from"] > case.data["valid_to"]
    ]
    if later:
        follower = min(later, key=lambda item: str(item.data["valid_from"]))
        yield Act(follower.id, "bring_excess", {"excess_before": case.data["carried_excess"]})


FLOW = Flow(
    name="revenue",
    prefix="rev",
    subject="operator",
    orgs=("operator",),
    readers=(Seat(party="operator"), Seat(Role.IMPLEMENTER)),
    opening=step(
        "open",
        "-> open",
        "opened",
        Role.IMPLEMENTER,
        Role.AUTHORITY,
        fields=PERIOD,
        guards=(known_org("operator", "implementer"), period_in_order, no_overlap),
        derive=bring_excess,
    ),
    transitions=(
        step(
            "record_sale",
            "open ->",
            "sale_recorded",
            Seat(Role.OPERATOR, "operator"),
            Role.SYSTEM,
            derive=add_sale,
            guards=(known_org("customer"), sale_allowed),
            fields=(
                Field("price", "case"),
                Field("customer", "org"),
                Field("units", "int", least=1),
                Field("amount_fen", "int", required=False, least=0),
                Field("purpose", "choice", choices=PURPOSES),
            ),
        ),
        step(
            "close",
            "open -> closed",
            "closed",
            Role.IMPLEMENTER,
            Role.AUTHORITY,
            fields=(NOTE,),
            decides="org",
            derive=settle,
            effects=(carry,),
        ),
        step("bring_excess", "open ->", "excess_brought", CLOCK, fields=(Field("excess_before", "int", least=0),)),
    ),
)
