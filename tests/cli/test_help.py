"""`--help` speaks the language asked for: every sentence the commands tell in English has its Chinese one, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from corpushub.cli import application, run
from corpushub.cli.help import paragraphs, sentences, width, wrapped

PAGE = {"Usage", "Arguments", "Options", "Commands", "[OPTIONS]", "COMMAND", "[ARGS]...", "required", "default: "}
HAN = re.compile(r"[\u4e00-\u9fff]")


def commands(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, *path, name)


TREE = list(commands(get_command(application())))


def test_every_sentence_has_its_chinese_one_and_no_other_is_kept() -> None:
    helps = [command.help or "" for _, command in TREE]
    helps += [getattr(parameter, "help", None) or "" for _, command in TREE for parameter in command.params]
    told = {part for text in helps for part in paragraphs(text)} | PAGE | {"Show this message and exit."}
    assert told == set(sentences())


@pytest.mark.parametrize("path", [path for path, _ in TREE], ids=[" ".join(path) or "corpushub" for path, _ in TREE])
def test_a_page_asked_for_in_chinese_is_chinese_and_fits_a_terminal(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*path, "--help", "--lang", "zh"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("用法: corpushub")
    assert "Options" not in page
    assert "Show this" not in page
    assert max(width(line) for line in page.splitlines()) <= 80
    about = next(line for line in page.splitlines()[1:] if line.strip())
    assert HAN.search(about)


def test_a_page_asked_for_in_english_is_english(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cards", "build", "--help", "--lang", "en"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("Usage: corpushub cards build")
    assert not HAN.search(page)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_command_and_parameter_says_what_it_is(lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    unsaid = [(path, parameter.name) for path, command in TREE for parameter in command.params if not parameter.help]
    assert unsaid == []
    for path in ((), ("audit",), ("federation",)):
        assert run([*path, "--help", "--lang", lang]) == 0
        usage, _, page = capsys.readouterr().out.partition("\n")
        assert (usage.endswith("..."), "..." in page) == (True, False), "a list of commands is not cut off"


@given(st.text(alphabet="中文（，。）ab c:[]-", max_size=200), st.integers(min_value=12, max_value=40))
def test_breaking_lines_loses_nothing_and_keeps_to_the_width(text: str, columns: int) -> None:
    lines = list(wrapped(text, columns))
    assert "".join("".join(lines).split()) == "".join(text.split())
    words = max((len(word) for word in re.findall(r"[!-~]+", text)), default=0)
    marks = max((2 * len(run) for run in re.findall(r"[，。）]+", text)), default=0)
    assert all(width(line) <= max(columns, words) + marks for line in lines)
