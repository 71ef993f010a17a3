"""The hub's datasets in memory, for lists and searches: ten thousand rows read and compared for each would cost more than all the rest.

Derived, never the place of any truth: every question first asks its transaction what changed since the last one, so that what is found
is as of that transaction, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

import numpy as np
import numpy.typing as npt
import polars as pl

from corpushub.services.shelf import Facet, Mask
from corpushub.store.db import Unit
from corpushub.store.repos import Query, Repo

Row = tuple[Repo, str]  # with the folded text a search looks at


@dataclass(frozen=True, slots=True)
class Listing:
    """Repositories by id, and their properties as columns."""

    repos: tuple[Repo, ...]
    words: pl.Series
    org: Facet
    owner: Facet
    released: Mask
    public: Mask
    gated: Mask
    orders: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Listing:
        ordered = sorted(rows, key=lambda row: row[0].id)
        repos = tuple(repo for repo, _ in ordered)
        return cls(
            repos=repos,
            words=pl.Series([words for _, words in ordered], dtype=pl.String),
            org=Facet.of([repo.org for repo in repos]),
            owner=Facet.of([owner_of(repo.id) for repo in repos]),
            released=np.array([bool(repo.head) for repo in repos], np.bool_),
            public=np.array([not repo.private for repo in repos], np.bool_),
            gated=np.array([bool(repo.gated) for repo in repos], np.bool_),
        )

    def page(self, query: Query) -> list[Repo]:
        """One page of what the asker may see; facets and words are looked for in the folded text."""
        own = self.org.is_(query.org)
        if query.only:
            own &= np.array([repo.id in query.only for repo in self.repos], np.bool_)
        found = self.released & (self.public | own)
        if query.curates:
            found |= own
        if query.owner:
            found &= self.owner.is_(query.owner.lower())
        if query.gated is not None:
            found &= self.gated == query.gated
        for word in (*query.words, *(f"|{facet}|" for facet in query.facets)):
            found &= self.words.str.contains(word.lower(), literal=True).to_numpy()
        order = self.order(query.sort)
        rows = order[found[order]][query.offset : query.offset + query.limit]
        return [self.repos[row] for row in rows.tolist()]

    def order(self, sort: str) -> npt.NDArray[np.int64]:
        """The rows as they are sorted by; equals by id."""
        sort = sort if sort in _SORTS else "lastModified"
        if sort not in self.orders:
            name, down = _SORTS[sort]
            keys = [getattr(repo, name) for repo in self.repos]
            self.orders[sort] = np.array(sorted(range(len(keys)), key=keys.__getitem__, reverse=down), np.int64)
        return self.orders[sort]

    def counted_anew(self, changed: Mapping[str, Repo]) -> Listing:
        """The same where only numbers of downloads have changed."""
        kept = {name: order for name, order in self.orders.items() if _SORTS[name] != _COUNTED}
        return replace(self, repos=tuple(changed.get(repo.id, repo) for repo in self.repos), orders=kept)


class Directory:
    """The listing, kept in step."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rows: dict[str, Row] = {}
        self._mark = 0
        self._listing = Listing.of(())

    def current(self, unit: Unit) -> Listing:
        """The listing as of this transaction, which must not have written."""
        with self._lock:
            count, mark = unit.repos.stamp()
            changed = {repo.id: (repo, words) for repo, words in unit.repos.touched(self._mark)}
            changed = {name: row for name, row in changed.items() if self._rows.get(name) != row}
            if (
                len(self._rows) + sum(name not in self._rows for name in changed) != count
            ):  # some were deleted, or have another name
                self._rows = changed = {repo.id: (repo, words) for repo, words in unit.repos.touched()}
                self._listing = Listing.of(self._rows.values())
            elif changed:
                counted = all(self._only_counts(name, row) for name, row in changed.items())
                self._rows |= changed
                repos = {name: repo for name, (repo, _) in changed.items()}
                self._listing = self._listing.counted_anew(repos) if counted else Listing.of(self._rows.values())
            self._mark = mark
            return self._listing

    def _only_counts(self, name: str, row: Row) -> bool:
        held = self._rows.get(name)
        return held is not None and held[1] == row[1] and replace(held[0], downloads=row[0].downloads) == row[0]


def owner_of(repo_id: str) -> str:
    return repo_id.partition("/")[0].lower()


_COUNTED = ("downloads", True)
_SORTS = {  # the field, and whether downwards
    "lastModified": ("changed_at", True),
    "createdAt": ("created_at", True),
    "downloads": _COUNTED,
    "likes": _COUNTED,
    "trendingScore": _COUNTED,
    "id": ("id", False),
}
