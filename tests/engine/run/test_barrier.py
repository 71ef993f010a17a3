from pathlib import Path

import numpy as np
import polars as pl

from corpushub.engine.run.barrier import read_measures, read_verdicts, write_ruling
from corpushub.engine.shards import Shard
from corpushub.engine.step import Decision

CODES = np.array([0, 2, 0, 1, 2, 0], np.uint8)
SHARDS = [Shard("", rows, "") for rows in (3, 0, 2, 1, 0)]


def ruled(folder: Path, survivor: np.ndarray) -> Path:
    folder.mkdir()
    group = pl.Series("group", ["a", None, "b", None, "c", "d"], dtype=pl.String)
    write_ruling(Decision(CODES, ("near", "equal"), columns={"group": group}, survivor=survivor), SHARDS, folder)
    return folder


def test_a_ruling_says_of_every_shard_what_goes_who_stays_for_it_and_what_is_set(tmp_path: Path) -> None:
    folder = ruled(tmp_path / "one", np.array([-1, 0, -1, 2, 5, -1]))
    verdicts = read_verdicts(folder)
    assert [verdict.decision()["_code"].to_list() for verdict in verdicts] == [[0, 2, 0], [], [1, 2], [0], []]
    assert [verdict.decision()["group"].to_list() for verdict in verdicts] == [["a", None, "b"], [], [None, "c"], ["d"], []]
    assert [verdict.survivors().tolist() for verdict in verdicts] == [[0], [], [2, 5], [], []]
    assert read_measures(folder)["dropped"] == {"near": 1, "equal": 2}
    assert len(list(folder.iterdir())) == 3, "as many files for a thousand shards as for one"


def test_who_stays_is_no_part_of_what_later_work_hangs_on(tmp_path: Path) -> None:
    one, two = (
        ruled(tmp_path / name, np.array(stays))
        for name, stays in (("one", [-1, 0, -1, 2, 5, -1]), ("two", [-1, 7, -1, 8, 9, -1]))
    )
    assert [verdict.digest for verdict in read_verdicts(one)] == [verdict.digest for verdict in read_verdicts(two)]
    assert len({verdict.digest for verdict in read_verdicts(one)}) == 4, "the two empty shards are alike, no others"
