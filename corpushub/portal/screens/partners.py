"""Federation: hubs this one listens to, what each said, signed pages in and out, and what partner regions are told (articles 1, 5 and 11)."""

from __future__ import annotations

from corpushub.domain.parties import Role
from corpushub.portal import casework, values
from corpushub.portal.downloads import PAGE_IN, PAGE_OUT
from corpushub.portal.forms import STAR, dialog_of, file_box
from corpushub.portal.html import Child, Safe, a, b, button, code, div, form, input_, joined, label, option, p, select, span
from corpushub.portal.pages import Ask, Form, Outcome, Page, Screen, link
from corpushub.portal.parts import card, chip, empty, grid, heading, moment, state_chip, way_to
from corpushub.services.federation import KEEPERS, Heard, Peer

PATH = "/oversee/partners"
SEATS = frozenset({Role.AUTHORITY, Role.DISTRICT, Role.AUDITOR, Role.SUPERVISOR, Role.CDO})


def show(ask: Ask) -> Page:
    t = ask.t
    heard = ask.hub.federation.heard()
    keeps = ask.actor.has(*KEEPERS)
    way = button(t("partners.add"), type_="button", c="btn primary", data_sheet="sheet-peer", data_key="n") if keeps else None
    told = [
        div(notice_of(ask), c="stack") if ask.query.get("took") else None,
        card(t("partners.peers"), peers(ask, heard, keeps=keeps), aside=t("partners.peers_note"), c="flush"),
        div(
            card(t("partners.own_key"), key(ask), aside=t("partners.key_note")),
            card(t("partners.pages"), pages(ask, heard, keeps=keeps)),
            c="halves",
        ),
        card(t("partners.sharing"), sharing(ask), aside=t("partners.sharing_note"), c="flush"),
    ]
    sheet = dialog_of(ask, "sheet-peer", t("partners.add"), "add", peer_form(ask)) if keeps else None
    return Page(t("partners.title"), joined(heading(t("partners.title"), lead=t("partners.lead"), actions=way), *told, sheet))


def notice_of(ask: Ask) -> Safe:
    """What a page that was just handed in brought."""
    return div(
        ask.t("partners.took", added=ask.number("added", 0, least=0), changed=ask.number("changed", 0, least=0)), c="note good"
    )


def peers(ask: Ask, heard: tuple[Heard, ...], *, keeps: bool) -> Safe:
    t = ask.t
    if not heard:
        return empty(t("partners.none"), t("partners.none_next"))
    rows: list[list[Child]] = []
    for item in heard:
        peer = item.peer
        ask_now = button(
            t("partners.pull"), type_="button", c="btn small", data_act="pull", data_form=f'{{"peer": "{peer.name}"}}'
        )
        rows.append([
            div(b(peer.name), div(code(peer.key[-16:]), c="quiet small", title=peer.key)),
            span(*[chip(code_) for code_ in peer.regions], c="row"),
            peer.address or span(t("partners.by_file"), c="quiet"),
            f"{item.entries:,}",
            moment(t, item.at) if item.at else span(t("partners.never"), c="quiet"),
            ask_now if keeps and peer.address else None,
        ])  # fmt: skip
    heads = [
        t("partners.name"),
        t("partners.regions"),
        t("partners.address"),
        t("partners.entries"),
        t("partners.last"),
        t("board.yours"),
    ]
    return grid(heads, rows, numeric=(3,))


def key(ask: Ask) -> Safe:
    """The key our own pages are signed with, to hand to another hub."""
    stated = str(ask.hub.federation.key.verifier)
    return joined(
        p(ask.t("partners.key_how"), c="quiet"),
        div(
            code(stated, c="secret"), button(ask.t("portal.copy"), type_="button", c="btn small copy", data_copy=stated), c="row"
        ),
    )


def pages(ask: Ask, heard: tuple[Heard, ...], *, keeps: bool) -> Safe:
    """Signed pages as files: ours to take away, a peer's to hand in."""
    t = ask.t
    partner = label(span(t("partners.for")), input_(name="partner", placeholder=t("partners.for_city")))
    out = form(partner, button(t("partners.take"), type_="submit", c="btn"), action=PAGE_OUT, method="get", c="row chooser")
    if not keeps or not heard:
        return out
    choose = select(*[option(item.peer.name, value=item.peer.name) for item in heard], name="peer")
    hand_in = form(
        label(span(t("partners.from")), choose),
        label(span(t("partners.file")), file_box(t, name="page", accept=".json,application/json", required=True)),
        button(t("partners.hand_in"), type_="submit", c="btn"),
        input_(type_="hidden", name="back", value=link(ask.lang, PATH)),
        action=PAGE_IN,
        method="post",
        enctype="multipart/form-data",
        c="row chooser",
    )
    return joined(out, hand_in)


def sharing(ask: Ask) -> Safe:
    """Sharing duties in force, with the region each is told to."""
    t = ask.t
    rows = [
        [
            a(str(row["scenario"]), href=link(ask.lang, f"/home/cases/{row['id']}")),
            casework.org_name(ask, str(row["supplier"])),
            casework.org_name(ask, str(row["demander"])),
            chip(str(row["partner"])) if row.get("partner") else span(t("partners.inside"), c="quiet"),
            span(*[values.resource(ask, str(name)) for name in row.get("resources", ())], c="list-cell"),
            state_chip(t, str(row["state"])),
        ]
        for row in ask.hub.oversight.sharing_list(ask.actor)
    ]
    heads = [t.name("field", name) for name in ("scenario", "supplier", "demander", "partner", "resources")]
    way = way_to(ask, t("partners.no_sharing_next"), "/govern/authorizations", flow="share_item")
    return grid([*heads, t("board.state")], rows) if rows else empty(t("partners.no_sharing"), way)


def peer_form(ask: Ask) -> Safe:
    t = ask.t
    asked = (("name", True), ("key", True), ("regions", True), ("address", False), ("partner", False))
    boxes = [
        label(
            span(t(f"partners.{name}"), STAR if needed else None),
            input_(name=name, required=needed, placeholder=t("partners.regions_hint") if name == "regions" else None),
        )
        for name, needed in asked
    ]
    return joined(*boxes)


def add(ask: Ask, sent: Form) -> Outcome:
    regions = tuple(part for part in str(sent.get("regions", "")).replace(",", " ").split() if part)
    given = {name: str(sent.get(name, "")).strip() for name in ("name", "key", "address", "partner")}
    peer = ask.hub.federation.add_peer(ask.actor, Peer(given["name"], given["key"], regions, given["address"], given["partner"]))
    return Outcome(ask.t("partners.added", name=peer.name))


def pull(ask: Ask, sent: Form) -> Outcome:
    got = ask.hub.federation.pull(ask.actor, str(sent.get("peer", "")))
    return Outcome(ask.t("partners.took", added=len(got.added), changed=len(got.changed)))


SCREENS = (Screen(PATH, "partners", show, {"add": add, "pull": pull}, SEATS),)
