from __future__ import annotations

import itertools
import unicodedata

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine.dedup import minhash as mh
from corpushub.engine.text.utf8 import utf8

texts = st.lists(st.one_of(st.none(), st.text("甲乙丙丁Aa１1 ，。\n\U00020000", max_size=40), st.text(max_size=30)), max_size=6)
FROZEN_PROBES = [100, 10, 98]
FROZEN_SKETCH = (18341548391266384751, 3186604113101371308, "29fdcab5")


def sets_of(values: list[str], *, fast: bool = False) -> list[set[int]]:
    found, bounds = mh.shingle_sets(utf8(pl.Series(values)), fast=fast)
    return [set(found[a:b].tolist()) for a, b in itertools.pairwise(bounds)]


def plain_shingles(text: str) -> set[str]:
    """The definition, written the slow way, for texts without characters that fold to several."""
    folded = "".join(char for char in unicodedata.normalize("NFKC", text).lower() if not char.isspace())
    return {folded[i : i + 5] for i in range(max(len(folded) - 4, 1))} if folded else set()


@given(texts)
def test_numpy_and_numba_sketch_the_same(values: list[str | None]) -> None:
    column = pl.Series("t", values, dtype=pl.String)
    assert mh.sketch(column, fast=False).equals(mh.sketch(column, fast=True))
    slow, quick = mh.shingle_sets(utf8(column), fast=False), mh.shingle_sets(utf8(column), fast=True)
    assert np.array_equal(slow[0], quick[0])
    assert np.array_equal(slow[1], quick[1])


@given(st.lists(st.text("天地玄黄宇宙洪荒abcAＢ１ 　", max_size=60), min_size=2, max_size=4))
def test_jaccard_is_that_of_five_character_shingles(values: list[str]) -> None:
    plain = [plain_shingles(value) for value in values]
    text = utf8(pl.Series(values))
    first, second = np.triu_indices(len(values), 1)
    for a, b, got in zip(first, second, mh.jaccard(text, first, second, fast=False), strict=True):
        union = plain[a] | plain[b]
        assert got == pytest.approx(len(plain[a] & plain[b]) / len(union) if union else 0.0)


@given(texts)
def test_numpy_and_numba_find_the_same_similarity(values: list[str | None]) -> None:
    text = utf8(pl.Series("t", [*values, "甲乙丙丁甲乙丙丁甲乙丙丁戊己"], dtype=pl.String))
    first, second = np.triu_indices(text.rows)
    assert np.array_equal(mh.jaccard(text, first, second, fast=False), mh.jaccard(text, first, second, fast=True))


def test_chinese_is_shingled_without_any_tokenizer() -> None:
    a, b = sets_of(["北京市公共数据资源授权运营管理办法试行", "北京市公共数据资源授权运营管理办法"])
    assert len(b) == 13
    assert b < a


def test_width_case_and_white_space_do_not_matter() -> None:
    a, b = sets_of(["ＡＢＣ　１２３ 数据目录", "abc123\n数据目录"])
    assert a == b


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), (" \n\u3000", 0), ("甲", 1), ("甲乙丙丁", 1), ("甲乙丙丁戊", 1), ("甲乙丙丁戊己", 2)]
)
def test_short_texts_have_one_shingle_and_blank_ones_none(text: str, count: int) -> None:
    assert len(sets_of([text])[0]) == count == len(sets_of([text], fast=True)[0])


def test_the_scheme_is_frozen() -> None:
    """Stored sketches depend on these numbers: a change needs a new scheme name and a new step version."""
    assert mh.probes()[0, :3].tolist() == FROZEN_PROBES
    row = mh.sketch(pl.Series(["北京市公共数据资源授权运营管理办法"]), fast=False)
    assert (row["band_00"][0], row["band_20"][0], row["check"][0][:4].hex()) == FROZEN_SKETCH


def test_estimates_are_near_the_truth() -> None:
    rng = np.random.default_rng(7)
    base = "".join(map(chr, rng.integers(0x4E00, 0x5E00, 800)))
    values = [base] + [base[: 800 - cut] + "".join(map(chr, rng.integers(0x5E00, 0x6E00, cut))) for cut in range(0, 400, 25)]
    column = pl.Series(values)
    check = np.frombuffer(b"".join(mh.sketch(column)["check"].to_list()), np.uint8).reshape(-1, mh.MINIMA)
    first, second = np.zeros(len(values) - 1, np.int32), np.arange(1, len(values), dtype=np.int32)
    exact = mh.jaccard(utf8(column), first.astype(np.int64), second.astype(np.int64))
    assert np.abs(mh.estimate(mh.matches(check, first, second)) - exact).max() < 0.12


@given(st.integers(0, 300), st.sampled_from([8, 120, 128]), st.integers(0, 99))
def test_numpy_and_numba_count_the_same_matches(pairs: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    check = rng.integers(0, 3, (20, width), dtype=np.uint8)
    check[0] = check[1]
    first, second = rng.integers(0, 20, (2, pairs), dtype=np.int32)
    assert mh.matches(check, first, second, fast=True).tolist() == mh.matches(check, first, second, fast=False).tolist()
