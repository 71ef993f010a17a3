"""A new entry of the catalog, asked for in one sheet: what it is, whose, where from, and each of its fields with its meaning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from corpushub.base.errors import Invalid
from corpushub.base.messages import LANGS
from corpushub.domain.catalog import FREQUENCIES, ORIGINS, SENSITIVITIES, Resource, incomplete
from corpushub.domain.parties import Role
from corpushub.portal import forms
from corpushub.portal.html import Child, Safe, button, div, input_, joined, label, option, p, select, span, textarea
from corpushub.portal.pages import Ask, Form, Outcome, Words, link
from corpushub.portal.parts import card, chip

SHEET = "sheet-entry"
MAY = (Role.PROVIDER, Role.DISTRICT, Role.OPERATOR, Role.REGISTRAR, Role.AUTHORITY, Role.SECTOR)
FOR_OTHERS = (Role.REGISTRAR, Role.AUTHORITY, Role.SECTOR)
MANY, BULK = "/govern/intake", frozenset({Role.AUTHORITY, Role.SECTOR, Role.PROVIDER, Role.DISTRICT, Role.CDO})  # many at once
PARTED = frozenset({"title", "summary", "interpreter"})


def entering(ask: Ask) -> tuple[Safe | None, Safe | None]:
    """The button that adds an entry and its sheet, for those who may."""
    if not ask.actor.has(*MAY):
        return None, None
    name = ask.t("resources.add")
    way = button(name, type_="button", c="btn primary", data_sheet=SHEET, data_key="n")
    return way, forms.dialog_of(ask, SHEET, name, "enter", sheet(ask))


def sheet(ask: Ask) -> Safe:
    t = ask.t
    orgs = ask.hub.parties.orgs() if ask.actor.has(*FOR_OTHERS) else [ask.hub.parties.org(ask.actor.org)]
    owners = [(org.id, t.of(org.name)) for org in orgs]
    return joined(
        box(
            t("resources.id"),
            input_(name="id", required=True, placeholder="990100/dept/name"),
            hint=t("resources.id_hint"),
            required=True,
        ),
        div(part(ask, "title.zh", required=True), part(ask, "title.en", required=True), c="pair"),
        div(part(ask, "summary.zh"), part(ask, "summary.en"), c="pair"),
        div(pick(t.name("field", "owner"), "owner", owners, ask.actor.org), domain(t, ""), c="pair"),
        div(
            pick(t("catalog.frequency"), "frequency", [(name, t.name("frequency", name)) for name in FREQUENCIES], "monthly"),
            pick(t("catalog.origin"), "origin", [(name, t.name("origin", name)) for name in ORIGINS], "own"),
            c="pair",
        ),
        div(part(ask, "collector"), part(ask, "contract"), c="pair"),
        div(part(ask, "interpreter.person"), part(ask, "interpreter.contact"), c="pair"),
        box(
            t("resources.items"),
            textarea(name="items", rows=6, required=True),
            hint=t("resources.items_hint", kinds=t.listed(t.name("sensitivity", kind) for kind in SENSITIVITIES)),
            required=True,
        ),
        secrecy_check(ask),
    )


def box(words: str, control: Safe, *, hint: str = "", required: bool = False) -> Safe:
    return label(span(words, forms.STAR if required else None), control, span(hint, c="hint") if hint else None)


def secrecy_check(ask: Ask) -> Safe:
    """The check for secrets an entry needs before it may be registered; whoever ticks it signs for it with their own name."""
    tick = input_(type_="checkbox", name="secrecy_checked_by", value=ask.actor.person)
    return div(label(tick, span(ask.t("resources.secrecy_check")), c="check"), span(ask.t("resources.secrecy_hint"), c="hint"))


def lacking(t: Words, entry: Resource) -> Safe | None:
    """What an entry lacks before it may be registered; nothing where it is whole."""
    missing = incomplete(entry)
    chips = div([chip(t.lack(name), "warn") for name in missing], c="row")
    return card(t("catalog.gaps"), p(t("catalog.gaps_lead")), chips) if missing else None


def part(ask: Ask, name: str, *, required: bool = False) -> Safe:
    return box(ask.t(f"resources.{name.replace('.', '_')}"), input_(name=name, required=required), required=required)


def domain(t: Words, chosen: str) -> Safe:
    """The fields of work entries are sorted by, by name; one that is not among them stays as it was stated."""
    found = {chosen: t.name("domain", chosen)} if chosen else {}
    for code, word in t.area("ui_domain").items():
        if word not in found.values():
            found[code] = word
    return pick(t("resources.domain"), "domain", [("", ""), *found.items()], chosen)


def pick(words: str, name: str, choices: Iterable[tuple[str, str]], chosen: str) -> Safe:
    cells: list[Child] = [option(word, value=value, selected=value == chosen) for value, word in choices]
    return box(words, select(*cells, name=name))


def enter(ask: Ask, sent: Form) -> Outcome:
    """Add the entry and go to it. Raises: Invalid("resources.item_line"), and what the catalog refuses with."""
    entry = ask.hub.catalog.add(ask.actor, described(sent, ask.lang))
    return Outcome(ask.t("resources.added"), goto=link(ask.lang, f"/govern/resources/{entry.id}"))


def described(sent: Form, lang: str) -> dict[str, Any]:
    """The entry a sent sheet describes; what was left empty is left out."""
    said = {name: str(value).strip() for name, value in sent.items() if str(value).strip()}
    entry: dict[str, Any] = {name: value for name, value in said.items() if "." not in name and name != "items"}
    for whole in PARTED:
        parts = {name.partition(".")[2]: value for name, value in said.items() if name.startswith(f"{whole}.")}
        entry |= {whole: parts} if parts else {}
    entry["region"] = said.get("id", "").partition("/")[0]
    entry["items"] = [item_of(line, lang) for line in said.get("items", "").splitlines() if line.strip()]
    return entry


def item_of(line: str, lang: str) -> Mapping[str, Any]:
    """`年龄 int 个人信息 周岁`: name, type, sensitivity (its word or its code) and meaning. Raises: Invalid("resources.item_line")."""
    name, dtype, rest = (*line.split(None, 2), "", "", "")[:3]
    for code in SENSITIVITIES:
        for word in (*(Words(spoken).name("sensitivity", code) for spoken in LANGS), code):
            meaning = rest[len(word) :].strip()
            if meaning and rest.casefold().startswith(f"{word} "):
                return {"name": name, "dtype": dtype, "sensitivity": code, "meaning": {lang: meaning}}
    raise Invalid("resources.item_line", line=line.strip()[:80], kinds=", ".join(SENSITIVITIES))
