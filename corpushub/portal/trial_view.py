"""What a recipe would do, for curators: the plan with what is computed already, and each step's rows before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from corpushub.portal import compared
from corpushub.portal.html import Child, Safe, a, b, code, div, h2, li, ol, p, span, ul
from corpushub.portal.pages import Ask, Words
from corpushub.portal.parts import bar, card, chip, empty, facts, grid, pager, reason_words, tabs
from corpushub.services.studio import Effect, Outlook, StageOutlook, Trial

if TYPE_CHECKING:
    from corpushub.engine.run.trace import Traced

ROWS_PER_PAGE = 8
SHOWN_COLUMNS = 6


def plan_view(ask: Ask, plan: Outlook) -> Safe:
    """Sources, stages with what is reused, and the columns that come out."""
    t = ask.t
    whole = len(plan.stages) * plan.shards
    reused = sum(stage.reused for stage in plan.stages)
    sources = [
        [b(name), f"{kind} {encoding}".strip(), f"{rows:,}", chip(f"{bad:,}", "warn") if bad else "0"]
        for name, kind, encoding, rows, bad in plan.sources
    ]
    heads = [t("studio.source"), t("studio.format"), t("dataset.rows"), t("studio.quarantined")]
    return div(
        card(
            t("studio.outlook"),
            div(
                span(t("studio.reuse", reused=reused, all=whole)),
                bar(reused / whole if whole else 0, tone="good"),
                b(f"{reused / whole:.0%}" if whole else "–"),
                c="bar-row",
            ),
            ol(*[stage_line(ask, number, stage, plan.shards) for number, stage in enumerate(plan.stages, 1)], c="stages"),
            aside=span(t("studio.fingerprint"), " ", code(plan.fingerprint[:12])),
        ),
        card(t("studio.sources"), grid(heads, sources, numeric=(2, 3)), c="flush"),
        card(t("studio.columns"), div([chip(joined_type(name, kind)) for name, kind in plan.columns], c="row")),
        c="stack",
    )


def joined_type(name: str, kind: str) -> Child:
    return [code(name), span(kind, c="quiet small")]


def stage_line(ask: Ask, number: int, stage: StageOutlook, shards: int) -> Safe:
    """A stage with its steps: nothing to do, part of it, or all of it."""
    t = ask.t
    if shards and stage.reused == shards:
        state = chip(t("studio.stage_done"), "good")
    elif stage.reused:
        state = chip(t("studio.stage_part", reused=stage.reused, all=shards), "warn")
    else:
        state = chip(t("studio.stage_new"), "info")
    steps = [
        li(b(t.name("step", name)), " ", code(name, c="quiet small"), " ", span(words, c="quiet small break"))
        for name, words in stage.steps
    ]
    return li(
        div(
            b(t("studio.stage", number=number)),
            span(t(f"studio.kind_{stage.kind}"), c="quiet small"),
            code(stage.fingerprint[:10], c="quiet small"),
            span(c="grow"),
            state,
            c="row",
        ),
        ul(*steps, c="plain"),
    )


def trial_view(ask: Ask, trial: Trial) -> Safe:
    """The steps with what each did to the trial's rows; the chosen step's rows beside, dropped ones with their reason."""
    t = ask.t
    touched = [effect.number for effect in trial.effects if effect.rows]
    chosen = ask.number("step", touched[0] if touched else 1)
    effect = next((item for item in trial.effects if item.number == chosen), None)
    steps = [step_line(ask, item, item.number == chosen) for item in trial.effects]
    return div(
        div(p(t("studio.trial_of", rows=f"{trial.rows:,}"), c="quiet small"), ol(*steps, c="effects"), c="card"),
        rows_of(ask, effect) if effect else empty(t("studio.untouched"), t("studio.untouched_next")),
        c="trial",
    )


def step_line(ask: Ask, effect: Effect, current: bool) -> Safe:
    t = ask.t
    dropped = sum(effect.dropped.values())
    told: list[Child] = [
        chip(t("studio.dropped_count", count=dropped), "warn") if dropped else None,
        chip(t("studio.changed_count", count=effect.changed), "info") if effect.changed else None,
        span(t("studio.untouched_short"), c="quiet small") if not effect.rows else None,
    ]
    return li(
        a(
            span(f"{effect.number}. {t.name('step', effect.step)}"),
            span(told, c="row"),
            href=ask.href(step=effect.number, rows="", page=""),
            c="current" if current else None,
            aria_current="true" if current else None,
        )
    )


def rows_of(ask: Ask, effect: Effect) -> Safe:
    """One page of the rows a step touched."""
    t = ask.t
    reasons = effect.dropped
    kinds: list[tuple[str, str, Child]] = [("all", t("board.all"), len(effect.rows))]
    kinds += [(reason, reason_words(t, reason), count) for reason, count in sorted(reasons.items())]
    if effect.changed:
        kinds.append(("changed", t("studio.changed"), effect.changed))
    which = ask.query.get("rows") or "all"
    rows = [row for row in effect.rows if which in {"all", row.reason or "changed"}]
    at = ask.number("page", 1)
    shown = rows[(at - 1) * ROWS_PER_PAGE : at * ROWS_PER_PAGE]
    body = ul(*touched_rows(ask, shown), c="touched") if shown else empty(t("studio.untouched"), t("studio.untouched_next"))
    return div(
        div(h2(f"{effect.number}. {t.name('step', effect.step)}"), code(effect.step, c="quiet"), c="row"),
        div(tabs(ask, kinds, which, name="rows"), c="subtabs") if len(kinds) > 1 else None,
        body,
        pager(ask, len(rows), at, ROWS_PER_PAGE),
        c="card stack",
    )


def touched_rows(ask: Ask, rows: Sequence[Traced]) -> list[Safe]:
    """Each row with its place in the source, the reason it left for, and its columns before and after."""
    t = ask.t
    cells = [
        (index, name, text, row.after.get(name))
        for index, row in enumerate(rows)
        for name, text in list(row.before.items())[:SHOWN_COLUMNS]
    ]
    found = ask.hub.studio.personal([text for _, _, text, _ in cells])
    stayed: dict[int, list[Child]] = {}
    left: dict[int, list[tuple[Child, Child]]] = {}
    for (index, name, before, after), marks in zip(cells, found, strict=True):
        if after is None:
            left.setdefault(index, []).append((code(name), compared.marked(t, before, marks)))
        else:
            stayed.setdefault(index, []).append(pair_of(t, name, before, compared.both(t, before, after, marks)))
    return [
        li(
            div(
                span(t("studio.place", place=row.place.replace(":", " · ")), c="quiet small"),
                chip(reason_words(t, row.reason), "warn") if row.reason else None,
                c="row",
            ),
            stayed.get(index),
            facts(left[index], c="said") if index in left else None,
            c="gone" if row.reason else None,
        )
        for index, row in enumerate(rows)
    ]


def pair_of(t: Words, name: str, before: str, sides: tuple[Safe, Safe]) -> Safe:
    """One column before and after; the left one is empty where nothing stood there."""
    left, right = sides
    return div(
        code(name, c="quiet small"),
        div(span(t("studio.before"), c="tag-word"), left if before else "–", c="said before"),
        div(span(t("studio.after"), c="tag-word"), right, c="said after"),
        c="pair-cell",
    )
