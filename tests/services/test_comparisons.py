"""Any two versions side by side: counts for everybody, rows for whoever may take them."""

from __future__ import annotations

import pytest

from corpushub.base.errors import Forbidden, Invalid, NotFound
from corpushub.base.settings import Settings
from corpushub.domain.parties import ANONYMOUS
from corpushub.services import comparisons
from corpushub.services.access import Access
from corpushub.services.comparisons import Comparisons, any_of
from corpushub.services.parties import Parties
from corpushub.services.repositories import Repositories
from corpushub.services.viewer import Viewer
from tests.kit.cards import Works, a_works, rows

DATASET = "yunzhou/notices"


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Works:
    works = a_works(tmp_path_factory.mktemp("works"))
    works.released("b-1", {"train": rows(50), "test": rows(10, 50)})
    changed = [{**row, "text": f"{row['text']}（更正）"} if at == 3 else row for at, row in enumerate(rows(51, 2))]
    works.released("b-2", {"train": changed, "test": rows(10, 53)})
    return works


@pytest.fixture(scope="module")
def compared(works: Works) -> Comparisons:
    city, settings = works.city, Settings(home=works.folder / "home")
    parties = Parties(database=city.database, clock=city.clock)
    access = Access(database=city.database, settings=settings, clock=city.clock, parties=parties)
    shelf = Repositories(
        database=city.database, objects=works.releases.objects, settings=settings, clock=city.clock, access=access
    )
    viewer = Viewer(objects=works.releases.objects, repositories=shelf, access=access)
    return Comparisons(database=city.database, releases=works.releases, viewer=viewer)


def versions(works: Works) -> tuple[str, str]:
    newest, oldest = works.releases.list(ANONYMOUS, DATASET)
    return oldest.version, newest.version


def test_counts_are_the_same_either_way_round(works: Works, compared: Comparisons) -> None:
    old, new = versions(works)
    forth, back = compared.compare(ANONYMOUS, DATASET, old, new).change, compared.compare(ANONYMOUS, DATASET, new, old).change
    assert (forth.added, forth.removed, forth.changed) == (3, 2, 1)
    assert (back.added, back.removed, back.changed) == (2, 3, 1)


def test_a_version_equals_itself(works: Works, compared: Comparisons) -> None:
    old, _ = versions(works)
    assert compared.compare(ANONYMOUS, DATASET, old, old).change.is_empty


def test_rows_are_shown_to_those_who_may_take_them(works: Works, compared: Comparisons) -> None:
    old, new = versions(works)
    found = compared.rows(works.city["operator"], DATASET, old, new)
    assert [pair.kind for pair in found] == ["changed", "added", "added", "added", "removed", "removed"]
    changed = found[0]
    assert changed.after["text"] == f"{changed.before['text']}（更正）"
    assert all(not pair.before for pair in found if pair.kind == "added")
    with pytest.raises(Forbidden):
        compared.rows(ANONYMOUS, DATASET, old, new)


def test_keys_are_rows_and_not_shown_to_those_who_may_see_none(works: Works, compared: Comparisons) -> None:
    old, new = versions(works)
    told = compared.compare(works.city["operator"], DATASET, old, new)
    assert told.examples["added"]
    assert told.change.examples["added"]
    found = compared.compare(ANONYMOUS, DATASET, old, new)
    assert found.change.added == told.change.added
    assert (found.examples, found.change.examples) == ({}, {})


def test_an_unknown_version_is_not_found(works: Works, compared: Comparisons) -> None:
    with pytest.raises(NotFound):
        compared.compare(ANONYMOUS, DATASET, versions(works)[0], "99.0.0")


def test_very_large_versions_are_compared_elsewhere(works: Works, compared: Comparisons, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparisons, "MOST_ROWS", 10)
    with pytest.raises(Invalid, match=r"comparison\.too_large"):
        compared.compare(ANONYMOUS, DATASET, *versions(works))


def test_a_key_can_close_no_quotation() -> None:
    assert any_of("id", ["a' OR '1'='1"], is_text=True) == "\"id\" IN ('a'' OR ''1''=''1')"
    assert any_of('i"d', ["1", "2"], is_text=False) == '"i""d" IN (1, 2)'
