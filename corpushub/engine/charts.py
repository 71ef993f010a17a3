"""Charts as SVG text: the same numbers give the same bytes on every machine, because no font is ever measured.

Rules: a fixed canvas, a gutter sized by character count (wide characters 1 em, others 0.55), coordinates rounded to 0.1, one
element per line, values printed as text, `role="img"` with title and description, colours from CSS that follows the reader's
colour scheme, no script, no outside reference.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH = 760
FONT = 13
ROW = 26
TOP = 40
STYLE = """<style>
svg { font: 13px system-ui, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif; }
.bg { fill: #ffffff; } .t { fill: #1f2328; } .m { fill: #59636e; } .g { stroke: #d1d9e0; } .h { font-weight: 600; font-size: 15px; }
.s0 { fill: #1f6feb; } .s1 { fill: #d4603b; } .s2 { fill: #2da06d; } .s3 { fill: #8250df; } .s4 { fill: #bf8700; } .s5 { fill: #57606a; }
.l0 { stroke: #1f6feb; fill: none; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
.bg { fill: #0d1117; } .t { fill: #e6edf3; } .m { fill: #9198a1; } .g { stroke: #3d444d; }
.s0 { fill: #4493f8; } .s1 { fill: #f0883e; } .s2 { fill: #3fb950; } .s3 { fill: #ab7df8; } .s4 { fill: #d29922; } .s5 { fill: #9198a1; }
.l0 { stroke: #4493f8; }
}
</style>"""

Rows = Sequence[tuple[str, float]]


def bar(title: str, rows: Rows, *, unit: str = "", colour: int = 0) -> str:
    """Horizontal bars, one per row, longest value full width; labels are cut at 24 wide characters."""
    rows = [(cut(name, 24.0), value) for name, value in rows]
    left = gutter(name for name, _ in rows)
    right = 90
    most = max((value for _, value in rows), default=0) or 1
    body = []
    for index, (name, value) in enumerate(rows):
        y = TOP + index * ROW
        length = (WIDTH - left - right) * max(value, 0) / most
        body += [
            words(left - 8, y + 16, name, "t", "end"),
            f'<rect class="s{colour}" x="{left}" y="{y + 3}" width="{one(length)}" height="{ROW - 8}" rx="2"/>',
            words(left + length + 6, y + 16, told(value), "m"),
        ]
    return canvas(title, TOP + len(rows) * ROW + 14, body, rows, unit)


def stacked(title: str, rows: Sequence[tuple[str, Sequence[float]]], series: Sequence[str]) -> str:
    """Horizontal bars cut into series, with a legend line; every bar is drawn to the same scale."""
    left = gutter(cut(name, 24.0) for name, _ in rows)
    most = max((sum(values) for _, values in rows), default=0) or 1
    body = legend(series)
    for index, (name, values) in enumerate(rows):
        y, x = TOP + ROW + index * ROW, float(left)
        body.append(words(left - 8, y + 16, cut(name, 24.0), "t", "end"))
        for colour, value in enumerate(values):
            length = (WIDTH - left - 90) * max(value, 0) / most
            body.append(f'<rect class="s{colour % 6}" x="{one(x)}" y="{y + 3}" width="{one(length)}" height="{ROW - 8}"/>')
            x += length
        body.append(words(x + 6, y + 16, " / ".join(told(value) for value in values), "m"))
    flat = [(f"{name} {label}", value) for name, values in rows for label, value in zip(series, values, strict=True)]
    return canvas(title, TOP + (len(rows) + 1) * ROW + 14, body, flat, "")


def histogram(title: str, edges: Sequence[float], counts: Sequence[int], *, unit: str = "") -> str:
    """Adjoining columns between `edges` (one more than counts), each with its count."""
    height, left, right = 180, 20, 20
    most = max(counts, default=0) or 1
    step = (WIDTH - left - right) / max(len(counts), 1)
    body = [f'<line class="g" x1="{left}" y1="{TOP + height}" x2="{WIDTH - right}" y2="{TOP + height}"/>']
    for index, count in enumerate(counts):
        tall = (height - 20) * count / most
        x = left + index * step
        body += [
            f'<rect class="s0" x="{one(x + 1)}" y="{one(TOP + height - tall)}" width="{one(step - 2)}" height="{one(tall)}"/>',
            words(x + step / 2, TOP + height - tall - 5, told(count), "m", "middle"),
            words(x, TOP + height + 18, told(edges[index]), "m", "middle" if index else "start"),
        ]
    if edges:
        body.append(words(WIDTH - right, TOP + height + 18, told(edges[-1]), "m", "end"))
    pairs = [(f"{told(edges[i])}–{told(edges[i + 1])}", count) for i, count in enumerate(counts)]
    return canvas(title, TOP + height + 34, body, pairs, unit)


def line(title: str, rows: Rows, *, unit: str = "") -> str:
    """A line through equally spaced points; at most a dozen labels below."""
    height, left, right = 180, 56, 24
    most = max((value for _, value in rows), default=0) or 1
    step = (WIDTH - left - right) / max(len(rows) - 1, 1)
    points = [(left + index * step, TOP + height - (height - 20) * max(value, 0) / most) for index, (_, value) in enumerate(rows)]
    every = max(1, -(-len(rows) // 12))
    body = [
        f'<line class="g" x1="{left}" y1="{TOP + height}" x2="{WIDTH - right}" y2="{TOP + height}"/>',
        words(left - 8, TOP + 24, told(most), "m", "end"), words(left - 8, TOP + height + 4, "0", "m", "end"),
        f'<polyline class="l0" points="{" ".join(f"{one(x)},{one(y)}" for x, y in points)}"/>',
    ]  # fmt: skip
    for index, ((name, _), (x, y)) in enumerate(zip(rows, points, strict=True)):
        body.append(f'<circle class="s0" cx="{one(x)}" cy="{one(y)}" r="2.5"/>')
        if index % every == 0:
            body.append(words(x, TOP + height + 18, name, "m", "middle"))
    return canvas(title, TOP + height + 34, body, rows, unit)


def heat_strip(title: str, rows: Rows, *, unit: str = "", full: float = 1) -> str:
    """One row of cells, darker for more; values from 0 to `full`."""
    rows = [(cut(name, 9.0), value) for name, value in rows]
    step = (WIDTH - 40) / max(len(rows), 1)
    body = []
    for index, (name, value) in enumerate(rows):
        x = 20 + index * step
        shade = one(0.08 + 0.92 * min(max(value / full, 0), 1))
        body += [
            f'<rect class="s0" x="{one(x + 1)}" y="{TOP}" width="{one(step - 2)}" height="36" fill-opacity="{shade}"/>',
            words(x + step / 2, TOP + 54, name, "t", "middle"),
            words(x + step / 2, TOP + 72, told(value), "m", "middle"),
        ]
    return canvas(title, TOP + 86, body, rows, unit)


def funnel(title: str, rows: Rows, *, unit: str = "") -> str:
    """Centred bars that narrow from step to step; each shows what is left and the share of the first."""
    rows = [(cut(name, 24.0), value) for name, value in rows]
    left = gutter(name for name, _ in rows)
    first = next((value for _, value in rows), 0) or 1
    most = max((value for _, value in rows), default=0) or 1
    room = WIDTH - left - 150
    body = []
    for index, (name, value) in enumerate(rows):
        y, length = TOP + index * ROW, room * max(value, 0) / most
        body += [
            words(left - 8, y + 16, name, "t", "end"),
            f'<rect class="s0" x="{one(left + (room - length) / 2)}" y="{y + 3}" width="{one(length)}" height="{ROW - 8}" rx="2"/>',
            words(left + room + 10, y + 16, f"{told(value)} ({100 * value / first:.1f}%)", "m"),
        ]
    return canvas(title, TOP + len(rows) * ROW + 14, body, rows, unit)


def canvas(title: str, height: int, body: Sequence[str], rows: Rows, unit: str) -> str:
    """The frame all charts share; the description holds every value, so the chart reads as text."""
    described = "; ".join(f"{name}: {told(value)}" for name, value in rows)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">'
    shown = f"{title} ({unit})" if unit else title
    return "\n".join((
        head, f"<title>{escape(shown)}</title>", f"<desc>{escape(described)}</desc>", STYLE,
        f'<rect class="bg" width="{WIDTH}" height="{height}"/>', words(16, 24, shown, "t h"), *body, "</svg>\n",
    ))  # fmt: skip


def legend(series: Sequence[str]) -> list[str]:
    body, x = [], 16.0
    for colour, name in enumerate(series):
        body += [
            f'<rect class="s{colour % 6}" x="{one(x)}" y="{TOP}" width="12" height="12"/>',
            words(x + 18, TOP + 11, name, "m"),
        ]
        x += 18 + ems(name) * FONT + 20
    return body


def words(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    where = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text class="{kind}" x="{one(x)}" y="{one(y)}"{where}>{escape(text)}</text>'


def ems(text: str) -> float:
    """Width in em by character class alone."""
    return sum(
        1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.7 if letter.isupper() or letter in "_@%&mw" else 0.55
        for letter in text
    )


def cut(text: str, limit: float) -> str:
    """`text` shortened to `limit` em with an ellipsis; control characters, which XML forbids, are left out."""
    text = "".join(letter for letter in text if letter.isprintable())
    if ems(text) <= limit:
        return text
    while text and ems(text) > limit - 1:
        text = text[:-1]
    return text + "…"


def gutter(names: Iterable[object]) -> int:
    widest = max((ems(str(name)) for name in names), default=0)
    return min(330, int(24 + widest * FONT))


def one(value: float) -> str:
    """A coordinate with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def told(value: float) -> str:
    """A number as people read it: whole from a hundred on, else at most four significant digits."""
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.4g}" if abs(value) < 100 else f"{value:,.0f}"


def by_name(values: Mapping[str, float]) -> list[tuple[str, float]]:
    """Rows of a mapping in its order."""
    return list(values.items())
