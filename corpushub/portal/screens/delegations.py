"""Delegation tree: rights split downward from an authorization, each part inside its parent; what would exceed is refused before it is saved (article 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from corpushub.domain.workflow import Case
from corpushub.portal import casework
from corpushub.portal.board import Board
from corpushub.portal.html import Child, Safe, a, div, li, span, ul
from corpushub.portal.pages import Ask
from corpushub.portal.parts import card, chip, empty, state_chip

ROOTS = ("active", "amending", "suspended")
SHOWN, MOST = 20, 500  # authorizations on a page, and what is shown below each


def tree(ask: Ask) -> Safe:
    """Every live authorization with all that was handed on below it."""
    page = ask.hub.cases.list(ask.actor, flow="authorization", states=ROOTS, limit=SHOWN, cursor=ask.query.get("roots") or None)
    roots, children = page.items, dict[str, list[Case]]()
    for root in roots:
        for case in ask.hub.cases.list(ask.actor, flow="delegation", subject=root.id, limit=MOST).items:
            children.setdefault(str(case.data.get("parent", "")), []).append(case)
    if not roots:
        return card(ask.t("delegations.tree"), empty(ask.t("delegations.no_root"), ask.t("delegations.no_root_next")))
    return card(
        ask.t("delegations.tree"),
        ul(*[branch(ask, root, children) for root in roots], c="tree"),
        a(ask.t("portal.next"), href=ask.href(roots=page.cursor), c="btn small") if page.cursor else None,
        aside=ask.t("delegations.tree_note"),
    )


def branch(ask: Ask, case: Case, children: Mapping[str, Sequence[Case]]) -> Safe:
    t, data = ask.t, case.data
    holder = casework.org_name(ask, str(data.get("holder") or data.get("operator", "")))
    scope: list[Child] = [
        chip(t("delegations.resources", count=len(data.get("resources", ())))),
        *[chip(t.name("choice", str(name))) for name in data.get("purposes", ())],
        *[chip(str(name), "info") for name in data.get("regions", ())],
        span(f"{data.get('valid_from', '')} – {data.get('valid_to', '')}", c="quiet num small"),
    ]
    own = div(
        div(a(holder, href=casework.href_of(ask, case), c="name"), state_chip(t, case.state), c="row"),
        div(*scope, c="row small"),
        c="leaf",
    )
    under = children.get(case.id, ())
    return li(own, ul(*[branch(ask, child, children) for child in under]) if under else None)


SCREENS = Board("delegations", "/govern/delegations", ("delegation",), top=tree).screens()
