"""Which texts a person should look at to judge detection: some of every kind found, and some where nothing was found.

The second group bounds what was missed: with none of n wrong, fewer than 3/n of all such texts leak (95 %). The sample is drawn by hash
rank, so that it can be drawn again: a review that was interrupted goes on where it stopped, and new versions keep verdicts by digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Sequence
from dataclasses import dataclass

from corpushub.domain.sampling import Row, draw
from corpushub.engine.pii.detect import find
from corpushub.engine.pii.scan import BatchAnalyzer

NOTHING = "none"  # the stratum of texts without findings


@dataclass(frozen=True, slots=True)
class Picked:
    """A text to look at: its place among the texts given, its digest, why it was picked, and what was found (start, end, entity)."""

    place: int
    digest: str
    strata: tuple[str, ...]
    spans: tuple[tuple[int, int, str], ...]


def sample_for_review(
    texts: Sequence[str | None],
    *,
    seed: str,
    each: int = 20,
    done: Container[str] = frozenset(),
    analyzer: BatchAnalyzer | None = None,
) -> list[Picked]:
    """Up to `each` texts of every kind of finding and of none, by rank under `seed` (hex); those whose digest is in `done` left out.

    Equal texts count once. Memory: the findings of `texts`; call it per batch and keep the lowest ranks for more.
    """
    found = find(texts, analyzer)
    places: dict[str, int] = {}
    rows: list[Row] = []
    for place, (text, items) in enumerate(zip(texts, found, strict=True)):
        digest = hashlib.sha256((text or "").encode("utf-8", "replace")).hexdigest()
        if not text or digest in places:
            continue
        places[digest] = place
        rows += [Row(digest, digest, kind) for kind in sorted({item.entity for item in items}) or [NOTHING]]
    why: dict[str, list[str]] = {}
    for row in draw(rows, seed, each):
        why.setdefault(row.digest, []).append(row.stratum)
    return [
        Picked(places[digest], digest, tuple(strata), tuple((f.start, f.end, f.entity) for f in found[places[digest]]))
        for digest, strata in why.items()
        if digest not in done
    ]
