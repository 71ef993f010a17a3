"""Search by words and facets, as the catalog and the datasets have it; every choice stands in the address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from corpushub.portal.frame import LENS
from corpushub.portal.html import Child, Safe, a, div, form, h2, input_, joined, nav, span
from corpushub.portal.pages import Ask, link
from corpushub.portal.parts import bar, chip

MOST_VALUES = 8  # of one facet


def choices(ask: Ask, facets: Iterable[str]) -> dict[str, str]:
    """What the address chooses: the value of each facet that has one."""
    return {name: ask.query[name] for name in facets if ask.query.get(name)}


def searchbar(ask: Ask, placeholder: str, chosen: Mapping[str, str], *more: Child) -> Safe:
    """The box for words; what is chosen stays chosen while one types."""
    box = input_(
        type_="search",
        name="q",
        value=ask.query.get("q") or None,
        placeholder=placeholder,
        aria_label=placeholder,
        autocomplete="off",
        data_key="/",
    )
    return form(
        div(LENS, box, c="find"),
        *more,
        *[input_(type_="hidden", name=name, value=value) for name, value in chosen.items()],
        action=link(ask.lang, ask.path),
        method="get",
        c="searchbar",
        data_live=True,
        role="search",
        aria_label=placeholder,
    )


def taken_back(ask: Ask, name: str, words: str) -> Safe:
    """One choice as a chip; a click on it takes the choice back."""
    return a(chip(joined(f"{words} ", "×"), "info"), href=ask.href(**{name: "", "page": ""}))


def facet(ask: Ask, name: str, title: str, counts: Mapping[str, int], word: Callable[[str], str]) -> Safe:
    """One facet: its first values in the order of `counts`, as links that choose a value or take it back."""
    chosen, most = ask.query.get(name), max(counts.values(), default=1)
    cells = [
        a(
            span(word(value), c="ellipsis", title=word(value)),
            span(count, c="n"),
            bar(count / most),
            href=ask.href(**{name: "" if chosen == value else value, "page": ""}),
            c="on" if chosen == value else None,
        )
        for value, count in list(counts.items())[:MOST_VALUES]
    ]
    return div(h2(title), *cells, c="facet")


def faceted(ask: Ask, facets: Iterable[Safe | None], *results: Child) -> Safe:
    """The facets beside what was found."""
    return div(
        nav(*facets, c="facets", data_part="facets", aria_label=ask.t("datasets.facets")),
        div(*results, c="stack", data_part="results"),
        c="faceted",
    )
