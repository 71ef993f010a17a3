"""Readers see what was released and nothing else; a released tag never moves; a withdrawn one never comes back by another name."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime

import pytest

from corpushub.base.errors import Conflict
from corpushub.domain.tree import entry_for
from corpushub.store.db import Database, Unit
from corpushub.store.repos import HEADS, TAGS

AT = datetime(2026, 3, 1, tzinfo=UTC)
REPO = "city/notices"


@pytest.fixture
def unit() -> Generator[Unit]:
    with Database(":memory:").begin() as made:
        made.repos.create(REPO, org="o", by="p")
        yield made


def commit(unit: Unit, text: str, *, released: bool = True) -> str:
    return unit.repos.commit(
        REPO, [entry_for("a.txt", text.encode()), entry_for("same.txt", b"same")], text, "p", AT, released=released
    )


def release(unit: Unit, tag: str) -> str:
    made = commit(unit, tag)
    unit.repos.set_tag(REPO, tag, made)
    unit.repos.set_branch(REPO, "main", made)
    return made


def test_a_push_moves_what_curators_see_and_not_what_readers_see(unit: Unit) -> None:
    first = release(unit, "v1")
    pushed = commit(unit, "draft", released=False)
    unit.repos.set_branch(REPO, "main", pushed, released=False)
    assert unit.repos.resolve(REPO, "main") == pushed
    found = unit.repos.find(REPO, "main", reader=True)
    assert found is not None
    assert found.commit == first
    assert unit.repos.find(REPO, pushed, reader=True) is None
    assert [row.id for row in unit.repos.history(pushed, released_only=True)] == [first]


def test_a_released_tag_stays_where_it_is(unit: Unit) -> None:
    release(unit, "v1")
    other = commit(unit, "other")
    with pytest.raises(Conflict):
        unit.repos.set_tag(REPO, "v1", other)
    with pytest.raises(Conflict):
        unit.repos.delete_ref(REPO, TAGS, "v1")
    with pytest.raises(Conflict):
        unit.repos.delete(REPO)


def test_withdrawing_falls_back_to_the_newest_release_still_delivered(unit: Unit) -> None:
    first, second = release(unit, "v1"), release(unit, "v2")
    unit.repos.stop(REPO, "v2", state="withdrawn", reason="a name was left", successor="2.0.1")
    main = unit.repos.find(REPO, "main", reader=True)
    assert main is not None
    assert (main.commit, main.stopped) == (first, None)
    for word in ("v2", second, second[:8]):
        found = unit.repos.find(REPO, word, reader=True)
        assert found is not None
        assert found.stopped is not None
        assert (found.stopped.reason, found.stopped.successor) == ("a name was left", "v2.0.1")
    unit.repos.stop(REPO, "v1", state="withdrawn", reason="both")
    last = unit.repos.find(REPO, "main", reader=True)
    assert last is not None
    assert last.stopped is not None


def test_unchanged_files_keep_the_commit_that_made_them(unit: Unit) -> None:
    first, second = release(unit, "v1"), release(unit, "v2")
    tree = unit.repos.tree(second)
    assert (tree.by_path["same.txt"].commit, tree.by_path["a.txt"].commit) == (first, second)


def test_the_same_push_twice_is_one_commit(unit: Unit) -> None:
    pushed = commit(unit, "x", released=False)
    unit.repos.set_branch(REPO, "main", pushed, released=False)
    assert commit(unit, "x", released=False) == pushed


def test_a_moved_repository_is_found_until_its_name_is_taken(unit: Unit) -> None:
    unit.repos.move(REPO, "city/other")
    assert unit.repos.moved_to("City/Notices") == "city/other"
    unit.repos.create(REPO, org="o", by="p")
    assert unit.repos.moved_to(REPO) is None
    with pytest.raises(Conflict):
        unit.repos.create("CITY/OTHER", org="o", by="p")


def test_every_named_object_is_kept_by_a_sweep(unit: Unit) -> None:
    made = release(unit, "v1")
    unit.repos.receive(REPO, "f" * 64, 3, "p")
    assert unit.repos.named_objects() == {entry.sha256 for entry in unit.repos.entries(made)} | {"f" * 64}
    assert unit.repos.ref(REPO, HEADS, "main") is not None
