"""Files as public bodies publish them, whole: each is read to the very cells it holds, which plainer readers or its own truth file tell."""

from __future__ import annotations

import csv
import io
import json
import re
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.engine.sources.test_opening import opened, rows

DATA = Path(__file__).with_name("data")
CASES = (
    "comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "location_coordinates", "newlines", "newlines_crlf",
    "quotes_and_newlines", "simple", "simple_crlf", "utf8",
)  # fmt: skip


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file of the archives, each below its archive's name."""
    folder = tmp_path_factory.mktemp("public")
    for archive in DATA.glob("*.tar.xz"):
        with tarfile.open(archive) as packed:
            packed.extractall(folder / archive.name.removesuffix(".tar.xz"), filter="data")
    return folder


def truth_of(name: str, folder: Path) -> Any:
    """What the collection says a file holds; in two places its truth files say what their CSV files do not, which is checked here."""
    said = json.loads((folder / f"json/{name}.json").read_text("utf-8"))
    raw = (folder / f"csvs/{name}.csv").read_bytes()
    if name == "location_coordinates":  # one object instead of a list of one, and another telephone number than the CSV file's
        assert (said["Contact Phone Number"], b"1234567890" in raw, b"2095257564" in raw) == ("1234567890", False, True)
        return [said | {"Contact Phone Number": "2095257564"}]
    if name == "newlines_crlf":  # has CRLF within a field, where the CSV file was checked in with LF throughout
        assert (said[1]["a"], b"\r" in raw) == ("Once upon \r\na time", False)
        return [said[0], said[1] | {"a": "Once upon \na time"}, *said[2:]]
    return said


@pytest.mark.parametrize("name", CASES)
def test_an_edge_case_is_read_as_its_truth_file_says(public: Path, name: str) -> None:
    folder = public / "csv_edge_cases"
    source = opened(folder / "csvs", f"{name}.csv")
    assert rows(source) == truth_of(name, folder)
    assert source.quarantine == ()


def test_no_file_is_left_out() -> None:
    packed: set[str] = set()
    for archive in DATA.glob("*.tar.xz"):
        with tarfile.open(archive) as files:
            packed |= {member.name.removeprefix("./") for member in files if member.isfile()}
    cases = {file for name in CASES for file in (f"csvs/{name}.csv", f"json/{name}.json")}
    assert packed == cases | {
        "data.csv", "ch-en-reference.csv", "taoyuan_open_data_inventory.xls", "data-portal-list.xlsx", "data_gov_tw_titles.txt",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "found", "encoding", "count"),
    [("data.csv", "gb18030", "gb18030", 27_424), ("ch-en-reference.csv", "utf-8-sig", "utf-8-sig", 651)],
)
def test_tables_in_gb18030_and_behind_a_byte_order_mark_lose_no_cell(
    public: Path, name: str, found: str, encoding: str, count: int
) -> None:
    folder = public / "covid_updates_gbk"
    header, *told = csv.reader(io.StringIO((folder / name).read_bytes().decode(encoding), newline=""))
    source = opened(folder, name)
    assert (source.fact.encoding, source.fact.rows, source.quarantine) == (found, count, ())
    assert list(source.schema) == header
    assert [list(row.values()) for row in rows(source)] == told


def test_a_legacy_workbook_keeps_every_column_in_its_place(public: Path) -> None:
    source = opened(public / "catalog_taoyuan", "taoyuan_open_data_inventory.xls")
    table = rows(source)
    assert (source.fact.format, len(table), len(source.schema), source.quarantine) == ("sheet", 1_429, 29, ())
    assert [row["編號"] for row in table] == [str(at) for at in range(1, 1_430)]
    forms = {
        "資料名稱": r".+",
        "資料來源": r"\w+ 【.+】",
        "資料連結網址": r"https://data\.tycg\.gov\.tw//opendata/datalist/datasetMeta\?oid=[0-9a-f-]{36}",
        "分類及編號": r".+ \(\d+\)",
        "最後更新時間": r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d",
        "收錄期間(起)": r"(\d{3,4}([-./]\d{1,2}){2})?",
        "授權方式": r"政府資料開放授權條款－第1版",
        "資料集提供機關聯絡人電子郵件": r"\S+@\S+",
    }
    for column, form in forms.items():
        assert [row[column] for row in table if not re.fullmatch(form, row[column])] == []
    assert len({row["資料連結網址"] for row in table}) == 1_429
    assert table[0]["主要欄位"] == "委辦單位、電話、地址、服務對象、服務內容"
    assert table[-1]["資料集提供機關"] == table[-1]["資料來源"]


SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def cells_of(path: Path) -> Iterator[list[dict[str, str]]]:
    """Every sheet's rows as {column letter: text}, straight from the workbook's XML; numbers as they are written there."""
    with zipfile.ZipFile(path) as book:
        shared = ["".join(node.itertext()) for node in ET.fromstring(book.read("xl/sharedStrings.xml")).iter(f"{SPACE}si")]
        for name in sorted(name for name in book.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name)):
            lines = []
            for row in ET.fromstring(book.read(name)).iter(f"{SPACE}row"):
                line = {}
                for cell in row.iter(f"{SPACE}c"):
                    value = cell.findtext(f"{SPACE}v")
                    text = shared[int(value)] if value and cell.get("t") == "s" else value or ""
                    line[re.sub(r"\d", "", cell.get("r", ""))] = text.removesuffix(".0").strip()
                lines.append(line)
            yield lines


def test_every_sheet_of_a_workbook_holds_what_its_xml_says(public: Path) -> None:
    folder = public / "catalog_taoyuan"
    source = opened(folder, "data-portal-list.xlsx", sheet="all")
    names, found = ("中央", "地方", "dtid"), rows(source)
    assert {row["sheet"] for row in found} == set(names)
    for sheet, (header, *lines) in zip(names, cells_of(folder / "data-portal-list.xlsx"), strict=True):
        told = [{header[letter]: text for letter, text in line.items() if text} for line in lines]
        mine = [{name: text for name, text in row.items() if text and name != "sheet"} for row in found if row["sheet"] == sheet]
        assert mine == [line for line in told if line]
    assert source.quarantine == ()


def test_a_list_of_titles_is_one_row_a_line(public: Path) -> None:
    folder = public / "catalog_taoyuan"
    lines = (folder / "data_gov_tw_titles.txt").read_bytes().decode().split("\n")
    assert len(lines) == 35_635  # behind the last line end there is nothing
    source = opened(folder, "data_gov_tw_titles.txt", records="lines")
    assert [row["text"] for row in rows(source)] == [line for line in lines if line]
    whole = opened(folder, "data_gov_tw_titles.txt")
    assert [row["text"] for row in rows(whole)] == ["\n".join(lines)]
