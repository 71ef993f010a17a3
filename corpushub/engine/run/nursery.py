"""Where workers come from. Of the engine nothing is loaded for it, so that its process can load while this one does."""

from __future__ import annotations

import os
import signal
import sys
from multiprocessing import forkserver, get_context, resource_tracker
from multiprocessing.context import ForkServerContext
from pathlib import Path

from corpushub.base.settings import environment_with


def nursery() -> ForkServerContext:
    """Where workers come from: they are copied from a process that has loaded everything (module `loaded`), which starts with the first call,
    and of which nobody waits here until it is ready.

    It looks for modules where this process does, and in the folder somebody happens to stand in only if this process does. A worker has one
    thread: the processes are the parallelism. Control-C at a terminal reaches every process of a build; only the one that owns the workers acts
    on it.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["corpushub.engine.run.loaded"])
    places = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    resource_tracker.ensure_running()  # starting it lifts what is held back below
    # Inherited: a handler set by a worker would come too late.
    held_back = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with environment_with(PYTHONPATH=places, PYTHONSAFEPATH="1", POLARS_MAX_THREADS="1"):
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held_back)
    return context
