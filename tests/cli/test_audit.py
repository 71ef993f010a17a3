from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from corpushub.base.settings import Settings
from corpushub.cli import run
from corpushub.services.hub import open_hub
from tests.kit.ledger import an_event, damage
from tools.verify_audit import main as verify_offline

Say = pytest.CaptureFixture[str]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A hub's home with thirty events."""
    folder = tmp_path / "home"
    fill(folder, 30)
    return folder


def fill(home: Path, count: int) -> None:
    hub = open_hub(Settings(home=home))
    with hub.database.begin() as unit:
        start = unit.ledger.size()
        for number in range(count):
            unit.events.append(
                an_event(
                    f"case-{number % 4}" if not start else f"later-{number}",
                    number // 4 + 1 if not start else 1,
                    words=f"number {number}",
                )
            )
    hub.close()


def audit(home: Path, *words: str) -> int:
    return run(["--home", str(home), "--lang", "en", "audit", *words])


def test_verify_tells_a_whole_record_by_its_exit_code(home: Path, capsys: Say):
    assert audit(home, "verify", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["whole"], told["leaves"], told["problems"]) == (True, 30, [])


def test_verify_fails_and_names_the_place(home: Path, capsys: Say):
    damage(home, "UPDATE events SET data = replace(data, 'number 7', 'number 8') WHERE seq = 8")
    assert audit(home, "verify") == 1
    told = capsys.readouterr().err
    assert "events/case-3@2" in told
    assert "NOT whole" in told


def test_a_kept_checkpoint_shows_a_cut_tail(home: Path, capsys: Say, tmp_path: Path):
    assert audit(home, "checkpoint") == 0
    kept = tmp_path / "kept.checkpoint"
    kept.write_text(capsys.readouterr().out)
    damage(
        home, "DELETE FROM ledger_leaves WHERE idx > 20", "DELETE FROM events WHERE seq > 21", "DELETE FROM ledger_checkpoints"
    )
    damage(home, "UPDATE ledger_head SET size = 21")
    assert audit(home, "verify", "--older", str(kept)) == 1
    assert "checkpoint (given)" in capsys.readouterr().err


def test_an_export_verifies_offline(home: Path, capsys: Say, tmp_path: Path):
    target = tmp_path / "audit.tar"
    assert audit(home, "export", str(target)) == 0
    capsys.readouterr()
    assert audit(home, "key") == 0
    assert verify_offline([str(target), "--key", capsys.readouterr().out.strip()]) == 0


def test_an_export_of_one_day_holds_the_tree_and_that_day(home: Path, capsys: Say, tmp_path: Path):
    fill(home, 300)
    target = tmp_path / "part.tar"
    assert audit(home, "export", str(target), "--since", "2030-01-01") == 0
    capsys.readouterr()
    assert audit(home, "key") == 0
    assert verify_offline([str(target), "--key", capsys.readouterr().out.strip()]) == 0
    assert "a part of the log" in capsys.readouterr().out


def test_two_homes_witness_each_other_by_files(home: Path, capsys: Say, tmp_path: Path):
    other = tmp_path / "audit-office"
    assert audit(other, "witness-key") == 0
    witness = capsys.readouterr().out.strip()
    assert audit(home, "witness-add", witness, "--org", "audit-office") == 0
    assert audit(home, "key") == 0
    log = capsys.readouterr().out.strip()
    request, answer = tmp_path / "request", tmp_path / "answer"
    assert audit(home, "request") == 0
    request.write_text(capsys.readouterr().out)
    assert audit(other, "witness", str(request), "--log", log) == 0
    answer.write_text(capsys.readouterr().out)
    assert audit(home, "cosign", str(answer)) == 0
    target = tmp_path / "audit.tar"
    assert audit(home, "export", str(target)) == 0
    request.write_text("old 0\n\nx\n\n")
    assert audit(other, "witness", str(request), "--log", log) != 0


def test_a_proof_and_an_anchor_are_printed(home: Path, capsys: Say):
    assert audit(home, "checkpoint") == 0
    capsys.readouterr()
    assert audit(home, "--json", "prove", "case-1", "2") == 0
    assert json.loads(capsys.readouterr().out)["index"] == 5
    assert audit(home, "--json", "anchor", "chain", "--", "cat") == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "chain"
    assert audit(home, "prove", "case-1", "99") == 4
    assert re.search("no record of case-1", capsys.readouterr().err)
