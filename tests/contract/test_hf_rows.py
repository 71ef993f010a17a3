"""What real clients were seen to do beyond loading and pushing: odd names, verification, metadata behind the gate, other hosts, moved datasets."""

from __future__ import annotations

import gzip
import io
import json
import os
import socket
import threading
import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.test_hf_matrix import run
from tests.kit.hub import CURATOR, REPO, STRANGER, SomeHub, notices, serving, some_hub

OPEN = "city/open"
NAMES = {"数据/一 二.bin": b"\x00" * 9, "数据/三.txt": "三".encode(), "empty.txt": b""}


BIG = os.urandom(1 << 20) * 24
CSV = b"x,y\n" + b"1,2\n" * 1000


def zipped(name: str, data: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr(name, data)
    return sink.getvalue()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> SomeHub:
    made = some_hub(tmp_path_factory.mktemp("hub"))
    made.publish(REPO, notices())
    commit = made.publish(OPEN, {**notices(), **NAMES}, gated="")
    with made.database.begin() as unit:
        unit.repos.set_branch(OPEN, "a/b", commit)
        unit.repos.set_branch(OPEN, "年/一", commit)
    made.publish("city/before", notices(), gated="")
    made.repositories.move(CURATOR, "city/before", "city/after")
    return made


@pytest.fixture(scope="module")
def address(hub: SomeHub) -> Generator[str]:
    with serving(hub) as found:
        yield found


def told(address: str, home: Path, code: str, token: str = "") -> Any:
    """What a client's program printed last, as JSON."""
    done = run(address, home, code, token)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_revisions_and_paths_with_slashes_spaces_and_characters(address: str, hub: SomeHub, tmp_path: Path) -> None:
    code = f"""
import json
from huggingface_hub import HfApi, HfFileSystem, hf_hub_download
api, found = HfApi(), []
for revision in ("a/b", "年/一", "refs/heads/a/b", "refs/tags/v1.0.0"):
    found.append(sorted(e.path for e in api.list_repo_tree("{OPEN}", "数据", repo_type="dataset", revision=revision)))
    found.append([e.path for e in api.get_paths_info("{OPEN}", ["数据/一 二.bin", "none"], repo_type="dataset", revision=revision)])
    found.append(api.dataset_info("{OPEN}", revision=revision).sha)
    found.append(open(hf_hub_download("{OPEN}", "数据/一 二.bin", repo_type="dataset", revision=revision), "rb").read().hex())
    found.append(len(api.list_repo_commits("{OPEN}", repo_type="dataset", revision=revision)))
print(json.dumps([found, HfFileSystem().cat("datasets/{OPEN}@a%2Fb/数据/三.txt").decode()]))
"""
    sha = hub.repositories.at(CURATOR, OPEN).commit.id
    each = [["数据/一 二.bin", "数据/三.txt"], ["数据/一 二.bin"], sha, NAMES["数据/一 二.bin"].hex(), 1]
    assert told(address, tmp_path, code) == [each * 4, "三"]


def test_a_copy_is_verified_and_looked_at_again_with_one_request(address: str, hub: SomeHub, tmp_path: Path) -> None:
    code = f"""
import json, os, re, httpx
from huggingface_hub import HfApi, snapshot_download
def asked():
    text = httpx.get(os.environ["HF_ENDPOINT"] + "/metrics").text
    return sum(int(n) for n in re.findall(r'requests_total.kind="(?:api|resolve)".* (\\d+)', text))
start = asked()
folder = snapshot_download("{REPO}", repo_type="dataset")
first = asked()
assert snapshot_download("{REPO}", repo_type="dataset") == folder
second = asked()
api = HfApi()
whole = api.verify_repo_checksums("{REPO}", repo_type="dataset")
blob = os.path.realpath(os.path.join(folder, "README.md"))
os.chmod(blob, 0o644)
open(blob, "ab").write(b"!")
spoilt = api.verify_repo_checksums("{REPO}", repo_type="dataset")
print(json.dumps([second - first, first - start, whole.checked_count, len(whole.mismatches), [one["path"] for one in spoilt.mismatches]]))
"""
    again, once, checked, wrong, spoilt = told(address, tmp_path, code, hub.token(CURATOR))
    assert (again, checked, wrong, spoilt) == (1, len(notices()), 0, ["README.md"])
    assert once <= 2 + 3 * len(notices())


@pytest.mark.parametrize("signed_in", [False, True])
def test_metadata_behind_the_gate_may_be_read_and_data_not(
    address: str, hub: SomeHub, tmp_path: Path, *, signed_in: bool
) -> None:
    code = f"""
import json
from huggingface_hub import HfApi, get_token, hf_hub_download
from huggingface_hub.errors import GatedRepoError
api, refused = HfApi(), []
info = api.dataset_info("{REPO}", files_metadata=True)
facts = [info.gated, len(list(api.list_repo_tree("{REPO}", repo_type="dataset", recursive=True))), len(info.siblings)]
facts.append([tag.name for tag in api.list_repo_refs("{REPO}", repo_type="dataset").tags])
def auth(): api.auth_check("{REPO}", repo_type="dataset")
def unknown(): hf_hub_download("{REPO}", "no-such.py", repo_type="dataset")
def data(): hf_hub_download("{REPO}", "data/test-00000-of-00001.parquet", repo_type="dataset", revision=info.sha)
for ask in (auth, unknown, data):
    try:
        ask()
    except GatedRepoError as error:
        refused.append(ask.__name__)
print(json.dumps([facts, refused]))
"""
    facts, refused = told(address, tmp_path, code, hub.token(STRANGER) if signed_in else "")
    assert facts == ["manual", len(notices()) + 1, len(notices()), ["v1.0.0"]]
    assert refused == ["auth", "unknown", "data"]


def test_a_token_in_front_of_the_host_and_the_viewer_s_host(address: str, hub: SomeHub, tmp_path: Path) -> None:
    """curl and httpx send what stands before the host as Basic; `datasets` derives the viewer's host, which the site's resolver has to know."""
    code = f"""
import io, json, os, socket, httpx, polars as pl
place = os.environ["HF_ENDPOINT"].replace("http://", "http://x:" + os.environ["HF_TOKEN"] + "@")
rows = pl.read_parquet(io.BytesIO(httpx.get(place + "/datasets/{REPO}/resolve/v1.0.0/data/test-00000-of-00001.parquet").content)).height
real = socket.getaddrinfo
socket.getaddrinfo = lambda host, *more, **named: real("127.0.0.1" if str(host).startswith("datasets-server.") else host, *more, **named)
from datasets.utils import _dataset_viewer as viewer
infos = viewer.get_exported_dataset_infos("{REPO}", commit_hash="{hub.repositories.at(CURATOR, REPO).commit.id}", token=os.environ["HF_TOKEN"])
print(json.dumps([rows, {{name: sorted(info["splits"]) for name, info in infos.items()}}]))
"""
    assert told(address, tmp_path, code, hub.token(CURATOR)) == [20, {"default": ["test", "train"]}]


def test_clients_follow_a_moved_dataset_with_what_they_write_and_keep_empty_files(
    address: str, hub: SomeHub, tmp_path: Path
) -> None:
    code = """
import json
from huggingface_hub import HfApi
api = HfApi()
api.upload_file(path_or_fileobj=b"", path_in_repo="empty.txt", repo_id="city/before", repo_type="dataset")
api.create_branch("city/before", branch="work", repo_type="dataset")
entry = api.get_paths_info("city/after", ["empty.txt"], repo_type="dataset")[0]
print(json.dumps([entry.size, entry.lfs, [b.name for b in api.list_repo_refs("city/after", repo_type="dataset").branches]]))
"""
    assert told(address, tmp_path, code, hub.token(CURATOR, "read", "write")) == [0, None, ["main", "work"]]


def test_a_program_s_own_name_for_its_request_comes_back_and_download_only_hooks_are_absent(address: str) -> None:
    place = f"{address}/datasets/{OPEN}/resolve/v1.0.0/data/test-00000-of-00001.parquet"
    for method in ("HEAD", "GET"):
        answer = httpx.request(method, place, headers={"x-amzn-trace-id": "trace-1"}, follow_redirects=True)
        assert answer.headers["x-request-id"] == "trace-1"
        assert not {"x-xet-hash", "x-xet-refresh-route", "link"} & set(answer.headers)  # else clients leave plain HTTP
        assert "content-encoding" not in answer.headers
    assert httpx.get(f"{address}/api/agent-harnesses").status_code == 404
    assert httpx.get(f"{address}/api/datasets-tags-by-type").json() == {}


def test_chained_file_systems_and_parts_of_files(address: str, hub: SomeHub, tmp_path: Path) -> None:
    hub.publish("city/chained", {**notices(), "more.zip": zipped("inner/a.csv", CSV), "a.csv.gz": gzip.compress(CSV)}, gated="")
    code = """
import json, os, fsspec, pandas, pyarrow.parquet as pq
from huggingface_hub import HfFileSystem
root, kept = "hf://datasets/city/chained@v1.0.0/", os.environ["HF_HOME"]
found = []
with fsspec.open("zip://inner/a.csv::" + root + "more.zip") as file:
    found.append(len(pandas.read_csv(file)))
for way in ("simplecache", "blockcache"):
    with fsspec.open(way + "::" + root + "data/test-00000-of-00001.parquet", **{way: {"cache_storage": kept + "/" + way}}) as file:
        found.append(len(pandas.read_parquet(file)))
found.append(len(pandas.read_csv(root + "a.csv.gz")))
part = root + "data/train-00000-of-00002.parquet"
found.append(pandas.read_parquet(part, columns=["id"], filters=[("id", ">", 140)]).shape)
with HfFileSystem().open(part.removeprefix("hf://")) as file:
    found.append(pq.ParquetFile(file).read_row_group(1).column("id").to_pylist()[0])
print(json.dumps(found))
"""
    assert told(address, tmp_path, code) == [1000, 20, 20, 1000, [9, 1], 50]


def test_who_a_token_is_and_why_a_card_is_not_taken(address: str, hub: SomeHub, tmp_path: Path) -> None:
    code = """
import json
from huggingface_hub import HfApi
api = HfApi()
me = api.whoami()
before = api.dataset_info("city/after").sha
try:
    api.upload_file(path_or_fileobj=b"---\\nlicense: [\\n---\\n# x", path_in_repo="README.md", repo_id="city/after", repo_type="dataset")
    refused = ""
except Exception as error:
    refused = type(error).__name__ + " " + str(error)
print(json.dumps([me["name"], me["auth"]["accessToken"]["role"], refused, before == api.dataset_info("city/after").sha]))
"""
    name, role, refused, same = told(address, tmp_path, code, hub.token(CURATOR, "read", "write"))
    assert (name, role, same) == (CURATOR.person, "write", True)
    assert "README.md:3" in refused


@contextmanager
def cutting(port: int, after: int, asked: list[bytes]) -> Iterator[str]:
    """The address of something in front of a server that breaks the first connection which brought `after` bytes, and notes ranges."""
    front = socket.create_server(("127.0.0.1", 0))
    cut = threading.Event()

    def carry(source: socket.socket, target: socket.socket, *, answers: bool) -> None:
        total = 0
        try:
            while data := source.recv(1 << 16):
                if not answers:
                    asked.extend(line for line in data.lower().split(b"\r\n") if line.startswith(b"range:"))
                total += len(data)
                if answers and total > after and not cut.is_set():
                    cut.set()
                    break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        while True:
            try:
                client, _ = front.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", port))
            for source, target, answers in ((client, server, False), (server, client, True)):
                threading.Thread(target=carry, args=(source, target), kwargs={"answers": answers}, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{front.getsockname()[1]}"
        assert cut.is_set()
    finally:
        front.close()


def test_a_download_that_breaks_off_goes_on_where_it_was(hub: SomeHub, address: str, tmp_path: Path) -> None:
    hub.publish("city/big", {"big.bin": BIG}, gated="")
    code = """
import hashlib, json
from huggingface_hub import hf_hub_download
print(json.dumps(hashlib.sha256(open(hf_hub_download("city/big", "big.bin", repo_type="dataset"), "rb").read()).hexdigest()))
"""
    asked: list[bytes] = []
    with cutting(hub.settings.port, 16 << 20, asked) as front:
        assert told(front, tmp_path, code) == sha256(BIG).hexdigest()
    assert asked == [b"range: bytes=%d-" % (10 << 20)]
