"""The numeric core of the tagger: the best path is the best path, and what is remembered is what would be computed."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import polars as pl
import pytest

from corpushub.engine.recognizers import tagger as module
from corpushub.engine.recognizers.tagger import Packed, Tagger, batched, tagger, viterbi, weights_folder

SENTENCES = ["张三向李四报告。", "北京市海淀区中关村大街27号", "会议由王小明主持。", "第二条", "国家保护公民的个人信息。", "。"]


def fresh() -> Tagger:
    folder = weights_folder()
    assert folder is not None
    return Tagger(folder)


def test_the_path_is_the_best_of_all_paths() -> None:
    model, tags = fresh(), (0, 3, 7, 20, 56)
    model.first, model.last, model.moves = model.first[list(tags)], model.last[list(tags)], model.moves[np.ix_(tags, tags)]
    packed = Packed.of([np.zeros(length, np.int64) for length in (4, 2, 1, 4)])
    scores = np.random.default_rng(5).normal(scale=3, size=(len(packed.ids), len(tags))).astype(np.float32)
    path = viterbi(model, scores, packed, fast=False)
    assert viterbi(model, scores, packed, fast=True).tolist() == path.tolist()
    for rank, length in enumerate(packed.lengths.tolist()):
        rows = packed.starts[:length] + rank

        def worth(way: tuple[int, ...], rows: np.ndarray = rows) -> float:
            steps = sum(float(model.moves[to, come]) for come, to in pairwise(way))
            return float(scores[rows, list(way)].sum()) + steps + float(model.first[way[0]] + model.last[way[-1]])

        best = max(worth(way) for way in product(range(len(tags)), repeat=length))
        assert worth(tuple(path[rows].tolist())) == pytest.approx(best, rel=1e-5)


def test_the_compiled_search_finds_what_numpy_finds() -> None:
    model, random = fresh(), np.random.default_rng(11)
    for _ in range(20):
        packed = Packed.of([np.zeros(length, np.int64) for length in random.integers(1, 40, random.integers(1, 30))])
        scores = random.integers(-3, 4, (len(packed.ids), len(model.first))).astype(np.float32)  # with ties
        one, other = (viterbi(model, scores, packed, fast=fast) for fast in (False, True))
        assert one.tolist() == other.tolist()


def test_a_sentence_read_before_has_the_same_tags() -> None:
    model = fresh()
    first = model.tags(SENTENCES)
    again = model.tags([*reversed(SENTENCES), "赵六没有来。"])[: len(SENTENCES)]
    alone = [fresh().tags([sentence])[0] for sentence in SENTENCES]
    for one, two, three in zip(first, reversed(again), alone, strict=True):
        assert one[0].tolist() == two[0].tolist() == three[0].tolist()
        assert np.allclose(one[1], three[1], atol=1e-5)


def test_batches_are_bounded_and_keep_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_CHARS", 10)
    monkeypatch.setattr(module, "BATCH", 3)
    assert list(batched([])) == []
    sentences = ["一", "二", "三", "四四四四", "五五五五五五五", "六" * 12, "七" * 12]
    assert list(batched(sentences)) == [sentences[:3], sentences[3:4], sentences[4:5], sentences[5:6], sentences[6:]]


def test_several_cores_read_what_one_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    told = []
    for cores in (1, 3):
        monkeypatch.setattr(pl, "thread_pool_size", lambda cores=cores: cores)
        told.append(fresh().tags(SENTENCES))
    for one, other in zip(*told, strict=True):
        assert one[0].tolist() == other[0].tolist()
        assert one[1].tolist() == other[1].tolist()
        assert one[2] == other[2]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECENT_CHARS", 30)
    model = fresh()
    for number in range(20):
        model.tags([f"第{number}条国家保护公民的个人信息"])
        assert sum(map(len, model.recent)) == model.recent.chars <= 30
    model.tags(["国家保护公民的个人信息" * 5])
    assert sum(map(len, model.recent)) <= 30


def test_one_tagger_serves_the_process() -> None:
    assert tagger() is tagger()
