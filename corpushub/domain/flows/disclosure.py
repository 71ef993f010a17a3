"""Disclosure (article 8; notice of 2026-02-10): the yearly pack, compiled from the record, reviewed by somebody else, published, never edited.

A correction is a new disclosure that names the one it replaces. Each number links to the events it was counted from.
"""

from __future__ import annotations

from collections.abc import Iterable

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid
from corpushub.domain.flows.shared import NOTE, REASON, known_org, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.workflow import CLOCK, OPENER, Act, Case, Context, Data, Event, Flow, Reaction, step

PACK = (
    Field("year", "int", least=2000, most=2999),
    Field("kind", "choice", choices=("implementer", "operator", "city")),
    Field("subject_org", "org", required=False),
    Field("pack", "record"),
    Field("pack_digest", "digest"),
    Field("upto", "int"),
    Field("replaces", "case", required=False),
)


def of_its_own(_: Case, actor: Actor, data: Data, context: Context) -> HubError | None:
    """Agencies and operators disclose for themselves, and correct what was disclosed of the same organisation and year."""
    org = data.get("subject_org", "")
    if data and data["kind"] != "city" and not org:
        return Invalid("form.missing", field="subject_org")
    if org and org != actor.org and not actor.has(Role.AUTHORITY, Role.SYSTEM):
        return Forbidden("oversight.not_own_pack", org=org)
    if not data.get("replaces"):
        return None
    older = context.facts.case(data["replaces"])
    same = older is not None and older.flow == "disclosure" and older.state == "published"
    if not same or older is None or (older.data["year"], older.data.get("subject_org", "")) != (data["year"], org):
        return Conflict("oversight.not_replaced", case=data["replaces"], year=data["year"])
    return None


def replace_older(case: Case, _: Event, context: Context) -> Iterable[Reaction]:
    older = context.facts.case(str(case.data.get("replaces", "")))
    if older is not None and older.state == "published":
        yield Act(older.id, "replace", {"by_case": case.id})


FLOW = Flow(
    name="disclosure",
    prefix="dis",
    subject="subject_org",
    public_states=("published", "corrected"),
    opening=step(
        "open",
        "-> compiled",
        "compiled",
        Role.IMPLEMENTER,
        Role.OPERATOR,
        Role.AUTHORITY,
        CLOCK,
        fields=PACK,
        guards=(known_org("subject_org"), of_its_own),
    ),
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
