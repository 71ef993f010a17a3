"""Figures a hub measured itself stand on its cards, for the recognizers they were measured with."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpushub.base.errors import Forbidden
from corpushub.domain.card_origin import evaluation
from corpushub.engine.pii.evaluate import Evaluation, Labelled, evaluate_texts, figures, recognizer_set
from corpushub.services.evaluations import KEPT, LATEST, Evaluations, evaluation_of
from tests.kit.cards import Works, a_works


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return a_works(tmp_path)


@pytest.fixture(scope="module")
def made() -> list[Evaluation]:
    found = Labelled("请拨打手机13912345678。", ((5, 16, "CN_MOBILE"),))
    return [evaluate_texts("hotline-calls", [found] * 9 + [Labelled("工号00017", ((2, 7, "CN_MOBILE"),))])]


def test_a_kept_evaluation_is_what_the_card_of_a_release_prints(works: Works, made: list[Evaluation]) -> None:
    service = Evaluations(database=works.city.database, clock=works.city.clock)
    service.keep(works.city["operator"], made)
    case = works.releases.propose(works.city["operator"], works.build("b-measured"))
    card = works.releases.evidence(works.city["operator"], case.id).card_en
    assert "| 90.00% | 59.58% – 98.21% | 100.00% | 70.09% – 100.00% | 10 | hotline-calls" in card
    assert recognizer_set()[:16] in card
    assert "UNER" not in card


def test_figures_of_other_recognizers_are_out_of_date(works: Works, made: list[Evaluation]) -> None:
    service = Evaluations(database=works.city.database, clock=works.city.clock)
    kept = dict(service.keep(works.city["operator"], made))
    with works.city.database.begin() as unit:
        assert evaluation_of(unit) == kept
        unit.documents.put(KEPT, LATEST, {**kept, "recognizers": "0" * 64})
        assert evaluation_of(unit) == {}
    case = works.releases.propose(works.city["operator"], works.build("b-outdated"))
    assert "UNER" in works.releases.evidence(works.city["operator"], case.id).card_en


def test_only_a_curator_keeps_figures(works: Works, made: list[Evaluation]) -> None:
    with pytest.raises(Forbidden, match=r"pii\.evaluation_role"):
        Evaluations(database=works.city.database).keep(works.city["developer"], made)


def test_every_set_speaks_for_itself_also_the_small_one_that_goes_badly(made: list[Evaluation]) -> None:
    small = evaluate_texts(
        "small", [Labelled("请拨打手机13912345678，或到一号窗口。", ((5, 16, "CN_MOBILE"), (18, 20, "PERSON")))]
    )
    told = figures([small, *made], "2026-01-01")
    assert list(told["sets"]) == ["small", "hotline-calls"]
    mobiles = [(row["set"], row["gold"]) for row in told["scores"] if row["entity"] == "CN_MOBILE"]
    assert mobiles == [("small", 1), ("hotline-calls", 10)]
    assert [row["recall"] for row in told["scores"] if (row["set"], row["entity"]) == ("small", "PERSON")] == [0]


def test_shipped_figures_have_both_ends_of_their_intervals() -> None:
    for row in evaluation()["scores"]:
        assert row["lower"] <= row["recall"] <= row["upper"]
        assert row["precision_lower"] <= row["precision"] <= row["precision_upper"]
