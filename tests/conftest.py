"""Settings every test shares."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.kit.demo import Running, copy_of, demo_home, serving

settings.register_profile("house", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


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
