from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from corpushub.base.errors import Forbidden, Invalid, Unavailable
from corpushub.base.identity import canonical
from corpushub.domain.parties import ANONYMOUS, SYSTEM, Actor, Role
from corpushub.domain.tree import entry_for
from corpushub.domain.workflow import fold
from corpushub.services.audit import Audit
from corpushub.store.db import Database
from corpushub.store.events import Events
from tests.kit.ledger import START, a_publication, a_record, an_event, damage


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return a_record(tmp_path)


class Nowhere:
    """A ledger that forgets to write."""

    def append(self, leaf: dict[str, Any]) -> int:
        return 0


def places(audit: Audit, *older: str) -> list[str]:
    return [problem.place() for problem in audit.verify(older=older).problems]


def test_an_untouched_record_is_whole(audit: Audit):
    audit.checkpoint(SYSTEM)
    report = audit.verify()
    assert report.is_whole
    assert (report.leaves, report.events, report.checkpoints, report.objects) == (20, 20, 1, 1)


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE ledger_leaves SET entry = CAST(replace(entry, 'number 3', 'number 4') AS BLOB) WHERE idx = 3", "ledger/3"),
        ("UPDATE ledger_leaves SET hash = zeroblob(32) WHERE idx = 5", "ledger/5"),
        ("UPDATE ledger_leaves SET subject = 'other@1' WHERE idx = 6", "ledger/6"),
        ("DELETE FROM ledger_leaves WHERE idx = 7", "ledger/7"),
        ("UPDATE events SET data = replace(data, 'number 8', 'number 9') WHERE seq = 9", "events/case-1@2"),
        ("UPDATE events SET actor = 'person-2' WHERE seq = 1", "events/case-0@1"),
        ("DELETE FROM events WHERE seq = 10", "events/case-2@2"),
        ("UPDATE ledger_head SET size = 19", "ledger/head"),
        ("UPDATE ledger_head SET logged_at = '2020'", "ledger/head"),
        (
            "UPDATE ledger_checkpoints SET note = replace(note, char(10) || '20' || char(10), char(10) || '19' || char(10))",
            "checkpoint/20",
        ),
        ("UPDATE events SET data = x'ff' WHERE seq = 4", "ledger/events"),
        ("UPDATE ledger_leaves SET entry = x'ff' WHERE idx = 4", "ledger/4"),
    ],
)
def test_a_change_behind_the_hub_is_found_where_it_is(audit: Audit, tmp_path: Path, statement: str, place: str):
    audit.checkpoint(SYSTEM)
    damage(tmp_path, statement)
    assert place in places(audit)


def test_an_event_without_a_leaf_is_found(audit: Audit):
    with audit.database.begin() as unit:
        Events(unit.connection, unit.documents, Nowhere()).append(an_event("case-9", 1))
    assert places(audit) == ["events/case-9@1"]


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE cases SET state = 'released'", "cases/dem-1"),
        ("UPDATE cases SET data = replace(data, 'weather', 'traffic')", "cases/dem-1"),
        ("DELETE FROM cases", "cases/dem-1"),
        ("UPDATE documents SET value = replace(value, 'Li Lei', 'Li Lai')", "events/dem-1@1"),
        ("DELETE FROM ledger_salts", "events/dem-1@1"),
    ],
)
def test_a_folded_case_or_private_answer_that_was_changed_is_found(audit: Audit, tmp_path: Path, statement: str, place: str):
    event = replace(an_event("dem-1", 1, text="weather", contact="Li Lei"), marks=("open", "party"))
    with audit.database.begin() as unit:
        unit.events.append(event, private=("contact",))
        case = fold(unit.events.of("dem-1"))
        assert case is not None
        unit.cases.save(case)
    assert audit.verify().is_whole
    damage(tmp_path, statement)
    assert place in places(audit)


def test_a_published_release_holds_the_approved_files(audit: Audit, tmp_path: Path):
    data = audit.objects.put_bytes(b"rows")
    manifest = audit.objects.put_bytes(canonical({"files": [{"path": "data/a.txt", "sha256": data, "bytes": 4}]}))
    with audit.database.begin() as unit:
        for event in a_publication(manifest):
            unit.events.append(event)
        case = fold(unit.events.of("release-1"))
        assert case is not None
        unit.cases.save(replace(case, version=1))
        unit.cases.save(case)
    assert places(audit) == ["releases/city/notices@v1.0.0"]
    with audit.database.begin() as unit:
        entry = entry_for("data/a.txt", b"rows")
        commit = unit.repos.commit("city/notices", [entry], "first", "curator", START)
        unit.repos.set_tag("city/notices", "v1.0.0", commit)
    assert places(audit) == []
    damage(tmp_path, "UPDATE repo_ref SET target = '', released = '' WHERE name = 'v1.0.0'")
    assert places(audit) == ["releases/city/notices@v1.0.0"]


def test_a_cut_tail_is_found_by_the_checkpoint_kept_elsewhere(audit: Audit, tmp_path: Path):
    kept = audit.checkpoint(SYSTEM).note
    damage(
        tmp_path,
        "DELETE FROM ledger_leaves WHERE idx >= 10",
        "DELETE FROM events WHERE seq > 10",
        "DELETE FROM ledger_checkpoints",
        "DELETE FROM ledger_head",
    )
    assert "checkpoint (given)" in places(audit, kept)


def test_one_changed_byte_of_an_object_is_found(audit: Audit, tmp_path: Path):
    found = next(path for path in (tmp_path / "objects").glob("??/*"))
    found.chmod(0o644)
    found.write_bytes(b"some rowz")
    assert places(audit) == [f"objects/{found.name}"]
    found.unlink()
    assert places(audit) == [f"objects/{found.name}"]


def test_any_changed_byte_of_the_leaves_is_found(audit: Audit, tmp_path: Path):
    audit.checkpoint(SYSTEM)
    with audit.database.begin() as unit:
        unit.connection.exec_driver_sql("SELECT 1")
    audit.database.close()
    file = tmp_path / "hub.db"
    whole = file.read_bytes()
    entry = b'"words":"number 11"'
    spots = [at for at in range(len(whole)) if whole.startswith(entry, at)]
    assert len(spots) == 2  # the event and its leaf
    for at in spots:
        file.write_bytes(whole[: at + 10] + b"m" + whole[at + 11 :])
        assert "events/case-4@2" in places(audit)
        audit.database.close()
    file.write_bytes(whole)
    assert places(audit) == []


def test_a_database_that_no_longer_opens_is_told(audit: Audit, tmp_path: Path):
    audit.database.close()
    (tmp_path / "hub.db").write_bytes(b"no database at all" * 500)
    with pytest.raises(Unavailable, match=r"store\.damaged"):
        Database(str(tmp_path / "hub.db"))


def test_a_checkpoint_of_another_log_is_not_ours(audit: Audit, tmp_path: Path):
    other = a_record(tmp_path / "other", 5).checkpoint(SYSTEM).note
    assert places(audit, other) == ["checkpoint (given)"] * len(places(audit, other))
    assert places(audit, other)
    with pytest.raises(Invalid, match=r"ledger\.note"):
        audit.verify(older=["no note"])


def test_only_a_seat_of_control_signs(audit: Audit):
    with pytest.raises(Forbidden, match=r"audit\.seat"):
        audit.checkpoint(ANONYMOUS)
    auditor = Actor("person-a", "audit-office", frozenset({Role.AUDITOR}))
    assert audit.checkpoint(auditor).size == 20
    latest = audit.latest()
    assert latest is not None
    assert latest.size == 20


def test_a_checkpoint_is_signed_after_a_minute_or_a_thousand_leaves(tmp_path: Path):
    now = [START]
    audit = a_record(tmp_path, 3)
    audit.clock = audit.database.clock = lambda: now[0]
    assert audit.sign_if_due()
    assert not audit.sign_if_due()
    with audit.database.begin() as unit:
        unit.ledger.append({"kind": "note", "id": "one"})
    assert not audit.sign_if_due()
    now[0] += timedelta(seconds=61)
    assert audit.sign_if_due()
    with audit.database.begin() as unit:
        for number in range(1000):
            unit.ledger.append({"kind": "note", "id": str(number)})
    assert audit.sign_if_due()
    latest = audit.latest()
    assert latest is not None
    assert latest.size == 1004
