"""Objections and questions: checked, answered, corrected, closed by whoever filed (article 2)."""

from __future__ import annotations

from corpushub.domain.workflow import Case
from corpushub.portal.areas import leads
from corpushub.portal.board import Board
from corpushub.portal.html import Child, a, p
from corpushub.portal.pages import Ask, link
from corpushub.portal.parts import card

STUDIO = "/make/studio"


def correction(ask: Ask, case: Case) -> Child:
    """How a confirmed fault in a dataset is corrected: the versions that came out since, or else where the next one is made."""
    t, about = ask.t, str(case.data.get("about", ""))
    may = {item.command for item in ask.hub.cases.allowed(ask.actor, case.id)}
    if case.flow != "objection" or case.state != "correcting" or "fix" not in may:
        return None
    releases = ask.hub.cases.list(ask.actor, flow="release", subject=about, limit=20).items
    if not releases:
        return None
    since = [
        str(item.data["version"])
        for item in releases
        if item.state in {"released", "superseded"} and item.opened_at >= case.opened_at
    ]
    if since:
        return card(t("objections.correct"), p(t("objections.corrected", versions=t.listed(since))))
    way = None
    if leads(ask.actor, STUDIO):
        named = next((item.name for item in ask.hub.studio.recipes(ask.actor) if item.dataset == about), "")
        way = a(t("objections.to_studio"), href=link(ask.lang, f"{STUDIO}/{named}" if named else STUDIO), c="btn small")
    return card(t("objections.correct"), p(t("objections.make_version")), way)


SCREENS = Board("objections", "/data/objections", ("objection", "question"), evidence=correction).screens()
