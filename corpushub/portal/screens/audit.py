"""Audit: check the ledger and everything derived from it, sign a checkpoint, take a bundle away, ask who had what (article 20)."""

from __future__ import annotations

from corpushub.domain.parties import Role
from corpushub.portal import casework, pictures, values
from corpushub.portal.downloads import BUNDLE
from corpushub.portal.html import (
    Child,
    Safe,
    a,
    b,
    button,
    div,
    form,
    h3,
    input_,
    joined,
    label,
    li,
    ol,
    option,
    pre,
    select,
    span,
    ul,
)
from corpushub.portal.pages import Ask, Form, Outcome, Page, Screen, link
from corpushub.portal.parts import card, chip, empty, facts, grid, heading, moment, size, state_chip, tabs
from corpushub.services.audit import AuditReport
from corpushub.services.repositories import Query

SHOWN_FINDINGS = 12
OUT = ("released", "superseded", "quarantined", "withdrawn")
SEATS = frozenset({Role.AUDITOR, Role.AUTHORITY, Role.SUPERVISOR, Role.ADMIN})


def show(ask: Ask) -> Page:
    t = ask.t
    sign = button(t("audit_screen.sign"), type_="button", c="btn", data_act="checkpoint", data_form="{}")
    check = button(t("audit_screen.verify"), type_="button", c="btn primary", data_act="verify", data_form="{}")
    body = joined(
        heading(t("audit_screen.heading"), lead=t("audit.lead"), actions=[sign, check]),
        div(id="report", aria_live="polite"),
        div(card(t("audit_screen.checkpoint"), checkpoint(ask)), card(t("audit_screen.offline"), offline(ask)), c="halves"),
        card(
            t("audit_screen.findings"),
            findings(ask),
            aside=t("audit_screen.findings_note", days=ask.hub.cases.rules.number("separation.unusual_days")),
            c="flush",
        ),
        card(t("audit_screen.who"), who_had(ask), aside=t("audit_screen.who_note"), c="flush"),
    )
    return Page(t("audit.title"), body)


def checkpoint(ask: Ask) -> Safe:
    t = ask.t
    note = ask.hub.audit.latest()
    if note is None:
        return empty(t("catalog.no_checkpoint"), t("audit_screen.no_checkpoint_next"))
    lines: list[tuple[Child, Child]] = [
        (t("audit_screen.origin"), note.origin),
        (t("audit_screen.leaves"), f"{note.size:,}"),
        (t("audit_screen.root"), pictures.digest_of(note.root)),
        (t("audit_screen.signatures"), str(note.signatures)),
    ]
    return joined(facts(lines), pre(note.note, c="note-text", tabindex="0"))


def offline(ask: Ask) -> Safe:
    """Take a bundle away and check it on any computer."""
    t = ask.t
    steps = [li(span(t(f"audit_screen.step_{number}"))) for number in (1, 2, 3)]
    days = [label(span(t(f"audit_screen.{name}")), input_(type_="date", name=name)) for name in ("since", "until")]
    take = form(
        *days, button(t("audit_screen.take"), type_="submit", c="btn primary"), action=BUNDLE, method="post", c="row chooser"
    )
    return joined(take, ol(*steps, c="plain"), pre("python verify_audit.py audit-bundle.tar", c="note-text", tabindex="0"))


def who_had(ask: Ask) -> Safe:
    """Who holds a dataset and what was delivered: one answer for one dataset, the newest deliveries for all."""
    t = ask.t
    repos = [repo.id for repo in ask.hub.repositories.search(ask.actor, Query(limit=200))]
    chosen = ask.query.get("dataset", "")
    pick = form(
        label(
            span(t("audit_screen.dataset")),
            select(
                option(t("board.all"), value=""),
                *[option(casework.dataset_title(ask, name), value=name, selected=name == chosen) for name in repos],
                name="dataset",
            ),
        ),
        action=link(ask.lang, ask.path),
        method="get",
        data_live=True,
        c="filter-row",
    )
    version = ask.query.get("version", "")
    held = (
        joined(
            h3(t("audit_screen.holders"), c="inset"),
            versions(ask, chosen),
            takers(ask, f"{chosen}@{version}") if version else holders(ask, chosen),
            h3(t("audit_screen.taken"), c="inset"),
        )
        if chosen
        else None
    )
    return joined(pick, div(held, deliveries(ask, chosen), data_part="deliveries"))


def holders(ask: Ask, dataset: str) -> Safe:
    """Organisations with a right to the dataset, past ones too, and how much each took."""
    t = ask.t
    rows = [
        [
            casework.org_name(ask, row.org),
            state_chip(t, row.state),
            t.name("choice", row.purpose),
            row.valid_to,
            f"{row.deliveries:,}",
            size(row.bytes),
            ", ".join(row.models) or "–",
            values.case_link(ask, row.entitlement),
        ]
        for row in ask.hub.oversight.holders(ask.actor, dataset)
    ]
    heads = [
        t("audit_screen.org"),
        t("board.state"),
        t.name("field", "purpose"),
        t.name("field", "valid_to"),
        t("audit_screen.times"),
        t("dataset.size"),
        t.name("field", "models"),
        t.name("name", "entitlement"),
    ]
    return grid(heads, rows, numeric=(4, 5)) if rows else empty(t("audit_screen.nobody"))


def versions(ask: Ask, dataset: str) -> Safe:
    """All versions together, or who took one of them."""
    found = [
        str(case.data["version"]) for case in ask.hub.cases.list(ask.actor, flow="release", states=OUT, subject=dataset).items
    ]
    words: list[tuple[str, str, Child]] = [("", ask.t("board.all"), None), *[(name, f"v{name}", None) for name in found]]
    current = ask.query.get("version", "") if ask.query.get("version") in found else ""
    return div(tabs(ask, words, current, name="version"), c="subtabs inset")


def takers(ask: Ask, version: str) -> Safe:
    """Who took this very version."""
    t = ask.t
    rows = [
        [
            casework.org_name(ask, row.org),
            state_chip(t, row.state) if row.state else "–",
            t.name("choice", row.purpose) if row.purpose else "–",
            f"{row.deliveries:,}",
            size(row.bytes),
            moment(t, row.last),
            values.case_link(ask, row.entitlement) if row.entitlement else "–",
        ]
        for row in ask.hub.oversight.holders(ask.actor, version)
    ]
    names = (t("audit_screen.org"), t("board.state"), t.name("field", "purpose"), t("audit_screen.times"), t("dataset.size"))
    heads = [*names, t("audit_screen.at"), t.name("name", "entitlement")]
    return grid(heads, rows, numeric=(3, 4)) if rows else empty(t("audit_screen.nobody"))


def deliveries(ask: Ask, dataset: str) -> Safe:
    t = ask.t
    rows = [
        [
            moment(t, row.at),
            a(casework.dataset_title(ask, row.repo), href=link(ask.lang, f"/data/datasets/{row.repo}"), title=row.repo),
            row.path,
            casework.org_name(ask, row.org),
            casework.person_name(ask, row.person),
            size(row.bytes),
            t.name("choice", row.purpose) if row.purpose else "–",
            values.case_link(ask, row.entitlement) if row.entitlement else "–",
        ]
        for row in ask.hub.access.deliveries(ask.actor, repo=dataset, limit=100)
    ]
    heads = [
        t("audit_screen.at"),
        t("audit_screen.dataset"),
        t("dataset.file"),
        t("audit_screen.org"),
        t("audit_screen.person"),
        t("dataset.size"),
        t.name("field", "purpose"),
        t.name("name", "entitlement"),
    ]
    return grid(heads, rows, numeric=(5,)) if rows else empty(t("audit_screen.none"), t("audit_screen.none_next"))


def findings(ask: Ask) -> Safe:
    """Approvals worth a look: same pairs, great haste, odd hours, always yes, related organisations (article 16)."""
    t = ask.t
    found = ask.hub.oversight.unusual(ask.actor)
    if not found:
        return empty(t("audit_screen.no_findings"), t("audit_screen.no_findings_next"))
    rows = [
        [
            chip(t.name("finding", item.kind), "warn"),
            t.listed(casework.person_name(ask, name) for name in item.persons),
            t.listed(casework.org_name(ask, name) for name in item.orgs),
            t.listed(f"{t.name('fact', name)} {value}" for name, value in item.facts.items()),
            span(
                *[about(ask, name) for name in dict.fromkeys(event.partition("@")[0] for event in item.events[:3])], c="list-cell"
            ),
        ]
        for item in found[:SHOWN_FINDINGS]
    ]
    heads = [t("audit_screen.kind"), t("audit_screen.person"), t("audit_screen.org"), t("audit_screen.facts"), t("board.case")]
    return grid(heads, rows)


def about(ask: Ask, case_id: str) -> Safe:
    """A case by its title, where the reader may see it."""
    flow = casework.flow_of(case_id)
    words = casework.title_by_id(ask, case_id) or case_id
    return a(words, href=casework.case_href(ask, flow, case_id), title=case_id)


def verify(ask: Ask, _: Form) -> Outcome:
    """The whole check, here and now: leaves, events, folds, objects."""
    report = ask.hub.audit.verify()
    return Outcome(extra={"into": "report", "html": str(report_view(ask, report))})


def report_view(ask: Ask, report: AuditReport) -> Safe:
    t = ask.t
    counts: list[tuple[Child, Child]] = [
        (t("audit_screen.leaves"), f"{report.leaves:,}"),
        (t("audit_screen.events"), f"{report.events:,}"),
        (t("audit_screen.checkpoints"), f"{report.checkpoints:,}"),
        (t("audit_screen.objects"), f"{report.objects:,}"),
        (t("audit_screen.root"), pictures.digest_of(report.root)),
    ]
    verdict = (
        chip(t("audit_screen.whole"), "good")
        if report.is_whole
        else chip(t("audit_screen.broken", count=len(report.problems)), "bad")
    )
    wrong = ul(*[li(problem.explain(ask.lang)) for problem in report.problems[:50]], c="plain")
    return card(t("audit_screen.result"), div(b(verdict), c="row"), facts(counts), wrong if report.problems else None)


def sign(ask: Ask, _: Form) -> Outcome:
    note = ask.hub.audit.checkpoint(ask.actor)
    return Outcome(ask.t("audit_screen.signed", count=f"{note.size:,}"))


SCREENS = (Screen("/oversee/audit", "audit", show, {"verify": verify, "checkpoint": sign}, SEATS),)
