"""Who computes is what was asked for; loading is only what is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from corpushub.base.errors import Invalid
from corpushub.base.settings import Settings
from corpushub.engine.run.cluster_choice import executor_for
from corpushub.engine.run.executors import Serial
from corpushub.engine.run.pool import Pool


def test_an_executor_nobody_knows_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"build\.executor"), executor_for("moon", Settings(home=tmp_path)):
        pass


def test_what_is_stated_decides_who_computes(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, build_workers=1)
    with executor_for("", settings) as executor:
        assert isinstance(executor, Serial)
    with executor_for("local:3", settings) as executor:
        assert isinstance(executor, Pool)
        assert executor.size == 3


def test_what_every_build_loads_leaves_out_what_few_builds_use() -> None:
    """The recognizers alone take longer to load than a small recipe to build."""
    code = "import sys, corpushub.engine.registry as r, corpushub.engine.run.runner; r.registry(); print(*sys.modules)"
    home = Path(__file__).parents[3]
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=home).stdout.split()
    assert not {"presidio_analyzer", "spacy", "numba", "pandas", "sqlalchemy", "gradio", "ray"} & set(loaded)
