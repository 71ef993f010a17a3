"""Account: who I am here, where I am signed in, a new password, sign out everywhere."""

from __future__ import annotations

from collections.abc import Sequence

from corpushub.base.errors import Invalid
from corpushub.portal import casework
from corpushub.portal.html import Safe, button, div, form, input_, joined, label, option, p, select, span
from corpushub.portal.pages import Ask, Form, Outcome, Page, Screen
from corpushub.portal.parts import card, chip, facts, grid, heading, moment
from corpushub.store.accounts import Session


def view(ask: Ask, sessions: Sequence[Session], org: str) -> Safe:
    t = ask.t
    me = facts(
        [
            (t("account.person"), f"{ask.actor.name} ({ask.actor.person})"),
            (t("account.org"), org),
            (t("account.seats"), div([chip(t.name("role", role), "info") for role in sorted(ask.actor.roles)], c="row")),
        ]
    )
    rows = [
        [
            span(browser_of(item.agent) or "–", title=item.agent),
            t.name("method", item.method),
            moment(t, item.created_at),
            moment(t, item.expires_at),
        ]
        for item in sessions
    ]
    heads = [t("account.agent"), t("account.method"), t("account.since"), t("account.until")]
    out = button(t("account.everywhere"), type_="button", c="btn bad small", data_act="sign_out_everywhere", data_form="{}")
    return joined(
        heading(t("account.title"), lead=t("account.lead")),
        div(card(t("account.me"), me), card(t("account.change"), password_form(ask)), c="halves"),
        card(t("account.interests"), interests(ask), aside=t("account.interests_note")),
        card(t("account.sessions"), grid(heads, rows), aside=out),
    )


def interests(ask: Ask) -> Safe:
    """What the reader has declared, and the form that declares more (article 16): whoever has an interest stands aside from decisions."""
    t = ask.t
    mine = [row for row in ask.hub.parties.conflicts(ask.actor) if row["person"] == ask.actor.person]
    rows = [
        [casework.org_name(ask, str(row["org"])), str(row["kind"]), str(row.get("ended") or t("account.stands"))] for row in mine
    ]
    others = [option(t.of(org.name), value=org.id) for org in ask.hub.parties.orgs() if org.id != ask.actor.org]
    boxes = (
        label(span(t("account.org")), select(option("", value=""), *others, name="org", required=True)),
        label(
            span(t("account.interest")), input_(name="kind", required=True, maxlength=80, placeholder=t("account.interest_hint"))
        ),
        label(span(t("account.ended")), input_(type_="date", name="ended")),
    )
    heads = [t("account.org"), t("account.interest"), t("account.ended")]
    send = div(button(t("account.declare"), type_="submit", c="btn"))
    return joined(
        grid(heads, rows) if rows else p(t("account.no_interests"), c="quiet"),
        form(div(*boxes, c="thirds"), send, data_act="declare", c="fields"),
    )


def declare(ask: Ask, sent: Form) -> Outcome:
    """Declare an interest of one's own. Raises: Invalid("account.interest_wanted"), and what the register refuses with."""
    org, kind = str(sent.get("org", "")), str(sent.get("kind", "")).strip()
    if not org or not kind:
        raise Invalid("account.interest_wanted")
    ask.hub.parties.declare_conflict(ask.actor, person=ask.actor.person, org=org, kind=kind, ended=str(sent.get("ended", "")))
    return Outcome(ask.t("account.declared", org=casework.org_name(ask, org)))


BROWSERS = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("Windows", "Windows"), ("Mac OS X", "macOS"), ("Linux", "Linux"))


def browser_of(agent: str) -> str:
    """`Chrome · Linux` of a long user agent; its beginning where nothing is known of it."""
    names = [next((name for part, name in table if part in agent), "") for table in (BROWSERS, SYSTEMS)]
    return " · ".join(name for name in names if name) or agent[:40]


def password_form(ask: Ask) -> Safe:
    t = ask.t
    boxes = [
        label(span(t(f"account.{name}")), input_(type_="password", name=name, required=True, autocomplete=hint))
        for name, hint in (("old", "current-password"), ("new", "new-password"), ("again", "new-password"))
    ]
    return form(*boxes, div(button(t("account.change"), type_="submit", c="btn primary")), data_act="change_password", c="fields")


def show(ask: Ask) -> Page:
    sessions = ask.hub.accounts.sessions(ask.actor)
    return Page(ask.t("account.title"), view(ask, sessions, casework.org_name(ask, ask.actor.org)))


def change_password(ask: Ask, sent: Form) -> Outcome:
    """Raises: Invalid("account.not_same"), and what the accounts service refuses with."""
    if sent.get("new") != sent.get("again"):
        raise Invalid("account.not_same")
    ask.hub.accounts.change_password(ask.actor, str(sent.get("old", "")), str(sent.get("new", "")))
    return Outcome(ask.t("account.changed"), goto="/signin")


def sign_out_everywhere(ask: Ask, _: Form) -> Outcome:
    ask.hub.accounts.sign_out_everywhere(ask.actor)
    return Outcome(ask.t("account.gone"), goto="/signin")


SCREENS = (
    Screen(
        "/home/account",
        "account",
        show,
        {"change_password": change_password, "declare": declare, "sign_out_everywhere": sign_out_everywhere},
    ),
)
