from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from corpushub.base.errors import Conflict, Forbidden, Invalid, NotFound
from corpushub.domain.sampling import seed_of
from corpushub.services import reviews as module
from corpushub.services.reviews import VERDICTS, Reviews, review_evidence
from tests.kit.cards import Works, a_works, rows

DAY = date(2026, 3, 2)


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return a_works(tmp_path)


@pytest.fixture
def reviews(works: Works) -> Reviews:
    return works.reviews


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
    # All sixty rows were looked at, so the rate found is the rate.
    assert {item["measure"]: item["value"] for item in gates["G10"]["outcomes"]}["pii_upper_bound"] == 0
    assert gates["G10"]["status"] == "pass"


def test_rows_that_stay_are_not_reviewed_again(works: Works, reviews: Reviews) -> None:
    review = reviews.open(works.city["operator"], works.build("b-1"), "safety")
    finish(works, reviews, review.id)
    later = works.build("b-2", {"train": rows(50), "test": rows(13, 50)})
    again = reviews.open(works.city["operator"], later, "safety", version="1.1.0")
    result = reviews.result(works.city["reviewer"], again.id)
    assert (result.required, result.reviewed, result.open) == (63, 60, 3)


def test_the_report_names_reviewers_only_by_pseudonym(works: Works, reviews: Reviews) -> None:
    build = works.build()
    review = reviews.open(works.city["operator"], build, "safety", n=5)
    finish(works, reviews, review.id)
    with works.city.database.read() as unit:
        kept = review_evidence(unit, works.builds.records[build], "1.0.0", DAY)
    assert "implementer" not in str(kept["samples"])
    assert sum(len(row["verdicts"]) for row in kept["samples"]["safety"]["rows"]) == 10


def test_a_smaller_sample_than_the_gate_asks_for_does_not_pass_it(works: Works, reviews: Reviews) -> None:
    build = works.build()
    finish(works, reviews, reviews.open(works.city["operator"], build, "safety", n=5).id)
    case = works.releases.propose(works.city["operator"], build)
    gate = next(row for row in case.data["gates"] if row["id"] == "SAF-01")
    numbers = {item["measure"]: item for item in gate["outcomes"]}
    assert (gate["status"], gate["effect"], gate["waivable_by"]) == ("fail", "block", [])
    assert (numbers["safety_reviewed"]["value"], numbers["safety_reviewed"]["threshold"]) == (5, 60)


def test_a_release_draws_its_own_sample_whatever_version_a_review_named(works: Works, reviews: Reviews) -> None:
    build = works.build()
    finish(works, reviews, reviews.open(works.city["operator"], build, "safety", version="7.7.7").id)
    with works.city.database.read() as unit:
        kept = review_evidence(unit, works.builds.records[build], "1.0.0", DAY)
    assert kept["samples"]["safety"]["seed"] == seed_of(works.builds.records[build].built.logical_digest, "1.0.0")
    assert kept["measures"]["safety_reviewed"] == kept["measures"]["safety_required"] == 60


def test_verdicts_on_many_rows_are_kept_together_or_not_at_all(works: Works, reviews: Reviews) -> None:
    review = reviews.open(works.city["operator"], works.build(), "ip")
    rows_ = [row["id"] for row in review.rows[:3]]
    with pytest.raises(Invalid):
        reviews.judge_all(works.city["reviewer"], review.id, {rows_[0]: (True, ""), rows_[1]: (False, "")})
    assert reviews.queue(works.city["reviewer"], review.id, limit=1)[0].row == rows_[0]
    reviews.judge_all(works.city["reviewer"], review.id, dict.fromkeys(rows_, (True, "")))
    assert reviews.queue(works.city["reviewer"], review.id, limit=1)[0].row not in rows_


def test_how_far_reviews_are_is_read_from_verdicts_only_when_a_new_one_was_given(
    works: Works, reviews: Reviews, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviewer = works.city["reviewer"]
    one = reviews.open(works.city["operator"], works.build(), "pii", n=3)
    read: list[str] = []
    monkeypatch.setattr(module, "verdicts_of", lambda *told, _read=module.verdicts_of: read.append(told[2]) or _read(*told))
    assert [result.reviewed for result in reviews.list(reviewer)] == [0]
    assert reviews.list(reviewer) == (reviews.result(reviewer, one.id),)
    assert read == ["pii"]
    for number, item in enumerate(reviews.queue(reviewer, one.id), start=1):
        told = reviews.judge(reviewer, one.id, item.row, passed=True)
        read.clear()
        assert reviews.list(reviewer) == (told,) == (reviews.result(reviewer, one.id),)
        assert read == ["pii"]
        with works.city.database.read() as unit:
            assert unit.documents.mark(VERDICTS, prefix=f"{one.dataset}/pii/")[0] == number


def test_the_age_of_the_keyword_library_counts_from_the_day_a_reviewer_looked_it_through(works: Works, reviews: Reviews) -> None:
    with pytest.raises(Forbidden):
        reviews.confirm_library(works.city["operator"])
    told = reviews.confirm_library(works.city["reviewer"])
    build = works.builds.records[works.build()]
    with works.city.database.read() as unit:
        found = review_evidence(unit, build, "1.0.0", date.fromisoformat(told["confirmed"]) + timedelta(days=8))
    assert (found["measures"]["keyword_age"], found["library"]["sha256"]) == (8, told["sha256"])
