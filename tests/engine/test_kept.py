"""What one process has made the next one reads, and nothing that is not exactly what was written."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from corpushub.engine.kept import MOST, Arrays, kept
from corpushub.engine.pii.starts import Starts

SOURCE = ("engine/kept.py",)
TEXT = "电话13800138000，编号77a77\n"


def made() -> Arrays:
    return {"bits": np.arange(6, dtype=np.uint64).reshape(2, 3), "holds": np.zeros((0, 3), dtype=np.bool_)}


def never() -> Arrays:
    raise AssertionError


def test_the_next_process_reads_the_same_arrays(tmp_path: Path) -> None:
    kept("one", SOURCE, made, folder=tmp_path)
    read = kept("one", SOURCE, never, folder=tmp_path)
    assert read.keys() == made().keys()
    for name, array in made().items():
        assert np.array_equal(read[name], array)
        assert read[name].dtype == array.dtype


def test_arrays_of_other_sources_are_made_again(tmp_path: Path) -> None:
    kept("one", SOURCE, made, folder=tmp_path)
    with pytest.raises(AssertionError):
        kept("one", ("engine/cache.py",), never, folder=tmp_path)
    with pytest.raises(AssertionError):
        kept("one", SOURCE, never, given="another", folder=tmp_path)


@pytest.mark.parametrize("place", [0, 40, -1])
def test_a_damaged_file_is_made_again(tmp_path: Path, place: int) -> None:
    kept("one", SOURCE, made, folder=tmp_path)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    for wrong in (bytes(content), bytes(content[:-9]), b""):
        path.write_bytes(wrong)
        assert np.array_equal(kept("one", SOURCE, made, folder=tmp_path)["bits"], made()["bits"])
        kept("one", SOURCE, never, folder=tmp_path)


def test_old_files_do_not_pile_up(tmp_path: Path) -> None:
    for number in range(MOST + 3):
        kept("one", SOURCE, made, given=number, folder=tmp_path)
        for path in tmp_path.iterdir():
            os.utime(path, (path.stat().st_mtime - 10,) * 2)
    assert len(list(tmp_path.iterdir())) == MOST
    kept("one", SOURCE, never, given=MOST + 2, folder=tmp_path)


def test_where_nothing_can_be_written_every_process_makes_its_own(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert np.array_equal(kept("one", SOURCE, made, folder=tmp_path / "file" / "below")["bits"], made()["bits"])


def test_kept_starts_are_those_made_afresh() -> None:
    patterns = [(r"(?<!\d)1[3-9]\d{9}", 0), ("(?i)[a7]+", 0)]
    fresh, *again = [
        [(number, places.tolist()) for number, places in Starts(patterns, keep=keep).of(TEXT)] for keep in (False, True, True)
    ]
    assert fresh
    assert again == [fresh, fresh]
