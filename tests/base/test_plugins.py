"""Installed plugins are found with their origin; a broken or doubled one is told, not skipped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpushub.base.errors import Invalid
from corpushub.base.plugins import found


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    found.cache_clear()
    yield
    found.cache_clear()


def install(folder: Path, name: str, points: str, code: str = "") -> None:
    info = folder / f"{name}-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[corpushub.test]\n{points}\n")
    (folder / f"{name}_code.py").write_text(code)


def test_a_value_is_found_with_its_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "alpha", "shout = alpha_code:VALUE", "VALUE = 7")
    monkeypatch.syspath_prepend(tmp_path)
    (plugin,) = found("corpushub.test")
    assert (plugin.name, plugin.origin, plugin.value) == ("shout", "alpha 1.2", 7)


def test_broken_and_doubled_plugins_are_all_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "beta", "shout = beta_code:VALUE\nbroken = beta_code:NOTHING", "VALUE = 7")
    install(tmp_path, "gamma", "shout = gamma_code:VALUE", "VALUE = 8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Invalid) as caught:
        found("corpushub.test")
    assert [problem.code for problem in caught.value.problems] == ["plugin.broken", "plugin.twice"]
    assert "beta 1.2" in caught.value.explain("en")
