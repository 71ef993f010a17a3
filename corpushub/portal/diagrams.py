"""A flow's states as a picture: the way travelled, where the case stands, what may follow. Made from the flow's own table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from corpushub.domain.workflow import Case, Flow
from corpushub.portal.html import Child, Safe, element
from corpushub.portal.pages import Words

WIDE, HIGH, GAP_X, GAP_Y = 96, 30, 46, 18
LEAST = 0.78  # of its own size: smaller, and nobody reads it; a narrower place scrolls


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a state stands in the picture."""

    x: float
    y: float


def layers(flow: Flow) -> list[list[str]]:
    """States by how many steps they are from the beginning, in the order of the table."""
    found = {flow.opening.target: 0}
    waiting = [flow.opening.target]
    while waiting:
        here = waiting.pop(0)
        for row in flow.transitions:
            if here in row.sources and row.target and row.target not in found:
                found[row.target] = found[here] + 1
                waiting.append(row.target)
    for state in flow.states:  # reached by a routed row only: after the beginning
        found.setdefault(state, 1)
    depth = max(found.values()) + 1
    return [[state for state in flow.states if found[state] == level] for level in range(depth)]


def places(columns: Sequence[Sequence[str]]) -> tuple[Mapping[str, Spot], float, float]:
    """A spot for each state, columns centred, and the size of the picture."""
    tallest = max(len(column) for column in columns)
    height = tallest * (HIGH + GAP_Y) + GAP_Y
    spots: dict[str, Spot] = {}
    for index, column in enumerate(columns):
        top = (height - len(column) * (HIGH + GAP_Y) + GAP_Y) / 2
        for row, state in enumerate(column):
            spots[state] = Spot(10 + index * (WIDE + GAP_X), top + row * (HIGH + GAP_Y))
    return spots, 20 + len(columns) * (WIDE + GAP_X) - GAP_X, height


def flow_picture(t: Words, flow: Flow, case: Case | None = None, counts: Mapping[str, int] | None = None) -> Safe:
    """The flow as boxes and arrows; with a case, its trail in colour; with `counts`, how many cases stand in each state."""
    spots, width, height = places([column for column in layers(flow) if column])
    been = [event.state for event in case.history] if case else []
    pairs = list(
        dict.fromkeys(
            (source, row.target) for row in flow.transitions if row.target for source in row.sources if source != row.target
        )
    )
    walked = set(pairwise(been))
    lines = [edge(spots[source], spots[target], walked=(source, target) in walked) for source, target in pairs]
    told = counts or {}
    boxes = [node(t, state, spot, "been" if told.get(state) else kind_of(state, been, case)) for state, spot in spots.items()]
    boxes += [badge(spots[state], count) for state, count in told.items() if state in spots]
    where = (
        t.name("state", case.state) if case else t.listed(f"{t.name('state', state)} {count}" for state, count in told.items())
    )
    label = t("board.flow_of", flow=t.name("name", flow.name), state=where)
    return element(
        "div",
        element(
            "svg",
            *lines,
            *boxes,
            viewBox=f"0 0 {width:.0f} {height:.0f}",
            width=f"{width:.0f}",
            style=f"min-width:{width * LEAST:.0f}px",
            c="chart flowchart",
            role="img",
            aria_label=label,
        ),
        c="scroll",
        tabindex="0",
    )


def badge(spot: Spot, count: int) -> list[Child]:
    """How many cases stand in a state, at the corner of its box."""
    x, y = spot.x + WIDE - 4, spot.y + 2
    return [
        element("circle", cx=f"{x:.0f}", cy=f"{y:.0f}", r=9, c="tally"),
        element("text", count, x=f"{x:.0f}", y=f"{y + 4:.0f}", text_anchor="middle", font_size=11, c="here"),
    ]


def kind_of(state: str, been: Sequence[str], case: Case | None) -> str:
    if case is not None and state == case.state:
        return "here"
    return "been" if state in been else ""


def node(t: Words, state: str, spot: Spot, kind: str) -> list[Child]:
    words = t.name("state", state)
    room = 7 if t.lang == "zh" else 15
    return [
        element("rect", x=f"{spot.x:.0f}", y=f"{spot.y:.0f}", width=WIDE, height=HIGH, rx=7, c=f"node {kind}".rstrip()),
        element(
            "text",
            words if len(words) <= room else words[: room - 1] + "…",
            x=f"{spot.x + WIDE / 2:.0f}",
            y=f"{spot.y + HIGH / 2 + 4:.0f}",
            text_anchor="middle",
            font_size=12,
            c=kind,
        ),
    ]


def edge(start: Spot, end: Spot, *, walked: bool) -> Safe:
    """An arrow; one that goes back bows below the boxes, so that it does not hide those going on."""
    kind = "edge walked" if walked else "edge"
    if end.x > start.x:
        x1, y1, x2, y2 = start.x + WIDE, start.y + HIGH / 2, end.x, end.y + HIGH / 2
        bend = max((x2 - x1) / 2, 18)
        path = f"M{x1:.0f} {y1:.0f} C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2 - 4:.0f} {y2:.0f}"
        head = f"M{x2 - 6:.0f} {y2 - 3:.0f} L{x2:.0f} {y2:.0f} L{x2 - 6:.0f} {y2 + 3:.0f}"
    elif end.x == start.x:
        down = end.y > start.y
        x1, y1, y2 = start.x + WIDE - 14, start.y + (HIGH if down else 0), end.y + (0 if down else HIGH)
        tip = -4 if down else 4
        path = f"M{x1:.0f} {y1:.0f} C{x1 + 14:.0f} {(y1 + y2) / 2:.0f} {x1 + 14:.0f} {(y1 + y2) / 2:.0f} {x1:.0f} {y2 + tip:.0f}"
        head = f"M{x1 - 3:.0f} {y2 + tip * 1.5:.0f} L{x1:.0f} {y2:.0f} L{x1 + 3:.0f} {y2 + tip * 1.5:.0f}"
    else:
        x1, y1, x2, y2 = start.x + 20, start.y + HIGH, end.x + WIDE - 20, end.y + HIGH
        low = max(y1, y2) + 12
        path = f"M{x1:.0f} {y1:.0f} C{x1:.0f} {low:.0f} {x2:.0f} {low:.0f} {x2:.0f} {y2 + 4:.0f}"
        head = f"M{x2 - 3:.0f} {y2 + 6:.0f} L{x2:.0f} {y2:.0f} L{x2 + 3:.0f} {y2 + 6:.0f}"
        kind += " back"
    return element("path", d=f"{path} {head}", c=kind)
