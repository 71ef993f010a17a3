"""Disclosure (article 8; notice of 2026-02-10): the yearly pack, compiled from the record, reviewed by somebody else, published, never edited.

A correction is a new disclosure that names the one it replaces. Each number links to the events it was counted from.
"""

from __future__ import annotations

from collections.abc import Iterable

from corpushub.domain.flows.shared import NOTE, REASON, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Role
from corpushub.domain.workflow import CLOCK, OPENER, Act, Case, Context, Event, Flow, Reaction, step

PACK = (
    Field("year", "int", least=2000, most=2999),
    Field("kind", "choice", choices=("implementer", "operator", "city")),
    Field("subject_org", "org", required=False),
    Field("pack", "record"),
    Field("pack_digest", "digest"),
    Field("upto", "int"),
    Field("replaces", "case", required=False),
)


def replace_older(case: Case, _: Event, context: Context) -> Iterable[Reaction]:
    older = context.facts.case(str(case.data.get("replaces", "")))
    if older is not None and older.state == "published":
        yield Act(older.id, "replace", {"by_case": case.id})


FLOW = Flow(
    name="disclosure",
    prefix="dis",
    subject="subject_org",
    public_states=("published", "corrected"),
    opening=step("open", "-> compiled", "compiled", Role.IMPLEMENTER, Role.OPERATOR, Role.AUTHORITY, CLOCK, fields=PACK),
    transitions=(
        step(
            "review",
            "compiled -> reviewed",
            "reviewed",
            Role.IMPLEMENTER,
            Role.AUTHORITY,
            Role.REVIEWER,
            fields=(NOTE,),
            decides="person",
        ),
        step(
            "return",
            "compiled -> returned",
            "returned",
            Role.IMPLEMENTER,
            Role.AUTHORITY,
            Role.REVIEWER,
            fields=(REASON,),
            decides="person",
            effects=(tell("notice.refused", "opener"),),
        ),
        step("publish", "reviewed -> published", "published", OPENER, Role.AUTHORITY, effects=(replace_older,)),
        step("replace", "published -> corrected", "corrected", CLOCK, fields=(Field("by_case", "case"),)),
    ),
)
