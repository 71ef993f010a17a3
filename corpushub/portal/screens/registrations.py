"""Registration: apply, formal review, public notice, code (article 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpushub.base.errors import HubError
from corpushub.domain.catalog import incomplete
from corpushub.domain.parties import Role
from corpushub.domain.workflow import Case
from corpushub.portal import casework
from corpushub.portal.board import Board
from corpushub.portal.html import Child, a, code, div, p
from corpushub.portal.pages import Ask, link
from corpushub.portal.parts import card, chip, facts, grid, moment

PATH = "/govern/registrations"
OWED = 10


def receipt(ask: Ask, case: Case) -> Child:
    """What was handed in, by whom and when, and the number that tells anybody who holds it how far it is; nothing before it was handed in."""
    t = ask.t
    sent = [event for event in case.history if event.name in {"submitted", "resubmitted"}]
    if not sent:
        return None
    told = facts(
        [
            (t("registrations.number"), a(code(case.id), href=f"/v1/id/{case.id}")),
            (t("board.from"), casework.org_name(ask, case.opened_org)),
            (t("registrations.handed_in"), moment(t, sent[-1].at)),
        ]
    )
    return card(t("registrations.receipt"), told, p(t("registrations.receipt_note"), c="quiet small"))


def start(ask: Ask) -> Mapping[str, Any]:
    """What an application for the entry of the address says already."""
    resource = ask.query.get("resource")
    if not resource or not casework.may_open(ask, "registration"):
        return {}
    try:
        return ask.hub.registrations.prepare(ask.actor, resource, ask.lang)
    except HubError:
        return {}


def owed(ask: Ask) -> Child:
    """Entries of the reader's organisation that nobody has applied for, each with the way to its application."""
    t = ask.t
    if not ask.actor.has(Role.PROVIDER, Role.OPERATOR, Role.DEVELOPER):
        return None
    found = ask.hub.registrations.owed(ask.actor, OWED + 1)
    if not found:
        return None
    rows: list[list[Child]] = []
    for entry in found[:OWED]:
        gaps = incomplete(entry)
        apply = link(ask.lang, PATH, resource=entry.id)
        rows.append(
            [
                div(
                    a(t.of(entry.title), href=link(ask.lang, f"/govern/resources/{entry.id}")),
                    div(entry.id, c="mono quiet small"),
                ),
                chip(t("resources.gaps", count=len(gaps)), "warn") if gaps else chip(t("resources.whole"), "good"),
                a(t("portal.open_registration"), href=apply, c="btn small"),
            ]
        )
    more = p(a(t("registrations.more"), href=link(ask.lang, "/govern/resources")), c="small") if len(found) > OWED else None
    return card(t("registrations.owed"), grid([t("resources.entry"), t("resources.state"), ""], rows), more, c="flush")


SCREENS = Board("registrations", PATH, ("registration",), evidence=receipt, top=owed, start=start).screens()
