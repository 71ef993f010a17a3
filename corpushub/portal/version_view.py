"""The versions of a dataset: a line of time, a list, and any two of them side by side, down to single rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpushub.portal import casework, compared, pictures
from corpushub.portal.dataset_page import Version
from corpushub.portal.html import Child, Safe, a, b, button, code, div, form, input_, label, li, option, p, select, span, ul
from corpushub.portal.pages import Ask, Words, link
from corpushub.portal.parts import Tone, card, chip, digest, empty, grid, moment, state_chip, steps
from corpushub.services.comparisons import RowPair

SCORES = (
    "data_score",
    "quality_validity",
    "quality_completeness",
    "quality_accuracy",
    "quality_consistency",
    "quality_timeliness",
    "quality_accessibility",
    "key_uniqueness",
)
TONES: Mapping[str, Tone] = {"added": "good", "removed": "bad", "changed": "warn"}


@dataclass(frozen=True, slots=True)
class Pair:
    """Which two versions are compared: `b` against `a`."""

    a: str
    b: str


def versions_tab(ask: Ask, versions: Sequence[Version], comparison: Safe | None) -> Safe:
    t = ask.t
    if not versions:
        return empty(t("dataset.no_versions"), t("dataset.no_versions_next"))
    items = [(version_line(ask, item), moment(t, item.at), item.summary or change_words(t, item.change)) for item in versions]
    marks = [(f"v{item.version}", t.moment(item.at, day=True), item.level, item.state) for item in reversed(versions)]
    first = card(t("dataset.diff"), empty(t("dataset.first_version"), t("dataset.first_version_next")))
    return div(
        card(t("dataset.timeline"), pictures.timeline(t, marks), aside=t("dataset.timeline_note")),
        div(card(t("dataset.tab_versions"), steps(items)), comparison or first, c="versions"),
        scores_card(t, versions),
        c="stack",
    )


def scores_card(t: Words, versions: Sequence[Version]) -> Safe | None:
    """How good each version was found to be, measure by measure, over all versions (article 2: quality of what is supplied)."""
    rows: list[Sequence[Child]] = []
    for name in SCORES:
        course = [(f"v{item.version}", item.scores[name]) for item in reversed(versions) if name in item.scores]
        if course:
            shown = f"{course[-1][1]:.1f}" if name == SCORES[0] else f"{course[-1][1]:.1%}"
            rows.append([t.name("measure", name), shown, pictures.spark(course) if len(course) > 1 else "–"])
    heads = [t("dataset.score"), t("dataset.score_newest"), t("dataset.score_course")]
    return card(t("dataset.scores"), grid(heads, rows, numeric=(1,)), aside=t("dataset.scores_note"), c="flush") if rows else None


def version_line(ask: Ask, item: Version) -> Safe:
    t = ask.t
    way = a(b(f"v{item.version}"), href=ask.href(tab="", revision=f"v{item.version}", a="", b=""))
    level = chip(t.name("level", item.level), "warn" if item.level == "major" else "") if item.level else None
    decided = decision_link(ask, item.case) if item.case else None
    return span(way, level, state_chip(t, item.state) if item.state else None, digest(item.commit, length=8), decided, c="row")


def decision_link(ask: Ask, case: str) -> Safe | None:
    """To the page a version was approved on and is taken back on, for those who decide about versions."""
    screen = casework.screen_of(ask, "release")
    return a(ask.t("dataset.decision"), href=link(ask.lang, f"{screen}/{case}")) if screen else None


def change_words(t: Words, change: Mapping[str, Any]) -> str:
    if not change:
        return ""
    return t(
        "dataset.change",
        added=f"{change.get('added', 0):,}",
        removed=f"{change.get('removed', 0):,}",
        changed=f"{change.get('changed', 0):,}",
    )


def compared_view(
    ask: Ask, names: Sequence[str], pair: Pair, told: Mapping[str, Any] | Safe, rows: Sequence[RowPair] | Safe
) -> Safe:
    """The choice of two versions, what changed in numbers, and some rows; a refusal in the place of what it is about."""
    t = ask.t
    numbers = told if isinstance(told, Safe) else pictures.change(t, told)
    return card(
        t("dataset.compare"),
        chooser(ask, names, pair),
        div(
            numbers,
            div(b(t("dataset.row_diff")), rows if isinstance(rows, Safe) else row_pairs(t, rows), c="sub")
            if not isinstance(told, Safe)
            else None,
            data_part="compared",
        ),
        aside=t("dataset.compare_note"),
    )


def chooser(ask: Ask, names: Sequence[str], pair: Pair) -> Safe:
    t = ask.t
    picks = [
        label(
            span(t(f"dataset.compare_{name}")),
            select(*[option(f"v{version}", value=version, selected=version == chosen) for version in names], name=name),
        )
        for name, chosen in (("a", pair.a), ("b", pair.b))
    ]
    return form(
        picks[0],
        span("→", aria_hidden="true"),
        picks[1],
        button(t("dataset.compare"), type_="submit", c="btn small"),
        input_(type_="hidden", name="tab", value="versions"),
        action=link(ask.lang, ask.path),
        method="get",
        data_live=True,
        c="row chooser",
    )


def row_pairs(t: Words, rows: Sequence[RowPair]) -> Safe:
    """Rows that differ: of a changed one the columns that differ, of the others all of them."""
    if not rows:
        return p(t("dataset.no_row_diff"), c="quiet")
    return ul(*[row_pair(t, row) for row in rows], c="touched")


def row_pair(t: Words, row: RowPair) -> Safe:
    names = [name for name in (row.after or row.before) if row.kind != "changed" or row.before.get(name) != row.after.get(name)]
    head = div(chip(t.name("row_kind", row.kind), TONES[row.kind]), code(row.key, c="quiet small"), c="row")
    if row.kind != "changed":
        values = row.after or row.before
        words = " · ".join(f"{name}: {values[name]}"[:160] for name in names)
        return li(head, div(words, c=f"said {row.kind}"))
    cells = []
    for name in names:
        left, right = compared.both(t, str(row.before.get(name, "")), str(row.after.get(name, "")), ())
        cells.append(div(code(name, c="quiet small"), div(left, c="said before"), div(right, c="said after"), c="pair-cell"))
    return li(head, *cells)
