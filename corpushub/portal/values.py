"""Facts of a case as people read them: codes in words, organisations and people by name, ids as links, records as tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from corpushub.domain.flows import flow_named, flows
from corpushub.domain.workflow import Case
from corpushub.portal import casework
from corpushub.portal.html import Child, Safe, a, pre, span, ul
from corpushub.portal.html import li as item_of_list
from corpushub.portal.pages import Ask, Words, link
from corpushub.portal.parts import chip, digest, facts, figure, grid

VOICES = {"by", "approvals", "lifted_by", "withdrawn_by", "votes"}
PLAIN = frozenset({"", "text", "words"})
SUBJECT = re.compile(r"[\w.-]+/[\w.-]+(/[\w.-]+)?", re.ASCII)
HIDDEN = frozenset(VOICES | {"gates", "grants", "escalated", "pack", "explanation", "parsed", "facts", "command"})
MOST_CELLS = 40
BY_NAME: Mapping[str, str] = {  # what a flow adds to the answers, and what forms ask for as text
    "provider": "org",
    "owner": "org",
    "grantor": "org",
    "interpreter": "person",
    "first_panel": "person",
    "by": "person",
    "about": "subject",
    "population": "subject",
    "sample": "subject",
    "dataset": "subject",
    "datasets": "subject",
    "parents": "subject",
    "product": "subject",
    "outcome": "choice",
    "purpose": "choice",
    "monitor": "choice",
    "org": "org",
    "person": "person",
    "repo": "subject",
    "rule": "refusal",
    "role": "role",
    "region": "region",
}
FEN = frozenset({"permitted_revenue", "carried_excess", "excess_before"})
YUAN = frozenset({"budget", "price"})  # what a demand may cost, what a work order is offered for


@cache
def kinds(flow: str) -> dict[str, str]:
    """Kind of each answer of a flow by name, over all its forms."""
    table = flow_named(flow)
    return {item.name: item.kind for row in (table.opening, *table.transitions) for item in row.fields}


def facts_of(ask: Ask, case: Case, *, hidden: frozenset[str] = frozenset()) -> Safe:
    """All the case holds, in the order it was said."""
    known = kinds(case.flow)
    uses = case.data.get("uses", ())  # every report of a use, of which the last stands beside them again
    hidden |= set(uses[-1]) if uses else set()
    pairs: list[tuple[Child, Child]] = []
    for name, value in case.data.items():
        if name in HIDDEN or name in hidden or value in (None, "", [], {}):
            continue
        pairs.append((ask.t.name("field", name), value_of(ask, known.get(name, ""), name, value)))
    return facts(pairs)


def value_of(ask: Ask, kind: str, name: str, value: Any) -> Child:
    """One answer as markup."""
    t = ask.t
    if isinstance(value, bool):
        return t("portal.yes") if value else t("portal.no")
    if isinstance(value, Mapping):
        return record(ask, name, value)
    if isinstance(value, list | tuple):
        return many(ask, kind, name, list(value))
    if isinstance(value, int | float):
        fen = name.endswith("_fen") or name in FEN
        return money(t, value) if fen else yuan(t, value) if name in YUAN else figure(value)
    return words(ask, kind, name, str(value))


def money(t: Words, fen: float) -> str:
    return yuan(t, fen / 100)


def yuan(t: Words, amount: float) -> str:
    return t("portal.yuan", amount=f"{amount:,.2f}")


def words(ask: Ask, kind: str, name: str, value: str) -> Child:
    t, kind = ask.t, kind if kind not in PLAIN else BY_NAME.get(name, kind)
    if kind in {"org", "orgs"}:
        return casework.org_name(ask, value)
    if kind == "person":
        return casework.person_name(ask, value)
    if kind in {"resource", "resources"}:
        return resource(ask, value)
    if kind == "digest" or name.endswith("_digest"):
        return digest(value, length=16)
    if kind == "case" or is_case(value):
        return case_link(ask, value)
    if kind == "subject":
        return subject(ask, value)
    if kind == "role":
        return t.name("role", value)
    if kind == "region":
        return t.region(value)
    if name in {"domain", "domains"}:
        return t.name("domain", value)
    if kind == "refusal":
        return t.name("refusal", value.replace(".", "_"))
    if kind in {"choice", "choices"}:
        return t.name("choice", value)
    return span(value, c="said") if "\n" in value or len(value) > 60 else value


def resource(ask: Ask, value: str) -> Safe:
    return a(casework.resource_title(ask, value), href=link(ask.lang, f"/data/catalog/{value}"), title=value)


def subject(ask: Ask, value: str) -> Child:
    """What a case is about: a dataset, one of its versions, or an entry, by title; other words as they stand."""
    name, _, version = value.partition("@")
    if SUBJECT.fullmatch(name) is None:
        return value
    if name.count("/") != 1:
        return resource(ask, value)
    title = casework.dataset_title(ask, name) + (f" v{version}" if version else "")
    return a(title, href=link(ask.lang, f"/data/datasets/{name}", revision=f"v{version}" if version else None), title=value)


def is_case(value: str) -> bool:
    head, _, tail = value.partition("-")
    return len(tail) == 26 and tail.isalnum() and any(table.prefix == head for table in flows().values())


def case_link(ask: Ask, value: str) -> Safe:
    """A case by its title, and the way to it; its id where it is not the reader's to see."""
    title = ask.once(f"case:{value}", lambda: casework.title_by_id(ask, value))
    flow = casework.flow_of(value)
    return a(title, href=casework.case_href(ask, flow, value), title=value) if title else span(value, c="mono")


def stream(ask: Ask, name: str) -> Safe:
    """What an event happened to: an entry of the catalog or a case, by title, else its id."""
    kind, _, id_ = name.partition(":")
    if kind == "resource":
        return resource(ask, id_)
    return case_link(ask, name) if is_case(name) else span(id_ or name, c="mono")


def many(ask: Ask, kind: str, name: str, value: list[Any]) -> Child:
    if value and all(isinstance(item, Mapping) for item in value):
        heads = list(dict.fromkeys(key for item in value for key in item))[:8]
        rows = [[value_of(ask, "", head, item.get(head, "")) for head in heads] for item in value[:MOST_CELLS]]
        return grid([ask.t.name("field", head) for head in heads], rows)
    cells = [value_of(ask, kind, name, item) for item in value[:MOST_CELLS]]
    if kind in {"choices", "words", "orgs"} or all(isinstance(cell, str) and len(cell) < 24 for cell in cells):
        return span(*[chip(cell) for cell in cells], c="row")
    return ul(*[item_of_list(cell) for cell in cells])


def record(ask: Ask, name: str, value: Mapping[str, Any]) -> Child:
    if set(value) <= {"zh", "en"}:
        return ask.t.of({key: str(item) for key, item in value.items()})
    depth = all(not isinstance(item, Mapping | list | tuple) or not item for item in value.values())
    if not depth and len(str(value)) > 2000:
        return pre(str(value)[:2000], tabindex="0")
    kind = "person" if name == "checks" else ""  # who looked at what
    return facts(
        [(ask.t.name("field", key), value_of(ask, kind, key, item)) for key, item in list(value.items())[:MOST_CELLS]],
        c=f"nested {name}",
    )
