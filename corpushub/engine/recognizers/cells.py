"""Tables written as text: the head of a column says what stands below it, whatever the value looks like."""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpushub.engine.recognizers.labels import EMPTY
from corpushub.engine.recognizers.surnames import begins_with_surname, dictionary

_HEAD = re.compile(
    r"(?:.{0,6}(?:姓名|名字)|联系人|户主|申请人|收件人|收货人|法定代表人|经办人|负责人|持证人|驾驶员|学生|考生|学员|患者|业主|车主|户名)"
)
_MARKS = {mark: re.compile(rf"[^{mark}\n]*") for mark in "|\t,，;；"} | {" ": re.compile(r"[^ \u3000\n]+")}
_NAME = re.compile(
    r"[\u4e00-\u9fff]{2,4}|[\u4e00-\u9fff]{1,8}(?:·[\u4e00-\u9fff]{1,8}){1,3}|[\u4e00-\u9fff] {1,2}[\u4e00-\u9fff]"
)
MOST_BLANK = 2  # lines of rule or blanks between rows that do not end a table
_RULE = re.compile(r"[\s|:\-—=+─┼]*")


def names_in_columns(text: str) -> list[tuple[int, int]]:
    """Spans of names below heads such as 姓名 in lines cut by the same mark."""
    if not _HEAD.search(text) or "\n" not in text:
        return []
    lines = [(line.start(), line[0]) for line in re.finditer(r"[^\n]+", text)]
    found: list[tuple[int, int]] = []
    for number, (_, line) in enumerate(lines):
        head = _columns(line) if _HEAD.search(line) else None
        if head:
            found += _below(lines[number + 1 :], *head)
    return found


def _columns(line: str) -> tuple[str, int, list[int]] | None:
    """The mark that cuts a head, the number of its cells, and which of them are heads of names."""
    for mark, cell in _MARKS.items():
        if line.count(mark) < 1 + (mark in ",，;；"):
            continue
        cells = [part[0].strip(" \u3000|\t\"'“”") for part in cell.finditer(line) if part[0] or mark != " "]
        wanted = [place for place, name in enumerate(cells) if _HEAD.fullmatch(name)]
        if wanted and sum(len(name) <= 10 for name in cells) == len(cells):
            return mark, len(cells), wanted
    return None


def _below(lines: list[tuple[int, str]], mark: str, count: int, wanted: list[int]) -> Iterator[tuple[int, int]]:
    odd = 0
    for start, line in lines:
        if _RULE.fullmatch(line):
            continue
        cells = list(_MARKS[mark].finditer(line))
        if len(cells) != count:
            odd += 1
            if odd > MOST_BLANK or (mark == " " and len(cells) < 2):
                return
            continue
        for place in wanted:
            shift = len(cells[place][0]) - len(cells[place][0].lstrip(" \u3000\"'“"))
            name = cells[place][0].strip(" \u3000\"'“”")
            if _is_name(name, sure=mark != " "):
                yield start + cells[place].start() + shift, start + cells[place].start() + shift + len(name)


def _is_name(name: str, *, sure: bool) -> bool:
    if not _NAME.fullmatch(name) or name in EMPTY or "某" in name:
        return False
    if begins_with_surname(name, weak=True):
        return dictionary().get(name, ("n", 0))[0][0] in "nazsgitv" and name[-1] not in "局委办厅部处科室所站队组"
    return (sure or "·" in name) and name not in dictionary() and name[:2] not in EMPTY
