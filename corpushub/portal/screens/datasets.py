"""Datasets: find a released dataset by words and facets; every choice stands in the address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from corpushub.portal import casework, markdown
from corpushub.portal.faceted import choices, facet, faceted, searchbar, taken_back
from corpushub.portal.html import Child, Safe, a, div, joined, li, mark, option, p, select, span, ul
from corpushub.portal.pages import Ask, Page, Screen, Words, link
from corpushub.portal.parts import Tone, chip, compact, empty, heading, moment, pager, size
from corpushub.services.repositories import Query
from corpushub.store.repos import Repo

FACETS = ("owner", "language", "task", "size", "licence", "access")
TONES: Mapping[str, Tone] = {"open": "good", "on_request": "warn"}
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
    changed_at: str
    rows: int
    bytes: int
    downloads: int
    access: str
    tags: tuple[str, ...] = ()
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to: every matching entry, for the facets are counted here, and the words that are marked in them."""

    entries: tuple[Entry, ...]
    words: tuple[str, ...] = ()


def view(ask: Ask, found: Found) -> Safe:
    t = ask.t
    chosen = choices(ask, FACETS)
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
        searchbar(ask, t("datasets.placeholder"), chosen, sorting(ask)),
        faceted(
            ask,
            [told(ask, name, found.entries, chosen) for name in FACETS],
            summary_line(ask, len(kept), chosen),
            results,
            pager(ask, len(kept), page, PER_PAGE),
        ),
    )


def order(name: str) -> Any:
    def key(entry: Entry) -> tuple[object, ...]:
        first: object = {"downloads": -entry.downloads, "rows": -entry.rows, "name": entry.id}.get(name, 0)
        return (first, tuple(-ord(letter) for letter in entry.changed_at), entry.id)

    return key


def sorting(ask: Ask) -> Safe:
    t, now = ask.t, ask.query.get("sort")
    cells = [option(t(f"datasets.sort_{name}"), value="" if name == SORTS[0] else name, selected=now == name) for name in SORTS]
    return select(*cells, name="sort", aria_label=t("datasets.sort"))


def summary_line(ask: Ask, count: int, chosen: Mapping[str, str]) -> Safe:
    t = ask.t
    cleared = [
        taken_back(ask, name, f"{t(f'datasets.facet_{name}')}: {words_of(t, name, value)}") for name, value in chosen.items()
    ]
    clear = a(t("datasets.clear"), href=link(ask.lang, ask.path, q=ask.query.get("q"))) if cleared else None
    return div(span(t("datasets.count", count=count), c="quiet"), cleared, clear, c="on-filters", aria_live="polite")


def told(ask: Ask, name: str, entries: Sequence[Entry], chosen: Mapping[str, str]) -> Safe | None:
    """Values of one facet with how many entries each has under the other choices."""
    others = {key: value for key, value in chosen.items() if key != name}
    matching = [entry for entry in entries if all(value in entry.facets.get(key, ()) for key, value in others.items())]
    counts = Counter(value for entry in matching for value in entry.facets.get(name, ()))
    if not counts:
        return None
    return facet(
        ask, name, ask.t(f"datasets.facet_{name}"), dict(sorted(counts.items(), key=by_count)), partial(words_of, ask.t, name)
    )


def by_count(pair: tuple[str, int]) -> tuple[int, str]:
    return (-pair[1], pair[0])


def words_of(t: Words, name: str, value: str) -> str:
    return t.name(name, value) if name in {"language", "access", "task", "size"} else value


def row(t: Words, entry: Entry, words: Sequence[str]) -> Safe:
    return li(
        div(
            a(lit(entry.title or entry.id, words), href=link(t.lang, f"/data/datasets/{entry.id}"), c="name"),
            span(entry.id, c="id"),
        ),
        div(chip(t.name("access", entry.access), TONES.get(entry.access, "quiet")), c="side"),
        p(lit(entry.summary, words), c="desc clamp"),
        div(
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
        repo.id, title, summary_of(ask, repo), repo.changed_at, rows, int(facts.get("bytes") or 0), repo.downloads, access,
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
