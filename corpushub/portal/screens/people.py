"""People and organisations: who belongs where and holds which seat; keepers add them, give and end seats (articles 9 and 14)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from corpushub.base.errors import NotFound
from corpushub.base.identity import business_day
from corpushub.domain.form import Field, read_form
from corpushub.domain.parties import Binding, Org, OrgKind, Person, Role
from corpushub.portal import casework, forms
from corpushub.portal.html import Child, Safe, a, b, button, div, form, input_, joined, label, p, span
from corpushub.portal.pages import Ask, Form, Outcome, Page, Screen, link
from corpushub.portal.parts import card, chip, empty, facts, grid, heading
from corpushub.services.parties import KEEPERS

PATH = "/home/people"
SEATS = tuple(role.value for role in Role if role is not Role.SYSTEM)
PERSON = (
    Field("login"),
    Field("name"),
    Field("org", "org"),
    Field("roles", "choices", required=False, choices=SEATS),
    Field("valid_to", "date", required=False),
)
ORG = (
    Field("id"),
    Field("name_zh"),
    Field("name_en", required=False),
    Field("credit_code"),
    Field("kind", "choice", choices=tuple(OrgKind)),
    Field("region"),
    Field("parent_org", "org", required=False),
    Field("state_assets", "bool", required=False),
)
SEAT = (Field("role", "choice", choices=SEATS), Field("valid_to", "date", required=False))


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form behind a button: the act it sends, and what it asks."""

    act: str
    fields: Sequence[Field]

    def shown(self, ask: Ask, preset: dict[str, str] | None = None) -> tuple[Safe, Safe]:
        name = ask.t(f"people.{self.act}")
        way = button(name, type_="button", c="btn", data_sheet=f"sheet-{self.act}")
        given = forms.Given(choices(ask), preset or {})
        return way, forms.dialog_of(
            ask, f"sheet-{self.act}", name, self.act, joined(*[forms.control(ask.t, item, given) for item in self.fields])
        )


def choices(ask: Ask) -> forms.Choices:
    t = ask.t
    seats = [(name, t.name("role", name)) for name in SEATS]
    return {
        "org": [(org.id, t.of(org.name)) for org in ask.hub.parties.orgs()],  # by the fields' kind
        "roles": seats,
        "role": seats,
        "kind": [(kind.value, t.name("org_kind", kind.value)) for kind in OrgKind],
    }


def keeps(ask: Ask) -> bool:
    return ask.actor.has(*KEEPERS)


def listing(ask: Ask) -> Page:
    """Every organisation, with how many of its people the reader may see."""
    t = ask.t
    counts = Counter(person.org for person in ask.hub.parties.people(ask.actor) if person.state == "active")
    own_first = sorted(ask.hub.parties.orgs(), key=lambda org: org.id != ask.actor.org)
    sheets = (
        [Sheet("add_person", PERSON).shown(ask, {"org": ask.actor.org}), Sheet("add_org", ORG).shown(ask)] if keeps(ask) else []
    )
    rows = [org_row(ask, org, counts[org.id]) for org in own_first]
    heads = [t("people.org"), t("people.kind"), t.name("field", "region"), t("people.credit_code"), t("people.people")]
    body = joined(
        heading(
            t("people.title"), lead=t("people.lead" if keeps(ask) else "people.lead_own"), actions=[way for way, _ in sheets]
        ),
        card(None, grid(heads, rows, numeric=(4,), links=[place(ask, org.id) for org in own_first]), c="flush"),
        *[sheet for _, sheet in sheets],
    )
    return Page(t("people.title"), body)


def place(ask: Ask, org: str, person: str = "") -> str:
    return link(ask.lang, f"{PATH}/{org}/{person}" if person else f"{PATH}/{org}")


def org_row(ask: Ask, org: Org, people: int) -> list[Child]:
    t = ask.t
    mine = chip(t("people.own"), "info") if org.id == ask.actor.org else None
    return [
        div(span(a(t.of(org.name), href=place(ask, org.id)), mine, c="row"), div(org.id, c="mono quiet small")),
        t.name("org_kind", org.kind.value),
        span(t.region(org.region), title=org.region),
        span(org.credit_code, c="mono"),
        str(people) if people else span("–", c="quiet"),
    ]


def org_page(ask: Ask) -> Page:
    t = ask.t
    org = ask.hub.parties.org(ask.params["org"])
    people = [person for person in ask.hub.parties.people(ask.actor, org.id) if person.org == org.id]
    way, sheet = Sheet("add_person", PERSON).shown(ask, {"org": org.id}) if keeps(ask) else (None, None)
    about: list[tuple[Child, Child]] = [
        (t("people.kind"), t.name("org_kind", org.kind.value)),
        (t("people.credit_code"), span(org.credit_code, c="mono")),
        (t.name("field", "region"), span(t.region(org.region), title=org.region)),
        (t.name("field", "parent_org"), casework.org_name(ask, org.parent)),
        (t.name("field", "state_assets"), t("portal.yes") if org.state_assets else None),
    ]
    rows = [person_row(ask, person) for person in people]
    heads = [t("people.person"), t("account.seats"), t("board.state")]
    none = empty(t("people.nobody"), t("people.nobody_next" if keeps(ask) else "people.not_shown"))
    shown = grid(heads, rows, links=[place(ask, org.id, person.id) for person in people]) if people else none
    body = joined(
        heading(
            t.of(org.name), lead=org.id, actions=way, crumbs=[(t("people.title"), link(ask.lang, PATH)), (org.id, ask.href())]
        ),
        div(card(t("people.people"), shown, c="flush"), card(t("people.about"), facts(about)), c="two"),
        sheet,
    )
    return Page(t.of(org.name), body)


def person_row(ask: Ask, person: Person) -> list[Child]:
    t = ask.t
    seats = [chip(t.name("role", seat.role.value), "info") for seat in held(ask, person)]
    return [
        div(
            a(person.name or t("people.forgotten"), href=place(ask, person.org, person.id)), div(person.id, c="mono quiet small")
        ),
        span(*seats, c="row") if seats else span(t("people.no_seat"), c="quiet"),
        state_of(ask, person),
    ]


def state_of(ask: Ask, person: Person) -> Safe:
    here = person.state == "active"
    return chip(ask.t("people.here" if here else "people.departed"), "good" if here else "quiet")


def held(ask: Ask, person: Person) -> list[Binding]:
    """Seats that hold today."""
    if person.state != "active":
        return []
    day = business_day(ask.hub.clock())
    return [seat for seat in ask.hub.parties.seats(person.id) if seat.holds_on(day)]


def person_of(ask: Ask) -> Person:
    """Raises: NotFound("party.unknown_person"), also for people the reader may not see."""
    wanted = ask.params["person"]
    found = next((person for person in ask.hub.parties.people(ask.actor, ask.params["org"]) if person.id == wanted), None)
    if found is None:
        raise NotFound("party.unknown_person", person=wanted)
    return found


def person_page(ask: Ask) -> Page:
    t = ask.t
    person = person_of(ask)
    org = casework.org_name(ask, person.org)
    keeper = keeps(ask) and person.id != ask.actor.person
    active = person.state == "active"
    give = Sheet("seat", SEAT).shown(ask) if keeper and active else (None, None)
    leave = leaving(ask, "depart" if active else "forget", person) if keeper and (active or person.name) else (None, None)
    name = person.name or t("people.forgotten")
    body = joined(
        heading(
            name,
            lead=f"{person.id} · {org}",
            actions=[state_of(ask, person), give[0], leave[0]],
            crumbs=[(t("people.title"), link(ask.lang, PATH)), (org, place(ask, person.org)), (person.id, ask.href())],
        ),
        div(
            card(t("account.seats"), seat_table(ask, person, keeper=keeper), aside=t("people.seats_note"), c="flush"),
            card(t("people.signing"), signing(ask, keeper=keeper and active)),
            c="two",
        ),
        give[1],
        leave[1],
    )
    return Page(name, body)


def seat_table(ask: Ask, person: Person, *, keeper: bool) -> Safe:
    """All seats the person ever held, those that hold today with the button that ends them."""
    t = ask.t
    day = business_day(ask.hub.clock())
    rows: list[list[Child]] = []
    for seat in ask.hub.parties.seats(person.id):
        holds = seat.holds_on(day) and person.state == "active"
        data = json.dumps({"role": seat.role.value})
        end = button(t("people.unseat"), type_="button", c="btn small bad", data_act="unseat", data_form=data)
        rows.append([
            b(t.name("role", seat.role.value)), seat.valid_from, seat.valid_to or t("people.open_end"),
            chip(t("people.holds"), "good") if holds else chip(t("people.over"), "quiet"), end if holds and keeper else None,
        ])  # fmt: skip
    heads = [t("people.seat_word"), t("people.since"), t("people.until"), t("board.state"), t("board.yours")]
    return grid(heads, rows) if rows else empty(t("people.no_seat"), t("people.no_seat_next"))


def signing(ask: Ask, *, keeper: bool) -> Safe:
    """A first or new password, from an administrator's hand; everybody else changes their own."""
    t = ask.t
    if not (keeper and ask.actor.has(Role.ADMIN)):
        return p(t("people.signing_by_admin"), c="quiet")
    box = label(span(t("account.new")), input_(type_="password", name="password", required=True, autocomplete="new-password"))
    send = div(button(t("people.password"), type_="submit", c="btn"))
    return joined(p(t("people.signing_lead"), c="quiet"), form(box, send, data_act="password", c="fields"))


def leaving(ask: Ask, act: str, person: Person) -> tuple[Safe, Safe]:
    """The button that ends somebody's part here, or forgets them, and the sheet that says what follows."""
    name = ask.t(f"people.{act}")
    way = button(name, type_="button", c="btn bad", data_sheet=f"sheet-{act}")
    return way, forms.dialog_of(ask, f"sheet-{act}", name, act, div(ask.t(f"people.{act}_means", name=person.name), c="note"))


def add_person(ask: Ask, sent: Form) -> Outcome:
    given = dict(read_form(PERSON, forms.answers(listed(sent, "roles"), PERSON)))
    made = ask.hub.parties.add_person(ask.actor, id=given.pop("login"), **given)
    return Outcome(ask.t("people.added", name=made.name), goto=place(ask, made.org, made.id))


def listed(sent: Form, name: str) -> Form:
    """One ticked box comes as a word, several as a list."""
    value = sent.get(name)
    return {**sent, name: [value]} if isinstance(value, str) and value else sent


def add_org(ask: Ask, sent: Form) -> Outcome:
    given = dict(read_form(ORG, forms.answers(sent, ORG)))
    zh = given.pop("name_zh")
    name = {"zh": zh, "en": given.pop("name_en", zh)}
    made = ask.hub.parties.add_org(ask.actor, name=name, parent=given.pop("parent_org", ""), **given)
    return Outcome(ask.t("people.added", name=ask.t.of(made.name)), goto=place(ask, made.id))


def seat(ask: Ask, sent: Form) -> Outcome:
    given = read_form(SEAT, forms.answers(sent, SEAT))
    ask.hub.parties.bind(ask.actor, ask.params["person"], given["role"], valid_to=given.get("valid_to", ""))
    return Outcome(ask.t("people.seated", seat=ask.t.name("role", given["role"])))


def unseat(ask: Ask, sent: Form) -> Outcome:
    ask.hub.parties.unbind(ask.actor, ask.params["person"], str(sent.get("role", "")))
    return Outcome(ask.t("people.unseated", seat=ask.t.name("role", str(sent.get("role", "")))))


def depart(ask: Ask, _: Form) -> Outcome:
    ask.hub.parties.depart(ask.actor, ask.params["person"])
    return Outcome(ask.t("people.gone"))


def forget(ask: Ask, _: Form) -> Outcome:
    ask.hub.parties.forget(ask.actor, ask.params["person"])
    return Outcome(ask.t("people.erased"))


def password(ask: Ask, sent: Form) -> Outcome:
    ask.hub.accounts.set_password(ask.actor, ask.params["person"], str(sent.get("password", "")))
    return Outcome(ask.t("people.password_set"))


SCREENS = (
    Screen(PATH, "people", listing, {"add_person": add_person, "add_org": add_org}),
    Screen(f"{PATH}/{{org}}", "people", org_page, {"add_person": add_person}),
    Screen(
        f"{PATH}/{{org}}/{{person}}",
        "people",
        person_page,
        {"seat": seat, "unseat": unseat, "depart": depart, "forget": forget, "password": password},
    ),
)
