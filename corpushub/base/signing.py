"""Ed25519 keys, signed notes, witness cosignatures and DSSE envelopes.

Rules, and where they are written:
1. A note is text ending in a newline, an empty line, then lines `— <name> <base64(key id || signature)>` (C2SP signed-note).
2. A key id is the first four bytes of SHA-256(name || 0x0A || type || public key); type 0x01 signs the text itself.
3. A witness signs with type 0x04: `cosignature/v1`, `time <seconds>`, then the note's text (C2SP tlog-cosignature); its signature
   bytes are time (eight bytes, big endian) || Ed25519 signature.
4. A public key travels as `<name>+<key id, hex>+<base64(type || key)>` (C2SP signed-note, verifier keys).
5. DSSE signs `DSSEv1 <len type> <type> <len body> <body>`; the body of a release is an in-toto Statement v1.
6. Private keys are PKCS #8 files of the owner alone (0600) and are never replaced.
Unknown signature lines are passed over; a line with a known key and a wrong signature makes the note invalid.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from corpushub.base.errors import Conflict, Invalid
from corpushub.base.identity import canonical
from corpushub.base.settings import Settings

SIGNER = 0x01
WITNESS = 0x04
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
_DASH = "\u2014 "


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name it speaks under. `VerifierKey.parse(str(key)) == key`."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Raises: Invalid("ledger.verifier_key")."""
        parts = text.strip().split("+", 2)
        try:
            name, key_id, packed = parts
            raw = base64.b64decode(packed, validate=True)
        except (ValueError, binascii.Error):
            raise Invalid("ledger.verifier_key") from None
        if not is_key_name(name) or len(raw) != 33 or raw[0] not in {SIGNER, WITNESS}:
            raise Invalid("ledger.verifier_key")
        key = cls(name, raw[0], raw[1:])
        if key.key_id.hex() != key_id:
            raise Invalid("ledger.verifier_key")
        return key

    def verifies(self, signature: bytes, message: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its name; `kind` WITNESS makes it sign cosignatures."""

    name: str
    private: Ed25519PrivateKey
    kind: int = SIGNER

    @classmethod
    def generate(cls, name: str, kind: int = SIGNER) -> SigningKey:
        """Raises: Invalid("ledger.key_name")."""
        if not is_key_name(name):
            raise Invalid("ledger.key_name", name=name)
        return cls(name, Ed25519PrivateKey.generate(), kind)

    @property
    def verifier(self) -> VerifierKey:
        public = self.private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return VerifierKey(self.name, self.kind, public)

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


def is_key_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(letter.isspace() for letter in name)


def keep_key(folder: Path, role: str, name: str, kind: int = SIGNER) -> SigningKey:
    """The key of `role` in `folder`, made on first use; the name of its first use stays.

    Raises: Conflict("ledger.key_open") where others on the machine could read it, Invalid("ledger.key_file").
    """
    secret, public = folder / f"{role}.key", folder / f"{role}.vkey"
    if not secret.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_key(secret, public, SigningKey.generate(name, kind))
    return read_key(secret, public)


def hub_key(settings: Settings, role: str, kind: int = SIGNER) -> SigningKey:
    """The hub's key for `role` (ledger, release, witness), named `<host>/<role>` when first made."""
    host = settings.endpoint().partition("://")[2] or settings.endpoint()
    return keep_key(settings.home / "keys", role, f"{host}/{role}", kind)


def write_key(secret: Path, public: Path, key: SigningKey) -> None:
    """Write both halves; a key that is already there is left alone (two processes may start at once)."""
    pem = key.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    draft = secret.with_name(f"{secret.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(pem + f"{key.verifier}\n".encode())
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(draft, secret)
        public.write_text(f"{key.verifier}\n", "utf-8")
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def read_key(secret: Path, public: Path) -> SigningKey:
    if secret.stat().st_mode & 0o077:
        raise Conflict("ledger.key_open", file=secret.name)
    try:
        pem, line = secret.read_bytes().rsplit(b"-----\n", 1)
        private = serialization.load_pem_private_key(pem + b"-----\n", password=None)
    except ValueError:
        raise Invalid("ledger.key_file", file=secret.name) from None
    stated = VerifierKey.parse(line.decode())
    if not isinstance(private, Ed25519PrivateKey):
        raise Invalid("ledger.key_file", file=secret.name)
    key = SigningKey(stated.name, private, stated.kind)
    if key.verifier != stated:
        raise Invalid("ledger.key_file", file=secret.name)
    if not public.exists():
        public.write_text(f"{key.verifier}\n", "utf-8")
    return key


@dataclass(frozen=True, slots=True)
class Note:
    """Text and its signature lines. `Note.parse(str(note)) == note`."""

    text: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text + "\n" + "".join(f"{line}\n" for line in self.lines)

    @classmethod
    def parse(cls, note: str) -> Note:
        """Raises: Invalid("ledger.note")."""
        text, found, signatures = note.rpartition("\n\n")
        lines = signatures.split("\n")
        if not found or not text or lines[-1] or not all(line.startswith(_DASH) for line in lines[:-1]):
            raise Invalid("ledger.note")
        return cls(text + "\n", tuple(lines[:-1]))

    def signed(self, key: SigningKey) -> Note:
        return self.with_line(signature_line(key.verifier, key.sign(self.text.encode())))

    def cosigned(self, key: SigningKey, seconds: int) -> Note:
        """Add a witness' line; `seconds` since 1970 says when the witness saw it."""
        return self.with_line(signature_line(key.verifier, seconds.to_bytes(8, "big") + key.sign(witnessed(self.text, seconds))))

    def with_line(self, line: str) -> Note:
        return self if line in self.lines else Note(self.text, (*self.lines, line))


def signature_line(key: VerifierKey, signature: bytes) -> str:
    return f"{_DASH}{key.name} {base64.b64encode(key.key_id + signature).decode()}"


def witnessed(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


@dataclass(frozen=True, slots=True)
class Signature:
    """A verified line; `seconds` is the witness' time, 0 for a plain signature."""

    name: str
    line: str
    seconds: int = 0


def verify_note(note: Note, keys: Iterable[VerifierKey]) -> tuple[Signature, ...]:
    """The lines of `note` that `keys` vouch for, in their order.

    Raises: Invalid("ledger.signature") where a known key's line does not verify, Invalid("ledger.note") where a line is malformed.
    """
    known = {(key.name, key.key_id): key for key in keys}
    found: list[Signature] = []
    for line in note.lines:
        name, _, packed = line.removeprefix(_DASH).partition(" ")
        try:
            raw = base64.b64decode(packed, validate=True)
        except binascii.Error:
            raise Invalid("ledger.note") from None
        if (key := known.get((name, raw[:4]))) is None:
            continue
        seconds = int.from_bytes(raw[4:12], "big") if key.kind == WITNESS else 0
        message = witnessed(note.text, seconds) if key.kind == WITNESS else note.text.encode()
        if not key.verifies(raw[12:] if key.kind == WITNESS else raw[4:], message):
            raise Invalid("ledger.signature", name=name)
        found.append(Signature(name, line, seconds))
    return tuple(found)


def statement(subjects: Mapping[str, str], predicate_type: str, predicate: Mapping[str, Any]) -> dict[str, Any]:
    """An in-toto Statement v1 about files: `subjects` is path -> SHA-256 (hex)."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(subjects.items())],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }


def authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What DSSE signs (PAE)."""
    return b"DSSEv1 %d %s %d %s" % (len(payload_type.encode()), payload_type.encode(), len(payload), payload)


def seal(value: Mapping[str, Any], keys: Sequence[SigningKey], payload_type: str = PAYLOAD_TYPE) -> dict[str, Any]:
    """A DSSE envelope around the canonical JSON of `value`, signed by each of `keys`."""
    payload = canonical(value)
    message = authentication_encoding(payload_type, payload)
    return {
        "payloadType": payload_type,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": str(key.verifier), "sig": base64.b64encode(key.sign(message)).decode()} for key in keys],
    }


def unseal(envelope: Mapping[str, Any], keys: Iterable[VerifierKey], threshold: int = 1) -> bytes:
    """The payload, once `threshold` different `keys` have signed it.

    Raises: Invalid("ledger.envelope").
    """
    try:
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [base64.b64decode(item["sig"], validate=True) for item in envelope["signatures"]]
        message = authentication_encoding(envelope["payloadType"], payload)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Invalid("ledger.envelope") from None
    vouching = {key.public for key in keys if any(key.verifies(signature, message) for signature in signatures)}
    if len(vouching) < threshold:
        raise Invalid("ledger.envelope")
    return payload
