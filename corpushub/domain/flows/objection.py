"""Objection (article 2): checked by whoever provides the data, answered, corrected; the correction points to the new version.

It can't close without an outcome and an answer. A blocking one keeps new versions from being released (G24) and may quarantine what is out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from corpushub.base.errors import Conflict, HubError, Invalid
from corpushub.domain.flows.shared import MORE_DAYS, NOTE, REASON, after_rule, known_data, published, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.workflow import ANYBODY, CLOCK, OPENER, Act, Case, Clock, Context, Data, Event, Flow, Reaction, Seat, step

KINDS = ("wrong_value", "missing", "personal_information", "harmful", "licence", "price", "disclosure", "other")
FILE = (
    Field("about"),
    Field("version", required=False),
    Field("kind", "choice", choices=KINDS),
    Field("severity", "choice", choices=("note", "normal", "blocking"), default="normal"),
    Field("text", "note", min_len=4, private=True),
    Field("row_keys", "words", required=False),
    Field("contact", required=False, private=True),
)


def provider_of(_: Case, __: Actor, data: Data, context: Context) -> Data:
    """Who has to check: the owner of the entry, or whoever released the dataset and the owners behind it."""
    entry = context.facts.resource(data["about"])
    if entry is not None:
        return {"provider": [entry.owner]}
    orgs: set[str] = set()
    for release in context.facts.cases("release", subject=data["about"])[:1]:
        orgs.add(release.opened_org)
        orgs |= {found.owner for name in release.data.get("resources", ()) if (found := context.facts.resource(name))}
    return {"provider": sorted(orgs)}


ABOUT_CASES = frozenset({"price", "disclosure", "other"})


def known_subject(case: Case, actor: Actor, data: Data, context: Context) -> HubError | None:
    """Somebody has to be there to answer, and a version that is named has to be one of the dataset."""
    about, version = data["about"], data.get("version")
    if version and version not in {item.data["version"] for item in published(about, context)}:
        return Invalid("objection.unknown_version", about=about, version=version)
    is_case = data["kind"] in ABOUT_CASES and context.facts.case(about) is not None
    return None if is_case else known_data("about")(case, actor, data, context)


def something_out(case: Case, _: Actor, data: Data, context: Context) -> HubError | None:
    """Who asks for a quarantine must not believe in one where nothing is out."""
    if data.get("quarantine") and not list(in_doubt(case, context)):
        return Conflict("objection.nothing_out", about=case.data["about"])
    return None


def in_doubt(case: Case, context: Context) -> Iterable[Case]:
    """The public version the objection is about, or the newest where it names none."""
    for release in context.facts.cases("release", subject=case.data["about"], states=("released", "superseded")):
        if release.data["version"] == case.data.get("version") or (not case.data.get("version") and release.state == "released"):
            yield release


def correction_exists(case: Case, _: Actor, data: Data, context: Context) -> HubError | None:
    """A correction of a dataset is a released version newer than the objection."""
    if not data or context.facts.resource(case.data["about"]) is not None:
        return None
    versions = [
        item.data["version"]
        for item in context.facts.cases("release", subject=case.data["about"], states=("released", "superseded"))
        if item.opened_at >= case.opened_at
    ]
    return (
        None
        if data["corrected_in"] in versions
        else Conflict("objection.no_version", version=data["corrected_in"], about=case.data["about"])
    )


def quarantine(case: Case, event: Event, context: Context) -> Iterable[Reaction]:
    for release in in_doubt(case, context) if event.data.get("quarantine") else ():
        yield Act(release.id, "quarantine", {"reason": case.id})


def is_blocking(case: Case) -> bool:
    """Does it hold releases up (G24)? What nobody signed does so once somebody who checks has taken it up: else a stranger stops every release."""
    return case.data.get("severity") == "blocking" and (case.state != "filed" or bool(case.opened_org))


def outcome(word: str) -> Any:
    def derive(_: Case, __: Actor, ___: Data, ____: Context) -> Data:
        return {"outcome": word}

    return derive


PROVIDER = Seat(Role.PROVIDER, "provider")
OPERATOR = Seat(Role.OPERATOR, "provider")
AUTHORITY = Seat(Role.AUTHORITY)
CHECKERS = (PROVIDER, OPERATOR, AUTHORITY)
OPEN = ("filed", "accepted", "checking", "confirmed", "correcting", "escalated")

FLOW = Flow(
    name="objection",
    prefix="obj",
    subject="about",
    public_states=(),
    readers=(*CHECKERS, Seat(Role.IMPLEMENTER)),
    opening=step(
        "open",
        "-> filed",
        "filed",
        ANYBODY,
        fields=FILE,
        guards=(known_subject,),
        derive=provider_of,
        effects=(tell("notice.objection_filed", "provider"),),
    ),
    transitions=(
        step(
            "accept",
            "filed -> checking",
            "accepted",
            *CHECKERS,
            fields=(NOTE, Field("quarantine", "bool", required=False)),
            guards=(something_out,),
            effects=(quarantine, tell("notice.objection_accepted", "opener")),
        ),
        step(
            "decline",
            "filed -> feedback_sent",
            "not_accepted",
            *CHECKERS,
            derive=outcome("not_accepted"),
            fields=(Field("reason_code", "choice", choices=("out_of_scope", "duplicate", "no_evidence", "not_ours")), REASON),
            effects=(tell("notice.objection_answered", "opener"),),
        ),
        step("ask_filer", "checking -> asked", "question_asked", *CHECKERS, fields=(Field("question", "note", min_len=4),)),
        step(
            "reply", "asked -> checking", "question_answered", OPENER, fields=(Field("reply", "note", min_len=2, private=True),)
        ),
        step("extend", "checking, correcting ->", "extended", *CHECKERS, fields=(MORE_DAYS, REASON)),
        step(
            "confirm",
            "checking -> correcting",
            "confirmed",
            *CHECKERS,
            fields=(Field("findings", "note", min_len=4),),
            decides="person",
            effects=(tell("notice.objection_confirmed", "opener"),),
        ),
        step(
            "find_unfounded",
            "checking -> feedback_sent",
            "found_unfounded",
            *CHECKERS,
            fields=(REASON,),
            decides="person",
            derive=outcome("unfounded"),
            effects=(tell("notice.objection_answered", "opener"),),
        ),
        step(
            "fix",
            "correcting -> feedback_sent",
            "corrected",
            *CHECKERS,
            guards=(correction_exists,),
            derive=outcome("corrected"),
            fields=(Field("corrected_in"), Field("answer", "note", min_len=4)),
            effects=(tell("notice.objection_answered", "opener"),),
        ),
        step(
            "close",
            "feedback_sent -> closed",
            "closed",
            OPENER,
            fields=(Field("rating", "choice", choices=("1", "2", "3", "4", "5"), required=False),),
        ),
        step("close_by_time", "feedback_sent -> closed", "closed_by_time", CLOCK, due=after_rule("objection.close")),
        step("appeal", "feedback_sent -> escalated", "appealed", OPENER, fields=(REASON,)),
        step("recheck", "escalated -> checking", "recheck_ordered", AUTHORITY, fields=(REASON,), decides="org"),
        step("uphold", "escalated -> closed", "answer_upheld", AUTHORITY, fields=(REASON,), decides="org"),
        step("withdraw", "filed, checking, asked -> withdrawn", "withdrawn", OPENER),
    ),
    clocks=(
        Clock("acknowledge", "objection.acknowledge", ("filed",), ("checking", "feedback_sent", "withdrawn")),
        Clock("check", "objection.check", ("filed", "checking"), ("correcting", "feedback_sent", "withdrawn"), ("asked",)),
        Clock("correct", "objection.correct", ("correcting",), ("feedback_sent",)),
        Clock("appeal", "objection.appeal", ("escalated",), ("checking", "closed")),
    ),
)
