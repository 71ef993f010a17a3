from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from corpushub.base.errors import Conflict, Forbidden, Invalid, Unavailable
from corpushub.domain.parties import ANONYMOUS, SYSTEM
from corpushub.services.anchors import stamps, timestamp_request
from corpushub.services.audit import Audit
from tests.kit.ledger import a_record

ECHO = [sys.executable, "-c", "import sys; sys.stdout.buffer.write(b'receipt of ' + sys.stdin.buffer.read())"]
CONFIG = """
[tsa]
default_tsa = own
[own]
serial = {home}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
[ext]
extendedKeyUsage = critical,timeStamping
"""


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return a_record(tmp_path / "hub", 3)


@pytest.fixture
def authority(tmp_path: Path) -> list[str]:
    """A real time-stamp authority: openssl, with a key of its own."""
    assert shutil.which("openssl"), "this test drives a real time-stamp authority: apt-get install openssl"
    config = tmp_path / "tsa.cnf"
    config.write_text(CONFIG.format(home=tmp_path) + "[req]\ndistinguished_name=dn\n[dn]\n")
    key, certificate = tmp_path / "tsa.pem", tmp_path / "tsa.crt"
    make = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=tsa",
        "-config",
        str(config),
        "-extensions",
        "ext",
    ]
    subprocess.run([*make, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    (tmp_path / "serial").write_text("01")
    reply = f"openssl ts -reply -config {config} -inkey {key} -signer {certificate} -queryfile /dev/stdin"
    return ["sh", "-c", reply]


def test_a_real_time_stamp_is_kept_and_verifies(audit: Audit, authority: list[str], tmp_path: Path):
    anchored = audit.anchor(SYSTEM, "rfc3161", authority)
    assert anchored.size == 3
    latest = audit.latest()
    assert latest is not None
    with audit.database.read() as unit:
        (receipt,) = unit.ledger.anchors()
    digest = hashlib.sha256(latest.note.encode()).digest()
    assert stamps(receipt.receipt, digest)
    assert not stamps(receipt.receipt, hashlib.sha256(b"other").digest())
    (tmp_path / "r.tsr").write_bytes(receipt.receipt)
    (tmp_path / "r.tsq").write_bytes(timestamp_request(digest))
    check = ["openssl", "ts", "-verify", "-queryfile", str(tmp_path / "r.tsq"), "-in", str(tmp_path / "r.tsr")]
    done = subprocess.run([*check, "-CAfile", str(tmp_path / "tsa.crt")], capture_output=True, text=True, check=False)
    assert "Verification: OK" in done.stdout + done.stderr


def test_a_chain_gets_the_checkpoint_and_its_receipt_is_kept(audit: Audit):
    audit.anchor(SYSTEM, "chain", ECHO)
    with audit.database.read() as unit:
        (anchor,) = unit.ledger.anchors()
    assert anchor.receipt.startswith(b"receipt of ")
    assert b"/ledger\n3\n" in anchor.receipt


@pytest.mark.parametrize(
    ("kind", "command", "refusal", "code"),
    [
        ("rfc3161", ECHO, Conflict, "anchor_answer"),
        ("chain", ["false"], Unavailable, "anchor_failed"),
        ("chain", ["no-such-program-here"], Unavailable, "anchor_failed"),
        ("chain", ["true"], Conflict, "anchor_answer"),
        ("chain", [], Invalid, "anchor_command"),
        ("../x", ECHO, Invalid, "anchor_kind"),
    ],
)
def test_what_is_no_receipt_is_not_kept(audit: Audit, kind: str, command: list[str], refusal: type[Exception], code: str):
    with pytest.raises(refusal, match=code):
        audit.anchor(SYSTEM, kind, command)
    with audit.database.read() as unit:
        assert unit.ledger.anchors() == []


def test_anchoring_needs_a_seat(audit: Audit):
    with pytest.raises(Forbidden, match=r"audit\.seat"):
        audit.anchor(ANONYMOUS, "chain", ECHO)
