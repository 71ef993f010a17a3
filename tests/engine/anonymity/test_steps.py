"""generalise and k_anonymise on small tables and against brute force."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.base.errors import Invalid
from corpushub.engine.anonymity.hierarchies import Ladder, build
from corpushub.engine.anonymity.lattice import Demand, group, search
from corpushub.engine.anonymity.risk import risk
from corpushub.engine.anonymity.steps import Generalise, KAnonymise, Rung, generalise, k_anonymise
from corpushub.engine.step import Scope

PEOPLE = pl.DataFrame(
    {
        "age": [23, 27, 29, 31, 34, 38, 71, 24],
        "code": ["110101", "110102", "110105", "110108", "110109", "310101", "110111", "110112"],
    }
)
LADDERS = {"age": Ladder(bands=(5, 10, 20)), "code": Ladder(prefix=(4, 2))}


class Whole:
    """All rows in one sketch."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame, self.rows = frame, frame.height

    def gather(self, columns: tuple[str, ...]) -> pl.DataFrame:
        return self.frame.select(columns)


def anonymised(frame: pl.DataFrame, **params: object) -> tuple[pl.DataFrame, dict[str, float]]:
    step = k_anonymise(KAnonymise(quasi=("age", "code"), hierarchies=LADDERS, **params), Scope(schema=frame.schema))
    decision = step.decide(Whole(step.sketch(frame)))
    kept = frame.with_columns(**decision.columns).filter(pl.Series(decision.codes == 0))
    return kept, dict(decision.measures)


def test_k_anonymise_reaches_k_and_says_what_it_cost() -> None:
    kept, measures = anonymised(PEOPLE, k=2, max_suppressed=0.25)
    assert risk(kept, ["age", "code"]).k >= 2
    assert measures["k_anonymity"] >= 2
    assert measures["suppressed_ratio"] == pytest.approx(1 - kept.height / PEOPLE.height)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(20, 60), st.sampled_from(PEOPLE["code"].to_list())), min_size=1, max_size=25),
    st.integers(2, 4),
)
def test_the_search_finds_what_brute_force_finds(rows: list[tuple[int, str]], k: int) -> None:
    frame = pl.DataFrame(rows, schema={"age": pl.Int64, "code": pl.String}, orient="row")
    made = [build(name, frame[name].unique().sort().to_list(), LADDERS[name]) for name in ("age", "code")]
    coded = [
        np.array([frame[h.column].unique().sort().to_list().index(value) for value in frame[h.column].to_list()]) for h in made
    ]
    found = search(made, group(coded, [], np.ones(len(rows), dtype=np.int64)), Demand(k=k, max_suppressed=0.2))
    losses = []
    for node in product(*(range(h.height + 1) for h in made)):
        keys = list(
            zip(*(h.codes[level][column].tolist() for h, level, column in zip(made, node, coded, strict=True)), strict=True)
        )
        bad = sum(keys.count(key) < k for key in keys)
        if bad <= 0.2 * len(keys):
            kept = sum(float(h.loss(level)[column].mean()) for h, level, column in zip(made, node, coded, strict=True)) / len(
                made
            )
            losses.append(kept + (1 - kept) * bad / len(keys))
    satisfied = min(losses, default=None)
    assert (found is None) == (satisfied is None)
    if found is not None and satisfied is not None:
        assert found.loss == pytest.approx(satisfied)


def test_an_impossible_demand_is_refused() -> None:
    with pytest.raises(Invalid, match=r"anonymity\.unreachable"):
        anonymised(PEOPLE, k=9)


def test_generalise_reads_rules_and_files(tmp_path: Path) -> None:
    (tmp_path / "code.csv").write_text("".join(f"{code};{code[:4]};{code[:2]};*\n" for code in PEOPLE["code"]), "utf-8")
    scope = Scope(schema=PEOPLE.schema, folder=tmp_path)
    mapped = generalise(Generalise(columns={"age": Rung(bands=(10,)), "code": Rung(file="code.csv", level=2)}), scope)
    assert mapped.kernel is not None
    out = PEOPLE.with_columns(mapped.kernel(PEOPLE)).with_columns(**mapped.columns)
    assert out.row(0) == ("20-29", "11")


def test_a_hierarchy_with_gaps_is_refused(tmp_path: Path) -> None:
    (tmp_path / "code.csv").write_text("110101;1101;*\n", "utf-8")
    mapped = generalise(Generalise(columns={"code": Rung(file="code.csv")}), Scope(schema=PEOPLE.schema, folder=tmp_path))
    assert mapped.kernel is not None
    with pytest.raises(Invalid, match=r"anonymity\.hierarchy_gap"):
        mapped.kernel(PEOPLE)


def test_l_and_t_are_reached_too() -> None:
    frame = PEOPLE.with_columns(illness=pl.Series(["a", "a", "a", "b", "b", "b", "a", "b"]))
    step = k_anonymise(
        KAnonymise(quasi=("age", "code"), sensitive=("illness",), hierarchies=LADDERS, k=2, l=2, t=0.4, max_suppressed=0.3),
        Scope(schema=frame.schema),
    )
    decision = step.decide(Whole(step.sketch(frame)))
    assert decision.measures["l_diversity"] >= 2
    assert decision.measures["k_anonymity"] >= 2
