"""What screens about cases share: where a case is shown, its title, the commands it offers, its trail, and the one act that gives a command."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from corpushub.base.errors import HubError, NotFound
from corpushub.base.messages import catalogue
from corpushub.domain.flows import flow_named, flows
from corpushub.domain.form import Field
from corpushub.domain.parties import Role
from corpushub.domain.workflow import Case, Event, is_standing
from corpushub.portal import forms
from corpushub.portal.areas import area_of
from corpushub.portal.html import Child, Safe, b, button, div, joined, kbd, span
from corpushub.portal.pages import Ask, Form, Outcome, Words, link
from corpushub.portal.parts import moment

PLACES: Mapping[str, str] = {
    "release": "/make/reviews",
    "access": "/demand/mine",
    "entitlement": "/demand/mine",
    "attestation": "/demand/mine",
    "output": "/demand/mine",
    "demand": "/demand/ask",
    "pool": "/demand/desk",
    "work_order": "/demand/orders",
    "registration": "/govern/registrations",
    "authorization": "/govern/authorizations",
    "zone": "/govern/authorizations",
    "delegation": "/govern/delegations",
    "price": "/govern/prices",
    "revenue": "/govern/prices",
    "objection": "/data/objections",
    "disclosure": "/data/disclosure",
    "incident": "/oversee/monitor",
}
OTHER = "/home/cases"
PUBLIC = "/data/disclosure"
DISCLOSED = frozenset({"authorization", "price", "plan_item", "share_item", "disclosure", "record"})  # shown there to anybody
OWN = {
    "implementer": Role.IMPLEMENTER,
    "operator": Role.OPERATOR,
    "owner": Role.PROVIDER,
}  # fields that name whoever opens the case
RESTATES = frozenset(
    {"approve", "change_members", "change_resources", "correct", "edit", "iterate", "propose", "resubmit", "shrink"}
)
"""Commands that say again what the case says: their sheets begin with it, so that nothing is lost that was not to be changed."""
SAID_ONCE = frozenset({"note", "reason"})
KEYS = {"approve": "a", "return": "r"}
STYLES = {
    "approve": "btn good",
    "reject": "btn bad",
    "publish": "btn primary",
    "quarantine": "btn bad",
    "withdraw": "btn bad",
    "submit": "btn primary",
}


def screen_of(ask: Ask, flow: str) -> str:
    """Path of a flow's screen; empty where it has none of its own, or none that the reader's seat opens."""
    base = PLACES.get(flow, "")
    area = area_of(link(ask.lang, base)) if base else None
    return base if area is not None and area.admits(ask.actor) else ""


def case_href(ask: Ask, flow: str, case_id: str) -> str:
    """Address of a case: on its flow's screen, else where any case is shown to who may see it."""
    otherwise = PUBLIC if ask.actor.is_anonymous and flow in DISCLOSED else OTHER
    return link(ask.lang, f"{screen_of(ask, flow) or otherwise}/{case_id}")


def is_running(case: Case) -> bool:
    """Does somebody still have to do something, other than use a power one always has?"""
    return runs(case.flow, case.state)


def running(flow: str) -> tuple[str, ...]:
    """The states of a flow in which `is_running` holds."""
    return tuple(state for state in flow_named(flow).states if runs(flow, state))


@cache
def runs(flow: str, state: str) -> bool:
    """`is_running` of any case of this flow in this state."""
    return any(
        state in row.sources and row.target not in {"", state} and not is_standing(row.command)
        for row in flow_named(flow).transitions
        if any(seat.role is not Role.SYSTEM for seat in row.by)
    )


def href_of(ask: Ask, case: Case) -> str:
    return case_href(ask, case.flow, case.id)


def title_of(ask: Ask, case: Case) -> str:
    """What the case is about, in the reader's language; its id where it says nothing better."""
    t, data = ask.t, case.data
    subject = t.of(data.get("title")) or t.of(data.get("name") if case.flow != "attribute" else None)
    if case.flow == "share_item":  # two duties may be about one entry; what each is for tells them apart
        subject = str(data["scenario"])
    if not subject:
        named = (
            data.get("product")
            or data.get("resource")
            or data.get("about")
            or data.get("dataset")
            or (data.get("resources") or [""])[0]
        )
        subject = subject_title(ask, str(named)) if named else ""
        others = len(data.get("resources") or ()) - 1
        if others > 0 and named == data["resources"][0]:
            subject = t("portal.and_others", first=subject, count=others + 1)
    subject = subject or str(data.get("text") or data.get("subject") or data.get("scenario") or "")[:60]
    version = f" v{data['version']}" if data.get("version") and case.flow == "release" else ""
    return f"{subject or case.id}{version}"


def subject_title(ask: Ask, name: str) -> str:
    """Title of what a case is about: a catalog entry (`990100/sfj/laws`) or a dataset (`yunzhou/laws`)."""
    return dataset_title(ask, name) if name.count("/") == 1 else resource_title(ask, name)


def dataset_title(ask: Ask, name: str) -> str:
    """Title of a dataset in the reader's language; its name where it is not the reader's to see."""

    def find() -> str:
        try:
            ask.hub.repositories.describe_new()  # a card that has just come out is read when its title is first asked for
            return localized(ask.t, str(ask.hub.repositories.get(ask.actor, name).facts.get("title") or "")) or name
        except HubError:
            return name

    return ask.once(f"dataset:{name}", find)


def localized(t: Words, title: str) -> str:
    """A card's `中文 · English` title in the reader's language."""
    parts = [part.strip() for part in title.split(" · ")]
    return parts[0] if t.lang == "zh" or len(parts) == 1 else parts[-1]


def resource_title(ask: Ask, name: str) -> str:
    """Title of a catalog entry; the name itself where it is none (a dataset) or not the reader's to see."""
    try:
        return ask.t.of(ask.hub.catalog.get(ask.actor, name).title) or name
    except HubError:
        return name


def flow_of(case_id: str) -> str:
    """The flow a case's id names by its prefix; empty where it names none."""
    return next((name for name, table in flows().items() if table.prefix == case_id.partition("-")[0]), "")


def title_by_id(ask: Ask, case_id: str) -> str:
    """Title of a case; empty where it is not the reader's to see."""
    try:
        return title_of(ask, ask.hub.cases.get(ask.actor, case_id))
    except HubError:
        return ""


def org_name(ask: Ask, org_id: str) -> str:
    """Name of an organisation; the id where it is not known (the system, an old record)."""

    def find() -> str:
        try:
            return ask.t.of(ask.hub.parties.org(org_id).name)
        except HubError:
            return ask.t.name("role", org_id)

    return ask.once(f"org:{org_id}", find) if org_id else ""


def person_name(ask: Ask, person_id: str) -> str:
    """Name of a person, for people who are signed in; others see the id."""
    if not person_id or ask.actor.is_anonymous:
        return person_id

    def find() -> str:
        try:
            return ask.hub.parties.person(person_id).name
        except HubError:
            return ask.t.name("role", person_id)

    return ask.once(f"person:{person_id}", find)


def commands(ask: Ask, case: Case, *, wanted: tuple[str, ...] = ()) -> tuple[forms.Command, ...]:
    """Commands the reader's seat covers now, `wanted` first; clock commands are nobody's button."""
    found: dict[str, forms.Command] = {}
    for item in ask.hub.cases.allowed(ask.actor, case.id):
        refusal = ask.t.explain(item.refusal) if item.refusal else ""
        known = found.get(item.command)
        if known is None or (known.refusal and not refusal):
            asked = {field.name for field in item.fields} - SAID_ONCE if item.command in RESTATES else ()
            stands = {name: case.data[name] for name in asked if name in case.data}
            follows = consequence(ask, case.flow, item.command)
            found[item.command] = forms.Command(item.command, case.id, item.fields, refusal, case.version, follows, stands)
    order = {name: index for index, name in enumerate(wanted)}
    return tuple(sorted(found.values(), key=by_order(order)))


def consequence(ask: Ask, flow: str, command: str) -> str:
    """What a command brings about beyond its own case, or for good; empty where it is only the next step."""
    key = f"consequence.{flow}.{command}"
    return ask.t(key) if key in catalogue(ask.lang) else ""


def by_order(order: Mapping[str, int]) -> Any:
    def key(item: forms.Command) -> tuple[int, bool]:
        return (order.get(item.name, len(order)), bool(item.refusal))

    return key


def give_command(ask: Ask, sent: Form) -> Outcome:
    """The act behind every command sheet: one service call, whatever the flow."""
    case_id, command = str(sent.get("case", "")), str(sent.get("command", ""))
    case = ask.hub.cases.get(ask.actor, case_id)
    fields = fields_of(case, command)
    version = str(sent.get("version", ""))
    data = forms.answers(sent, fields)
    expected = int(version) if version.isdecimal() else None
    after = ask.hub.cases.execute(ask.actor, case_id, command, data, expected_version=expected)
    if any(vote.person == ask.actor.person and vote.command == command for vote in after.votes):
        return Outcome(voice_counted(ask, after, command))
    return Outcome(ask.t("portal.done", command=ask.t.name("command", command)))


def voice_counted(ask: Ask, case: Case, command: str) -> str:
    """What a voice that is not the last one has done, and how many are wanting."""
    held = next(item for item in ask.hub.cases.allowed(ask.actor, case.id) if item.command == command)
    said = ask.t.name("command", command)
    return ask.t(
        "portal.voice_counted", command=said, people=max(held.missing_people, held.missing_orgs, len(held.missing_seats))
    )


def fields_of(case: Case, command: str) -> tuple[Field, ...]:
    """The form of a command in the case's state. Raises: NotFound("portal.no_act")."""
    rows = flow_named(case.flow).rows(command)
    here = [row for row in rows if case.state in row.sources] or list(rows)
    if not here:
        raise NotFound("portal.no_act")
    return here[0].fields


def open_case(ask: Ask, sent: Form) -> Outcome:
    """The act behind every opening sheet."""
    flow = str(sent.get("flow", ""))
    data = forms.answers(sent, flow_named(flow).opening.fields)
    case = ask.hub.cases.open(ask.actor, flow, data)
    waits = any(row.command == "submit" and case.state in row.sources for row in flow_named(flow).transitions)
    key = "portal.opened_draft" if waits else "portal.opened"
    return Outcome(ask.t(key, flow=ask.t.name("name", flow), command=ask.t.name("command", "submit")), goto=href_of(ask, case))


ACTS = {"command": give_command, "open": open_case}


def buttons(ask: Ask, acts: tuple[forms.Command, ...], choices: forms.Choices | None = None) -> tuple[Safe, Safe]:
    """Buttons of commands and their sheets; a refused one stays visible and says why."""
    t = ask.t
    cells = [
        button(
            t.name("command", act.name),
            kbd(KEYS[act.name]) if act.name in KEYS and not act.refusal else None,
            c=STYLES.get(act.name, "btn"),
            type_="button",
            aria_disabled="true" if act.refusal else None,
            title=act.refusal or None,
            data_why=act.refusal or None,
            data_sheet=None if act.refusal else f"sheet-{act.name}",
            data_key=KEYS.get(act.name),
        )
        for act in acts
    ]
    return joined(*cells), joined(*[forms.sheet(ask, act, choices) for act in acts if not act.refusal])


def history(ask: Ask, case: Case) -> list[tuple[Child, Child, Child]]:
    """The trail of a case, newest first: what, when, who, and the words given with it."""
    return [
        (
            b(event_name(ask.t, event)),
            span(moment(ask.t, event.at), " · ", who(ask, event)),
            str(event.data.get("reason") or event.data.get("note") or event.data.get("opinion") or "") or None,
        )
        for event in reversed(case.history)
    ]


def event_name(t: Words, event: Event) -> str:
    if event.name == "voted":
        return t("portal.voted", command=t.name("command", str(event.data.get("command", ""))))
    return t.name("event", event.name)


def who(ask: Ask, event: Event) -> str:
    person = person_name(ask, event.actor)
    org = org_name(ask, event.org) if event.org not in {"", "system"} else ""
    return f"{person}（{org}）" if org and ask.lang == "zh" else f"{person} ({org})" if org else person


def sees(ask: Ask, *roles: Role) -> bool:
    return ask.actor.has(*roles)


def may_open(ask: Ask, flow: str) -> bool:
    """Does the reader's seat cover the opening of this flow? The sheet shows only then."""
    return flow in flows() and flow in ask.hub.cases.openable(ask.actor)


def opening(
    ask: Ask, flow: str, choices: forms.Choices | None = None, preset: Mapping[str, Any] | None = None
) -> tuple[Safe | None, Safe | None]:
    """The button that opens a new case and its sheet; nothing where the seat does not cover it. The sheet stands open at once for who came
    from what the case is to be about.
    """
    if not may_open(ask, flow):
        return None, None
    name = (
        ask.t(f"portal.open_{flow}")
        if f"portal.open_{flow}" in known_words(ask.t)
        else ask.t("portal.open_any", flow=ask.t.name("name", flow))
    )
    fields = flow_named(flow).opening.fields
    arrived = any(item.name in (preset or {}) for item in fields)
    way = button(name, type_="button", c="btn primary", data_sheet=f"sheet-open-{flow}", data_key="n", data_now=arrived)
    own = {name: ask.actor.org for name, role in OWN.items() if ask.actor.has(role)}
    start = {**own, **(preset or {})}
    return way, forms.open_sheet(ask, flow, name, fields, forms.Given(choices or {}, start))


def known_words(t: Words) -> Mapping[str, str]:
    from corpushub.base.messages import catalogue

    return catalogue(t.lang)


def note(tone: str, *words: Child) -> Safe:
    return div(*words, c=f"note {tone}".rstrip())
