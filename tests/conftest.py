"""Settings every test shares."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.kit.demo import Running, copy_of, demo_home, serving

settings.register_profile("house", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", settings.get_profile("house"), derandomize=True, database=None)
settings.load_profile("house")

LIMIT, AGAIN = 600.0, 30.0  # seconds for one set-up, one test or one tear-down; then, for what cleans up after it


def out_of_time(*_: Any) -> None:
    faulthandler.dump_traceback(file=sys.__stderr__ or 2, all_threads=True)
    pytest.fail(f"not done within {LIMIT:.0f} s: what every thread waited for stands on standard error")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup() -> Generator[None, Any, Any]:
    """A wait without an end fails its test and lets the rest go on. pytest's own limit ends the process, and then
    xdist's `loadfile` gives the same test to the next process, and waits for ever itself."""
    signal.signal(signal.SIGALRM, out_of_time)
    signal.setitimer(signal.ITIMER_REAL, LIMIT, AGAIN)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


pytest_runtest_call = pytest_runtest_teardown = pytest_runtest_setup


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder all worker processes of this run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent / "shared" if "PYTEST_XDIST_WORKER" in os.environ else own / "shared"


@pytest.fixture(scope="session")
def prepared_home(shared_folder: Path) -> Path:
    """The demo city's home, made once per run. Read it, or `copy_of` it; never write to it."""
    return demo_home(shared_folder)


@pytest.fixture(scope="session")
def demo(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    """A running demo server over a copy of the prepared home, one per worker process."""
    home = copy_of(prepared_home, tmp_path_factory.mktemp("demo") / "home")
    with serving(home) as running:
        yield running
