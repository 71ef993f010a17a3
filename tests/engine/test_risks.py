"""The keyword screen: what it counts, and the rows it points at."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from corpushub.domain.build import BuiltFile
from corpushub.domain.places import MOST, in_words
from corpushub.engine.risks import Library, screen_files

HELD = Library("city", "1", date(2026, 1, 1), {"A1-4": ("炸药配方",), "A2-5": ("女的不要",)}, blocked=("某某大会名单",))


def released(folder: Path, name: str, split: str, texts: list[str | None]) -> BuiltFile:
    frame = pl.DataFrame({"id": [f"{name}-{at}" for at in range(len(texts))], "text": pl.Series(texts, dtype=pl.String)})
    frame.write_parquet(folder / f"{name}.parquet", row_group_size=2)
    return BuiltFile(f"{name}.parquet", "default", split, len(texts), 1, "")


def test_rows_are_pointed_at_by_split_number_and_key_and_no_text_is_told(tmp_path: Path) -> None:
    files = [
        released(tmp_path, "a", "train", ["招聘保安", "招聘文员，女的不要", None]),
        released(tmp_path, "b", "train", ["全文：某某大会名单", "炸药配方与女的不要"]),
        released(tmp_path, "c", "test", ["炸药配方"]),
    ]
    found = screen_files(tmp_path, files, ["text"], HELD, key="id")
    assert [(place.split, place.row, place.key, dict(place.found)) for place in found.places] == [
        ("train", 1, "a-1", {"A2-5": 1}),
        ("train", 4, "b-1", {"A1-4": 1, "A2-5": 1}),
        ("test", 0, "c-0", {"A1-4": 1}),
    ]
    assert [(place.split, place.row, place.key) for place in found.blocked_places] == [("train", 3, "b-0")]
    assert (found.rows, found.hit_rows, found.blocked) == (6, 3, 1)
    assert not any(phrase in str(found) for phrase in ("炸药", "女的", "名单"))


def test_of_many_rows_the_first_are_named_and_all_are_counted(tmp_path: Path) -> None:
    files = [released(tmp_path, "a", "train", ["炸药配方"] * (MOST + 30))]
    found = screen_files(tmp_path, files, ["text"], HELD)
    assert (len(found.places), found.hit_rows) == (MOST, MOST + 30)
    assert {place.key for place in found.places} == {""}


@pytest.mark.parametrize(("lang", "words"), [("zh", "宣扬恐怖主义、极端主义"), ("en", "terrorism or extremism")])
def test_risk_classes_have_words(lang: str, words: str) -> None:
    assert in_words({"A1-4": 1}, lang) == words  # type: ignore[arg-type]
