from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.base.messages import LANGS, catalogue
from corpushub.domain.gates import (
    Context,
    Gate,
    Status,
    Waiver,
    gates_document,
    high_quality,
    holds,
    judge,
    judge_one,
    parse_gate,
    recompute,
    registry,
    stopping,
)
from corpushub.domain.measures import MEASURES

DAY = date(2026, 3, 2)


def a_gate(**over: Any) -> Gate:
    row = {
        "kind": "machine", "stage": "propose", "effect": "block", "basis": "-", "evidence": "-", "waivable_by": ["reviewer"],
        "checks": [{"measure": "rows", "op": ">=", "threshold": 10}],
    }  # fmt: skip
    return parse_gate("X-01", row | over)


def status(gate: Gate, measures: dict[str, float], **over: Any) -> Status:
    return judge_one(gate, Context(measures, DAY, **over)).status


def test_every_gate_of_the_specification_is_there_once() -> None:
    ours = [*registry(), *(name for gate in registry().values() for name in gate.also)]
    numbered = {f"G{number:02d}" for number in range(1, 31)}
    assert numbered <= set(ours)
    assert (
        len([name for name in ours if name in numbered and name in registry()])
        + len({n for n in ours if n in numbered and n not in registry()})
        == 30
    )
    assert {"AUT-01", "SRC-01", "PII-01", "SAF-01", "QUA-07", "REP-01", "APR-01", "COM-01"} <= set(registry())
    assert len(registry()) == 54


def test_every_gate_and_measure_has_words_in_both_languages() -> None:
    for lang in LANGS:
        words = catalogue(lang)
        assert not [name for name in registry() if f"card_gate.{name}" not in words]
        assert not [name for name in MEASURES if f"card_measure.{name}" not in words]


WAIVED_BY = {
    "SRC-03": ("reviewer",), "IPR-02": ("reviewer",), "IPR-03": ("reviewer",), "PII-03": ("reviewer", "authority"), "SAF-03": ("reviewer",),
    "SAF-04": ("reviewer",), "ANN-02": ("reviewer",), "MET-01": ("reviewer",), **{f"QUA-0{n}": ("provider",) for n in range(1, 7)},
    "QUA-07": ("reviewer", "authority"), "DUP-01": ("reviewer",), "REP-01": ("reviewer", "authority"), "COM-01": ("reviewer", "authority"),
    "G25": ("authority",),
}  # fmt: skip
"""The last column of the gate table; a gate that is not here is never waived."""


@pytest.mark.parametrize("name", list(registry()))
def test_each_gate_stops_a_release_and_is_waived_only_as_its_row_says(name: str) -> None:
    gate = registry()[name]
    seats = WAIVED_BY.get(name, ())
    assert gate.waivable_by == seats
    worst = {check.measure: -1.0 if check.op == ">=" else 1e9 for check in gate.checks}
    softened = {check.measure: check.threshold for check in gate.checks if check.firm}
    measures = {
        **({gate.when: 1} if gate.when else {}),
        **worst,
        **{check.when: 1 for check in gate.checks if check.when},
        **softened,
    }
    verdict = judge_one(gate, Context(measures, DAY, stage="publish"))
    assert verdict.status is Status.FAIL
    assert verdict.stops == (name != "QUA-07")
    signed = tuple(Waiver(name, f"p-{seat}", seat, "reason", DAY) for seat in seats)
    expected = Status.WAIVED if seats else Status.FAIL
    assert judge_one(gate, Context(measures, DAY, waivers=signed, stage="publish")).status is expected
    by_others = tuple(Waiver(name, f"p-{role}", role, "reason", DAY) for role in ("operator", "implementer", "cdo", "assessor"))
    assert judge_one(gate, Context(measures, DAY, waivers=by_others, stage="publish")).status is Status.FAIL


def test_a_waiver_of_two_seats_takes_two_people() -> None:
    gate = a_gate(waivable_by=["reviewer", "authority"])
    both = (Waiver("X-01", "p1", "reviewer", "r", DAY), Waiver("X-01", "p2", "authority", "r", DAY))
    assert status(gate, {"rows": 1}, waivers=both) is Status.WAIVED
    assert status(gate, {"rows": 1}, waivers=both[:1]) is Status.FAIL
    assert status(gate, {"rows": 1}, waivers=(both[0], Waiver("X-01", "p1", "authority", "r", DAY))) is Status.FAIL


@pytest.mark.parametrize(
    ("name", "good", "firm"),
    [
        ("REP-01", {"rebuild_differs": 1, "rebuild_data_differs": 0}, {"rebuild_differs": 1, "rebuild_data_differs": 1}),
        ("ANN-02", {"annotated_rows": 5, "label_reviewed": 1, "annotation_kappa": 0.1}, {"label_reviewed": 0.9}),
        (
            "SAF-03",
            {"text_rows": 5, "keyword_library": 80, "keyword_min_a1": 2, "keyword_min_a2": 2, "keyword_age": 31},
            {"keyword_age": 32},
        ),
    ],
)
def test_the_firm_part_of_a_gate_is_never_waived(name: str, good: dict[str, float], firm: dict[str, float]) -> None:
    gate = registry()[name]
    signed = tuple(Waiver(name, f"p-{seat}", seat, "reason", DAY) for seat in gate.waivable_by)
    context = Context(good, DAY, waivers=signed, stage="publish")
    assert judge_one(gate, context).status is Status.WAIVED
    verdict = judge_one(gate, replace(context, measures={**good, **firm}))
    assert (verdict.status, verdict.waivable_by) == (Status.FAIL, ())


def test_a_gate_without_its_number_fails() -> None:
    verdict = judge_one(a_gate(), Context({}, DAY))
    assert (verdict.status, verdict.reason) == (Status.FAIL, "rows")


def test_a_gate_applies_unless_its_measure_says_not() -> None:
    assert status(a_gate(when="text_rows"), {"rows": 1}) is Status.NOT_APPLICABLE
    assert status(a_gate(when="text_rows"), {"rows": 1, "text_rows": 1}) is Status.FAIL


def test_an_expired_waiver_or_one_by_the_wrong_seat_changes_nothing() -> None:
    gate = a_gate()
    good = Waiver("X-01", "p1", "reviewer", "reason", DAY)
    assert status(gate, {"rows": 1}, waivers=(good,)) is Status.WAIVED
    for bad in (
        Waiver("X-01", "p1", "reviewer", "reason", DAY - timedelta(days=1)),
        Waiver("X-01", "p1", "operator", "reason", DAY),
        Waiver("X-02", "p1", "reviewer", "reason", DAY),
    ):
        assert status(gate, {"rows": 1}, waivers=(bad,)) is Status.FAIL


def test_a_gate_that_may_not_be_waived_never_is() -> None:
    waiver = Waiver("X-01", "p1", "reviewer", "reason", DAY)
    assert status(a_gate(waivable_by=[]), {"rows": 1}, waivers=(waiver,)) is Status.FAIL


def test_a_recipe_may_tighten_but_not_soften() -> None:
    gate = a_gate(checks=[{"measure": "pii_residual", "op": "<=", "threshold": 0}])
    assert status(gate, {"pii_residual": 3}, stated={"pii_residual": 5}) is Status.FAIL
    open_gate = a_gate(checks=[{"measure": "k_anonymity", "op": ">=", "threshold": 5, "open": True}])
    assert status(open_gate, {"k_anonymity": 3}, stated={"X-01": 3}) is Status.PASS
    assert status(open_gate, {"k_anonymity": 8}, stated={"k_anonymity": 10}) is Status.FAIL


def test_a_labelling_gate_blocks_where_the_recipe_asks_for_it() -> None:
    gate = a_gate(effect="label")
    assert not judge_one(gate, Context({"rows": 1}, DAY)).stops
    assert judge_one(gate, Context({"rows": 1}, DAY, stated={"rows": 20})).stops


def test_a_sample_asks_no_more_rows_than_there_are() -> None:
    gate = registry()["SAF-01"]
    measures = {"text_rows": 300, "safety_reviewed": 300, "safety_required": 300, "safety_passed": 0.97}
    assert status(gate, measures) is Status.PASS
    assert status(gate, {**measures, "safety_required": 99_000}) is Status.FAIL


def test_what_needs_a_catalogue_waits_while_only_the_build_is_known() -> None:
    verdicts = {verdict.gate: verdict for verdict in judge(registry().values(), Context({"rows": 5}, DAY, stage="build"))}
    assert verdicts["AUT-01"].status is Status.PENDING
    assert verdicts["QUA-01"].status is Status.FAIL


@given(st.dictionaries(st.sampled_from(sorted(MEASURES)), st.integers(0, 5000) | st.sampled_from([0.5, 0.96, 0.99, 1.0])))
def test_anybody_computes_the_same_verdicts_from_the_document(measures: dict[str, float]) -> None:
    context = Context(measures, DAY)
    verdicts = judge(registry().values(), context)
    document = json.loads(json.dumps(gates_document(verdicts, context)))
    assert recompute(document) == ()
    assert high_quality(verdicts) <= (not stopping(verdicts))


def test_an_edited_verdict_number_or_missing_gate_is_found() -> None:
    context = Context({"rows": 10, "pii_residual": 2, "text_rows": 3, "pii_scanned": 1}, DAY)
    document = json.loads(json.dumps(gates_document(judge(registry().values(), context), context)))
    rows = {row["gate"]: row for row in document["gates"]}
    rows["PII-01"]["status"] = "pass"
    assert [(p.code, p.facts["gate"]) for p in recompute(document)] == [("gate.verdict_differs", "PII-01")]
    rows["PII-01"]["status"] = "fail"
    rows["PII-01"]["outcomes"][1]["threshold"] = 5
    assert [p.code for p in recompute(document)] == ["gate.numbers_differ"]
    document["gates"] = [row for row in document["gates"] if row["gate"] != "PII-01"]
    assert [p.code for p in recompute(document)] == ["gate.absent"]


@given(st.floats(0, 1))
def test_a_number_read_back_from_a_file_still_holds(value: float) -> None:
    assert holds(json.loads(json.dumps(value)), ">=", value)
