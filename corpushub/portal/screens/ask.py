"""Ask for data: one box, what it was read as, ranked matches with reasons at once; what is missing becomes a demand with clocks."""

from __future__ import annotations

from dataclasses import asdict

from corpushub.base.errors import HubError
from corpushub.domain.flows import flow_named
from corpushub.domain.workflow import Case
from corpushub.portal import casework, choices, forms, matches
from corpushub.portal.board import PER_PAGE, Board, further, table
from corpushub.portal.html import Child, Safe, button, div, form, input_, joined, p, textarea
from corpushub.portal.pages import Ask, Form, Outcome, Page, Screen, link
from corpushub.portal.parts import card, chip, empty, heading, refusal
from corpushub.services.matching import DESK

EXAMPLES = 3


def show(ask: Ask) -> Page:
    t = ask.t
    words = ask.query.get("text", "").strip()
    way = (
        button(t("ask.submit"), type_="button", c="btn primary", data_sheet="sheet-open-demand", data_key="n")
        if casework.may_open(ask, "demand")
        else None
    )
    body = joined(
        heading(t("ask.title"), lead=t("ask.lead"), actions=way),
        box(ask, words),
        div(found(ask, words) if words else mine(ask), data_part="found"),
        sheet(ask, words),
    )
    return Page(t("ask.title"), body)


def box(ask: Ask, words: str) -> Safe:
    t = ask.t
    return form(
        textarea(
            words,
            name="text",
            rows=3,
            placeholder=t("ask.placeholder"),
            aria_label=t("ask.title"),
            maxlength=1500,
            autofocus=not words,
        ),
        input_(type_="hidden", name="without", value=ask.query.get("without") or None),
        div(
            *[chip_link(ask, t(f"ask.example_{number}")) for number in range(1, EXAMPLES + 1)] if not words else [],
            button(t("ask.find"), type_="submit", c="btn"),
            c="row ask-tools",
        ),
        action=link(ask.lang, "/demand/ask"),
        method="get",
        data_live=True,
        c="ask-box",
    )


def chip_link(ask: Ask, words: str) -> Safe:
    from corpushub.portal.html import a

    return a(chip(words), href=link(ask.lang, "/demand/ask", text=words))


def found(ask: Ask, words: str) -> Safe:
    gone = taken_away(ask)
    try:
        result = ask.hub.matching.search(ask.actor, words, without=gone)
    except HubError as error:
        return refusal(ask.t, error)
    told = asdict(result) | {"demand": result.demand.to_json()}
    return div(matches.chips(ask, told["demand"], gone), matches.view(ask, told), c="stack")


def taken_away(ask: Ask) -> tuple[str, ...]:
    """Kinds of chips the reader clicked away."""
    return tuple(name for name in ask.query.get("without", "").split(",") if name)


def mine(ask: Ask) -> Safe:
    """Demands of the reader's organisation, with their clocks."""
    t = ask.t
    page = ask.hub.cases.list(ask.actor, flow="demand", mine=True, limit=PER_PAGE, cursor=ask.query.get("after") or None)
    if not page.items:
        return empty(t("ask.no_demands"), t("ask.no_demands_next"))
    tasks = ask.hub.cases.waiting(ask.actor, page.items)
    return joined(card(t("ask.mine"), table(ask, page.items, tasks), c="flush"), further(ask, page.cursor))


def sheet(ask: Ask, words: str) -> Safe | None:
    if not casework.may_open(ask, "demand"):
        return None
    fields = tuple(item for item in flow_named("demand").opening.fields if item.name not in {"parsed", "copied_from"})
    given = forms.Given(choices.all_of(ask, fields), {"text": words, "title": words[:30]})
    return forms.open_sheet(ask, "demand", ask.t("ask.submit"), fields, given)


def open_and_submit(ask: Ask, sent: Form) -> Outcome:
    """A demand is opened, submitted and matched in one go: nobody has to find a second button."""
    data = forms.answers(sent, flow_named("demand").opening.fields)
    if gone := taken_away(ask):
        data["parsed"] = {"without": list(gone)}
    case = ask.hub.cases.open(ask.actor, "demand", data)
    case = ask.hub.cases.execute(ask.actor, case.id, "submit")
    ask.hub.matching.match(ask.actor, case.id)
    return Outcome(ask.t("ask.submitted"), goto=casework.href_of(ask, case))


def evidence(ask: Ask, case: Case) -> Child:
    """What was matched to the demand, and whether it should be made to order."""
    t = ask.t
    try:
        kept = ask.hub.matching.kept(ask.actor, case.id)
    except HubError:
        kept = None
    again = button(t("ask.match_again"), type_="button", c="btn small", data_act="match", data_form=f'{{"case": "{case.id}"}}')
    shown = matches.view(ask, kept) if kept else p(t("ask.not_matched"), c="quiet")
    return [order_note(ask, case), card(t("ask.matches"), shown, aside=again)]


def order_note(ask: Ask, case: Case) -> Safe | None:
    """Why the demand should be made to order, and who could supply it; told to those who work the desk."""
    t = ask.t
    if not casework.is_running(case) or not ask.actor.has(*DESK):
        return None
    unmet = ask.hub.matching.unmet(ask.actor, case.id)
    if unmet is None:
        return None
    holders = t.listed(casework.org_name(ask, name) for name in unmet.holders)
    reasons = t.listed(t.name("unmet", name) for name in unmet.reasons)
    return div(t("ask.unmet", reasons=reasons), " ", t("ask.holders", holders=holders) if holders else None, c="note warn")


def match(ask: Ask, sent: Form) -> Outcome:
    ask.hub.matching.match(ask.actor, str(sent.get("case", "")))
    return Outcome(ask.t("ask.matched"))


BOARD = Board("ask", "/demand/ask", ("demand",), evidence, hidden=frozenset({"parsed"}))
SCREENS = (
    Screen("/demand/ask", "ask", show, {**casework.ACTS, "open": open_and_submit}),
    Screen("/demand/ask/{case}", "ask", BOARD.show, {**casework.ACTS, "match": match}),
)
