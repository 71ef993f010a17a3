"""Catalog entries as they stand now; what they were is in their event streams."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa

from corpushub.domain.catalog import Resource
from corpushub.store.tables import in_parts, resources

_KEPT: Final = 10_000  # entries that are kept as they were read, some eight kilobytes each
_TEXT = sa.type_coerce(resources.c.data, sa.Text)
# Built once: making a statement costs as much as running it.
_ONE = sa.select(_TEXT).where(resources.c.id == sa.bindparam("of"))
_UPDATE = resources.update().where(resources.c.id == sa.bindparam("of"))
_INSERT = resources.insert()


@lru_cache(maxsize=_KEPT)
def entry_of(text: str) -> Resource:
    """The entry this record says. Records are read far more often than they change, and the same words are always the same entry."""
    return Resource.from_json(json.loads(text))


class Resources:
    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    def get(self, resource_id: str) -> Resource | None:
        held = self.connection.execute(_ONE, {"of": resource_id}).scalar_one_or_none()
        return None if held is None else entry_of(held)

    def many(self, ids: Iterable[str]) -> tuple[Resource, ...]:
        """The entries of `ids` that there are, in their order."""
        wanted = list(dict.fromkeys(ids))
        held: dict[str, Resource] = {}
        for part in in_parts(wanted):
            query = sa.select(_TEXT).where(resources.c.id.in_(part))
            held |= {entry.id: entry for entry in map(entry_of, self.connection.execute(query).scalars())}
        return tuple(held[name] for name in wanted if name in held)

    def secret(self, ids: Iterable[str]) -> frozenset[str]:
        """Which of `ids` are entries that are secret."""
        held = _TEXT.contains('"secrecy":true')  # within a string the signs would be escaped
        parts = [sa.select(resources.c.id).where(resources.c.id.in_(part), held) for part in in_parts(ids)]
        return frozenset(name for query in parts for name in self.connection.execute(query).scalars())

    def save(self, resource: Resource) -> None:
        row: dict[str, Any] = {
            "owner": resource.owner,
            "kind": resource.kind,
            "domain": resource.domain,
            "region": resource.region,
            "state": resource.state,
            "version": resource.version,
            "share_attribute": resource.share_attribute.value,
            "open_attribute": resource.open_attribute.value,
            "registration_code": resource.registration_code,
            "registration_to": resource.registration_to,
            "words": " ".join(_words(resource)).lower(),
            "data": resource.to_json(),
        }
        if self.connection.execute(_UPDATE, {"of": resource.id, **row}).rowcount == 0:
            self.connection.execute(_INSERT, {"id": resource.id, **row})

    def by_code(self, registration_code: str) -> Resource | None:
        query = sa.select(_TEXT).where(resources.c.registration_code == registration_code)
        held = self.connection.execute(query).scalars().first()
        return None if held is None else entry_of(held)

    def search(self, words: Sequence[str] = (), *, after: str = "", limit: int = 50, **equal: str) -> tuple[Resource, ...]:
        """Entries in id order that hold every word; `equal` compares columns (owner, kind, domain, region, state, open_attribute …)."""
        query = sa.select(_TEXT).order_by(resources.c.id)
        for word in words:
            query = query.where(resources.c.words.contains(word.lower(), autoescape=True))
        for name, wanted in equal.items():
            if wanted:
                query = query.where(resources.c[name] == wanted)
        if after:
            query = query.where(resources.c.id > after)
        if limit:
            query = query.limit(limit)
        return tuple(map(entry_of, self.connection.execute(query).scalars()))

    def authoritative(self, element: str) -> tuple[str, ...]:
        """Entries that claim to be the one source of a data element (at most one, article 2)."""
        query = sa.select(_TEXT).where(_TEXT.contains(element, autoescape=True))
        return tuple(entry.id for entry in map(entry_of, self.connection.execute(query).scalars()) if element in entry.elements)

    def made_from(self, resource_id: str) -> tuple[Resource, ...]:
        """Entries that name this one as what they are made from, in id order."""
        query = sa.select(_TEXT).where(_TEXT.contains(resource_id, autoescape=True)).order_by(resources.c.id)
        return tuple(entry for entry in map(entry_of, self.connection.execute(query).scalars()) if resource_id in entry.parents)


def _words(resource: Resource) -> list[str]:
    told = [*resource.title.values(), *resource.summary.values()]
    items = [word for item in resource.items for word in (item.name, *item.meaning.values())]
    return [resource.id, resource.domain, resource.owner, *told, *items]
