"""docs/policy-map.md keeps its word: modules, screens and tests it names exist, and no article is missing."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
import typer.main

from corpushub.cli import application
from corpushub.portal.areas import AREAS

PROJECT = Path(__file__).resolve().parents[2]
LINE = re.compile(r"\| (\d+) \| (.+?) \| (.+?) \| `(.+?)` \| (.+?) \| `(.+?)` \|")
ROWS = [
    found.groups()
    for line in (PROJECT / "docs" / "policy-map.md").read_text("utf-8").splitlines()
    if (found := LINE.fullmatch(line))
]
PLACES = {place.path for area in AREAS for place in area.places}


def test_every_article_has_its_rows() -> None:
    assert {int(row[0]) for row in ROWS} == set(range(1, 21))
    assert len(ROWS) == 101
    table = [line for line in (PROJECT / "docs" / "policy-map.md").read_text("utf-8").splitlines() if line.startswith("| ")]
    assert len(table) == len(ROWS) + 1, "a row has an empty or odd cell"


@pytest.mark.parametrize("module", sorted({row[3] for row in ROWS}))
def test_the_module_exists(module: str) -> None:
    assert (PROJECT / "corpushub" / module).is_file()


@pytest.mark.parametrize("test", sorted({row[5] for row in ROWS}))
def test_the_row_names_a_test_that_is_there(test: str) -> None:
    path, _, name = test.partition("::")
    tree = ast.parse((PROJECT / "tests" / path).read_text("utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}, test


def test_no_test_carries_the_page_alone() -> None:
    """A generic test that stands beside many demands checks none of them."""
    counted = Counter(row[5] for row in ROWS)
    assert [test for test, number in counted.items() if number > 5] == []


def test_the_screen_or_command_exists() -> None:
    tree = typer.main.get_command(application())
    for where in sorted({part.strip() for row in ROWS for part in row[4].split(",")}):
        if where.startswith("`corpushub "):
            group, command = where.strip("`").split()[1:3]
            assert command in tree.commands[group].commands, where  # type: ignore[attr-defined]  # a group of commands
        elif where != "`/openapi.json`":
            assert where in PLACES, where
