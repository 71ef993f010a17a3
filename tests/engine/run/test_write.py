"""Release files: shaped as clients like them, and as little changed as an edit allows."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from corpushub.engine.digests import logical_digest, row_digests
from corpushub.engine.run import write
from corpushub.engine.run.write import ReleaseWriter
from tests.kit.engine import with_places


def written(folder: Path, texts: list[list[str]]) -> dict[str, str]:
    """Files by digest, of shards of texts."""
    writer = ReleaseWriter(folder, {"id": pl.String(), "text": pl.String()}, "id")
    for at, shard in enumerate(texts):
        frame = with_places(pl.DataFrame({"id": [f"{at}-{n}" for n in range(len(shard))], "text": shard}))
        place = pl.DataFrame(
            {"source": ["s"] * len(shard), "source_sha256": ["0"] * len(shard), "source_file": ["f"] * len(shard)}
        )
        writer.add(frame, place.with_columns(frame["_row"].alias("source_row"), frame["_part"].alias("part")))
        writer.edge(f"d|s|{at}")
    files, _ = writer.finish()
    return {file.sha256: file.path for file in files}


@pytest.fixture
def shards(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    monkeypatch.setattr(write, "FILE_BYTES", 12_000)
    monkeypatch.setattr(write, "ROW_GROUP_BYTES", 3_000)
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
    file = pq.ParquetFile(tmp_path / "one" / names[0])
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


def test_the_logical_digest_does_not_hang_on_order() -> None:
    rows = pl.Series([b"a", b"b", b"c"], dtype=pl.Binary)
    assert logical_digest(rows, {"x": "string"}) == logical_digest(rows.reverse(), {"x": "string"})
    assert logical_digest(rows, {"x": "string"}) != logical_digest(rows, {"x": "int64"})
