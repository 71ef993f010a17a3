"""The code a card shows is run as a reader would: copied, in a fresh process, against a running hub."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.kit.hub import serving, some_hub
from tests.kit.released import OnDisk, on_disk


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> OnDisk:
    return on_disk(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def address(release: OnDisk, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    hub = some_hub(tmp_path_factory.mktemp("hub"))
    files = {
        path.relative_to(release.folder).as_posix(): path.read_bytes() for path in release.folder.rglob("*") if path.is_file()
    }
    hub.publish("yunzhou/notices", files, "v1.0.0", gated="")
    with serving(hub) as found:
        yield found


def blocks(release: OnDisk, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", release.text("README.md"), re.DOTALL)


def run(address: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    env |= {
        "HF_ENDPOINT": address,
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    }
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    return subprocess.run(words, env=env, cwd=folder, capture_output=True, text=True, check=False, timeout=240)


def test_every_python_snippet_runs_as_printed(address: str, release: OnDisk, tmp_path: Path) -> None:
    snippets = blocks(release, "python")
    assert len(snippets) == 4
    assert snippets[:2] == snippets[2:]  # both languages show the same code
    load = run(address, tmp_path, sys.executable, "-c", snippets[0])
    assert load.returncode == 0, load.stderr
    assert "num_rows: 50" in load.stdout
    polars = run(address, tmp_path, sys.executable, "-c", snippets[1])
    assert polars.returncode == 0, polars.stderr
    assert "n-00000" in polars.stdout


def test_what_hf_downloads_passes_the_printed_verification(address: str, release: OnDisk, tmp_path: Path) -> None:
    download, verify = blocks(release, "bash")[:2]
    done = run(address, tmp_path, "bash", "-ec", download)
    assert done.returncode == 0, done.stderr
    (tmp_path / "hub.vkey").write_text(f"{release.key.verifier}\n")
    checked = run(address, tmp_path, "bash", "-ec", verify.replace("hub.vkey", "../hub.vkey"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
