"""The permission table and the diagrams people read are the tables the kernel judges by."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpushub.cli import flow_pages
from corpushub.cli.reference import NOTE
from corpushub.domain.flowdoc import mermaid, permission_rows
from corpushub.domain.flows import flow_named, flows

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"


@pytest.mark.parametrize(
    ("name", "page"), [("flows.md", flow_pages.english), ("flows.zh.md", flow_pages.chinese), ("rules.md", flow_pages.rule_table)]
)
def test_the_checked_in_pages_are_current(name: str, page: object) -> None:
    assert callable(page)
    assert (REFERENCE / name).read_text("utf-8") == NOTE + page().rstrip() + "\n", "run: make docs"


def test_every_transition_stands_in_its_table_and_diagram() -> None:
    for flow in flows().values():
        commands = [row["command"] for row in permission_rows(flow)]
        assert commands == [row.command for row in (flow.opening, *flow.transitions)]
        drawn = mermaid(flow)
        for row in flow.transitions:
            for source in row.sources if row.command != "escalate" else ():
                assert f"{source} --> {row.target or source}: {row.command}" in drawn


def test_the_table_tells_quorum_and_separation() -> None:
    rows = {row["command"]: row for row in permission_rows(flow_named("release"))}
    assert rows["approve"]["separation"].startswith("not own org; quorum: 2 people, 2 orgs")
    assert rows["quarantine"]["separation"] == "-"
    assert "supervisor" in rows["quarantine"]["who"]
