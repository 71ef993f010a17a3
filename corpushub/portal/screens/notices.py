"""Notices: what the reader or the reader's organisation was told, newest first; a link leads to the case and marks the notice as read."""

from __future__ import annotations

from corpushub.base.messages import catalogue
from corpushub.portal import casework
from corpushub.portal.html import Child, Safe, a, button, div, joined, li, span, ul
from corpushub.portal.pages import Ask, Form, Outcome, Page, Screen
from corpushub.portal.parts import empty, heading, moment, tabs
from corpushub.store.outbox import Notice

MOST = 100
DIGEST = 16  # characters of a digest that are told


def show(ask: Ask) -> Page:
    t = ask.t
    which = "new" if ask.query.get("show") == "new" else "all"
    unseen = ask.hub.cases.unseen(ask.actor)
    found = ask.hub.cases.notices(ask.actor, unseen=which == "new", limit=MOST)
    all_read = button(t("notices.all_read"), type_="button", c="btn", data_act="all_read", data_form="{}") if unseen else None
    words: list[tuple[str, str, Child]] = [("all", t("board.all"), None), ("new", t("notices.new"), unseen)]
    rows = ul(*[line(ask, notice) for notice in found], c="results notices")
    body = joined(
        heading(t("notices.title"), lead=t("notices.lead", count=unseen), actions=all_read),
        div(tabs(ask, words, which, name="show"), c="subtabs"),
        rows if found else empty(t("notices.none"), t("notices.none_next")),
    )
    return Page(t("notices.title"), body)


def line(ask: Ask, notice: Notice) -> Safe:
    """One notice in words; its case by name."""
    t = ask.t
    flow = casework.flow_of(notice.case)
    address = casework.case_href(ask, flow, notice.case) if notice.case else ""
    about = span(t.name("name", flow), c="quiet small") if flow else None
    mark = (
        button(t("notices.read"), type_="button", c="btn small", data_act="read", data_form=f'{{"notice": "{notice.id}"}}')
        if not notice.seen_at
        else None
    )
    return li(
        div(
            span(c="dot", role="img", aria_label=t("notices.new")) if not notice.seen_at else None,
            a(words_of(ask, notice), href=address, c="name"),
        ),
        div(mark, c="side"),
        div(about, moment(t, notice.created_at), span(notice.case, c="mono") if notice.case else None, c="meta"),
        c=None if notice.seen_at else "unseen",
    )


def words_of(ask: Ask, notice: Notice) -> str:
    """The notice's sentence with the case called by its title; the flow's name where the catalogue has no sentence."""
    if notice.topic not in catalogue(ask.lang):
        return ask.t.name("notice", notice.topic)
    facts = {name: called(ask, name, str(value)) for name, value in notice.payload.items()}
    return ask.t(notice.topic, **{**facts, "case": casework.title_by_id(ask, notice.case) or facts.get("case", "")})


def called(ask: Ask, name: str, value: str) -> str:
    """Entries and datasets by title, digests so far that they can be told apart."""
    if name in {"resource", "dataset"}:
        dataset = value.removeprefix("dataset:")
        return casework.dataset_title(ask, dataset) if dataset.count("/") == 1 else casework.resource_title(ask, value)
    return value[:DIGEST] if name == "digest" else value


def read(ask: Ask, sent: Form) -> Outcome:
    ask.hub.cases.mark_seen(ask.actor, str(sent.get("notice", "")))
    return Outcome()


def all_read(ask: Ask, _: Form) -> Outcome:
    count = ask.hub.cases.mark_all_seen(ask.actor)
    return Outcome(ask.t("notices.marked", count=count))


SCREENS = (Screen("/home/notices", "notices", show, {"read": read, "all_read": all_read}),)
