"""The optimal full-domain generalisation: which level of every quasi-identifier gives k (and l, t) with the least loss.

Nodes are combinations of levels. The loss of the values that stay is a lower bound of a node's loss and only grows upwards, so the search
goes bottom-up, skips nodes whose bound is no better than the best node found, and rolls each node up from a table already grouped at a node
below it. The result is the exact optimum. All columns are integers; a group is one mixed-radix key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpushub.engine.anonymity.hierarchies import Hierarchy

Ints = NDArray[np.int64]
Node = tuple[int, ...]
DENSE_KEYS = 1 << 24  # up to here groups are counted by address, above by sorting


@dataclass(frozen=True, slots=True)
class Demand:
    """What every class must fulfil. `max_suppressed`: share of rows that may be dropped instead."""

    k: int = 5
    l: int = 0  # noqa: E741  (the literature's letter)
    t: float = 1.0
    max_suppressed: float = 0.01


@dataclass(frozen=True, slots=True)
class Table:
    """Rows grouped: `columns[i]` the code of quasi-identifier i, `sensitive` the code of the sensitive value (or zeros), `counts`."""

    columns: tuple[Ints, ...]
    sensitive: tuple[Ints, ...]
    counts: Ints


@dataclass(frozen=True, slots=True)
class Found:
    """The chosen node, its loss in 0..1, rows to suppress, and how many nodes were looked at."""

    node: Node
    loss: float
    suppressed: int
    evaluated: int


def search(hierarchies: Sequence[Hierarchy], table: Table, demand: Demand) -> Found | None:
    """The least lossy node that fulfils `demand`, or None when not even the top does."""
    heights = [hierarchy.height for hierarchy in hierarchies]
    losses = [[float(np.average(h.loss(level)[table.columns[i]], weights=table.counts)) for level in range(h.height + 1)]
              for i, h in enumerate(hierarchies)]  # fmt: skip
    rows, best, evaluated = int(table.counts.sum()), None, 0
    tables: dict[Node, Table] = {(0,) * len(heights): table}
    for node in nodes_upwards(heights):
        kept_loss = sum(loss[level] for loss, level in zip(losses, node, strict=True)) / len(heights)
        if best is not None and kept_loss >= best.loss:  # suppression only adds to it
            continue
        grouped = tables[node] = rolled_up(hierarchies, tables, node)
        evaluated += 1
        suppressed = int(grouped_violations(grouped, demand)[1])
        if suppressed > demand.max_suppressed * rows:
            continue
        loss = kept_loss + (1 - kept_loss) * suppressed / max(1, rows)
        if best is None or (loss, node) < (best.loss, best.node):
            best = Found(node, loss, suppressed, evaluated)
    return None if best is None else Found(best.node, best.loss, best.suppressed, evaluated)


def nodes_upwards(heights: Sequence[int]) -> Iterator[Node]:
    """All nodes, lower ones before those above them."""
    yield from sorted(product(*(range(height + 1) for height in heights)), key=lambda node: (sum(node), node))


def rolled_up(hierarchies: Sequence[Hierarchy], tables: dict[Node, Table], node: Node) -> Table:
    """The table at `node` from the smallest table known below it."""
    if node in tables:
        return tables[node]
    below = min(
        (low for low in tables if all(a <= b for a, b in zip(low, node, strict=True))), key=lambda low: len(tables[low].counts)
    )
    source = tables[below]
    columns = tuple(
        lift(hierarchy, low, high)[column]
        for hierarchy, column, low, high in zip(hierarchies, source.columns, below, node, strict=True)
    )
    return group(columns, source.sensitive, source.counts)


def lift(hierarchy: Hierarchy, low: int, high: int) -> Ints:
    """Code at level `high` for each code at level `low`; -1 never occurs because levels nest."""
    found = np.zeros(len(hierarchy.labels[low]), dtype=np.int64)
    found[hierarchy.codes[low]] = hierarchy.codes[high]
    return found


def group(columns: Sequence[Ints], sensitive: Sequence[Ints], counts: Ints) -> Table:
    """Sum `counts` over equal rows."""
    parts = [*columns, *sensitive]
    keys, span = packed(parts)
    distinct, inverse = numbered(keys, span)
    first = np.zeros(distinct, dtype=np.int64)
    first[inverse[::-1]] = np.arange(len(keys))[::-1]
    summed = np.bincount(inverse, weights=counts, minlength=distinct).astype(np.int64)
    return Table(tuple(c[first] for c in columns), tuple(s[first] for s in sensitive), summed)


def packed(parts: Sequence[Ints]) -> tuple[Ints, int]:
    """One key per row and the number of possible keys. Keys are renumbered before they could overflow."""
    keys, span = np.zeros(len(parts[0]) if parts else 0, dtype=np.int64), 1
    for part in parts:
        size = int(part.max()) + 1 if len(part) else 1
        if span * size > 1 << 62:
            span, keys = numbered(keys, span)
        keys, span = keys * size + part, span * size
    return keys, span


def numbered(keys: Ints, span: int) -> tuple[int, Ints]:
    """How many distinct keys, and 0.. for each row."""
    if span <= DENSE_KEYS:
        seen = np.zeros(span, dtype=np.int64)
        seen[keys] = 1
        place = np.cumsum(seen) - 1
        return int(place[-1]) + 1 if span else 0, place[keys]
    distinct, inverse = np.unique(keys, return_inverse=True)
    return len(distinct), inverse.astype(np.int64)


def grouped_violations(table: Table, demand: Demand) -> tuple[NDArray[np.bool_], int]:
    """Which rows of the table stand in a class that fails, and how many data rows these are."""
    keys, span = packed(table.columns)
    count, classes = numbered(keys, span)
    sizes = np.bincount(classes, weights=table.counts, minlength=count)
    bad = sizes < demand.k
    for sensitive in table.sensitive:
        if demand.l > 1:
            bad |= distinct_per_class(classes, sensitive, count) < demand.l
        if demand.t < 1:
            bad |= distance_per_class(classes, sensitive, table.counts, count) > demand.t + 1e-12
    mask = bad[classes]
    return mask, int(table.counts[mask].sum())


def distinct_per_class(classes: Ints, sensitive: Ints, count: int) -> Ints:
    """Distinct sensitive values of each class."""
    pairs = np.unique(classes * (int(sensitive.max()) + 1 if len(sensitive) else 1) + sensitive)
    return np.bincount(pairs // (int(sensitive.max()) + 1 if len(sensitive) else 1), minlength=count)


def distance_per_class(classes: Ints, sensitive: Ints, counts: Ints, count: int) -> NDArray[Any]:
    """Variational distance of the sensitive values of each class from those of the table (t-closeness, equal ground distance)."""
    width = int(sensitive.max()) + 1 if len(sensitive) else 1
    overall = np.bincount(sensitive, weights=counts, minlength=width) / max(1, counts.sum())
    pairs, inverse = np.unique(classes * width + sensitive, return_inverse=True)
    weights = np.bincount(inverse, weights=counts)
    sizes = np.bincount(classes, weights=counts, minlength=count)
    share = weights / sizes[pairs // width]
    return np.bincount(pairs // width, weights=np.maximum(share - overall[pairs % width], 0), minlength=count)
