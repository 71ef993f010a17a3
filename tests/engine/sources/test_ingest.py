"""Sources are read in parts: what did not change is not read again, and the outcome is that of reading everything."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.base.errors import Conflict
from corpushub.base.settings import Settings
from corpushub.domain.recipe import SourceRef
from corpushub.engine.cache import Cache
from corpushub.engine.run.runner import run
from corpushub.engine.sources import ingest, pieces
from corpushub.engine.sources.files import Blob, Limits
from corpushub.engine.sources.opening import Place, Source, open_source
from tests.kit.engine import bytes_of, planned

MADE: list[str] = []


@pytest.fixture(autouse=True)
def parts_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Note each part that is read, with the files it begins."""
    whole = ingest.made

    def noted(*about: Any) -> ingest.Part:
        part = whole(*about)
        MADE.append(" ".join(part.files))
        return part

    MADE.clear()
    monkeypatch.setattr(ingest, "made", noted)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    lessen(monkeypatch)


def lessen(patch: pytest.MonkeyPatch, least: int = 400, most: int = 1000) -> None:
    patch.setattr(pieces, "LEAST", least)
    patch.setattr(pieces, "MOST", most)
    patch.setattr(ingest, "LARGE", most)
    patch.setattr(ingest, "EDGE_BYTES", 40)
    patch.setattr(ingest, "SHARD_BYTES", 120)


def opened(folder: Path, name: str, cache: str = "cache", limits: Mapping[str, Any] | None = None, **options: Any) -> Source:
    place = Place(folder, Settings(home=folder / "home"), Cache(folder / cache), Limits(max_quarantine_ratio=1, **(limits or {})))
    return open_source(SourceRef("s", "r/1", name, (), options), place)


def numbered(source: Source) -> list[dict[str, Any]]:
    """Rows with their file and number in it."""
    frames = [
        shard.read().with_columns(_file=pl.Series(shard.origins).gather(shard.read()["_origin"])) for shard in source.shards
    ]
    return pl.concat(frames).drop("_origin", "_part").to_dicts() if frames else []


def lay(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def test_a_file_that_changes_appears_or_goes_is_read_with_its_neighbours_only(tmp_path: Path, small: None) -> None:
    files = {f"t/{at:03}.jsonl": f'{{"n": {at}, "text": "notice {at}"}}\n' for at in range(60)}
    lay(tmp_path, files)
    first = opened(tmp_path, "t")
    parts = len(MADE)
    assert parts > 10
    MADE.clear()
    lay(tmp_path, {"t/030.jsonl": '{"n": 30, "text": "amended"}\n', "t/0455.jsonl": '{"n": 1, "text": "new"}\n'})
    (tmp_path / "t/010.jsonl").unlink()
    second = opened(tmp_path, "t")
    assert 3 <= len(MADE) <= 7
    kept = {shard.digest for shard in first.shards} & {shard.digest for shard in second.shards}
    assert len(kept) >= len(second.shards) - len(MADE)
    assert numbered(second) == numbered(opened(tmp_path, "t", "other"))
    MADE.clear()
    opened(tmp_path, "t")
    assert MADE == []


def test_a_file_with_another_type_leaves_the_parts_of_the_others(tmp_path: Path, small: None) -> None:
    files = {f"t/{at:03}.jsonl": f'{{"n": {at}, "tags": ["a"]}}\n' for at in range(40)}
    lay(tmp_path, files)
    assert opened(tmp_path, "t").schema == {"n": pl.Int64(), "tags": pl.List(pl.String)}
    MADE.clear()
    lay(tmp_path, {"t/020.jsonl": '{"n": 20.5, "tags": "b", "more": true}\n'})
    source = opened(tmp_path, "t")
    assert len(MADE) == 1
    assert source.schema == {"n": pl.Float64(), "tags": pl.String(), "more": pl.Boolean()}
    found = {row["_file"]: (row["n"], row["tags"], row["more"]) for row in numbered(source)}
    assert (found["019.jsonl"], found["020.jsonl"]) == ((19.0, "[a]", None), (20.5, "b", True))


def zipped(path: Path, files: Mapping[str, str]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)


def test_a_member_that_changes_is_read_with_its_neighbours_only(tmp_path: Path, small: None) -> None:
    files = {f"{at:03}.md": f"# notice {at}\n\n" + "text " * 10 for at in range(60)}
    zipped(tmp_path / "a.zip", files)
    opened(tmp_path, "a.zip")
    MADE.clear()
    zipped(tmp_path / "a.zip", files | {"030.md": "# amended"})
    source = opened(tmp_path, "a.zip")
    assert len(MADE) <= 3
    assert numbered(source) == numbered(opened(tmp_path, "a.zip", "other"))


def test_equal_names_in_two_archives_of_a_folder_stay_apart(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    for name in ("a.zip", "b.zip"):
        zipped(tmp_path / "t" / name, {"data.csv": f"id,of\n1,{name}\n"})
    source = opened(tmp_path, "t")
    assert [row["_file"] for row in numbered(source)] == ["a.zip/data.csv", "b.zip/data.csv"]
    assert source.file_digest("a.zip/data.csv") == source.digests["a.zip"] != source.file_digest("b.zip/data.csv")


def big(edit: str = "") -> str:
    lines = [f'{at},"text of row {at * 7919 % 97}"' for at in range(600)]
    return "id,text\n" + "\n".join([*lines[:300], edit, *lines[300:]] if edit else lines) + "\n"


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt"])
def test_a_row_put_into_a_large_file_reads_its_piece_and_moves_no_other(tmp_path: Path, small: None, name: str) -> None:
    forms = {"a.csv": "9999,in between", "a.jsonl": '{"id": 9999}', "a.txt": "in between"}
    lines = big().splitlines()
    if name != "a.csv":
        lines = [f'{{"id": "{line[:3].strip(",")}"}}' for line in lines]
    options = {"records": "lines"} if name == "a.txt" else {}
    (tmp_path / name).write_text("\n".join(lines) + "\n", "utf-8")
    first = opened(tmp_path, name, **options)
    assert len(MADE) > 8
    MADE.clear()
    (tmp_path / name).write_text("\n".join([*lines[:300], forms[name], *lines[300:]]) + "\n", "utf-8")
    second = opened(tmp_path, name, **options)
    assert len(MADE) <= 3
    assert len({shard.digest for shard in second.shards} - {shard.digest for shard in first.shards}) <= 3
    assert numbered(second) == numbered(opened(tmp_path, name, "other", **options))
    assert [row["_row"] for row in numbered(second)][-1] == 602


RECIPE = """\
sources:
  notices: {resource: r/1, from: a.csv}
contract: {key: id, columns: {id: {required: true}, text: {required: true}}}
steps:
  - drop_short: {column: text, min_chars: 12}
  - dedup_exact: {on: text}
"""


@pytest.mark.parametrize("body", [RECIPE, RECIPE.replace("key: id", "key: made")])
def test_a_build_after_an_inserted_row_equals_one_from_nothing(tmp_path: Path, small: None, body: str) -> None:
    body = body.replace("columns: {id", "columns: {made: {}, id") if "made" in body else body
    for text, names in ((big(), ("one",)), (big('8888,"a row between the others"'), ("two", "scratch"))):
        (tmp_path / "a.csv").write_text(text, "utf-8")
        for name in names:
            plan, cache = planned(tmp_path, body, tmp_path / ("other" if name == "scratch" else "cache"))
            run(plan, tmp_path / name, cache=cache)
    assert bytes_of(tmp_path / "two") == bytes_of(tmp_path / "scratch") != bytes_of(tmp_path / "one")
    lineage = pl.read_parquet(tmp_path / "two/provenance/lineage.parquet")
    drops = pl.read_parquet(tmp_path / "two/provenance/drops.parquet")
    lines = big('8888,"a row between the others"').splitlines()
    for row in lineage.to_dicts() if "made" not in body else []:
        assert lines[row["source_row"] - 1].startswith(f"{row['id']},")
    assert sorted([*lineage["source_row"], *drops["source_row"]]) == list(range(2, 603))
    for row in drops.filter(pl.col("merged_into").is_not_null()).to_dicts():
        stays = int(row["merged_into"].rpartition(":")[2])
        assert lines[stays - 1].partition(",")[2] == lines[row["source_row"] - 1].partition(",")[2]


FIELD = st.text('ab,"\n甲é', max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(FIELD, FIELD, st.booleans()), min_size=5, max_size=40),
    encoding=st.sampled_from(["utf-8", "gb18030", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_pieces_give_the_rows_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, bool]], encoding: str, end: str
) -> None:
    folder = tmp_path_factory.mktemp("pieces")
    text = end.join(
        ["id,text", "1,公共数据资源"]
        + [f'"{one.replace(chr(34), chr(34) * 2)}",x' if quoted else f"{one},{two}" for one, two, quoted in rows]
    )
    (folder / "a.csv").write_bytes(text.replace("é", "e").encode(encoding))
    options = {"delimiter": ",", "header": True, "encoding": encoding}
    whole = opened(folder, "a.csv", "whole", **options)
    with pytest.MonkeyPatch.context() as patch:
        lessen(patch, 30, 60)
        parts = opened(folder, "a.csv", "parts", **options)
    assert numbered(parts) == numbered(whole)
    assert parts.quarantine == whole.quarantine
    assert replace(parts.fact, files=0) == replace(whole.fact, files=0)


def test_an_endless_line_costs_no_memory_and_is_told_by_its_number(tmp_path: Path, small: None) -> None:
    lines = ['{"a": 1}'] * 200
    (tmp_path / "a.jsonl").write_text("\n".join([*lines, '{"a": "' + "x" * 3_000_000 + '"}', *lines]), "utf-8")
    source = opened(tmp_path, "a.jsonl", limits={"max_line_bytes": 2000})
    assert [(bad.line, bad.reason) for bad in source.quarantine] == [(201, "endless_line")]
    assert numbered(source)[-1]["_row"] == 401
    with (tmp_path / "a.jsonl").open("rb") as raw:
        assert max(len(piece) for piece, _ in pieces.cut(raw, 2000)) < 1_100_000


@given(st.lists(st.binary(max_size=40), max_size=40), st.integers(20, 80))
def test_pieces_are_the_stream(lines: list[bytes], longest: int) -> None:
    data = b"\n".join(line.replace(b"\n", b"") for line in lines)
    with pytest.MonkeyPatch.context() as patch:
        lessen(patch, 30, 60)
        found = list(pieces.cut(io.BytesIO(data), 10_000))
    assert b"".join(piece for piece, _ in found) == data
    assert [last for _, last in found] == [False] * (len(found) - 1) + [True]
    assert all(piece.endswith(b"\n") for piece, last in found if not last)


def test_a_file_that_changes_while_it_is_read_is_refused_and_nothing_of_it_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(tmp_path, {"a.csv": "a,b\n1,2\n"})
    whole = ingest.batches

    def slow(blob: Blob, *rest: Any) -> Iterator[Any]:
        lay(tmp_path, {"a.csv": "a,b\n1,2\n3,4\n"})
        yield from whole(blob, *rest)

    monkeypatch.setattr(ingest, "batches", slow)
    with pytest.raises(Conflict, match=r"source\.changed"):
        opened(tmp_path, "a.csv")
    monkeypatch.setattr(ingest, "batches", whole)
    assert opened(tmp_path, "a.csv").fact.rows == 2


def test_parts_that_a_sweep_took_are_read_again(tmp_path: Path, small: None) -> None:
    (tmp_path / "a.csv").write_text(big(), "utf-8")
    first = opened(tmp_path, "a.csv")
    cache = Cache(tmp_path / "cache")
    gone = Path(first.shards[3].path).parent
    for file in gone.iterdir():
        file.unlink()
    gone.rmdir()
    MADE.clear()
    assert numbered(opened(tmp_path, "a.csv")) == numbered(first)
    assert len(MADE) == 1
    assert not list(cache.root.glob("tmp-*"))
