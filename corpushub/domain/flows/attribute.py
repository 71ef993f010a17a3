"""Attribute change (articles 1 and 5): share and open attributes are versions with a day, a reason and a basis, decided by a second person.

Opening needs named checks for secrecy, personal information and trade secrets. Tightening suspends what was granted, ends what was shared and
quarantines what was released on the entry, in the same transaction in which it takes effect.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid
from corpushub.base.identity import BEIJING
from corpushub.domain.catalog import Attribute
from corpushub.domain.flows.shared import NOTE, REASON, known_resources, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.workflow import CLOCK, OPENER, Act, Amend, Case, Context, Data, Event, Flow, Reaction, step

CHECKS = ("secrecy", "personal", "trade_secret")
_ORDER = {Attribute.NONE: 0, Attribute.CONDITIONAL: 1, Attribute.UNCONDITIONAL: 2}
CHANGE = (
    Field("resource", "resource"),
    Field("name", "choice", choices=("share_attribute", "open_attribute")),
    Field("value", "choice", choices=tuple(Attribute)),
    Field("effective_from", "date"),
    Field("reason", "note", min_len=4),
    Field("basis", "note", min_len=2),
    Field("condition", "note", required=False),
    Field("checks", "record", required=False),
)


def by_owner_or_sector(_: Case, actor: Actor, data: Data, context: Context) -> HubError | None:
    entry = context.facts.resource(data.get("resource", ""))
    if entry is None or actor.org == entry.owner or actor.has(Role.SECTOR, Role.AUTHORITY):
        return None
    return Forbidden("resource.not_owner", resource=entry.id, owner=entry.owner)


def opening_checked(_: Case, __: Actor, data: Data, context: Context) -> HubError | None:
    """Nothing secret, personal or confidential is opened; each check is signed by a named person (article 5)."""
    if not data or data["value"] == Attribute.NONE:
        return None
    entry = context.facts.resource(data["resource"])
    if entry and entry.secrecy:
        return Conflict("attribute.secret", resource=entry.id, article=15)
    if data["name"] != "open_attribute":
        return None
    signed = data.get("checks") or {}
    if missing := [name for name in CHECKS if not signed.get(name)]:
        return Invalid("attribute.checks", missing=", ".join(missing))
    unknown = [str(signed[name]) for name in CHECKS if not context.facts.org_of(str(signed[name]))]
    return Invalid("attribute.checker", person=unknown[0]) if unknown else None


def not_in_the_past(_: Case, __: Actor, data: Data, context: Context) -> HubError | None:
    if data and data["effective_from"] < context.day.isoformat():
        return Invalid("attribute.past", day=data["effective_from"])
    return None


def takes_effect(case: Case, _: Context) -> datetime | None:
    return datetime.combine(date.fromisoformat(case.data["effective_from"]), datetime.min.time(), BEIJING)


def apply(case: Case, _: Event, context: Context) -> Iterable[Reaction]:
    told = {
        name: case.data[name] for name in ("name", "value", "effective_from", "reason", "basis", "condition") if name in case.data
    }
    entry = context.facts.resource(case.data["resource"])
    before = getattr(entry, case.data["name"]) if entry else Attribute.CONDITIONAL
    yield Amend(case.data["resource"], "attribute_changed", told)
    value = Attribute(case.data["value"])
    if case.data["name"] == "open_attribute" and _ORDER[value] < _ORDER[before]:
        yield from tightened(case.data["resource"], case.id, context, to_nothing=value is Attribute.NONE)
    if case.data["name"] == "share_attribute" and value is Attribute.NONE:
        yield from shared_no_more(case.data["resource"], case.id, context)


def tightened(resource: str, cause: str, context: Context, *, to_nothing: bool) -> Iterable[Reaction]:
    """Grants on the entry and what was handed down of it are suspended; what is no longer open at all is quarantined for review (revocation effects)."""
    for held in context.facts.cases("entitlement", states=("active", "expiring")):
        if resource in held.data.get("resources", ()):
            yield Act(held.id, "suspend", {"reason": cause})
    yield from handed_down_no_more(resource, cause, context)
    for release in context.facts.cases("release", states=("released", "superseded")) if to_nothing else ():
        if resource in release.data.get("resources", ()):
            yield Act(release.id, "quarantine", {"reason": cause})


def shared_no_more(resource: str, cause: str, context: Context) -> Iterable[Reaction]:
    """What agencies agreed to share of the entry ends, and what was handed down of it is suspended (article 4)."""
    for item in context.facts.cases("share_item", states=("effective", "breached")):
        if resource in item.data["resources"]:
            yield Act(item.id, "end", {"reason": cause})
    yield from handed_down_no_more(resource, cause, context)


def handed_down_no_more(resource: str, cause: str, context: Context) -> Iterable[Reaction]:
    handed = [item for item in context.facts.cases("delegation", states=("active",)) if resource in item.data["resources"]]
    for held in handed:
        if held.data["parent"] not in {item.id for item in handed}:  # what hangs below is suspended with it
            yield Act(held.id, "suspend", {"reason": cause})


FLOW = Flow(
    name="attribute",
    prefix="atr",
    subject="resource",
    public_states=("effective",),
    opening=step(
        "open",
        "-> proposed",
        "proposed",
        Role.PROVIDER,
        Role.SECTOR,
        Role.AUTHORITY,
        Role.DISTRICT,
        fields=CHANGE,
        guards=(known_resources("resource"), by_owner_or_sector, opening_checked, not_in_the_past),
    ),
    transitions=(
        step("approve", "proposed -> approved", "approved", Role.SECTOR, Role.AUTHORITY, fields=(NOTE,), decides="person"),
        step(
            "reject",
            "proposed -> rejected",
            "rejected",
            Role.SECTOR,
            Role.AUTHORITY,
            fields=(REASON,),
            decides="person",
            effects=(tell("notice.refused", "opener"),),
        ),
        step("withdraw", "proposed, approved -> withdrawn", "withdrawn", OPENER, fields=(REASON,)),
        step("take_effect", "approved -> effective", "took_effect", CLOCK, due=takes_effect, effects=(apply,)),
    ),
)
