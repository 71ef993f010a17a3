"""Recipe studio: write a recipe with all problems as one types, see the plan, try it on a sample, build it with progress, look at what was dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpushub.base.errors import HubError, Invalid, NotFound
from corpushub.portal import pictures
from corpushub.portal.html import Child, Safe, a, b, button, code, div, form, input_, joined, li, nav, p, pre, span, textarea, ul
from corpushub.portal.pages import Ask, Form, Outcome, Page, Screen, link
from corpushub.portal.parts import bar, card, chip, empty, grid, heading, moment, refusal, sub
from corpushub.services.builds import BuildRecord
from corpushub.services.studio import RecipeFile
from corpushub.store.jobs import Job

SAMPLE = 200
SHOWN_DROPS = 12
LIVE = frozenset({"queued", "running"})


def show(ask: Ask) -> Page:
    t, studio = ask.t, ask.hub.studio
    files = studio.recipes(ask.actor)
    name = ask.params.get("name") or (files[0].name if files else "")
    if not name:
        return Page(
            t("studio.title"),
            joined(heading(t("studio.title"), lead=t("studio.lead")), empty(t("studio.none"), t("studio.none_next"))),
        )
    text = studio.text(ask.actor, name)
    jobs = studio.jobs_of(ask.actor, name)
    watching = 2 if any(job.state in LIVE for job in jobs) else None
    body = joined(
        heading(t("studio.title"), lead=t("studio.lead")),
        div(
            shelf(ask, files, name),
            editor(ask, name, text),
            div(
                div(checked(ask, name, text), id="check", aria_live="polite"),
                div(builds(ask, jobs), data_part="jobs", data_every=watching),
                c="stack",
            ),
            c="studio",
        ),
        div(id="plan", aria_live="polite"),
    )
    return Page(t("studio.title"), body)


def shelf(ask: Ask, files: Sequence[RecipeFile], current: str) -> Safe:
    t = ask.t
    cells = [
        a(
            span(t.of(item.title) or item.name),
            span(
                span(item.name, c="mono quiet small"),
                chip(t("studio.draft"), "info") if item.draft else None,
                chip(t("studio.problems", count=item.problems), "bad") if item.problems else None,
                c="row",
            ),
            href=link(ask.lang, f"/make/studio/{item.name}"),
            c="current" if item.name == current else None,
        )
        for item in files
    ]
    return nav(card(t("studio.recipes"), div(*cells, c="shelf")), aria_label=t("studio.recipes"))


def editor(ask: Ask, name: str, text: str) -> Safe:
    t = ask.t
    box = textarea(
        text,
        name="text",
        spellcheck="false",
        aria_label=t("studio.text"),
        data_live_act="check",
        autocapitalize="off",
        wrap="off",
    )
    tools = [
        button(t("studio.save"), type_="submit", c="btn small primary", name="do", value="save"),
        button(t("studio.plan"), type_="submit", c="btn small", name="do", value="plan"),
        button(t("studio.sample", count=SAMPLE), type_="submit", c="btn small", name="do", value="sample"),
        button(t("studio.build"), type_="submit", c="btn small", name="do", value="build"),
        button(t("studio.discard"), type_="submit", c="btn small bad", name="do", value="discard")
        if ask.hub.studio.is_draft(ask.actor, name)
        else None,
    ]
    return form(
        div(b(f"{name}.yaml", c="mono"), span(c="grow"), *tools, c="bar-line"),
        input_(type_="hidden", name="name", value=name),
        box,
        data_act="work",
        c="editor",
    )


def checked(ask: Ask, name: str, text: str) -> Safe:
    """What the recipe says, or every problem with its line."""
    t = ask.t
    try:
        recipe = ask.hub.studio.check(ask.actor, name, text)
    except Invalid as wrong:
        rows = [li(problem.explain(ask.lang)) for problem in wrong.problems] or [li(wrong.explain(ask.lang))]
        return card(t("studio.check"), ul(*rows, c="problems"), aside=chip(t("studio.problems", count=len(rows)), "bad"))
    steps = [li(span(t.name("step", call.step)), code(call.step, c="quiet small"), c="clock-row") for call in recipe.steps]
    return card(
        t("studio.check"),
        p(b(t.of(recipe.title)), " ", code(recipe.dataset, c="quiet")),
        p(
            t(
                "studio.reads",
                sources=", ".join(source.resource for source in recipe.sources),
                purpose=t.name("choice", recipe.purpose),
            ),
            c="small",
        ),
        ul(*steps),
        aside=chip(t("studio.right"), "good"),
    )


def builds(ask: Ask, jobs: Sequence[Job]) -> Safe:
    t = ask.t
    if not jobs:
        return card(t("studio.builds"), empty(t("studio.no_builds"), t("studio.no_builds_next")))
    return card(t("studio.builds"), *[job_line(ask, job) for job in jobs[:8]])


def job_line(ask: Ask, job: Job) -> Safe:
    t = ask.t
    tones: Mapping[str, Any] = {"done": "good", "failed": "bad", "cancelled": "quiet", "running": "warn", "queued": "quiet"}
    refused = job.result.get("told_zh" if ask.lang == "zh" else "told")
    sample = int(job.payload.get("sample") or 0)
    kind = t("studio.sample", count=sample) if sample else t("studio.build")
    state = chip(t("studio.refused"), "bad") if refused else chip(t.name("job", job.state), tones.get(job.state, ""))
    way: Child = None
    if job.result.get("build"):
        way = a(t("studio.look"), href=link(ask.lang, f"/make/studio/build/{job.result['build']}"), c="btn small")
    elif job.state in LIVE:
        way = button(t("portal.cancel"), type_="button", c="btn small bad", data_act="cancel", data_form=f'{{"job": "{job.id}"}}')
    return div(
        div(b(kind), state, span(c="grow"), way, c="row"),
        progress(ask, job),
        div(refused, c="small") if refused else None,
        moment(t, job.created_at),
        c="job",
    )


def progress(ask: Ask, job: Job) -> Safe | None:
    """How far a running build is: stage, count, seconds."""
    told = job.progress
    if job.state != "running" or not told:
        return None
    total, done = int(told.get("total") or 0), int(told.get("done") or 0)
    words = ask.t(
        "studio.at",
        stage=ask.t.name("step", str(told.get("stage", ""))),
        done=f"{done:,}",
        total=f"{total:,}" if total else "?",
        seconds=told.get("seconds", 0),
    )
    return div(bar(done / total if total else 0.5), span(words, c="small quiet"))


# -- acts ---------------------------------------------------------------------------------------------------------------------


def check(ask: Ask, sent: Form) -> Outcome:
    """Checked as one types; nothing is kept."""
    return Outcome(extra={"into": "check", "html": str(checked(ask, str(sent.get("name", "")), str(sent.get("text", ""))))})


def work(ask: Ask, sent: Form) -> Outcome:
    """Every button keeps the text first, then does what it says."""
    t, studio = ask.t, ask.hub.studio
    name, text, do = str(sent.get("name", "")), str(sent.get("text", "")), str(sent.get("do", "save"))
    here = link(ask.lang, f"/make/studio/{name}")
    if do == "discard":
        studio.discard(ask.actor, name)
        return Outcome(t("studio.discarded"), goto=here)
    if text.replace("\r\n", "\n") != studio.text(ask.actor, name):
        studio.save(ask.actor, name, text.replace("\r\n", "\n"))
    if do == "plan":
        return Outcome(extra={"into": "plan", "html": str(plan(ask, name))})
    if do in {"sample", "build"}:
        studio.start(ask.actor, name, sample=SAMPLE if do == "sample" else 0)
        return Outcome(t("studio.queued"), goto=here)
    return Outcome(t("studio.saved"), goto=here)


def plan(ask: Ask, name: str) -> Safe:
    """The plan in words, or why there is none: a refusal of the catalogue names clause and next step."""
    try:
        words = ask.hub.studio.explain(ask.actor, name)
    except HubError as error:
        return card(ask.t("studio.plan"), refusal(ask.t, error))
    return card(ask.t("studio.plan"), pre(words, c="note-text"), aside=ask.t("studio.plan_note"))


def cancel(ask: Ask, sent: Form) -> Outcome:
    ask.hub.studio.cancel(ask.actor, str(sent.get("job", "")))
    return Outcome(ask.t("studio.cancelled"))


def propose(ask: Ask, _: Form) -> Outcome:
    """A whole build becomes a release case, gated on the spot."""
    case = ask.hub.releases.propose(ask.actor, ask.params["build"])
    return Outcome(ask.t("studio.proposed"), goto=link(ask.lang, f"/make/reviews/{case.id}"))


# -- one build ----------------------------------------------------------------------------------------------------------------


def build_page(ask: Ask) -> Page:
    t = ask.t
    record = ask.hub.builds.get(ask.actor, ask.params["build"])
    title = t.of(record.recipe.title)
    way = (
        button(t("studio.propose"), type_="button", c="btn primary", data_act="propose", data_form="{}")
        if not record.sample
        else chip(t("studio.is_sample", count=record.sample), "info")
    )
    body = joined(
        heading(
            title,
            lead=t("studio.built", rows=f"{record.built.rows:,}", at=t.moment(record.at)),
            actions=way,
            crumbs=[(t("studio.title"), link(ask.lang, "/make/studio")), (record.id, ask.href())],
        ),
        div(
            card(t("reviews.funnel"), pictures.funnel(t, [funnel_row(step) for step in record.built.steps])),
            card(t("reviews.pii"), entities(ask, record)),
            c="halves",
        ),
        card(t("studio.dropped"), dropped(ask, record), aside=t("studio.dropped_note", count=SHOWN_DROPS), c="flush"),
        card(t("studio.measures"), measures(ask, record)),
    )
    return Page(title, body)


def funnel_row(step: Any) -> dict[str, Any]:
    return {
        "step": step.step,
        "rows_in": step.rows_in,
        "rows_out": step.rows_out,
        "changed": step.changed,
        "dropped": dict(step.dropped),
    }


def entities(ask: Ask, record: BuildRecord) -> Safe:
    t = ask.t
    if not record.built.entities:
        return empty(t("reviews.no_pii"))
    rows = [
        [
            t.name("entity", item.entity),
            f"{item.found:,}",
            f"{item.replaced:,}",
            f"{item.residual:,}",
            t.name("action", item.action),
        ]
        for item in record.built.entities
    ]
    return grid(
        [t("reviews.entity"), t("reviews.found"), t("reviews.replaced"), t("reviews.residual"), t("reviews.action")],
        rows,
        numeric=(1, 2, 3),
    )


def dropped(ask: Ask, record: BuildRecord) -> Safe:
    """Rows that left, each with step, reason and the place it came from; never its values."""
    t = ask.t
    try:
        rows = ask.hub.builds.removed(ask.actor, record.id, limit=SHOWN_DROPS)
    except NotFound:
        rows = ()
    if not rows:
        return empty(t("studio.nothing_dropped"))
    names = [name for name in rows[0] if name != "digest"]
    return grid([t.name("field", name) for name in names], [[str(row.get(name, ""))[:60] for name in names] for row in rows])


def measures(ask: Ask, record: BuildRecord) -> Safe:
    t = ask.t
    shown = [[t.name("measure", name), f"{value:g}"] for name, value in sorted(record.built.measures.items())]
    return joined(
        sub(t("studio.measured", count=len(shown))), grid([t("studio.measure"), t("catalog.value")], shown, numeric=(1,))
    )


ACTS = {"check": check, "work": work, "cancel": cancel}
SCREENS = (
    Screen("/make/studio", "studio", show, ACTS),
    Screen("/make/studio/build/{build}", "studio", build_page, {"propose": propose}),
    Screen("/make/studio/{name}", "studio", show, ACTS),
)
