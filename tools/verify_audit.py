"""Check an audit bundle of a corpushub without trusting, or having, corpushub.

    python verify_audit.py bundle.tar --key log.vkey --witness audit.vkey --kept last-year.checkpoint --release folder/

One file, Python 3.11 and `cryptography`. The bundle is read once, front to back. What is checked, in this order:

1. The checkpoint carries the signature of the key you were given. Every witness you name cosigned it or an earlier one inside; which
   leaves came after that, so that no witness vouches for them yet, is told. There always are some: the export itself is on record.
2. The hashes in the bundle make up the tree the checkpoint states (RFC 6962, C2SP tiles); so does every checkpoint you kept.
3. Every entry is canonical JSON with the hash at its place, in order of time; every stream's versions run 1, 2, 3 ... without a gap.
4. Every published release was approved by two people of two organisations, none of whom built or proposed it; its gates passed or
   were waived on record; it is the manifest that was proposed.
5. Every manifest has the digest its release names; every DSSE envelope is signed by a key the log declares; every file of a release
   folder you name has the digest the manifest gives it.

Exit code 0: everything holds. 1: something does not, and its place is printed. 2: the input could not be read at all.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import struct
import sys
import tarfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HASH, WIDTH = 32, 256
MAX_MEMBER_BYTES = 64 << 20
MAX_SHOWN = 50
FUTURE = timedelta(seconds=120)
EVENT_FIELDS = {
    "stream": str, "version": int, "type": str, "actor": str, "on_behalf_of": str, "org": str,
    "at": str, "state": str, "rules": str, "marks": list, "logged_at": str,
}  # fmt: skip


class Unreadable(Exception):
    """The input is not a bundle, a key or a checkpoint."""


@dataclass
class Report:
    """What held and what did not."""

    held: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    failures: int = 0

    def ok(self, words: str) -> None:
        self.held.append(words)

    def fail(self, place: str, words: str) -> None:
        self.failures += 1
        if len(self.failed) < MAX_SHOWN:
            self.failed.append(f"{place}: {words}")


# Hashing


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """Perfect subtrees of a growing tree, (height, hash), highest first."""

    def __init__(self) -> None:
        self.peaks: list[tuple[int, bytes]] = []

    def add(self, height: int, node: bytes) -> None:
        while self.peaks and self.peaks[-1][0] == height:
            node = node_hash(self.peaks.pop()[1], node)
            height += 1
        self.peaks.append((height, node))

    def root(self) -> bytes:
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        node = self.peaks[-1][1]
        for _, peak in reversed(self.peaks[:-1]):
            node = node_hash(peak, node)
        return node

    def with_leaves(self, leaves: list[bytes]) -> bytes:
        """The root if `leaves` followed."""
        grown = Frontier()
        grown.peaks = list(self.peaks)
        for leaf in leaves:
            grown.add(0, leaf)
        return grown.root()


def perfect_root(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def split(packed: bytes) -> list[bytes]:
    return [packed[at : at + HASH] for at in range(0, len(packed), HASH)]


def tile_path(level: int | str, index: int, width: int) -> str:
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{name}" if width == WIDTH else f"tile/{level}/{name}.p/{width}"


# Keys and notes


@dataclass(frozen=True)
class Key:
    """A public key as its owner published it; kind 1 signs, kind 4 witnesses."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def verifies(self, signature: bytes, message: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def read_key(text: str) -> Key:
    try:
        name, key_id, packed = text.strip().split("+", 2)
        raw = base64.b64decode(packed, validate=True)
        key = Key(name, raw[0], raw[1:])
    except (ValueError, IndexError, binascii.Error):
        raise Unreadable("a key must read name+id+base64") from None
    if len(key.public) != HASH or key.key_id.hex() != key_id:
        raise Unreadable(f"the key of {name} does not fit its own id")
    return key


@dataclass(frozen=True)
class Checkpoint:
    """A signed statement of a tree."""

    text: str
    lines: tuple[str, ...]
    origin: str
    size: int
    root: bytes


def read_checkpoint(note: str) -> Checkpoint:
    text, found, signatures = note.rpartition("\n\n")
    try:
        origin, size, root, *_ = (text + "\n").split("\n")
        made = Checkpoint(text + "\n", tuple(signatures.splitlines()), origin, int(size), base64.b64decode(root, validate=True))
    except (ValueError, binascii.Error):
        raise Unreadable("not a checkpoint") from None
    if not found or made.size < 0:
        raise Unreadable("not a checkpoint")
    return made


def signed_by(checkpoint: Checkpoint, key: Key) -> int | None:
    """Seconds a witness states (0 for a plain signature) when one of its lines verifies, else None."""
    for line in checkpoint.lines:
        name, _, packed = line.removeprefix("\u2014 ").partition(" ")
        try:
            raw = base64.b64decode(packed, validate=True)
        except binascii.Error:
            continue
        if name != key.name or raw[:4] != key.key_id:
            continue
        if key.kind == 1 and key.verifies(raw[4:], checkpoint.text.encode()):
            return 0
        seconds = int.from_bytes(raw[4:12], "big")
        if key.kind == 4 and key.verifies(raw[12:], f"cosignature/v1\ntime {seconds}\n{checkpoint.text}".encode()):
            return seconds
    return None


# The tree


class Tree:
    """Takes tiles in order, lowest level first, and knows the roots at the sizes asked for."""

    def __init__(self, size: int, wanted: set[int], report: Report) -> None:
        self.size, self.report = size, report
        self.wanted = sorted(number for number in wanted if number <= size)
        self.roots: dict[int, bytes] = {}
        self.leaves: list[bytes] = []  # packed hashes of each tile of level 0
        self.above: dict[int, list[bytes]] = {}  # level -> roots of its full tiles
        self.frontier = Frontier()
        self.expected = self.shapes()

    def shapes(self) -> Any:
        level = 0
        while nodes := self.size >> (8 * level):
            for index in range(-(-nodes // WIDTH)):
                yield level, index, min(WIDTH, nodes - index * WIDTH)
            level += 1

    def tile(self, path: str, packed: bytes) -> None:
        shape = next(self.expected, None)
        if shape is None or path != tile_path(*shape) or len(packed) != shape[2] * HASH:
            raise Unreadable(f"{path}: another tile was due here")
        level, index, width = shape
        hashes = split(packed)
        if level == 0:
            self.bottom(packed, hashes)
        elif packed != b"".join(self.above[level - 1][index * WIDTH : index * WIDTH + width]):
            self.report.fail(path, "these hashes are not the roots of the tiles below")
        if width == WIDTH:
            root = perfect_root(hashes)
            self.above.setdefault(level, []).append(root)
            if level == 0:
                self.frontier.add(8, root)

    def bottom(self, packed: bytes, hashes: list[bytes]) -> None:
        first = len(self.leaves) * WIDTH
        self.leaves.append(packed)
        # The empty tree, and every size that ends inside or at the end of this tile.
        while self.wanted and self.wanted[0] <= first + len(hashes):
            size = self.wanted.pop(0)
            self.roots[size] = self.frontier.with_leaves(hashes[: max(0, size - first)])

    def finish(self) -> None:
        if next(self.expected, None) is not None:
            raise Unreadable("the bundle ends before its last tile")
        for size in self.wanted:
            self.roots[size] = self.frontier.root()


# The entries


@dataclass
class Case:
    """What the release rules need to know of one stream."""

    data: dict[str, Any] = field(default_factory=dict)
    parties: set[str] = field(default_factory=set)
    orgs: set[str] = field(default_factory=set)
    votes: list[tuple[str, str]] = field(default_factory=list)
    approved: list[tuple[str, str]] | None = None
    waived: set[str] = field(default_factory=set)
    state: str = ""
    opened: bool = False  # a part of the log may begin in the middle of a case, which then can't be judged


class Rules:
    """Takes leaves in order and holds them to the rules of the record."""

    def __init__(self, report: Report, start: int) -> None:
        self.report, self.start = report, start
        self.versions: dict[bytes, int] = {}
        self.releases: dict[str, Case] = {}
        self.manifests: dict[str, str] = {}  # digest -> the release that names it
        self.keys: list[Key] = []
        self.last = ""
        self.events = self.published = 0

    def leaf(self, index: int, entry: bytes) -> None:
        place = f"entry {index}"
        try:
            leaf = json.loads(entry)
            text = json.dumps(leaf, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
        except (ValueError, RecursionError):
            self.report.fail(place, "is no JSON")
            return
        if text.encode() != entry or not isinstance(leaf, dict) or not isinstance(leaf.get("logged_at"), str):
            self.report.fail(place, "is no canonical record")
            return
        if leaf["logged_at"] < self.last:
            self.report.fail(place, f"is back-dated: logged {leaf['logged_at']} after {self.last}")
        self.last = max(self.last, leaf["logged_at"])
        if "stream" in leaf:
            self.event(place, leaf)
        elif not isinstance(leaf.get("kind"), str):
            self.report.fail(place, "is neither an event nor a declared kind")
        elif leaf["kind"] == "key" and leaf.get("role") == "release":
            self.keys.append(read_key(str(leaf.get("key"))))

    def event(self, place: str, leaf: dict[str, Any]) -> None:
        if any(type(leaf.get(name)) is not kind for name, kind in EVENT_FIELDS.items()):
            self.report.fail(place, "lacks a field of an event")
            return
        self.events += 1
        stream, version = leaf["stream"], leaf["version"]
        short = hashlib.blake2b(stream.encode(), digest_size=12).digest()
        before = self.versions.get(short, 0 if self.start == 0 or version == 1 else version - 1)
        if version != before + 1:
            self.report.fail(
                place, f"{stream} jumps from version {before} to {version}: something is missing, doubled or out of order"
            )
        self.versions[short] = version
        if leaf["at"] > leaf["logged_at"] and moment(leaf["at"]) > moment(leaf["logged_at"]) + FUTURE:
            self.report.fail(place, f"happened {leaf['at']}, after it was logged {leaf['logged_at']}")
        if leaf["type"].startswith("release."):
            self.release(place, leaf)

    def release(self, place: str, leaf: dict[str, Any]) -> None:
        case = self.releases.setdefault(leaf["stream"], Case())
        data: dict[str, Any] = leaf["data"] if isinstance(leaf.get("data"), dict) else {}
        case.opened = case.opened or leaf["version"] == 1
        if "vote" in leaf["marks"]:
            if data.get("command") == "approve":
                case.votes.append((leaf["on_behalf_of"] or leaf["actor"], leaf["org"]))
            return
        if "party" in leaf["marks"]:
            case.parties |= {leaf["actor"], leaf["on_behalf_of"]} - {"", "system"}
            case.orgs |= {leaf["org"]} - {"", "system"}
        entered, before = leaf["state"], case.state
        if entered == "approved" and before != "approved" and leaf["type"] == "release.approved":
            case.approved = [*case.votes, (leaf["on_behalf_of"] or leaf["actor"], leaf["org"])]
        if entered != before:
            case.votes = []
        if leaf["type"] == "release.gate_waived":
            case.waived.add(str(data.get("gate")))
        if before == "approved" and entered != "released":
            case.approved = None
        proposed = case.data.get("manifest_digest")
        if (
            proposed
            and data.get("manifest_digest", proposed) != proposed
            and entered not in {"building", "built", "gated", "blocked"}
        ):
            self.report.fail(place, f"{leaf['stream']} goes on with another manifest than the one proposed")
        case.data.update(data)
        case.state = entered
        if entered == "released" and before not in {"released", "quarantined"}:
            self.publication(place, leaf["stream"], case)

    def publication(self, place: str, stream: str, case: Case) -> None:
        if not case.opened:
            return
        self.published += 1
        voices = case.approved or []
        if len({person for person, _ in voices}) < 2 or len({org for _, org in voices}) < 2:
            self.report.fail(place, f"{stream} was published without approvals of two people from two organisations")
        builders = case.parties | {str(case.data.get(name, "")) for name in ("built_by", "proposed_by")} - {""}
        builder_orgs = case.orgs | {str(case.data.get("builder_org", ""))} - {""}
        if any(person in builders or org in builder_orgs for person, org in voices):
            self.report.fail(place, f"{stream} was approved by somebody who built or proposed it")
        for gate in case.data.get("gates", []):
            stops = isinstance(gate, dict) and gate.get("status") == "fail" and gate.get("effect", "block") == "block"
            name = str(gate.get("gate") or gate.get("id")) if stops else ""
            if stops and not gate.get("waiver") and name not in case.waived:
                self.report.fail(place, f"{stream} was published although gate {name} failed")
        if digest := case.data.get("manifest_digest"):
            self.manifests[str(digest)] = stream


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def unpack(path: str, bundle: bytes) -> list[bytes]:
    entries, at = [], 0
    while at < len(bundle):
        if at + 2 > len(bundle):
            raise Unreadable(f"{path}: cut inside an entry")
        end = at + 2 + struct.unpack_from(">H", bundle, at)[0]
        if end > len(bundle):
            raise Unreadable(f"{path}: cut inside an entry")
        entries.append(bundle[at + 2 : end])
        at = end
    return entries


# The bundle


class Verifier:
    """Reads a bundle front to back; `finish` after the last member."""

    def __init__(self, key: Key, witnesses: list[Key], kept: list[Checkpoint], report: Report) -> None:
        self.key, self.witnesses, self.kept, self.report = key, witnesses, kept, report
        self.range = (0, 0)
        self.checkpoint: Checkpoint | None = None
        self.earlier: list[Checkpoint] = []
        self.tree: Tree | None = None
        self.rules = Rules(report, 0)
        self.next_entry = 0
        self.manifests: dict[str, dict[str, Any]] = {}
        self.envelopes = 0

    def member(self, path: str, data: bytes) -> None:
        top = path.split("/", 1)[0]
        if path == "bundle.json":
            self.head(data)
        elif path == "checkpoint":
            self.checkpoint = read_checkpoint(data.decode())
        elif top == "checkpoints":
            self.earlier.append(read_checkpoint(data.decode()))
        elif path.startswith("tile/entries/"):
            self.entries(path, data)
        elif top == "tile":
            self.started().tile(path, data)
        elif top == "manifests":
            self.manifest(path, data)
        elif top == "dsse":
            self.envelope(path, data)
        elif top not in {"keys", "anchors"}:
            raise Unreadable(f"{path}: no part of an audit bundle")

    def head(self, data: bytes) -> None:
        stated = json.loads(data)
        if stated.get("format") != "corpushub-audit/1":
            raise Unreadable("bundle.json: another format")
        first, last = stated["range"]
        self.range = (int(first), int(last))
        self.next_entry, self.rules.start = self.range[0], self.range[0]

    def started(self) -> Tree:
        if self.tree is None:
            if self.checkpoint is None:
                raise Unreadable("the checkpoint has to come before the tiles")
            wanted = {self.checkpoint.size, *(note.size for note in (*self.kept, *self.earlier))}
            self.tree = Tree(self.checkpoint.size, wanted, self.report)
        return self.tree

    def entries(self, path: str, data: bytes) -> None:
        tree, first = self.started(), self.next_entry
        entries = unpack(path, data)
        index = first // WIDTH
        if path != tile_path("entries", index, len(entries)) or index >= len(tree.leaves):
            raise Unreadable(f"{path}: another entry bundle was due here")
        hashes = split(tree.leaves[index])
        if len(hashes) != len(entries):
            self.report.fail(path, f"holds {len(entries)} entries, the tree has {len(hashes)} there")
        for offset, (entry, hashed) in enumerate(zip(entries, hashes, strict=False)):
            if leaf_hash(entry) != hashed:
                self.report.fail(f"entry {index * WIDTH + offset}", "does not have the hash at its place in the tree")
            self.rules.leaf(index * WIDTH + offset, entry)
        self.next_entry = (index + 1) * WIDTH

    def manifest(self, path: str, data: bytes) -> None:
        digest = path.removeprefix("manifests/").removesuffix(".json")
        if hashlib.sha256(data).hexdigest() != digest:
            self.report.fail(path, "does not have the digest it is named by")
            return
        self.manifests[digest] = json.loads(data)

    def envelope(self, path: str, data: bytes) -> None:
        self.envelopes += 1
        try:
            envelope = json.loads(data)
            kind, payload = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"], validate=True)
            signatures = [base64.b64decode(item["sig"], validate=True) for item in envelope["signatures"]]
        except (ValueError, KeyError, TypeError, AttributeError):
            self.report.fail(path, "is no DSSE envelope")
            return
        message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        if not any(key.verifies(signature, message) for key in self.rules.keys for signature in signatures):
            self.report.fail(path, "is not signed by a release key the log declares")
            return
        named = {item["sha256"] for manifest in self.manifests.values() for item in manifest["files"]}
        if any(subject["digest"]["sha256"] not in named for subject in json.loads(payload)["subject"]):
            self.report.fail(path, "speaks of a file no published manifest has")

    def finish(self) -> None:
        if self.checkpoint is None:
            raise Unreadable("the bundle has no checkpoint")
        tree = self.started()
        tree.finish()
        self.signatures(self.checkpoint)
        self.roots(self.checkpoint, tree)
        last = min(self.range[1], self.checkpoint.size)
        if self.next_entry < last:
            raise Unreadable(f"the bundle ends before entry {last - 1}")
        whole = self.range[0] == 0 and last == self.checkpoint.size
        self.report.ok(f"entries {self.range[0]}..{last}{'' if whole else ' (a part of the log)'}: {self.rules.events} events")
        self.report.ok(f"{self.rules.published} publications, {len(self.manifests)} manifests, {self.envelopes} envelopes")
        for digest, stream in self.rules.manifests.items():
            if digest not in self.manifests:
                self.report.fail(f"manifests/{digest}", f"is missing; {stream} was published with it")

    def signatures(self, checkpoint: Checkpoint) -> None:
        if signed_by(checkpoint, self.key) is None or checkpoint.origin != self.key.name:
            self.report.fail("checkpoint", f"is not signed by {self.key.name} with the key you gave")
        else:
            self.report.ok(f"signed by {self.key.name}")
        notes = sorted((checkpoint, *self.earlier), key=lambda note: note.size, reverse=True)
        for witness in self.witnesses:
            seen = next(((note.size, at) for note in notes if (at := signed_by(note, witness)) is not None), None)
            if seen is None:
                self.report.fail("checkpoint", f"was not witnessed by {witness.name}, nor was any before it")
            else:
                size, seconds = seen
                at = datetime.fromtimestamp(seconds).astimezone().isoformat()
                self.report.ok(f"witnessed by {witness.name} at {at}: {size} of {checkpoint.size} leaves")

    def roots(self, checkpoint: Checkpoint, tree: Tree) -> None:
        if tree.roots.get(checkpoint.size) != checkpoint.root:
            self.report.fail("checkpoint", "states another root than its tiles have")
        else:
            self.report.ok(f"tree of {checkpoint.size} leaves, root {checkpoint.root.hex()}")
        for note in (*self.earlier, *self.kept):
            place = f"checkpoint of {note.size} leaves"
            if signed_by(note, self.key) is None:
                self.report.fail(place, f"is not signed by {self.key.name}")
            elif note.size > checkpoint.size:
                self.report.fail(
                    place, f"is newer than this bundle of {checkpoint.size}: the end was cut off, or an old bundle was sent"
                )
            elif tree.roots[note.size] != note.root:
                words = (
                    "two trees of one size: the log was forked" if note.size == checkpoint.size else "history was rewritten since"
                )
                self.report.fail(place, words)
            elif note in self.kept:
                self.report.ok(f"continues the checkpoint of {note.size} leaves you kept")


def check_folder(folder: Path, verifier: Verifier) -> None:
    """Compare a downloaded release with the manifest that was published."""
    report = verifier.report
    named = {item["path"]: item["sha256"] for item in pick_manifest(folder, verifier)["files"]}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for path in sorted(named):
        file = folder / path
        if path not in there:
            report.fail(f"{folder.name}/{path}", "is missing")
            continue
        with file.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != named[path]:
                report.fail(f"{folder.name}/{path}", "does not have the digest its manifest gives")
    report.ok(f"{folder.name}: {len(named)} files compared with the manifest")


def pick_manifest(folder: Path, verifier: Verifier) -> dict[str, Any]:
    """The published manifest that fits `folder` best: most equal files, then most names in common."""
    best, score = None, (0, 0)
    for digest in verifier.rules.manifests:
        manifest = verifier.manifests.get(digest)
        present = [item for item in manifest["files"] if (folder / item["path"]).is_file()] if manifest else []
        fit = (sum(1 for item in present if is_file_of(folder / item["path"], item["sha256"])), len(present))
        if fit > score:
            best, score = manifest, fit
    if best is None:
        raise Unreadable(f"{folder.name}: no published manifest names any file of this folder")
    return best


def is_file_of(path: Path, digest: str) -> bool:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == digest


def verify(stream: IO[bytes], verifier: Verifier) -> None:
    try:
        with tarfile.open(fileobj=stream, mode="r|*") as bundle:
            for info in bundle:
                if not info.isfile() or info.size > MAX_MEMBER_BYTES:
                    raise Unreadable(f"{info.name}: no plain file of a bundle")
                held = bundle.extractfile(info)
                assert held is not None
                verifier.member(info.name, held.read())
    except (tarfile.TarError, UnicodeDecodeError, KeyError, TypeError, ValueError, EOFError, OSError, RecursionError) as error:
        raise Unreadable(f"the bundle cannot be read ({type(error).__name__})") from None
    verifier.finish()


def text_of(value: str) -> str:
    path = Path(value)
    return path.read_text("utf-8") if path.is_file() else value


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check an audit bundle of a corpushub.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument(
        "--key", required=True, help="the log's public key, or a file with it: from its owner, not from the bundle"
    )
    parser.add_argument("--witness", action="append", default=[], help="public key of a witness that must have cosigned")
    parser.add_argument("--kept", action="append", default=[], help="a checkpoint you kept; the log has to continue it")
    parser.add_argument("--release", action="append", default=[], type=Path, help="folder of a downloaded release")
    options = parser.parse_args(argv)
    report = Report()
    try:
        keys = [read_key(text_of(value)) for value in (options.key, *options.witness)]
        kept = [read_checkpoint(text_of(value)) for value in options.kept]
        verifier = Verifier(keys[0], keys[1:], kept, report)
        with options.bundle.open("rb") as stream:
            verify(stream, verifier)
        for folder in options.release:
            check_folder(folder, verifier)
    except (Unreadable, OSError) as error:
        report.fail("input", str(error))
    for words in report.held:
        print(f"OK    {words}")
    for words in report.failed:
        print(f"FAIL  {words}")
    if report.failures > len(report.failed):
        print(f"FAIL  ... and {report.failures - len(report.failed)} more")
    print("VERIFIED" if not report.failures else "NOT VERIFIED")
    return 0 if not report.failures else 2 if any(words.startswith("input:") for words in report.failed) else 1


if __name__ == "__main__":
    sys.exit(main())
