"""Revenue period (article 7): what was earned against what was permitted; the excess is carried into the next period."""

from __future__ import annotations

from corpushub.base.errors import Conflict, HubError
from corpushub.domain.flows.shared import NOTE, period_in_order
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.policy import FREE_PURPOSES
from corpushub.domain.pricing import charge, read_tiers
from corpushub.domain.workflow import Case, Context, Data, Flow, Seat, step

PERIOD = (
    Field("operator", "org"),
    Field("implementer", "org"),
    Field("valid_from", "date"),
    Field("valid_to", "date"),
    Field("permitted_fen", "int"),
)


def add_sale(case: Case, _: Actor, data: Data, context: Context) -> Data:
    """What was billed, by default what the listed price says, and the product it was billed for."""
    item = context.facts.case(data["price"])
    assert item is not None  # the guard saw it
    amount = data.get("amount_fen", listed_charge(item, data))
    earned = int(case.data.get("earned_fen", 0)) + amount
    return {
        "amount_fen": amount,
        "listed_fen": listed_charge(item, data),
        "product": item.data["product"],
        "earned_fen": earned,
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
    if data["units"] <= 0 or amount < 0 or amount > int(item.data["cap_fen"]) * data["units"]:
        return Conflict("price.above_cap", price=amount, cap=int(item.data["cap_fen"]) * max(0, data["units"]))
    free = data["purpose"] in FREE_PURPOSES and amount
    return Conflict("price.free_use", purpose=data["purpose"]) if free else None


def settle(case: Case, _: Actor, __: Data, ___: Context) -> Data:
    return {"carried_excess": max(0, int(case.data.get("earned_fen", 0)) - int(case.data["permitted_fen"]))}


FLOW = Flow(
    name="revenue",
    prefix="rev",
    subject="operator",
    orgs=("operator",),
    readers=(Seat(party="operator"), Seat(Role.IMPLEMENTER)),
    opening=step("open", "-> open", "opened", Role.IMPLEMENTER, Role.AUTHORITY, fields=PERIOD, guards=(period_in_order,)),
    transitions=(
        step(
            "record_sale",
            "open ->",
            "sale_recorded",
            Seat(Role.OPERATOR, "operator"),
            Role.SYSTEM,
            derive=add_sale,
            guards=(sale_allowed,),
            fields=(
                Field("price", "case"),
                Field("customer", "org"),
                Field("units", "int"),
                Field("amount_fen", "int", required=False),
                Field("purpose"),
            ),
        ),
        step("close", "open -> closed", "closed", Role.IMPLEMENTER, Role.AUTHORITY, fields=(NOTE,), decides="org", derive=settle),
    ),
)
