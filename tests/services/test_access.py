"""Tokens: shown once, kept as a hash, narrow, ending, revocable; deliveries: added up and never lost by a busy database."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from corpushub.base.errors import Forbidden, Invalid, NotFound
from corpushub.services.access import Fresh
from corpushub.services.delivery import Permission, Taken
from tests.kit.hub import CURATOR, READER, SomeHub, some_hub


@pytest.fixture
def hub(tmp_path: Path) -> SomeHub:
    return some_hub(tmp_path)


def test_a_secret_is_nowhere_in_the_database(hub: SomeHub) -> None:
    secret, token = hub.access.issue_token(READER, name="laptop")
    hub.access.actor_of_token(secret)
    hub.access.flush()
    hub.close()
    held = b"".join(path.read_bytes() for path in Path(str(hub.settings.database_url)).parent.glob("city.db*"))
    assert secret.encode() not in held
    assert token.id.encode() in held


def test_a_token_ends_with_its_term_its_revocation_or_its_person(hub: SomeHub) -> None:
    secret, token = hub.access.issue_token(READER, name="a", days=10)
    actor = hub.access.actor_of_token(secret)
    assert actor is not None
    assert (actor.person, actor.token) == (READER.person, token.id)
    hub.access.revoke(READER, token.id)
    assert hub.access.actor_of_token(secret) is None
    second, _ = hub.access.issue_token(READER, name="b", days=10)
    hub.city.clock.forward(days=11)
    assert hub.access.actor_of_token(second) is None
    third, _ = hub.access.issue_token(READER, name="c")
    hub.parties.depart(hub.city["keeper"], READER.person)
    hub.access.forget()
    assert hub.access.actor_of_token(third) is None


def test_scopes_narrow_what_a_person_may(hub: SomeHub) -> None:
    reads = hub.access.actor_of_token(hub.token(CURATOR, "read"))
    writes_one = hub.access.actor_of_token(hub.token(CURATOR, "write", "repo:a/b"))
    with pytest.raises(Forbidden):
        hub.access.require_scope(reads, "write")
    hub.access.require_scope(writes_one, "write", "a/b")
    with pytest.raises(Forbidden):
        hub.access.require_scope(writes_one, "write", "a/c")
    with pytest.raises(Forbidden):
        hub.access.issue_token(reads, name="more", scopes=("write",))


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x", "days": 0},
        {"name": "x", "days": 4000},
        {"name": "x", "scopes": ("all",)},
        {"name": "x", "scopes": ("read", "repo:")},
    ],
)
def test_a_wrong_token_is_not_made(hub: SomeHub, wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        hub.access.issue_token(READER, **wrong)


def test_another_s_token_can_not_be_revoked(hub: SomeHub) -> None:
    _, token = hub.access.issue_token(READER, name="mine")
    with pytest.raises(NotFound):
        hub.access.revoke(CURATOR, token.id)


def test_deliveries_of_a_second_add_up_per_caller_and_release(hub: SomeHub) -> None:
    for path in ("a", "b", "c"):
        hub.access.record_delivery(READER, Taken("x/y", "c" * 40, path, 10, rows=2, downloads=1), Permission("ent-1", "research"))
    hub.access.record_delivery(CURATOR, Taken("x/y", "c" * 40, "a", 5), Permission())
    found = {row.person: row for row in hub.access.deliveries(hub.city["auditor"])}
    reader = found[READER.person]
    assert (reader.files, reader.bytes, reader.rows, reader.path, reader.entitlement) == (3, 30, 6, "", "ent-1")
    assert found[CURATOR.person].path == "a"
    assert {row.org for row in hub.access.deliveries(READER)} == {READER.org}


def test_what_is_believed_no_longer_is_let_go() -> None:
    fresh: Fresh[int, int] = Fresh(0.02)
    for key in range(100):
        fresh.put(key, key)
    time.sleep(0.03)
    for key in range(100, 150):
        fresh.put(key, key)
    assert not fresh.kept.keys() & set(range(90))
    lasting: Fresh[int, int] = Fresh(600)
    assert [lasting.put(key, key) for key in range(3)] == [lasting.get(key) for key in range(3)] == [0, 1, 2]
