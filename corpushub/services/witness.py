"""A witness of other hubs' ledgers: it keeps the last checkpoint it saw of each and signs a newer one only if that continues it.

The request is that of C2SP tlog-witness: `old <size>`, the consistency proof in base64, an empty line, the checkpoint. It travels as a
file or over HTTP, so a witness may sit in a network nobody can reach.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path

from corpushub.base.errors import Conflict, Invalid
from corpushub.base.identity import Clock, sha256
from corpushub.base.merkle import Checkpoint, proves_consistency
from corpushub.base.signing import WITNESS, Note, SigningKey, VerifierKey, keep_key, verify_note


def witness_request(since: int, path: Sequence[bytes], note: Note) -> str:
    proof = "".join(f"{base64.b64encode(item).decode()}\n" for item in path)
    return f"old {since}\n{proof}\n{note}"


def read_request(text: str) -> tuple[int, list[bytes], Note]:
    """Inverse of `witness_request`. Raises: Invalid("audit.request" | "ledger.note")."""
    head, found, note = text.partition("\n\n")
    first, *proof = head.split("\n")
    word, _, size = first.partition(" ")
    if word != "old" or not found or not (size.isascii() and size.isdigit()):
        raise Invalid("audit.request")
    try:
        path = [base64.b64decode(line, validate=True) for line in proof]
    except binascii.Error:
        raise Invalid("audit.request") from None
    return int(size), path, Note.parse(note)


class Witness:
    """`folder` holds the witness' own key and the last note of each log, one file per log."""

    def __init__(self, folder: Path, name: str, clock: Clock) -> None:
        self.folder = folder
        self.name = name
        self.clock = clock

    @property
    def key(self) -> SigningKey:
        return keep_key(self.folder, "witness", self.name, WITNESS)

    def place(self, log: VerifierKey) -> Path:
        return self.folder / f"seen-{sha256(str(log).encode())[:16]}.checkpoint"

    def last(self, log: VerifierKey) -> Note | None:
        """The newest note this witness signed for `log`."""
        file = self.place(log)
        return Note.parse(file.read_text("utf-8")) if file.exists() else None

    def sign(self, log: VerifierKey, request: str) -> str:
        """The cosignature line, once the checkpoint is `log`'s and continues what was seen before.

        Raises: Invalid("audit.request" | "ledger.signature" | ...), Conflict("audit.not_signed" | "audit.seen_other" | "audit.not_continuing").
        """
        since, path, note = read_request(request)
        stated = Checkpoint.parse(note.text)
        if stated.origin != log.name or not verify_note(note, [log]):
            raise Conflict("audit.not_signed", origin=stated.origin)
        known = self.last(log)
        seen = Checkpoint.parse(known.text) if known else None
        if seen is not None:
            if since != seen.size:
                raise Conflict("audit.seen_other", size=seen.size, given=since)
            if not proves_consistency(seen.size, stated.size, (seen.root, stated.root), path):
                raise Conflict("audit.not_continuing", old=seen.size, new=stated.size)
        cosigned = Note(note.text, ()).cosigned(self.key, int(self.clock().timestamp()))
        draft = self.place(log).with_suffix(".part")
        draft.write_text(str(note), "utf-8")
        draft.replace(self.place(log))
        return cosigned.lines[0]
