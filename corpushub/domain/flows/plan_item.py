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
    """Done means it can be seen: `evidence` finds it."""
    if not data or evidence(case, context):
        return None
    return Conflict(_LACKING[case.data["action"]], resource=case.data["resource"])


_LACKING = {"open": "plan.not_open", "dataset": "plan.not_released", "sample": "plan.not_released", "update": "plan.not_updated"}


def evidence(case: Case, context: Context) -> tuple[str, ...]:
    """What shows that an item is done, as anybody finds it on record: the entry as it is open, a released version (samples are drawn from
    those), or for an update whichever came after the item was planned. Empty where there is nothing yet.
    """
    resource, action = case.data["resource"], case.data["action"]
    entry = context.facts.resource(resource)
    if entry is None:
        return ()
    here = f"resource:{entry.id}@{entry.version}"
    if action == "open":
        return () if entry.attribute_on("open_attribute", context.day.isoformat()) is Attribute.NONE else (here,)
    out = [
        item
        for item in context.facts.cases("release", states=("released", "superseded"))
        if resource in item.data.get("resources", ()) and (action != "update" or item.opened_at > case.opened_at)
    ]
    newer = action == "update" and entry.version > int(case.data.get("entry_version", entry.version))
    return (*((here,) if newer else ()), *(f"{item.id}@{item.version}" for item in out))


def note_version(_: Case, __: Actor, data: Data, context: Context) -> Data:
    """How the entry stood when it was planned: an update is newer."""
    entry = context.facts.resource(data["resource"])
    return {"entry_version": entry.version} if entry is not None else {}


def note_evidence(case: Case, _: Actor, __: Data, context: Context) -> Data:
    return {"evidence": list(evidence(case, context))}


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
        derive=note_version,
        effects=(tell("notice.plan_item", "owner"),),
    ),
    transitions=(
        step("start", "planned, slipped -> in_progress", "started", OWNER),
        step(
            "complete",
            "planned, in_progress, slipped -> done",
            "done",
            OWNER,
            fields=(Field("proof"),),
            guards=(proven,),
            derive=note_evidence,
        ),
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
