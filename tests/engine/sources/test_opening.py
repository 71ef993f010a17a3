"""Sources: whatever public bodies publish is read right, or refused by file and line."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.base.errors import Forbidden, HubError, Invalid, NotFound
from corpushub.base.settings import Settings
from corpushub.domain.recipe import SourceRef
from corpushub.engine.cache import Cache
from corpushub.engine.sources.files import Limits
from corpushub.engine.sources.opening import Place, Source, open_source

CHINESE = "名称,说明\n北京,首都人民政府关于印发通知的决定\n上海,经济发展与公共数据开放\n"


def place_at(folder: Path, **limits: Any) -> Place:
    return Place(folder, Settings(home=folder / "home"), Cache(folder / "cache"), Limits(**limits))


def opened(folder: Path, name: str, limits: Mapping[str, Any] | None = None, **options: Any) -> Source:
    select = tuple(options.pop("select", ()))
    return open_source(SourceRef("s", "r/1", name, select, options), place_at(folder, **(limits or {})))


def rows(source: Source) -> list[dict[str, Any]]:
    return (
        pl.concat([shard.read() for shard in source.shards]).drop("_origin", "_row", "_part").to_dicts() if source.shards else []
    )


def write(folder: Path, name: str, data: bytes | str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return name


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    source = opened(tmp_path, write(tmp_path, "a.csv", CHINESE.encode(encoding)))
    assert rows(source)[0] == {"名称": "北京", "说明": "首都人民政府关于印发通知的决定"}


def test_zero_bytes_alone_make_no_utf_16(tmp_path: Path) -> None:
    source = opened(tmp_path, write(tmp_path, "a.csv", b"name,count\nroad\0s,1\nriver,2\n"))
    assert (source.fact.encoding, list(source.schema)) == ("utf-8", ["name", "count"])


def test_a_line_that_tells_spreadsheets_the_delimiter_is_no_header(tmp_path: Path) -> None:
    source = opened(tmp_path, write(tmp_path, "a.csv", "sep=;\r\n名称;面积\r\n东湖, 西岸;3\r\n"))
    assert rows(source) == [{"名称": "东湖, 西岸", "面积": "3"}]
    assert source.shards[0].read()["_row"].to_list() == [3]


def test_big5_is_not_taken_for_gb18030(tmp_path: Path) -> None:
    text = "編號,資料名稱\n1,桃園市政府開放資料供應清單與說明文件\n2,臺北市臨時暨短期照顧服務單位\n"
    source = opened(tmp_path, write(tmp_path, "a.csv", text.encode("big5")))
    assert rows(source)[0]["資料名稱"] == "桃園市政府開放資料供應清單與說明文件"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    text = "\r\n".join(
        delimiter.join(row)
        for row in (["a", "b", "c"], ["x, y", "2", "3"] if delimiter != "," else ["x", "2", "3"], ["u", "v", "w"])
    )
    source = opened(tmp_path, write(tmp_path, "a.csv", text))
    assert list(source.schema) == ["a", "b", "c"]
    assert source.fact.rows == 2


def test_a_file_without_header_gets_numbered_columns(tmp_path: Path) -> None:
    source = opened(tmp_path, write(tmp_path, "a.csv", "1,2.5\n3,4.5\n5,6.5\n"))
    assert rows(source)[0] == {"column_1": "1", "column_2": "2.5"}


def test_a_star_is_a_value_and_no_column_name(tmp_path: Path) -> None:
    source = opened(tmp_path, write(tmp_path, "a.csv", "Bachelors;Higher;*\nMasters;Higher;*\n"))
    assert rows(source)[0] == {"column_1": "Bachelors", "column_2": "Higher", "column_3": "*"}
    assert list(opened(tmp_path, write(tmp_path, "b.jsonl", '{"*": 1, "^a$": 2, "_row": 3}')).schema) == ["column", "a", "row"]


def test_quoted_line_breaks_stay_in_their_field(tmp_path: Path) -> None:
    source = opened(tmp_path, write(tmp_path, "a.csv", 'a,b\n1,"ha \n""ha"" \nha"\n3,4\n'))
    assert rows(source) == [{"a": "1", "b": 'ha \n"ha" \nha'}, {"a": "3", "b": "4"}]


def test_broken_rows_are_quarantined_by_line_and_reason(tmp_path: Path) -> None:
    text = "a,b\n" + "".join(f"{n},x\n" for n in range(50)) + '7\n8,"two\nlines",9\n10,y\n'
    source = opened(tmp_path, write(tmp_path, "a.csv", text))
    assert [(bad.file, bad.line, bad.reason) for bad in source.quarantine] == [
        ("a.csv", 52, "too_few_fields"),
        ("a.csv", 53, "too_many_fields"),
    ]
    assert source.fact.rows == 51
    assert source.fact.quarantine_reasons == {"too_few_fields": 1, "too_many_fields": 1}


def test_too_many_broken_rows_stop_the_build_and_name_the_first(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"source\.quarantine") as caught:
        opened(tmp_path, write(tmp_path, "a.csv", "a,b\n1,2\n3\n4\n"))
    assert [(problem.file, problem.line) for problem in caught.value.problems] == [("a.csv", 3), ("a.csv", 4)]
    assert "fewer fields" in caught.value.explain("en")


@pytest.mark.parametrize(
    "text", ["name,city\nMüller,Köln\n", "id,café\n1,crème brûlée\n", "nom,prix\nÉtienne,12 €\n", "a,b\n1,São Paulo\n"]
)
def test_a_short_table_with_accents_is_western(tmp_path: Path, text: str) -> None:
    source = opened(tmp_path, write(tmp_path, "a.csv", text.encode("cp1252")))
    header, record = (line.split(",") for line in text.splitlines())
    assert (source.fact.encoding, rows(source)) == ("cp1252", [dict(zip(header, record, strict=True))])


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r"])
def test_other_alphabets_of_one_byte_are_not(tmp_path: Path, encoding: str) -> None:
    source = opened(tmp_path, write(tmp_path, "a.csv", ("id,имя\n" + "1,Москва столица России\n" * 5).encode(encoding)))
    assert rows(source)[0]["имя"] == "Москва столица России"


def test_lines_in_another_encoding_are_quarantined(tmp_path: Path) -> None:
    good = "".join(f"{n},公共数据\n" for n in range(60)).encode()
    source = opened(tmp_path, write(tmp_path, "a.csv", b"a,b\n" + good + "61,编码\n".encode("gbk") + b"62,ok\n"))
    assert [(bad.line, bad.reason) for bad in source.quarantine] == [(62, "undecodable")]
    assert source.fact.rows == 61


def test_an_endless_field_is_refused_by_line(tmp_path: Path) -> None:
    text = "a,b\n" + "".join(f"{n},x\n" for n in range(100)) + '1,"never closed ' + "x" * 2000
    source = opened(tmp_path, write(tmp_path, "a.csv", text), {"max_line_bytes": 1000})
    assert [(bad.line, bad.reason) for bad in source.quarantine] == [(102, "endless_field")]


def test_nulls_are_what_the_recipe_says(tmp_path: Path) -> None:
    name = write(tmp_path, "a.csv", 'a,b\nNA,""\n1,x\n')
    assert rows(opened(tmp_path, name))[0] == {"a": "NA", "b": ""}
    assert rows(opened(tmp_path, name, nulls=["NA", ""]))[0] == {"a": None, "b": None}


def test_select_renames_and_a_missing_column_is_named(tmp_path: Path) -> None:
    name = write(tmp_path, "a.csv", CHINESE)
    source = opened(tmp_path, name, select=["说明"], rename={"说明": "text"}, add={"kind": "k"})
    assert list(source.schema) == ["text", "kind"]
    with pytest.raises(Invalid, match=r"source\.no_such_column"):
        opened(tmp_path, name, select=["正文"])


def test_json_lines_flatten_objects_and_quarantine_what_is_no_object(tmp_path: Path) -> None:
    lines = [
        '{"id": 1, "name": {"zh": "名", "en": "n"}, "tags": ["a", "b"], "deep": [{"x": 1}]}',
        "[1]",
        "{broken",
        '{"id": "2"}',
    ]
    source = opened(tmp_path, write(tmp_path, "a.jsonl", "\n".join(lines)), {"max_quarantine_ratio": 0.9})
    assert rows(source)[0] == {"id": "1", "name.zh": "名", "name.en": "n", "tags": ["a", "b"], "deep": '[{"x": 1}]'}
    assert [(bad.line, bad.reason) for bad in source.quarantine] == [(2, "not_an_object"), (3, "not_json")]


def test_records_of_a_json_document_are_found(tmp_path: Path) -> None:
    nested = [[{"q": "a"}], [{"q": "b"}, {"q": "c"}]]
    assert [row["q"] for row in rows(opened(tmp_path, write(tmp_path, "a.json", json.dumps(nested))))] == ["a", "b", "c"]
    wrapped = {"meta": {"n": 1}, "data": {"items": [{"q": "d"}]}}
    assert rows(opened(tmp_path, write(tmp_path, "b.json", json.dumps(wrapped)), records="data.items")) == [{"q": "d"}]
    with pytest.raises(Invalid, match=r"source\.no_records"):
        opened(tmp_path, "b.json", records="data.things")


def test_a_cut_json_document_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        opened(tmp_path, write(tmp_path, "a.json", '[{"a": 1},\n {"a": '))
    assert caught.value.facts["line"] == 2


def workbook(rows_: list[list[Any]], merges: tuple[str, ...] = ()) -> bytes:
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet = book.add_worksheet("数据")
    for at, row in enumerate(rows_):
        sheet.write_row(at, 0, row)
    for area in merges:
        first = area.split(":", maxsplit=1)[0]
        at, column = int(first[1:]) - 1, ord(first[0]) - 65
        sheet.merge_range(area, rows_[at][column])
    book.add_worksheet("说明").write(0, 0, "x")
    book.close()
    return buffer.getvalue()


def test_a_workbook_with_title_merged_header_and_footer_is_a_table(tmp_path: Path) -> None:
    table = [
        ["2024年统计表", "", "", ""],
        ["地区", "人口", "", "面积"],
        ["", "男", "女", ""],
        ["东城", 12, 13.5, 41],
        ["西城", 20, 21, 50],
        ["注：数据来自公报", "", "", ""],
    ]
    name = write(tmp_path, "a.xlsx", workbook(table, ("A1:D1", "B2:C2")))
    source = opened(tmp_path, name)
    assert rows(source) == [
        {"地区": "东城", "人口/男": "12", "人口/女": "13.5", "面积": "41"},
        {"地区": "西城", "人口/男": "20", "人口/女": "21", "面积": "50"},
    ]
    assert [(bad.line, bad.reason) for bad in source.quarantine] == [(6, "footer")]
    assert (source.fact.quarantined, source.fact.unreadable) == (1, 0), "a note below a table is no row that could not be read"
    with pytest.raises(Invalid, match=r"source\.sheet"):
        opened(tmp_path, name, sheet="没有")


def test_a_lying_extension_is_read_by_its_content(tmp_path: Path) -> None:
    book = workbook([["a", "b"], ["1", "x"], ["2", "y"]])
    assert opened(tmp_path, write(tmp_path, "a.csv", book)).fact.format == "sheet"
    assert opened(tmp_path, write(tmp_path, "b.xls", "<html><body><p>公告</p></body></html>")).fact.format == "html"
    assert opened(tmp_path, write(tmp_path, "c.csv", '{"a": 1}\n{"a": 2}\n')).fact.format == "jsonl"


def test_pages_and_lists_of_links(tmp_path: Path) -> None:
    page = "<html><head><title>通知</title></head><body><nav>菜单</nav><ul><li><a href='/1'>一</a></li><li><a href='/2'>二</a></li></ul></body></html>"
    assert rows(opened(tmp_path, write(tmp_path, "a.html", page))) == [{"path": "a.html", "title": "通知", "text": "一\n二"}]
    assert rows(opened(tmp_path, "a.html", records="li")) == [{"text": "一", "href": "/1"}, {"text": "二", "href": "/2"}]


def tar_of(files: Mapping[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]  # one of the modes tarfile knows
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.xz", "tar.zst", "folder"])
def test_a_tree_of_documents_gives_one_row_per_file(tmp_path: Path, kind: str) -> None:
    files = {"法律/甲.md": "# 甲法\n\n第一条".encode(), "法律/乙.txt": "乙".encode("gb18030"), "法律/x.bin": b"\x00\x01"}
    if kind == "folder":
        for name, data in files.items():
            write(tmp_path, f"t/{name}", data)
        name = "t"
    elif kind == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for member, data in files.items():
                archive.writestr(member, data)
        name = write(tmp_path, "t.zip", buffer.getvalue())
    else:
        tar = tar_of(files)
        packed = {
            "tar": bytes,
            "tar.gz": gzip.compress,
            "tar.xz": lzma.compress,
            "tar.zst": lambda data: pa.compress(data, "zstd", asbytes=True),
        }[kind](tar)
        name = write(tmp_path, f"t.{kind}", packed)
    source = opened(tmp_path, name, {"max_quarantine_ratio": 0.9})
    found = {row["path"]: row for row in rows(source)}
    assert found["法律/甲.md"]["title"] == "甲法"
    assert {bad.reason for bad in source.quarantine} == {"unknown_format"}
    assert source.fact.files == 3


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress], ids=["gz", "xz", "bz2"])
def test_a_compressed_table_is_read_through(tmp_path: Path, pack: Any) -> None:
    assert opened(tmp_path, write(tmp_path, "a.csv.gz", pack(CHINESE.encode("gb18030")))).fact.rows == 2


def test_members_that_leave_the_archive_are_not_read(tmp_path: Path) -> None:
    name = write(tmp_path, "t.tar", tar_of({"../evil.txt": b"x", "/etc/evil.txt": b"x", "good.txt": "好".encode()}))
    source = opened(tmp_path, name, {"max_quarantine_ratio": 0.9})
    assert [row["path"] for row in rows(source)] == ["good.txt"]
    assert source.fact.quarantine_reasons == {"unsafe_member": 2}


def test_a_bomb_is_stopped(tmp_path: Path) -> None:
    name = write(tmp_path, "t.gz", gzip.compress(b"0" * 3_000_000))
    with pytest.raises(Invalid, match=r"source\.archive_bomb"):
        opened(tmp_path, name, {"max_archive_ratio": 100, "ratio_floor_bytes": 1_000_000})
    with pytest.raises(Invalid, match=r"source\.archive_bytes"):
        opened(tmp_path, name, {"max_archive_bytes": 100_000})
    nested = b"a"
    for _ in range(4):
        nested = gzip.compress(nested)
    with pytest.raises(Invalid, match=r"source\.archive_depth"):
        opened(tmp_path, write(tmp_path, "n.gz", nested))
    assert not list((tmp_path / "cache").glob("tmp-*"))


def test_a_cut_archive_says_so(tmp_path: Path) -> None:
    whole = lzma.compress(tar_of({"a.txt": bytes(range(256)) * 4000}))
    with pytest.raises(Invalid, match=r"source\.archive_broken"):
        opened(tmp_path, write(tmp_path, "t.tar.xz", whole[: len(whole) // 2]))


def test_parquet_is_not_copied_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"a": range(1000), "b": ["x"] * 1000}).write_parquet(tmp_path / "a.parquet", row_group_size=100)
    source = opened(tmp_path, "a.parquet", select=["b"], rename={"b": "text"})
    assert source.shards[0].path.endswith("a.parquet")
    assert list(source.schema) == ["text"]
    assert pl.concat([shard.read() for shard in source.shards])["_row"].to_list() == list(range(1, 1001))
    with pytest.raises(Invalid, match=r"source\.parquet"):
        opened(tmp_path, write(tmp_path, "b.parquet", (tmp_path / "a.parquet").read_bytes()[:-20]))


def test_a_schema_that_changes_between_files_widens(tmp_path: Path) -> None:
    write(tmp_path, "t/a.jsonl", '{"n": 1, "t": ["x"]}\n')
    write(tmp_path, "t/b.jsonl", '{"n": 2.5, "t": "y", "new": true}\n')
    assert rows(opened(tmp_path, "t")) == [{"n": 1.0, "t": "[x]", "new": None}, {"n": 2.5, "t": "y", "new": True}]


def test_sqlite_tables_and_single_selects(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as base:
        base.execute("create table 人员 (id integer, name text)")
        base.executemany("insert into 人员 values (?, ?)", [(1, "甲"), (2, None)])
    assert rows(opened(tmp_path, "sqlite://a.db", table="人员")) == [{"id": 1, "name": "甲"}, {"id": 2, "name": None}]
    assert rows(opened(tmp_path, "sqlite://a.db", query="select count(*) as n from 人员")) == [{"n": 2}]
    for query in ("delete from 人员", "select 1; drop table 人员", "attach 'x' as y", "pragma user_version"):
        with pytest.raises(Invalid, match=r"source\.query"):
            opened(tmp_path, "sqlite://a.db", query=query)


def test_a_source_outside_its_folders_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path, "secret.csv", "a\n1\n")
    with pytest.raises(Forbidden, match=r"source\.outside"):
        opened(tmp_path / "in", "../secret.csv")
    with pytest.raises(NotFound):
        opened(tmp_path / "in", "missing.csv")
    with pytest.raises(Forbidden, match=r"source\.host"):
        opened(tmp_path / "in", "https://example.org/a.csv")


def test_a_source_is_read_once(tmp_path: Path) -> None:
    name = write(tmp_path, "a.csv", CHINESE)
    first, second = opened(tmp_path, name), opened(tmp_path, name)
    assert first == second
    write(tmp_path, "a.csv", CHINESE + "深圳,特区\n")
    assert opened(tmp_path, name).fact.rows == 3


FILES = st.sampled_from(
    ["a.csv", "a.jsonl", "a.json", "a.txt", "a.md", "a.html", "a.xlsx", "a.parquet", "a.zip", "a.tar.gz", "a.bin"]
)


@settings(max_examples=60, deadline=None)
@given(name=FILES, data=st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / name).write_bytes(data)
    try:
        source = opened(folder, name)
    except HubError as refusal:
        refusal.explain("zh")  # every refusal has words
        return
    assert len(rows(source)) == source.fact.rows


@settings(max_examples=25, deadline=None)
@given(
    table=st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00\ufeff"), max_size=8), min_size=3, max_size=3),
        min_size=1,
        max_size=8,
    )
)
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, table: list[list[str]]) -> None:
    import csv

    folder = tmp_path_factory.mktemp("csv")
    with (folder / "a.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(["甲", "乙", "丙"])
        writer.writerows(table)
    source = opened(folder, "a.csv", delimiter=",", header=True)
    assert [list(row.values()) for row in rows(source)] == table


def test_a_quote_that_is_never_closed_costs_its_own_line_only(tmp_path: Path) -> None:
    lines = "".join(f"{n},x\n" for n in range(200))
    source = opened(tmp_path, write(tmp_path, "a.csv", f'id,text\n1,fine\n2,"opened\n{lines}5,last\n'))
    assert [(bad.line, bad.reason) for bad in source.quarantine] == [(3, "unclosed_quote")]
    assert source.fact.rows == 202


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "unknown_format"),
        ("a.txt", b"%PDF-1.7\n" + bytes(range(256)), "unknown_format"),
        ("a.jsonl", b"MZ\x90\x00" + bytes(range(256)), "unknown_format"),
        ("b.csv", b"", "empty"),
    ],
)
def test_one_file_that_is_none_is_set_aside_and_the_others_are_read(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    write(tmp_path, f"t/{name}", data)
    write(tmp_path, "t/good.csv", "a,b\n1,2\n")
    source = opened(tmp_path, "t", {"max_quarantine_ratio": 0.9})
    assert [(bad.file, bad.reason) for bad in source.quarantine] == [(name, reason)]
    assert rows(source) == [{"a": "1", "b": "2"}]


def changed_zip(local: int, central: int, value: int) -> bytes:
    """A zip whose only member has this value at these offsets of its two headers."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", "a,b\n1,2\n")
    data = bytearray(buffer.getvalue())
    data[data.index(b"PK\x03\x04") + local] = value
    data[data.index(b"PK\x01\x02") + central] = value
    return bytes(data)


@pytest.mark.parametrize(("data", "reason"), [(changed_zip(6, 8, 1), "encrypted"), (changed_zip(8, 10, 9), "packed")])
def test_a_member_that_cannot_be_unpacked_is_told(tmp_path: Path, data: bytes, reason: str) -> None:
    source = opened(tmp_path, write(tmp_path, "a.zip", data), {"max_quarantine_ratio": 1})
    assert [(bad.file, bad.reason) for bad in source.quarantine] == [("a.csv", reason)]


@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip", "a.zst", "a.tar.gz"])
def test_damaged_archives_are_refused_by_name(tmp_path: Path, name: str) -> None:
    whole = {
        "a.csv.gz": gzip.compress(b"a,b\n" + b"1,2\n" * 9000),
        "a.zip": changed_zip(0, 0, ord("P")),
        "a.zst": b"\x28\xb5\x2f\xfd" + bytes(20),
    }
    data = bytearray(whole.get(name) or tar_of({"a.txt": bytes(range(256)) * 99}, "w:gz"))
    data[20:40] = bytes(20)
    with pytest.raises(Invalid, match=r"source\.archive_broken") as caught:
        opened(tmp_path, write(tmp_path, name, bytes(data)))
    assert caught.value.facts["name"] == name


def test_a_bomb_in_a_folder_is_stopped_too(tmp_path: Path) -> None:
    write(tmp_path, "t/good.csv", "a,b\n1,2\n")
    write(tmp_path, "t/bomb.gz", gzip.compress(b"0" * 3_000_000))
    with pytest.raises(Invalid, match=r"source\.archive_bomb"):
        opened(tmp_path, "t", {"max_archive_ratio": 100, "ratio_floor_bytes": 1_000_000})


def test_an_address_or_encoding_nobody_knows_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"source\.scheme"):
        opened(tmp_path, "ftp://example.org/a.csv")
    with pytest.raises(Invalid, match=r"source\.encoding"):
        opened(tmp_path, write(tmp_path, "a.csv", CHINESE), encoding="gbkk")


def test_a_file_nobody_may_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = write(tmp_path, "a.csv", CHINESE)

    def closed(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))  # a superuser's test cannot take the right away

    monkeypatch.setattr("corpushub.engine.digests.file_sha256", closed)
    with pytest.raises(Forbidden, match=r"source\.unreadable") as caught:
        opened(tmp_path, name)
    assert caught.value.facts == {"name": "a.csv"}


def test_a_number_without_end_in_a_json_document_is_refused_at_its_place(tmp_path: Path) -> None:
    name = write(tmp_path, "a.json", '[{"a": 1},\n {"a": ' + "9" * 5000 + "}]")
    with pytest.raises(Invalid, match=r"source\.not_json") as caught:
        opened(tmp_path, name)
    assert (caught.value.facts["line"], caught.value.facts["column"]) == (2, 8)
