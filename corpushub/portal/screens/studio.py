"""Recipe studio: write a recipe with all problems as one types, see the plan, try it on a sample, build it with progress, look at what was dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from corpushub.base.errors import HubError, Invalid, NotFound, Problem
from corpushub.domain.parties import Role
from corpushub.portal import casework, pictures, roles_view
from corpushub.portal.html import (
    Child,
    Safe,
    a,
    b,
    button,
    code,
    details,
    div,
    form,
    input_,
    joined,
    label,
    li,
    nav,
    ol,
    p,
    pre,
    span,
    summary,
    textarea,
    ul,
)
from corpushub.portal.pages import Ask, Form, Outcome, Page, Screen, Words, link
from corpushub.portal.parts import bar, card, chip, empty, failure, figure, grid, heading, moment, reason_words, refusal, sub
from corpushub.portal.trial_view import plan_view, trial_view
from corpushub.services.builds import BuildRecord
from corpushub.services.studio import RecipeFile
from corpushub.store.jobs import Job

SAMPLE = 200
SHOWN_DROPS = 12
SHOWN_JOBS = 6
MOST_GIVEN = 200
LIVE = frozenset({"queued", "running"})
VIEWS = ("edit", "plan", "steps")


def show(ask: Ask) -> Page:
    t, studio = ask.t, ask.hub.studio
    if ask.query.get("only") == "jobs":
        return Page(t("studio.title"), watched(ask, ask.params.get("name", "")))
    files = studio.recipes(ask.actor)
    studio.warm()
    name = ask.params.get("name") or (files[0].name if files else "")
    if not name:
        return Page(
            t("studio.title"),
            joined(
                heading(t("studio.title"), lead=t("studio.lead")), empty(t("studio.none"), t("studio.none_next")), beginning(ask)
            ),
        )
    text = studio.text(ask.actor, name)
    view = ask.query.get("view") if ask.query.get("view") in VIEWS else VIEWS[0]
    body = joined(
        heading(t("studio.title"), lead=t("studio.lead")),
        div(
            shelf(ask, files, name),
            editor(ask, name, text) if view == "edit" else looked(ask, name, str(view)),
            div(div(checked(ask, name, text), id="check", aria_live="polite"), given(ask), watched(ask, name), c="stack"),
            c="studio",
        ),
    )
    return Page(t("studio.title"), body)


def watched(ask: Ask, name: str) -> Safe:
    """Builds of the recipe; asked again every two seconds, alone, while one is alive."""
    jobs = ask.hub.studio.jobs_of(ask.actor, name)
    every = 2 if any(job.state in LIVE for job in jobs) else None
    address = link(ask.lang, f"/make/studio/{name}", only="jobs")
    return div(builds(ask, jobs), data_part="jobs", data_every=every, data_from=address)


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
    return nav(card(t("studio.recipes"), div(*cells, c="shelf"), beginning(ask)), aria_label=t("studio.recipes"))


def beginning(ask: Ask) -> Safe | None:
    """Begin a recipe that is not there yet."""
    if not ask.actor.has(Role.OPERATOR):
        return None
    t = ask.t
    return form(
        label(
            span(t("studio.new_name")),
            input_(name="name", required=True, autocomplete="off"),
            span(t("studio.new_hint"), c="hint"),
        ),
        button(t("studio.new"), type_="submit", c="btn small"),
        data_act="begin",
        c="fields",
    )


def views(ask: Ask, name: str, current: str) -> Safe:
    """Text, plan, steps. In the editor the other two are buttons of its form, so that what was typed is kept."""
    t = ask.t
    cells = []
    for view in VIEWS:
        words = t(f"studio.view_{view}")
        if view == current:
            cells.append(b(words, c="seg current", aria_current="page"))
        elif current == "edit":
            cells.append(button(words, type_="submit", c="seg", name="do", value=view))
        else:
            address = link(ask.lang, f"/make/studio/{name}", view="" if view == "edit" else view)
            cells.append(a(words, href=address, c="seg"))
    return span(*cells, c="segments")


def editor(ask: Ask, name: str, text: str) -> Safe:
    t = ask.t
    box = textarea(
        text,
        name="text",
        spellcheck="false",
        aria_label=t("studio.text"),
        data_live_act="check",
        data_guard=t("studio.unsaved"),
        autocapitalize="off",
        wrap="off",
    )
    tools = [
        button(
            t("studio.discard"), type_="submit", c="btn small bad", name="do", value="discard", data_ask=t("studio.discard_ask")
        )
        if ask.hub.studio.is_draft(ask.actor, name)
        else None,
        button(t("studio.save"), type_="submit", c="btn small", name="do", value="save"),
        button(t("studio.sample", count=SAMPLE), type_="submit", c="btn small", name="do", value="sample"),
        button(t("studio.build"), type_="submit", c="btn small primary", name="do", value="build"),
    ]
    return form(
        div(b(f"{name}.yaml", c="mono"), views(ask, name, "edit"), span(c="grow"), *tools, c="bar-line"),
        input_(type_="hidden", name="name", value=name),
        div(pre(c="gutter", aria_hidden="true"), box, c="numbered"),
        data_act="work",
        c="editor",
    )


def looked(ask: Ask, name: str, view: str) -> Safe:
    """The plan, or the steps on a few rows; in its place why there is none: a refusal of the catalogue names clause and next step."""
    try:
        body = plan_view(ask, ask.hub.studio.outlook(ask.actor, name)) if view == "plan" else tried(ask, name)
    except HubError as error:
        body = refusal(ask.t, error)
    return div(div(b(f"{name}.yaml", c="mono"), views(ask, name, view), c="bar-line card"), body, c="stack")


def tried(ask: Ask, name: str) -> Safe:
    """The steps on a few rows; while they are tried, that they are: asked again until they are there."""
    trial = ask.hub.studio.trial_soon(ask.actor, name)
    if trial is None:
        return under_way(ask, "trial", ask.t("studio.trying"))
    return div(trial_view(ask, trial), data_part="trial")


def under_way(ask: Ask, part: str, words: str) -> Safe:
    """A part that is being made: a moving bar and what is done, asked again until it stands there."""
    return div(
        card("", p(words), bar(1, tone="info"), c="under-way"), data_part=part, data_every=2, data_from=ask.href(), role="status"
    )


def checked(ask: Ask, name: str, text: str) -> Safe:
    """What the recipe says, or every problem with its line."""
    t = ask.t
    try:
        recipe = ask.hub.studio.check(ask.actor, name, text)
    except Invalid as wrong:
        rows = [problem_row(t, problem) for problem in wrong.problems]
        rows = rows or [li(wrong.explain(ask.lang))]
        return card(t("studio.check"), ul(*rows, c="problems"), aside=chip(t("studio.problems", count=len(rows)), "bad"))
    steps = [
        li(
            a(
                f"{number}. {t.name('step', call.step)}",
                href=link(ask.lang, f"/make/studio/{name}", view="steps", step=number),
                title=t("studio.look_step"),
            ),
            code(call.step, c="quiet small"),
            c="clock-row",
        )
        for number, call in enumerate(recipe.steps, 1)
    ]
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


def problem_row(t: Words, problem: Problem) -> Safe:
    """One problem: the line it stands on, leading there, the key, and what is wrong."""
    words = replace(problem, file="", line=0).explain(t.lang)
    return li(b(t("studio.line", line=problem.line), " ") if problem.line else None, words, data_line=problem.line or None)


def given(ask: Ask) -> Safe | None:
    """What a recipe may name: entries that are registered, and files a source is read from."""
    if not ask.actor.has(Role.OPERATOR):
        return None
    t = ask.t
    entries = ask.hub.catalog.search(ask.actor, limit=MOST_GIVEN, state="published").items
    known = [li(copied(t, entry.id), " ", span(t.of(entry.title), c="quiet small")) for entry in entries]
    places = [li(copied(t, name)) for name in ask.hub.studio.inputs(ask.actor)[:MOST_GIVEN]]
    return card(
        t("studio.given"),
        details(summary(t("studio.given_entries", count=len(known))), ul(*known), c="fold"),
        details(summary(t("studio.given_files", count=len(places))), ul(*places), c="fold"),
        p(t("studio.given_note"), c="quiet small"),
    )


def copied(t: Words, name: str) -> Safe:
    """A name as a recipe writes it; a press copies it."""
    return button(code(name), type_="button", c="copy", data_copy=name, title=t("portal.copy"))


def builds(ask: Ask, jobs: Sequence[Job]) -> Safe:
    """The newest builds, the older ones folded."""
    t = ask.t
    if not jobs:
        return card(t("studio.builds"), empty(t("studio.no_builds"), t("studio.no_builds_next")))
    lines = [job_line(ask, job) for job in jobs]
    older = lines[SHOWN_JOBS:]
    return card(
        t("studio.builds"),
        *lines[:SHOWN_JOBS],
        details(summary(t("studio.older", count=len(older))), *older, c="fold") if older else None,
        aside=t("studio.builds_count", count=len(jobs)),
    )


def job_line(ask: Ask, job: Job) -> Safe:
    t = ask.t
    tones: Mapping[str, Any] = {"done": "good", "failed": "bad", "cancelled": "quiet", "running": "warn", "queued": "quiet"}
    refused = job.result.get("told_zh" if ask.lang == "zh" else "told")
    why = refused or failure(ask, job)
    sample = int(job.payload.get("sample") or 0)
    kind = t("studio.sample", count=sample) if sample else t("studio.build")
    state = chip(t("studio.refused"), "bad") if refused else chip(t.name("job", job.state), tones.get(job.state, ""))
    way: Child = None
    if job.result.get("build"):
        way = a(t("studio.look"), href=link(ask.lang, f"/make/studio/build/{job.result['build']}"), c="btn small")
    elif job.state in LIVE:
        way = button(t("portal.cancel"), type_="button", c="btn small bad", data_act="cancel", data_form=f'{{"job": "{job.id}"}}')
    who = casework.person_name(ask, str(job.payload.get("person", "")))
    told = (
        t("studio.took", rows=f"{job.result['rows']:,}", seconds=job.result.get("seconds", 0)) if job.result.get("rows") else None
    )
    return div(
        div(b(kind), state, span(c="grow"), way, c="row"),
        progress(ask, job),
        div(why, c="small") if why else None,
        div(moment(t, job.created_at), span(who), span(told) if told else None, c="row quiet small"),
        log_of(ask, job),
        c="job",
    )


def progress(ask: Ask, job: Job) -> Safe | None:
    """How far a running build is: stage, count, seconds gone and left."""
    told = job.progress
    if job.state != "running" or not told:
        return None
    total, done = int(told.get("total") or 0), int(told.get("done") or 0)
    words = ask.t(
        "studio.at",
        stage=stage_words(ask, str(told.get("stage", ""))),
        done=f"{done:,}",
        total=f"{total:,}" if total else "?",
        seconds=told.get("seconds", 0),
    )
    left = float(told.get("left") or 0)
    return div(
        bar(done / total if total else 0.5),
        span(words, " ", ask.t("studio.left", seconds=f"{left:.0f}") if left >= 1 else None, c="small quiet"),
    )


def stage_words(ask: Ask, stage: str) -> str:
    return " + ".join(ask.t.name("step", name) for name in stage.split("+"))


def log_of(ask: Ask, job: Job) -> Safe | None:
    """What the build was at and when, line by line; open while it runs."""
    lines = job.result.get("log") or job.progress.get("log") or ()
    if not lines:
        return None
    rows = [
        li(
            span(f"{float(line['seconds']):.1f}", c="num quiet"),
            span(stage_words(ask, str(line["stage"]))),
            span(f"{int(line['done']):,} / {int(line['total']):,}" if line["total"] else f"{int(line['done']):,}", c="num quiet"),
        )
        for line in lines
    ]
    return details(summary(ask.t("studio.log", count=len(rows))), ol(*rows, c="log"), c="fold", open=job.state == "running")


# -- acts ---------------------------------------------------------------------------------------------------------------------


def check(ask: Ask, sent: Form) -> Outcome:
    """Checked as one types; nothing is kept."""
    return Outcome(extra={"into": "check", "html": str(checked(ask, str(sent.get("name", "")), str(sent.get("text", ""))))})


def work(ask: Ask, sent: Form) -> Outcome:
    """Every button keeps the text first, then does what it says."""
    t, studio = ask.t, ask.hub.studio
    name, text, do = str(sent.get("name", "")), str(sent.get("text", "")), str(sent.get("do", "save"))
    here = f"/make/studio/{name}"
    if do == "discard":
        studio.discard(ask.actor, name)
        if any(item.name == name for item in studio.recipes(ask.actor)):
            return Outcome(t("studio.discarded"), goto=link(ask.lang, here))
        return Outcome(t("studio.discarded_new"), goto=link(ask.lang, "/make/studio"))
    if text.replace("\r\n", "\n") != studio.text(ask.actor, name):
        studio.save(ask.actor, name, text.replace("\r\n", "\n"))
    if do in {"plan", "steps"}:
        return Outcome(goto=link(ask.lang, here, view=do))
    if do in {"sample", "build"}:
        studio.start(ask.actor, name, sample=SAMPLE if do == "sample" else 0)
        return Outcome(t("studio.queued"), goto=link(ask.lang, here))
    return Outcome(t("studio.saved"), goto=link(ask.lang, here))


def begin(ask: Ask, sent: Form) -> Outcome:
    """A new recipe, blank but for what every recipe has."""
    name = str(sent.get("name", "")).strip().removesuffix(".yaml")
    ask.hub.studio.begin(ask.actor, name)
    return Outcome(ask.t("studio.begun"), goto=link(ask.lang, f"/make/studio/{name}"))


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
    title, name = t.of(record.recipe.title), record.recipe.name.removesuffix(".yaml")
    recipe = link(ask.lang, f"/make/studio/{name}")
    way = (
        button(t("studio.propose"), type_="button", c="btn primary", data_act="propose", data_form="{}")
        if not record.sample
        else joined(chip(t("studio.is_sample", count=record.sample), "info"), a(t("studio.go_on"), href=recipe, c="btn primary"))
    )
    body = joined(
        heading(
            title,
            lead=t("studio.built", rows=f"{record.built.rows:,}", at=t.moment(record.at)),
            actions=way,
            crumbs=[(t("studio.title"), link(ask.lang, "/make/studio")), (f"{name}.yaml", recipe), (record.id, ask.href())],
        ),
        div(
            card(t("reviews.funnel"), pictures.funnel(t, [funnel_row(step) for step in record.built.steps])),
            card(t("reviews.pii"), entities(ask, record)),
            c="halves",
        ),
        people(ask, record),
        card(t("studio.dropped"), dropped(ask, record), aside=t("studio.dropped_note", count=SHOWN_DROPS), c="flush"),
        card(t("studio.measures"), measures(ask, record)),
    )
    return Page(title, body)


def people(ask: Ask, record: BuildRecord) -> Safe:
    """Columns the gate on personal information asks about; reading them takes a moment."""
    problems = ask.hub.studio.unclear_soon(ask.actor, record.id)
    if problems is None:
        return under_way(ask, "people", ask.t("studio.people_reading"))
    return div(roles_view.roles_card(ask, record, problems), data_part="people")


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
    heads = [t("studio.source"), t("studio.row"), t("studio.dropped_at"), t.name("field", "reason"), t("studio.merged_into")]
    return grid(heads, [dropped_row(ask, row) for row in rows], numeric=(1,))


def dropped_row(ask: Ask, row: Mapping[str, Any]) -> list[Child]:
    step = joined(f"{row['step']}. ", ask.t.name("step", str(row["step_name"])))
    told = str(row.get("merged_into") or "")
    return [
        code(str(row["source"])),
        f"{int(row['source_row']):,}",
        step,
        reason_words(ask.t, str(row["reason"])),
        span(told, c="mono small break"),
    ]


def measures(ask: Ask, record: BuildRecord) -> Safe:
    t = ask.t
    shown = [[t.name("measure", name), figure(value)] for name, value in sorted(record.built.measures.items())]
    return joined(
        sub(t("studio.measured", count=len(shown))), grid([t("studio.measure"), t("catalog.value")], shown, numeric=(1,))
    )


ACTS = {"begin": begin, "check": check, "work": work, "cancel": cancel}
SCREENS = (
    Screen("/make/studio", "studio", show, ACTS),
    Screen("/make/studio/build/{build}", "studio", build_page, {"propose": propose, "roles": roles_view.confirm}),
    Screen("/make/studio/{name}", "studio", show, ACTS),
)
