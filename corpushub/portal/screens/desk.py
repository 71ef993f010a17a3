"""Matching desk: demands that wait, pools of like demands, words that mean the same; offers, forwards and orders are made from a demand (article 10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from corpushub.base.errors import HubError
from corpushub.domain.workflow import Case
from corpushub.portal import casework, values
from corpushub.portal.board import PER_PAGE, further, table
from corpushub.portal.html import Child, Safe, a, b, button, div, joined, span
from corpushub.portal.pages import Ask, Form, Outcome, Page, Screen, link
from corpushub.portal.parts import card, chip, empty, grid, heading, tabs
from corpushub.services.cases import Task
from corpushub.services.matching import Pool

TABS = ("demands", "pools", "synonyms")
SHOWN_SYNONYMS = 30


def show(ask: Ask) -> Page:
    t = ask.t
    tab = ask.query.get("tab") if ask.query.get("tab") in TABS else TABS[0]
    words: list[tuple[str, str, Child]] = [(name, t(f"desk.tab_{name}"), None) for name in TABS]
    pool = button(t("desk.rebuild"), type_="button", c="btn", data_act="rebuild", data_form="{}")
    body = {"demands": demands, "pools": pools, "synonyms": synonyms}[tab or TABS[0]](ask)
    return Page(
        t("desk.title"),
        joined(heading(t("desk.title"), lead=t("desk.lead"), actions=pool), tabs(ask, words, tab or TABS[0]), body),
    )


def demands(ask: Ask) -> Safe:
    """Running demands, those that wait for the reader first; a page at a time where there are many."""
    states, cursor = casework.running("demand"), ask.query.get("after") or None
    page = ask.hub.cases.list(ask.actor, flow="demand", states=states, limit=PER_PAGE, cursor=cursor)
    cases = list(page.items)
    tasks = ask.hub.cases.waiting(ask.actor, cases)
    cases.sort(key=by_task(tasks))
    if not cases:
        return empty(ask.t("desk.none"), ask.t("desk.none_next"))
    return joined(table(ask, cases, tasks), further(ask, page.cursor))


def by_task(tasks: Mapping[str, Task]) -> Callable[[Case], tuple[bool, str]]:
    def rank(case: Case) -> tuple[bool, str]:
        return (case.id not in tasks, case.id)

    return rank


def pools(ask: Ask) -> Safe:
    t = ask.t
    found: Sequence[Pool] = ask.hub.matching.pools(ask.actor)
    if not found:
        return empty(t("desk.no_pools"), t("desk.no_pools_next"))
    rows = [
        [
            b(pool.title),
            t("desk.pool_size", demands=pool.demands, orgs=pool.orgs),
            values.yuan(t, pool.budget) if pool.budget else "–",
            pool.earliest or "–",
            span(*[a(chip(name[-6:]), href=link(ask.lang, f"/demand/ask/{name}"), title=name) for name in pool.members], c="row"),
        ]
        for pool in found
    ]
    heads = [t("desk.pool"), t("desk.size"), t("desk.budget"), t("desk.earliest"), t("desk.members")]
    return card(None, grid(heads, rows), c="flush")


def synonyms(ask: Ask) -> Safe:
    """Words that accepted offers suggest mean the same; a person decides."""
    t = ask.t
    try:
        found = ask.hub.matching.suggestions(ask.actor, SHOWN_SYNONYMS)
    except HubError as error:
        return empty(error.explain(ask.lang))
    if not found:
        return empty(t("desk.no_synonyms"), t("desk.no_synonyms_next"))
    rows = [
        [
            one,
            other,
            f"{weight:.2f}",
            button(
                t("desk.same"),
                type_="button",
                c="btn small",
                data_act="same",
                data_form=f'{{"one": "{one}", "other": "{other}"}}',
            ),
        ]
        for one, other, weight in found
    ]
    return card(None, div(grid([t("desk.one"), t("desk.other"), t("desk.weight"), ""], rows, numeric=(2,))), c="flush")


def rebuild(ask: Ask, _: Form) -> Outcome:
    return Outcome(ask.t("desk.rebuilt", count=ask.hub.matching.rebuild_pools(ask.actor)))


def same(ask: Ask, sent: Form) -> Outcome:
    ask.hub.matching.approve_synonym(ask.actor, str(sent.get("one", "")), str(sent.get("other", "")))
    return Outcome(ask.t("desk.learned"))


SCREENS = (Screen("/demand/desk", "desk", show, {**casework.ACTS, "rebuild": rebuild, "same": same}),)
