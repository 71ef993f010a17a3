"""The curator's word on columns that read like attributes of people: what the gate on personal information (PII-01) asks before a release."""

from __future__ import annotations

from collections.abc import Sequence

from corpushub.base.errors import Problem
from corpushub.portal.html import (
    Child,
    Safe,
    a,
    b,
    button,
    code,
    details,
    div,
    fieldset,
    form,
    input_,
    label,
    legend,
    p,
    span,
    summary,
)
from corpushub.portal.pages import Ask, Form, Outcome, Words, link
from corpushub.portal.parts import card, chip, empty
from corpushub.services.builds import BuildRecord

ROLES = ("quasi", "sensitive", "insensitive")
SETTLED_BY_VALUES = 50  # percent of values that read like an identifier: from there on a role is no answer


def roles_card(ask: Ask, record: BuildRecord, problems: Sequence[Problem]) -> Safe:
    """A question for each column nobody confirmed; the answers are written into the recipe."""
    t = ask.t
    title = t("studio.people")
    if not problems:
        return card(title, empty(t("studio.people_none"), t("studio.people_none_next")), aside=chip(t("studio.right"), "good"))
    by_role = [problem for problem in problems if is_settled_by_role(problem)]
    not_by_role = [problem for problem in problems if not is_settled_by_role(problem)]
    what = details(
        summary(t("studio.people_what")),
        *[p(b(t.name("role", role)), " ", t(f"studio.people_{role}")) for role in ROLES],
        c="fold",
    )
    ask_form = form(
        *[question(ask, record, problem) for problem in by_role],
        div(button(t("studio.people_write"), type_="submit", c="btn primary")),
        data_act="roles",
        c="stack",
    )
    edit = a(t("studio.people_edit"), href=link(ask.lang, f"/make/studio/{name_of(record)}"), c="btn small")
    return card(
        title,
        p(t("studio.people_lead")),
        what if by_role else None,
        ask_form if by_role else None,
        *[div(problem.explain(ask.lang), c="note bad") for problem in not_by_role],
        edit if not_by_role else None,
        aside=chip(t("studio.people_count", count=len(problems)), "bad"),
    )


def question(ask: Ask, record: BuildRecord, problem: Problem) -> Safe:
    """One column: what it is, why it is asked about, and the roles it may have; the proposal is not chosen beforehand."""
    t, column = ask.t, str(problem.facts["column"])
    told = next((item.description for item in record.recipe.contract.columns if item.name == column), {})
    proposed = str(problem.facts.get("role", ""))
    cells = [
        label(
            input_(type_="radio", name=column, value=role),
            span(t.name("role", role)),
            chip(t("studio.people_proposed"), "info") if role == proposed else None,
            c="check",
        )
        for role in ROLES
    ]
    words: list[Child] = [code(column), " ", t.of(told)]
    return fieldset(legend(words), p(reason(t, problem), c="small quiet"), div(*cells, c="row wide-gap"), c="field")


def reason(t: Words, problem: Problem) -> str:
    """Why the column is asked about: what its values or its header read like."""
    evidence = str(problem.facts.get("evidence") or problem.facts.get("entity") or "")
    word = t.name("entity", evidence)
    return t("studio.people_values", what=word) if word != evidence.replace("_", " ") else t("studio.people_header")


def is_settled_by_role(problem: Problem) -> bool:
    """A guess from the header is settled by a role; values that are identifiers are scrubbed, kept with a ground, or dropped."""
    return problem.code == "pii.unconfirmed_role" or int(str(problem.facts.get("share", 100))) < SETTLED_BY_VALUES


def name_of(record: BuildRecord) -> str:
    return record.recipe.name.removesuffix(".yaml")


def confirm(ask: Ask, sent: Form) -> Outcome:
    """Write the answers into the recipe's draft; it is built anew before it is proposed."""
    roles = {column: str(role) for column, role in sent.items() if role in ROLES}
    name = ask.hub.studio.confirm_roles(ask.actor, ask.params["build"], roles)
    return Outcome(ask.t("studio.people_written", count=len(roles)), goto=link(ask.lang, f"/make/studio/{name}"))
