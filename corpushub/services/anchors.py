"""Receipts from outside for a checkpoint, each through a program of the operator's choice, so that no network library is needed here.

* `rfc3161`: the program gets a DER time-stamp request on standard input and answers with the response (for instance
  `curl -sS -H 'Content-Type: application/timestamp-query' --data-binary @- https://tsa.example`). The answer has to be granted and
  to stamp exactly the digest that was asked for.
* any other kind (a chain, a notary): the program gets the signed checkpoint as text and answers with whatever its receipt is.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Sequence

from corpushub.base.errors import Conflict, Invalid, Unavailable

RFC3161 = "rfc3161"
_SECONDS = 60
_MAX_BYTES = 1 << 20
_SHA256 = bytes.fromhex("300d06096086480165030402010500")  # AlgorithmIdentifier id-sha256, NULL parameters
_TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")  # id-ct-TSTInfo


def timestamp_request(digest: bytes) -> bytes:
    """DER of a TimeStampReq (RFC 3161 2.4.1) for a SHA-256 digest, asking for the certificate."""
    imprint = sequence(_SHA256 + b"\x04\x20" + digest)
    return sequence(b"\x02\x01\x01" + imprint + b"\x01\x01\xff")


def sequence(body: bytes) -> bytes:
    return b"\x30" + bytes([len(body)]) + body  # every body here is shorter than 128 bytes


def stamps(response: bytes, digest: bytes) -> bool:
    """Is `response` a granted TimeStampResp whose TSTInfo holds `digest`? The signature is for the auditor's own tool to check."""
    body = inside(response)
    status = inside(body) if body is not None else None
    if status is None or status[:2] != b"\x02\x01" or status[2] not in {0, 1}:
        return False
    token = response[response.find(_TST_INFO) :] if _TST_INFO in response else b""
    return sequence(_SHA256 + b"\x04\x20" + digest) in token


def inside(der: bytes) -> bytes | None:
    """The content of a DER sequence, None where there is none."""
    if len(der) < 2 or der[0] != 0x30:
        return None
    if der[1] < 0x80:
        return der[2 : 2 + der[1]]
    count = der[1] & 0x7F
    length = int.from_bytes(der[2 : 2 + count], "big")
    return der[2 + count : 2 + count + length]


def fetch_receipt(kind: str, command: Sequence[str], note: str) -> bytes:
    """Run `command` for the checkpoint `note` and return its answer.

    Raises: Invalid("audit.anchor_kind" | "audit.anchor_command"), Unavailable("audit.anchor_failed"), Conflict("audit.anchor_answer").
    """
    if not kind.isascii() or not kind.isidentifier():
        raise Invalid("audit.anchor_kind", kind=kind)
    if not command:
        raise Invalid("audit.anchor_command")
    digest = hashlib.sha256(note.encode()).digest()
    given = timestamp_request(digest) if kind == RFC3161 else note.encode()
    try:
        done = subprocess.run(list(command), input=given, capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable("audit.anchor_failed", kind=kind, status=type(error).__name__) from None
    if done.returncode != 0:
        raise Unavailable("audit.anchor_failed", kind=kind, status=done.returncode)
    answer = done.stdout
    if not answer or len(answer) > _MAX_BYTES or (kind == RFC3161 and not stamps(answer, digest)):
        raise Conflict("audit.anchor_answer", kind=kind)
    return answer
