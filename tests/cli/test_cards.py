from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.test_cards import FOLDER, RECIPE, cards, lines

ENTER = "import sys; from corpushub.cli.context import enter; from corpushub.cli.cards import app; _, rest = enter(sys.argv[1:]); app(rest)"
HIDDEN = """\
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "pyshacl" else real(name, *rest)
from corpushub.cli import main
main()
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checkout")
    (root / "recipes").mkdir()
    (root / "recipes/bus.yaml").write_text(RECIPE, "utf-8")
    (root / "recipes/bus.csv").write_text(lines(), "utf-8")
    cards(root).build(root / "recipes", root / "cards")
    return root


@pytest.fixture
def checkout(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "checkout"))


def check(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", ENTER, "check", "--recipes", "recipes", "--cards", "cards", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=checkout)


def test_findings_exit_1_with_annotations_at_their_files_and_a_diff(checkout: Path) -> None:
    card, recipe = checkout / "cards" / FOLDER / "README.md", checkout / "recipes/bus.yaml"
    card.write_text(card.read_text("utf-8").replace("Bus lines of the city", "Tram lines of the city", 1), "utf-8")
    recipe.write_text(recipe.read_text("utf-8").replace("id: cc-by-4.0", "id: cc-by-9.9"), "utf-8")
    done = check(checkout, "--format", "github")
    assert done.returncode == 1
    assert f"::error file=cards/{FOLDER}/README.md,line=" in done.stdout
    assert "::error file=recipes/bus.yaml" in done.stdout
    assert "\n-Tram lines" in done.stdout
    assert "\n+Bus lines" in done.stdout


def test_sarif_names_the_same_places(checkout: Path) -> None:
    (checkout / "cards" / FOLDER / "LICENSE").write_text("mine", "utf-8")
    found = json.loads(check(checkout, "--format", "sarif").stdout)["runs"][0]["results"]
    assert [row["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for row in found] == [f"cards/{FOLDER}/LICENSE"]


def test_a_missing_validator_exits_4_and_is_never_a_pass(checkout: Path) -> None:
    command = [sys.executable, "-c", HIDDEN, "cards", "check", "--recipes", "recipes", "--cards", "cards"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=checkout)
    assert done.returncode == 4, done.stderr
    assert "pyshacl" in done.stderr
