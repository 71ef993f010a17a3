"""One browser and one running demo per worker; pictures for the docs are taken when CORPUSHUB_PICTURES names a folder."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.kit.browser import CHROMIUM, chromium

expect.set_options(timeout=30_000)  # as long as a page waits for everything else (see `Visitor`): a busy machine is no failure


@pytest.fixture(scope="module")  # its event loop must be gone before another file's tests run in this process
def browser() -> Generator[Browser]:
    assert Path(CHROMIUM).exists(), "these tests drive a real browser: apt-get install chromium"
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    stated = os.environ.get("CORPUSHUB_PICTURES")
    return Path(stated) if stated else tmp_path_factory.mktemp("pictures")
