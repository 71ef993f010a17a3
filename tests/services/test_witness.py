from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from corpushub.base.errors import Conflict, Invalid, NotFound
from corpushub.base.merkle import Checkpoint, leaf_hash, proves_inclusion
from corpushub.base.signing import Note, SigningKey, verify_note
from corpushub.domain.parties import SYSTEM
from corpushub.services.audit import Audit
from corpushub.services.witness import Witness, read_request, witness_request
from corpushub.store.events import Events
from tests.kit.ledger import a_record, an_event, damage


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return a_record(tmp_path / "hub")


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "witness", "audit.example/witness", lambda: datetime(2026, 11, 23, tzinfo=UTC))


def grow(audit: Audit, stream: str) -> None:
    with audit.database.begin() as unit:
        Events(unit.connection, unit.documents, unit.ledger).append(an_event(stream, 1))


def test_a_witness_follows_a_growing_log(audit: Audit, witness: Witness):
    audit.add_witness(SYSTEM, str(witness.key.verifier), "audit-office")
    seen = 0
    for stream in ("one", "two", "three"):
        grow(audit, stream)
        request = audit.request(SYSTEM, seen)
        assert audit.cosign(witness.sign(audit.verifier_key(), request)) == 1
        last = witness.last(audit.verifier_key())
        assert last is not None
        seen = Checkpoint.parse(last.text).size
    latest = audit.latest()
    assert latest is not None
    assert latest.signatures == 2
    keys = [audit.verifier_key(), witness.key.verifier]
    assert {found.seconds for found in verify_note(Note.parse(latest.note), keys)} == {0, 1795392000}
    assert audit.verify().is_whole


def test_a_witness_does_not_sign_a_rewritten_history(audit: Audit, witness: Witness, tmp_path: Path):
    witness.sign(audit.verifier_key(), audit.request(SYSTEM))
    grow(audit, "one")
    damage(tmp_path / "hub", "UPDATE ledger_leaves SET hash = zeroblob(32) WHERE idx = 3")
    with pytest.raises(Conflict, match=r"not_continuing"):
        witness.sign(audit.verifier_key(), audit.request(SYSTEM, 20))


def test_a_witness_asks_for_a_proof_from_where_it_stood(audit: Audit, witness: Witness):
    witness.sign(audit.verifier_key(), audit.request(SYSTEM))
    grow(audit, "one")
    with pytest.raises(Conflict, match=r"seen_other"):
        witness.sign(audit.verifier_key(), audit.request(SYSTEM, 5))


def test_a_witness_signs_for_the_named_log_only(audit: Audit, witness: Witness):
    stranger = SigningKey.generate(audit.key.name).verifier
    with pytest.raises(Conflict, match=r"not_signed"):
        witness.sign(stranger, audit.request(SYSTEM))


def test_an_old_request_cannot_take_a_witness_back(audit: Audit, witness: Witness):
    old = audit.request(SYSTEM)
    grow(audit, "one")
    witness.sign(audit.verifier_key(), audit.request(SYSTEM))
    with pytest.raises(Conflict, match=r"seen_other"):
        witness.sign(audit.verifier_key(), old)


def test_no_hub_witnesses_itself(audit: Audit, tmp_path: Path):
    own = Witness(tmp_path / "hub" / "keys", "own", lambda: datetime(2026, 11, 23, tzinfo=UTC))
    with pytest.raises(Conflict, match=r"own_witness"):
        audit.add_witness(SYSTEM, str(own.key.verifier), "us")
    with pytest.raises(Invalid, match=r"verifier_key"):
        audit.add_witness(SYSTEM, str(SigningKey.generate("no-witness").verifier), "them")


def test_a_signature_for_nothing_of_ours_is_refused(audit: Audit, witness: Witness, tmp_path: Path):
    audit.add_witness(SYSTEM, str(witness.key.verifier), "audit-office")
    other = a_record(tmp_path / "other", 3)
    audit.checkpoint(SYSTEM)
    with pytest.raises(Conflict, match=r"no_such_note"):
        audit.cosign(witness.sign(other.verifier_key(), other.request(SYSTEM)))


@pytest.mark.parametrize("text", ["", "old x\n\na\n\n", "new 1\n\na\n\n", "old 1\n!!\n\na\n\n"])
def test_other_text_is_no_request(text: str):
    with pytest.raises(Invalid, match=r"audit\.request"):
        read_request(text)


def test_requests_round_trip(audit: Audit):
    note = Note.parse(audit.checkpoint(SYSTEM).note)
    assert read_request(witness_request(7, [b"a" * 32, b"b" * 32], note)) == (7, [b"a" * 32, b"b" * 32], note)
    assert read_request(witness_request(0, [], note)) == (0, [], note)


def test_an_event_can_be_proved_once_a_checkpoint_covers_it(audit: Audit):
    with pytest.raises(NotFound, match=r"not_signed_yet"):
        audit.prove("case-1", 2)
    audit.checkpoint(SYSTEM)
    proof = audit.prove("case-1", 2)
    stated = Checkpoint.parse(Note.parse(proof.checkpoint).text)
    path = [bytes.fromhex(item) for item in proof.path]
    assert proves_inclusion(leaf_hash(proof.entry.encode()), proof.index, stated.size, path, stated.root)
    assert '"number 8"' in proof.entry
