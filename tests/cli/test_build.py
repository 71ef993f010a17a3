"""Building from the command line: what is done, what was reused, what a change made different, and why a build does not start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpushub.cli import run
from tests.kit.gov import RESOURCE, a_city, authorized, registered

RECIPE = f"""\
dataset: city/notices
title: {{zh: 通知公告, en: Notices}}
purpose: model-training
licence: {{id: cc-by-4.0}}
sources:
  notices: {{resource: {RESOURCE}, from: notices, select: [id, text]}}
contract: {{key: id, columns: {{id: {{required: true}}, text: {{required: true}}}}}}
steps:
  - normalize: {{columns: [text]}}
  - drop_short: {{column: text, min_chars: 8}}
  - dedup_exact: {{on: text}}
"""


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("CORPUSHUB_HOME", "CORPUSHUB_ACTING_AS", "CORPUSHUB_LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("corpushub.engine.shards.SHARD_ROWS", 50)
    city = a_city(tmp_path)
    registered(city)
    authorized(city)
    city.database.close()
    (tmp_path / "city.db").rename(tmp_path / "hub.db")
    lay(tmp_path)

    def say(*words: str, plain: bool = False) -> tuple[int, Any, str]:
        form = () if plain else ("--json",)
        code = run(["--home", str(tmp_path), *form, "--lang", "en", "--as", "operator", *words])
        told = capsys.readouterr()
        return code, told.out if plain else json.loads(told.out or "null"), told.err

    return say


def lay(folder: Path, changed: str = "") -> None:
    (folder / "notices").mkdir(exist_ok=True)
    for at in range(4):
        lines = [f"{at}-{n},关于第{at}号第{n}条事项的通知全文" for n in range(48)] + [
            f"{at}-short,短文",
            f"{at}-again,关于第0号第0条事项的通知全文",
        ]
        if changed and at == 2:
            lines[7] = f"{at}-7,{changed}"
        (folder / "notices" / f"{at}.csv").write_text("id,text\n" + "\n".join(lines) + "\n", "utf-8")
    (folder / "notices.yaml").write_text(RECIPE, "utf-8")


def test_a_build_tells_its_funnel_and_the_next_what_it_reused(shell: Any, tmp_path: Path) -> None:
    recipe = str(tmp_path / "notices.yaml")
    assert "0 of 4 shards reused" in shell("plan", recipe, plain=True)[1]
    code, one, _ = shell("build", recipe, "--on", "serial")
    assert code == 0
    assert [(step["step"], step["rows_in"] - step["rows_out"]) for step in one["steps"]] == [
        ("normalize", 0), ("drop_short", 4), ("dedup_exact", 4),
    ]  # fmt: skip
    assert one["reused"] == {"1 normalize+drop_short": [0, 4], "2 dedup_exact": [0, 4], "3 read": [0, 4]}
    lay(tmp_path, changed="本条已经修订并重新公布")
    two = shell("build", recipe, "--on", "serial")[1]
    assert two["reused"] == {"1 normalize+drop_short": [3, 4], "2 dedup_exact": [3, 4], "3 read": [3, 4]}
    told = shell("diff", one["id"], two["id"])[1]
    assert (told["changed"], told["same"], told["added"], told["removed"]) == (1, one_rows(one) - 1, 0, 0)
    assert told["examples"]["changed"] == ["2-7"]
    rows = shell("removed", one["id"], "--step", "2")[1]
    assert {(row["reason"], row["source_file"]) for row in rows} == {("too_short", f"{at}.csv") for at in range(4)}
    assert [row["id"] for row in shell("builds")[1]] == [two["id"], one["id"]]
    out, err = shell("build", recipe, "--on", "serial", plain=True)[1:]
    assert "Stage 2 dedup_exact: 4 of 4 shards taken from earlier builds" in err
    assert out.splitlines()[-1].startswith("build-")


def one_rows(build: Any) -> int:
    return sum(file["rows"] for file in build["files"])


def test_a_preview_and_a_trace_look_at_the_beginning(shell: Any, tmp_path: Path) -> None:
    recipe = str(tmp_path / "notices.yaml")
    part = shell("build", recipe, "--sample", "20", "--on", "serial")[1]
    assert part["sample"] == 20
    assert one_rows(part) == 20
    touched = shell("trace", recipe, "--step", "2")[1]
    assert touched[0]["reason"] == "too_short"


def test_what_cannot_be_built_is_refused_with_its_place(shell: Any, tmp_path: Path) -> None:
    recipe = tmp_path / "notices.yaml"
    recipe.write_text(RECIPE.replace("drop_short", "drop_shrt"), "utf-8")
    code, _, err = shell("build", str(recipe), plain=True)
    assert code == 2
    assert "drop_short" in err
    assert shell("build", str(tmp_path / "none.yaml"))[0] == 4
    recipe.write_text(RECIPE.replace("model-training", "commerce"), "utf-8")
    assert shell("build", str(recipe))[0] in {2, 3}
    recipe.write_text(RECIPE, "utf-8")
    assert shell("build", str(recipe), "--from", "notices")[0] == 2
    assert shell("build", str(recipe), "--on", "moon")[0] == 2
    assert shell("diff", "build-a", "build-b")[0] == 4


def test_what_a_release_will_refuse_is_told_before(shell: Any, tmp_path: Path) -> None:
    recipe = tmp_path / "notices.yaml"
    told = shell("plan", str(recipe), plain=True)[2].splitlines()
    assert [line for line in told if "“summary” is missing" in line] == told
    assert len(told) == 2  # one for each language
    recipe.write_text(RECIPE + "card: {zh: {summary: 通知}, en: {summary: notices}}\n", "utf-8")
    assert shell("plan", str(recipe), plain=True)[2] == ""
    recipe.write_text(RECIPE.replace("cc-by-4.0", "nonsense"), "utf-8")
    for command in (("plan", str(recipe)), ("build", str(recipe), "--on", "serial")):
        code, _, told = shell(*command)
        assert code == 0
        assert "release of this will be refused. notices.yaml (licence.id): The licence nonsense is not on the known list" in told
