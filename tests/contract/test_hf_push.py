"""Unmodified clients pushing: what lands is a contribution that curators see and readers don't."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from corpushub.api import hf_lfs
from tests.kit.hub import CURATOR, READER, SomeHub, notices, serving, some_hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> SomeHub:
    made = some_hub(tmp_path_factory.mktemp("hub"))
    made.publish("city/open", notices(), gated="")
    return made


@pytest.fixture(scope="module")
def address(hub: SomeHub) -> Generator[str]:
    with serving(hub) as found:
        yield found


@pytest.fixture
def client(address: str, hub: SomeHub, tmp_path: Path) -> Any:
    def ask(code: str, **more: str) -> str:
        env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        env |= {
            "HF_ENDPOINT": address,
            "HF_HOME": str(tmp_path),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
        }
        env |= {
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_TOKEN": hub.token(CURATOR, "read", "write"),
            **more,
        }
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.strip().splitlines()[-1]

    return ask


@pytest.mark.parametrize("without_xet", ["0", "1"])
def test_push_to_hub_lands_where_only_curators_see_it(client: Any, hub: SomeHub, without_xet: str) -> None:
    repo = f"city/pushed-{without_xet}"
    shown = client(
        f"""
from datasets import Dataset, load_dataset
made = Dataset.from_dict({{"id": list(range(50)), "text": ["x" * n for n in range(50)]}})
made.push_to_hub("{repo}")
made.push_to_hub("{repo}", split="extra")
back = load_dataset("{repo}")
print(sorted(back), back["train"].num_rows)
""",
        HF_HUB_DISABLE_XET=without_xet,
    )
    assert shown == "['extra', 'train'] 50"
    with hub.database.read() as unit:
        assert unit.repos.find(repo, "main", reader=True) is None
        assert unit.repos.find(repo, "main") is not None
    assert [item["repo"] for item in hub.contributions.list(CURATOR, repo)] == [repo, repo]
    assert not hub.contributions.list(READER, repo)


@pytest.mark.parametrize("without_xet", ["0", "1"])
def test_upload_folder_tags_branches_move_and_delete(client: Any, hub: SomeHub, tmp_path: Path, without_xet: str) -> None:
    folder = tmp_path / "folder"
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Folder\n")
    big = bytes(range(256)) * 4096 * 3
    (folder / "data/big.bin").write_bytes(big)
    (folder / "data/empty.txt").write_bytes(b"")
    (folder / "数据.txt").write_text("一")
    repo = f"city/folder-{without_xet}"
    shown = client(
        f"""
import json
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.utils import HfHubHTTPError
api = HfApi()
api.create_repo("{repo}", repo_type="dataset")
api.create_repo("{repo}", repo_type="dataset", exist_ok=True)
one = api.upload_folder(repo_id="{repo}", folder_path={str(folder)!r}, repo_type="dataset")
two = api.upload_folder(repo_id="{repo}", folder_path={str(folder)!r}, repo_type="dataset")
api.create_tag("{repo}", tag="v0", repo_type="dataset")
api.create_branch("{repo}", branch="work/a", repo_type="dataset")
api.upload_file(path_or_fileobj=b"more", path_in_repo="more.txt", repo_id="{repo}", repo_type="dataset", revision="work/a")
api.delete_file("数据.txt", "{repo}", repo_type="dataset", revision="work/a")
pull = api.upload_file(path_or_fileobj=b"pr", path_in_repo="pr.txt", repo_id="{repo}", repo_type="dataset", create_pr=True)
refs = api.list_repo_refs("{repo}", repo_type="dataset", include_pull_requests=True)
on_work = sorted(api.list_repo_files("{repo}", repo_type="dataset", revision="work/a"))
api.super_squash_history("{repo}", repo_type="dataset", branch="work/a")
commits = len(api.list_repo_commits("{repo}", repo_type="dataset", revision="work/a"))
api.delete_branch("{repo}", branch="work/a", repo_type="dataset")
api.delete_tag("{repo}", tag="v0", repo_type="dataset")
api.move_repo("{repo}", "{repo}-b", repo_type="dataset")
moved = open(hf_hub_download("{repo}", "data/big.bin", repo_type="dataset"), "rb").read()
api.delete_repo("{repo}-b", repo_type="dataset")
print(json.dumps([one.oid == two.oid, [b.name for b in refs.branches], [t.name for t in refs.tags], len(refs.pull_requests), on_work, commits, len(moved)]))
""",
        HF_HUB_DISABLE_XET=without_xet,
    )
    same, branches, tags, pulls, files, commits, size = json.loads(shown)
    assert same
    assert (branches, tags, pulls) == (["main", "work/a"], ["v0"], 1)
    assert files == [".gitattributes", "README.md", "data/big.bin", "data/empty.txt", "more.txt"]
    assert (commits, size) == (1, len(big))


def test_a_large_file_comes_in_parts(client: Any, hub: SomeHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hf_lfs, "MULTIPART_FROM", 1 << 20)
    monkeypatch.setattr(hf_lfs, "PART_BYTES", 1 << 19)
    sent: list[int] = []
    usual = hub.contributions.incoming.write_part
    monkeypatch.setattr(hub.contributions.incoming, "write_part", lambda *a: (sent.append(len(a[2])), usual(*a))[1])
    data = os.urandom((3 << 20) + 7)
    (tmp_path / "large.bin").write_bytes(data)
    shown = client(
        f"""
import hashlib
from huggingface_hub import HfApi, hf_hub_download
api = HfApi()
api.create_repo("city/parts", repo_type="dataset")
api.upload_file(path_or_fileobj={str(tmp_path / "large.bin")!r}, path_in_repo="large.bin", repo_id="city/parts", repo_type="dataset")
print(hashlib.sha256(open(hf_hub_download("city/parts", "large.bin", repo_type="dataset"), "rb").read()).hexdigest())
""",
        HF_HUB_DISABLE_XET="1",
    )
    assert shown == hashlib.sha256(data).hexdigest()
    assert sorted(sent) == [7] + [1 << 19] * 6
    assert not list((hub.settings.home / "uploads").glob("*.part"))


def test_hf_upload_brings_a_folder_and_a_file(client: Any, hub: SomeHub, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "data").mkdir(parents=True)
    (folder / "data/train.parquet").write_bytes(notices()["data/train-00000-of-00002.parquet"])
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# CLI\n")
    shown = client(
        f"""
import subprocess, sys
from pathlib import Path
hf = str(Path(sys.executable).with_name("hf"))
for words in (["upload", "city/by-cli", {str(folder)!r}], ["upload", "city/by-cli", {str(folder / "README.md")!r}, "docs/NOTE.md"]):
    subprocess.run([hf, *words, "--repo-type", "dataset"], check=True, stdout=subprocess.DEVNULL)
from huggingface_hub import HfApi
print(sorted(HfApi().list_repo_files("city/by-cli", repo_type="dataset")))
"""
    )
    assert shown == str([".gitattributes", "README.md", "data/train.parquet", "docs/NOTE.md"])


def test_six_parallel_commits_lose_nothing_and_a_stale_parent_is_told(client: Any) -> None:
    shown = client(
        """
from concurrent.futures import ThreadPoolExecutor
from huggingface_hub import HfApi, CommitOperationAdd
from huggingface_hub.utils import HfHubHTTPError
api = HfApi()
api.create_repo("city/parallel", repo_type="dataset")
first = api.create_commit("city/parallel", [CommitOperationAdd("README.md", b"# x")], commit_message="one", repo_type="dataset")
def push(n):
    return api.create_commit("city/parallel", [CommitOperationAdd(f"f{n}.txt", b"%d" % n)], commit_message=f"c{n}", repo_type="dataset")
with ThreadPoolExecutor(6) as pool:
    list(pool.map(push, range(6)))
try:
    api.create_commit("city/parallel", [CommitOperationAdd("late.txt", b"l")], commit_message="late", repo_type="dataset", parent_commit=first.oid)
    status = 200
except HfHubHTTPError as error:
    status = error.response.status_code
print(len(api.list_repo_files("city/parallel", repo_type="dataset")), status)
"""
    )
    assert shown == "8 412"


def test_a_reader_may_not_push_and_is_told_who_may(client: Any, hub: SomeHub) -> None:
    shown = client(
        """
from huggingface_hub import HfApi
from huggingface_hub.utils import HfHubHTTPError
try:
    HfApi().upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="city/open", repo_type="dataset")
except HfHubHTTPError as error:
    print(error.response.status_code, str(error).replace(chr(10), " "))
""",
        HF_TOKEN=hub.token(READER, "read", "write"),
    )
    assert shown.startswith("403")
    assert "data-group" in shown
