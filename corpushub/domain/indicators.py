"""Indicators of effect (article 20) and of fairness (article 8), counted from the record alone: whoever holds the events gets the same numbers.

Each indicator states its formula and the events it was counted from (`stream@version`, at most a hundred of them).
A tally is a fold: events may be added in any number of goes, and what was counted before is never read again (`services/tallies.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from corpushub.base.identity import business_day
from corpushub.base.rulebook import Rulebook
from corpushub.domain.workflow import Event

SHOWN = 100
_GRANTED, _REFUSED = "access.countersigned", "access.rejected"
_RATED = ("demand.closed", "work_order.closed", "objection.closed")


@dataclass(frozen=True, slots=True)
class Indicator:
    """One number. `group`: supply, demand, speed, quality, reuse, safety, fairness. `value` is NaN-free: nothing to count gives 0."""

    id: str
    group: str
    value: float
    unit: str
    formula: str
    count: int
    events: tuple[str, ...] = ()


_COUNTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("entries_added", "supply", ("resource.added",)),
    ("entries_registered", "supply", ("registration.coded",)),
    ("attributes_changed", "supply", ("resource.attribute_changed",)),
    ("authorizations_activated", "supply", ("authorization.activated",)),
    ("versions_released", "supply", ("release.published",)),
    ("plan_items_done", "supply", ("plan_item.done",)),
    ("sharing_duties_remedied", "supply", ("share_item.remedied",)),
    ("demands_filed", "demand", ("demand.submitted",)),
    ("demands_fulfilled", "demand", ("demand.fulfilled",)),
    ("work_orders_accepted", "demand", ("work_order.accepted",)),
    ("entitlements_granted", "reuse", ("entitlement.granted",)),
    ("uses_reported", "reuse", ("entitlement.use_reported",)),
    ("derived_products", "reuse", ("derived.registered",)),
    ("objections_filed", "quality", ("objection.filed",)),
    ("objections_corrected", "quality", ("objection.corrected",)),
    ("drifts_seen", "quality", ("probe.observed[drift]",)),
    ("incidents", "safety", ("incident.detected",)),
    ("quarantines", "safety", ("release.quarantined",)),
    ("withdrawals", "safety", ("release.withdrawn",)),
    ("escalations", "speed", ("*.escalated",)),
)


_SPANS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("days_to_acknowledge_demand", "demand.submitted", ("demand.acknowledged", "demand.declined")),
    ("days_to_fulfil_demand", "demand.submitted", ("demand.fulfilled",)),
    ("days_to_decide_access", "access.submitted", ("access.approved", "access.rejected", "access.approved_by_rule")),
    (
        "days_to_answer_objection",
        "objection.filed",
        ("objection.corrected", "objection.found_unfounded", "objection.not_accepted"),
    ),
    ("days_to_review_release", "release.submitted", ("release.approved", "release.rejected")),
    ("days_from_order_to_version", "work_order.proposed", ("work_order.delivered",)),
    ("days_to_register", "registration.submitted", ("registration.coded",)),
)


Waiting = dict[tuple[str, str], list[date]]
"""Spans begun and not ended: the days of the start events, by name of the span and stream."""


@dataclass(slots=True)
class Tally:
    """How many events of each name there were, with the first hundred; who was granted what; how long spans took.

    Names are event types, those of `_also` and those of spans.
    """

    counts: Counter[str] = field(default_factory=Counter)
    refs: dict[str, list[str]] = field(default_factory=dict)
    holders: Counter[str] = field(default_factory=Counter)
    days: dict[str, Counter[int]] = field(default_factory=dict)
    shown: int = SHOWN

    def add(self, event: Event, ended: Iterable[tuple[str, int]] = ()) -> None:
        """Count one event and the spans it ended, each with its working days."""
        for name in (event.type, *_also(event)):
            self._note(name, event)
        if event.type == _GRANTED:
            self.holders[event.org] += 1
        for name, days in ended:
            self._note(name, event)
            self.days.setdefault(name, Counter())[days] += 1

    def _note(self, name: str, event: Event) -> None:
        self.counts[name] += 1
        listed = self.refs.setdefault(name, [])
        if len(listed) < self.shown:
            listed.append(ref(event))

    def these(self, *names: str) -> tuple[int, tuple[str, ...]]:
        """How many there were of these names, and the first hundred."""
        listed = [item for name in names for item in self.refs.get(name, ())]
        return sum(self.counts[name] for name in names), tuple(listed[:SHOWN])

    def to_json(self) -> dict[str, Any]:
        days = {name: {str(number): count for number, count in spans.items()} for name, spans in self.days.items()}
        return {"counts": dict(self.counts), "refs": self.refs, "holders": dict(self.holders), "days": days, "shown": self.shown}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Tally:
        days = {name: Counter({int(number): count for number, count in spans.items()}) for name, spans in value["days"].items()}
        return cls(Counter(value["counts"]), value["refs"], Counter(value["holders"]), days, value["shown"])


def ref(event: Event) -> str:
    return f"{event.stream}@{event.version}"


def _also(event: Event) -> Iterator[str]:
    """What an event counts as besides its type."""
    if event.type.endswith(".escalated"):
        yield "*.escalated"
    if event.type == "probe.observed" and event.data.get("drift"):
        yield "drift"
    if event.type in _RATED and event.data.get("rating"):
        yield "rated"
        if int(event.data["rating"]) >= 4:
            yield "satisfied"


def spans_ended(event: Event, waiting: Waiting) -> list[tuple[str, date]]:
    """Spans this event ends, each with the day it began; `waiting` is brought up to date."""
    ended = []
    for name, start, ends in _SPANS:
        if event.type in ends:
            ended += [(name, day) for day in waiting.pop((name, event.stream), ())]
        if event.type == start:
            waiting.setdefault((name, event.stream), []).append(business_day(event.at))
    return ended


def waiting_in(events: Iterable[Event]) -> Waiting:
    """Spans that are under way after these events."""
    waiting: Waiting = {}
    for event in events:
        spans_ended(event, waiting)
    return waiting


ENDS = frozenset(type_ for _, __, ends in _SPANS for type_ in ends)


def tally_of(events: Iterable[Event], rules: Rulebook) -> Tally:
    """The tally of the events given, in the order of the record."""
    tally, waiting = Tally(), Waiting()
    for event in events:
        day = business_day(event.at)
        tally.add(event, [(name, rules.working_days(first, day)) for name, first in spans_ended(event, waiting)])
    return tally


def counted_types(flow_names: Iterable[str]) -> frozenset[str]:
    """Types of events the indicators look at: nothing else has to be read from a large record."""
    counts = {type_ for name, _, types in _COUNTS for type_ in types if name not in _SPECIAL}
    starts = {start for _, start, __ in _SPANS}
    more = {"probe.observed", "demand.declined", _GRANTED, _REFUSED, *_RATED}
    return frozenset(counts | starts | ENDS | more | {f"{name}.escalated" for name in flow_names})


def indicators(events: Iterable[Event], rules: Rulebook) -> tuple[Indicator, ...]:
    """All indicators of the events given (say, of a year), in a fixed order."""
    return indicators_of(tally_of(events, rules))


def indicators_of(tally: Tally) -> tuple[Indicator, ...]:
    """All indicators of a tally, in a fixed order."""
    counted = [_count(tally, *row) for row in _COUNTS]
    return (*counted, *_shares(tally), *_speeds(tally), *_fairness(tally))


_SPECIAL = {"escalations": "*.escalated", "drifts_seen": "drift"}


def _count(tally: Tally, name: str, group: str, types: tuple[str, ...]) -> Indicator:
    number, seen = tally.these(*([_SPECIAL[name]] if name in _SPECIAL else types))
    return Indicator(name, group, float(number), "count", f"count({' or '.join(types)})", number, seen)


def _share(tally: Tally, name: str, group: str, of: tuple[tuple[str, ...], tuple[str, ...]], formula: str) -> Indicator:
    (part, seen), (whole, _) = tally.these(*of[0]), tally.these(*of[1])
    return Indicator(name, group, round(100 * part / whole, 2) if whole else 0.0, "percent", formula, whole, seen)


def _shares(tally: Tally) -> Iterable[Indicator]:
    met, unmet = "demand.fulfilled", "demand.declined"
    yield _share(tally, "demand_satisfaction", "demand", ((met,), (met, unmet)), f"{met} / ({met} + {unmet})")
    yield _share(tally, "satisfied_ratings", "demand", (("satisfied",), ("rated",)), "count(rating >= 4) / count(rating)")
    filed, corrected = "objection.filed", "objection.corrected"
    yield _share(tally, "objections_leading_to_correction", "quality", ((corrected,), (filed,)), f"{corrected} / {filed}")
    out, back = "release.published", "release.withdrawn"
    yield _share(tally, "releases_withdrawn", "safety", ((back,), (out,)), f"{back} / {out}")


def _speeds(tally: Tally) -> Iterable[Indicator]:
    """Median working days from one event of a stream to the next of another type."""
    for name, start, ends in _SPANS:
        number, seen = tally.these(name)
        formula = f"median(working_days({start}, {' or '.join(ends)}))"
        yield Indicator(name, "speed", median_of(tally.days.get(name, {})), "working_day", formula, number, seen)


def median_of(counts: Mapping[int, int]) -> float:
    """Median of numbers told as how often each occurs; of two in the middle their mean, of none 0."""
    total, seen, low = sum(counts.values()), 0, 0.0
    for number in sorted(counts):
        if seen < (total + 1) // 2:
            low = float(number)
        seen += counts[number]
        if seen > total // 2:
            return (low + number) / 2 if total % 2 == 0 else float(number)
    return 0.0


def _fairness(tally: Tally) -> Iterable[Indicator]:
    of = ((_REFUSED,), (_GRANTED, _REFUSED))
    yield _share(tally, "refusal_rate", "fairness", of, f"{_REFUSED} / ({_GRANTED} + {_REFUSED})")
    total = sum(tally.holders.values())
    largest = max(tally.holders.values(), default=0)
    value = round(100 * largest / total, 2) if total else 0.0
    yield Indicator(
        "largest_holder_share", "fairness", value, "percent", f"max(count({_GRANTED}) by org) / count({_GRANTED})", total
    )
    index = round(sum((100 * number / total) ** 2 for number in tally.holders.values()), 1) if total else 0.0
    formula = f"sum((100 * count({_GRANTED}) by org / count({_GRANTED}))^2)"
    yield Indicator("concentration_index", "fairness", index, "points", formula, total)
