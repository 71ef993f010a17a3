"""Indicators of effect (article 20) and of fairness (article 8), counted from the record alone: whoever holds the events gets the same numbers.

Each indicator states its formula and the events it was counted from (`stream@version`, at most a hundred of them).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

from corpushub.base.identity import BEIJING, business_day
from corpushub.base.rulebook import Rulebook
from corpushub.domain.workflow import Event

_SHOWN = 100
_GRANTED, _REFUSED = ("access.countersigned",), ("access.rejected",)


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


@dataclass(slots=True)
class Tally:
    """Events by type and by stream, in the order of the record."""

    by_type: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    by_stream: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, events: Iterable[Event]) -> Tally:
        tally = cls()
        for event in events:
            tally.by_type[event.type].append(event)
            tally.by_stream[event.stream].append(event)
        return tally

    def these(self, *types: str) -> list[Event]:
        return [event for type_ in types for event in self.by_type.get(type_, ())]


def ref(event: Event) -> str:
    return f"{event.stream}@{event.version}"


def indicators(events: Iterable[Event], rules: Rulebook) -> tuple[Indicator, ...]:
    """All indicators of the events given (say, of a year), in a fixed order."""
    tally = Tally.of(events)
    counted = [_count(tally, *row) for row in _COUNTS]
    return (*counted, *_shares(tally), *_speeds(tally, rules), *_fairness(tally))


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
    ("drifts_seen", "quality", ("objection.filed",)),
    ("incidents", "safety", ("incident.detected",)),
    ("quarantines", "safety", ("release.quarantined",)),
    ("withdrawals", "safety", ("release.withdrawn",)),
    ("escalations", "speed", ()),
)


def counted_types(flow_names: Iterable[str]) -> frozenset[str]:
    """Types of events the indicators look at: nothing else has to be read from a large record."""
    counts = {type_ for _, __, types in _COUNTS for type_ in types}
    spans = {type_ for _, start, ends in _SPANS for type_ in (start, *ends)}
    rated = {"demand.closed", "work_order.closed", "objection.closed", "probe.observed", "demand.declined"}
    return frozenset(counts | spans | rated | {*_GRANTED, *_REFUSED} | {f"{name}.escalated" for name in flow_names})


def _count(tally: Tally, name: str, group: str, types: tuple[str, ...]) -> Indicator:
    if name == "escalations":
        found = [event for type_, listed in sorted(tally.by_type.items()) if type_.endswith(".escalated") for event in listed]
    elif name == "drifts_seen":
        found = [event for event in tally.these("probe.observed") if event.data.get("drift")]
    else:
        found = tally.these(*types)
    formula = f"count({' or '.join(types)})" if types else "count(*.escalated)"
    return Indicator(name, group, float(len(found)), "count", formula, len(found), tuple(map(ref, found[:_SHOWN])))


def _share(name: str, group: str, part: Sequence[Event], whole: Sequence[Event], formula: str) -> Indicator:
    value = round(100 * len(part) / len(whole), 2) if whole else 0.0
    return Indicator(name, group, value, "percent", formula, len(whole), tuple(map(ref, part[:_SHOWN])))


def _shares(tally: Tally) -> Iterable[Indicator]:
    met, unmet = tally.these("demand.fulfilled"), tally.these("demand.declined")
    yield _share("demand_satisfaction", "demand", met, [*met, *unmet], "demand.fulfilled / (demand.fulfilled + demand.declined)")
    rated = [event for event in tally.these("demand.closed", "work_order.closed", "objection.closed") if event.data.get("rating")]
    happy = [event for event in rated if int(event.data["rating"]) >= 4]
    yield _share("satisfied_ratings", "demand", happy, rated, "rating >= 4 / all ratings")
    filed, corrected = tally.these("objection.filed"), tally.these("objection.corrected")
    yield _share("objections_leading_to_correction", "quality", corrected, filed, "objection.corrected / objection.filed")
    out, back = tally.these("release.published"), tally.these("release.withdrawn")
    yield _share("releases_withdrawn", "safety", back, out, "release.withdrawn / release.published")


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


def _speeds(tally: Tally, rules: Rulebook) -> Iterable[Indicator]:
    """Median working days from one event of a stream to the next of another type."""
    for name, start, ends in _SPANS:
        spans, seen = [], []
        for first in tally.these(start):
            after = [event for event in tally.by_stream[first.stream] if event.version > first.version and event.type in ends]
            if after:
                spans.append(rules.working_days(business_day(first.at), business_day(after[0].at)))
                seen.append(after[0])
        formula = f"median working days from {start} to {' or '.join(ends)}"
        yield Indicator(
            name,
            "speed",
            float(median(spans)) if spans else 0.0,
            "working_day",
            formula,
            len(spans),
            tuple(map(ref, seen[:_SHOWN])),
        )


def _fairness(tally: Tally) -> Iterable[Indicator]:
    granted, refused = tally.these(*_GRANTED), tally.these(*_REFUSED)
    yield _share(
        "refusal_rate", "fairness", refused, [*granted, *refused], "access.rejected / (access.countersigned + access.rejected)"
    )
    holders = Counter(event.org for event in granted)
    total = sum(holders.values())
    largest = max(holders.values(), default=0)
    value = round(100 * largest / total, 2) if total else 0.0
    yield Indicator("largest_holder_share", "fairness", value, "percent", "grants of the largest holder / all grants", total)
    index = round(sum((100 * number / total) ** 2 for number in holders.values()), 1) if total else 0.0
    yield Indicator(
        "concentration_index",
        "fairness",
        index,
        "points",
        "sum over holders of (share in percent)^2 (Herfindahl-Hirschman)",
        total,
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the approvals worth a look (article 16). It proves nothing; it says where to ask."""

    # same_pair, too_fast, off_hours, always_yes, related_org, price_differs, above_cap, no_price, not_as_listed
    kind: str
    persons: tuple[str, ...]
    orgs: tuple[str, ...]
    facts: Mapping[str, Any]
    events: tuple[str, ...]


_YES = frozenset({"approved", "voted", "confirmed", "capped", "amended"})
_NO = frozenset({"rejected", "returned", "refused"})


def unusual(events: Iterable[Event], rules: Rulebook, conflicts: Mapping[str, frozenset[str]]) -> tuple[Finding, ...]:
    """Unusual approvals: one pair again and again, faster than one can read, off hours, never a no, in favour of related organisations."""
    tally = Tally.of(events)
    decisions = [
        event for stream in tally.by_stream.values() for event in stream if event.name in _YES | _NO and event.actor != "system"
    ]
    openers = {stream: listed[0] for stream, listed in tally.by_stream.items()}
    found: list[Finding] = []
    found += _same_pairs(decisions, openers, rules)
    found += _fast(decisions, tally, rules)
    found += _off_hours(decisions, rules)
    found += _always_yes(decisions, rules)
    found += _related(decisions, openers, conflicts)
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
                "same_pair", (person, other), (seen[0].org, openers[seen[0].stream].org), facts, tuple(map(ref, seen[:_SHOWN]))
            )


def _fast(decisions: Sequence[Event], tally: Tally, rules: Rulebook) -> Iterable[Finding]:
    limit = rules.number("separation.unusual_seconds")
    for event in decisions:
        before = [item for item in tally.by_stream[event.stream] if item.version < event.version and item.name != "voted"]
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
            yield Finding("always_yes", (person,), (listed[0].org,), {"count": number}, tuple(map(ref, listed[:_SHOWN])))


def _related(
    decisions: Sequence[Event], openers: Mapping[str, Event], conflicts: Mapping[str, frozenset[str]]
) -> Iterable[Finding]:
    """Declared afterwards, decided before: the declared interest would have kept the person out."""
    for event in decisions:
        other = openers[event.stream].org
        if event.name in _YES and other in conflicts.get(event.actor, frozenset()):
            yield Finding("related_org", (event.actor,), (event.org, other), {}, (ref(event),))
