"""Item of the yearly opening plan (article 5): promised, done with the event that proves it, slipped or dropped with a reason."""

from __future__ import annotations

from corpushub.base.errors import Conflict, HubError
from corpushub.domain.catalog import Attribute
from corpushub.domain.flows.shared import REASON, day_end, known_org, known_resources, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.workflow import CLOCK, Case, Context, Data, Flow, Seat, step

ITEM = (
    Field("year", "int", least=2000, most=2999),
    Field("quarter", "choice", choices=("1", "2", "3", "4")),
    Field("resource", "resource"),
    Field("owner", "org"),
    Field("action", "choice", choices=("open", "update", "sample", "dataset")),
    Field("due", "date"),
    Field("high_value", required=False),
    Field("target", "note", required=False),
)


def proven(case: Case, _: Actor, data: Data, context: Context) -> HubError | None:
    """Done means it can be seen: the entry is open, or the dataset is released."""
    if not data:
        return None
    entry = context.facts.resource(case.data["resource"])
    if case.data["action"] == "open" and (
        entry is None or entry.attribute_on("open_attribute", context.day.isoformat()) is Attribute.NONE
    ):
        return Conflict("plan.not_open", resource=case.data["resource"])
    if case.data["action"] == "dataset" and not any(
        case.data["resource"] in item.data.get("resources", ())
        for item in context.facts.cases("release", states=("released", "superseded"))
    ):
        return Conflict("plan.not_released", resource=case.data["resource"])
    return None


OWNER = Seat(party="owner")

FLOW = Flow(
    name="plan_item",
    prefix="pln",
    subject="resource",
    public_states=("planned", "in_progress", "done", "slipped", "dropped"),
    opening=step(
        "open",
        "-> planned",
        "planned",
        Role.AUTHORITY,
        Role.SECTOR,
        fields=ITEM,
        guards=(known_resources("resource"), known_org("owner")),
        effects=(tell("notice.plan_item", "owner"),),
    ),
    transitions=(
        step("start", "planned, slipped -> in_progress", "started", OWNER),
        step("complete", "planned, in_progress, slipped -> done", "done", OWNER, fields=(Field("proof"),), guards=(proven,)),
        step("slip", "planned, in_progress -> slipped", "slipped", OWNER, fields=(REASON, Field("due", "date"))),
        step(
            "pass_due",
            "planned, in_progress -> slipped",
            "due_passed",
            CLOCK,
            due=day_end("due"),
            effects=(tell("notice.plan_item_slipped", "owner"),),
        ),
        step("drop", "planned, in_progress, slipped -> dropped", "dropped", Role.AUTHORITY, fields=(REASON,), decides="person"),
    ),
)
