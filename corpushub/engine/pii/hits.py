"""What the recognizers say of a whole batch, in columns, and what of it `AnalyzerEngine.analyze` would keep.

Presidio drops duplicates within a recognizer, reads the context, applies thresholds and drops duplicates over all recognizers. The same here,
but on columns: Python only looks at hits that overlap another one or whose score the context may raise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpushub.engine.pii.analyzer import CharWindowContextEnhancer, boosted

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Kind(NamedTuple):
    """What hits of one pattern (or one explanation) of a recognizer have in common."""

    recognizer: int  # place in the registry
    name: str  # of the recognizer
    entity: str
    pattern: str
    words: tuple[str, ...]
    threshold: float
    patterned: bool  # a `PatternRecognizer` drops its own duplicates first


@dataclass(slots=True)
class Hits:
    """Raw results: one column per property, `kind` a number in `kinds`."""

    kinds: list[Kind] = field(default_factory=list)
    numbers: dict[Kind, int] = field(default_factory=dict)
    parts: list[tuple[Any, Any, Any, Any, int]] = field(default_factory=list)

    def add(self, kind: Kind, docs: Sequence[int] | Ints, starts: Any, ends: Any, scores: Sequence[float]) -> None:
        """Hits of one kind."""
        number = self.numbers.setdefault(kind, len(self.kinds))
        if number == len(self.kinds):
            self.kinds.append(kind)
        self.parts.append((docs, starts, ends, scores, number))

    def columns(self) -> Columns:
        counts = [len(part[0]) for part in self.parts]
        doc, start, end, score = (
            np.concatenate([np.asarray(part[place], dtype) for part in self.parts])
            for place, dtype in enumerate((np.int64, np.int64, np.int64, np.float64))
        )
        return Columns(doc, start, end, score, np.repeat([part[4] for part in self.parts], counts))


class Columns(NamedTuple):
    doc: Ints
    start: Ints
    end: Ints
    score: Floats
    kind: Ints

    def at(self, chosen: Any) -> Columns:
        return Columns(*(column[chosen] for column in self))


def settled(hits: Hits, texts: Sequence[str], enhancer: CharWindowContextEnhancer) -> Columns:
    """The hits `AnalyzerEngine.analyze` keeps, text by text, best score first."""
    kinds = hits.kinds
    found = hits.columns()
    found = found.at(found.score > 0)
    recognizers = np.array([kind.recognizer for kind in kinds])
    names = sorted({kind.entity for kind in kinds})
    entities = np.array([names.index(kind.entity) for kind in kinds])
    own = np.array([kind.patterned for kind in kinds])[found.kind]
    key = np.where(own, found.doc * (int(recognizers.max()) + 1) + recognizers[found.kind], -1 - np.arange(len(own)))
    found = found.at(undominated(key, found))
    raise_by_context(found, kinds, texts, enhancer)
    found = found.at(found.score >= np.array([kind.threshold for kind in kinds])[found.kind])
    found = found.at(undominated(found.doc * len(names) + entities[found.kind], found))
    return found.at(np.lexsort((found.start - found.end, found.start, -found.score, found.doc)))


def raise_by_context(found: Columns, kinds: Sequence[Kind], texts: Sequence[str], enhancer: CharWindowContextEnhancer) -> None:
    """Scores as the enhancer raises them, in place."""
    words = [kind.words for kind in kinds]
    rows = np.flatnonzero((found.score < 1) & np.array([bool(some) for some in words])[found.kind])
    doc, start, end, _, kind = (column.tolist() for column in found.at(rows))
    supporting = enhancer.supporting
    raised = [bool(supporting(texts[d], s, e, words[k])) for d, s, e, k in zip(doc, start, end, kind, strict=True)]
    rows = rows[raised]
    found.score[rows] = [boosted(score) for score in found.score[rows].tolist()]


def undominated(key: Ints, found: Columns) -> Ints:
    """Hits that no other of the same key contains with an equal or higher score (`EntityRecognizer.remove_duplicates`)."""
    order = np.lexsort((found.kind, -found.score, -found.end, found.start, key))
    if len(order) < 2:
        return order
    _, group = np.unique(key[order], return_inverse=True)
    apart = group * (int(found.end.max()) + 2)  # keys one after the other on one line
    start, end = found.start[order] + apart, found.end[order] + apart
    reach = np.maximum.accumulate(end)
    if not (inside := reach[:-1] >= end[1:]).any():
        return order
    cluster = np.concatenate(([0], np.cumsum(start[1:] > reach[:-1])))  # hits that touch no earlier one begin a cluster
    rows = np.flatnonzero(np.isin(cluster, cluster[1:][inside]))
    kept = np.ones(len(order), dtype=bool)
    kept[rows] = _survivors(start[rows].tolist(), end[rows].tolist(), found.score[order][rows].tolist())
    return order[kept]


def _survivors(starts: list[int], ends: list[int], scores: list[float]) -> list[bool]:
    """Which hits, sorted by start, longest and best first, survive those before them."""
    kept: list[bool] = []
    active: list[tuple[int, float]] = []
    for start, end, score in zip(starts, ends, scores, strict=True):
        active = [other for other in active if other[0] >= start]
        kept.append(not any(end <= other[0] and score <= other[1] for other in active))
        if kept[-1]:
            active.append((end, score))
    return kept
