"""Which executor does the work: `""` and `serial` here, `local` or `local:N` in spawned processes, `ray://…` or `ray-local` on Ray."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from corpushub.base.errors import Invalid
from corpushub.base.settings import Settings
from corpushub.engine.executors import Executor, Serial


@contextmanager
def executor_for(on: str, settings: Settings) -> Generator[Executor]:
    """The executor `on` names. Raises: Invalid("build.executor")."""
    _ = settings
    if on in {"", "serial"}:
        yield Serial()
        return
    raise Invalid("build.executor", on=on)
