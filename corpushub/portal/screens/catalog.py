"""Catalog: every resource with its attributes, registration and how to get it; one page per entry, with its proof and its cases."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from corpushub.base.errors import NotFound
from corpushub.domain.catalog import Resource
from corpushub.portal import casework, entry_form, pictures, values
from corpushub.portal.board import table
from corpushub.portal.faceted import choices, facet, faceted, searchbar, taken_back
from corpushub.portal.html import Child, Safe, a, b, div, form, h2, input_, joined, label, li, p, span, ul
from corpushub.portal.pages import Ask, Page, Screen, Words, link
from corpushub.portal.parts import Tone, card, chip, empty, facts, grid, heading, moment, pager, state_chip

FACETS = ("domain", "owner", "region", "open_attribute", "share_attribute", "kind", "state")
PER_PAGE = 30
MOST = 200  # releases of one entry
OPENNESS: Mapping[str, Tone] = {"unconditional": "good", "conditional": "warn", "none": "bad"}


def listing(ask: Ask) -> Page:
    t = ask.t
    chosen = choices(ask, FACETS)
    at = ask.number("page", 1)
    found = ask.hub.finder.find(ask.actor, ask.query.get("q", ""), chosen=chosen, page=at, size=PER_PAGE)
    known = named(ask)
    rows = ul(*[row(ask, entry) for entry in found.items], c="results") if found.items else None if known else nothing(ask)
    body = joined(
        heading(t("catalog.title"), lead=t("catalog.lead")),
        searchbar(ask, t("catalog.placeholder"), chosen),
        faceted(
            ask,
            [told(ask, name, found.counts[name]) for name in FACETS],
            known,
            summary(ask, found.total, chosen) if rows or chosen else None,
            rows,
            pager(ask, found.total, at, PER_PAGE),
        ),
    )
    return Page(t("catalog.title"), body)


def told(ask: Ask, name: str, counts: Mapping[str, int]) -> Safe | None:
    """A facet with one value chooses nothing, and is left out unless it is chosen."""
    if len(counts) < 2 and not ask.query.get(name):
        return None
    return facet(ask, name, ask.t.name("field", name), counts, partial(words, ask, name))


def summary(ask: Ask, count: int, chosen: Mapping[str, str]) -> Safe:
    cleared = [taken_back(ask, name, f"{ask.t.name('field', name)}: {words(ask, name, value)}") for name, value in chosen.items()]
    return div(span(ask.t("catalog.count", count=count), c="quiet"), cleared, c="on-filters", aria_live="polite")


def named(ask: Ask) -> Safe | None:
    """What an id or a registration code stands for, whatever became of it: an entry, or a version with its successor (article 9)."""
    t, wanted = ask.t, ask.query.get("q", "").strip()
    if not wanted or " " in wanted:
        return None
    try:
        found = ask.hub.oversight.resolve(ask.actor, wanted)
    except NotFound:
        return None
    place = f"/data/datasets/{found.id.partition('@')[0]}" if found.kind == "release" else f"/data/catalog/{found.id}"
    return div(
        t("catalog.named", id=wanted),
        " ",
        a(t.of(found.title), href=link(ask.lang, place)),
        " ",
        state_chip(t, found.state),
        p(t("catalog.successor", id=found.successor)) if found.successor else None,
        c="note",
    )


def words(ask: Ask, name: str, value: str) -> str:
    """A value of a facet as the reader calls it."""
    match name:
        case "owner":
            return casework.org_name(ask, value)
        case "region":
            return ask.t.region(value)
        case "domain" | "state":
            return ask.t.name(name, value)
        case _:
            return ask.t.name("choice", value)


def row(ask: Ask, entry: Resource) -> Safe:
    t = ask.t
    tone = OPENNESS.get(entry.open_attribute.value, "")
    return li(
        div(a(t.of(entry.title), href=link(ask.lang, f"/data/catalog/{entry.id}"), c="name"), span(entry.id, c="id")),
        div(chip(joined(t("catalog.open_short"), t.name("choice", entry.open_attribute.value)), tone), c="side"),
        p(t.of(entry.summary), c="desc clamp"),
        div(
            span(casework.org_name(ask, entry.owner)),
            span(t.name("domain", entry.domain)),
            span(t("catalog.fields", count=len(entry.items))),
            span(t.name("frequency", entry.frequency)),
            span(
                t(
                    "catalog.grade",
                    category=t.name("choice", entry.classification.category.value),
                    grade=entry.classification.grade,
                )
            ),
            chip(entry.registration_code, "good") if entry.registration_code else chip(t("catalog.unregistered"), "quiet"),
            c="meta",
        ),
    )


def nothing(ask: Ask) -> Safe:
    demand = a(ask.t("datasets.ask"), href=link(ask.lang, "/demand/ask", text=ask.query.get("q")))
    return empty(ask.t("catalog.none"), joined(ask.t("catalog.none_next"), " ", demand))


# -- one entry ----------------------------------------------------------------------------------------------------------------


def entry_page(ask: Ask) -> Page:
    entry = ask.hub.catalog.get(ask.actor, ask.params["id"])
    title = ask.t.of(entry.title)
    return Page(title, entry_view(ask, entry))


def entry_view(ask: Ask, entry: Resource) -> Safe:
    t = ask.t
    ways = [
        a(t("catalog.ask"), href=link(ask.lang, "/demand/ask", text=t.of(entry.title)), c="btn primary"),
        a(t("dataset.object"), href=link(ask.lang, "/data/objections", about=entry.id), c="btn"),
        a(t("catalog.edit"), href=link(ask.lang, f"/govern/resources/{entry.id}"), c="btn")
        if ask.actor.org == entry.owner
        else None,
    ]
    left = div(
        card(t("catalog.fields_title"), fields(t, entry), aside=t("catalog.fields", count=len(entry.items)), c="flush"),
        card(t("catalog.datasets"), made_from(ask, entry)),
        div(h2(t("catalog.cases")), cases(ask, entry), c="stack tight") if not ask.actor.is_anonymous else None,
        c="stack",
    )
    return joined(
        heading(
            t.of(entry.title),
            lead=t.of(entry.summary),
            actions=ways,
            crumbs=[(t("catalog.title"), link(ask.lang, "/data/catalog")), (entry.id, ask.href())],
        ),
        div(left, side(ask, entry), c="two"),
    )


def side(ask: Ask, entry: Resource) -> Safe:
    t = ask.t
    category = t(
        "catalog.grade", category=t.name("choice", entry.classification.category.value), grade=entry.classification.grade
    )
    about: list[tuple[Child, Child]] = [
        (t.name("field", "owner"), casework.org_name(ask, entry.owner)),
        (
            t("catalog.code"),
            span(entry.registration_code, c="mono") if entry.registration_code else chip(t("catalog.unregistered"), "warn"),
        ),
        (t("catalog.code_to"), entry.registration_to),
        (t.name("field", "share_attribute"), attribute(t, entry.share_attribute.value)),
        (t.name("field", "open_attribute"), attribute(t, entry.open_attribute.value)),
        (t("catalog.class"), category),
        (t("catalog.egress"), t.name("egress", entry.egress.value)),
        (t.name("field", "domain"), t.name("domain", entry.domain)),
        (t.name("field", "region"), span(t.region(entry.region), title=entry.region)),
        (t("catalog.origin"), t.name("origin", entry.origin)),
        (t("catalog.frequency"), t.name("frequency", entry.frequency)),
        (t("catalog.volume"), entry.volume),
        (t("catalog.licence"), entry.licence),
        (t("catalog.interpreter"), interpreter(ask, entry)),
        (t("catalog.quality"), f"{entry.quality:.0f}" if entry.quality >= 0 else None),
    ]
    versions = [
        [
            t.name("field", item.name),
            attribute(t, item.value.value),
            item.effective_from or t("catalog.at_first"),
            item.reason or "–",
        ]
        for item in reversed(entry.attributes)
    ]
    trail = (
        card(
            t("catalog.attributes"),
            grid([t("catalog.attribute"), t("catalog.value"), t("catalog.since"), t.name("field", "reason")], versions),
            as_of(ask, entry),
        )
        if versions
        else None
    )
    return div(card(t("dataset.facts"), facts(about, c="top")), entry_form.lacking(t, entry), trail, proof(ask, entry), c="stack")


def interpreter(ask: Ask, entry: Resource) -> str:
    """Whom to ask what the data means: by name for people who are signed in, and how to reach them for everybody."""
    stated = entry.interpreter
    person = "" if ask.actor.is_anonymous else casework.person_name(ask, stated.get("person", ""))
    return " · ".join(part for part in (person, stated.get("contact", "")) if part)


def as_of(ask: Ask, entry: Resource) -> Safe:
    """Both attributes as they stood on a day of the reader's choice; the day stands in the address."""
    t = ask.t
    day = ask.query.get("on", "")
    pick = form(
        label(span(t("catalog.on_day")), input_(type_="date", name="on", value=day or None)),
        action=link(ask.lang, ask.path),
        method="get",
        data_live=True,
        c="filter-row",
    )
    stood = ask.hub.catalog.as_of(ask.actor, entry.id, day) if day else {}
    told = facts([(t.name("field", name), attribute(t, value.value)) for name, value in stood.items()])
    return joined(pick, div(told if stood else None, data_part="as-of"))


def attribute(t: Words, value: str) -> Safe:
    return chip(t.name("choice", value), OPENNESS.get(value, ""))


def proof(ask: Ask, entry: Resource) -> Safe:
    """The badge of the ledger: entry, events and the newest signed checkpoint."""
    t = ask.t
    note = ask.hub.audit.latest()
    if note is None:
        return card(t("catalog.proof"), p(t("catalog.no_checkpoint"), c="quiet"))
    lines: list[tuple[Child, Child]] = [
        (t("catalog.events"), str(entry.version)),
        (t("catalog.checkpoint"), t("catalog.checkpoint_size", count=f"{note.size:,}")),
        (t("catalog.root"), pictures.digest_of(note.root)),
    ]
    return card(t("catalog.proof"), facts(lines, c="top"), aside=chip(t("catalog.on_ledger"), "good"))


def fields(t: Words, entry: Resource) -> Safe:
    if not entry.items:
        return empty(t("catalog.no_fields"), t("catalog.no_fields_next"))
    rows = [
        [
            span(item.name, c="mono"),
            t.name("dtype", item.dtype),
            t.of(item.meaning) or chip(t("catalog.undefined"), "warn"),
            item.standard or "–",
            t.name("sensitivity", item.sensitivity),
        ]
        for item in entry.items
    ]
    return grid(
        [t("catalog.field"), t("catalog.type"), t("catalog.meaning"), t("catalog.standard"), t("catalog.sensitivity")], rows
    )


def made_from(ask: Ask, entry: Resource) -> Safe:
    """Released datasets this entry went into."""
    releases = ask.hub.cases.list(ask.actor, flow="release", states=("released", "superseded"), naming=entry.id, limit=MOST).items
    used = [case for case in releases if entry.id in case.data.get("resources", ())]
    if not used:
        return empty(ask.t("catalog.no_datasets"), ask.t("catalog.no_datasets_next"))
    rows = [
        [
            b(values.words(ask, "", "dataset", str(case.data["dataset"]))),
            f"v{case.data['version']}",
            ask.t.name("state", case.state),
            moment(ask.t, case.updated_at, day=True),
        ]
        for case in used
    ]
    return grid([ask.t("datasets.title"), ask.t("dataset.version"), ask.t("board.state"), ask.t("board.updated")], rows)


def cases(ask: Ask, entry: Resource) -> Safe:
    found = [
        case
        for flow in ("registration", "attribute", "classification", "objection", "question", "probe")
        for case in ask.hub.cases.list(ask.actor, flow=flow, subject=entry.id, limit=20).items
    ]
    return table(ask, found, {}) if found else empty(ask.t("catalog.no_cases"))


SCREENS = (
    Screen("/data/catalog", "catalog", listing),
    Screen("/data/catalog/{id+}", "catalog", entry_page),
)
