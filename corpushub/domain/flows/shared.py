"""Pieces most flows need: guards, derivations, deadlines and effects that say one thing each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from corpushub.base.errors import Forbidden, HubError, Invalid
from corpushub.base.identity import business_day
from corpushub.base.rulebook import Deadline
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.workflow import Case, Context, Data, Derive, Due, Effect, Event, Guard, Notify, Reaction, party_orgs

REASON = Field("reason", "note", min_len=4)
NOTE = Field("note", "note", required=False)
MORE_DAYS = Field("more_days", "int", least=1, most=366)  # of a clock; `days` is the term of what is asked for


def other_person_than(*commands: str) -> Guard:
    """Somebody else has to act than whoever gave one of `commands` (a second pair of eyes)."""

    def judge(case: Case, actor: Actor, _: Data, __: Context) -> HubError | None:
        done = case.data.get("by", {})
        if any(done.get(command) in {actor.person, actor.on_behalf_of} for command in commands):
            return Forbidden("case.second_person", case=case.id)
        return None

    return judge


def remember(command: str) -> Derive:
    """Note who gave `command`, for `other_person_than`."""

    def derive(case: Case, actor: Actor, _: Data, __: Context) -> Data:
        return {"by": {**case.data.get("by", {}), command: actor.person}}

    return derive


def known_resources(key: str = "resources") -> Guard:
    """Every resource named in the form stands in the catalog."""

    def judge(_: Case, __: Actor, data: Data, context: Context) -> HubError | None:
        named = data.get(key, ())
        for resource in (named,) if isinstance(named, str) else named:
            if context.facts.resource(resource) is None:
                return Invalid("resource.unknown", resource=resource)
        return None

    return judge


def known_org(*keys: str) -> Guard:
    """Every organisation named in the form exists and is active."""

    def judge(_: Case, __: Actor, data: Data, context: Context) -> HubError | None:
        for key in keys:
            named = data.get(key, ())
            for name in (named,) if isinstance(named, str) else named:
                if (org := context.facts.org(name)) is None or org.state != "active":
                    return Invalid("party.unknown_org", org=name)
        return None

    return judge


def operates(key: str = "operator") -> Guard:
    """The organisation named in the form is active and somebody there works as an operator: an order to anybody else would wait for ever."""

    def judge(case: Case, actor: Actor, data: Data, context: Context) -> HubError | None:
        refused = known_org(key)(case, actor, data, context)
        if refused is None and data and Role.OPERATOR not in context.facts.roles_in(data[key]):
            return Invalid("party.no_operator", org=data[key])
        return refused

    return judge


def known_data(key: str) -> Guard:
    """Everything named in the form is an entry of the catalog or a dataset. A stranger learns of no secret entry."""

    def judge(_: Case, actor: Actor, data: Data, context: Context) -> HubError | None:
        named = data.get(key, ())
        for name in (named,) if isinstance(named, str) else named:
            entry = context.facts.resource(name)
            is_entry = entry is not None and not (entry.secrecy and actor.is_anonymous)
            if not is_entry and not context.facts.cases("release", subject=name):
                return Invalid("form.unknown_data", name=name)
        return None

    return judge


PUBLISHED = ("released", "superseded", "quarantined", "withdrawn")


def published(dataset: str, context: Context) -> Sequence[Case]:
    """Every version of a dataset that was ever out, the newest first."""
    return context.facts.cases("release", subject=dataset, states=PUBLISHED)


def period_in_order(_: Case, __: Actor, data: Data, ___: Context) -> HubError | None:
    """The period begins before it ends."""
    if data.get("valid_from") and data.get("valid_to") and data["valid_from"] > data["valid_to"]:
        return Invalid("form.period", begins=data["valid_from"], ends=data["valid_to"])
    return None


def review_named(_: Case, __: Actor, data: Data, ___: Context) -> HubError | None:
    """A project of government and business names its review (article 8)."""
    return Invalid("form.missing", field="review_number") if data.get("cooperation") and not data.get("review_number") else None


def after_rule(rule: str) -> Due:
    """The end of the day `rule` gives, counted from when the case entered its present state."""

    def due(case: Case, context: Context) -> datetime | None:
        return context.rules.deadline(rule, business_day(case.entered_at)).moment

    return due


def day_end(key: str) -> Due:
    """The end of the day the case names under `key`."""

    def due(case: Case, _: Context) -> datetime | None:
        named = case.data.get(key)
        return Deadline(date.fromisoformat(str(named)), provisional=False).moment if named else None

    return due


def tell(topic: str, *parties: str) -> Effect:
    """Notify the organisations the case names under `parties`."""

    def effect(case: Case, event: Event, _: Context) -> Iterable[Reaction]:
        orgs = sorted({org for party in parties for org in party_orgs(case, party)} - {"", "system"})
        if orgs:
            yield Notify(tuple(orgs), topic, {"case": case.id, "event": event.type, "state": case.state})

    return effect
