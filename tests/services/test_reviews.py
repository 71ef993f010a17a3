from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from corpushub.base.errors import Conflict, Forbidden, Invalid, NotFound
from corpushub.services.reviews import Reviews
from tests.kit.cards import Works, a_works, rows


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return a_works(tmp_path)


@pytest.fixture
def reviews(works: Works) -> Reviews:
    return Reviews(database=works.city.database, builds=works.builds, clock=works.city.clock)


def finish(works: Works, reviews: Reviews, review_id: str, failing: frozenset[str] = frozenset()) -> None:
    for person in ("reviewer", "implementer"):
        while items := reviews.queue(works.city[person], review_id, limit=30):
            for item in items:
                reviews.judge(works.city[person], review_id, item.row, passed=item.row not in failing, reason="wrong topic")


def test_the_same_build_gives_the_same_sample_with_content(works: Works, reviews: Reviews) -> None:
    build = works.build()
    review = reviews.open(works.city["operator"], build, "safety")
    assert reviews.open(works.city["operator"], build, "safety") == review
    assert review.size == 60
    first = reviews.queue(works.city["reviewer"], review.id, limit=3)
    assert [item.row for item in first] == [row["id"] for row in review.rows[:3]]
    assert first[0].content["text"].startswith("办理第")


def test_two_blind_verdicts_then_a_third_person(works: Works, reviews: Reviews) -> None:
    review = reviews.open(works.city["operator"], works.build(), "pii")
    row = review.rows[0]["id"]
    reviews.judge(works.city["reviewer"], review.id, row, passed=True)
    with pytest.raises(Conflict):
        reviews.judge(works.city["reviewer"], review.id, row, passed=False, reason="again")
    seen = next(item for item in reviews.queue(works.city["implementer"], review.id, limit=60) if item.row == row)
    assert seen.stage == 1
    assert not hasattr(seen, "verdicts")
    result = reviews.judge(works.city["implementer"], review.id, row, passed=False, reason="a name is left")
    assert (result.disputed, result.reviewed) == (1, 0)
    assert row not in [item.row for item in reviews.queue(works.city["reviewer"], review.id, limit=60)]
    third = next(item for item in reviews.queue(works.city["provider"], review.id, limit=60) if item.row == row)
    assert third.stage == 2
    result = reviews.judge(works.city["provider"], review.id, row, passed=False, reason="a name is left")
    assert (result.disputed, result.reviewed, result.passed) == (0, 1, 0)


def test_the_builders_organisation_does_not_review_its_own_data(works: Works, reviews: Reviews) -> None:
    review = reviews.open(works.city["operator"], works.build(), "safety")
    builder = replace(works.city["reviewer"], org="data-group")
    with pytest.raises(Forbidden):
        reviews.queue(builder, review.id)
    with pytest.raises(Forbidden):
        reviews.judge(works.city["operator"], review.id, review.rows[0]["id"], passed=True)
    with pytest.raises(NotFound):
        reviews.get(works.city["developer"], review.id)


def test_a_failed_row_needs_a_reason_and_a_row_outside_the_sample_is_refused(works: Works, reviews: Reviews) -> None:
    review = reviews.open(works.city["operator"], works.build(), "ip")
    with pytest.raises(Invalid):
        reviews.judge(works.city["reviewer"], review.id, review.rows[0]["id"], passed=False)
    with pytest.raises(NotFound):
        reviews.judge(works.city["reviewer"], review.id, "n-99999", passed=True)
    with pytest.raises(Invalid):
        reviews.open(works.city["operator"], works.build(), "taste")


def test_a_finished_review_passes_its_gates_and_stands_in_the_release(works: Works, reviews: Reviews) -> None:
    build = works.build()
    for purpose in ("safety", "ip", "metadata", "pii"):
        review = reviews.open(works.city["operator"], build, purpose)
        finish(works, reviews, review.id, frozenset({review.rows[0]["id"]}) if purpose == "safety" else frozenset())
        assert reviews.result(works.city["reviewer"], review.id).is_complete
    case = works.releases.propose(works.city["operator"], build)
    gates = {row["id"]: row for row in case.data["gates"]}
    assert [gates[name]["status"] for name in ("SAF-01", "IPR-02", "MET-01")] == ["pass", "pass", "pass"]
    assert {item["measure"]: item["value"] for item in gates["SAF-01"]["outcomes"]}["safety_passed"] == pytest.approx(
        59 / 60, abs=1e-5
    )
    # Sixty clean rows do not show that at most one row in a hundred holds personal information.
    assert gates["G10"]["status"] == "fail"


def test_rows_that_stay_are_not_reviewed_again(works: Works, reviews: Reviews) -> None:
    review = reviews.open(works.city["operator"], works.build("b-1"), "safety")
    finish(works, reviews, review.id)
    later = works.build("b-2", {"train": rows(50), "test": rows(13, 50)})
    again = reviews.open(works.city["operator"], later, "safety", version="1.1.0")
    result = reviews.result(works.city["reviewer"], again.id)
    assert (result.required, result.reviewed, result.open) == (63, 60, 3)


def test_the_report_names_reviewers_only_by_pseudonym(works: Works, reviews: Reviews) -> None:
    review = reviews.open(works.city["operator"], works.build(), "safety", n=5)
    finish(works, reviews, review.id)
    with works.city.database.read() as unit:
        kept = unit.documents.get("review_result", review.logical_digest)
    assert kept is not None
    assert "implementer" not in str(kept["samples"])
    assert len(kept["samples"]["safety"]["rows"]) == 5
