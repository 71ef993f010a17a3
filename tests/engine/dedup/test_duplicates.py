from __future__ import annotations

import itertools

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine.dedup import duplicates
from corpushub.engine.dedup.duplicates import Pairs

edges = st.lists(
    st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] < pair[1]), max_size=30, unique=True
)


def pairs(values: list[tuple[int, int]]) -> Pairs:
    table = np.array(sorted(values), dtype=np.int64).reshape(-1, 2)
    return Pairs(table[:, 0], table[:, 1])


@given(edges, st.lists(st.integers(1, 5), min_size=12, max_size=12))
def test_every_removed_row_has_a_surviving_neighbour(values: list[tuple[int, int]], lengths: list[int]) -> None:
    survivor = duplicates.cover(12, pairs(values), np.array(lengths))
    for row, stays in enumerate(survivor.tolist()):
        if stays >= 0:
            assert survivor[stays] == -1
            assert (min(row, stays), max(row, stays)) in values


@given(edges)
def test_no_two_survivors_are_near_duplicates(values: list[tuple[int, int]]) -> None:
    survivor = duplicates.cover(12, pairs(values), np.ones(12, dtype=np.int64))
    assert not any(survivor[a] == -1 and survivor[b] == -1 for a, b in values)


def test_the_hub_of_a_chain_stays() -> None:
    assert duplicates.cover(3, pairs([(0, 1), (1, 2)]), np.ones(3, dtype=np.int64)).tolist() == [1, -1, 1]


def test_of_two_equal_hubs_the_longer_text_stays() -> None:
    assert duplicates.cover(2, pairs([(0, 1)]), np.array([5, 9])).tolist() == [1, -1]


@given(st.lists(st.integers(0, 4), max_size=30))
def test_the_leader_is_the_first_row_with_the_same_digest(values: list[int]) -> None:
    digests = np.array([[value % 2, value] for value in values], dtype=np.uint64).reshape(-1, 2)
    assert duplicates.leaders(digests).tolist() == [values.index(value) for value in values]


@given(st.lists(st.integers(0, 5), max_size=40), st.lists(st.integers(0, 5), max_size=40))
def test_rows_that_share_a_band_become_pairs(left: list[int], right: list[int]) -> None:
    count = min(len(left), len(right))
    bands = [np.array(band[:count], dtype=np.uint64) for band in (left, right)]
    got = duplicates.candidates(iter(bands), np.arange(count) * 3)
    found = set(zip(got.first.tolist(), got.second.tolist(), strict=True))
    for band in (left[:count], right[:count]):
        for value in set(band):
            members = [3 * row for row in range(count) if band[row] == value]
            if len(members) <= duplicates.ALL_PAIRS:
                assert {(a, b) for a in members for b in members if a < b} <= found
            else:
                assert set(itertools.pairwise(members)) <= found
    assert all(a < b for a, b in found)


def test_similarities_are_exact_whatever_the_chunk() -> None:
    texts = pl.Series(["公共数据资源授权运营", "公共数据资源授权运营。", "完全不同的另一段文字内容", "公共数据资源"])
    asked = pairs([(0, 1), (0, 2), (0, 3), (1, 3)])
    lengths = np.full(4, 3_000_000)  # forces one pair per chunk
    got = duplicates.similarities(asked, lengths, texts.gather)
    assert got.tolist() == duplicates.similarities(asked, np.ones(4, np.int64), texts.gather).tolist()
    assert got[0] == 6 / 7
    assert got[1] == 0
