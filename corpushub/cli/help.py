"""`--help` in the reader's language. The code has its help in English; `help.zh.toml` has every sentence of it in Chinese."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any
from unicodedata import category, east_asian_width

from typer._click.core import Context  # typer has its library of commands inside
from typer._click.formatting import HelpFormatter

from corpushub.base.messages import Lang

_EXTRA = re.compile(r"  \[(?P<facts>[^\]]*)\]$")  # what the library adds behind a help: default, bounds, required
_PIECES = re.compile(r"[!-~]+|\s+|.")  # a line breaks between these: ASCII words stay whole
_COLUMN = 30  # widest first column of a list


@cache
def sentences() -> dict[str, str]:
    """English sentence -> Chinese."""
    return tomllib.loads(files("corpushub.cli").joinpath("help.zh.toml").read_text("utf-8"))


def paragraphs(told: str) -> list[str]:
    """What stands between empty lines, each on one line."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", told.strip()) if part.strip()]


def in_chinese(told: str) -> str:
    """Raises: KeyError for a sentence nobody has translated."""
    return "\n\n".join(sentences()[part] for part in paragraphs(told))


def tell(command: Any, lang: Lang) -> None:
    """Let a command, and all under it, tell about itself in `lang`, and in a list of commands by its whole first paragraph."""
    if lang == "zh":
        command.context_class = ChineseContext
    told = in_chinese if lang == "zh" else str
    if command.help:
        command.help = told(command.help)
        command.short_help = paragraphs(command.help)[0]
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = told(parameter.help)
    for below in getattr(command, "commands", {}).values():
        tell(below, lang)


class ChineseFormatter(HelpFormatter):
    """A page of help whose lines are measured by what they take on a screen: a Chinese character takes two columns."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        shown = " ".join(sentences().get(word, word) for word in args.split())
        self._write_lines(f"{prefix or sentences()['Usage'] + ': '}{prog} {shown}")

    def write_heading(self, heading: str) -> None:
        self.write(f"{'':>{self.current_indent}}{sentences().get(heading, heading)}:\n")

    def write_text(self, text: str) -> None:
        for number, paragraph in enumerate(paragraphs(text)):
            if number:
                self.write("\n")
            self._write_lines(paragraph)

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = _COLUMN, col_spacing: int = 2) -> None:
        first_column = min(max((width(first) for first, _ in rows), default=0), col_max) + col_spacing
        left = " " * (self.current_indent + first_column)
        for first, second in rows:
            told = "\n".join(f"{left}{line}" for line in wrapped(_facts_too(second), self.width - len(left)))
            head = f"{'':>{self.current_indent}}{first}"
            fits = width(first) <= first_column - col_spacing
            self.write(f"{head}{' ' * (len(left) - width(head))}{told.lstrip()}\n" if fits else f"{head}\n{told}\n")

    def _write_lines(self, text: str) -> None:
        for line in wrapped(text, self.width - self.current_indent):
            self.write(f"{'':>{self.current_indent}}{line}\n")


class ChineseContext(Context):
    formatter_class = ChineseFormatter


def _facts_too(help_and_facts: str) -> str:
    """`[default: 20; required]` in Chinese, and the sentence about `--help`, which is the library's."""
    found = _EXTRA.search(help_and_facts)
    told = help_and_facts[: found.start()] if found else help_and_facts
    told = sentences().get(told, told)
    if found is None:
        return told
    facts = re.sub(r"default: |required", lambda word: sentences()[word[0]], found["facts"])
    return f"{told} [{facts}]" if told else f"[{facts}]"


def wrapped(text: str, columns: int) -> Iterator[str]:
    """Lines of at most `columns` columns; none begins with a mark that closes or ends something."""
    line, taken = "", 0
    for piece in _PIECES.findall(text):
        wide = width(piece)
        if taken + wide > columns and line.strip() and not _closes(piece):
            yield line.rstrip()
            line, taken = "", 0
            if piece.isspace():
                continue
        line, taken = line + piece, taken + wide
    if line.strip():
        yield line.rstrip()


def _closes(piece: str) -> bool:
    return len(piece) == 1 and (category(piece) in {"Pe", "Pf"} or (category(piece) == "Po" and east_asian_width(piece) in "WF"))


def width(text: str) -> int:
    """Columns a text takes on a terminal (Unicode Standard Annex 11)."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
