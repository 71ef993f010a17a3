from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope

from corpushub.base.errors import Conflict, Invalid
from corpushub.base.signing import (
    WITNESS,
    Note,
    SigningKey,
    VerifierKey,
    authentication_encoding,
    keep_key,
    read_key,
    seal,
    statement,
    unseal,
    verify_note,
)

LOG = SigningKey.generate("hub.example/ledger")
OTHER = SigningKey.generate("other.example/ledger")
AUDITOR = SigningKey.generate("audit.example", WITNESS)


def test_a_verifier_key_of_the_standard_is_read():
    # The example key of the Go signed-note documentation.
    key = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    note = Note.parse(
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    assert [found.name for found in verify_note(note, [key])] == ["PeterNeumann"]


@given(st.from_regex(r"[a-z./-]{1,30}", fullmatch=True), st.sampled_from([1, 4]))
def test_verifier_keys_round_trip(name: str, kind: int):
    key = SigningKey.generate(name, kind).verifier
    assert VerifierKey.parse(str(key)) == key


@pytest.mark.parametrize("text", ["", "a+b", "name+00000000+" + base64.b64encode(bytes([1, *range(32)])).decode(), "n+zz+!!"])
def test_other_text_is_no_verifier_key(text: str):
    with pytest.raises(Invalid, match=r"verifier_key"):
        VerifierKey.parse(text)


@given(st.text(min_size=1, max_size=50).filter(lambda text: "\n\n" not in text + "\n" and not text.startswith("\n")))
def test_notes_round_trip_and_verify(text: str):
    note = Note(text + "\n").signed(LOG).cosigned(AUDITOR, 1_800_000_000)
    assert Note.parse(str(note)) == note
    log, witness = verify_note(note, [LOG.verifier, AUDITOR.verifier])
    assert (log.seconds, witness.seconds) == (0, 1_800_000_000)


def test_lines_of_unknown_keys_are_passed_over():
    note = Note("x\n").signed(LOG).signed(OTHER)
    assert [found.name for found in verify_note(note, [OTHER.verifier])] == ["other.example/ledger"]


def test_a_changed_text_breaks_the_signature():
    note = Note("x\n").signed(LOG)
    with pytest.raises(Invalid, match=r"ledger\.signature"):
        verify_note(Note("y\n", note.lines), [LOG.verifier])


def test_a_witness_time_cannot_be_changed():
    line = Note("x\n").cosigned(AUDITOR, 1000).lines[0]
    head, packed = line.rsplit(" ", 1)
    raw = bytearray(base64.b64decode(packed))
    raw[11] ^= 1
    with pytest.raises(Invalid, match=r"ledger\.signature"):
        verify_note(Note("x\n", (f"{head} {base64.b64encode(raw).decode()}",)), [AUDITOR.verifier])


@pytest.mark.parametrize("text", ["", "x\n", "x\n\nno dash\n", "x\n\n— a b"])
def test_other_text_is_no_note(text: str):
    with pytest.raises(Invalid, match=r"ledger\.note"):
        Note.parse(text)


def test_private_keys_belong_to_their_owner_alone(tmp_path: Path):
    key = keep_key(tmp_path / "keys", "ledger", "hub/ledger")
    file = tmp_path / "keys" / "ledger.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert keep_key(tmp_path / "keys", "ledger", "another name").verifier == key.verifier
    assert VerifierKey.parse((tmp_path / "keys" / "ledger.vkey").read_text()) == key.verifier
    file.chmod(0o644)
    with pytest.raises(Conflict, match=r"key_open"):
        keep_key(tmp_path / "keys", "ledger", "hub/ledger")


def test_a_broken_key_file_is_told(tmp_path: Path):
    keep_key(tmp_path, "ledger", "hub/ledger")
    file = tmp_path / "ledger.key"
    for content in (b"", b"-----\nx", file.read_bytes().replace(b"hub/", b"bub/")):
        file.write_bytes(content)
        with pytest.raises(Invalid, match=r"key_file|verifier_key"):
            read_key(file, tmp_path / "ledger.vkey")


def test_envelopes_open_with_the_key_that_sealed_them():
    value = statement({"data/a.parquet": "0" * 64}, "https://example.org/release/v1", {"version": "1.0.0"})
    envelope = seal(value, [LOG, OTHER])
    assert json.loads(unseal(envelope, [LOG.verifier])) == value
    assert json.loads(unseal(envelope, [LOG.verifier, OTHER.verifier], threshold=2)) == value
    with pytest.raises(Invalid, match=r"ledger\.envelope"):
        unseal(envelope, [AUDITOR.verifier])
    with pytest.raises(Invalid, match=r"ledger\.envelope"):
        unseal(envelope, [LOG.verifier, LOG.verifier], threshold=2)
    with pytest.raises(Invalid, match=r"ledger\.envelope"):
        unseal({**envelope, "payload": base64.b64encode(b"{}").decode()}, [LOG.verifier])
    with pytest.raises(Invalid, match=r"ledger\.envelope"):
        unseal({"payload": "?"}, [LOG.verifier])


def test_a_second_implementation_reads_our_envelopes():
    value = statement({"a": "0" * 64}, "https://example.org/p", {"n": 1})
    envelope = seal(value, [LOG])
    foreign = Envelope.from_dict(json.loads(json.dumps(envelope)))
    assert foreign.pae() == authentication_encoding(envelope["payloadType"], foreign.payload)
    Ed25519PublicKey.from_public_bytes(LOG.verifier.public).verify(
        base64.b64decode(envelope["signatures"][0]["sig"]), foreign.pae()
    )


def test_the_statement_is_one_the_standard_accepts():
    from google.protobuf.json_format import ParseDict
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.statement import Statement

    value = statement({"a": "0" * 64}, "https://example.org/p", {"n": 1})
    parsed = ParseDict(value, statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()
