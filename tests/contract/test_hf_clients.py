"""Unmodified clients of the Hugging Face Hub against a running server, each in a fresh process as a user has it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from corpushub.api.throttle import Quotas
from tests.kit.hub import CURATOR, REPO, STRANGER, SomeHub, notices, serving, some_hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> SomeHub:
    made = some_hub(tmp_path_factory.mktemp("hub"))
    made.publish(REPO, notices())
    made.publish("city/open", notices(), gated="")
    return made


@pytest.fixture(scope="module")
def address(hub: SomeHub) -> Generator[str]:
    with serving(hub) as found:
        yield found


@pytest.fixture
def client(address: str, tmp_path: Path) -> Any:
    def ask(code: str, token: str = "", *, module: bool = False) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        env |= {
            "HF_ENDPOINT": address,
            "HF_HOME": str(tmp_path),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
        }
        env |= {"HF_HUB_DISABLE_UPDATE_CHECK": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        if token:
            env["HF_TOKEN"] = token
        words = code.split() if module else [sys.executable, "-c", code]
        return subprocess.run(words, env=env, capture_output=True, text=True, timeout=120, check=False)

    return ask


def test_load_dataset_pulls_a_pinned_revision_whole_and_streaming(client: Any, hub: SomeHub) -> None:
    done = client(
        f"""
import json
from datasets import load_dataset
whole = load_dataset("{REPO}", revision="v1.0.0")
stream = load_dataset("{REPO}", revision="v1.0.0", split="train", streaming=True).shuffle(seed=1, buffer_size=10)
print(json.dumps([whole["train"].num_rows, whole["test"].num_rows, sum(1 for _ in stream), whole["train"][299]]))
""",
        hub.token(CURATOR),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [300, 20, 300, {"id": 299, "text": "notice 299"}]


def test_snapshot_download_and_cli_bring_the_same_bytes(client: Any, hub: SomeHub, tmp_path: Path) -> None:
    token = hub.token(CURATOR)
    done = client(
        f"from huggingface_hub import snapshot_download; print(snapshot_download('{REPO}', repo_type='dataset', revision='v1.0.0'))",
        token,
    )
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.strip().splitlines()[-1])
    assert {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()} == notices()
    cli = Path(sys.executable).parent / "hf"
    done = client(f"{cli} download {REPO} --repo-type dataset --revision v1.0.0 --local-dir {tmp_path}/local", token, module=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "local/data/test-00000-of-00001.parquet").read_bytes() == notices()["data/test-00000-of-00001.parquet"]


@pytest.mark.parametrize("token_of", [None, STRANGER])
def test_without_an_entitlement_the_client_says_gated(client: Any, hub: SomeHub, token_of: Any) -> None:
    token = hub.token(token_of) if token_of else ""
    done = client(f"from datasets import load_dataset; load_dataset('{REPO}', revision='v1.0.0')", token)
    assert done.returncode != 0
    assert "DatasetNotFoundError" in done.stderr
    assert "gated" in done.stderr
    done = client(
        f"""
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import GatedRepoError
try:
    hf_hub_download("{REPO}", "data/test-00000-of-00001.parquet", repo_type="dataset")
except GatedRepoError as error:
    print(error)
""",
        token,
    )
    assert "/datasets/city/notices" in done.stdout, done.stderr
    assert f"Request access to {REPO} at {hub.settings.endpoint()}" in done.stderr  # the client prints X-HF-Warning


def test_an_open_dataset_needs_no_token(client: Any) -> None:
    done = client("from datasets import load_dataset; print(load_dataset('city/open', split='test').num_rows)")
    assert done.stdout.strip().endswith("20"), done.stderr


def test_a_wrong_token_is_named_as_such(client: Any) -> None:
    done = client("from huggingface_hub import HfApi; HfApi().whoami()", "chub_wrong")
    assert "Invalid" in done.stderr


def test_a_client_over_its_quota_waits_as_long_as_the_hub_says_and_goes_on(
    client: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The wait is the client's own: it reads `ratelimit` of the 429 (spec of its `http_backoff`)."""
    busy = some_hub(tmp_path_factory.mktemp("busy"))
    busy.publish("city/open", notices(), gated="")
    quotas = Quotas(anonymous_resolve=5, seconds=3)
    with serving(busy, quotas=quotas) as address:
        done = client(
            f"""
from huggingface_hub import hf_hub_download
for path in {sorted(notices())!r}:
    hf_hub_download("city/open", path, repo_type="dataset", endpoint="{address}")
print("all here")
"""
        )
    assert (done.returncode, done.stdout.strip()) == (0, "all here"), done.stderr
    assert "Rate limited. Waiting" in done.stderr
    assert "Retrying in" not in done.stderr, "it was told how long to wait and need not guess"
