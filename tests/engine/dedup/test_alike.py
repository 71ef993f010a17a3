"""A search that remembers finds what a search from scratch finds, whatever happened between."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.engine.dedup import alike as search
from corpushub.engine.dedup import duplicates, near_groups, pair_memory
from corpushub.engine.dedup.steps import STEPS
from corpushub.engine.step import Decision, Sketches
from corpushub.engine.text.utf8 import I64
from tests.kit.text import MemorySketches, decided, the

NEAR, GROUP = the(STEPS, "dedup_near"), the(near_groups.STEPS, "group_near")
FAMILIES = ["".join(map(chr, np.random.default_rng(family).integers(0x4E00, 0x5200, 60 + 40 * family))) for family in range(4)]

Edit = tuple[int, int, int]
edits = st.tuples(st.integers(0, 3), st.integers(0, 59), st.integers(0, 40))
corpora = st.lists(st.lists(edits, min_size=1, max_size=24), min_size=1, max_size=5)
changes = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "modify", "swap", "drop", "copy"]), st.integers(0, 99), st.integers(0, 99), edits
    ),
    max_size=8,
)


def text(edit: Edit) -> str:
    """One of four texts with one or two characters of it others: crowds of texts near each other, some at the threshold, many equal."""
    family, place, char = edit
    whole = FAMILIES[family]
    other = chr(0x5300 + char)
    return f"{whole[:place]}{other}{whole[place + 1 :]}" if char % 3 else f"{other}{whole[3:place]}{whole[place + 2 :]}"


def changed(shards: list[list[Edit]], operations: list[tuple[str, int, int, Edit]]) -> list[list[Edit]]:
    shards = [list(shard) for shard in shards]
    for kind, one, two, edit in operations:
        shard = shards[one % len(shards)]
        at = two % len(shard)
        if kind == "insert":
            shard.insert(at, edit)
        elif kind == "delete" and len(shard) > 1:
            del shard[at]
        elif kind == "modify":
            shard[at] = edit
        elif kind == "swap":
            other = two % len(shards)
            shards[one % len(shards)], shards[other] = shards[other], shards[one % len(shards)]
        elif kind == "drop" and len(shards) > 1:
            shards.remove(shard)
        elif kind == "copy":
            shards.append(list(shard))
    return shards


def frames(shards: list[list[Edit]]) -> list[pl.DataFrame]:
    return [pl.DataFrame({"text": [text(edit) for edit in shard]}) for shard in shards]


def near(shards: list[list[Edit]], memory: Path | None = None, jaccard: float = 0.8) -> tuple[Decision, MemorySketches]:
    return decided(NEAR, frames(shards), {"on": "text", "jaccard": jaccard}, memory)


def ruling(decision: Decision) -> tuple[list[int], dict[str, float]]:
    assert decision.survivor is not None
    return decision.survivor.tolist(), dict(decision.measures)


@settings(max_examples=60)
@given(corpora, st.lists(changes, min_size=1, max_size=3), st.sampled_from([0.6, 0.8, 0.95]))
def test_what_is_remembered_changes_no_ruling(
    tmp_path_factory: pytest.TempPathFactory,
    shards: list[list[Edit]],
    steps: list[list[tuple[str, int, int, Edit]]],
    jaccard: float,
) -> None:
    memory = tmp_path_factory.mktemp("memory")
    near(shards, memory, jaccard)
    for operations in steps:
        shards = changed(shards, operations)
        assert ruling(near(shards, memory, jaccard)[0]) == ruling(near(shards, None, jaccard)[0])


@settings(max_examples=40)
@given(corpora, changes)
def test_in_crowds_too(
    tmp_path_factory: pytest.TempPathFactory, shards: list[list[Edit]], operations: list[tuple[str, int, int, Edit]]
) -> None:
    """With a bound of three rows almost every bucket is a crowd."""
    memory = tmp_path_factory.mktemp("memory")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "ALL_PAIRS", 3)
        near(shards, memory)
        shards = changed(shards, operations)
        assert ruling(near(shards, memory)[0]) == ruling(near(shards)[0])


@settings(max_examples=20)
@given(corpora, changes)
def test_groups_are_those_of_a_search_from_scratch(
    tmp_path_factory: pytest.TempPathFactory, shards: list[list[Edit]], operations: list[tuple[str, int, int, Edit]]
) -> None:
    memory = tmp_path_factory.mktemp("memory")
    decided(GROUP, frames(shards), {"on": "text"}, memory)
    shards = changed(shards, operations)
    again, _ = decided(GROUP, frames(shards), {"on": "text"}, memory)
    scratch, _ = decided(GROUP, frames(shards), {"on": "text"})
    assert again.columns["near_group"].to_list() == scratch.columns["near_group"].to_list()


def family(rows: int, seed: int = 0) -> list[list[Edit]]:
    chance = np.random.default_rng(seed)
    return [[(0, int(chance.integers(60)), int(chance.integers(40))) for _ in range(rows // 4)] for _ in range(4)]


@given(st.integers(0, 200))
@settings(max_examples=12)
def test_the_order_of_a_crowd_counts(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    memory = tmp_path_factory.mktemp("memory")
    shards = family(120, seed)
    near(shards, memory)
    turned = shards[::-1]
    assert ruling(near(turned, memory)[0]) == ruling(near(turned)[0])


def test_bounded_pieces_give_the_same_ruling(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shards = family(160)
    whole = ruling(near(shards)[0])
    monkeypatch.setattr(search, "_AT_HAND", 0)
    monkeypatch.setattr(search, "_PROPOSALS", 50)
    monkeypatch.setattr(search, "_SLICE", 7)
    monkeypatch.setattr(search, "_KEY_BYTES", 3000)
    monkeypatch.setattr(search, "_CHECK_BYTES", 2000)
    monkeypatch.setattr(duplicates, "_PIECE", 16)
    assert ruling(near(shards, tmp_path)[0]) == whole
    assert ruling(near(shards, tmp_path)[0]) == whole


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text"])
def test_a_memory_that_cannot_be_read_counts_as_none(tmp_path: Path, damage: str) -> None:
    shards = family(80)
    near(shards, tmp_path)
    file = tmp_path / pair_memory.FILE
    data = file.read_bytes()
    middle = len(data) // 2
    flipped = data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]
    file.write_bytes({"empty": b"", "cut": data[:middle], "flipped": flipped, "text": b"not a memory"}[damage])
    shards[1][3] = (1, 5, 7)
    assert ruling(near(shards, tmp_path)[0]) == ruling(near(shards)[0])
    assert near(shards, tmp_path)[1].fetched == 0


def test_the_memory_of_another_threshold_or_text_does_no_harm(tmp_path: Path) -> None:
    near(family(80, 1), tmp_path, 0.95)
    shards = family(80, 2)
    assert ruling(near(shards, tmp_path)[0]) == ruling(near(shards)[0])


def test_a_memory_holds_the_present_rows_alone(tmp_path: Path) -> None:
    """However many builds there were, one file as large as that of one build from scratch."""
    for seed in range(5):
        near(family(80, seed), tmp_path)
    (tmp_path / "tmp-999999999-abc.npz").write_bytes(b"left by a killed build")
    (tmp_path / "similarities.parquet").write_bytes(b"of an earlier way of remembering")
    (tmp_path / f"tmp-{os.getpid()}-abc.npz").write_bytes(b"of a build that still runs")
    near(family(80, 5), tmp_path)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    near(family(80, 5), fresh)
    assert sorted(path.name for path in tmp_path.glob("*.npz")) == [pair_memory.FILE, f"tmp-{os.getpid()}-abc.npz"]
    assert not (tmp_path / "similarities.parquet").exists()
    assert (tmp_path / pair_memory.FILE).stat().st_size == (fresh / pair_memory.FILE).stat().st_size


def test_only_new_pairs_are_compared(tmp_path: Path) -> None:
    shards = [[(family, place, 1) for place in range(0, 60, 7)] for family in range(4)]
    near(shards, tmp_path)
    shards[2][0] = (2, 33, 2)
    decision, sketches = near(shards, tmp_path)
    assert 0 < sketches.fetched <= 9
    assert ruling(decision) == ruling(near(shards)[0])


def test_only_pairs_with_a_new_text_are_estimated_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where an estimate refused the others, of which nothing is remembered."""
    estimated: list[int] = []
    refuse = search._estimates

    def counted(sketches: Sketches, rows: I64, codes: I64) -> npt.NDArray[np.float64]:
        estimated.append(codes.size)
        return refuse(sketches, rows, codes) - 1.0

    monkeypatch.setattr(search, "_estimates", counted)
    shards = [[(family, place, 1) for place in range(0, 60, 12)] for family in range(4)]
    near(shards, tmp_path)
    assert estimated == [40]
    shards[2][0] = (2, 33, 2)
    near(shards, tmp_path)
    assert estimated == [40, 4]


def test_a_few_new_texts_are_written_behind_the_old_ones(tmp_path: Path) -> None:
    shards = family(80)
    near(shards, tmp_path)
    before = (tmp_path / pair_memory.TEXTS).read_bytes()
    shards[1][3] = (1, 5, 7)
    shards[2][3] = (1, 6, 7)
    near(shards, tmp_path)
    after = (tmp_path / pair_memory.TEXTS).read_bytes()
    assert after.startswith(before)
    assert 0 < len(after) - len(before) < len(before) / 10


def test_texts_no_longer_wanted_go(tmp_path: Path) -> None:
    for seed in range(8):
        near(family(80, seed), tmp_path)
    alone = tmp_path / "alone"
    alone.mkdir()
    near(family(80, 7), alone)
    assert (tmp_path / pair_memory.TEXTS).stat().st_size <= 2 * (alone / pair_memory.TEXTS).stat().st_size


@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "flipped", "foreign"])
def test_texts_that_are_not_what_they_should_be_are_fetched_again(tmp_path: Path, damage: str) -> None:
    shards = family(80)
    near(shards, tmp_path)
    file = tmp_path / pair_memory.TEXTS
    data = file.read_bytes()
    left = {"empty": b"", "cut": data[: len(data) // 3], "flipped": bytes(byte ^ 1 for byte in data), "foreign": b"x" + data}
    file.unlink() if damage == "gone" else file.write_bytes(left[damage])
    for at in range(4):
        shards[1][at] = (0, 5 + at, 7)
        decision, sketches = near(shards, tmp_path)
        assert sketches.fetched > 0
        assert ruling(decision) == ruling(near(shards)[0])
    assert sketches.fetched < sum(map(len, shards)) / 4, "what was found harmed is remembered anew"


def test_two_searches_at_once_with_one_memory_rule_as_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shards, others = family(80), family(80, 3)
    near(shards, tmp_path)
    shards[1][3] = others[1][3] = (0, 5, 7)
    fetch, met = MemorySketches.fetch, []

    def interrupted(self: MemorySketches, rows: np.ndarray, columns: list[str]) -> pl.DataFrame:
        if not met:
            met.append(True)
            assert ruling(near(others, tmp_path)[0]) == ruling(near(others)[0])
        return fetch(self, rows, columns)

    monkeypatch.setattr(MemorySketches, "fetch", interrupted)
    assert ruling(near(shards, tmp_path)[0]) == ruling(near(shards)[0])
    assert met
    shards[2][3] = (1, 5, 7)
    assert ruling(near(shards, tmp_path)[0]) == ruling(near(shards)[0])
