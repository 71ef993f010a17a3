"""Quality counts: what repeats is found whatever is read at once."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.domain.recipe import Column, Contract
from corpushub.engine import quality

HASH = st.one_of(st.integers(0, 3), st.integers(2**64 - 3, 2**64 - 1), st.integers(0, 2**64 - 1))


@given(parts=st.lists(st.lists(HASH, max_size=20), max_size=4), at_once=st.sampled_from([1 << 20, 7, 1]))
def test_repeated_rows_are_counted_the_same_however_many_are_read_at_once(parts: list[list[int]], at_once: int) -> None:
    whole = [value for part in parts for value in part]
    with TemporaryDirectory() as folder, patch.object(quality, "PASS_ROWS", at_once):
        files = [Path(folder) / f"{at}.npy" for at in range(len(parts))]
        for file, part in zip(files, parts, strict=True):
            np.save(file, np.array(part, np.uint64))
        assert quality.repeated(files, len(whole)) == len(whole) - len(set(whole))


@pytest.mark.parametrize("at_once", [1 << 20, 2])
def test_a_repeated_text_and_a_repeated_key_in_two_shards_are_told_apart(
    at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "PASS_ROWS", at_once)
    contract = Contract(key="id", columns=(Column("id", required=True), Column("text")))
    whole = quality.Tallies()
    shards = ({"id": ["1", "2", "3"], "text": ["a", "b", "a"]}, {"id": ["3", "4"], "text": ["c", "a"]})
    for number, rows in enumerate(shards):
        folder = tmp_path / str(number)
        folder.mkdir()
        tallies = quality.Tallies(folders=[folder])
        quality.add(tallies, pl.DataFrame(rows), contract)
        quality.write_hashes(pl.DataFrame(rows), contract, folder)
        whole.merge(tallies)
    found = quality.measures(whole, contract)
    assert found["duplicates_exact"] == 2
    assert found["quality_accuracy"] == 0.6
    assert found["key_uniqueness"] == 0.8
    assert found["key_completeness"] == 1.0
    assert quality.measures(whole, contract, unique_content=False)["quality_accuracy"] == 1.0
