"""How values look at a terminal: records as lines, rows as tables, in the reader's language, and nothing in them steers the terminal."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from shutil import get_terminal_size
from typing import Any, TypeGuard

from corpushub.base.identity import BEIJING
from corpushub.base.messages import LANGS, Lang, catalogue, text
from corpushub.cli.help import width, wrapped

FOLDS_AT = 12  # columns that text which may fold gets at least
PIPED = (200, 25)  # columns where no terminal says how many
HEADINGS = ("flow_field", "ui_field")  # where else a field's Chinese name is looked for
CODED: Mapping[str, str] = {  # field -> where the Chinese words of its codes are
    "flow": "flow_name",
    "state": "flow_state",
    "from": "flow_state",
    "to": "flow_state",
    "command": "flow_command",
    "commands": "flow_command",
    "type": "flow_event",
    "light": "flow_light",
}
GROUPED_FROM = 10_000  # years and small counts are written without commas
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

Rows = Sequence[Mapping[str, Any]]


def harmless(words: str) -> str:
    """Words without what moves a cursor, colours a terminal or turns the order of letters: shown as a replacement mark."""
    return _STEERING.sub("\ufffd", words)


def print_value(value: Any, lang: Lang, columns: Sequence[str] = (), title: str = "") -> None:
    """A list of records as a table, a record as `name value` lines, anything else as it reads."""
    if isinstance(value, Mapping):
        print_record(value, lang, title)
    elif is_rows(value) or value == []:
        print_table(value, lang, columns, title)
    else:
        print(phrase(value, lang))


def print_record(record: Mapping[str, Any], lang: Lang, title: str = "") -> None:
    """What fits on lines first, then every record and list of records inside it under its own name."""
    inside = {name: item for name, item in record.items() if is_rows(item) or is_deep(item)}
    lines = [name for name in record if name not in inside]
    if lines:
        print_blocks([record], lang, lines, title)
    for number, (name, item) in enumerate(inside.items()):
        if lines or number:
            print()
        named = heading(name, lang)
        print_value(item, lang, title=f"{title} / {named}" if title else named)


def print_table(rows: Rows, lang: Lang, columns: Sequence[str] = (), title: str = "") -> None:
    """A table, or one block of lines a row where its columns would not fit side by side or hold records themselves."""
    if not rows:
        print(f"{title}: {text('cli.none', lang)}" if title else text("cli.none", lang))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    names = list(columns) or list(dict.fromkeys(name for row in rows for name in row))
    room = get_terminal_size(PIPED).columns
    cells = {name: [told(name, row.get(name), lang) for row in rows] for name in names}
    if sum(least(name, cells[name], lang) + 3 for name in names) + 1 > room:
        print_blocks(rows, lang, names, title)
        return
    table = Table(title=harmless(title) or None, title_justify="left", header_style="bold")
    for name in names:
        right = all(is_number(row.get(name)) for row in rows)
        whole = all(is_word(shown) for shown in cells[name])
        table.add_column(heading(name, lang), overflow="fold", no_wrap=whole, justify="right" if right else "left")
    for shown in zip(*cells.values(), strict=True):
        table.add_row(*map(Text, shown))
    Console(width=room).print(table)


def least(name: str, shown: Sequence[str], lang: Lang) -> int:
    """The columns one field needs so that no heading, number, id or time of it breaks; text may fold."""
    return max(width(heading(name, lang)), *(width(item) if is_word(item) else min(FOLDS_AT, width(item)) for item in shown))


def print_blocks(rows: Iterable[Mapping[str, Any]], lang: Lang, names: Sequence[str], title: str = "") -> None:
    """`name  value` lines, an empty line between records; long values go on below themselves."""
    headings = {name: heading(name, lang) for name in names}
    indent = max(map(width, headings.values())) + 2
    room = max(get_terminal_size(PIPED).columns - indent, FOLDS_AT)
    blocks = []
    for row in rows:
        lines = []
        for name in names:
            shown = [piece for line in told(name, row.get(name), lang).split("\n") for piece in (*wrapped(line, room),) or ("",)]
            lines.append(headings[name] + " " * (indent - width(headings[name])) + f"\n{'':>{indent}}".join(shown))
        blocks.append("\n".join(line.rstrip() for line in lines))
    print("\n\n".join([harmless(title), *blocks] if title else blocks))


def heading(name: str, lang: Lang) -> str:
    """A field's name in Chinese words where there are some, else as programs know it, which is English."""
    if lang != "zh":
        return harmless(name)
    known = catalogue(lang)
    return column_names().get(name) or next(
        (known[key] for area in HEADINGS if (key := f"{area}.{name}") in known), harmless(name)
    )


@cache
def column_names() -> dict[str, str]:
    """Field name -> Chinese."""
    return tomllib.loads(files("corpushub.cli").joinpath("columns.zh.toml").read_text("utf-8"))


def told(name: str, value: Any, lang: Lang) -> str:
    """A field's value. What is a code of the flows has its Chinese word in front; the code is what one types."""
    area = CODED.get(name) if lang == "zh" else None
    if area is None:
        return phrase(value, lang)
    codes = value if isinstance(value, list) else str(value).split(", ")
    words = [catalogue(lang).get(f"{area}.{str(code).rpartition('.')[2]}") for code in codes]
    return ", ".join(
        f"{word} {phrase(code, lang)}" if word else phrase(code, lang) for word, code in zip(words, codes, strict=True)
    )


def phrase(value: Any, lang: Lang) -> str:
    """One value as a person reads it."""
    match value:
        case None:
            return "-"
        case bool():
            return text("cli.yes" if value else "cli.no", lang)
        case int() | float():
            return f"{value:,}" if abs(value) >= GROUPED_FROM else str(value)
        case Mapping() if value and value.keys() <= set(LANGS):
            return phrase(value.get(lang) or next(iter(value.values())), lang)
        case Mapping():
            return "; ".join(f"{heading(name, lang)}: {phrase(item, lang)}" for name, item in value.items())
        case list():
            return ("\n" if any(isinstance(item, Mapping) for item in value) else ", ").join(phrase(item, lang) for item in value)
        case _:
            told = str(value)
            if _MOMENT.fullmatch(told):
                return datetime.fromisoformat(told).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
            return harmless(told)


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_rows(value: Any) -> TypeGuard[Rows]:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def is_deep(value: Any) -> bool:
    """A record that one line does not hold: it has records or lists inside. Words in both languages are one value."""
    return isinstance(value, Mapping) and any(isinstance(item, (Mapping, list)) and item for item in value.values())


def is_word(shown: str) -> bool:
    """An id, a number or a time: to be copied, so never broken."""
    return shown.isascii() and (" " not in shown or shown[:4].isdigit()) and "\n" not in shown
