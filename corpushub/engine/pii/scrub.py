"""Scrub the text cells of rows: find, decide, write stand-ins, look again until nothing is left to write.

A row is a document: its cells share numbering, and the name of a column is read as the label of a short cell, so that a bare number in a
column of passports is seen as one. Counts and spans tell what was done; neither ever holds a value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from corpushub.engine.pii.actions import Desk, generalised
from corpushub.engine.pii.detect import find
from corpushub.engine.pii.policy import STAYS, Policy

if TYPE_CHECKING:
    from corpushub.engine.pii.scan import BatchAnalyzer, Finding

ROUNDS = 4  # a stand-in changes its neighbours' context; more than two rounds have not been seen
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
    """What `write` needs beside the cell. `first` is the look at the text as it came."""

    column: str
    policy: Policy
    desk: Desk
    first: bool


def scrub_rows(
    rows: Sequence[Sequence[str | None]],
    columns: Sequence[str],
    policy: Policy,
    desk: Desk,
    analyzer: BatchAnalyzer | None = None,
) -> list[Scrubbed]:
    """Scrub `rows` of cells in the order of `columns`. Cells without findings come back as they are."""
    done = [Scrubbed(list(row)) for row in rows]
    work = [(row, place) for row, item in enumerate(done) for place, cell in enumerate(item.cells) if cell]
    desks: dict[int, Desk] = {}
    for turn in range(ROUNDS):
        found = look([done[row].cells[place] or "" for row, place in work], [columns[place] for _, place in work], analyzer)
        again = []
        for (row, place), items in zip(work, found, strict=True):
            if not items:
                continue
            own = desks.setdefault(row, Desk(desk.key, desk.lang, desk.numbered)) if policy.consistent == "document" else desk
            if write(done[row], place, items, Pen(columns[place], policy, own, first=turn == 0)):
                again.append((row, place))
        work = again
        if not work:
            break
    for row, place in work:
        done[row].counts.update(_left(done[row].cells[place] or "", columns[place], policy, analyzer))
    return done


def write(row: Scrubbed, place: int, items: Iterable[Finding], pen: Pen) -> bool:
    """Write the stand-ins of one cell; True when the text changed and must be read again."""
    text = row.cells[place] or ""
    out, at = [], 0
    for item in items:
        value = text[item.start : item.end]
        action = pen.policy.decide(text, item)
        made = pen.desk.write(action, item.entity, value)
        out += [text[at : item.start], made]
        at = item.end
        changed = made != value
        if pen.first or changed:
            row.counts[item.entity, "found"] += 1
            row.counts[item.entity, "replaced" if changed else "kept"] += 1
        if pen.first:
            row.marks.append(Mark(pen.column, item.start, item.end, item.entity, action, item.recognizer, round(item.score, 2)))
    out.append(text[at:])
    row.cells[place] = "".join(out)
    return row.cells[place] != text and policy_reads_back(pen.policy)


def policy_reads_back(policy: Policy) -> bool:
    """Surrogates of names read like names: looking again would replace a stand-in by another."""
    return policy.action("PERSON") != "surrogate"


def look(texts: Sequence[str], names: Sequence[str], analyzer: BatchAnalyzer | None = None) -> list[list[Finding]]:
    """Findings of cells, each read with its column's name in front when it is short; positions are those of the cell."""
    heads = [f"{name}：" if len(text) <= LABELLED_CELL else "" for text, name in zip(texts, names, strict=True)]
    found = find([head + text for head, text in zip(heads, texts, strict=True)], analyzer)
    return [
        [item._replace(start=item.start - len(head), end=item.end - len(head)) for item in items if item.start >= len(head)]
        for items, head in zip(found, heads, strict=True)
    ]


def _left(text: str, column: str, policy: Policy, analyzer: BatchAnalyzer | None) -> Counter[tuple[str, str]]:
    """What the last look still finds and the policy would not keep."""
    counts: Counter[tuple[str, str]] = Counter()
    for item in look([text], [column], analyzer)[0]:
        value = text[item.start : item.end]
        if policy.decide(text, item) not in STAYS and generalised(item.entity, value) != value:
            counts[item.entity, "residual"] += 1
    return counts
