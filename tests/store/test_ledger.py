from __future__ import annotations

import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.base.errors import Conflict, HubError, Invalid, NotFound
from corpushub.base.merkle import Checkpoint, leaf_hash, proves_consistency, proves_inclusion, root_of
from corpushub.base.signing import WITNESS, SigningKey, verify_note
from corpushub.store.db import Database
from corpushub.store.ledger_check import check
from tests.kit.ledger import an_event
from tests.kit.postgres import a_database

START = datetime(2026, 11, 22, tzinfo=UTC)
KEY = SigningKey.generate("hub.example/ledger")
WITNESS_KEY = SigningKey.generate("audit.example", WITNESS)


class SteppedClock:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


BACKENDS = ["sqlite", "postgresql"]


@pytest.fixture(params=BACKENDS)
def database(request: pytest.FixtureRequest, tmp_path: Path, clock: SteppedClock) -> Generator[Database]:
    made = Database(a_database("ledger") if request.param == "postgresql" else str(tmp_path / "hub.db"), clock)
    yield made
    made.close()


def fill(database: Database, count: int, start: int = 0) -> None:
    with database.begin() as unit:
        for number in range(start, start + count):
            unit.ledger.append({"stream": f"case-{number}", "version": 1, "data": {"n": number}})


def test_leaves_are_numbered_and_hashed_as_stored(database: Database):
    fill(database, 3)
    with database.read() as unit:
        rows = list(unit.ledger.rows())
        assert [index for index, *_ in rows] == [0, 1, 2]
        assert all(leaf_hash(entry) == hashed for _, entry, hashed, _ in rows)
        assert json.loads(unit.ledger.entry(1))["data"] == {"n": 1}
        assert unit.ledger.find("case-2", 1) == 2
        assert list(unit.ledger.rows(1, 2)) == rows[1:2]


def test_the_check_passes_on_what_was_written_and_names_what_was_not(database: Database):
    with database.begin() as unit:
        for number in range(300):
            unit.events.append(an_event(f"case-{number % 9}", number // 9 + 1, words=f"number {number}"))
        unit.ledger.checkpoint(KEY)
    with database.begin() as unit:
        found = check(unit.ledger, [KEY.verifier])
        assert (found.leaves, found.events, found.checkpoints, found.problems) == (300, 300, 1, [])
        unit.connection.exec_driver_sql("INSERT INTO events (stream, version, type, state) VALUES ('case-x', 1, 'demand.x', 'y')")
        unit.connection.exec_driver_sql("UPDATE ledger_head SET size = 299")
        places = [problem.place() for problem in check(unit.ledger, [KEY.verifier]).problems]
        assert places == ["ledger/head", "events/case-x@1"]


def test_a_unit_that_fails_leaves_no_leaf(database: Database):
    fill(database, 2)
    with pytest.raises(Invalid), database.begin() as unit:
        unit.ledger.append({"stream": "x", "version": 1})
        raise Invalid("ledger.note")
    with database.read() as unit:
        assert unit.ledger.size() == 2


def test_proofs_hold_across_tiles_and_units(database: Database):
    for start, count in ((0, 200), (200, 56), (256, 1), (257, 300)):
        fill(database, count, start)
    with database.begin() as unit:
        size = unit.ledger.size()
        leaves = [hashed for _, _, hashed, _ in unit.ledger.rows()]
        tree = unit.ledger.tree()
        assert tree.root() == root_of(leaves)
        assert unit.ledger.stored_head()[0] == size == 557
        for index in (0, 199, 255, 256, 511, 512, 556):
            assert proves_inclusion(leaves[index], index, size, tree.inclusion(index), tree.root())
        for old in (0, 1, 200, 256, 257, 512, 557):
            assert proves_consistency(old, size, (root_of(leaves[:old]), tree.root()), tree.consistency(old))


def test_full_tiles_are_kept_and_partial_ones_derived(database: Database):
    fill(database, 300)
    with database.read() as unit:
        kept = [place for place in ((0, 0), (0, 1), (1, 0)) if unit.ledger.stored_tile(*place)]
        assert kept == [(0, 0)]
        assert len(unit.ledger.tile(0, 1, 44)) == 44 * 32
        assert len(unit.ledger.tile(1, 0, 1)) == 32
        with pytest.raises(NotFound, match=r"no_tile"):
            unit.ledger.tile(0, 1, 45)


@pytest.mark.parametrize("table", ["ledger_leaves", "ledger_tiles", "ledger_checkpoints"])
@pytest.mark.parametrize("statement", ["DELETE FROM {table}", "UPDATE {table} SET {column} = {column}"])
def test_the_database_refuses_to_change_history(database: Database, table: str, statement: str):
    fill(database, 256)
    with database.begin() as unit:
        unit.ledger.checkpoint(KEY)
    column = "size" if table.endswith("points") else "idx"
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.begin() as unit:
        unit.connection.exec_driver_sql(statement.format(table=table, column=column))


def test_a_clock_set_back_is_refused_and_nothing_is_changed(database: Database, clock: SteppedClock):
    fill(database, 1)
    clock.now -= timedelta(seconds=30)
    with pytest.raises(Conflict, match=r"clock_back"):
        fill(database, 1, 1)
    clock.now = START - timedelta(seconds=2)  # hosts that differ a little go on
    fill(database, 1, 1)
    with database.read() as unit:
        times = [json.loads(entry)["logged_at"] for _, entry, _, _ in unit.ledger.rows()]
    assert times == sorted(times)
    assert len(times) == 2


@pytest.mark.parametrize("value", ["13912345678", "call 13912345678 now", "11010519491231002X"])
def test_personal_numbers_in_clear_are_refused(database: Database, value: str):
    with pytest.raises(Invalid, match=r"personal_data"), database.begin() as unit:
        unit.ledger.append({"stream": "s", "version": 1, "data": {"contact": value}})


@pytest.mark.parametrize("value", [13912345678, "a" * 64, "110000202511220001", "case-13912345678"])
def test_sizes_digests_and_codes_are_no_personal_numbers(database: Database, value: object):
    with database.begin() as unit:
        assert unit.ledger.append({"stream": "s", "version": 1, "data": {"bytes": value}}) == 0


def test_a_commitment_opens_until_the_person_is_forgotten(database: Database):
    with database.begin() as unit:
        commitment = unit.ledger.conceal("person-1", "Li Lei, 13912345678")
        other = unit.ledger.conceal("person-2", "Li Lei, 13912345678")
        unit.ledger.append({"stream": "p", "version": 1, "data": {"contact": commitment}})
        assert commitment != other
        assert unit.ledger.opens(commitment, "Li Lei, 13912345678")
        assert not unit.ledger.opens(commitment, "Han Meimei")
        root = unit.ledger.tree().root()
    with database.begin() as unit:
        assert unit.ledger.forget("person-1") == 1
        assert not unit.ledger.opens(commitment, "Li Lei, 13912345678")
        assert unit.ledger.opens(other, "Li Lei, 13912345678")
        assert unit.ledger.tree().root() == root


def test_long_data_is_recorded_by_its_digest(database: Database):
    with database.begin() as unit:
        unit.ledger.append({"stream": "s", "version": 1, "data": {"text": "x" * 70_000}})
        leaf = json.loads(unit.ledger.entry(0))
        assert "data" not in leaf
        assert len(leaf["data_sha256"]) == 64
        with pytest.raises(Invalid, match=r"entry_too_long"):
            unit.ledger.append({"stream": "s", "version": 2, "note": "x" * 70_000})


def test_a_checkpoint_is_signed_once_per_size(database: Database):
    fill(database, 5)
    with database.begin() as unit:
        note = unit.ledger.checkpoint(KEY)
        assert unit.ledger.checkpoint(KEY) == note
        assert verify_note(note, [KEY.verifier])
        assert Checkpoint.parse(note.text) == Checkpoint(KEY.name, 5, unit.ledger.tree().root())
        assert unit.ledger.latest() == note


def test_only_known_witnesses_cosign(database: Database):
    fill(database, 5)
    with database.begin() as unit:
        note = unit.ledger.checkpoint(KEY)
        line = note.cosigned(WITNESS_KEY, 1_800_000_000).lines[-1]
        with pytest.raises(Conflict, match=r"unknown_witness"):
            unit.ledger.cosign(5, (line,))
        unit.ledger.add_witness(WITNESS_KEY.verifier, "audit-office")
        assert unit.ledger.cosign(5, (line,)) == 1
        assert unit.ledger.cosign(5, (line,)) == 0
        stored = unit.ledger.latest()
        assert stored is not None
        assert [found.name for found in verify_note(stored, [KEY.verifier, WITNESS_KEY.verifier])] == [KEY.name, WITNESS_KEY.name]
        with pytest.raises(NotFound, match=r"no_checkpoint"):
            unit.ledger.cosign(4, (line,))


def test_a_missing_leaf_or_event_is_told(database: Database):
    with database.read() as unit:
        assert unit.ledger.size() == 0
        assert unit.ledger.latest() is None
        for ask in (lambda: unit.ledger.entry(0), lambda: unit.ledger.find("s", 1)):
            with pytest.raises(HubError, match=r"no_leaf|no_event"):
                ask()


@settings(max_examples=15)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_any_sequence_of_units_gives_one_consistent_log(batches: list[int]):
    database = Database("sqlite://", lambda: START)
    seen: list[tuple[int, bytes]] = []
    for number, count in enumerate(batches):
        fill(database, count, number * 100)
        with database.read() as unit:
            tree = unit.ledger.tree()
            for size, root in seen:
                assert proves_consistency(size, tree.size, (root, tree.root()), tree.consistency(size))
            seen.append((tree.size, tree.root()))
    database.close()
