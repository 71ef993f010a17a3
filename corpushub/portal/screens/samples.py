"""Sample review: blind verdicts on rows nobody could choose, two people each, a third where they differ; pass with p, fail with f and a reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from corpushub.base.errors import Forbidden, HubError
from corpushub.domain.parties import Role
from corpushub.domain.sampling import PURPOSES
from corpushub.portal import casework, pictures
from corpushub.portal.html import (
    Child,
    Safe,
    a,
    b,
    button,
    dd,
    div,
    dl,
    dt,
    form,
    input_,
    joined,
    kbd,
    label,
    option,
    p,
    select,
    span,
    textarea,
)
from corpushub.portal.pages import Ask, Form, Outcome, Page, Screen, link
from corpushub.portal.parts import bar, card, chip, empty, facts, grid, heading, refusal
from corpushub.services.reviews import Review, ReviewItem, ReviewResult

SEATS = frozenset(
    {Role.REVIEWER, Role.ASSESSOR, Role.IMPLEMENTER, Role.CDO, Role.AUTHORITY, Role.AUDITOR, Role.OPERATOR, Role.PROVIDER}
)


def listing(ask: Ask) -> Page:
    t = ask.t
    results = ask.hub.reviews.list(ask.actor)
    rows = [result_row(ask, result) for result in results]
    heads = [
        t("samples.dataset"),
        t("samples.purpose"),
        t("samples.progress"),
        t("samples.passed"),
        t("samples.bound"),
        t("samples.kappa"),
        t("samples.disputed"),
    ]
    shown = (
        card(None, grid(heads, rows, numeric=(3, 4, 5, 6)), c="flush")
        if rows
        else empty(t("samples.none"), t("samples.none_next"))
    )
    body = joined(heading(t("samples.title"), lead=t("samples.lead")), draw_form(ask), shown)
    return Page(t("samples.title"), body)


def result_row(ask: Ask, result: ReviewResult) -> Sequence[Child]:
    t = ask.t
    share = result.reviewed / result.required if result.required else 0.0
    done = div(
        bar(share, tone="good" if result.is_complete else ""), span(f"{result.reviewed:,} / {result.required:,}", c="quiet small")
    )
    return [
        div(
            a(casework.dataset_title(ask, result.dataset), href=link(ask.lang, f"/make/samples/{result.review}")),
            div(f"{result.dataset} v{result.version}", c="mono quiet small"),
        ),
        t.name("sample", result.purpose),
        done,
        f"{result.rate:.1%}" if result.reviewed else "–",
        f"{result.lower_bound:.1%}" if result.reviewed else "–",
        f"{result.kappa:.2f}" if result.reviewed else "–",
        chip(str(result.disputed), "warn") if result.disputed else "0",
    ]


def draw_form(ask: Ask) -> Safe | None:
    """Whoever built the data, or reviews it, may have a sample drawn; the seed follows from data and version."""
    t = ask.t
    builds = [record for record in ask.hub.builds.list(ask.actor, limit=30) if not record.sample]
    if not builds:
        return None
    picks = [option(f"{t.of(record.recipe.title)} · {record.id[-8:]}", value=record.id) for record in builds]
    return form(
        label(span(t("samples.build")), select(*picks, name="build")),
        label(
            span(t("samples.purpose")),
            select(
                *[
                    option(t("samples.rows_of", purpose=t.name("sample", name), count=count), value=name)
                    for name, count in PURPOSES.items()
                ],
                name="purpose",
            ),
        ),
        label(
            span(t("dataset.version")), input_(name="version", placeholder=t("samples.next_version"), pattern=r"\d+\.\d+\.\d+")
        ),
        button(t("samples.draw"), type_="submit", c="btn"),
        data_act="draw",
        c="filter-row card",
    )


def draw(ask: Ask, sent: Form) -> Outcome:
    review = ask.hub.reviews.open(
        ask.actor, str(sent.get("build", "")), str(sent.get("purpose", "")), version=str(sent.get("version", ""))
    )
    return Outcome(ask.t("samples.drawn", count=review.size), goto=link(ask.lang, f"/make/samples/{review.id}"))


def one(ask: Ask) -> Page:
    t = ask.t
    review = ask.hub.reviews.get(ask.actor, ask.params["review"])
    result = ask.hub.reviews.result(ask.actor, review.id)
    title = t("samples.of", dataset=casework.dataset_title(ask, review.dataset), purpose=t.name("sample", review.purpose))
    crumbs = [(t("samples.title"), link(ask.lang, "/make/samples")), (review.id, ask.href())]
    body = joined(
        heading(title, lead=t("samples.rule", purpose=t.name("sample", review.purpose)), crumbs=crumbs),
        div(judging(ask, review), standing(ask, review, result), c="two"),
    )
    return Page(title, body)


def judging(ask: Ask, review: Review) -> Safe:
    """The next row for this person, and the two verdicts; a refusal says whose seat it is."""
    t = ask.t
    try:
        queue = ask.hub.reviews.queue(ask.actor, review.id, limit=1)
    except Forbidden as error:
        return div(refusal(t, error), c="stack")
    except HubError as error:
        return refusal(t, error)
    if not queue:
        return empty(t("samples.done"), t("samples.done_next"))
    item = queue[0]
    stage = chip(t("samples.settling"), "warn") if item.stage == 2 else chip(t("samples.blind"), "info")
    return card(t("samples.row", row=item.row), content(ask, item), verdict(ask, item), aside=stage)


def content(ask: Ask, item: ReviewItem) -> Safe:
    if not item.content:
        return p(ask.t("samples.no_content"), c="quiet")
    pairs = [joined(dt(name), dd(cell(value), c="said")) for name, value in item.content.items()]
    return dl(*pairs, c="facts sample-row")


def cell(value: Any) -> Child:
    if value is None:
        return span("null", c="null")
    if isinstance(value, list | tuple):
        return div(*[div(pictures.with_entities(str(part))) for part in value])
    return pictures.with_entities(str(value))


def verdict(ask: Ask, item: ReviewItem) -> Safe:
    t = ask.t
    return form(
        input_(type_="hidden", name="row", value=item.row),
        label(span(t("samples.reason")), textarea(name="reason", rows=2, placeholder=t("samples.reason_hint"))),
        div(
            button(t("samples.fail"), kbd("f"), type_="submit", name="verdict", value="fail", c="btn bad", data_key="f"),
            button(t("samples.pass"), kbd("p"), type_="submit", name="verdict", value="pass", c="btn good", data_key="p"),
            c="row",
        ),
        data_act="judge",
        c="fields verdict",
    )


def standing(ask: Ask, review: Review, result: ReviewResult) -> Safe:
    """How far the review is; agreement is shown only as a number, never whose verdict."""
    t = ask.t
    share = result.reviewed / result.required if result.required else 0.0
    pairs: list[tuple[Child, Child]] = [
        (t("samples.progress"), div(b(f"{result.reviewed:,} / {result.required:,}"), bar(share))),
        (t("samples.passed"), f"{result.rate:.2%}" if result.reviewed else "–"),
        (t("samples.bound"), f"{result.lower_bound:.2%}" if result.reviewed else "–"),
        (t("samples.agreement"), f"{result.agreement:.1%}" if result.reviewed else "–"),
        (t("samples.kappa"), f"{result.kappa:.2f}" if result.reviewed else "–"),
        (t("samples.disputed"), str(result.disputed)),
        (t("samples.seed"), pictures.digest_of(review.seed)),
    ]
    return card(t("samples.standing"), facts(pairs, c="top"))


def judge(ask: Ask, sent: Form) -> Outcome:
    passed = sent.get("verdict") == "pass"
    ask.hub.reviews.judge(
        ask.actor, ask.params["review"], str(sent.get("row", "")), passed=passed, reason=str(sent.get("reason", ""))
    )
    return Outcome(ask.t("samples.judged"))


SCREENS = (
    Screen("/make/samples", "samples", listing, {"draw": draw}, SEATS),
    Screen("/make/samples/{review}", "samples", one, {"judge": judge}, SEATS),
)
