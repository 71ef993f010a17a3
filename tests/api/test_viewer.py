"""The viewer shows columns to whoever may see a dataset and rows to whoever may take them."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpushub.engine import rows
from tests.kit.gov import released
from tests.kit.hub import READER, REPO, STRANGER, SomeHub, get, notices, some_hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Generator[SomeHub]:
    made = some_hub(Path(tmp_path_factory.mktemp("hub")))
    released(made.city)
    made.publish(REPO, notices())
    made.entitle(channels=["file", "query"])
    yield made
    made.close()


@pytest.fixture(scope="module")
def token(hub: SomeHub) -> str:
    return hub.token(READER)


def ask(hub: SomeHub, route: str, token: str = "", **params: Any) -> Any:
    return get(hub, f"/viewer/{route}", token, params={"dataset": REPO, **params})


def test_columns_sizes_and_splits_are_metadata(hub: SomeHub) -> None:
    assert [row["split"] for row in ask(hub, "splits").json()["splits"]] == ["train", "test"]
    info = ask(hub, "info")
    assert info.json()["dataset_info"]["default"]["splits"]["train"]["num_examples"] == 300
    assert info.headers["x-revision"] == hub.repositories.at(READER, REPO).commit.id
    assert ask(hub, "size").json()["size"]["dataset"]["num_rows"] == 320
    assert len(ask(hub, "parquet").json()["parquet_files"]) == 3
    assert ask(hub, "is-valid").json()["viewer"]


@pytest.mark.parametrize(
    ("route", "more"),
    [("rows", {}), ("first-rows", {}), ("search", {"query": "x"}), ("filter", {"where": "id=1"}), ("statistics", {})],
)
def test_rows_are_data(hub: SomeHub, route: str, more: dict[str, str]) -> None:
    assert ask(hub, route, **more).status_code in {401, 403}
    assert ask(hub, route, hub.token(STRANGER), **more).status_code == 403


def test_pages_search_filter_and_order(hub: SomeHub, token: str) -> None:
    page = ask(hub, "rows", token, split="train", offset=148, length=4).json()
    assert [row["row"]["id"] for row in page["rows"]] == [148, 149, 150, 151]
    assert (page["num_rows_total"], page["rows"][0]["row_idx"]) == (300, 148)
    found = ask(hub, "search", token, split="train", query="NOTICE 29").json()
    assert found["num_rows_total"] == 13
    where = "(id BETWEEN 10 AND 20 OR text LIKE 'notice 30%') AND NOT id IN (11, 12) AND text IS NOT NULL"
    kept = ask(hub, "filter", token, split="train", where=where, orderby="id desc", length=3).json()
    assert [row["row"]["id"] for row in kept["rows"]] == [30, 20, 19]
    assert kept["num_rows_total"] == 10


@pytest.mark.parametrize(
    "where",
    [
        "id = ",
        "1; drop table x",
        "read_csv('/etc/passwd') = 1",
        "id = (select 1)",
        "id LIKE 'x'",
        "nothing = 1",
        "text = 5",
        "id = 'x'",
        "(" * 500,
        "id IS TRUE",
    ],
)
def test_a_filter_reads_nothing_but_columns(hub: SomeHub, token: str, where: str) -> None:
    answer = ask(hub, "filter", token, where=where)
    assert answer.status_code in {200, 422}
    assert "/etc/passwd" not in answer.text.replace("read_csv('/etc/passwd')", "")


def test_statistics_tell_each_column(hub: SomeHub, token: str) -> None:
    told = {row["column_name"]: row for row in ask(hub, "statistics", token, split="train").json()["statistics"]}
    assert told["id"]["column_statistics"]["max"] == 299
    assert sum(told["id"]["column_statistics"]["histogram"]["hist"]) == 300
    assert told["text"]["column_type"] == "string_text"


def test_what_was_shown_is_recorded(hub: SomeHub, token: str) -> None:
    hub.access.flush()
    ask(hub, "rows", token, split="test", length=7)
    found = hub.access.deliveries(hub.city["auditor"], repo=REPO)
    assert ("query", 7, "beichen", "model-training") in [(row.channel, row.rows, row.org, row.purpose) for row in found]


def test_unknown_names_list_what_there_is(hub: SomeHub, token: str) -> None:
    answer = ask(hub, "rows", token, split="dev")
    assert answer.status_code == 404
    assert "train, test" in answer.json()["detail"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    heights=st.lists(st.integers(0, 12), min_size=1, max_size=4),
    offset=st.integers(0, 25),
    length=st.integers(1, 15),
    query=st.sampled_from(["", "odd"]),
    where=st.sampled_from(["", "id > 3", "id > 100"]),
    order=st.sampled_from(["", "id desc"]),
)
def test_a_page_of_several_files_is_that_of_one_table(
    tmp_path: Path, heights: list[int], offset: int, length: int, query: str, where: str, order: str
) -> None:
    texts = [("odd" if number % 2 else "even") for number in range(sum(heights))]
    whole = pl.DataFrame(
        {"id": range(len(texts)), "text": pl.Series(texts, dtype=pl.String)}, schema={"id": pl.Int64, "text": pl.String}
    )
    files = []
    for place, height in enumerate(heights):
        files.append(tmp_path / f"{place}.parquet")
        whole.slice(sum(heights[:place]), height).write_parquet(files[-1])
    expected = [number for number in range(len(texts)) if not query or texts[number] == query]
    expected = [number for number in expected if not where or number > int(where.removeprefix("id > "))]
    expected = expected[::-1] if order else expected
    page = rows.page(files, offset=offset, length=length, query=query, where=where, order=order)
    assert page.total == len(expected)
    assert list(page.index) == [row["id"] for row in page.rows] == expected[offset : offset + length]


def damaged_but_for(path: Path, group: int) -> None:
    """Ten row groups of a hundred rows, of which only one can be read."""
    pl.DataFrame({"id": range(1000), "text": [f"text {number}" for number in range(1000)]}).write_parquet(
        path, row_group_size=100
    )
    footer, data = pq.read_metadata(path), bytearray(path.read_bytes())
    for number in range(footer.num_row_groups):
        for column in range(footer.num_columns) if number != group else ():
            chunk = footer.row_group(number).column(column)
            start = chunk.dictionary_page_offset or chunk.data_page_offset
            data[start : start + chunk.total_compressed_size] = bytes(chunk.total_compressed_size)
    path.write_bytes(data)


@pytest.mark.parametrize(
    "asked", [{"offset": 730}, {"offset": 0, "where": "id BETWEEN 730 AND 739"}, {"offset": 0, "where": "id > 729 AND id < 740"}]
)
def test_a_page_reads_no_row_group_it_does_not_show(tmp_path: Path, asked: dict[str, Any]) -> None:
    damaged_but_for(tmp_path / "a.parquet", 7)
    page = rows.page([tmp_path / "a.parquet"], length=10, **asked)
    assert [row["id"] for row in page.rows] == list(page.index) == list(range(730, 740))
