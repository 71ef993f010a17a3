"""Small pictures drawn on the server: histograms, funnels, changes. Colours are the theme's, so both themes can read them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from corpushub.portal.html import Child, Safe, b, div, element, span
from corpushub.portal.pages import Words
from corpushub.portal.parts import Tone, bar, chip, facts, number, reason_words

MASK = re.compile(r"(<[A-Z][A-Z_]{2,40}(?:_\d+)?>|\[[A-Z][A-Z_]{2,40}(?:_\d+)?\])")


def histogram(bins: Sequence[float], *, width: int = 100, height: int = 26) -> Safe:
    """Bars from a zero line; the tallest fills the height."""
    most = max(bins, default=0.0) or 1.0
    step = width / max(len(bins), 1)
    bars = [
        element(
            "rect",
            x=f"{index * step:.2f}",
            y=f"{height - height * value / most:.2f}",
            width=f"{max(step - 1, 0.5):.2f}",
            height=f"{height * value / most:.2f}",
        )
        for index, value in enumerate(bins)
    ]
    return element("svg", *bars, viewBox=f"0 0 {width} {height}", c="hist", aria_hidden="true", preserveAspectRatio="none")


def with_entities(text: str) -> Child:
    """Placeholders of replaced personal information stand out in a cell."""
    parts = MASK.split(text[:4000])
    return [span(part, c="pii") if index % 2 else part for index, part in enumerate(parts)]


def funnel(t: Words, rows: Sequence[Mapping[str, Any]]) -> Safe:
    """How many rows came in, what each step dropped and why, what came out."""
    if not rows:
        return Safe("")
    first = max(int(rows[0]["rows_in"]), 1)
    lines = [funnel_line(t("pictures.rows_in"), first, first, "", "quiet")]
    for row in rows:
        dropped: Mapping[str, int] = row.get("dropped") or {}
        lost = sum(dropped.values())
        if not lost and not row.get("changed"):
            continue
        why = t.listed(f"{reason_words(t, name)} {count:,}" for name, count in dropped.items() if count)
        note = why or t("pictures.changed", count=f"{row['changed']:,}")
        lines.append(funnel_line(t.name("step", str(row["step"])), int(row["rows_out"]), first, note, "warn" if lost else ""))
    lines.append(funnel_line(t("pictures.rows_out"), int(rows[-1]["rows_out"]), first, "", "good"))
    return div(*lines, c="funnel")


def funnel_line(name: str, count: int, first: int, note: str, tone: Tone) -> Safe:
    return div(
        div(span(name), bar(count / first, tone=tone), b(f"{count:,}"), c="bar-row"),
        div(note, c="quiet small funnel-note") if note else None,
    )


def change(t: Words, value: Mapping[str, Any]) -> Safe:
    """Rows and columns that came, went and changed between two releases."""
    before, after = int(value.get("rows_before", 0)), int(value.get("rows_after", 0))
    columns = [
        *[chip(f"+ {name}", "good") for name in value.get("columns_added", ())],
        *[chip(f"− {name}", "bad") for name in value.get("columns_removed", ())],
        *[chip(f"~ {name}", "warn") for name in value.get("columns_retyped", ())],
    ]
    drift = sorted((value.get("drift") or {}).items(), key=by_drift)[:5]
    pairs: list[tuple[Child, Child]] = [
        (
            t("pictures.level"),
            chip(t.name("level", str(value.get("level", ""))), "warn" if value.get("level") == "major" else "")
            if value.get("level")
            else None,
        ),
        (t("pictures.rows"), f"{before:,} → {after:,}"),
        (t("pictures.added"), span(f"+{number(value.get('added', 0))}", c="plus num")),
        (t("pictures.removed"), span(f"−{number(value.get('removed', 0))}", c="minus num")),
        (t("pictures.edited"), number(value.get("changed", 0))),
        (t("pictures.moved"), number(value.get("moved", 0))),
        (t("pictures.columns"), columns or None),
        (t("pictures.drift"), ", ".join(f"{name} {amount:.3f}" for name, amount in drift) if drift else None),
    ]
    return facts(pairs)


def by_drift(pair: tuple[str, float]) -> float:
    return -pair[1]


def bins_of(column: Mapping[str, Any]) -> tuple[tuple[float, ...], tuple[str, str]]:
    """Histogram counts and the words of both ends, of whatever a column's profile holds."""
    found = column.get("histogram") or column.get("length_histogram") or column.get("lengths") or {}
    if isinstance(found, Mapping):
        counts, edges = found.get("counts") or (), found.get("edges") or found.get("bins") or ()
        ends = (
            (f"{edges[0]:g}", f"{edges[-1]:g}")
            if edges and all(isinstance(edge, int | float) for edge in (edges[0], edges[-1]))
            else ("", "")
        )
        return tuple(float(count) for count in counts), ends
    return (), ("", "")


def lineage(t: Words, sources: Sequence[Mapping[str, Any]], dataset: str) -> Safe:
    """Sources, the recipe and the release as boxes with arrows, left to right."""
    height = max(len(sources), 1) * 64 + 16
    middle = height / 2
    shapes: list[Child] = []
    for index, row in enumerate(sources):
        y = 16 + index * 64
        right: Mapping[str, Any] = row.get("right") or {}
        shapes += box(8, y, 300, (t.of(right.get("title")) or str(row.get("name", "")), str(row.get("resource", ""))))
        shapes.append(arrow(308, y + 24, 400, middle))
    shapes += box(400, middle - 24, 180, (t("pictures.recipe"), t("pictures.recipe_note")), strong=True)
    shapes.append(arrow(580, middle, 660, middle))
    shapes += box(660, middle - 24, 300, (dataset, t("pictures.released")), strong=True)
    drawn = element("svg", *shapes, viewBox=f"0 0 968 {height:.0f}", c="chart broad", role="img", aria_label=t("dataset.lineage"))
    return div(drawn, c="scroll", tabindex="0")


def box(x: float, y: float, width: float, words: tuple[str, str], *, strong: bool = False) -> list[Child]:
    """A box with a line of words and a smaller one below."""
    room = int(width / 13)
    return [
        element("rect", x=x, y=f"{y:.1f}", width=width, height=48, rx=8, c="node strong-node" if strong else "node"),
        element("text", clipped(words[0], room), x=x + 12, y=f"{y + 20:.1f}", font_size=13, c="strong"),
        element("text", clipped(words[1], room + 12), x=x + 12, y=f"{y + 38:.1f}", font_size=11),
    ]


def clipped(words: str, room: int) -> str:
    """Words cut to about `room` wide letters."""
    weight, out = 0.0, ""
    for letter in words:
        weight += 1.0 if ord(letter) > 0x2E80 else 0.55
        if weight > room:
            return out + "…"
        out += letter
    return out


def arrow(x1: float, y1: float, x2: float, y2: float) -> Safe:
    middle = (x1 + x2) / 2
    path = f"M{x1:.1f} {y1:.1f} C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2 - 6:.1f} {y2:.1f}"
    head = f"M{x2 - 8:.1f} {y2 - 4:.1f} L{x2:.1f} {y2:.1f} L{x2 - 8:.1f} {y2 + 4:.1f}"
    return element("path", d=f"{path} {head}", c="edge")


def digest_of(value: str) -> Safe:
    """A digest in full, for proofs that are read and compared."""
    return span(value, c="mono break small")


def weeks(points: Sequence[tuple[str, int]]) -> Safe:
    """Counts over time as columns with their figures; a zero line, no grid."""
    width, height, base = 520, 150, 122
    most = max((count for _, count in points), default=1) or 1
    step = width / max(len(points), 1)
    shapes: list[Child] = [element("path", d=f"M0 {base} H{width}", c="edge")]
    for index, (name, count) in enumerate(points):
        x, tall = index * step + step * 0.2, (base - 22) * count / most
        shapes.append(
            element(
                "rect",
                x=f"{x:.1f}",
                y=f"{base - tall:.1f}",
                width=f"{step * 0.6:.1f}",
                height=f"{max(tall, 0):.1f}",
                rx=2,
                c="column",
            )
        )
        if count:
            shapes.append(
                element(
                    "text",
                    str(count),
                    x=f"{x + step * 0.3:.1f}",
                    y=f"{base - tall - 5:.1f}",
                    text_anchor="middle",
                    font_size=11,
                    c="strong",
                )
            )
        if index % 2 == 0:
            shapes.append(
                element("text", name, x=f"{x + step * 0.3:.1f}", y=f"{base + 16:.1f}", text_anchor="middle", font_size=10)
            )
    label = ", ".join(f"{name}: {count}" for name, count in points)
    return element("svg", *shapes, viewBox=f"0 0 {width} {height}", c="chart", role="img", aria_label=label)


def timeline(t: Words, marks: Sequence[tuple[str, str, str, str]]) -> Safe:
    """Versions on a line, oldest first: name, day, how far the number rose, and state where it is no longer in use."""
    step, height, line = 118, 96, 46
    width = max(len(marks), 2) * step
    sizes = {"first": 8, "major": 9, "minor": 7}
    shapes: list[Child] = [
        element("path", d=f"M{step / 2:.0f} {line} H{width - step / 2 if len(marks) > 1 else step / 2:.0f}", c="edge")
    ]
    for index, (name, day, level, state) in enumerate(marks):
        x = step / 2 + index * step
        kind = "mark gone" if state else "mark latest" if index == len(marks) - 1 else "mark"
        shapes += [
            element("circle", cx=f"{x:.0f}", cy=line, r=sizes.get(level, 5), c=kind),
            element("text", name, x=f"{x:.0f}", y=line - 18, text_anchor="middle", font_size=13, c="strong"),
            element("text", day, x=f"{x:.0f}", y=line + 26, text_anchor="middle", font_size=11),
            element(
                "text",
                t.name("state", state) if state else t.name("level", level),
                x=f"{x:.0f}",
                y=line + 42,
                text_anchor="middle",
                font_size=11,
            ),
        ]
    label = t.listed(f"{name} {day}" for name, day, _, _ in marks)
    drawn = element("svg", *shapes, viewBox=f"0 0 {width} {height}", width=width, c="chart", role="img", aria_label=label)
    return div(drawn, c="scroll", tabindex="0")


def spark(points: Sequence[tuple[str, float]]) -> Safe:
    """A small line over a few months, from zero, the newest point marked; its numbers are in its label."""
    if not any(value for _, value in points):
        return span("–", c="quiet")
    width, height, edge = 96, 24, 4
    most = max(value for _, value in points) or 1.0
    step = (width - 2 * edge) / max(len(points) - 1, 1)
    spots = [(edge + index * step, height - edge - (height - 2 * edge) * value / most) for index, (_, value) in enumerate(points)]
    path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in spots)
    x, y = spots[-1]
    label = ", ".join(f"{name}: {value:g}" for name, value in points)
    shapes = (
        element("title", label),
        element("path", d=path, c="line"),
        element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=2.6, c="tally"),
    )
    return element(
        "svg", *shapes, viewBox=f"0 0 {width} {height}", width=width, height=height, c="chart spark", role="img", aria_label=label
    )
