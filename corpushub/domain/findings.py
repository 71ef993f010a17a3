"""Approvals worth a look (article 16): one pair again and again, faster than one can read, off hours, never a no, for related organisations,
by somebody who has kept one seat for longer than a person should.

A finding proves nothing; it says where to ask, with the events it rests on (`stream@version`, at most a hundred of them).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from corpushub.base.identity import BEIJING
from corpushub.base.rulebook import Rulebook
from corpushub.domain.indicators import SHOWN, ref
from corpushub.domain.parties import Binding
from corpushub.domain.workflow import Event


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the approvals worth a look."""

    # same_pair, too_fast, off_hours, always_yes, related_org, rotation_due, price_differs, above_cap, no_price, not_as_listed,
    # tied, exclusive
    kind: str
    persons: tuple[str, ...]
    orgs: tuple[str, ...]
    facts: Mapping[str, Any]
    events: tuple[str, ...]


_YES = frozenset({"approved", "voted", "confirmed", "capped", "amended"})
_NO = frozenset({"rejected", "returned", "refused"})
DECISIONS = _YES | _NO
LEAVE = timedelta(days=30)
"""So short an absence from a seat does not make a rotation."""


def unusual(
    events: Iterable[Event],
    rules: Rulebook,
    conflicts: Mapping[str, frozenset[str]],
    seats: Iterable[Binding],
    span: tuple[datetime, datetime],
) -> tuple[Finding, ...]:
    """Unusual approvals of a span of time. `events` are the whole streams that were decided in that span; what their commands said is not
    looked at. `conflicts`: person -> organisations of declared interest; `seats`: all that were ever given.
    """
    first, last = span
    streams: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        streams[event.stream].append(event)
    made = (event for listed in streams.values() for event in listed if event.name in DECISIONS and event.actor != "system")
    decisions = [event for event in made if first <= event.at <= last]
    openers = {stream: listed[0] for stream, listed in streams.items()}
    found: list[Finding] = []
    found += _same_pairs(decisions, openers, rules)
    found += _fast(decisions, streams, rules)
    found += _off_hours(decisions, rules)
    found += _always_yes(decisions, rules)
    found += _related(decisions, openers, conflicts)
    found += _rotation(decisions, seats, rules, _local(last).date())
    return tuple(found)


def _same_pairs(decisions: Sequence[Event], openers: Mapping[str, Event], rules: Rulebook) -> Iterable[Finding]:
    limit = rules.number("separation.unusual_pair_percent")
    by_person: dict[str, list[Event]] = defaultdict(list)
    for event in decisions:
        if event.name in _YES:
            by_person[event.actor].append(event)
    for person, listed in sorted(by_person.items()):
        pairs = Counter(openers[event.stream].actor for event in listed)
        other, number = max(pairs.items(), key=lambda item: (item[1], item[0]))
        if len(listed) >= 5 and number * 100 >= limit * len(listed) and len(by_person) > 1:
            seen = [event for event in listed if openers[event.stream].actor == other]
            facts = {"share_percent": round(100 * number / len(listed), 1), "count": number}
            yield Finding(
                "same_pair", (person, other), (seen[0].org, openers[seen[0].stream].org), facts, tuple(map(ref, seen[:SHOWN]))
            )


def _fast(decisions: Sequence[Event], streams: Mapping[str, list[Event]], rules: Rulebook) -> Iterable[Finding]:
    limit = rules.number("separation.unusual_seconds")
    for event in decisions:
        before = [item for item in streams[event.stream] if item.version < event.version and item.name != "voted"]
        if event.name in _YES and before and (event.at - before[-1].at).total_seconds() < limit:
            facts = {"seconds": round((event.at - before[-1].at).total_seconds(), 1)}
            yield Finding("too_fast", (event.actor,), (event.org,), facts, (ref(before[-1]), ref(event)))


def _off_hours(decisions: Sequence[Event], rules: Rulebook) -> Iterable[Finding]:
    for event in decisions:
        local = _local(event.at)
        rest = not rules.is_working_day(local.date())[0]
        if event.name in _YES and (rest or not 7 <= local.hour < 21):
            yield Finding("off_hours", (event.actor,), (event.org,), {"local": local.strftime("%Y-%m-%d %H:%M")}, (ref(event),))


def _local(at: datetime) -> datetime:
    return at.astimezone(BEIJING)


def _always_yes(decisions: Sequence[Event], rules: Rulebook) -> Iterable[Finding]:
    limit = rules.number("separation.always_yes_count")
    yes, no = (
        Counter(event.actor for event in decisions if event.name in _YES),
        {event.actor for event in decisions if event.name in _NO},
    )
    for person, number in sorted(yes.items()):
        if number >= limit and person not in no:
            listed = [event for event in decisions if event.actor == person]
            yield Finding("always_yes", (person,), (listed[0].org,), {"count": number}, tuple(map(ref, listed[:SHOWN])))


def _related(
    decisions: Sequence[Event], openers: Mapping[str, Event], conflicts: Mapping[str, frozenset[str]]
) -> Iterable[Finding]:
    """Declared afterwards, decided before: the declared interest would have kept the person out."""
    for event in decisions:
        other = openers[event.stream].org
        if event.name in _YES and other in conflicts.get(event.actor, frozenset()):
            yield Finding("related_org", (event.actor,), (event.org, other), {}, (ref(event),))


def _rotation(decisions: Sequence[Event], seats: Iterable[Binding], rules: Rulebook, day: date) -> Iterable[Finding]:
    """Who decided, and has sat in one seat since before the rule's span."""
    decided: dict[str, list[Event]] = defaultdict(list)
    for event in decisions:
        decided[event.actor].append(event)
    held: dict[tuple[str, str], list[Binding]] = defaultdict(list)
    for seat in seats:
        if seat.person in decided:
            held[seat.person, seat.role.value].append(seat)
    for (person, role), bindings in sorted(held.items()):
        since = _since(bindings, day)
        if since is not None and (day - since).days > rules.number("separation.rotation_days"):
            listed = decided[person]
            facts = {"role": role, "since": since.isoformat(), "days": (day - since).days}
            yield Finding("rotation_due", (person,), (listed[-1].org,), facts, tuple(map(ref, listed[-SHOWN:])))


def _since(bindings: Iterable[Binding], day: date) -> date | None:
    """Since when the seat has been held without leaving it for longer than `LEAVE`; None where it is not held on `day`."""
    began: date | None = None
    ended = date.min
    for seat in sorted(bindings, key=lambda seat: seat.valid_from):
        first, last = date.fromisoformat(seat.valid_from), date.fromisoformat(seat.valid_to) if seat.valid_to else date.max
        if first > day or last < first:
            continue
        if began is None or first > ended + LEAVE:
            began = first
        ended = max(ended, last)
    return began if ended >= day else None
