"""Public data zone (article 6): a domain's members, entries, rules, compute space and price list behind one door."""

from __future__ import annotations

from corpushub.base.errors import Conflict, HubError
from corpushub.domain.flows.shared import NOTE, REASON, known_org, known_resources, review_named, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.workflow import OPENER, Case, Context, Data, Flow, Seat, step

ZONE = (
    Field("name"),
    Field("domain"),
    Field("implementer", "org"),
    Field("operator", "org"),
    Field("members", "orgs"),
    Field("resources", "resources"),
    Field("rules", "note", min_len=4),
    Field("compute_region", required=False),
    Field("cooperation", "bool", required=False),
    Field("review_number", required=False),
    Field("budget_line", required=False),
    Field("costs", "record", required=False),
    Field("benefits", "record", required=False),
    Field("prices", "words", required=False),
)


def authorized(case: Case, _: Actor, data: Data, context: Context) -> HubError | None:
    """A zone opens and grows only over entries its operator is authorised for."""
    covered = {
        name
        for item in context.facts.cases("authorization", subject=case.data["operator"], states=("active", "amending"))
        for name in item.data["resources"]
    }
    missing = sorted(set(data.get("resources", case.data["resources"])) - covered)
    return Conflict("zone.unauthorized", resource=missing[0]) if missing else None


def change_authorized(case: Case, actor: Actor, data: Data, context: Context) -> HubError | None:
    """Of the new entries alone: a zone that holds one no longer authorised has to be able to let it go."""
    return authorized(case, actor, data, context) if data else None


FLOW = Flow(
    name="zone",
    prefix="zon",
    subject="domain",
    orgs=("implementer", "operator"),
    public_states=("open", "closed"),
    opening=step(
        "open",
        "-> proposed",
        "proposed",
        Role.IMPLEMENTER,
        fields=ZONE,
        guards=(known_org("implementer", "operator", "members"), known_resources(), review_named),
    ),
    transitions=(
        step("approve", "proposed -> approved", "approved", Role.AUTHORITY, fields=(NOTE,), decides="org"),
        step(
            "refuse",
            "proposed -> refused",
            "refused",
            Role.AUTHORITY,
            fields=(REASON,),
            decides="org",
            effects=(tell("notice.refused", "opener"),),
        ),
        step(
            "launch", "approved -> open", "launched", OPENER, guards=(authorized,), effects=(tell("notice.zone_open", "members"),)
        ),
        step(
            "change_members",
            "open ->",
            "members_changed",
            Seat(Role.IMPLEMENTER, "implementer"),
            fields=(Field("members", "orgs"),),
            guards=(known_org("members"),),
        ),
        step(
            "change_resources",
            "open ->",
            "resources_changed",
            Seat(Role.IMPLEMENTER, "implementer"),
            fields=(Field("resources", "resources"),),
            guards=(known_resources(), change_authorized),
        ),
        step(
            "close",
            "open -> closed",
            "closed",
            Role.AUTHORITY,
            Seat(Role.IMPLEMENTER, "implementer"),
            fields=(REASON,),
            effects=(tell("notice.zone_closed", "members"),),
        ),
    ),
)
