"""Release files: shaped as clients like them, and as little changed as an edit allows."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.engine import digests
from corpushub.engine import shards as cutting
from corpushub.engine.digests import logical_digest, row_digests
from corpushub.engine.run import runner, write
from corpushub.engine.run.join import join
from corpushub.engine.run.runner import run
from corpushub.engine.run.write import runs, write_group
from tests.kit.engine import planned

BODY = """\
sources:
  notices: {resource: r/1, from: files}
contract: {key: id, columns: {id: {required: true}, text: {required: true}}}
steps:
  - drop_short: {column: text, min_chars: 1}
"""


def written(folder: Path, texts: list[list[str]]) -> dict[str, str]:
    """Files by digest, of a build of one file of lines per shard."""
    files = folder / "files"
    files.mkdir(parents=True)
    for at, lines in enumerate(texts):
        frame = pl.DataFrame({"id": [f"{at}-{n}" for n in range(len(lines))], "text": lines})
        frame.write_parquet(files / f"{at:03}.parquet")
    plan, cache = planned(folder, BODY)
    return {file.sha256: file.path for file in run(plan, folder / "out", cache=cache).files}


@pytest.fixture
def shards(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    monkeypatch.setattr(runner, "FILE_BYTES", 12_000)
    monkeypatch.setattr(runner, "GROUP_BYTES", 3_000)
    monkeypatch.setattr(cutting, "SHARD_ROWS", 40)
    return [[f"第{at}章第{n}条 公共数据" for n in range(40)] for at in range(60)]


def test_an_edit_changes_the_file_it_lies_in(tmp_path: Path, shards: list[list[str]]) -> None:
    before = written(tmp_path / "one", shards)
    shards[20][5] += "（修订）"
    after = written(tmp_path / "two", shards)
    assert len(before) > 8
    assert len(set(after) - set(before)) == 1


def test_a_shard_more_leaves_later_files_alone(tmp_path: Path, shards: list[list[str]]) -> None:
    before = written(tmp_path / "one", shards)
    shards[20] = shards[20] + [f"新增{n}" for n in range(40)]
    after = written(tmp_path / "two", shards)
    assert len(set(after) - set(before)) <= 2


def test_files_have_plain_types_a_page_index_and_their_count_in_the_name(tmp_path: Path, shards: list[list[str]]) -> None:
    names = sorted(written(tmp_path / "one", shards).values())
    assert names[0] == f"data/train-00000-of-{len(names):05}.parquet"
    file = pq.ParquetFile(tmp_path / "one" / "out" / names[0])
    assert [str(field.type) for field in file.schema_arrow] == ["string", "string"]
    assert file.metadata.row_group(0).column(0).has_offset_index
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


def test_equal_values_have_equal_digests_whatever_holds_them() -> None:
    one = pl.DataFrame({"a": ["x", None, ""], "n": [1, 2, None], "f": [0.0, -0.0, 1.5], "l": [["a"], [], None]})
    two = pl.concat([one.slice(0, 1), one.slice(1)]).with_columns(pl.col("n").cast(pl.Int32))
    digests = row_digests(one, one.columns)
    assert digests == row_digests(two, two.columns)
    assert len(set(digests)) == 3
    assert row_digests(pl.DataFrame({"a": ["ab"], "b": ["c"]}), ["a", "b"]) != row_digests(
        pl.DataFrame({"a": ["a"], "b": ["bc"]}), ["a", "b"]
    )


@pytest.mark.parametrize("at_once", [1 << 20, 50, 7, 1])
def test_the_logical_digest_does_not_hang_on_order_or_how_much_is_read_at_once(
    at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "PASS_ROWS", at_once)
    rows = np.random.default_rng(1).integers(0, 256, (50, 32), dtype=np.uint8)
    rows[7, :8] = rows[9, :8]  # two digests that begin alike
    rows[11] = rows[12]
    rows[20], rows[21] = 0, 255  # the ends of the range
    files = [tmp_path / f"{at}.npy" for at in range(3)]
    for file, part in zip(files, (rows[:0], rows[:31], rows[31:]), strict=True):
        np.save(file, part)
    stated = b"x:string" + b"".join(sorted(row.tobytes() for row in rows))
    assert logical_digest(files, 50, {"x": "string"}) == hashlib.sha256(stated).hexdigest()
    assert logical_digest(files[::-1], 50, {"x": "string"}) == hashlib.sha256(stated).hexdigest()
    assert logical_digest(files, 50, {"x": "string"}) != logical_digest(files, 50, {"x": "int64"})


CELL = st.one_of(st.none(), st.text(max_size=40))


@settings(max_examples=25, deadline=None)
@given(
    parts=st.lists(
        st.lists(st.tuples(CELL, st.lists(st.text(max_size=5), max_size=3), st.floats()), min_size=1), min_size=1, max_size=6
    )
)
def test_joined_files_hold_the_rows_of_all_parts_in_order(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[tuple[str | None, list[str], float]]]
) -> None:
    folder = tmp_path_factory.mktemp("join")
    schema = pa.schema([("id", pa.int64()), ("text", pa.string()), ("words", pa.list_(pa.string())), ("number", pa.float64())])
    tables = []
    for at, rows in enumerate(parts):
        texts, words, numbers = zip(*rows, strict=True)
        ids = range(1000 * at, 1000 * at + len(rows))
        tables.append(pa.table([pa.array(ids), pa.array(texts, pa.string()), list(words), list(numbers)], schema=schema))
        write_group(tables[-1], folder / f"{at}.parquet")
    digest = join([folder / f"{at}.parquet" for at in range(len(parts))], folder / "all.parquet")
    whole = pa.concat_tables(tables)
    assert digest == hashlib.sha256((folder / "all.parquet").read_bytes()).hexdigest()
    found = pl.read_parquet(folder / "all.parquet")
    assert found.equals(pl.DataFrame(pl.from_arrow(whole)))
    file = pq.ParquetFile(folder / "all.parquet")
    assert file.read().to_pylist().__repr__() == whole.to_pylist().__repr__()
    assert [file.metadata.row_group(at).num_rows for at in range(len(parts))] == [len(rows) for rows in parts]
    last = whole.column("id")[-1].as_py()
    assert ds.dataset(folder / "all.parquet").to_table(filter=ds.field("id") == last).num_rows == 1


@given(st.lists(st.integers(1, 50), min_size=1, max_size=80))
def test_runs_cover_every_item_once_and_stay_bounded(sizes: list[int]) -> None:
    found = runs(sizes, [f"place {at}" for at in range(len(sizes))], 100)
    assert [at for run in found for at in run] == list(range(len(sizes)))
    assert all(sum(sizes[at] for at in run[:-1]) < 100 for run in found)


def test_a_side_table_written_piece_by_piece_has_the_bytes_of_one_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pl.DataFrame({"place": [f"notices/{n % 7}" for n in range(1000)], "row": range(1000), "measure": [None, 0.5] * 500})
    monkeypatch.setattr(write, "SIDE_ROWS", 300)
    write.write_small((frame.slice(start, 170) for start in range(0, 1000, 170)), tmp_path / "pieces")
    pq.write_table(
        frame.to_arrow().cast(write.arrow_schema(frame.schema)), tmp_path / "whole", row_group_size=300, compression="zstd",
        compression_level=3, store_schema=False, version="2.6",
    )  # fmt: skip
    assert (tmp_path / "pieces").read_bytes() == (tmp_path / "whole").read_bytes()
    write.write_small([frame.head(0)], tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_a_large_release_has_the_row_groups_and_files_that_clients_like() -> None:
    """16 to 100 MB of rows a group, and files that are 100 MB to 1 GB even where text shrinks to a quarter, or not at all."""
    sizes = np.random.default_rng(3).integers(2_000_000, 16_000_000, 1_000).tolist()
    groups = runs(sizes, [f"docs|{at}" for at in range(len(sizes))], write.GROUP_BYTES)
    rows = [sum(sizes[at] for at in group) for group in groups]
    files = runs(rows, [f"docs|{group[-1]}" for group in groups], write.FILE_BYTES)
    large = [sum(rows[at] for at in file) for file in files]
    assert all(16_000_000 <= size <= 100_000_000 for size in rows[:-1])
    assert all(400_000_000 <= size <= 1_000_000_000 for size in large[:-1])
    assert 8 <= len(large) <= 20
