"""Records the policy asks to be kept: one form for each kind, confirmed by a second person; what they amount to stands in the registers."""

from __future__ import annotations

from corpushub.domain.flows.record import KINDS
from corpushub.portal.board import PER_PAGE, further, table
from corpushub.portal.html import joined
from corpushub.portal.pages import Ask, Page, Screen
from corpushub.portal.parts import card, chooser, empty, heading
from corpushub.portal.recording import file, opening

PATH = "/govern/records"


def show(ask: Ask) -> Page:
    t = ask.t
    kind = ask.query.get("kind") if ask.query.get("kind") in KINDS else next(iter(KINDS))
    assert kind is not None
    way, sheet = opening(ask, kind)
    page = ask.hub.cases.list(ask.actor, flow="record", subject=kind, limit=PER_PAGE, cursor=ask.query.get("after") or None)
    cases = page.items
    tasks = ask.hub.cases.waiting(ask.actor, cases)
    none = empty(t("records.none", kind=t.name("choice", kind)), t("records.none_next" if way else "records.none_wait"))
    body = joined(
        heading(t("records.title"), lead=t("records.lead"), actions=way),
        chooser(ask, t("records.kind"), "kind", [(name, t.name("choice", name)) for name in KINDS], kind),
        card(None, table(ask, cases, tasks), c="flush") if cases else none,
        further(ask, page.cursor),
        sheet,
    )
    return Page(t("records.title"), body)


SCREENS = (Screen(PATH, "records", show, {"file": file}),)
