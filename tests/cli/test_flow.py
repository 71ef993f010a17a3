"""Accounts, catalog and cases from a shell: answers as JSON, refusals with the exit code of their kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpushub.cli import run
from tests.kit.gov import an_entry, credit_code


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("CORPUSHUB_HOME", "CORPUSHUB_ACTING_AS", "PORT"):
        monkeypatch.delenv(name, raising=False)

    def say(*words: str) -> tuple[int, Any]:
        code = run(["--home", str(tmp_path), "--json", "--lang", "en", *words])
        out = capsys.readouterr().out
        return code, json.loads(out) if out.strip() else None

    for number, (org, kind) in enumerate((("bureau", "authority"), ("stats", "agency")), 1):
        assert (
            say("user", "add-org", org, "--credit-code", credit_code(number), "--kind", kind, "--region", "990100", "--zh", org)[
                0
            ]
            == 0
        )
    assert say("user", "add", "li.wei", "--org", "bureau", "--name", "x", "--role", "authority")[0] == 0
    assert say("user", "add", "wu.fan", "--org", "stats", "--name", "y", "--role", "provider")[0] == 0
    return say


def test_accounts_and_seats(shell: Any) -> None:
    assert shell("user", "seat", "wu.fan", "sector")[0] == 0
    rows = {row["id"]: row for row in shell("user", "list")[1]}
    assert rows["wu.fan"]["seats"] == ["provider", "sector"]
    assert shell("user", "unseat", "wu.fan", "sector")[1]["ended"] == 1
    assert shell("user", "seat", "wu.fan", "king")[0] == 2
    assert shell("--as", "wu.fan", "user", "seat", "li.wei", "cdo")[0] == 3
    assert shell("user", "depart", "nobody")[0] == 4
    assert shell("user", "add", "wu.fan", "--org", "stats", "--name", "y")[0] == 5
    assert {row["id"] for row in shell("user", "orgs")[1]} == {"bureau", "stats"}


def test_a_catalog_is_imported_with_its_gaps_named(shell: Any, tmp_path: Path) -> None:
    lines = [an_entry(owner="stats"), an_entry(id="990100/stats/two", owner="stats", frequency="often")]
    (tmp_path / "entries.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    code, told = shell("--as", "wu.fan", "catalog", "import", str(tmp_path / "entries.jsonl"))
    assert (code, told["added"], told["wrong"]) == (1, 1, 1)
    assert [(row["row"], row["field"]) for row in told["problems"]] == [(2, "frequency")]
    assert [row["id"] for row in shell("catalog", "search", "notices")[1]] == ["990100/stats/notices"]
    assert shell("--as", "wu.fan", "catalog", "show", "990100/stats/notices")[1]["owner"] == "stats"
    assert shell("catalog", "search", "notices")[1][0]["title"]["en"] == "Notices"
    assert shell("--as", "li.wei", "catalog", "gaps", "--system", "ledger")[1]["systems_without_entries"] == ["ledger"]


def test_a_quality_nobody_measured_is_no_figure_to_a_person(
    shell: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell("--as", "wu.fan", "catalog", "add", json.dumps(an_entry(owner="stats")))[1]["quality"] == -1
    assert run(["--home", str(tmp_path), "--lang", "en", "--as", "wu.fan", "catalog", "show", "990100/stats/notices"]) == 0
    lines = dict(line.partition(" ")[::2] for line in capsys.readouterr().out.splitlines())
    assert lines["quality"].strip() == "-"


def test_a_case_from_opening_to_its_history(shell: Any) -> None:
    code, case = shell("--as", "wu.fan", "flow", "open", "demand", "title=streets", "text=all streets of the city")
    assert (code, case["state"]) == (0, "draft")
    assert shell("--as", "wu.fan", "flow", "do", case["id"], "submit")[1]["state"] == "submitted"
    assert case["id"] in {row["case"] for row in shell("--as", "li.wei", "flow", "tasks")[1]}
    shown = shell("--as", "li.wei", "flow", "show", case["id"])[1]
    assert "acknowledge" in {item["command"] for item in shown["allowed"]}
    assert shell("--as", "li.wei", "flow", "do", case["id"], "acknowledge", "--version", "1")[0] == 5
    assert [row["type"] for row in shell("--as", "wu.fan", "flow", "history", case["id"])[1]] == [
        "demand.opened",
        "demand.submitted",
    ]
    assert shell("--as", "wu.fan", "flow", "do", case["id"], "submit", "what")[0] == 2
    assert shell("--as", "wu.fan", "flow", "show", "dem-x")[0] == 4
    assert shell("flow", "list")[0] == 2, "nobody is named"
    assert shell("flow", "tick")[1] == {"acted": 0}


def test_numbers_packs_and_ids(shell: Any) -> None:
    assert {row["id"] for row in shell("oversee", "indicators")[1]} >= {"versions_released", "refusal_rate"}
    assert shell("oversee", "disclosure", "2026")[1]["totals"]["authorizations"] == 0
    assert shell("--as", "li.wei", "oversee", "report", "--form", "pdf")[0] == 2
    assert shell("oversee", "plan", "2026")[1]["items"] == []
    told = shell("--as", "li.wei", "oversee", "report")[1]
    assert (told["first"][4:], told["last"][:4]) == ("-01-01", told["first"][:4])
    assert shell("oversee", "resolve", "nothing")[0] == 4
    assert shell("--as", "wu.fan", "oversee", "unusual")[0] == 3
    assert shell("--as", "li.wei", "oversee", "report", "--from", "2026-01-01")[1]["digest"]
    assert any(row["command"] == "approve" for row in shell("flow", "table", "release")[1])


def test_the_report_is_printed_to_be_read(shell: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del shell
    words = [
        "--home",
        str(tmp_path),
        "--lang",
        "en",
        "--as",
        "li.wei",
        "oversee",
        "report",
        "--from",
        "2026-01-01",
        "--to",
        "2026-12-31",
    ]
    assert run(words) == 0
    said = capsys.readouterr().out
    assert said.startswith("# Report on the use of public data (2026-01-01 to 2026-12-31)")
    assert "| versions released | 0 | 0 | count(release.published) |" in said
    assert run([*words, "--out", str(tmp_path / "told.html")]) == 0
    assert (tmp_path / "told.html").read_text("utf-8").lstrip().lower().startswith("<!doctype html>")
