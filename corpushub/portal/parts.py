"""What screens share: chips, tables, facts, meters, clocks, timelines, empty states, refusals, pages of a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from corpushub.base.errors import Conflict, HubError, Invalid, NotFound, Problem, Unavailable
from corpushub.domain.clocks import Reading
from corpushub.portal.areas import leads
from corpushub.portal.html import (
    Child,
    Safe,
    a,
    b,
    button,
    code,
    dd,
    div,
    dl,
    dt,
    form,
    h1,
    h2,
    h3,
    header,
    joined,
    label,
    li,
    nav,
    ol,
    option,
    p,
    section,
    select,
    span,
    table,
    tbody,
    td,
    th,
    thead,
    time,
    tr,
    ul,
)
from corpushub.portal.pages import Ask, Words
from corpushub.store.jobs import Job

Tone = Literal["", "good", "warn", "bad", "info", "quiet"]

GOOD = frozenset(
    {
        "active",
        "approved",
        "published",
        "released",
        "coded",
        "granted",
        "accepted",
        "closed",
        "delivered",
        "corrected",
        "effective",
        "done",
        "listed",
        "fulfilled",
        "resolved",
        "verified",
    }
)
BAD = frozenset(
    {
        "rejected",
        "refused",
        "withdrawn",
        "revoked",
        "expired",
        "suspended",
        "quarantined",
        "blocked",
        "failed",
        "void",
        "cancelled",
        "breached",
    }
)
WARN = frozenset(
    {
        "in_review",
        "submitted",
        "returned",
        "fix",
        "disputed",
        "notice",
        "decision",
        "expiring",
        "checking",
        "building",
        "gated",
        "matching",
        "running",
        "queued",
        "trial",
    }
)


def tone_of(state: str) -> Tone:
    """The colour family of a state; the word always stands beside it."""
    return "good" if state in GOOD else "bad" if state in BAD else "warn" if state in WARN else "quiet"


def chip(words: Child, tone: Tone = "", *, title: str = "") -> Safe:
    return span(words, c=f"chip {tone}".rstrip(), title=title or None)


def state_chip(t: Words, state: str) -> Safe:
    return chip(t.name("state", state), tone_of(state))


def reason_words(t: Words, reason: str) -> str:
    """Why a step dropped a row; some reasons end in the column or list they are about."""
    for start in ("not_date", "not_number", "wrong_code", "keyword"):
        if reason.startswith(f"{start}_"):
            return t(f"ui_reason.{start}", column=reason.removeprefix(f"{start}_"))
    kind = reason.split("_", 2)
    if kind[0] == "not" and len(kind) == 3 and kind[1] != "sampled":
        return t("ui_reason.not_kind", column=kind[2])
    return t.name("reason", reason)


def heading(title: str, *, lead: Child = None, actions: Child = None, crumbs: Sequence[tuple[str, str]] = ()) -> Safe:
    """The head of a screen: one h1, at most one line below, actions to the right, the way back above."""
    trail = div(*[span(a(word, href=href), c="crumb") for word, href in crumbs], c="crumbs") if crumbs else None
    return header(
        trail,
        div(
            div(h1(title), p(lead, c="lead") if lead else None, c="grow"),
            div(actions, c="actions") if actions else None,
            c="head-row",
        ),
        c="head",
    )


def card(title: Child, *children: Child, aside: Child = None, c: str = "", id_: str | None = None) -> Safe:
    top = header(h2(title), span(aside, c="aside") if aside else None, c="card-head") if title else None
    return section(top, *children, c=f"card {c}".rstrip(), id=id_)


def facts(pairs: Iterable[tuple[Child, Child]], *, c: str = "") -> Safe:
    """Name and value pairs; pairs without a value are left out."""
    return dl(*[joined(dt(begun(name)), dd(value)) for name, value in pairs if value not in (None, "")], c=f"facts {c}".rstrip())


def begun(name: Child) -> Child:
    """A heading begins with a capital, whatever word it is; markup (the name of a column, in code) is left as it is."""
    return name[:1].upper() + name[1:] if isinstance(name, str) and not isinstance(name, Safe) else name


def grid(
    heads: Sequence[Child],
    rows: Iterable[Sequence[Child]],
    *,
    numeric: Sequence[int] = (),
    c: str = "",
    links: Sequence[str] = (),
) -> Safe:
    """A table; columns in `numeric` are set right with tabular figures; `links` makes row i a link target for keyboard and mouse."""
    heads = [begun(head) for head in heads]
    kind = ["num" if index in numeric else None for index in range(len(heads))]
    labels = [head if index and isinstance(head, str) else None for index, head in enumerate(heads)]  # named again on a phone
    body = []
    for number, row in enumerate(rows):
        target = links[number] if number < len(links) else None
        cells = [td(cell, c=kind[index], data_label=labels[index]) for index, cell in enumerate(row)]
        body.append(tr(*cells, data_href=target))
    head = thead(tr(*[th(word, c=kind[index], scope="col") for index, word in enumerate(heads)]))
    return div(table(head, tbody(*body), c="grid"), c=f"scroll {c}".rstrip(), tabindex="0")


def empty(what: str, next_: Child = None) -> Safe:
    """Nothing here: says so, and what to do next."""
    return div(
        span(c="empty-mark", aria_hidden="true"), p(what, c="empty-what"), p(next_, c="empty-next") if next_ else None, c="empty"
    )


def way_to(ask: Ask, words: str, path: str, **query: str) -> Child:
    """Words that lead to a screen where the reader's navigation does; else the words alone: no way ends at a refusal."""
    return a(words, href=ask.href(path, **query)) if leads(ask.actor, path) else words


def number(value: float | None, *, digits: int = 0) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def figure(value: float | None) -> str:
    """A measured number as people write it: thousands apart, no exponent, no zeros at the end."""
    return "–" if value is None else f"{value:,.6f}".rstrip("0").rstrip(".")


SIGNS = {">=": "≥", "<=": "≤", "==": "="}


def bound(op: str, threshold: float) -> str:
    """What a measured number has to keep to: `≥ 10,000`."""
    return f"{SIGNS.get(op, op)} {figure(threshold)}"


def size(count: int | None) -> str:
    """Bytes for people: 4.1 MB."""
    amount = float(count or 0)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def compact(value: float) -> str:
    """12.3k, 4.5M: for places where the exact figure stands in the title."""
    for limit, unit in ((1_000_000_000, "B"), (1_000_000, "M"), (10_000, "k")):
        if abs(value) >= limit:
            return f"{value / (1000 if unit == 'k' else limit):.1f}{unit}"
    return f"{value:,.0f}"


def digest(value: str, *, length: int = 12) -> Safe:
    """A shortened digest that copies whole."""
    return button(code(value[:length]), c="copy digest", type_="button", data_copy=value, title=value) if value else Safe("–")


def moment(t: Words, at: datetime | str | None, *, day: bool = False) -> Safe:
    words = t.moment(at, day=day)
    return time(words, datetime=str(at)) if words else Safe("–")


def bar(share: float, *, tone: Tone = "", label: str = "") -> Safe:
    """A share of one as a bar; the figure stands beside it."""
    width = min(max(share, 0.0), 1.0) * 100
    return span(
        span(c=f"fill {tone}".rstrip(), style=f"width:{width:.1f}%"), c="bar", role="img", aria_label=label or f"{width:.0f}%"
    )


def reading(t: Words, clock: Reading | None, *, named: bool = False) -> Safe | None:
    """A clock in words and colour: working days left, paused, met or missed; the day it falls due in the title. `named`: which clock it is."""
    if clock is None:
        return None
    tones: dict[str, Tone] = {"green": "good", "amber": "warn", "red": "bad"}
    key = {"paused": "clock_paused", "met": "clock_met", "missed": "clock_missed"}.get(clock.state)
    if key is None:
        key = "overdue" if clock.left < 0 else "due_today" if clock.left == 0 else "left"
    title = t("portal.clock_title", clock=t.name("clock", clock.clock), due=clock.due, rule=clock.rule)
    words = t(f"portal.{key}", count=abs(clock.left))
    return chip(
        t("portal.clock_named", clock=begun(t.name("clock", clock.clock)), words=words) if named else words,
        "quiet" if clock.state in {"paused", "met"} else tones[clock.light],
        title=title,
    )


def steps(items: Iterable[tuple[Child, Child, Child]], *, c: str = "") -> Safe:
    """A timeline, newest first as given: what, when, and more about it."""
    rows = [li(div(what, c="what"), div(when, c="when"), div(more, c="more") if more else None) for what, when, more in items]
    return ol(*rows, c=f"timeline {c}".rstrip())


PAGING: Mapping[str, str] = {"page": "", "after": ""}
"""How far one has turned the pages of a list: means nothing in another list."""


def tabs(ask: Ask, items: Sequence[tuple[str, str, Child]], current: str, *, name: str = "tab", default: str = "") -> Safe:
    """Tabs as links: key, words, count. The default, else the first, stands in the address without a query."""
    first = default or items[0][0]
    cells = [
        a(
            words,
            span(count, c="count") if count not in (None, "") else None,
            href=ask.href(**PAGING, **{name: "" if key == first else key}),
            c="tab current" if key == current else "tab",
            aria_current="page" if key == current else None,
        )
        for key, words, count in items
    ]
    return nav(*cells, c="tabs", aria_label=ask.t(f"portal.tabs_{name}"))


def chooser(ask: Ask, words: str, name: str, options: Iterable[tuple[str, str]], current: str, *more: Child) -> Safe:
    """One of many, where tabs would be too many; stands in the address."""
    cells = [option(word, value=value, selected=value == current) for value, word in options]
    go = button(ask.t("portal.show"), type_="submit", c="btn")
    return form(
        label(span(words), select(*cells, name=name)), go, *more, action=ask.href(ask.path), method="get", c="row chooser"
    )


def pager(ask: Ask, total: int, page: int, size_: int) -> Safe:
    """The way to the page before and the one after; nothing where everything is on one. `size_`: entries a page."""
    last = max(1, -(-total // size_))
    if last == 1:
        return Safe("")
    t = ask.t
    back = a(t("portal.previous"), href=ask.href(page=page - 1 if page > 2 else ""), c="btn small") if page > 1 else None
    onward = a(t("portal.next"), href=ask.href(page=page + 1), c="btn small") if page < last else None
    return nav(back, span(t("portal.page_of", page=page, last=last), c="quiet"), onward, c="pager")


def failure(ask: Ask, job: Job) -> str:
    """Why a job came to nothing, in words; empty for one that has not."""
    if job.state != "failed" or "code" not in job.result:
        return ""
    return HubError(str(job.result["code"]), **job.result.get("facts", {})).explain(ask.lang)


def refusal(t: Words, error: HubError) -> Safe:
    """A denial in full: what the rule says, every problem, the article and the next step where the rule names them."""
    problems = [li(told(t, problem)) for problem in error.problems] if isinstance(error, Invalid) else []
    article, step = error.facts.get("article"), error.facts.get("next_step")
    return div(
        p(b(t(word_of(error)), c="refusal-word"), t.explain(error)),
        ul(*problems) if problems else None,
        p(t("portal.article", article=article), c="quiet") if article else None,
        p(t("portal.next_step", step=step)) if step else None,
        p(code(error.code), c="quiet small"),
        c="refusal",
        role="alert",
    )


def word_of(error: HubError) -> str:
    """Key of the word a denial begins with, by what kind it is."""
    found: tuple[tuple[type[HubError], str], ...] = (
        (NotFound, "portal.not_found"),
        (Invalid, "portal.not_right"),
        (Conflict, "portal.not_now"),
        (Unavailable, "portal.no_answer"),
    )
    return next((key for kind, key in found if isinstance(error, kind)), "portal.refused")


def told(t: Words, problem: Problem) -> str:
    """A problem of a form names its field as the form does; one of a file keeps its line."""
    field = str(problem.facts.get("field", ""))
    if not field or problem.line:
        return problem.explain(t.lang)
    return t(problem.code, **{**problem.facts, "field": t.name("field", field.rpartition(".")[2])})


def refused(ask: Ask, error: HubError) -> Safe:
    """A whole screen that could not be shown: why, and where to go instead."""
    ways = div(
        a(ask.t("portal.to_home"), href=ask.href("/home/tasks" if not ask.actor.is_anonymous else "/data/datasets"), c="btn"),
        a(ask.t("portal.sign_in"), href="/signin", c="btn") if ask.actor.is_anonymous else None,
        c="row",
    )
    return joined(
        heading(ask.t("portal.not_found_title" if isinstance(error, NotFound) else "portal.refused_title")),
        refusal(ask.t, error),
        ways,
    )


def sub(title: Child) -> Safe:
    return h3(title, c="sub")
