from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.base.errors import Invalid
from corpushub.engine.dedup import minhash as mh
from corpushub.engine.dedup.steps import STEPS
from corpushub.engine.text.utf8 import utf8
from tests.kit.text import decided, the

EXACT, NEAR = the(STEPS, "dedup_exact"), the(STEPS, "dedup_near")


def corpus(rows: int = 240, seed: int = 5) -> list[str]:
    """Random Chinese texts, a third of them edited copies of earlier ones, some equal."""
    rng = np.random.default_rng(seed)
    texts: list[str] = []
    for row in range(rows):
        if texts and row % 3 == 0:
            points = [ord(char) for char in texts[rng.integers(len(texts))]]
            for _ in range(int(rng.integers(0, 9))):
                points[rng.integers(len(points))] = int(rng.integers(0x4E00, 0x5200))
            texts.append("".join(map(chr, points)))
        else:
            texts.append("".join(map(chr, rng.integers(0x4E00, 0x5200, int(rng.integers(40, 400))))))
    return texts


def frames(texts: list[str | None], shards: int = 3) -> list[pl.DataFrame]:
    frame = pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)})
    size = -(-len(texts) // shards)
    return [frame[start : start + size] for start in range(0, len(texts), size)]


def truth(texts: list[str], least: float) -> set[tuple[int, int]]:
    first, second = np.triu_indices(len(texts), 1)
    exact = mh.jaccard(utf8(pl.Series(texts)), first, second)
    return {(int(a), int(b)) for a, b, value in zip(first, second, exact, strict=True) if value >= least}


@given(st.lists(st.one_of(st.none(), st.text("ab　", max_size=3)), min_size=1, max_size=30), st.integers(1, 4))
def test_exact_keeps_the_first_of_equal_texts_and_every_different_one(values: list[str | None], shards: int) -> None:
    decision, _ = decided(EXACT, frames(values, shards), {"on": "text"})
    kept = [value for value, code in zip(values, decision.codes, strict=True) if code == 0]
    assert [value for value in kept if value] == list(dict.fromkeys(value for value in values if value))
    assert len([value for value in kept if not value]) == len([value for value in values if not value])


def test_exact_compares_text_as_it_is_written() -> None:
    decision, _ = decided(EXACT, frames(["通知。", "通知", "通知。 ", "通知。"]), {"on": "text"})
    assert decision.codes.tolist() == [0, 0, 0, 1]
    assert decision.survivor.tolist() == [-1, -1, -1, 0]


def test_exact_on_several_columns_does_not_mix_up_cells() -> None:
    frame = pl.DataFrame({"a": ["ab", "a", None, "", "ab"], "b": ["c", "bc", "x", "x", "c"], "n": [1, 1, 1, 1, 1]})
    decision, _ = decided(EXACT, [frame], {"on": ["a", "b", "n"]})
    assert decision.codes.tolist() == [0, 0, 0, 0, 1]


def test_near_removes_only_exactly_verified_pairs_and_leaves_no_orphan() -> None:
    texts = corpus()
    decision, _ = decided(NEAR, frames(texts), {"on": "text", "jaccard": 0.8})
    close = truth(texts, 0.8)
    gone = np.flatnonzero(decision.codes)
    assert gone.size > 40
    for row in gone.tolist():
        stays = int(decision.survivor[row])
        assert decision.codes[stays] == 0
        assert (min(row, stays), max(row, stays)) in close


def test_near_leaves_no_two_near_duplicates_behind() -> None:
    texts = corpus(seed=11)
    decision, _ = decided(NEAR, frames(texts), {"on": "text", "jaccard": 0.8})
    kept = set(np.flatnonzero(decision.codes == 0).tolist())
    assert [pair for pair in truth(texts, 0.8) if set(pair) <= kept] == []


def test_near_finds_chinese_duplicates_without_spaces() -> None:
    long = "为规范公共数据资源授权运营，促进公共数据资源开发利用，根据有关法律法规，结合本市实际，制定本办法。本市行政区域内的公共数据资源授权运营活动适用本办法。"
    decision, _ = decided(
        NEAR,
        frames(
            [long, long.replace("本办法。本市", "本规定。本市"), "毫不相干的一段关于天气和农时的文字，讲的是清明前后的播种。"], 1
        ),
        {"on": "text"},
    )
    assert sorted(decision.codes.tolist()) == [0, 0, 1]
    assert decision.codes[2] == 0


@pytest.mark.parametrize("shards", [1, 2, 7])
def test_near_does_not_depend_on_the_shards(shards: int) -> None:
    texts = corpus(120)
    one, _ = decided(NEAR, frames(texts, 1), {"on": "text"})
    many, _ = decided(NEAR, frames(texts, shards), {"on": "text"})
    assert one.survivor.tolist() == many.survivor.tolist()


def test_near_leaves_empty_and_missing_texts_alone() -> None:
    decision, _ = decided(NEAR, frames([None, "", " ", None, ""]), {"on": "text"})
    assert decision.codes.tolist() == [0] * 5


@settings(max_examples=12)
@given(st.integers(0, 1000), st.integers(1, 20))
def test_an_incremental_result_equals_one_from_scratch(tmp_path_factory: pytest.TempPathFactory, seed: int, changed: int) -> None:
    memory = tmp_path_factory.mktemp("memory")
    texts = corpus(90, seed)
    decided(NEAR, frames(texts), {"on": "text"}, memory)
    rng = np.random.default_rng(seed)
    for row in rng.integers(0, len(texts), changed):
        texts[row] = texts[rng.integers(len(texts))][:-3] + "改动了"
    again, sketches = decided(NEAR, frames(texts), {"on": "text"}, memory)
    scratch, whole = decided(NEAR, frames(texts), {"on": "text"})
    assert again.survivor.tolist() == scratch.survivor.tolist()
    assert sketches.fetched <= whole.fetched


def test_what_was_verified_once_is_not_fetched_again(tmp_path: Path) -> None:
    texts = corpus(120)
    _, first = decided(NEAR, frames(texts), {"on": "text"}, tmp_path)
    _, second = decided(NEAR, frames(texts), {"on": "text"}, tmp_path)
    assert first.fetched > 0
    assert second.fetched == 0


def test_a_missing_column_is_named_before_anything_runs() -> None:
    with pytest.raises(Invalid):
        decided(NEAR, frames(["甲"]), {"on": "texts"})


def test_with_prefer_the_newest_version_of_a_text_stays() -> None:
    law = "为规范公共数据资源授权运营，促进公共数据资源开发利用，根据有关法律法规，结合本市实际，制定本办法。本市行政区域内的公共数据资源授权运营活动适用本办法。"
    versions = [law, law.replace("本市实际", "我市实际"), law.replace("开发利用", "开发和利用"), law]
    frame = pl.DataFrame({"text": versions, "year": [2019, 2024, 2021, 2025]})
    decision, _ = decided(NEAR, [frame], {"on": "text", "prefer": "year"})
    assert decision.codes.tolist() == [1, 1, 1, 0]
    assert decision.survivor.tolist() == [3, 3, 3, -1]
