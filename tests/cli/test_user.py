"""Accounts from a shell: passwords typed or piped, and nobody added by half."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from corpushub.cli import STOPPED, run
from tests.kit.gov import credit_code

Say = Callable[..., tuple[int, str]]
ADD = "user add li.wei --org bureau --name 李伟 --role admin --password"


@pytest.fixture
def say(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Say:
    for name in ("CORPUSHUB_HOME", "CORPUSHUB_ACTING_AS", "PORT"):
        monkeypatch.delenv(name, raising=False)

    def told(words: str, typed: str = "", lang: str = "en", *, by_hand: bool = False) -> tuple[int, str]:
        given = io.StringIO(typed)
        monkeypatch.setattr(given, "isatty", lambda: by_hand)
        monkeypatch.setattr("sys.stdin", given)
        code = run(["--home", str(tmp_path), "--lang", lang, *words.split()])
        return code, capsys.readouterr().err

    assert told(f"user add-org bureau --credit-code {credit_code(1)} --kind authority --region 990100 --zh 数据局")[0] == 0
    return told


def test_a_script_gives_a_password_as_a_line(say: Say) -> None:
    assert say(ADD, "long enough 1\n") == (0, "")
    assert say("user password li.wei", "another long one\n") == (0, "")


@pytest.mark.parametrize(("lang", "words"), [("zh", "标准输入"), ("en", "standard input")])
def test_no_password_at_all_is_told(say: Say, lang: str, words: str) -> None:
    code, told = say(ADD, "", lang)
    assert (code, words in told) == (2, True), told


def test_a_password_that_will_not_do_adds_nobody(say: Say) -> None:
    assert say(ADD, "short\n")[0] == 2
    assert say(ADD, "long enough 1\n")[0] == 0, "no person was left behind without a password"


def test_two_that_differ_are_asked_for_again_and_control_d_stops(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = ["one password", "another one", "the same one", "the same one"]

    def ask(_: str) -> str:
        if not typed:
            raise EOFError
        return typed.pop(0)

    monkeypatch.setattr("corpushub.cli.user.getpass", ask)
    code, told = say(ADD, by_hand=True)
    assert (code, "do not match" in told) == (0, True)
    assert say("user password li.wei", by_hand=True)[0] == STOPPED
