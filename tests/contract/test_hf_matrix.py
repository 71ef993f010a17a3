"""Other ways in: file systems, data frames, DuckDB, an S3 store behind, a withdrawn release in front of a warm cache."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from tests.kit.gov import released
from tests.kit.hub import CURATOR, READER, REPO, SomeHub, notices, serving, some_hub

OPEN = "city/open"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> SomeHub:
    made = some_hub(tmp_path_factory.mktemp("hub"))
    made.city.made["release"] = released(made.city)
    classes = BytesIO()
    pq.write_table(pa.table({"columns": ["agency"], "rows": [7]}), classes)  # tells of the data, and is none of it
    made.publish(REPO, notices() | {"provenance/classes.parquet": classes.getvalue()})
    made.publish(OPEN, notices(), gated="")
    made.entitle()
    return made


@pytest.fixture(scope="module")
def address(hub: SomeHub) -> Generator[str]:
    with serving(hub) as found:
        yield found


def run(address: str, home: Path, code: str, token: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    env |= {"HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1", "HF_UPDATE_DOWNLOAD_COUNTS": "0"}
    env |= {"HF_HUB_DISABLE_UPDATE_CHECK": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_TOKEN": token, **more}
    if not token:
        env.pop("HF_TOKEN")
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=170, check=False)


def test_file_systems_frames_and_duckdb_read_the_same_rows(address: str, hub: SomeHub, tmp_path: Path) -> None:
    done = run(
        address,
        tmp_path,
        f"""
import duckdb, pyarrow.dataset, polars as pl
from huggingface_hub import HfApi, HfFileSystem
fs = HfFileSystem()
root = "datasets/{REPO}@v1.0.0"
counts = [len(fs.glob(root + "/data/*.parquet")), len(fs.ls(root, detail=False))]
counts.append(pyarrow.dataset.dataset(root + "/data/train-00000-of-00002.parquet", filesystem=fs).count_rows())
con = duckdb.connect()
con.register_filesystem(fs)
counts.append(con.sql("select count(*) from read_parquet('hf://" + root + "/data/train-*.parquet')").fetchall()[0][0])
with fs.open(root + "/README.md", "rb") as card:
    counts.append(card.read(3).decode())
import httpx, os
manifest = httpx.get(os.environ["HF_ENDPOINT"] + "/api/datasets/{REPO}/parquet/v1.0.0", headers={{"authorization": "Bearer " + os.environ["HF_TOKEN"]}}).json()
counts.append(pl.scan_parquet([f["url"] for f in manifest["parquet_files"]]).select(pl.len()).collect().item())
info = HfApi().dataset_info("{REPO}", files_metadata=True)
counts += [info.gated, info.card_data.license, sorted(t for t in info.tags if t.startswith("language"))]
counts.append("{REPO}" in [d.id for d in HfApi().list_datasets(filter="license:cc-by-4.0", search="notices")])
import pandas
counts.append(len(pandas.read_parquet("hf://" + root + "/data/test-00000-of-00001.parquet")))
print(counts)
""",
        hub.token(READER),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    shown = done.stdout.strip().splitlines()[-1]
    assert shown == "[3, 3, 150, 300, '---', 320, 'manual', 'cc-by-4.0', ['language:en', 'language:zh'], True, 20]"


def test_a_moved_dataset_is_still_found_under_its_old_name(address: str, hub: SomeHub, tmp_path: Path) -> None:
    hub.publish("city/before", notices(), gated="")
    hub.repositories.move(CURATOR, "city/before", "city/after")
    done = run(address, tmp_path, "from datasets import load_dataset; print(load_dataset('city/before', split='test').num_rows)")
    assert done.stdout.strip().endswith("20"), done.stderr[-2000:]


def test_a_withdrawn_release_stops_a_warm_client_and_says_why(address: str, hub: SomeHub, tmp_path: Path) -> None:
    load = f"from datasets import load_dataset; print(load_dataset('{REPO}', revision='v1.0.0', split='test').num_rows)"
    token = hub.token(READER)
    assert run(address, tmp_path, load, token).stdout.strip().endswith("20")
    hub.city.do("reviewer", hub.city.made["release"], "quarantine", reason="row 7 still names a person")
    hub.repositories.forget()
    done = run(address, tmp_path, load, token)
    assert done.returncode != 0
    assert "row 7 still names a person" in done.stderr
    for revision in ("v1.0.0", hub.repositories.at(CURATOR, REPO).commit.id):
        answer = httpx.head(
            f"{address}/datasets/{REPO}/resolve/{revision}/README.md", headers={"authorization": f"Bearer {token}"}
        )
        assert (answer.status_code, answer.headers["x-error-code"]) == (404, "RevisionNotFound"), revision
        assert "row 7" in answer.headers["x-error-message"]


@contextmanager
def bucket() -> Iterator[dict[str, Any]]:
    """The settings of a hub whose objects lie in a running S3-speaking server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    try:
        httpx.put(f"http://127.0.0.1:{port}/hub", timeout=60)  # its first answer loads what answers
        keys = {"s3_access_key_id": "k", "s3_secret_access_key": "s"}
        yield {"objects_url": "s3://hub/objects", "s3_endpoint": f"http://127.0.0.1:{port}", **keys}
    finally:
        server.stop()


def taken_rows(hub: SomeHub) -> int:
    return sum(row.rows for row in hub.access.deliveries(hub.city["auditor"]) if row.repo == REPO)


def test_objects_in_s3_are_fetched_from_there_without_the_token(tmp_path: Path) -> None:
    with bucket() as settings:
        hub = some_hub(tmp_path, **settings)
        hub.publish(REPO, notices())
        with serving(hub) as address:
            first = httpx.get(
                f"{address}/datasets/{REPO}/resolve/v1.0.0/data/test-00000-of-00001.parquet",
                headers={"authorization": f"Bearer {hub.token(CURATOR)}"},
            )
            assert first.status_code == 302
            assert first.headers["location"].startswith(f"{settings['s3_endpoint']}/hub/objects/")
            assert first.headers["x-repo-commit"]
            code = f"from datasets import load_dataset; print(load_dataset('{REPO}', revision='v1.0.0', split='train').num_rows)"
            done = run(address, tmp_path, code, hub.token(CURATOR))
            assert done.stdout.strip().endswith("300"), done.stderr[-2000:]
            wanted, deadline = 320 + 20, time.monotonic() + 60
            while taken_rows(hub) < wanted and time.monotonic() < deadline:
                time.sleep(0.05)  # rows are told by the footers, which lie in the bucket: they are read when the answer is out
            assert taken_rows(hub) == wanted
            pushed = run(
                address,
                tmp_path,
                "from datasets import Dataset, load_dataset\nDataset.from_dict({'a': [1, 2]}).push_to_hub('city/pushed'); print(load_dataset('city/pushed')['train'].num_rows)",
                hub.token(CURATOR, "read", "write"),
            )
            assert pushed.stdout.strip().endswith("2"), pushed.stderr[-2000:]
        hub.close()


def test_a_link_to_the_bucket_ends_in_minutes_and_who_resumes_asks_the_hub(tmp_path: Path) -> None:
    data = os.urandom(300_000)
    with bucket() as settings:
        hub = some_hub(tmp_path, **settings)
        hub.city.made["release"] = released(hub.city)
        hub.publish(REPO, {**notices(), "big.bin": data})
        hub.entitle()
        hub.publish(OPEN, {**notices(), "big.bin": data}, gated="")
        commit = hub.repositories.at(CURATOR, REPO).commit.id
        secret = hub.token(READER)
        with serving(hub) as address:
            place = f"{address}/datasets/{REPO}/resolve/{commit}/big.bin"
            headers = {"authorization": f"Bearer {secret}"}
            assert "location" not in httpx.head(place, headers=headers).headers  # clients keep the address a HEAD leads to
            answer = httpx.get(place, headers=headers)
            link = urlsplit(answer.headers["location"])
            assert int(parse_qs(link.query)["X-Amz-Expires"][0]) <= 300
            assert answer.headers["cache-control"] == "no-store"
            public = hub.repositories.at(READER, OPEN).commit.id
            assert httpx.get(f"{address}/datasets/{OPEN}/resolve/{public}/big.bin").headers["cache-control"] == "no-store"
            resume = f"""
import io, os
from huggingface_hub.file_download import http_get
out = io.BytesIO(bytes(100_000))
out.seek(100_000)
http_get("{place}", out, resume_size=100_000, headers={{"authorization": "Bearer " + os.environ["HF_TOKEN"]}}, expected_size={len(data)})
print(out.getvalue()[100_000:].hex())
"""
            done = run(address, tmp_path / "client", resume, secret)
            assert done.stdout.strip() == data[100_000:].hex(), done.stderr[-2000:]
            hub.city.do("reviewer", hub.city.made["release"], "quarantine", reason="a name was left in row 7")
            hub.repositories.forget()
            refused = run(address, tmp_path / "client", resume, secret)
            assert "a name was left in row 7" in refused.stderr
            assert not refused.stdout
        hub.close()
