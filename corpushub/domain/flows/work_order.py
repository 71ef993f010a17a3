"""Work order (article 10): a dataset made to order. Quoted, agreed with its acceptance tests, built, delivered, accepted or sent back."""

from __future__ import annotations

from collections.abc import Iterable

from corpushub.base.errors import Conflict, HubError, Invalid
from corpushub.domain.flows.shared import NOTE, REASON, known_org, operates, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.workflow import CLOCK, Act, Case, Clock, Context, Data, Event, Flow, Reaction, Seat, step

ORDER = (
    Field("demand", "case", required=False),
    Field("customer", "org"),
    Field("operator", "org"),
    Field("title"),
    Field("scope", "note", min_len=4),
)
QUOTE = (
    Field("price", "number"),
    Field("price_basis", "choice", choices=("free", "guided", "negotiated")),
    Field("due", "date"),
    Field("acceptance_tests", "words"),
)


def tests_named(case: Case, _: Actor, __: Data, ___: Context) -> HubError | None:
    return None if case.data.get("acceptance_tests") else Conflict("work_order.no_tests", case=case.id)


def made_for_it(case: Case, _: Actor, data: Data, context: Context) -> HubError | None:
    """The release is the operator's own and was proposed after the order: what there was already is an offer, not an order (article 10)."""
    found = context.facts.case(data.get("release", ""))
    if found is None or found.flow != "release":
        return Invalid("work_order.unknown_release", release=data.get("release", "-"))
    if found.opened_org != case.data["operator"] or found.opened_at < case.opened_at:
        return Conflict("work_order.made_elsewhere", release=found.id, case=case.id)
    return None


def release_out(case: Case, _: Actor, data: Data, context: Context) -> HubError | None:
    """Delivered means released: a work order never goes round the gates."""
    found = context.facts.case(data.get("release", ""))
    if found is not None and found.state not in {"released", "superseded"}:
        return Conflict("work_order.not_released", release=data["release"], case=case.id)
    return None


def count_rework(case: Case, _: Actor, __: Data, ___: Context) -> Data:
    return {"rework_count": int(case.data.get("rework_count", 0)) + 1}


def count_iteration(case: Case, _: Actor, __: Data, ___: Context) -> Data:
    return {"iteration": int(case.data.get("iteration", 1)) + 1}


def fulfil_demand(case: Case, _: Event, context: Context) -> Iterable[Reaction]:
    demand = context.facts.case(str(case.data.get("demand", "")))
    if demand is not None and demand.state == "work_order":
        yield Act(demand.id, "fulfil_by_order", {"note": case.id})


CUSTOMER = Seat(party="customer")
MAKER = Seat(Role.OPERATOR, "operator")

FLOW = Flow(
    name="work_order",
    prefix="wor",
    subject="customer",
    readers=(CUSTOMER, Seat(party="operator"), Seat(Role.IMPLEMENTER)),
    opening=step(
        "open",
        "-> proposed",
        "proposed",
        Role.OPERATOR,
        Role.IMPLEMENTER,
        CLOCK,
        fields=ORDER,
        guards=(known_org("customer"), operates()),
        effects=(tell("notice.work_order_opened", "customer", "operator"),),
    ),
    transitions=(
        step(
            "quote",
            "proposed, quoted -> quoted",
            "quoted",
            MAKER,
            fields=QUOTE,
            effects=(tell("notice.work_order_quoted", "customer"),),
        ),
        step("agree", "quoted -> agreed", "agreed", CUSTOMER, fields=(NOTE,), guards=(tests_named,)),
        step("cancel", "proposed, quoted, agreed -> cancelled", "cancelled", CUSTOMER, MAKER, fields=(REASON,)),
        step("build", "agreed, rework -> building", "building_begun", MAKER),
        step(
            "propose_release",
            "building -> in_release",
            "release_proposed",
            MAKER,
            fields=(Field("release", "case"),),
            guards=(made_for_it,),
        ),
        step(
            "deliver",
            "building, in_release -> delivered",
            "delivered",
            MAKER,
            fields=(Field("release", "case"), NOTE),
            guards=(made_for_it, release_out),
            effects=(tell("notice.work_order_delivered", "customer"),),
        ),
        step("accept", "delivered -> accepted", "accepted", CUSTOMER, fields=(NOTE,), effects=(fulfil_demand,)),
        step(
            "rework",
            "delivered -> rework",
            "rework_asked",
            CUSTOMER,
            fields=(REASON,),
            derive=count_rework,
            effects=(tell("notice.work_order_rework", "operator"),),
        ),
        step(
            "close",
            "accepted -> closed",
            "closed",
            CUSTOMER,
            MAKER,
            fields=(Field("rating", "choice", choices=("1", "2", "3", "4", "5"), required=False),),
        ),
        step(
            "iterate",
            "accepted, closed -> quoted",
            "next_iteration",
            CUSTOMER,
            MAKER,
            fields=(Field("scope", "note", min_len=4),),
            derive=count_iteration,
        ),
    ),
    clocks=(Clock("fulfil", "demand.fulfil", ("agreed",), ("accepted", "closed", "cancelled")),),
)
