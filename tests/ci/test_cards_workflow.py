"""The steps of cards.yml, run in a clean clone: nothing is committed without a change, and a change becomes one commit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/cards.yml").read_text("utf-8"))
OUR_PYTHON = f"{sys.executable} -W ignore -c 'import sys; from corpushub.cli.context import enter; from corpushub.cli.cards import app; app(enter(sys.argv[2:])[1])'"


def step(job: str, name: str) -> str:
    found = next(item for item in WORKFLOW["jobs"][job]["steps"] if item.get("name") == name)
    return str(found["run"]).replace("python3 .ci/bootstrap.py -m corpushub", OUR_PYTHON)


def bash(folder: Path, script: str, **env: str) -> subprocess.CompletedProcess[str]:
    full = {**os.environ, "CORPUSHUB_HOME": str(folder / ".home"), **env}
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script], cwd=folder, env=full, capture_output=True, text=True, check=False
    )


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of this repository's recipes and cards, with a remote to push to."""
    remote = tmp_path / "remote.git"
    work = tmp_path / "work"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    git(tmp_path, "clone", "--quiet", str(remote), str(work))
    for name in ("recipes", "cards", "corpushub"):
        subprocess.run(["cp", "-r", str(ROOT / name), str(work / name)], check=True)
    git(work, "checkout", "-q", "-B", "main")
    git(work, "add", "-A")
    git(work, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "start")
    git(work, "push", "-q", "origin", "main")
    return work


def test_the_workflow_only_asks_for_the_rights_it_needs() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert WORKFLOW["jobs"]["refresh"]["permissions"] == {"contents": "write"}
    assert "write" not in str(WORKFLOW["jobs"]["review"]["permissions"].get("contents"))


def test_nothing_changed_commits_nothing_and_a_change_becomes_one_commit(clone: Path) -> None:
    quiet = bash(clone, step("refresh", "Commit what changed"))
    assert "up to date" in quiet.stdout, quiet.stderr
    assert git(clone, "rev-list", "--count", "HEAD").strip() == "1"
    readme = next((clone / "cards").rglob("README.md"))
    readme.write_text(readme.read_text("utf-8") + "\n", "utf-8")
    loud = bash(clone, step("refresh", "Commit what changed"))
    assert loud.returncode == 0, loud.stderr
    assert git(clone, "log", "-1", "--format=%s").strip() == "cards: refresh"
    assert git(clone, "rev-list", "--count", "origin/main").strip() == "2"


def test_the_check_annotates_a_hand_edited_card_and_fails(clone: Path) -> None:
    good = bash(clone, step("review", "Check"))
    assert good.returncode == 0, good.stdout + good.stderr
    readme = next((clone / "cards").rglob("README.md"))
    readme.write_text(readme.read_text("utf-8").replace("num_examples", "num_samples", 1), "utf-8")
    bad = bash(clone, step("review", "Check"))
    assert bad.returncode == 1
    assert f"::error file={readme.relative_to(clone)},line=" in bad.stdout


def test_a_pull_request_gets_the_change_as_a_comment(clone: Path) -> None:
    facts = next((clone / "cards").rglob("facts.json"))
    text = facts.read_text("utf-8")
    version = '"version": "1.0.0"'
    assert version in text
    facts.write_text(text.replace(version, '"version": "2.0.0"').replace('"logical_digest": "', '"logical_digest": "0'), "utf-8")
    git(clone, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-a", "-m", "change")
    done = bash(clone, step("review", "Say what changed"), BASE=git(clone, "rev-parse", "HEAD~1").strip())
    assert done.returncode == 0, done.stderr
    assert f"## {facts.parent.relative_to(clone / 'cards')}" in (clone / "comment.md").read_text("utf-8")
    assert "→ 2.0.0" in (clone / "comment.md").read_text("utf-8")
