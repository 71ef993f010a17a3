"""The first thing a worker process runs, before any frame library is loaded; so this module imports none."""

from __future__ import annotations

import os

HELD: list[bytes] = []
"""The order a worker works on, sent once: with every task it would be most of what travels."""


def begin(order: bytes) -> None:
    """One thread per worker: the processes are the parallelism. The C environment is what the library reads when it is loaded."""
    os.putenv("POLARS_MAX_THREADS", "1")
    HELD[:] = [order]
