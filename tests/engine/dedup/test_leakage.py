from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from corpushub.domain.build import BuiltFile
from corpushub.engine.dedup import leakage
from corpushub.engine.dedup.leakage import Leak, across_splits

LAW = "为规范公共数据资源授权运营，促进公共数据资源开发利用，根据有关法律法规，结合本市实际，制定本办法。本市行政区域内的授权运营活动适用本办法。"


def other(seed: int) -> str:
    return "".join(map(chr, np.random.default_rng(seed).integers(0x4E00, 0x5200, 80)))


def released(folder: Path, splits: dict[str, list[str | None]]) -> list[BuiltFile]:
    """Small row groups, so that no file is one piece."""
    files = []
    for name, texts in splits.items():
        pl.DataFrame({"id": range(len(texts)), "text": pl.Series(texts, dtype=pl.String)}).write_parquet(
            folder / f"{name}.parquet", row_group_size=2
        )
        files.append(BuiltFile(f"{name}.parquet", "default", name, len(texts), 1, ""))
    return files


def test_equal_and_near_texts_of_two_splits_are_counted(tmp_path: Path) -> None:
    train = [other(1), LAW, other(2), None, ""]
    test = [LAW, other(3), LAW.replace("本市实际", "我市实际"), None, ""]
    leak = across_splits(tmp_path, released(tmp_path, {"train": train, "test": test}), "text", key="id")
    assert (leak.exact, leak.near) == (1, 1)
    assert [(place.split, place.row, place.key, dict(place.found)) for place in leak.places] == [
        ("test", 0, "0", {"copy": 1}),
        ("test", 2, "2", {"near_copy": 1}),
    ]
    assert LAW not in str(leak.places)


def test_near_texts_of_one_split_are_no_leak(tmp_path: Path) -> None:
    train = [LAW, LAW.replace("本市实际", "我市实际"), other(1)]
    assert across_splits(tmp_path, released(tmp_path, {"train": train, "test": [other(2)]}), "text") == Leak(0, 0)
    assert across_splits(tmp_path, released(tmp_path, {"train": train}), "text") == Leak(0, 0)


def test_of_too_much_text_equal_rows_are_counted_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leakage, "MAX_CHARS", 100)
    files = released(tmp_path, {"train": [LAW], "test": [LAW, LAW.replace("本市实际", "我市实际")]})
    leak = across_splits(tmp_path, files, "text")
    assert (leak.exact, leak.near) == (1, None)
    assert [(place.split, place.row, place.key) for place in leak.places] == [("test", 0, "")]
