"""Registration: apply, formal review, public notice, code (article 3)."""

from __future__ import annotations

from corpushub.domain.workflow import Case
from corpushub.portal import casework
from corpushub.portal.board import Board
from corpushub.portal.html import Child, a, code, p
from corpushub.portal.pages import Ask
from corpushub.portal.parts import card, facts, moment


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


SCREENS = Board("registrations", "/govern/registrations", ("registration",), evidence=receipt).screens()
