"""A new entry of the catalog, asked for in one sheet: what it is, whose, where from, and each of its fields with its meaning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from corpushub.base.errors import Invalid
from corpushub.domain.catalog import FREQUENCIES, ORIGINS, SENSITIVITIES
from corpushub.domain.parties import Role
from corpushub.portal import forms
from corpushub.portal.html import Child, Safe, button, div, input_, joined, label, option, select, span, textarea
from corpushub.portal.pages import Ask, Form, Outcome, Words, link

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
        box(t("resources.id"), input_(name="id", required=True, placeholder="990100/dept/name"), hint=t("resources.id_hint")),
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
            hint=t("resources.items_hint", kinds=", ".join(SENSITIVITIES)),
        ),
    )


def box(words: str, control: Safe, *, hint: str = "") -> Safe:
    return label(span(words), control, span(hint, c="hint") if hint else None)


def part(ask: Ask, name: str, *, required: bool = False) -> Safe:
    return box(ask.t(f"resources.{name.replace('.', '_')}"), input_(name=name, required=required))


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
    """`age int personal 年龄`: name, type, sensitivity and meaning. Raises: Invalid("resources.item_line")."""
    parts = line.split(None, 3)
    if len(parts) < 4 or parts[2] not in SENSITIVITIES:
        raise Invalid("resources.item_line", line=line.strip()[:80], kinds=", ".join(SENSITIVITIES))
    name, dtype, sensitivity, meaning = parts
    return {"name": name, "dtype": dtype, "sensitivity": sensitivity, "meaning": {lang: meaning.strip()}}
