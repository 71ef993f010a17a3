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

import httpx
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


def test_large_files_are_listed_and_what_was_never_released_is_taken_back(client: Any, hub: SomeHub, address: str) -> None:
    repo = "city/mistake"
    released = hub.publish("city/kept", {**notices(), "kept.bin": b"kept" * 400}, gated="")
    shown = client(
        f"""
import json
from huggingface_hub import HfApi
from huggingface_hub.utils import EntryNotFoundError, HfHubHTTPError
api = HfApi()
api.create_repo("{repo}", repo_type="dataset")
for name, data in {{"good.bin": b"good" * 500, "bad.bin": b"badd" * 500}}.items():
    api.upload_file(path_or_fileobj=data, path_in_repo=name, repo_id="{repo}", repo_type="dataset")
api.upload_file(path_or_fileobj=b"later" * 300, path_in_repo="later.bin", repo_id="{repo}", repo_type="dataset")
api.create_tag("{repo}", tag="v0", repo_type="dataset")
listed = list(api.list_lfs_files("{repo}", repo_type="dataset"))
bad = [file for file in listed if file.filename == "bad.bin"]
try:
    api.permanently_delete_lfs_files("{repo}", bad, repo_type="dataset", rewrite_history=False)
except HfHubHTTPError as error:
    named = str(error)
api.permanently_delete_lfs_files("{repo}", bad, repo_type="dataset")
left = [file.filename for file in api.list_lfs_files("{repo}", repo_type="dataset")]
files = api.list_repo_files("{repo}", repo_type="dataset")
commits = [commit.title for commit in api.list_repo_commits("{repo}", repo_type="dataset")]
tags = [tag.name for tag in api.list_repo_refs("{repo}", repo_type="dataset").tags]
try:
    api.permanently_delete_lfs_files("city/kept", api.list_lfs_files("city/kept", repo_type="dataset"), repo_type="dataset")
except HfHubHTTPError as error:
    refused = str(error)
first = listed[0]
print(json.dumps([[f.filename for f in listed], first.size, first.ref, named, left, files, commits, tags, refused]))
""",
        HF_HUB_DISABLE_XET="1",
    )
    names, size, ref, named, left, files, commits, tags, refused = json.loads(shown)
    assert (names, size, ref) == (["bad.bin", "good.bin", "later.bin"], 2000, "refs/heads/main")
    assert "A commit of city/mistake names one of these files" in named
    assert left == ["good.bin", "later.bin"]
    assert files == [".gitattributes", "good.bin", "later.bin"]
    assert tags == []
    assert len(commits) == 3
    assert commits[0] == "Remove large files from history"
    assert "withdraw the release instead" in refused
    with hub.database.read() as unit:
        assert "kept.bin" in unit.repos.tree(released).by_path
        assert not unit.repos.received(repo, [hashlib.sha256(b"badd" * 500).hexdigest()])


def test_large_files_of_others_are_neither_shown_nor_deleted(address: str, hub: SomeHub) -> None:
    hub.publish("city/others", {**notices(), "x.bin": b"x" * 2000}, gated="")
    reader = {"authorization": f"Bearer {hub.token(READER, 'read', 'write')}"}
    base = f"{address}/api/datasets/city/others/lfs-files"
    deletions = {"deletions": {"sha": [hashlib.sha256(b"x" * 2000).hexdigest()], "rewriteHistory": True}}
    assert httpx.get(base).status_code in {401, 403}
    assert httpx.get(base, headers=reader).status_code == 403
    assert httpx.post(f"{base}/batch", json=deletions, headers=reader).status_code == 403
    curator = {"authorization": f"Bearer {hub.token(CURATOR, 'read', 'write')}"}
    for body in ({"deletions": []}, {"deletions": {"sha": "all"}}, []):
        assert httpx.post(f"{base}/batch", json=body, headers=curator).status_code == 400
    page = httpx.get(f"{base}?limit=2", headers=curator)
    assert len(page.json()) == 2
    assert 'rel="next"' in page.headers["link"]
