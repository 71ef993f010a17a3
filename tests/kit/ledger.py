"""A hub folder with a record in it, and hands to damage it with."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from corpushub.base.settings import Settings
from corpushub.domain.workflow import Event
from corpushub.services.audit import Audit
from corpushub.store.db import Database
from corpushub.store.events import Events
from corpushub.store.objects import Objects

START = datetime(2026, 11, 22, tzinfo=UTC)


def an_event(stream: str, version: int, type_: str = "demand.submitted", **data: object) -> Event:
    return Event(stream, version, type_, "person-1", "org-1", START, data, "submitted", rules="0" * 64)


def a_record(home: Path, events: int = 20) -> Audit:
    """A home with `events` logged events, one object named by a commit, and a checkpoint."""
    database = Database(str(home / "hub.db"), lambda: START)
    objects = Objects(home / "objects")
    audit = Audit(database=database, objects=objects, settings=Settings(home=home), clock=lambda: START)
    with database.begin() as unit:
        log = Events(unit.connection, unit.documents, unit.ledger)
        for number in range(events):
            log.append(an_event(f"case-{number % 7}", number // 7 + 1, words=f"number {number}"))
        unit.repos.create("city/notices", org="org-1", by="person-1")
        digest = objects.put_bytes(b"some rows")
        unit.repos.receive("city/notices", digest, 9, "person-1")
    return audit


def damage(home: Path, *statements: str) -> None:
    """Change the database behind the hub's back, as somebody with the file could."""
    connection = sqlite3.connect(home / "hub.db")
    triggers = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'")]
    for name in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


GATES = [{"gate": "pii_residual", "status": "pass"}, {"gate": "card_drift", "status": "pending", "stage": "publish"}]


def a_publication(manifest: str, stream: str = "release-1") -> list[Event]:
    """A release from proposal to publication: built by org-op, approved by two people of two other organisations."""
    rows = [
        ("proposed", "curator", "org-op", "gated", ("open", "party"), {"dataset": "city/notices", "version": "1.0.0", "manifest_digest": manifest, "built_by": "builder", "builder_org": "org-op", "gates": GATES}),
        ("submitted", "curator", "org-op", "in_review", (), {}),
        ("voted", "reviewer-1", "org-a", "in_review", ("vote", "role:reviewer"), {"command": "approve"}),
        ("approved", "reviewer-2", "org-b", "approved", (), {"approvals": [{"person": "reviewer-1", "org": "org-a"}, {"person": "reviewer-2", "org": "org-b"}]}),
        ("published", "curator", "org-op", "released", (), {}),
    ]  # fmt: skip
    return [
        Event(stream, number, f"release.{name}", person, org, START, data, state, marks=marks, rules="0" * 64)
        for number, (name, person, org, state, marks, data) in enumerate(rows, start=1)
    ]
