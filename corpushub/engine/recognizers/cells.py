"""Tables written as text: the head of a column says what stands below it, whatever the value looks like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from corpushub.engine.recognizers.labels import EMPTY
from corpushub.engine.recognizers.surnames import begins_with_surname, dictionary

_HEAD = re.compile(
    r"(?:.{0,6}(?:姓名|名字)|联系人|户主|申请人|收件人|收货人|法定代表人|经办人|负责人|持证人|驾驶员|学生|考生|学员|患者|业主|车主|户名)"
)
_MARKS = {mark: re.compile(rf"(?<![^{mark}])[^{mark}\n]*") for mark in "|\t,，;；"} | {
    " ": re.compile(r"[^ \u3000\n]+"),
    "\n": re.compile(r".+"),
}
_NAME = re.compile(
    r"[\u4e00-\u9fff]{2,4}|[\u4e00-\u9fff]{1,8}(?:·[\u4e00-\u9fff]{1,8}){1,3}|[\u4e00-\u9fff] {1,2}[\u4e00-\u9fff]"
)
MOST_BLANK = 2  # lines of rule or blanks between rows that do not end a table
_RULE = re.compile(r"[\s|:\-—=+─┼]*")


def names_in_columns(text: str) -> list[tuple[int, int]]:
    """Spans of names below heads such as 姓名 in lines cut by the same mark."""
    if "\n" not in text or not _HEAD.search(text):
        return []
    return [
        cell[1:3]
        for cell in cells_below(text, _HEAD)
        if cell.mark != "\n" and _is_name(text[cell.start : cell.end], sure=cell.mark != " ")
    ]


class Cell(NamedTuple):
    """A cell of a table written as text: the head above it, where it stands, and the mark that cuts its line."""

    head: str
    start: int
    end: int
    mark: str


def cells_below(text: str, heads: re.Pattern[str]) -> Iterator[Cell]:
    """Cells below heads that match `heads`, in lines cut by the same mark into as many cells as the head; one pass over the lines."""
    table: Table | None = None
    odd = 0
    for line in re.finditer(r"[^\n]+", text):
        new = _head(line[0], heads) if heads.search(line[0]) else None
        if new:
            table, odd = new, 0
        elif table and not _RULE.fullmatch(line[0]):
            cells = list(_MARKS[table.mark].finditer(line[0]))
            if len(cells) == table.width:
                yield from _row(line.start(), cells, table)
            else:
                odd += 1
                if odd > MOST_BLANK or (table.mark == " " and len(cells) < 2):
                    table = None


class Table(NamedTuple):
    """The mark that cuts the lines of a table, the number of cells, and the heads that are wanted by their place."""

    mark: str
    width: int
    wanted: dict[int, str]


def _head(line: str, heads: re.Pattern[str]) -> Table | None:
    """The table that begins with `line`, if it is a head."""
    if heads.fullmatch(line.strip()):
        return Table("\n", 1, {0: line.strip()})
    for mark, cell in _MARKS.items():
        if mark == "\n" or mark not in line:
            continue
        cells = [part[0].strip(" \u3000|\t\"'“”") for part in cell.finditer(line) if part[0] or mark != " "]
        wanted = {place: name for place, name in enumerate(cells) if heads.fullmatch(name)}
        if wanted and sum(len(name) <= LONGEST for name in cells) == len(cells):
            return Table(mark, len(cells), wanted)
    return None


def _row(start: int, cells: list[re.Match[str]], table: Table) -> Iterator[Cell]:
    for place, head in table.wanted.items():
        content = cells[place][0]
        shift = len(content) - len(content.lstrip(" \u3000\"'“"))
        at = start + cells[place].start() + shift
        yield Cell(head, at, at + len(content.strip(" \u3000\"'“”")), table.mark)


LONGEST = 12  # characters of a head


def _is_name(name: str, *, sure: bool) -> bool:
    if not _NAME.fullmatch(name) or name in EMPTY or "某" in name:
        return False
    if begins_with_surname(name, weak=True):
        return dictionary().get(name, ("n", 0))[0][0] in "nazsgitv" and name[-1] not in "局委办厅部处科室所站队组"
    return (sure or "·" in name) and name not in dictionary() and name[:2] not in EMPTY
