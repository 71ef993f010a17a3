"""The audit bundle: a tar an auditor checks offline with `tools/verify_audit.py`. Members stand in the order they are checked in.

bundle.json           format, log, size, root and the range of entries inside
checkpoint            the signed note of this size, with cosignatures
keys/                 the log's and its witnesses' public keys (for convenience: trust those you were given)
checkpoints/<size>    the notes signed before
tile/<level>/...      every hash of the tree (C2SP tlog-tiles)
tile/entries/...      the entries of the range, 256 to a bundle
manifests/<digest>    the manifest of every published release
dsse/<digest>         its signed statement
anchors/<size>.<kind> receipts from outside
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from corpushub.base.errors import NotFound
from corpushub.base.identity import canonical
from corpushub.base.merkle import TILE_WIDTH, Checkpoint, pack_entries, tile_path, tile_shapes
from corpushub.base.signing import Note, VerifierKey
from corpushub.domain.build import Progress, ProgressEvent, silent
from corpushub.services.consistency import manifest_bytes
from corpushub.store.db import Unit
from corpushub.store.objects import Objects

FORMAT = "corpushub-audit/1"
_NOTES = 200


@dataclass(slots=True)
class Bundle:
    """Writes one bundle; `manifests` gathers what the entries name while they pass."""

    stream: BinaryIO
    unit: Unit
    objects: Objects
    keys: Mapping[str, VerifierKey]
    progress: Progress = silent
    manifests: dict[str, None] = field(default_factory=dict)

    def write(self, note: Note, first: int, last: int) -> int:
        """Write everything of `note`'s tree with the entries from `first` up to `last`; the members written."""
        stated = Checkpoint.parse(note.text)
        first, last = first - first % TILE_WIDTH, min(stated.size, -(-last // TILE_WIDTH) * TILE_WIDTH)
        count = 0
        with tarfile.open(fileobj=self.stream, mode="w|", format=tarfile.USTAR_FORMAT) as tar:
            for path, data in self.members(note, stated, first, last):
                info = tarfile.TarInfo(path)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
                count += 1
        return count

    def members(self, note: Note, stated: Checkpoint, first: int, last: int) -> Iterator[tuple[str, bytes]]:
        head = {"format": FORMAT, "origin": stated.origin, "size": stated.size, "root": stated.root.hex(), "range": [first, last]}
        yield "bundle.json", canonical(head)
        yield "checkpoint", str(note).encode()
        for name, key in self.keys.items():
            yield f"keys/{name}.vkey", f"{key}\n".encode()
        for size, _, earlier in self.unit.ledger.notes(_NOTES):
            if size < stated.size:
                yield f"checkpoints/{size}", str(earlier).encode()
        for level, index, width in tile_shapes(stated.size):
            yield tile_path(level, index, width), self.unit.ledger.tile(level, index, width)
        yield from self.entries(first, last)
        yield from self.statements()
        for anchor in self.unit.ledger.anchors():
            yield f"anchors/{anchor.size}.{anchor.kind}.{anchor.at.replace(':', '')}", anchor.receipt

    def entries(self, first: int, last: int) -> Iterator[tuple[str, bytes]]:
        waiting: list[bytes] = []
        for index, entry, *_ in self.unit.ledger.rows(first, last):
            waiting.append(entry)
            if b'"release.' in entry:
                self.note_manifest(json.loads(entry))
            if len(waiting) == TILE_WIDTH or index == last - 1:
                yield tile_path("entries", index // TILE_WIDTH, len(waiting)), pack_entries(waiting)
                self.progress(ProgressEvent("entries", index + 1 - first, last - first, "entries"))
                waiting = []

    def note_manifest(self, leaf: Mapping[str, Any]) -> None:
        data = leaf.get("data")
        if (
            str(leaf.get("type", "")).startswith("release.")
            and isinstance(data, dict)
            and isinstance(data.get("manifest_digest"), str)
        ):
            self.manifests[data["manifest_digest"]] = None

    def statements(self) -> Iterator[tuple[str, bytes]]:
        """The manifests, then the envelopes they name; what is gone is left out, and the verifier says so where it matters."""
        envelopes: dict[str, None] = {}
        for digest in self.manifests:
            if (data := manifest_bytes(self.unit, self.objects, digest)) is None:
                continue
            yield f"manifests/{digest}.json", data
            for item in json.loads(data).get("files", ()):
                if item["path"].endswith(".dsse.json"):
                    envelopes[item["sha256"]] = None
        for digest in envelopes:
            if (data := self.held(digest)) is not None:
                yield f"dsse/{digest}.json", data

    def held(self, digest: str) -> bytes | None:
        try:
            return self.objects.read(digest)
        except NotFound:
            return None
