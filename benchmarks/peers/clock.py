"""CPU seconds of the work itself and of everything before it (imports, start-up), and the peak resident memory, as one JSON line."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable


def used() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def report(work: Callable[[], object]) -> None:
    before = used()
    work()
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print("\n" + json.dumps({"start": round(before, 2), "cpu": round(used() - before, 2), "peak_mb": round(peak / 1024)}))
