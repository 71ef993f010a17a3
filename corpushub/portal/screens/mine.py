"""My requests, grants and tokens: state, clock, conditions, renewal, reports of use (articles 4 to 7)."""

from __future__ import annotations

from collections.abc import Sequence

from corpushub.base.errors import Invalid
from corpushub.domain.flows import flow_named
from corpushub.domain.policy import PURPOSES
from corpushub.domain.workflow import Case
from corpushub.portal import casework, choices, cleanroom, compute, forms, recording
from corpushub.portal.board import Board, table
from corpushub.portal.html import Child, Safe, a, b, button, code, div, form, input_, joined, label, option, p, select, span
from corpushub.portal.pages import Ask, Form, Outcome, Page, Screen, link
from corpushub.portal.parts import card, chip, empty, grid, heading, moment, tabs
from corpushub.services.access import MAX_DAYS, SCOPES
from corpushub.store.tokens import Token

FLOWS = ("access", "entitlement", "attestation", "derived")
TABS = (*FLOWS, "compute", "cleanroom", "tokens")


def taking(ask: Ask, case: Case) -> Child:
    """The way to what a case has led to: a cleared output (also for whoever looks at it before), or a dataset that may be pulled."""
    if case.flow == "output":
        return compute.taking(ask, case)
    mine = ask.actor.org in {case.opened_org, case.data.get("holder")}
    return (
        pulling(ask, str(case.data["dataset"]), str(case.data["purpose"]))
        if mine and (case.flow, case.state) in PULLABLE
        else None
    )


def pulling(ask: Ask, dataset: str, purpose: str) -> Safe:
    """What comes after a grant: a token for its purpose, and the code that uses it."""
    t = ask.t
    ways = span(
        a(t("dataset.use"), href=link(ask.lang, f"/data/datasets/{dataset}", tab="use"), c="btn primary small"),
        a(t("mine.tokens"), href=link(ask.lang, "/demand/mine", tab="tokens", purpose=purpose), c="btn small"),
        c="row",
    )
    return card(t("mine.pull"), p(t("mine.pull_next"), c="quiet"), ways)


PULLABLE = {("access", "granted"), ("entitlement", "active")}
BOARD = Board("mine", "/demand/mine", (*FLOWS, "output"), taking)


def show(ask: Ask) -> Page:
    t = ask.t
    tab = ask.query.get("tab") if ask.query.get("tab") in TABS else "access"
    assert tab is not None
    preset = {"dataset": ask.query["request"]} if ask.query.get("request") else {}
    flow = flow_named("access")
    way = button(
        t("portal.open_access"),
        type_="button",
        c="btn primary",
        data_sheet="sheet-open-access",
        data_key="n",
        data_now=bool(preset),
    )
    given = forms.Given(choices.all_of(ask, flow.opening.fields), preset)
    sheet = forms.open_sheet(ask, "access", t("portal.open_access"), flow.opening.fields, given)
    words = [(name, t(f"mine.{name}") if name in SHOWN else t.name("name", name), None) for name in TABS]
    body = SHOWN[tab](ask) if tab in SHOWN else cases(ask, tab)
    return Page(
        t("mine.title"), joined(heading(t("mine.title"), lead=t("mine.lead"), actions=way), tabs(ask, words, tab), body, sheet)
    )


def cases(ask: Ask, flow: str) -> Safe:
    found = ask.hub.cases.list(ask.actor, flow=flow, limit=100).items
    mine = [
        case for case in found if ask.actor.org in {case.opened_org, case.data.get("holder")} or ask.actor.person in case.persons
    ]
    waiting = ask.hub.cases.waiting(ask.actor, found)
    shown = sorted({case.id: case for case in (*mine, *[case for case in found if case.id in waiting])}.values(), key=newest)
    return table(ask, shown, waiting) if shown else empty(ask.t(f"mine.none_{flow}"), ask.t("mine.none_next"))


def newest(case: Case) -> float:
    return -case.updated_at.timestamp()


def tokens(ask: Ask) -> Safe:
    t = ask.t
    held = ask.hub.access.tokens(ask.actor)
    return joined(
        div(id="secret", aria_live="polite"),
        div(
            card(t("mine.tokens"), token_table(ask, held), aside=t("mine.tokens_note")),
            card(t("mine.new_token"), token_form(ask)),
            c="two",
        ),
    )


def token_table(ask: Ask, held: Sequence[Token]) -> Safe:
    t = ask.t
    if not held:
        return empty(t("mine.no_tokens"), t("mine.no_tokens_next"))
    rows: list[Sequence[Child]] = []
    for token in held:
        state = chip(t("mine.revoked"), "bad") if token.revoked_at else chip(t("mine.live"), "good")
        end = button(
            t("mine.revoke"), type_="button", c="btn small bad", data_act="revoke", data_form=f'{{"token": "{token.id}"}}'
        )
        rows.append(
            [
                div(b(token.name), div(code(token.id[-12:]), c="quiet small")),
                span(*[chip(t(f"mine.scope_{scope}")) for scope in token.scopes], c="row"),
                t.name("choice", token.purpose) if token.purpose else "–",
                moment(t, token.expires_at, day=True),
                moment(t, token.used_at) if token.used_at else "–",
                state,
                None if token.revoked_at else end,
            ]
        )
    heads = [
        t("mine.name"),
        t("mine.scopes"),
        t.name("field", "purpose"),
        t("mine.expires"),
        t("mine.used"),
        t("board.state"),
        t("mine.end"),
    ]
    return grid(heads, rows)


def token_form(ask: Ask) -> Safe:
    t = ask.t
    granted = purposes(ask)
    chosen = ask.query.get("purpose") or next(iter(granted), "")
    told = t("mine.purpose_granted", purposes=t.listed(t.name("choice", name) for name in granted)) if granted else ""
    return form(
        label(span(t("mine.name")), input_(name="name", required=True, maxlength=80, placeholder=t("mine.name_hint"))),
        label(
            span(t.name("field", "purpose")),
            select(
                *[option(t.name("choice", name), value=name, selected=name == chosen) for name in PURPOSES],
                name="purpose",
            ),
            span(told or t("mine.purpose_hint"), c="hint"),
        ),
        label(span(t("mine.days")), input_(name="days", type_="number", value="90", min="1", max=str(MAX_DAYS))),
        div(
            *[
                label(
                    input_(type_="checkbox", name="scopes", value=name, checked=name == "read"),
                    span(t(f"mine.scope_{name}")),
                    c="check",
                )
                for name in SCOPES
            ]
        ),
        div(button(t("mine.make"), type_="submit", c="btn primary")),
        data_act="issue",
        c="fields",
    )


def purposes(ask: Ask) -> list[str]:
    """What the reader's organisation may use data for now; the newest grant's purpose first."""
    held = ask.hub.cases.list(ask.actor, flow="entitlement", states=("active", "expiring"), limit=100).items
    mine = sorted((case for case in held if case.data.get("holder") == ask.actor.org), key=newest)
    return list(dict.fromkeys(str(case.data["purpose"]) for case in mine))


def issue(ask: Ask, sent: Form) -> Outcome:
    """A new token; its secret is shown this once.

    Raises: Invalid("mine.days_whole"), and what the access service refuses with.
    """
    scopes = sent.get("scopes") or []
    days = str(sent.get("days", ""))
    if not days.isdecimal():
        raise Invalid("mine.days_whole")
    secret, _ = ask.hub.access.issue_token(
        ask.actor,
        name=str(sent.get("name", "")),
        scopes=tuple([scopes] if isinstance(scopes, str) else scopes),
        purpose=str(sent.get("purpose", "")),
        days=int(days),
    )
    t = ask.t
    shown = div(
        p(b(t("mine.secret_once"))),
        div(code(secret, c="secret"), button(t("portal.copy"), type_="button", c="btn small copy", data_copy=secret), c="row"),
        p(t("mine.secret_use"), " ", a(t("mine.reload"), href=link(ask.lang, "/demand/mine", tab="tokens"))),
        c="note good",
    )
    return Outcome(t("mine.made"), extra={"into": "secret", "html": str(shown)})


def revoke(ask: Ask, sent: Form) -> Outcome:
    ask.hub.access.revoke(ask.actor, str(sent.get("token", "")))
    return Outcome(ask.t("mine.gone"))


SHOWN = {"tokens": tokens, "compute": compute.show, "cleanroom": cleanroom.show}
ACTS = {
    **casework.ACTS,
    "issue": issue,
    "revoke": revoke,
    "file": recording.file,
    "run": compute.run,
    "question": cleanroom.ask_room,
    "open_room": cleanroom.open_room,
}
SCREENS = (
    Screen("/demand/mine", "mine", show, ACTS),
    Screen("/demand/mine/{case}", "mine", BOARD.show, casework.ACTS),
)
