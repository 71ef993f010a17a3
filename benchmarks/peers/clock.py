"""CPU seconds of the work itself and of everything before it (imports, start-up), and the peak resident memory, as one JSON line."""

from __future__ import annotations

import json
import re
import resource
from collections.abc import Callable
from pathlib import Path


def used() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def peak() -> float:
    """Kilobytes of the largest process: what `getrusage` says of oneself is inherited from whoever started it, the high water mark is not."""
    own = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
    return max(int(own.group(1)) if own else 0, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def report(work: Callable[[], object]) -> None:
    before = used()
    work()
    print("\n" + json.dumps({"start": round(before, 2), "cpu": round(used() - before, 2), "peak_mb": round(peak() / 1024)}))
