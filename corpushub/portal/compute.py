"""The training base for who books it: bookings with what is used of them, a job to run, jobs that ran and their outputs."""

from __future__ import annotations

from collections.abc import Mapping

from corpushub.base.errors import HubError
from corpushub.domain.workflow import Case
from corpushub.portal import casework, recording
from corpushub.portal.downloads import OUTPUT
from corpushub.portal.html import Child, Safe, a, button, code, div, form, joined, label, option, p, select, span, textarea
from corpushub.portal.pages import Ask, Form, Outcome
from corpushub.portal.parts import Tone, bar, card, chip, empty, failure, grid, moment, size, state_chip
from corpushub.services.compute import JOB
from corpushub.store.jobs import Job

KIND = "compute_booking"
TONES: Mapping[str, Tone] = {"done": "good", "failed": "bad", "cancelled": "quiet"}
EXAMPLE = """# {columns}
dataset: {org}/result
title: {{zh: "", en: result}}
purpose: model-training
licence: {{id: cc-by-4.0}}
sources:
  data:
    resource: compute/result
    from: mounts/{dataset}/train.parquet
    select:
      {last}: {last}
contract:
  columns:
    {last}: {{}}
steps: []
"""


def show(ask: Ask) -> Safe:
    t = ask.t
    held = ask.hub.compute.bookings(ask.actor)
    way, sheet = recording.opening(ask, KIND)
    jobs = ask.hub.jobs.list(ask.actor, kind=JOB, limit=20)
    outputs = ask.hub.cases.list(ask.actor, flow="output", limit=50).items
    usable = [case for case, _ in held if case.state == "confirmed"]
    return joined(
        card(t("compute_screen.bookings"), bookings(ask, held), aside=way, c="flush"),
        div(
            card(
                t("compute_screen.run"),
                run_form(ask, usable) if usable else empty(t("compute_screen.cannot"), t("compute_screen.cannot_next")),
            ),
            card(
                t("compute_screen.jobs"),
                ran(ask, jobs) if jobs else empty(t("compute_screen.no_jobs"), t("compute_screen.no_jobs_next")),
            ),
            c="halves",
        ),
        card(t("compute_screen.outputs"), listed(ask, outputs), aside=t("compute_screen.outputs_note"), c="flush")
        if outputs
        else None,
        sheet,
    )


def bookings(ask: Ask, held: tuple[tuple[Case, Mapping[str, int]], ...]) -> Safe:
    t = ask.t
    if not held:
        return empty(t("compute_screen.none"), t("compute_screen.none_next"))
    rows: list[list[Child]] = []
    for case, used in held:
        facts = case.data["facts"]
        spent, allowed = used.get("seconds", 0), int(facts["quota"]["seconds"])
        meter = div(bar(spent / allowed if allowed else 1.0), span(f"{spent:,.0f} / {allowed:,}", c="quiet small num"))
        rows.append([
            a(str(case.data["title"]), href=casework.href_of(ask, case)),
            span(*[chip(str(name)) for name in facts["dataset"]], c="row"),
            meter,
            f"{used.get('runs', 0):,}",
            str(facts["ends"]),
            state_chip(t, case.state),
        ])  # fmt: skip
    heads = [
        t("compute_screen.booking"),
        t.name("field", "dataset"),
        t("compute_screen.seconds"),
        t("compute_screen.runs"),
        t.name("field", "ends"),
    ]
    return grid([*heads, t("board.state")], rows, numeric=(3,))


def run_form(ask: Ask, usable: list[Case]) -> Safe:
    t = ask.t
    first = str(usable[0].data["facts"]["dataset"][0]).partition("@")[0]
    names = [option(f"{case.data['title']} · {case.id[-8:]}", value=case.id) for case in usable]
    text = example(ask, first)
    recipe = textarea(text, name="recipe", rows=14, required=True, spellcheck="false", c="mono")
    return form(
        p(t("compute_screen.how"), c="quiet"),
        label(span(t("compute_screen.booking")), select(*names, name="booking")),
        label(span(t("compute_screen.recipe")), recipe),
        div(button(t("compute_screen.start"), type_="submit", c="btn primary")),
        data_act="run",
        c="fields",
    )


def example(ask: Ask, dataset: str) -> str:
    """A recipe to start from: one column of the first dataset, with the names of all."""
    try:
        viewer = ask.hub.viewer
        columns = viewer.columns(viewer.table(ask.actor, dataset, "main", "", ""))
    except HubError:
        columns = ()
    return EXAMPLE.format(
        org=ask.actor.org, dataset=dataset, columns=", ".join(columns), last=columns[-1] if columns else "column"
    )


def ran(ask: Ask, jobs: tuple[Job, ...]) -> Safe:
    """Jobs of the organisation, newest first; asked again while one of them runs."""
    t = ask.t
    rows = [
        [code(job.id[-8:]), chip(t.name("job", job.state), TONES.get(job.state, "")), moment(t, job.created_at), told(ask, job)]
        for job in jobs
    ]
    busy = any(job.state in {"queued", "running"} for job in jobs)
    heads = [t("compute_screen.job"), t("board.state"), t("board.updated"), t("compute_screen.result")]
    return div(grid(heads, rows), data_part="jobs", data_every="2" if busy else None, data_from=ask.href() if busy else None)


def told(ask: Ask, job: Job) -> Child:
    """What came of a job: its output's case, or the refusal in words."""
    result = job.result
    if "case" in result:
        return a(ask.t("compute_screen.rows", count=f"{result['rows']:,}"), href=ask.href(f"/demand/mine/{result['case']}"))
    return failure(ask, job)


def listed(ask: Ask, outputs: tuple[Case, ...]) -> Safe:
    t = ask.t
    rows: list[list[Child]] = [
        [
            a(case.id, href=casework.href_of(ask, case), c="mono"),
            casework.org_name(ask, str(case.data["holder"])),
            f"{case.data['rows']:,}",
            size(int(case.data["bytes"])),
            state_chip(t, case.state),
            way_out(ask, case) if case.state == "cleared" else None,
        ]
        for case in outputs
    ]
    heads = [
        t("board.case"),
        t.name("field", "holder"),
        t.name("field", "rows"),
        t("dataset.size"),
        t("board.state"),
        t("board.yours"),
    ]
    return grid(heads, rows, numeric=(2, 3))


def way_out(ask: Ask, case: Case) -> Safe:
    return a(ask.t("compute_screen.take"), href=f"{OUTPUT}/{case.id}", download=f"{case.id}.parquet", c="btn small")


def taking(ask: Ask, case: Case) -> Child:
    """The output itself: for whoever looks at it before it leaves, and once cleared for who booked."""
    mine = ask.actor.org == case.data["holder"]
    words = ask.t("compute_screen.waits") if mine and case.state != "cleared" else ask.t("compute_screen.look")
    return card(
        ask.t("compute_screen.output"), p(words, c="quiet"), way_out(ask, case) if not mine or case.state == "cleared" else None
    )


def run(ask: Ask, sent: Form) -> Outcome:
    ask.hub.compute.run(ask.actor, str(sent.get("booking", "")), str(sent.get("recipe", "")))
    return Outcome(ask.t("compute_screen.started"))
