"""Samples an auditor can draw again: hash rank, without a random number anywhere.

rank(row) = SHA-256(seed || row digest); the lowest n of each stratum are the sample. The seed follows from the logical digest and the
version, so nobody can choose it after seeing the rows. Rows that stay between versions keep their rank only under an equal seed, so
verdicts are carried over by row digest instead (see services.reviews).
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PURPOSES: Mapping[str, int] = {"safety": 4000, "ip": 4000, "metadata": 100, "pii": 300}
"""Rows asked for by purpose: SAF-01, IPR-02, MET-01 (of each source), G10. With fewer rows all of them are looked at."""
BY_SOURCE = frozenset({"metadata"})


@dataclass(frozen=True, slots=True)
class Row:
    """A released row as the sample sees it."""

    id: str
    digest: str
    stratum: str = ""


def seed_of(logical_digest: str, version: str) -> str:
    return hashlib.sha256(f"{logical_digest}{version}".encode()).hexdigest()


def rank(seed: str, digest: str) -> bytes:
    return hashlib.sha256(bytes.fromhex(seed) + bytes.fromhex(digest)).digest()


def draw(rows: Iterable[Row], seed: str, n: int) -> tuple[Row, ...]:
    """The `n` rows of lowest rank in each stratum, by stratum and rank; the same for any order of `rows`."""
    strata: dict[str, list[Row]] = {}
    for row in rows:
        strata.setdefault(row.stratum, []).append(row)
    found: list[Row] = []
    for name in sorted(strata):
        ranked = heapq.nsmallest(n, ((rank(seed, row.digest), row.id, row) for row in strata[name]))
        found += [row for _, _, row in ranked]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One reviewer's word on one row. `stage` 1 is blind; 2 settles a difference."""

    row: str
    person: str
    org: str
    passed: bool
    reason: str = ""
    stage: int = 1


def settled(verdicts: Iterable[Verdict]) -> bool | None:
    """The outcome of one row: two agreeing blind verdicts, else the third person's; None while it is open."""
    verdicts = tuple(verdicts)
    if last := next((item for item in verdicts if item.stage == 2), None):
        return last.passed
    blind = [item.passed for item in verdicts if item.stage == 1][:2]
    return blind[0] if len(blind) == 2 and blind[0] == blind[1] else None


def stage_for(verdicts: Iterable[Verdict], person: str) -> int:
    """The stage in which `person` may judge the row now; 0 where there is nothing left for them."""
    verdicts = tuple(verdicts)
    if settled(verdicts) is not None or any(item.person == person for item in verdicts):
        return 0
    return 1 if len(verdicts) < 2 else 2


def kappa(pairs: Iterable[tuple[bool, bool]]) -> float:
    """Cohen's kappa of two raters; 1 where both always gave the same single answer."""
    pairs = tuple(pairs)
    if not pairs:
        return 0.0
    n = len(pairs)
    agreed = sum(one == two for one, two in pairs) / n
    first, second = sum(one for one, _ in pairs) / n, sum(two for _, two in pairs) / n
    chance = first * second + (1 - first) * (1 - second)
    return 1.0 if chance >= 1 else (agreed - chance) / (1 - chance)
