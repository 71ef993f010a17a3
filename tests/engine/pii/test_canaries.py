"""What is planted with every batch must be found and removed, and is told where it was not."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from corpushub.engine.mapping import carry_out
from corpushub.engine.pii import steps
from corpushub.engine.pii.analyzer import build_engine
from corpushub.engine.pii.canaries import canaries, planted
from corpushub.engine.pii.policy import policies, policy
from corpushub.engine.pii.scan import BatchAnalyzer
from corpushub.engine.pii.verify import second_scan
from corpushub.engine.step import Mapped, Scope
from tests.kit.engine import with_places

FRAME = pl.DataFrame({"text": ["办理事项请到窗口。", None], "note": ["无", "材料齐全。"]})


def planned(**params: Any) -> Mapped:
    answer = steps.STEPS[0].apply(
        steps.Scrub(**{"columns": ["text", "note"], **params}), Scope(schema=FRAME.schema, dataset="a/b", secret=b"k" * 16)
    )
    assert isinstance(answer, Mapped)
    return answer


def counts(answer: Mapped, frame: pl.DataFrame = FRAME) -> tuple[float, float]:
    _, tally, _ = carry_out(with_places(frame), answer, 1)
    return tally.measures.get("canaries_planted", 0), tally.measures.get("canaries_left", 0)


def without(monkeypatch: pytest.MonkeyPatch, *recognizers: str) -> None:
    engine = build_engine()
    for name in recognizers:
        engine.registry.remove_recognizer(name)
    analyzer = BatchAnalyzer(engine)
    monkeypatch.setattr(steps, "_analyzer", lambda *, names: analyzer)


@pytest.mark.parametrize("name", ["training", "natural", "public", "authorised"])
def test_every_policy_for_the_outside_removes_all_canaries(name: str) -> None:
    assert counts(planned(policy=name)) == (len(canaries(b"")) * 2, 0)


def test_canaries_are_cut_off_and_change_no_row() -> None:
    kernel = planned().kernel
    assert kernel is not None
    out = kernel(FRAME)
    assert out.height == FRAME.height
    assert out["note"].equals(FRAME["note"])
    assert counts(planned(), FRAME.head(0)) == (0, 0)


def test_a_disabled_recognizer_lets_its_canary_through(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "EmailAddressRecognizer", "LabelledValueRecognizer")
    assert counts(planned())[1] == 2


def test_without_names_no_name_is_planted_and_what_a_policy_keeps_neither() -> None:
    kinds = {canary.entity for canary in planted(b"", policy("training"), names=False)}
    assert "PERSON" not in kinds
    assert {canary.entity for canary in planted(b"", policies()["internal"], names=True)} <= {
        "CN_ID_CARD",
        "CN_MOBILE",
        "CN_BANK_CARD",
    }


def test_canaries_differ_by_key_and_pass_the_second_scan_of_their_kind() -> None:
    one, two = canaries(b"a"), canaries(b"b")
    assert {canary.value for canary in one}.isdisjoint(canary.value for canary in two)
    for canary in one:
        assert canary.value in canary.line
        if canary.entity in {"CN_ID_CARD", "EMAIL_ADDRESS"}:
            assert second_scan(canary.value) == [canary.entity]
