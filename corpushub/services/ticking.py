"""Long loops of services, told while they run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from corpushub.base.identity import Stopwatch
from corpushub.domain.build import Progress, ProgressEvent

T = TypeVar("T")


def ticking(stage: str, items: Iterable[T], total: int, progress: Progress) -> Iterator[T]:
    """The items, and after each one how far the loop is; `stage` is what they are counted as, too."""
    watch = Stopwatch()
    for done, item in enumerate(items, start=1):
        yield item
        rate = done / max(watch.seconds(), 1e-6)
        progress(ProgressEvent(stage, done, total, stage, rate, (total - done) / rate))
