"""Matches with their reasons: chips of what was understood, ranked entries, what nearly fits, and what giving one thing up would bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpushub.portal import casework
from corpushub.portal.html import Child, Safe, a, b, code, details, div, h3, joined, li, span, summary, ul
from corpushub.portal.pages import Ask, link
from corpushub.portal.parts import Tone, bar, chip, empty

DATASET = "dataset:"
COVER: Mapping[str, Tone] = {"found": "good", "similar": "warn", "missing": "bad"}


def href_of(ask: Ask, name: str) -> str:
    path = f"/data/datasets/{name.removeprefix(DATASET)}" if name.startswith(DATASET) else f"/data/catalog/{name}"
    return link(ask.lang, path)


def chips(ask: Ask, demand: Mapping[str, Any], gone: Sequence[str]) -> Safe:
    """What the words were read as; a click takes one away, another brings it back."""
    t = ask.t
    read = [
        a(
            chip(joined(b(t.name("chip", str(item["kind"]))), " ", chip_words(ask, item), " ×"), "info"),
            href=ask.href(without=",".join((*gone, str(item["kind"])))),
        )
        for item in demand.get("chips", ())
    ]
    back = [
        a(
            chip(joined("+ ", t.name("chip", kind)), "quiet"),
            href=ask.href(without=",".join(name for name in gone if name != kind)),
        )
        for kind in gone
    ]
    left = str(demand.get("content", ""))
    words = span(t("ask.looking_for"), " ", b(left), c="quiet") if left else None
    return div(*read, *back, words, c="row")


def chip_words(ask: Ask, item: Mapping[str, Any]) -> str:
    t, value = ask.t, item["value"]
    if item["kind"] == "period" and isinstance(value, list | tuple) and len(value) == 2:
        first, last = (f"{month // 12}-{month % 12 + 1:02d}" for month in value)
        return first if first == last else f"{first} – {last}"
    said = str(item.get("said") or "")
    if said:
        return said
    values = value if isinstance(value, list | tuple) else [value]
    return t.listed(t.name("choice", str(part)) for part in values)


def view(ask: Ask, result: Mapping[str, Any]) -> Safe:
    """The ranked entries, then near misses and what could be given up, each labelled."""
    t = ask.t
    found = result.get("matches") or ()
    first = ul(*[entry(ask, match) for match in found], c="results") if found else empty(t("ask.none"), t("ask.none_next"))
    groups = [
        joined(
            h3(t("ask.without", constraint=t.name("chip", str(group["constraint"])))),
            ul(*[entry(ask, match) for match in group["matches"]], c="results near"),
        )
        for group in result.get("relaxed") or ()
        if group["matches"]
    ]
    if not groups and result.get("near"):
        groups = [joined(h3(t("ask.near")), ul(*[entry(ask, match) for match in result["near"]], c="results near"))]
    more = [
        span(t("ask.more", constraint=t.name("chip", name), count=count), c="quiet small")
        for name, count in (result.get("more") or {}).items()
        if count
    ]
    return div(first, *groups, div(*more, c="row") if more else None, c="stack")


def entry(ask: Ask, match: Mapping[str, Any]) -> Safe:
    """One entry: score, what is covered, why it fits, and the way to it."""
    t, name = ask.t, str(match["id"])
    score = float(match["score"])
    kind = t("ask.dataset") if name.startswith(DATASET) else t("ask.resource")
    covered = [
        chip(joined(str(wanted), " · ", t.name("cover", str(how))), COVER.get(str(how), ""))
        for wanted, how, _ in match.get("items") or ()
    ]
    failed = [chip(t("ask.fails", constraint=t.name("chip", str(rule))), "warn") for rule in match.get("failed") or ()]
    grams = [str(gram) for gram, _ in (match.get("grams") or ())[:6]]
    return li(
        div(
            a(title_of(ask, name), href=href_of(ask, name), c="name"),
            span(name.removeprefix(DATASET), c="id"),
        ),
        div(
            span(f"{score:.0%}", c="num score"),
            bar(score, tone="good" if score >= 0.6 else "warn" if score >= 0.35 else "quiet"),
            c="side scored",
        ),
        div(
            chip(kind),
            chip(t.name("path", str(match["path"])), "good" if match["path"] == "open" else "warn")
            if match.get("path")
            else None,
            *failed,
            *covered,
            c="meta",
        ),
        why(ask, match.get("reasons") or (), grams),
    )


def title_of(ask: Ask, name: str) -> str:
    return casework.subject_title(ask, name.removeprefix(DATASET))


def why(ask: Ask, reasons: Sequence[Mapping[str, Any]], grams: Sequence[str]) -> Safe:
    """Each feature with its share of the score; folded, because most people only need the order."""
    t = ask.t
    rows: list[Child] = []
    for reason in reasons:
        value, weight = float(reason["value"]), float(reason["weight"])
        rows.append(div(span(t.name("feature", str(reason["name"]))), bar(value), b(f"{value * weight:.3f}"), c="bar-row"))
    said = div(span(t("ask.grams"), c="quiet"), *[code(gram) for gram in grams], c="row small") if grams else None
    return details(summary(t("ask.why")), *rows, said, c="fold why")
