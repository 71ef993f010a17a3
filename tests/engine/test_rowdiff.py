from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine.rowdiff import compare_rows

SIDES = st.dictionaries(st.integers(0, 20), st.tuples(st.sampled_from(["train", "test"]), st.sampled_from("ab")), max_size=15)
Side = dict[int, tuple[str, str]]


def written(folder: Path, side: Side) -> dict[str, Path]:
    files = {}
    for split in ("train", "test"):
        rows = [(f"n-{key}", text) for key, (home, text) in side.items() if home == split]
        path = folder / f"{split}-00000-of-00001.parquet"
        pl.DataFrame(rows, schema={"id": pl.String, "text": pl.String}, orient="row").write_parquet(path)
        files[f"data/{path.name}"] = path
    return files


@given(SIDES, SIDES)
def test_counts_and_keys_say_exactly_which_rows_differ(before: Side, after: Side) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        found = compare_rows(written(Path(one), before), written(Path(two), after), "id")
    both = before.keys() & after.keys()
    changed = {key for key in both if before[key][1] != after[key][1]}
    moved = {key for key in both - changed if before[key][0] != after[key][0]}
    expected = {"added": after.keys() - both, "removed": before.keys() - both, "changed": changed, "moved": moved}
    assert {kind: getattr(found, kind) for kind in expected} == {kind: len(keys) for kind, keys in expected.items()}
    assert {kind: set(keys) for kind, keys in found.examples.items()} == {
        kind: {f"n-{key}" for key in keys} for kind, keys in expected.items() if keys
    }
    assert found.before + found.added - found.removed == found.after
