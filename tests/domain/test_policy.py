"""Laws of terms and deliveries (INV-04, INV-05, INV-06, INV-09)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.base.messages import LANGS, catalogue
from corpushub.domain.catalog import Attribute, Category, Classification, Egress, Resource
from corpushub.domain.policy import (
    CHANNELS,
    PURPOSES,
    Delivered,
    Link,
    Terms,
    Use,
    covers_version,
    decide_delivery,
    excess,
    narrowed,
    unreadable_version,
    within,
)

NAMES = ("a", "b", "c")
COLUMNS = ("x", "y", "z")
REGIONS = ("110000", "110100", "110101", "110101001", "990100")
DAYS = st.dates(date(2026, 1, 1), date(2026, 1, 20))


def some(values: tuple[str, ...], least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), min_size=least, unique=True).map(tuple)


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    first, last = sorted((draw(DAYS), draw(DAYS)))
    return Terms(
        resources=draw(some(NAMES)),
        purposes=draw(some(PURPOSES[:3])),
        channels=draw(some(CHANNELS[:3])),
        fields=draw(st.dictionaries(st.sampled_from(NAMES), some(COLUMNS, 1), max_size=3)),
        regions=draw(some(REGIONS)),
        valid_from=first.isoformat(),
        valid_to=last.isoformat(),
        max_rows=draw(st.sampled_from((0, 10, 100))),
    )


@st.composite
def uses(draw: st.DrawFn) -> Use:
    names = draw(some(NAMES, 1))
    columns = {name: draw(some(COLUMNS, 1)) for name in names}
    purpose, channel = draw(st.sampled_from(PURPOSES[:3])), draw(st.sampled_from(CHANNELS[:3]))
    return Use(names, purpose, channel, columns, draw(some(REGIONS)), draw(st.sampled_from((0, 5, 50, 500))))


@given(uses(), terms(), terms(), DAYS)
def test_what_a_part_permits_its_whole_permits(use: Use, other: Terms, parent: Terms, day: date) -> None:
    child = narrowed(other, parent)
    if within(use, child, day).allowed:
        assert within(use, parent, day).allowed


@given(terms(), terms())
def test_what_is_narrowed_never_exceeds_either(child: Terms, parent: Terms) -> None:
    both = narrowed(child, parent)
    assert excess(both, child) == ()
    assert excess(both, parent) == ()


@given(terms())
def test_nothing_exceeds_itself(one: Terms) -> None:
    assert excess(one, one) == ()
    assert Terms.from_json(one.to_json()) == one


@given(terms(), terms(), terms())
def test_attenuation_is_transitive(one: Terms, two: Terms, three: Terms) -> None:
    middle = narrowed(two, three)
    assert excess(narrowed(one, middle), three) == ()


@given(uses(), terms(), DAYS)
def test_nothing_is_permitted_after_its_end(use: Use, one: Terms, day: date) -> None:
    after = max(day, date.fromisoformat(one.valid_to) + timedelta(days=1))
    assert not within(use, one, after).allowed


ENTRY = Resource(id="990100/a/a", title={"en": "a"}, owner="o", open_attribute=Attribute.CONDITIONAL)
WIDE = Terms(("990100/a/a",), PURPOSES, CHANNELS, valid_from="2026-01-01", valid_to="2026-12-31")
USE = Use(("990100/a/a",), "model-training", "file")
DAY = date(2026, 6, 1)


def link(kind: str = "entitlement", *, active: bool = True, **over: object) -> Link:
    return Link(kind, f"{kind}-1", replace(WIDE, **over), "active" if active else "suspended", active)


CHAIN = (link("token"), link("entitlement"), link("delegation"), link("authorization"))
RELEASE = Delivered("city/a", "released", (ENTRY,))


def test_a_whole_chain_in_force_delivers() -> None:
    assert decide_delivery(USE, RELEASE, CHAIN, DAY).allowed


@pytest.mark.parametrize("place", range(4))
def test_one_broken_link_stops_a_delivery(place: int) -> None:
    for broken in (
        link(CHAIN[place].kind, active=False),
        link(CHAIN[place].kind, valid_to="2026-05-31"),
        link(CHAIN[place].kind, valid_from="2026-06-02"),
        link(CHAIN[place].kind, purposes=("research",)),
        link(CHAIN[place].kind, channels=("query",)),
        link(CHAIN[place].kind, resources=()),
    ):
        chain = (*CHAIN[:place], broken, *CHAIN[place + 1 :])
        verdict = decide_delivery(USE, RELEASE, chain, DAY)
        assert not verdict.allowed
        assert broken.kind in str(verdict.facts["link"])
        assert verdict.article
        for lang in LANGS:
            assert verdict.error().explain(lang)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (replace(ENTRY, secrecy=True), "delivery.secrecy"),
        (replace(ENTRY, classification=Classification(Category.CORE, 1)), "delivery.core"),
        (replace(ENTRY, classification=Classification(Category.IMPORTANT, 1)), "delivery.important"),
        (replace(ENTRY, open_attribute=Attribute.NONE), "delivery.closed"),
        (replace(ENTRY, egress=Egress.NONE), "delivery.egress"),
    ],
)
def test_what_an_entry_forbids_no_chain_permits(entry: Resource, code: str) -> None:
    assert decide_delivery(USE, replace(RELEASE, resources=(ENTRY, entry)), CHAIN, DAY).code == code


def test_open_without_condition_needs_no_chain_but_not_when_recalled() -> None:
    free = replace(RELEASE, resources=(replace(ENTRY, open_attribute=Attribute.UNCONDITIONAL),))
    assert decide_delivery(USE, free, (), DAY).allowed
    assert decide_delivery(USE, replace(free, state="withdrawn"), (), DAY).code == "delivery.withdrawn"
    assert decide_delivery(USE, replace(free, state="quarantined"), CHAIN, DAY).code == "delivery.quarantined"


def test_nothing_entitles_by_default() -> None:
    assert decide_delivery(USE, RELEASE, (), DAY).code == "delivery.missing"


def test_raw_data_never_leaves() -> None:
    assert decide_delivery(USE, replace(RELEASE, raw=True), CHAIN, DAY).code == "delivery.egress"


def test_every_reason_has_words() -> None:
    reasons = ("purpose", "channel", "resource", "fields", "region", "rows", "expired", "not_yet", "inactive", "missing")
    assert {f"{area}.{reason}" for area in ("delivery", "authorization") for reason in reasons} <= set(catalogue("en"))


@pytest.mark.parametrize(
    ("stated", "covered", "not_covered"),
    [
        ("", ["1.0.0", "v2.3.4", "nightly"], []),
        ("1.2.0", ["1.2.0", "v1.2.0"], ["1.2.1", "11.2.0"]),
        ("1.*", ["1.0.0", "v1.10.3"], ["10.0.0", "2.0.0"]),
        ("1.2.*, 3.0.0", ["1.2.9", "3.0.0"], ["1.20.0", "3.0.1"]),
        ("1.9.0..1.10.0", ["1.9.0", "1.9.7", "v1.10.0"], ["1.8.9", "1.10.1", "nightly"]),
        ("..1.4.0 2.0.0..", ["0.0.1", "1.4.0", "9.0.0"], ["1.4.1", "1.99.0"]),
    ],
)
def test_versions_are_covered_as_stated(stated: str, covered: list[str], not_covered: list[str]) -> None:
    assert not unreadable_version(stated)
    assert all(covers_version(stated, [version]) for version in covered)
    assert not any(covers_version(stated, [version]) for version in not_covered)
    assert covers_version(stated, []) == (stated == "")


@pytest.mark.parametrize("word", ["1", "1*", "*", "latest", "1.0", ">=1.0.0", "1.0.0-2.0.0", "1..2"])
def test_a_statement_that_means_no_version_is_told(word: str) -> None:
    assert unreadable_version(f"1.0.0, {word}") == word
