"""A hub made, saved and brought back by commands alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from corpushub.base.errors import Forbidden
from corpushub.base.settings import Settings
from corpushub.services.hub import Hub
from tests.kit.demo import PROJECT, environment
from tests.kit.gov import credit_code


def say(home: Path, *words: str, typed: str = "") -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "corpushub", "--lang", "en", *words], cwd=PROJECT, env=environment(home), input=typed,
        capture_output=True, text=True, check=False, start_new_session=True,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def signs_in(home: Path, password: str) -> bool:
    hub = Hub(Settings(home=home))
    try:
        return bool(hub.accounts.sign_in("li.wei", password))
    except Forbidden:
        return False
    finally:
        hub.close()


def test_a_first_account_a_new_password_a_backup_and_a_hub_from_it(tmp_path: Path) -> None:
    home, kept, other = tmp_path / "home", tmp_path / "kept", tmp_path / "other"
    org = ("--credit-code", credit_code(1), "--kind", "authority", "--region", "990100", "--zh", "数据局")
    assert say(home, "user", "add-org", "bureau", *org)[0] == 0
    assert say(home, "user", "add", "li.wei", "--org", "bureau", "--name", "李伟", "--role", "admin")[0] == 0
    assert not signs_in(home, "first password")
    assert say(home, "user", "password", "li.wei", typed="first password\nfirst password\n")[0] == 0
    assert signs_in(home, "first password")
    assert say(home, "user", "password", "wu.fan", typed="x\nx\n")[0] == 4
    assert say(home, "user", "password", "li.wei", typed="short\nshort\n")[0] == 2
    code, _, told = say(home, "user", "link", "li.wei", "city-7788")
    assert (code, "oidc_issuer" in told) == (2, True)
    assert say(home, "backup", str(home / "kept"))[0] == 2
    assert say(home, "backup", str(kept), "--keep", "3")[0] == 0
    code, _, told = say(other, "restore", str(kept))
    assert (code, "The record is whole" in told) == (0, True)
    assert signs_in(other, "first password")
    code, _, told = say(other, "restore", str(kept))
    assert (code, "already" in told) == (5, True)
