"""What a newcomer gets wrong: each mistake is told in the person's language by what and where and what next, and leaves no trace of the code."""

from __future__ import annotations

import errno
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from corpushub.cli import run
from corpushub.services.builds import Builds
from tests.cli.test_build import RECIPE, lay
from tests.kit.demo import PROJECT, environment, free_port
from tests.kit.gov import a_city, authorized, registered

BUILD = "build notices.yaml --on serial"


@dataclass(frozen=True)
class Mistake:
    """A changed recipe or file, the command, its exit code, and what has to be said: facts in both languages, then the next step in each."""

    name: str
    code: int
    facts: str
    zh: str
    en: str
    command: str = BUILD
    change: tuple[str, str] = ("", "")
    file: tuple[str, bytes] = ("", b"")


MISTAKES = [
    Mistake("no such recipe", 4, "none.yaml", "请检查路径", "check the path", "build none.yaml"),
    Mistake("a folder for a recipe", 4, "notices", "请检查路径", "check the path", "build notices"),
    Mistake("unknown step", 2, "notices.yaml:10:5 drop_shrt", "是否想写 drop_short", "did you mean drop_short", change=("drop_short", "drop_shrt")),
    Mistake("unknown parameter", 2, "notices.yaml:10:32 min_char", "是否想写 min_chars", "did you mean min_chars", change=("min_chars", "min_char")),
    Mistake("misspelt column", 2, "notices.yaml:10:5 txet", "是否想写 text", "did you mean text", change=("column: text", "column: txet")),
    Mistake("column the source lacks", 3, "txt 990100/stats/notices", "请在 select 中写明所需的列", "Name the columns you need under select", change=("[id, text]", "[id, txt]")),
    Mistake("a tab", 2, "notices.yaml:9:1", "请改为空格", "put spaces in its place", change=("steps:\n  -", "steps:\n\t-")),
    Mistake("an open quote", 2, "notices.yaml:12:1", "请检查此处及上一行", "Look at the indentation", change=("purpose:", "'purpose:")),
    Mistake("a key twice", 2, "notices.yaml:5:1 purpose", "请删除其一", "remove one", change=("sources:", "purpose: research\nsources:")),
    Mistake("recipe in GBK", 2, "notices.yaml", "请以 UTF-8 保存", "save it as UTF-8", file=("notices.yaml", RECIPE.encode("gbk"))),
    Mistake("empty recipe", 2, "notices.yaml:1:1", "键: 值", "key: value", file=("notices.yaml", b"")),
    Mistake("recipe of a newer version", 2, "notices.yaml:1:1 schema", "可用：", "Known:", change=("dataset:", "schema: 2\ndataset:")),
    Mistake("a header without rows", 2, "notices", "表头之后", "follow its header",
            change=("from: notices", "from: notices/0.csv"), file=("notices/0.csv", b"id,text\n")),
    Mistake("a picture called a table", 2, "0.csv", "请修正来源", "mend the source",
            change=("from: notices", "from: notices/0.csv"), file=("notices/0.csv", b"\x89PNG\r\n\x1a\n")),
    Mistake("source missing", 4, "nowhere", "请检查配方中的 `from`", "check `from` in the recipe", change=("from: notices", "from: nowhere")),
    Mistake("source outside", 3, "notices", "请放在配方旁边", "put it beside the recipe", change=("from: notices", "from: ../../x")),
    Mistake("host nobody allowed", 3, "example.org", "请联系管理员", "ask an administrator", change=("from: notices", "from: https://example.org/a.csv")),
    Mistake("wrong encoding stated", 2, "gbkk", "自动判断", "leave `encoding` out", change=("from: notices,", "from: notices, encoding: gbkk,")),
    Mistake("mixed encodings", 2, "0.csv:42", "请修正来源", "mend the source",
            file=("notices/0.csv", b"id,text\n" + "1,公共数据\n".encode() * 40 + "2,公共数据\n".encode("gbk") * 30)),
    Mistake("too large", 2, "0.csv 10", "请改用", "use JSON Lines", change=("sources:", "limits: {max_document_bytes: 10}\nsources:")),
    Mistake("purpose not granted", 3, "commerce", "申请变更授权", "ask for an amendment", change=("model-training", "commerce")),
    Mistake("--from without a name", 2, "notices", "名称=地址，例如", "NAME=ADDRESS, for example", f"{BUILD} --from notices"),
    Mistake("a sample of many", 2, "--sample", "--sample=20", "--sample=20", f"{BUILD} --sample many"),
    Mistake("option cut short", 2, "--smple", "--sample", "did you mean --sample", f"{BUILD} --smple 3"),
    Mistake("two recipes", 2, "other.yaml", "--help", "--help", f"{BUILD} other.yaml"),
    Mistake("no recipe at all", 2, "RECIPE", "--help", "--help", "build"),
    Mistake("a day that is none", 2, "--until", "2026-05-01", "2026-05-01", "user seat reviewer developer --until 2026-13-01 --as keeper"),
    Mistake("an interest that ended on no day", 2, "--ended", "2026-05-01", "2026-05-01", "user conflict reviewer registry --kind family --ended May"),
    Mistake("an entry on no day", 2, "--day", "2026-05-01", "2026-05-01", "catalog show 990100/stats/notices --day 2026-02-30"),
    Mistake("a step beyond the last", 2, "99", "1 到 3", "steps 1 to 3", "trace notices.yaml --step 99"),
    Mistake("help on no step", 4, "dedup_nere", "是否指 dedup_near", "did you mean dedup_near", "steps dedup_nere"),
    Mistake("a backup into a file", 2, "null", "请换一个路径", "choose another path", "backup /dev/null"),
    Mistake("a name without end", 2, "xxx", "名称过长", "name is too long", f"build {'x' * 300}"),
    Mistake("a seat nobody knows", 2, "queen", "developer", "developer", "user seat reviewer queen --as keeper"),
    Mistake("a list of fewer than none", 2, "--limit 1", "整数 ≥ 1", "≥ 1", "flow list --limit -1"),
    Mistake("a list without end", 2, "--limit", "整数", "a whole number", "token deliveries --limit 99999999999999999999"),
    Mistake("a year before the record", 2, "1", "2000 年至今年", "from 2000 up to", "oversee disclosure 1"),
    Mistake("a host name that ends the line", 2, "x;y", "corpus.example.gov.cn", "corpus.example.gov.cn", "nginx --name x;y"),
    Mistake("a port beyond the last", 2, "--port 65535", "整数", "a whole number", "nginx --port 70000"),
    Mistake("a release that is not there", 4, "1.0.0", "corpushub release list", "corpushub release list", "release show city/notices 1.0.0"),
    Mistake("a case nobody opened", 4, "rel-x", "请检查编号", "check its id", "flow show rel-x"),
    Mistake("a flow nobody knows", 4, "lunch", "registration", "registration", "flow open lunch"),
    Mistake("nowhere to compute", 2, "moon", "serial、local", "serial, local", "build notices.yaml --on moon"),
    Mistake("unknown build", 4, "build-x", "`corpushub builds`", "`corpushub builds`", "removed build-x"),
    Mistake("answers from no file", 4, "none.json", "请检查路径", "check the path", "flow open demand @none.json"),
    Mistake("answers without a name", 2, "xx", "名称=值", "name=value", "flow open demand xx"),
    Mistake("unknown person", 4, "nobody", "`corpushub user list`", "`corpushub user list`", "builds --as nobody"),
    Mistake("home that is a file", 2, "notices.yaml", "--home", "--home", "builds --home notices.yaml"),
    Mistake("settings that are no TOML", 2, "corpushub.toml", "每项设置占一行", "a setting is one line", "builds", file=("corpushub.toml", b"port = [\n")),
    Mistake("unknown setting", 2, "corpushub.toml hme", "docs/reference", "docs/reference", "builds", file=("corpushub.toml", b'hme = "x"\n')),
    Mistake("port that is no number", 2, "port", "整数", "number", "builds", file=("corpushub.toml", b'port = "many"\n')),
    Mistake("damaged database", 75, "", "恢复最近备份", "restore the last backup", "builds", file=("hub.db", b"hello world" * 1000)),
]  # fmt: skip


@pytest.fixture
def say(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    for name in ("CORPUSHUB_HOME", "CORPUSHUB_ACTING_AS", "CORPUSHUB_LANG", "PORT"):
        monkeypatch.delenv(name, raising=False)
    city = a_city(tmp_path)
    registered(city)
    authorized(city)
    city.database.close()
    (tmp_path / "city.db").rename(tmp_path / "hub.db")
    lay(tmp_path)
    monkeypatch.chdir(tmp_path)

    def told(words: str, lang: str) -> tuple[int, str]:
        first = ["--home", str(tmp_path), "--as", "operator", "--lang", lang]
        code = run([*first, *words.split()])
        return code, capsys.readouterr().err

    return told


def is_clean(told: str, folder: Path) -> bool:
    return "Traceback" not in told and str(folder) not in told


@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake.name for mistake in MISTAKES])
def test_a_mistake_is_told_with_its_place_and_what_to_do_next(
    say: Callable[..., tuple[int, str]], tmp_path: Path, mistake: Mistake
) -> None:
    before, after = mistake.change
    assert before in RECIPE
    (tmp_path / "notices.yaml").write_text(RECIPE.replace(before, after) if before else RECIPE, "utf-8")
    if mistake.file[0]:
        (tmp_path / mistake.file[0]).write_bytes(mistake.file[1])
    for lang, next_step in (("zh", mistake.zh), ("en", mistake.en)):
        code, told = say(mistake.command, lang)
        assert (code, is_clean(told, tmp_path)) == (mistake.code, True), told
        assert [fact for fact in mistake.facts.split() if fact not in told] == [], told
        assert next_step in told
        assert lang == "zh" or not re.search("[\u4e00-\u9fff]", told), told


@pytest.mark.parametrize(
    ("number", "code", "zh", "en"),
    [
        (errno.EACCES, 3, "请授予权限", "give it the right"),
        (errno.EROFS, 75, "请用 --home", "choose another home"),
        (errno.ENOSPC, 75, "请腾出空间", "ree some space"),
        (errno.EIO, 75, "请换一个路径", "choose another path"),
        (errno.ENOENT, 4, "请检查路径", "check the path"),
    ],
)
def test_what_the_machine_does_not_allow_is_told(
    say: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int, zh: str, en: str
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(tmp_path / "hub.db"))  # a superuser's test meets no closed door of its own

    monkeypatch.setattr(Builds, "list", refused)
    for lang, next_step in (("zh", zh), ("en", en)):
        found, told = say("builds", lang)
        assert (found, is_clean(told, tmp_path), "hub.db" in told, next_step in told) == (code, True, True, True), told


NOWHERE = ("/proc/x", "/proc/x/y", "notices.yaml/x", "loop", "n" * 300)


@pytest.mark.parametrize(
    ("command", "places"),
    [
        ("backup {}", NOWHERE),
        ("cards build --cards {}", NOWHERE),
        ("federation export {}", (*NOWHERE, "notices")),
        ("audit export {} --as auditor", ("/proc/x", "notices.yaml/x", "notices")),
        ("audit cosign {}", (*NOWHERE, "notices", "bytes", "none")),
        ("audit verify --older {}", (*NOWHERE, "notices", "bytes", "none")),
        ("pii roles notices/0.csv --recipe {}", ("notices", "bytes", "none")),
        ("flow open demand @{}", (*NOWHERE, "notices", "bytes", "none", "deep.json")),
        ("cleanroom open city/notices {} --epsilon 1", (*NOWHERE, "notices", "bytes", "none", "deep.json")),
        ("plan {}", ("/proc/x", "notices", "bytes", "none", "deep.json")),
    ],
)
def test_a_path_that_will_not_do_is_told(
    say: Callable[..., tuple[int, str]], tmp_path: Path, command: str, places: tuple[str, ...]
) -> None:
    """Once each of these was a trace, or (a recipe of nothing but brackets) the end of the process."""
    (tmp_path / "bytes").write_bytes(b"\x00\xff\xfe\x80")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "loop").symlink_to("loop")
    for place in places:
        for lang in ("zh", "en"):
            code, told = say(command.format(place), lang)
            assert (code in {2, 3, 4, 75}, is_clean(told, tmp_path), bool(told.strip())) == (True, True, True), (
                place,
                code,
                told,
            )


@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [
        ("DATABASE_URL", "mysql://user:secret@host/x", 2),
        ("DATABASE_URL", "://", 2),
        ("DATABASE_URL", "nosuch://user:secret@host", 2),
        ("DATABASE_URL", "notices", 75),
        ("DATABASE_URL", "sqlite:////proc/x/y.db", 75),
        ("DATABASE_URL", "notices.yaml/x.db", 2),
        ("DATABASE_URL", "postgresql://user:secret@127.0.0.1:1/x", 75),
        ("OBJECTS_URL", "s3://", 2),
        ("OBJECTS_URL", "/proc/x", 4),
        ("OBJECTS_URL", "notices.yaml", 2),
    ],
)
def test_a_setting_that_names_no_place_is_told(
    say: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, code: int
) -> None:
    monkeypatch.setenv(f"CORPUSHUB_{setting}", value)
    for lang in ("zh", "en"):
        found, told = say("release list", lang)
        assert (found, is_clean(told, tmp_path), "secret" in told, "did not answer" in told) == (
            code, True, False, lang == "en" and value.endswith("1/x"),
        ), told  # fmt: skip


def test_a_grant_that_has_ended_is_told_with_its_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    city = a_city(tmp_path)
    registered(city)
    authorized(city, valid_to="2026-03-31")
    city.database.close()
    (tmp_path / "city.db").rename(tmp_path / "hub.db")
    lay(tmp_path)
    for lang, next_step in (("zh", "请向实施机构申请新的授权"), ("en", "Ask the implementing agency for a new authorization")):
        code = run(["--home", str(tmp_path), "--as", "operator", "--lang", lang, "build", str(tmp_path / "notices.yaml")])
        told = capsys.readouterr().err
        assert (code, "2026-03-31" in told, next_step in told, is_clean(told, tmp_path)) == (3, True, True, True), told


def test_a_port_in_use_is_told_before_anything_is_set_up(say: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        port = taken.getsockname()[1]
        for lang, next_step in (("zh", "请结束该程序"), ("en", "choose another port")):
            code, told = say(f"serve --port {port}", lang)
            assert (code, next_step in told, str(port) in told, is_clean(told, tmp_path)) == (5, True, True, True), told
        env = environment(tmp_path / "new", PORT=str(port), LANG="en_US.UTF-8")
        done = subprocess.run(
            [sys.executable, "app.py", "--demo"], cwd=PROJECT, env=env, capture_output=True, text=True, check=False
        )
        assert (done.returncode, "choose another port" in done.stderr, "Traceback" in done.stderr) == (5, True, False)
        assert not (tmp_path / "new").exists()


def test_an_old_python_is_told_which_one_to_take() -> None:
    code = "import sys; sys.path.insert(0, '.ci'); sys.version_info = (3, 9); import bootstrap; bootstrap.main([])"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "PYTHON=" in done.stderr
