from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.domain.sampling import Row, Verdict, draw, kappa, rank, seed_of, settled, stage_for

ROWS = [Row(f"r{n}", hashlib.sha256(str(n).encode()).hexdigest(), "ab"[n % 2]) for n in range(200)]
SEED = seed_of("a" * 64, "1.0.0")


@given(st.permutations(ROWS))
def test_the_sample_does_not_depend_on_the_order_of_rows(rows: list[Row]) -> None:
    assert draw(rows, SEED, 10) == draw(ROWS, SEED, 10)


@given(st.integers(1, 150))
def test_a_larger_sample_contains_the_smaller(n: int) -> None:
    assert set(draw(ROWS, SEED, n)) <= set(draw(ROWS, SEED, n + 1))


def test_every_stratum_gives_its_rows_and_a_small_one_gives_all() -> None:
    sample = draw(ROWS, SEED, 30)
    assert [sum(row.stratum == name for row in sample) for name in "ab"] == [30, 30]
    assert len(draw(ROWS, SEED, 4000)) == 200


def test_an_auditor_draws_the_same_rows_with_three_lines_of_python() -> None:
    ranked = sorted(
        (row for row in ROWS if row.stratum == "a"),
        key=lambda row: hashlib.sha256(bytes.fromhex(SEED) + bytes.fromhex(row.digest)).digest(),
    )
    assert tuple(ranked[:7]) == tuple(row for row in draw(ROWS, SEED, 7) if row.stratum == "a")
    assert rank(SEED, ROWS[0].digest) != rank(seed_of("a" * 64, "1.0.1"), ROWS[0].digest)


def word(person: str, *, passed: bool, stage: int = 1) -> Verdict:
    return Verdict("r", person, "o", passed, stage=stage)


def test_two_who_agree_settle_a_row_and_a_third_settles_a_difference() -> None:
    assert settled([word("a", passed=True)]) is None
    assert settled([word("a", passed=True), word("b", passed=True)]) is True
    differing = [word("a", passed=True), word("b", passed=False)]
    assert settled(differing) is None
    assert stage_for(differing, "a") == 0
    assert stage_for(differing, "c") == 2
    assert settled([*differing, word("c", passed=False, stage=2)]) is False


def test_kappa_is_one_for_perfect_and_zero_for_chance_agreement() -> None:
    assert kappa([(True, True), (False, False)]) == 1.0
    assert kappa([(True, True), (True, False), (False, True), (False, False)]) == pytest.approx(0.0)
    assert kappa([]) == 0.0
