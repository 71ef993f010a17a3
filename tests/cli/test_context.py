"""The command line's frame: light, the same options everywhere, refusals as words or as data with their exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from corpushub.base.errors import Invalid
from corpushub.cli import run
from corpushub.cli.context import enter, to_plain
from tests.kit.demo import PROJECT, environment, free_port

HEAVY = {"gradio", "presidio_analyzer", "ray", "opendp", "polars", "sqlalchemy", "pyarrow", "datasets", "fastapi"}


def corpushub(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "corpushub", *words],
        cwd=PROJECT,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_tree_loads_nothing_heavy() -> None:
    code = "import sys, corpushub.cli; corpushub.cli.application(); print(' '.join(sorted({name.split('.')[0] for name in sys.modules})))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split()
    assert HEAVY & set(loaded) == set()


def test_global_options_stand_anywhere_before_the_double_dash() -> None:
    ctx, rest = enter(["plan", "--json", "recipes/x.yaml", "--lang=en", "--as", "chen.yu", "--", "--json"])
    assert (ctx.json, ctx.lang, ctx.person, rest) == (True, "en", "chen.yu", ["plan", "recipes/x.yaml", "--", "--json"])


@pytest.mark.parametrize("words", [["--lang"], ["--lang", "fr"], ["--as="]])
def test_a_global_option_without_a_fitting_value_is_refused(words: list[str]) -> None:
    with pytest.raises(Invalid):
        enter(words)


def test_nobody_acts_unnamed(tmp_path: Path) -> None:
    done = corpushub(tmp_path / "home", "builds", "--lang", "en")
    assert done.returncode == 2
    assert "--as PERSON" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_refusal_is_data_for_programs(tmp_path: Path) -> None:
    done = corpushub(tmp_path / "home", "builds", "--json", "--as", "nobody.known")
    assert done.returncode == 4
    error = json.loads(done.stderr)["error"]
    assert error["code"] == "party.unknown_person"
    assert set(error["message"]) == {"zh", "en"}


def test_values_become_plain_json() -> None:
    assert to_plain({"a": {3, 1}, "b": (Path("/x/y.txt"),)}) == {"a": [1, 3], "b": ["y.txt"]}


def test_a_hub_tells_the_address_it_was_told_to_listen_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str, int]] = []
    monkeypatch.setattr("corpushub.web.serve", lambda hub, host, port: told.append((hub.settings.endpoint(), host, port)))
    port = free_port()
    assert run(["--home", str(tmp_path), "serve", "--port", str(port)]) == 0
    assert told == [(f"http://127.0.0.1:{port}", "127.0.0.1", port)]
