"""Bulk intake of the catalog: many entries from a table, another catalog harvested, and what the whole catalog still lacks (articles 1 and 19)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from corpushub.base.errors import Invalid, Problem
from corpushub.domain.entry_rows import read_rows
from corpushub.domain.feed import Into, document_of
from corpushub.portal import values
from corpushub.portal.entry_form import BULK, FOR_OTHERS, MANY
from corpushub.portal.forms import file_box
from corpushub.portal.html import (
    Child,
    Safe,
    a,
    button,
    code,
    details,
    div,
    form,
    input_,
    joined,
    label,
    li,
    option,
    p,
    select,
    span,
    summary,
    textarea,
    ul,
)
from corpushub.portal.pages import Ask, Form, Outcome, Page, Screen, link
from corpushub.portal.parts import card, chip, empty, facts, grid, heading
from corpushub.services.catalog import Imported
from corpushub.services.oversight import OVERSIGHT

SHOWN = 100
COLUMNS = "id,owner,title.zh,title.en,summary.zh,domain,frequency,interpreter.person,system"


def show(ask: Ask) -> Page:
    t = ask.t
    body = joined(
        heading(t("intake.title"), lead=t("intake.lead"), crumbs=[(t("resources.title"), link(ask.lang, "/govern/resources"))]),
        div(id="brought", aria_live="polite"),
        div(card(t("intake.table"), table_form(ask)), card(t("intake.harvest"), harvest_form(ask)), c="halves"),
        card(t("intake.gaps"), gaps(ask), aside=t("intake.gaps_note")) if ask.actor.has(*OVERSIGHT) else None,
    )
    return Page(t("intake.title"), body)


def file_into(ask: Ask, into: str, accept: str) -> Safe:
    """Choose a file: the browser puts its text into the box `into`, where it can be looked at before it is sent."""
    return label(span(ask.t("intake.file")), file_box(ask.t, data_text=into, accept=accept))


def table_form(ask: Ask) -> Safe:
    t = ask.t
    rows = textarea(name="rows", rows=9, required=True, placeholder=COLUMNS, spellcheck="false", c="mono")
    return form(
        p(t("intake.table_how"), c="quiet"),
        p(code(COLUMNS.replace(",", ", "), c="small")),
        file_into(ask, "rows", ".csv,.json,.jsonl,text/csv,application/json"),
        label(span(t("intake.rows")), rows),
        div(button(t("intake.enter"), type_="submit", c="btn primary")),
        data_act="enter",
        c="fields",
    )


def harvest_form(ask: Ask) -> Safe:
    t = ask.t
    orgs = ask.hub.parties.orgs() if ask.actor.has(*FOR_OTHERS) else [ask.hub.parties.org(ask.actor.org)]
    owners = [option(t.of(org.name), value=org.id, selected=org.id == ask.actor.org) for org in orgs]
    own = ask.hub.parties.org(ask.actor.org)
    return form(
        p(t("intake.harvest_how"), c="quiet"),
        address_box(ask),
        file_into(ask, "document", ".json,.jsonld,application/json"),
        label(span(t("intake.document")), textarea(name="document", rows=4, spellcheck="false", c="mono")),
        label(span(t.name("field", "owner")), select(*owners, name="owner")),
        div(
            label(span(t("intake.region")), input_(name="region", value=own.region, required=True)),
            label(span(t("intake.folder")), input_(name="folder", value=own.id, required=True)),
            c="pair",
        ),
        div(button(t("intake.take"), type_="submit", c="btn primary")),
        data_act="harvest",
        c="fields",
    )


def address_box(ask: Ask) -> Safe:
    """The address of the other catalog, where hosts may be asked at all."""
    allowed = ask.hub.settings.allowed_hosts
    if not allowed:
        return p(ask.t("intake.no_hosts"), c="quiet small")
    box = input_(name="address", type_="url", placeholder="https://")
    return label(span(ask.t("intake.address")), box, span(ask.t("intake.hosts", hosts=allowed), c="hint"))


def gaps(ask: Ask) -> Safe:
    """What the whole catalog lacks, with the way to each entry."""
    t = ask.t
    systems = [part for part in ask.query.get("systems", "").replace("、", ",").replace("，", ",").split(",") if part.strip()]
    found = ask.hub.oversight.catalog_gaps(ask.actor, systems=[name.strip() for name in systems])
    lacking: dict[str, list[str]] = found["incomplete"]
    pick = form(
        label(
            span(t("intake.systems")),
            input_(name="systems", value=ask.query.get("systems") or None, placeholder=t("intake.systems_hint")),
        ),
        button(t("intake.check"), type_="submit", c="btn"),
        action=link(ask.lang, MANY),
        method="get",
        c="row chooser",
    )
    lines: list[tuple[Child, Child]] = [
        (t("intake.entries"), f"{found['entries']:,}"),
        (t("intake.incomplete"), f"{len(lacking):,}"),
        (t("intake.systems_without"), chips(found["systems_without_entries"]) if systems else None),
        (t("intake.without_owner"), chips(found["entries_without_owner"])),
        (t("intake.elements_without"), chips(found["elements_without_source"])),
    ]
    rows: Sequence[Sequence[Child]] = [
        [values.resource(ask, name), span(*[chip(t.name("field", item), "warn") for item in missing], c="row")]
        for name, missing in list(lacking.items())[:SHOWN]
    ]
    whole = empty(t("intake.whole"), t("intake.whole_next"))
    return joined(pick, facts(lines), grid([t("resources.entry"), t("intake.missing")], rows) if rows else whole)


def chips(names: Sequence[str]) -> Safe:
    if not names:
        return chip("0", "good")
    more = span(f"+{len(names) - SHOWN}", c="quiet") if len(names) > SHOWN else None
    return span(*[chip(name, "warn") for name in names[:SHOWN]], more, c="row")


def enter(ask: Ask, sent: Form) -> Outcome:
    rows = read_rows(str(sent.get("rows", "")))
    if not rows:
        raise Invalid("intake.nothing")
    return brought(ask, ask.hub.catalog.import_entries(ask.actor, rows), len(rows))


def harvest(ask: Ask, sent: Form) -> Outcome:
    into = Into(*(str(sent.get(name, "")).strip() for name in ("owner", "region", "folder")))
    address, document = str(sent.get("address", "")).strip(), str(sent.get("document", "")).strip()
    if not address and not document:
        raise Invalid("intake.nothing")
    if document:
        found = ask.hub.catalog.harvest(ask.actor, document_of(document), into)
    else:
        found = ask.hub.catalog.harvest_at(ask.actor, address, ask.hub.settings.allowed_hosts, into)
    return brought(ask, found, len(found.added) + len({item.line for item in found.problems}))


def brought(ask: Ask, found: Imported, rows: int) -> Outcome:
    """What came in, entry by entry, and what was wrong with the rest, row by row."""
    t = ask.t
    wrong = {item.line for item in found.problems}
    entries = ul(
        *[li(a(name, href=link(ask.lang, f"/govern/resources/{name}"), c="mono")) for name in found.added[:SHOWN]], c="plain"
    )
    listed = details(summary(t("intake.added", count=len(found.added))), entries, c="fold") if found.added else None
    heads = [t("intake.number"), t.name("field", "name"), t("intake.problem")]
    shown = joined(
        p(chip(t("intake.added", count=len(found.added)), "good" if found.added else "quiet"), " ",
          chip(t("intake.wrong", count=len(wrong)), "warn") if wrong else None, " ", span(t("intake.of", count=rows), c="quiet")),
        listed,
        grid(heads, problem_rows(ask, found.problems), numeric=(0,)) if wrong else None,
        p(t("intake.mend"), c="quiet") if wrong else None,
    )  # fmt: skip
    return Outcome(t("intake.done"), extra={"into": "brought", "html": str(card(t("intake.result"), shown))})


def problem_rows(ask: Ask, problems: Iterable[Problem]) -> list[list[Child]]:
    return [
        [str(item.line), code(item.path) if item.path else "–", ask.t(item.code, **item.facts)] for item in list(problems)[:SHOWN]
    ]


SCREENS = (Screen(MANY, "resources", show, {"enter": enter, "harvest": harvest}, BULK),)
