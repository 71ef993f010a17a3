"""A build as its user meets it at a terminal: told how far it is, stopped by hand, and killed and taken up again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpushub.cli import run
from corpushub.cli.context import Context, stage_lines
from corpushub.domain.build import ProgressEvent
from tests.cli.test_build import RECIPE
from tests.kit.demo import PROJECT, environment
from tests.kit.engine import bytes_of
from tests.kit.gov import a_city, authorized, registered

ROWS = 1_000
Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A city whose operator may build `notices.yaml` from twenty files of its folder."""
    city = a_city(tmp_path)
    registered(city)
    authorized(city)
    city.database.close()
    (tmp_path / "city.db").rename(tmp_path / "hub.db")
    (tmp_path / "notices").mkdir()
    for at in range(20):
        rows = "".join(f"{at}-{n},关于印发第{at}号第{n}条公共数据开放利用工作方案的通知全文\n" for n in range(ROWS))
        (tmp_path / "notices" / f"{at:02}.csv").write_text(f"id,text\n{rows}", "utf-8")
    (tmp_path / "notices.yaml").write_text(RECIPE, "utf-8")
    return tmp_path


def start(home: Path, *words: str, **more: str) -> subprocess.Popen[str]:
    code = "import sys; from corpushub.engine import shards; shards.SHARD_ROWS = 1000; from corpushub.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "--home", str(home), "--as", "operator", *words]
    return subprocess.Popen(
        command,
        cwd=PROJECT,
        env=environment(home, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def say(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Say:
    """Carry a command out to its end, in this process: only what is interrupted needs one of its own."""
    monkeypatch.setattr("corpushub.engine.shards.SHARD_ROWS", 1000)
    for name in ("CORPUSHUB_HOME", "CORPUSHUB_ACTING_AS", "CORPUSHUB_LANG"):
        monkeypatch.delenv(name, raising=False)

    def done(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(["--home", str(home), "--as", "operator", *words])
        return code, *capsys.readouterr()

    return done


def ids(say: Say) -> list[str]:
    return [one["id"] for one in json.loads(say("builds", "--json")[1])]


def begun(home: Path, process: subprocess.Popen[str]) -> None:
    """Wait until the build has finished some pieces of its first stage."""
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        if len(list((home / "cache").glob("??/*/tally.json"))) >= 3:
            return
        time.sleep(0.005)
    raise AssertionError(process.communicate())


@pytest.mark.parametrize(("lang", "told", "on"), [("en", "Stopped.", "serial"), ("zh", "已停止", "local:2")])
def test_control_c_leaves_what_was_there_and_says_so(home: Path, say: Say, lang: str, told: str, on: str) -> None:
    recipe = str(home / "notices.yaml")
    assert say("build", recipe, "--sample", "10", "--on", "serial")[0] == 0
    before = (ids(say), bytes_of(home / "builds"))
    process = start(home, "build", recipe, "--on", on, "--lang", lang)
    begun(home, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the group
    _, err = process.communicate(timeout=60)
    assert (process.returncode, told in err, "Traceback" in err) == (130, True, False), err
    assert (ids(say), bytes_of(home / "builds")) == before


def test_a_killed_build_is_taken_up_where_it_was_to_the_same_bytes(home: Path, say: Say) -> None:
    recipe = str(home / "notices.yaml")
    process = start(home, "build", recipe, "--on", "serial")
    begun(home, process)
    process.kill()
    process.communicate()
    assert ids(say) == []
    code, out, _ = say("build", recipe, "--on", "serial", "--json")
    assert code == 0
    resumed = json.loads(out)
    first = next(iter(resumed["reused"].values()))
    assert first[0] >= 3
    (home / "cache").rename(home / "elsewhere")
    scratch = json.loads(say("build", recipe, "--on", "local:2", "--json")[1])
    assert {name: shards[0] for name, shards in scratch["reused"].items() if shards[0]} == {}
    assert scratch["files"] == resumed["files"]
    assert scratch["logical_digest"] == resumed["logical_digest"]


def test_progress_tells_amount_rate_and_what_is_left(
    home: Path, say: Say, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr("corpushub.cli.context.LINE_SECONDS", 0.0)
    tick = stage_lines(Context(lang="zh"))
    tick(ProgressEvent("open notices", 2_500_000, 10_000_000, "bytes", 1_250_000, 6.0))
    tick(ProgressEvent("normalize", 400, 400, "rows", 100.0, 0.0))
    tick(ProgressEvent("normalize", 400, 400, "rows", 100.0, 0.0))
    tick(ProgressEvent("measure", 0, 0))
    tick(ProgressEvent("measure", 400, 400))
    assert capsys.readouterr().err.splitlines() == [
        "open notices：2.5 MB，共 10.0 MB，1.2 MB/秒，约剩 6 秒",
        "normalize：400 行，100 行/秒",
        "核验质量关、编写数据卡……",
        "核验质量关、编写数据卡：400 行",
    ]
    err = say("build", str(home / "notices.yaml"), "--on", "serial", "--lang", "en")[2]
    assert re.search(r"^open notices: [\d.]+ MB, [\d.,]+ MB/s$", err, re.MULTILINE)
    assert re.search(r"^normalize\+drop_short: 20,000 rows, [\d,]+ rows/s$", err, re.MULTILINE)


def test_the_plan_tells_what_a_build_would_reuse_and_a_trace_what_each_step_does(home: Path, say: Say) -> None:
    recipe = str(home / "notices.yaml")
    assert "[0 of 20 shards reused]" in say("plan", recipe, "--explain")[1]
    assert say("build", recipe, "--sample", "40", "--on", "serial")[0] == 0
    assert say("build", recipe, "--on", "serial")[0] == 0
    changed = home / "notices/07.csv"
    changed.write_text(changed.read_text("utf-8").replace("第7号第5条", "第7号修订第5条"), "utf-8")
    assert "[19 of 20 shards reused]" in say("plan", recipe)[1]
    err = say("build", recipe, "--on", "serial", "--lang", "en")[2]
    assert "Stage 1 normalize+drop_short: 19 of 20 shards taken from earlier builds" in err
