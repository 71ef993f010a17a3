"""Tables of a real PostgreSQL server as sources: read in one snapshot, never written, hosts by allow-list."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import psycopg
import pytest

from corpushub.base.errors import Forbidden, Invalid, Unavailable
from corpushub.base.settings import Settings
from corpushub.domain.recipe import SourceRef
from corpushub.engine.cache import Cache
from corpushub.engine.sources.opening import Source, open_source
from corpushub.engine.sources.place import Place
from tests.kit import postgres


@pytest.fixture(scope="module")
def address() -> str:
    url = postgres.a_database("sources").replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA city")
        connection.execute(
            "CREATE TABLE city.notices (id bigint, title text, day date, cost numeric(10, 2), open boolean, raw bytea)"
        )
        connection.execute(
            "INSERT INTO city.notices SELECT n, '关于第' || n || '号的通知', date '2026-01-01' + n, n * 1.25, n % 2 = 0, "
            "decode('00ff', 'hex') FROM generate_series(1, 5000) n"
        )
        connection.execute("INSERT INTO city.notices VALUES (0, NULL, NULL, NULL, NULL, NULL)")
    return url


def opened(folder: Path, address: str, hosts: str = "127.0.0.1", **options: Any) -> Source:
    place = Place(folder, Settings(home=folder / "home", allowed_hosts=hosts), Cache(folder / "cache"))
    return open_source(SourceRef("s", "r/1", address, (), options), place)


def rows(source: Source) -> list[dict[str, Any]]:
    return pl.concat([shard.read() for shard in source.shards]).drop("_origin", "_row", "_part").to_dicts()


def test_a_table_is_read_whole_with_its_types(tmp_path: Path, address: str) -> None:
    source = opened(tmp_path, address, table="city.notices")
    found = rows(source)
    assert (source.fact.format, source.fact.rows) == ("sql", 5001)
    assert found[0] == {"id": 1, "title": "关于第1号的通知", "day": "2026-01-02", "cost": "1.25", "open": False, "raw": "00ff"}
    assert found[-1] == {"id": 0, "title": None, "day": None, "cost": None, "open": None, "raw": None}


def test_a_select_is_read_and_anything_that_writes_is_refused(tmp_path: Path, address: str) -> None:
    assert rows(opened(tmp_path, address, query="select id, title from city.notices where id = 7"))[0]["id"] == 7
    for query in (
        "delete from city.notices",
        "select 1; drop table city.notices",
        "select * into x from city.notices",
        "copy city.notices to stdout",
    ):
        with pytest.raises(Invalid, match=r"source\.query"):
            opened(tmp_path, address, query=query)
    # A function that writes passes as a SELECT; the connection itself is read-only.
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE OR REPLACE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'delete from city.notices returning 1'")
    with pytest.raises(Invalid, match=r"source\.sql"):
        opened(tmp_path, address, query="select wipe()")
    assert opened(tmp_path, address, table="city.notices").fact.rows == 5001


def test_an_equal_table_has_an_equal_digest_and_another_one_has_not(tmp_path: Path, address: str) -> None:
    query = "select id from city.notices where id < {} order by id"
    one, again, other = (opened(tmp_path / str(at), address, query=query.format(most)) for at, most in enumerate((10, 10, 11)))
    assert one.digest != other.digest
    assert one.fact.digest == again.fact.digest


def test_a_host_nobody_allowed_is_not_asked_and_a_silent_one_is_told(tmp_path: Path, address: str) -> None:
    with pytest.raises(Forbidden, match=r"source\.host"):
        opened(tmp_path, address, hosts="db.example.org", table="city.notices")
    closed = address.replace(str(urlsplit(address).port), "1")
    with pytest.raises(Unavailable, match=r"source\.unreachable"):
        opened(tmp_path, closed, table="city.notices")
    with pytest.raises(Invalid, match=r"source\.sql"):
        opened(tmp_path, address, table="city.nothing")


@pytest.mark.parametrize(
    "more",
    ["?host=10.0.0.1", "?hostaddr=10.0.0.1", "#?host=10.0.0.1", "?service=other", "?passfile=/etc/hostname", "?%68ost=10.0.0.1"],
)
def test_an_allowed_host_leads_to_no_other_one(tmp_path: Path, address: str, more: str) -> None:
    """The driver takes hosts and files from the options of an address as well."""
    with pytest.raises(Invalid, match=r"source\.database_options"):
        opened(tmp_path, f"{address}{more}", table="city.notices")
