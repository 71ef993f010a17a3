"""What the guides say can be done: their commands and options exist, their settings are settings, their links lead somewhere."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from corpushub.base.settings import Settings
from corpushub.cli import application
from corpushub.cli.context import GLOBAL_VALUES

ROOT = Path(__file__).parents[2]
GUIDES = [ROOT / "README.md", ROOT / "README.zh-CN.md", ROOT / "recipes/samples/README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCED = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"(?<!`)`(corpushub [a-z][^`\n]*)`")
LINK = re.compile(r"\]\(([^)#\s]+)")
TREE = get_command(application())


def names(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in paths]


def lines(text: str) -> list[str]:
    """Command lines of our program in a guide."""
    fenced = [line.strip() for kind, block in FENCED.findall(text) if kind in {"", "sh"} for line in block.splitlines()]
    calls = [piece.strip() for line in fenced for piece in re.split(r"&&|\|", line.partition("#")[0])]
    return [line for line in (*calls, *INLINE.findall(text)) if line.startswith("corpushub ")]


def unknown(line: str) -> str:
    """The first word of a command line that the program would not take; empty where it takes all."""
    command: Any = TREE
    words = iter(shlex.split(line.partition(" > ")[0])[1:])
    for word in words:
        name = word.partition("=")[0]
        if name in GLOBAL_VALUES:
            next(words, None)
        elif word == "--":
            break
        elif name.startswith("--") and name not in {"--json", "--help", "--version"}:
            if not any(name in (*parameter.opts, *parameter.secondary_opts) for parameter in command.params):
                return f"{line}: {name}"
        elif not name.startswith("--") and hasattr(command, "commands"):
            if word not in command.commands:
                return f"{line}: {word}"
            command = command.commands[word]
    return ""


@pytest.mark.parametrize("guide", GUIDES, ids=names(GUIDES))
def test_commands_in_guides_exist(guide: Path) -> None:
    assert [wrong for line in lines(guide.read_text("utf-8")) if (wrong := unknown(line))] == []


def test_a_command_that_does_not_exist_would_be_found() -> None:
    text = "```\ncorpushub backup /x --keep 3 && corpushub bakcup /x\n```\n`corpushub user seat a b --until=x` `corpushub audit verify --elder x`"
    assert [unknown(line).rpartition(": ")[2] for line in lines(text)] == ["", "bakcup", "", "--elder"]


@pytest.mark.parametrize("guide", GUIDES, ids=names(GUIDES))
def test_settings_in_guides_are_settings(guide: Path) -> None:
    stated = {key for kind, block in FENCED.findall(guide.read_text("utf-8")) if kind == "toml" for key in tomllib.loads(block)}
    assert stated <= {field.name for field in fields(Settings)}


@pytest.mark.parametrize("guide", GUIDES, ids=names(GUIDES))
def test_links_in_guides_lead_somewhere(guide: Path) -> None:
    targets = [target for target in LINK.findall(guide.read_text("utf-8")) if "://" not in target]
    assert [target for target in targets if not (guide.parent / target).exists()] == []


@pytest.mark.parametrize("name", ["tutorial", "own-data", "operations"])
def test_a_guide_says_the_same_in_both_languages(name: str) -> None:
    pages = [(ROOT / "docs" / f"{name}.{lang}.md").read_text("utf-8") for lang in ("zh", "en")]
    assert len({tuple(re.findall(r"^#+", page, re.MULTILINE)) for page in pages}) == 1
    assert len({len(FENCED.findall(page)) for page in pages}) == 1
