"""Derived product (articles 6 and 9): made by others from released versions, with its parents; an operator never re-develops its own (INV-17).

A withdrawal upstream flags it and its owner has a duty to say what follows.
"""

from __future__ import annotations

from corpushub.base.errors import Forbidden, HubError, Invalid
from corpushub.domain.flows.shared import NOTE, REASON, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.workflow import CLOCK, OPENER, SIGNED_IN, Case, Context, Data, Flow, step

OUT = ("released", "superseded", "quarantined", "withdrawn")
PRODUCT = (
    Field("name"),
    Field("kind", "choice", choices=("dataset", "product", "service", "verification", "index", "model")),
    Field("parents", "words"),
    Field("description", "note", min_len=4),
    Field("model", required=False),
    Field("contributors", "words", required=False),
    Field("ai_generated", "bool", required=False),
)


def parents_released(_: Case, actor: Actor, data: Data, context: Context) -> HubError | None:
    """Every parent is a version that is or was out, and none of them was delivered by the organisation itself, if it operates: whoever of it asks."""
    operates = actor.has(Role.OPERATOR) or Role.OPERATOR in context.facts.roles_in(actor.org)
    for parent in data.get("parents", ()):
        dataset, _, version = parent.partition("@")
        found = [
            item
            for item in context.facts.cases("release", subject=dataset, states=OUT)
            if not version or item.data["version"] == version
        ]
        if not found:
            return Invalid("derived.unknown_parent", parent=parent)
        if operates and any(actor.org in {item.opened_org, item.data["builder_org"]} for item in found):
            return Forbidden("derived.own_delivery", parent=parent, org=actor.org)
    return None


FLOW = Flow(
    name="derived",
    prefix="der",
    subject="name",
    public_states=("registered", "flagged", "retired"),
    opening=step("open", "-> filed", "filed", SIGNED_IN, fields=PRODUCT, guards=(parents_released,)),
    transitions=(
        step(
            "register",
            "filed -> registered",
            "registered",
            Role.REGISTRAR,
            Role.AUTHORITY,
            fields=(NOTE,),
            decides="org",
            effects=(tell("notice.derived_registered", "opener"),),
        ),
        step(
            "refuse",
            "filed -> refused",
            "refused",
            Role.REGISTRAR,
            Role.AUTHORITY,
            fields=(REASON,),
            decides="org",
            effects=(tell("notice.refused", "opener"),),
        ),
        step(
            "flag",
            "registered -> flagged",
            "flagged",
            CLOCK,
            Role.AUTHORITY,
            fields=(REASON,),
            effects=(tell("notice.derived_flagged", "opener"),),
        ),
        step(
            "state_treatment",
            "flagged -> registered",
            "treatment_stated",
            OPENER,
            fields=(
                Field("treatment", "choice", choices=("rebuilt", "not_affected", "will_retire")),
                Field("statement", "note", min_len=4),
            ),
        ),
        step("retire", "registered, flagged -> retired", "retired", OPENER, fields=(REASON,)),
    ),
)
