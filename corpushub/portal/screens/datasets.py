"""Datasets: find a released dataset by words and facets; every choice stands in the address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from corpushub.portal import casework, markdown
from corpushub.portal.frame import LENS
from corpushub.portal.html import Child, Safe, a, div, form, h2, input_, joined, li, mark, nav, option, p, select, span, ul
from corpushub.portal.pages import Ask, Page, Screen, Words, link
from corpushub.portal.parts import bar, chip, compact, empty, heading, moment, pager, size
from corpushub.services.repositories import Query
from corpushub.store.repos import Repo

FACETS = ("owner", "language", "task", "size", "licence", "access")
SORTS = ("changed", "downloads", "rows", "name")
PER_PAGE = 20
MOST, MOST_KEPT = 500, 2000
SUMMARIES: dict[str, str] = {}  # by commit, which never changes
PLAIN_TAGS = frozenset({"corpushub", "authorized-public-data"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One dataset in the list. `facets` holds the values of each facet, `access` one of open, on_request, private."""

    id: str
    title: str
    summary: str
    version: str
    changed_at: str
    rows: int
    bytes: int
    downloads: int
    access: str
    tags: tuple[str, ...] = ()
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to: the matching entries (all of them, facets are counted here), and how many there are without it."""

    entries: tuple[Entry, ...]
    words: tuple[str, ...] = ()


def view(ask: Ask, found: Found) -> Safe:
    t = ask.t
    chosen = {name: ask.query[name] for name in FACETS if ask.query.get(name)}
    kept = [entry for entry in found.entries if all(value in entry.facets.get(name, ()) for name, value in chosen.items())]
    kept.sort(key=order(ask.query.get("sort", "")))
    page = ask.number("page", 1)
    shown = kept[(page - 1) * PER_PAGE : page * PER_PAGE]
    results = (
        ul(*[row(t, entry, found.words) for entry in shown], c="results")
        if shown
        else nothing(ask, bool(chosen or ask.query.get("q")))
    )
    return joined(
        heading(t("datasets.title"), lead=t("datasets.lead")),
        searchbar(ask, chosen),
        div(
            nav(
                *[facet(ask, name, found.entries, chosen) for name in FACETS],
                c="facets",
                data_part="facets",
                aria_label=t("datasets.facets"),
            ),
            div(
                summary_line(ask, len(kept), chosen),
                results,
                pager(ask, len(kept), page, PER_PAGE),
                c="stack",
                data_part="results",
            ),
            c="faceted",
        ),
    )


def order(name: str) -> Any:
    def key(entry: Entry) -> tuple[object, ...]:
        first: object = {"downloads": -entry.downloads, "rows": -entry.rows, "name": entry.id}.get(name, 0)
        return (first, tuple(-ord(letter) for letter in entry.changed_at), entry.id)

    return key


def searchbar(ask: Ask, chosen: Mapping[str, str]) -> Safe:
    t = ask.t
    return form(
        div(
            LENS,
            input_(
                type_="search", name="q", value=ask.query.get("q") or None, placeholder=t("datasets.placeholder"), aria_label=t("datasets.placeholder"),
                autocomplete="off", data_key="/",
            ),
            c="find",
        ),
        select(
            *[option(t(f"datasets.sort_{name}"), value="" if name == SORTS[0] else name, selected=ask.query.get("sort") == name) for name in SORTS],
            name="sort",
            aria_label=t("datasets.sort"),
        ),
        *[input_(type_="hidden", name=name, value=value) for name, value in chosen.items()],
        action=link(ask.lang, ask.path),
        method="get",
        c="searchbar",
        data_live=True,
        role="search",
        aria_label=t("datasets.placeholder"),
    )  # fmt: skip


def summary_line(ask: Ask, count: int, chosen: Mapping[str, str]) -> Safe:
    t = ask.t
    cleared = [
        a(
            chip(joined(f"{t(f'datasets.facet_{name}')}: {words_of(t, name, value)} ", "×"), "info"),
            href=ask.href(**{name: "", "page": ""}),
        )
        for name, value in chosen.items()
    ]
    clear = a(t("datasets.clear"), href=link(ask.lang, ask.path, q=ask.query.get("q"))) if cleared else None
    return div(span(t("datasets.count", count=count), c="quiet"), cleared, clear, c="on-filters", aria_live="polite")


def facet(ask: Ask, name: str, entries: Sequence[Entry], chosen: Mapping[str, str]) -> Safe | None:
    """Values of one facet with how many entries each has under the other choices."""
    others = {key: value for key, value in chosen.items() if key != name}
    matching = [entry for entry in entries if all(value in entry.facets.get(key, ()) for key, value in others.items())]
    counts = Counter(value for entry in matching for value in entry.facets.get(name, ()))
    if not counts:
        return None
    most = max(counts.values())
    cells = [
        a(
            span(words_of(ask.t, name, value), c="ellipsis"),
            span(count, c="n"),
            bar(count / most),
            href=ask.href(**{name: "" if chosen.get(name) == value else value, "page": ""}),
            c="on" if chosen.get(name) == value else None,
        )
        for value, count in sorted(counts.items(), key=by_count)[:8]
    ]
    return div(h2(ask.t(f"datasets.facet_{name}")), *cells, c="facet")


def by_count(pair: tuple[str, int]) -> tuple[int, str]:
    return (-pair[1], pair[0])


def words_of(t: Words, name: str, value: str) -> str:
    return t.name(name, value) if name in {"language", "access", "task", "size"} else value


def row(t: Words, entry: Entry, words: Sequence[str]) -> Safe:
    tone = {"open": "good", "on_request": "warn"}.get(entry.access, "quiet")
    return li(
        div(
            a(lit(entry.title or entry.id, words), href=link(t.lang, f"/data/datasets/{entry.id}"), c="name"),
            span(entry.id, c="id"),
        ),
        div(chip(t.name("access", entry.access), "good" if tone == "good" else "warn" if tone == "warn" else "quiet"), c="side"),
        p(lit(entry.summary, words), c="desc clamp"),
        div(
            span(f"v{entry.version}") if entry.version else None,
            span(t("datasets.rows", count=compact(entry.rows)), title=f"{entry.rows:,}") if entry.rows else None,
            span(size(entry.bytes)),
            span(t("datasets.downloads", count=compact(entry.downloads))),
            moment(t, entry.changed_at, day=True),
            [chip(t.name("tag", tag)) for tag in entry.tags[:4]],
            c="meta",
        ),
    )


def lit(text: str, words: Sequence[str]) -> Child:
    """`text` with what was searched for marked."""
    folded, at = text.lower(), 0
    out: list[Child] = []
    spans = sorted((place, place + len(word)) for word in words if word for place in positions(folded, word.lower()))
    for start, end in spans:
        if start >= at and len(folded) == len(text):
            out += [text[at:start], mark(text[start:end])]
            at = end
    return [*out, text[at:]]


def positions(text: str, word: str) -> list[int]:
    found: list[int] = []
    at = text.find(word)
    while at >= 0 and len(found) < 20:
        found.append(at)
        at = text.find(word, at + len(word))
    return found


def nothing(ask: Ask, searched: bool) -> Safe:
    t = ask.t
    if not searched:
        return empty(t("datasets.none"), t("datasets.none_next"))
    demand = a(t("datasets.ask"), href=link(ask.lang, "/demand/ask", text=ask.query.get("q")))
    return empty(t("datasets.not_found"), joined(t("datasets.not_found_next"), " ", demand))


def show(ask: Ask) -> Page:
    words = tuple(ask.query.get("q", "").split())[:12]
    repos = ask.hub.repositories.search(ask.actor, Query(words=words, limit=MOST))
    return Page(ask.t("datasets.title"), view(ask, Found(tuple(entry_of(ask, repo) for repo in repos), words)))


def entry_of(ask: Ask, repo: Repo) -> Entry:
    facts = repo.facts
    card: Mapping[str, Any] = facts.get("card") or {}
    info: Any = card.get("dataset_info") or {}
    infos = info if isinstance(info, list) else [info]
    rows = sum(int(split.get("num_examples") or 0) for item in infos for split in item.get("splits", ()))
    access = "private" if repo.private else "on_request" if repo.gated else "open"
    title = casework.localized(ask.t, str(facts.get("title") or ""))
    return Entry(
        repo.id, title, summary_of(ask, repo), "", repo.changed_at, rows, int(facts.get("bytes") or 0), repo.downloads, access,
        tuple(str(tag) for tag in card.get("tags", ()) if tag not in PLAIN_TAGS),
        {
            "owner": (repo.id.split("/", maxsplit=1)[0],),
            "language": tuple(items(card.get("language"))),
            "task": tuple(items(card.get("task_categories"))),
            "size": tuple(items(card.get("size_categories"))),
            "licence": tuple(items(card.get("license_name") or card.get("license"))),
            "access": (access,),
        },
    )  # fmt: skip


def summary_of(ask: Ask, repo: Repo) -> str:
    """The first paragraph of the card in the reader's language; the hub's facts hold the Chinese one."""
    known = str(repo.facts.get("summary") or "")
    if ask.lang == "zh" or not repo.head:
        return known
    if repo.head not in SUMMARIES:
        if len(SUMMARIES) > MOST_KEPT:
            SUMMARIES.clear()
        found = ask.hub.previews.document(ask.hub.repositories.at(ask.actor, repo.id), "README.md") or b""
        SUMMARIES[repo.head] = markdown.lead_of(found.decode("utf-8", "replace"), "en")
    return SUMMARIES[repo.head] or known


def items(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)] if value else []


SCREENS = (Screen("/data/datasets", "datasets", show),)
