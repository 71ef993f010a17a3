"""Classification change (article 15, GB/T 43697): category, grade and secrecy of an entry.

Raising takes one decision and works at once on what was granted; lowering, or lifting secrecy, is a declassification with two signatures, one of
them the chief data officer's (INV-06). Core data and secrets are absorbing: nothing goes out from the moment they are recognised.
"""

from __future__ import annotations

from collections.abc import Iterable

from corpushub.base.errors import HubError, Invalid
from corpushub.domain.catalog import Category, Classification
from corpushub.domain.flows.attribute import by_owner_or_sector, tightened
from corpushub.domain.flows.shared import NOTE, REASON, known_resources, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.workflow import OPENER, Amend, Case, Context, Data, Event, Flow, Quorum, Reaction, step

CHANGE = (
    Field("resource", "resource"),
    Field("category", "choice", choices=tuple(Category)),
    Field("grade", "choice", choices=("1", "2", "3", "4")),
    Field("secrecy", "bool"),
    Field("assessment", required=False),
    Field("basis", "note", min_len=2),
    Field("reason", "note", min_len=4),
)


def asked(data: Data) -> Classification:
    return Classification(Category(data["category"]), int(data["grade"]), str(data.get("assessment", "")))


def lowers(case: Case, context: Context) -> bool:
    entry = context.facts.resource(case.data["resource"])
    return entry is not None and (
        asked(case.data).rank < entry.classification.rank or (entry.secrecy and not case.data["secrecy"])
    )


def changes_something(_: Case, __: Actor, data: Data, context: Context) -> HubError | None:
    entry = context.facts.resource(data.get("resource", ""))
    if entry and asked(data).rank == entry.classification.rank and data["secrecy"] == entry.secrecy:
        return Invalid("classification.unchanged", resource=entry.id)
    return None


def quorum(case: Case, context: Context) -> Quorum:
    """1 person to raise, 2 with the chief data officer to lower"""
    return Quorum(2, 1, frozenset({Role.CDO})) if lowers(case, context) else Quorum(1, 1)


def apply(case: Case, _: Event, context: Context) -> Iterable[Reaction]:
    entry = context.facts.resource(case.data["resource"])
    grade = asked(case.data)
    raised = entry is not None and (grade.rank > entry.classification.rank or (case.data["secrecy"] and not entry.secrecy))
    told = {"category": grade.category.value, "grade": grade.grade, "assessment": grade.assessment}
    yield Amend(case.data["resource"], "classified", {"classification": told, "secrecy": case.data["secrecy"]})
    if raised:
        shut = case.data["secrecy"] or grade.category is not Category.GENERAL
        yield from tightened(case.data["resource"], case.id, context, to_nothing=bool(shut))


FLOW = Flow(
    name="classification",
    prefix="cls",
    subject="resource",
    opening=step(
        "open",
        "-> proposed",
        "proposed",
        Role.PROVIDER,
        Role.SECTOR,
        Role.AUTHORITY,
        Role.SUPERVISOR,
        fields=CHANGE,
        guards=(known_resources("resource"), by_owner_or_sector, changes_something),
    ),
    transitions=(
        step(
            "approve",
            "proposed -> effective",
            "approved",
            Role.SECTOR,
            Role.AUTHORITY,
            Role.CDO,
            fields=(NOTE,),
            decides="person",
            quorum=quorum,
            effects=(apply,),
        ),
        step(
            "reject",
            "proposed -> rejected",
            "rejected",
            Role.SECTOR,
            Role.AUTHORITY,
            Role.CDO,
            fields=(REASON,),
            decides="person",
            effects=(tell("notice.refused", "opener"),),
        ),
        step("withdraw", "proposed -> withdrawn", "withdrawn", OPENER),
    ),
)
