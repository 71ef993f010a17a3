"""What `release propose` says of a gate that failed: what it is about, the numbers, and who may let it pass."""

from __future__ import annotations

import pytest

from corpushub.base.messages import Lang
from corpushub.cli.release import gate_row
from corpushub.domain.gates import registry


@pytest.mark.parametrize(
    ("lang", "about", "found"),
    [
        ("en", "sources diverse", "fewest sources per language - (>= 2)"),
        ("zh", "来源多样", "每种语言最少来源数 - (>= 2)"),
    ],
)
def test_a_failed_gate_is_told_in_words_and_numbers(lang: Lang, about: str, found: str) -> None:
    passed = {"measure": "source_records", "op": ">=", "threshold": 1, "value": 1.0, "passed": True}
    failed = {"measure": "language_sources_min", "op": ">=", "threshold": 2, "value": None, "passed": False}
    gate = {"id": "SRC-03", "status": "fail", "effect": "block", "waivable_by": ["reviewer"], "outcomes": [passed, failed]}
    row = gate_row(gate, lang)
    assert (row["gate"], row["about"], row["found"], row["waivable_by"]) == ("SRC-03", about, found, "reviewer")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_gate_can_be_told(lang: Lang) -> None:
    for gate in registry().values():
        outcomes = [
            {"measure": check.measure, "op": check.op, "threshold": check.threshold, "value": 0.0, "passed": False}
            for check in gate.checks
        ]
        row = gate_row({"id": gate.id, "effect": gate.effect, "waivable_by": [], "outcomes": outcomes}, lang)
        assert "card_" not in row["about"] + row["found"]
