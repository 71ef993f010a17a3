"""Looking entries up in the catalog as one types: any script or language, pinyin, one wrong letter; facets with their counts over all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from corpushub.base.errors import Invalid
from corpushub.domain.catalog import Resource
from corpushub.domain.parties import Actor, Role
from corpushub.engine.matching.index import Floats
from corpushub.engine.matching.lookup import look_up
from corpushub.engine.matching.text import Ints
from corpushub.services.shelf import FACETS, Mask, Shelf, Stock
from corpushub.store.db import Database

_SEES_ALL = (Role.AUTHORITY, Role.SUPERVISOR, Role.AUDITOR, Role.SYSTEM)
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of what was found, how much there is in all, and per facet how many entries each value would leave, most first."""

    items: tuple[Resource, ...]
    total: int
    counts: Mapping[str, Mapping[str, int]]


class Finder:
    def __init__(self, *, database: Database, shelf: Shelf) -> None:
        self.database = database
        self.shelf = shelf

    def find(
        self, actor: Actor, words: str = "", *, chosen: Mapping[str, str] | None = None, page: int = 1, size: int = 30
    ) -> Listing:
        """Entries that have every one of `words` and every `chosen` facet value, best first; without words by id.

        What is secret is listed to its owner and to oversight alone (article 15). Raises: Invalid("form.unknown") for another facet.
        """
        wanted = {name: value for name, value in (chosen or {}).items() if value}
        if unknown := sorted(wanted.keys() - set(FACETS)):
            raise Invalid("form.unknown", field=unknown[0], known=", ".join(FACETS))
        with self.database.read() as unit:
            stock = self.shelf.current(unit)
            score = look_up(stock.matcher, words[:_LONGEST], stock.names)
            seen = visible(stock, actor) & (score > 0)
            kept = {name: stock.facets[name].is_(value) for name, value in wanted.items()}
            rows = np.flatnonzero(np.logical_and.reduce([seen, *kept.values()]))
            first = (max(page, 1) - 1) * size
            ranked = best(rows, score[rows], stock.order[rows], first + size)[first:]
            items = unit.catalog.many(stock.matcher.table.entries[row].id for row in ranked.tolist())
        left = {name: rows if name not in kept else leaving_out(name, seen, kept) for name in FACETS}
        return Listing(items, len(rows), {name: stock.facets[name].counted(left[name]) for name in FACETS})


def best(rows: Ints, score: Floats, place: Ints, count: int) -> Ints:
    """The first `count` of `rows`, highest score first, then by place."""
    # The bits of positive floats are ordered as the floats are, so that one whole number holds both and only the page has to be sorted.
    key = place - (score.astype(np.float32).view(np.int32).astype(np.int64) << np.int64(32))
    chosen = np.argpartition(key, count)[:count] if count < len(rows) else np.arange(len(rows))
    return rows[chosen[np.argsort(key[chosen])]]


def visible(stock: Stock, actor: Actor) -> Mask:
    if actor.has(*_SEES_ALL):
        return stock.listed
    return stock.listed & (~stock.secret | stock.facets["owner"].is_(actor.org))


def leaving_out(name: str, seen: Mask, kept: Mapping[str, Mask]) -> Ints:
    """Rows that the words and the other facets leave: what choosing another value of `name` would choose among."""
    return np.flatnonzero(np.logical_and.reduce([seen, *(rows for other, rows in kept.items() if other != name)]))
