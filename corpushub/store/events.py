"""The append-only record of what happened. Every event becomes a ledger leaf in the same transaction.

* Two writers of one stream: exactly one gets the version, the other Conflict("case.stale").
* Private answers stand in `documents("private")`; the event and its leaf hold only a salted commitment, so that erasing document and
  salt erases the person and breaks no proof (INV-15).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from corpushub.base.errors import Conflict
from corpushub.base.identity import canonical, iso
from corpushub.domain.workflow import Event
from corpushub.store.documents import Documents
from corpushub.store.ledger import Ledger
from corpushub.store.tables import events, in_parts

_COMMITMENT = "commitment"
# Built once: making a statement costs as much as running it.
_INSERT = events.insert()
_NEWEST = sa.select(sa.func.max(events.c.version)).where(events.c.stream == sa.bindparam("of"))
_STREAM = (
    sa.select(events)
    .where(events.c.stream == sa.bindparam("of"), events.c.version > sa.bindparam("after"))
    .order_by(events.c.version)
)
_STREAMS = (
    sa.select(events).where(events.c.stream.in_(sa.bindparam("of", expanding=True))).order_by(events.c.stream, events.c.version)
)


class Events:
    def __init__(self, connection: sa.Connection, documents: Documents, ledger: Ledger) -> None:
        self.connection = connection
        self.documents = documents
        self.ledger = ledger

    def append(self, event: Event, private: Iterable[str] = ()) -> int:
        """Write one event and its leaf; `private` names answers that must not stand in clear. Returns its number in the whole record.

        Raises: Conflict("case.stale") where the stream already has that version.
        """
        data = self._commit(event, private)
        row = {
            "stream": event.stream,
            "version": event.version,
            "type": event.type,
            "actor": event.actor,
            "on_behalf_of": event.on_behalf_of,
            "org": event.org,
            "at": iso(event.at),
            "state": event.state,
            "rules": event.rules,
            "data": {"data": data, "marks": list(event.marks)},
        }
        try:
            done = self.connection.execute(_INSERT, row)
        except IntegrityError as error:
            raise Conflict("case.stale", case=event.stream, version=event.version) from error
        self.ledger.append({**row, "data": data, "marks": list(event.marks)})
        return int(done.inserted_primary_key[0]) if done.inserted_primary_key else 0

    def _commit(self, event: Event, private: Iterable[str]) -> dict[str, Any]:
        data = dict(event.data)
        hidden = {name: data[name] for name in private if name in data}
        for name, value in hidden.items():
            told = canonical(value).decode()
            data[name] = {_COMMITMENT: self.ledger.conceal(owner_of(event), told)}
        if hidden:
            self.documents.put("private", f"{event.stream}:{event.version}", hidden)
        return data

    def forget(self, person: str) -> tuple[str, ...]:
        """Erase the private answers of a person and their salts; the streams they stood in. Events, leaves and proofs stay as they are."""
        query = sa.select(events.c.stream, events.c.version).where(
            (events.c.actor == person) | (events.c.stream == f"person:{person}")
        )
        told = [(row.stream, row.version) for row in self.connection.execute(query)]
        theirs = [
            (stream, version) for stream, version in told if not stream.startswith("person:") or stream == f"person:{person}"
        ]
        erased = [stream for stream, version in theirs if self.documents.delete("private", f"{stream}:{version}")]
        self.ledger.forget(person)
        return tuple(dict.fromkeys(erased))

    def of(self, stream: str, *, after: int = 0) -> tuple[Event, ...]:
        """Events of one stream in order; never reads another stream."""
        found = self.connection.execute(_STREAM, {"of": stream, "after": after})
        return tuple(self._read(found))

    def of_many(self, streams: Sequence[str]) -> dict[str, tuple[Event, ...]]:
        """Events of several streams, thousands in one query."""
        found: dict[str, list[Event]] = {stream: [] for stream in streams}
        for part in in_parts(streams):
            for event in self._read(self.connection.execute(_STREAMS, {"of": part})):
                found[event.stream].append(event)
        return {stream: tuple(listed) for stream, listed in found.items()}

    def since(self, seq: int = 0, *, types: Sequence[str] = (), limit: int = 1000) -> list[tuple[int, Event]]:
        """The record after number `seq`, in the order it was written, at most `limit`."""
        query = sa.select(events).where(events.c.seq > seq).order_by(events.c.seq).limit(limit)
        if types:
            query = query.where(events.c.type.in_(types))
        rows = self.connection.execute(query).mappings().all()
        return list(zip((row["seq"] for row in rows), self._events(rows), strict=True))

    def between(self, first: datetime, last: datetime, *, types: Sequence[str] = ()) -> tuple[Event, ...]:
        """Events of a time span, both ends included, in the order of the record; of all types, or of those named."""
        query = sa.select(events).where(events.c.at >= iso(first), events.c.at <= iso(last)).order_by(events.c.seq)
        return tuple(self._read(self.connection.execute(query.where(events.c.type.in_(types)) if types else query)))

    def version_of(self, stream: str) -> int:
        """Version of the newest event of a stream, 0 where it is empty."""
        return int(self.connection.execute(_NEWEST, {"of": stream}).scalar() or 0)

    def count(self) -> int:
        return int(self.connection.execute(sa.select(sa.func.count()).select_from(events)).scalar_one())

    def _read(self, found: sa.CursorResult[Any]) -> list[Event]:
        return self._events(found.mappings().all())

    def _events(self, rows: Sequence[Mapping[Any, Any]]) -> list[Event]:
        """Events with their private answers, which are asked for together."""
        hidden = [_opening(row) for row in rows if _hidden(row["data"]["data"])]
        openings = self.documents.some("private", hidden)
        return [_event(row, openings.get(_opening(row), {})) for row in rows]


def _event(row: Mapping[Any, Any], openings: Mapping[str, Any]) -> Event:
    held = row["data"]
    data = held["data"]
    return Event(
        stream=row["stream"],
        version=row["version"],
        type=row["type"],
        actor=row["actor"],
        org=row["org"],
        at=moment(row["at"]),
        # What was erased stays a commitment: the record shows that something stood there.
        data={**data, **{name: openings[name] for name in _hidden(data) if name in openings}},
        state=row["state"],
        on_behalf_of=row["on_behalf_of"],
        marks=tuple(held["marks"]),
        rules=row["rules"],
    )


def _opening(row: Mapping[Any, Any]) -> str:
    return f"{row['stream']}:{row['version']}"


def _hidden(data: Mapping[str, Any]) -> list[str]:
    return [name for name, value in data.items() if isinstance(value, dict) and set(value) == {_COMMITMENT}]


def owner_of(event: Event) -> str:
    """Whose personal data an event's private answers are: the person its stream is about, else who acted."""
    return event.stream.removeprefix("person:") if event.stream.startswith("person:") else event.actor or event.stream


def moment(text: str) -> datetime:
    """The time `iso` wrote."""
    return datetime.fromisoformat(text)
