"""Scrub the text cells of rows: find, decide, write stand-ins, look again until nothing is left to write.

A row is a document: its cells share numbering, and the name of a column is read as the label of a short cell, so that a bare number in a
column of passports is seen as one. Counts and spans tell what was done; neither ever holds a value.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from corpushub.engine.pii.actions import Desk, is_settled
from corpushub.engine.pii.detect import column_of, found_in
from corpushub.engine.pii.policy import Policy

if TYPE_CHECKING:
    from corpushub.engine.pii.scan import BatchAnalyzer, Finding

ROUNDS = 8  # a stand-in changes its neighbours' context; more than two rounds are rare, and cost what is still written
SURROGATES = (
    2  # rounds that may write surrogates: one that runs into its neighbours is found again, and what stands there is replaced
)
LABELLED_CELL = 64  # characters; longer cells speak for themselves


@dataclass(frozen=True, slots=True)
class Mark:
    """Where something stood, in the text before scrubbing: no value."""

    column: str
    start: int
    end: int
    entity: str
    action: str
    recognizer: str
    score: float


@dataclass(slots=True)
class Scrubbed:
    """One row after scrubbing. `counts[(entity, "found" | "replaced" | "kept" | "residual")]`."""

    cells: list[str | None]
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    marks: list[Mark] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Pen:
    """What `write` needs beside the cell. `turn` 0 is the look at the text as it came."""

    column: str
    policy: Policy
    desk: Desk
    turn: int


def scrub_rows(
    rows: Sequence[Sequence[str | None]],
    columns: Sequence[str],
    policy: Policy,
    desk: Desk,
    analyzer: BatchAnalyzer | None = None,
) -> list[Scrubbed]:
    """Scrub `rows` of cells in the order of `columns`. Cells without findings come back as they are."""
    cells = [column_of([row[place] for row in rows]).alias(name) for place, name in enumerate(columns)]
    done = scrub_columns(cells, policy, desk, analyzer)
    return [done.get(number) or Scrubbed(list(row)) for number, row in enumerate(rows)]


def scrub_columns(
    columns: Sequence[pl.Series], policy: Policy, desk: Desk, analyzer: BatchAnalyzer | None = None
) -> dict[int, Scrubbed]:
    """Scrub the rows of `columns`: those in which something was found, by number. All others stay as they are."""
    done: dict[int, Scrubbed] = {}
    desks: dict[int, Desk] = {}
    found = {(row, place): items for place, column in enumerate(columns) for row, items in look_at(column, analyzer).items()}
    for turn in range(ROUNDS):
        again = []
        for (row, place), items in sorted(found.items()):
            if row not in done:
                done[row] = Scrubbed([column[row] for column in columns])
                desks[row] = desk_for(done[row], policy, desk)
            if write(done[row], place, items, Pen(columns[place].name, policy, desks[row], turn)):
                again.append((row, place))
        if not again:
            return done
        found = _look_again(columns, done, again, analyzer)
    for (row, place), items in found.items():
        done[row].counts.update(_left(done[row].cells[place] or "", items, policy, desk.key))
    return done


def desk_for(row: Scrubbed, policy: Policy, desk: Desk) -> Desk:
    """A desk of the row's own where stand-ins are consistent within a document: what it writes follows from the row alone."""
    if policy.consistent != "document":
        return desk
    text = "\x1f".join(cell or "" for cell in row.cells)
    return Desk(desk.key, desk.lang, desk.numbered, hashlib.sha256(text.encode("utf-8", "replace")).digest())


def _look_again(
    columns: Sequence[pl.Series], done: dict[int, Scrubbed], cells: Sequence[tuple[int, int]], analyzer: BatchAnalyzer | None
) -> dict[tuple[int, int], list[Finding]]:
    """Findings of the cells that were written."""
    found: dict[tuple[int, int], list[Finding]] = {}
    for place, column in enumerate(columns):
        rows = [row for row, there in cells if there == place]
        texts = column_of([done[row].cells[place] for row in rows]).alias(column.name)
        found |= {(rows[number], place): items for number, items in look_at(texts, analyzer).items()}
    return found


def write(row: Scrubbed, place: int, items: Iterable[Finding], pen: Pen) -> bool:
    """Write the stand-ins of one cell; True when the text changed and must be read again."""
    text = row.cells[place] or ""
    out, at = [], 0
    for item in items:
        value = text[item.start : item.end]
        action = pen.policy.decide(text, item)
        written = pen.turn > 0 and is_settled(action, item.entity, value, pen.desk.key)
        if action == "surrogate" and pen.turn >= SURROGATES:
            action = "replace"
        made = value if written else pen.desk.write(action, item.entity, value)
        out += [text[at : item.start], made]
        at = item.end
        changed = made != value
        if pen.turn == 0 or changed:
            row.counts[item.entity, "found"] += 1
            row.counts[item.entity, "replaced" if changed else "kept"] += 1
        if pen.turn == 0:
            row.marks.append(Mark(pen.column, item.start, item.end, item.entity, action, item.recognizer, round(item.score, 2)))
    out.append(text[at:])
    row.cells[place] = "".join(out)
    return row.cells[place] != text


def look(texts: Sequence[str], names: Sequence[str], analyzer: BatchAnalyzer | None = None) -> list[list[Finding]]:
    """Findings of cells, each read with its column's name in front when it is short; positions are those of the cell."""
    found: list[list[Finding]] = [[] for _ in texts]
    for name in dict.fromkeys(names):
        rows = [row for row, own in enumerate(names) if own == name]
        for number, items in look_at(column_of([texts[row] for row in rows]).alias(name), analyzer).items():
            found[rows[number]] = items
    return found


def look_at(column: pl.Series, analyzer: BatchAnalyzer | None = None) -> dict[int, list[Finding]]:
    """The same for a column, by row; rows without findings are left out."""
    head = f"{column.name}："
    short = column.str.len_chars().is_between(1, LABELLED_CELL)
    read = pl.select(pl.when(short).then(pl.lit(head) + column).otherwise(column)).to_series() if short.any() else column
    result = {}
    for row, items in found_in(read, analyzer).items():
        shift = len(head) if short[row] else 0
        if own := [item._replace(start=item.start - shift, end=item.end - shift) for item in items if item.start >= shift]:
            result[row] = own
    return result


def _left(text: str, items: Iterable[Finding], policy: Policy, key: bytes) -> Counter[tuple[str, str]]:
    """What the last look still finds and the policy would not keep."""
    left = [item for item in items if not is_settled(policy.decide(text, item), item.entity, text[item.start : item.end], key)]
    return Counter((item.entity, "residual") for item in left)
