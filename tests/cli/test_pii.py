"""`corpushub pii`: what a curator asks at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpushub.cli import run

Say = pytest.CaptureFixture[str]


def pii(home: Path, *words: str) -> int:
    return run(["--home", str(home), "--lang", "en", "pii", *words])


def test_evaluate_prints_recall_and_precision_of_every_kind(tmp_path: Path, capsys: Say) -> None:
    text = "请拨打手机13912345678。"
    (tmp_path / "mine.jsonl").write_text(json.dumps({"text": text, "spans": [[5, 16, "CN_MOBILE"]]}), "utf-8")
    assert pii(tmp_path, "evaluate", str(tmp_path / "mine.jsonl"), "--json") == 0
    (made,) = json.loads(capsys.readouterr().out)
    (score,) = made["scores"]
    assert (score["entity"], score["recall"], score["precision"], score["strict_recall"]) == ("CN_MOBILE", 1.0, 1.0, 1.0)


def test_show_tells_what_is_replaced_and_why(tmp_path: Path, capsys: Say) -> None:
    (tmp_path / "mine.txt").write_text("市民王小明来电。\n没有个人信息。\n", "utf-8")
    assert pii(tmp_path, "show", str(tmp_path / "mine.txt"), "--json") == 0
    first, second = json.loads(capsys.readouterr().out)
    assert [(item["entity"], item["action"]) for item in first["findings"]] == [("PERSON", "replace")]
    assert "王小明" not in first["after"]
    assert second["before"] == second["after"]


def test_roles_are_proposed_for_every_column(tmp_path: Path, capsys: Say) -> None:
    (tmp_path / "t.csv").write_text("tel,年龄\n13912345678,30\n13812345678,40\n", "utf-8")
    assert pii(tmp_path, "roles", str(tmp_path / "t.csv"), "--json") == 0
    told = {row["column"]: row["role"] for row in json.loads(capsys.readouterr().out)}
    assert told == {"tel": "direct", "年龄": "quasi"}


def test_a_file_that_is_no_table_ends_with_an_error(tmp_path: Path, capsys: Say) -> None:
    (tmp_path / "t.doc").write_text("x", "utf-8")
    assert pii(tmp_path, "roles", str(tmp_path / "t.doc")) != 0
    assert "t.doc" in capsys.readouterr().err


def test_show_reads_a_file_that_is_not_all_text_and_scrubs_what_it_can_read(tmp_path: Path, capsys: Say) -> None:
    lines = [
        "手机\x0013912345678\u202e".encode(),
        b"\xff\xfe\x80 13812345678",
        '{"a": "{\\"手机\\": \\"13712345678\\"}"}'.encode(),
    ]
    (tmp_path / "odd.txt").write_bytes(b"\r\n".join([*lines, b"", "备注".encode() * 20_000]))
    assert pii(tmp_path, "show", str(tmp_path / "odd.txt"), "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert len(shown) == 4
    assert not any(f"13{place}12345678" in one["after"] for place in (7, 8, 9) for one in shown)


def test_show_of_a_folder_or_of_nothing_says_so(tmp_path: Path, capsys: Say) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")
    assert pii(tmp_path, "show", str(tmp_path / "empty.txt"), "--json") == 0
    assert json.loads(capsys.readouterr().out) == []
    assert pii(tmp_path, "show", str(tmp_path)) != 0
    assert pii(tmp_path, "show", str(tmp_path / "missing.txt")) != 0
