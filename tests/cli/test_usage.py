"""Command lines that cannot be read: told in the person's language what, where and what next, with the exit code of bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpushub.cli import run

WRONG = [
    ("bild", "没有命令 bild，是否想输入 build？用 `corpushub --help`", "There is no command bild; did you mean build? `corpushub --help`"),
    ("cards chek", "是否想输入 check？用 `corpushub cards --help`", "did you mean check? `corpushub cards --help`"),
    ("qqqqqq", "没有命令 qqqqqq；可用命令：serve, nginx", "There is no command qqqqqq; `corpushub --help` tells which there are: serve"),
    ("build", "缺少 RECIPE；用 `corpushub build --help`", "RECIPE is missing; `corpushub build --help`"),
    ("build x --smaple 3", "没有选项 --smaple，是否想输入 --sample？", "There is no option --smaple; did you mean --sample?"),
    ("builds --zzz", "没有选项 --zzz；可用选项：--limit", "There is no option --zzz; `corpushub builds --help`"),
    ("build x --sample", "选项 --sample 需要取值", "The option --sample needs a value"),
    ("pii evaluate . --keep=3", "选项 --keep 不带取值", "The option --keep takes no value"),
    ("builds --json=yes", "选项 --json 不带取值", "The option --json takes no value"),
    ("build x --sample abc", "--sample 应为整数 ≥ 0", "--sample is a whole number ≥ 0"),
    ("build x --sample -3", "--sample 应为整数 ≥ 0", "--sample is a whole number ≥ 0"),
    ("oversee report --from 2024", "--from 应为日期，写作 2026-05-01", "--from is a day, written as 2026-05-01"),
    ("plan a b c", "参数过多：b c。", "More was given than the command takes: b c."),
    ("pii show .", "FILE：. 是目录", "FILE: . is a folder"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CORPUSHUB_HOME", "CORPUSHUB_LANG"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("words", "zh", "en"), WRONG, ids=[words for words, _, _ in WRONG])
def test_a_command_line_that_cannot_be_read_is_told_in_the_language_asked_for(
    capsys: pytest.CaptureFixture[str], words: str, zh: str, en: str, lang: str
) -> None:
    assert run([*words.split(), "--lang", lang]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert (zh if lang == "zh" else en) in err
    assert "Error" not in err
    assert "Traceback" not in err


def test_a_path_that_leads_nowhere_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pii", "show", "it's.txt", "--lang", "zh"]) == 4
    assert capsys.readouterr().err == "FILE：此处没有文件或目录 it's.txt；请检查路径，相对路径从当前目录算起。\n"


def test_a_program_gets_the_same_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "x", "--smaple", "3", "--json"]) == 2
    error = json.loads(capsys.readouterr().err)["error"]
    assert (error["code"], error["facts"]["suggestion"]) == ("cli.no_option_near", "--sample")
    assert set(error["message"]) == {"zh", "en"}


def test_a_group_alone_shows_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cards", "--lang", "en"]) == 2
    assert "Usage: corpushub cards" in capsys.readouterr().err
    assert run(["--version"]) == 0
