from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.base.errors import Invalid
from corpushub.domain.release import (
    Change,
    Item,
    Manifest,
    Version,
    check_version,
    column_changes,
    next_version,
    parse_checksums,
)

VERSIONS = st.builds(Version, st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))


def change(**over: int | bool | tuple[str, ...]) -> Change:
    return replace(Change("1.2.3", 10, 10, 0, 0, 0, 0), **over)  # type: ignore[arg-type]  # keywords of the case


@pytest.mark.parametrize(
    ("found", "version"),
    [
        (change(same_data=True), "1.2.4"),
        (change(added=3), "1.3.0"),
        (change(columns_added=("x",)), "1.3.0"),
        (change(removed=1), "2.0.0"),
        (change(changed=1), "2.0.0"),
        (change(moved=1), "2.0.0"),
        (change(columns_removed=("x",)), "2.0.0"),
        (change(columns_retyped=("x",), added=9), "2.0.0"),
    ],
)
def test_the_difference_decides_the_version(found: Change, version: str) -> None:
    assert str(next_version("1.2.3", found)) == version


@given(VERSIONS, VERSIONS)
def test_versions_order_as_numbers_and_read_back(one: Version, two: Version) -> None:
    assert Version.parse(str(one)) == one == Version.parse(one.tag)
    assert (one < two) == ((one.major, one.minor, one.patch) < (two.major, two.minor, two.patch))


@given(VERSIONS, st.sampled_from([change(same_data=True), change(added=1), change(removed=1)]))
def test_the_next_version_always_rises(last: Version, found: Change) -> None:
    assert next_version(str(last), found) > last


@pytest.mark.parametrize("words", ["1", "1.0", "01.0.0", "1.0.0-rc1", "a.b.c", "", "1.0.0.0", "٠.0.0"])
def test_a_version_is_three_numbers(words: str) -> None:
    with pytest.raises(Invalid):
        Version.parse(words)


def test_nobody_may_state_less_than_the_data_ask() -> None:
    with pytest.raises(Invalid) as refused:
        check_version("1.2.9", "1.2.3", change(added=1))
    assert refused.value.code == "releases.version_too_low"
    assert str(check_version("5.0.0", "1.2.3", change(added=1))) == "5.0.0"


def test_columns_that_changed_type_are_neither_new_nor_gone() -> None:
    assert column_changes([("a", "string"), ("b", "int64")], [("a", "int64"), ("c", "string")]) == {
        "columns_added": ("c",),
        "columns_removed": ("b",),
        "columns_retyped": ("a",),
    }


def test_a_manifest_reads_back_with_its_digest() -> None:
    items = (Item("b", "b" * 64, 2), Item("a", "a" * 64, 1))
    manifest = Manifest("o/n", "1.0.0", "2026-03-02", "r", "f", "l", 3, items)
    assert Manifest.from_json(json.loads(json.dumps(manifest.to_json()))) == manifest
    assert replace(manifest, rows=4).digest != manifest.digest
    assert parse_checksums(manifest.checksums()) == {"a": "a" * 64, "b": "b" * 64}


def test_a_change_reads_back() -> None:
    found = change(added=2, drift={"a": 0.5}, gates={"PII-01": ("fail", "pass")}, columns_added=("x",))
    assert Change.from_json(json.loads(json.dumps(found.to_json()))) == found
