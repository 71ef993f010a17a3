"""Every way to falsify the record, once clumsily (only the bundle is edited) and once by an insider who holds the log's key."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.base.identity import canonical
from corpushub.base.merkle import (
    Checkpoint,
    Tiles,
    leaf_hash,
    pack_entries,
    root_of,
    split_hashes,
    tile_path,
    tile_shapes,
    unpack_entries,
)
from corpushub.base.signing import Note, SigningKey, hub_key, seal, statement
from corpushub.domain.parties import SYSTEM
from corpushub.services.audit import Audit
from corpushub.services.witness import Witness
from corpushub.store.events import Events
from tests.kit.ledger import START, a_publication, a_record
from tools import verify_audit
from tools.verify_audit import main

TOOL = Path(__file__).parents[2] / "tools" / "verify_audit.py"


@dataclass
class Office:
    """An auditor's desk: the bundle, the keys handed over long ago, the checkpoint kept from last year, a downloaded release."""

    folder: Path
    audit: Audit
    kept: str
    witness: str

    @property
    def bundle(self) -> Path:
        return self.folder / "audit.tar"

    def members(self) -> dict[str, bytes]:
        with tarfile.open(self.bundle) as tar:
            return {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]  # files only

    def write(self, members: dict[str, bytes]) -> None:
        with tarfile.open(self.bundle, "w") as tar:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))

    def verify(self, *options: str) -> int:
        return main([str(self.bundle), "--key", str(self.audit.verifier_key()), *options])

    def with_kept(self) -> int:
        return self.verify("--kept", self.kept)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """300 events and a published release, witnessed by another organisation after event 280."""
    home = tmp_path_factory.mktemp("office")
    audit = a_record(home, 280)
    kept = audit.checkpoint(SYSTEM).note
    witness = Witness(home / "witness", "audit.example/witness", lambda: START)
    audit.add_witness(SYSTEM, str(witness.key.verifier), "audit-office")
    release = hub_key(audit.settings, "release")
    (home / "release" / "data").mkdir(parents=True)
    rows = home / "release" / "data" / "train.parquet"
    rows.write_bytes(b"PAR1 rows PAR1")
    digest = audit.objects.put_file(rows)
    sealed = canonical(seal(statement({"data/train.parquet": digest}, "https://example.org/release", {}), [release]))
    files = [
        {"path": "data/train.parquet", "sha256": digest, "bytes": 14},
        {"path": "provenance/build.dsse.json", "sha256": audit.objects.put_bytes(sealed), "bytes": len(sealed)},
    ]
    manifest_digest = audit.objects.put_bytes(canonical({"dataset": "city/notices", "version": "1.0.0", "files": files}))
    (home / "release" / "provenance").mkdir()
    (home / "release" / "provenance" / "build.dsse.json").write_bytes(sealed)
    with audit.database.begin() as unit:
        unit.ledger.declare("release", release.verifier)
        log = Events(unit.connection, unit.documents, unit.ledger)
        for event in a_publication(manifest_digest):
            log.append(event)
        unit.ledger.append({"kind": "note", "at": "x"})
    audit.cosign(witness.sign(audit.verifier_key(), audit.request(SYSTEM)))
    audit.export(SYSTEM, home / "audit.tar")
    kept_file = home / "kept.checkpoint"
    kept_file.write_text(kept)
    return Office(home, audit, str(kept_file), str(witness.key.verifier))


@pytest.fixture
def office(pristine: Office, tmp_path: Path) -> Office:
    """A copy of the desk that a test may damage."""
    (tmp_path / "audit.tar").write_bytes(pristine.bundle.read_bytes())
    shutil.copytree(pristine.folder / "release", tmp_path / "release")
    return Office(tmp_path, pristine.audit, pristine.kept, pristine.witness)


def leaves_of(members: dict[str, bytes]) -> list[bytes]:
    return [entry for name, data in members.items() if name.startswith("tile/entries/") for entry in unpack_entries(data)]


def rebuilt(members: dict[str, bytes], entries: list[bytes], key: SigningKey | None) -> dict[str, bytes]:
    """`members` with other entries; with `key` also tiles and checkpoint are made anew, as an insider would."""
    hashes = [leaf_hash(entry) for entry in entries]

    def read(level: int, index: int, width: int) -> bytes:
        span = 256**level
        return b"".join(root_of(hashes[(index * 256 + n) * span : (index * 256 + n + 1) * span]) for n in range(width))

    head, tiles = {"bundle.json": members["bundle.json"], "checkpoint": members["checkpoint"]}, {}
    if key:
        root = Tiles(len(entries), read).root()
        head["bundle.json"] = canonical({**json.loads(members["bundle.json"]), "size": len(entries), "range": [0, len(entries)]})
        head["checkpoint"] = str(Note(Checkpoint(key.name, len(entries), root).text()).signed(key)).encode()
        tiles = {tile_path(*shape): read(*shape) for shape in tile_shapes(len(entries))}
    else:
        tiles = {name: data for name, data in members.items() if name.startswith("tile/") and "/entries/" not in name}
    bundles = {
        tile_path("entries", at // 256, len(entries[at : at + 256])): pack_entries(entries[at : at + 256])
        for at in range(0, len(entries), 256)
    }
    rest = {name: data for name, data in members.items() if name.partition("/")[0] in {"manifests", "dsse"}}
    return head | tiles | bundles | rest


def edited(entries: list[bytes], index: int, **changes: object) -> list[bytes]:
    leaf = {**json.loads(entries[index]), **changes}
    return [*entries[:index], canonical(leaf), *entries[index + 1 :]]


def index_of(entries: list[bytes], type_: str) -> int:
    return next(number for number, entry in enumerate(entries) if json.loads(entry).get("type") == type_)


def without_vote(entries: list[bytes]) -> list[bytes]:
    """Drop an approval and renumber what follows, as if it had never been there."""
    at = index_of(entries, "release.voted")
    kept = [*entries[:at], *entries[at + 1 :]]
    for number in range(at, len(kept)):
        leaf = json.loads(kept[number])
        if leaf.get("stream") == "release-1":
            kept = edited(kept, number, version=leaf["version"] - 1)
    return kept


def swapped_streams(entries: list[bytes]) -> list[bytes]:
    one, two = json.loads(entries[3])["stream"], json.loads(entries[4])["stream"]
    names = {one: two, two: one}
    for number, entry in enumerate(entries):
        stream = json.loads(entry).get("stream")
        if stream in names:
            entries = edited(entries, number, stream=names[stream])
    return entries


MUTATIONS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "change": lambda entries: edited(entries, 17, actor="somebody-else"),
    "delete": lambda entries: [*entries[:17], *entries[18:]],
    "insert": lambda entries: [*entries[:17], entries[17], *entries[17:]],
    "reorder": lambda entries: [*entries[:10], entries[17], *entries[11:17], entries[10], *entries[18:]],
    "back-date": lambda entries: edited(entries, 200, logged_at="2020-01-01T00:00:00.000000Z"),
    "swap two streams": swapped_streams,
    "truncate": lambda entries: entries[:-5],
    "truncate far": lambda entries: entries[:100],
    "drop an approval": without_vote,
}  # fmt: skip


def test_an_honest_bundle_verifies_without_corpushub(pristine: Office):
    command = [sys.executable, "-I", str(TOOL), str(pristine.bundle), "--key", str(pristine.audit.verifier_key())]
    done = subprocess.run([*command, "--kept", pristine.kept], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "VERIFIED" in done.stdout
    assert "corpushub" not in [line.split()[1] for line in TOOL.read_text().splitlines() if line.startswith(("import ", "from "))]


@pytest.mark.parametrize("name", MUTATIONS)
def test_an_edited_bundle_is_refused(office: Office, name: str):
    members = office.members()
    office.write(rebuilt(members, MUTATIONS[name](leaves_of(members)), None))
    assert office.verify() != 0


@pytest.mark.parametrize("name", MUTATIONS)
def test_an_insider_with_the_log_key_is_caught_by_the_kept_checkpoint_or_the_rules(office: Office, name: str):
    members = office.members()
    office.write(rebuilt(members, MUTATIONS[name](leaves_of(members)), office.audit.key))
    caught_alone = office.verify() == 1
    assert caught_alone is (name not in {"change", "truncate", "swap two streams"})
    # The end after the kept checkpoint is what only a witness can vouch for.
    assert office.verify("--kept", office.kept, "--witness", office.witness) == 1
    assert office.with_kept() == (0 if name == "truncate" else 1)


def test_a_log_rebuilt_to_the_same_size_is_a_fork(office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    members = office.members()
    newest = tmp_path / "newest.checkpoint"
    newest.write_bytes(members["checkpoint"])
    office.write(rebuilt(members, edited(leaves_of(members), 283, rules="x"), office.audit.key))
    assert office.verify("--kept", str(newest)) == 1
    assert "forked" in capsys.readouterr().out


def test_another_key_is_refused(office: Office):
    members = office.members()
    other = SigningKey.generate(office.audit.key.name)
    office.write(rebuilt(members, leaves_of(members), other))
    assert office.verify() == 1


def test_an_honest_bundle_is_witnessed_up_to_the_export_itself(office: Office, capsys: pytest.CaptureFixture[str]):
    size = json.loads(office.members()["bundle.json"])["size"]
    assert office.verify("--witness", office.witness) == 0
    told = capsys.readouterr().out
    assert f"{size - 1} of {size} leaves" in told, "the export is recorded after the newest cosignature"


def test_what_was_witnessed_can_not_be_rewritten_nor_its_checkpoint_left_out(office: Office):
    members = office.members()
    entries = leaves_of(members)
    forged = rebuilt(members, edited(entries, 283, rules="x"), office.audit.key)
    office.write(forged)
    assert office.verify("--witness", office.witness) == 1
    office.write({name: data for name, data in forged.items() if not name.startswith("checkpoints/")})
    assert office.verify("--witness", office.witness) == 1


def test_a_missing_cosignature_is_refused(office: Office):
    stranger = Witness(office.folder / "w", "nobody.example/witness", lambda: START).key.verifier
    assert office.verify("--witness", str(stranger)) == 1


def test_an_approval_by_the_builder_does_not_count(office: Office):
    members = office.members()
    entries = leaves_of(members)
    at = index_of(entries, "release.voted")
    office.write(rebuilt(members, edited(entries, at, actor="builder"), office.audit.key))
    assert office.verify() == 1


def test_two_approvals_of_one_organisation_do_not_count(office: Office):
    members = office.members()
    entries = leaves_of(members)
    office.write(rebuilt(members, edited(entries, index_of(entries, "release.voted"), org="org-b"), office.audit.key))
    assert office.verify() == 1


def test_a_failed_gate_is_found(office: Office):
    members = office.members()
    entries = leaves_of(members)
    at = index_of(entries, "release.proposed")
    data = json.loads(entries[at])["data"]
    data["gates"][0]["status"] = "fail"
    office.write(rebuilt(members, edited(entries, at, data=data), office.audit.key))
    assert office.verify() == 1


def test_another_manifest_at_publication_is_found(office: Office):
    members = office.members()
    entries = leaves_of(members)
    office.write(
        rebuilt(
            members, edited(entries, index_of(entries, "release.published"), data={"manifest_digest": "0" * 64}), office.audit.key
        )
    )
    assert office.verify() == 1


def test_one_byte_of_a_parquet_file_is_found(office: Office, capsys: pytest.CaptureFixture[str]):
    folder = office.folder / "release"
    second = folder / "README.md"
    second.write_text("more")
    assert office.verify("--release", str(folder)) == 0
    file = folder / "data" / "train.parquet"
    file.write_bytes(b"PAR1 rowz PAR1")
    assert office.verify("--release", str(folder)) != 0
    assert "train.parquet" in capsys.readouterr().out


def test_a_changed_or_missing_manifest_is_found(office: Office):
    members = office.members()
    name = next(name for name in members if name.startswith("manifests/"))
    office.write({**members, name: members[name].replace(b"1.0.0", b"1.0.1")})
    assert office.verify() == 1
    office.write({key: value for key, value in members.items() if key != name})
    assert office.verify() == 1


def test_an_envelope_not_signed_by_a_declared_key_is_found(office: Office):
    members = office.members()
    name = next(name for name in members if name.startswith("dsse/"))
    envelope = json.loads(members[name])
    forged = seal(statement({}, "https://example.org/release", {}), [SigningKey.generate("forger")])
    release = hub_key(office.audit.settings, "release")
    about_nothing = seal(statement({"x": "0" * 64}, "https://example.org/release", {}), [release])
    for wrong in ({**envelope, "payload": forged["payload"]}, forged, about_nothing, {}):
        office.write({**members, name: canonical(wrong)})
        assert office.verify() == 1


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/001.p", "tile/1/000.p", "tile/entries/000"])
def test_a_half_written_tile_is_refused(office: Office, name: str):
    members = office.members()
    place = next(key for key in members if key.startswith(name))
    office.write({**members, place: members[place][:-7]})
    assert office.verify() == 2
    changed = bytearray(members[place])
    changed[5] ^= 1
    office.write({**members, place: bytes(changed)})
    assert office.verify() != 0
    office.write({key: value for key, value in members.items() if key != place})
    assert office.verify() == 2


@pytest.mark.parametrize("content", [b"", b"junk" * 500, b"\x1f\x8b\x08"])
def test_what_is_no_bundle_is_told_so(office: Office, content: bytes):
    office.bundle.write_bytes(content)
    assert office.verify() == 2


def test_a_bundle_that_ends_early_is_refused(office: Office):
    members = office.members()
    last = max(name for name in members if name.startswith("tile/entries/"))
    office.write({name: data for name, data in members.items() if name != last})
    assert office.verify() == 2
    whole = office.bundle.read_bytes()
    office.bundle.write_bytes(whole[: len(whole) // 3])
    assert office.verify() == 2


def test_a_part_of_the_log_verifies_as_a_part(pristine: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    office = Office(tmp_path, pristine.audit, pristine.kept, pristine.witness)
    members = pristine.members()
    head = {**json.loads(members["bundle.json"]), "range": [256, json.loads(members["bundle.json"])["size"]]}
    office.write({**{name: data for name, data in members.items() if name != "tile/entries/000"}, "bundle.json": canonical(head)})
    assert office.with_kept() == 0
    assert "a part of the log" in capsys.readouterr().out


@settings(max_examples=20)
@given(st.integers(0, 700), st.integers(0, 255))
def test_the_two_implementations_agree(size: int, extra: int):
    leaves = [leaf_hash(b"%d" % number) for number in range(size + extra)]
    foreign = verify_audit.Frontier()
    for leaf in leaves[:size]:
        foreign.add(0, leaf)
    assert foreign.root() == root_of(leaves[:size])
    assert foreign.with_leaves(leaves[size:]) == root_of(leaves)
    assert [verify_audit.tile_path(*shape) for shape in tile_shapes(size)] == [tile_path(*shape) for shape in tile_shapes(size)]


def test_tiles_of_the_bundle_are_those_of_the_entries(pristine: Office):
    members = pristine.members()
    hashes = [leaf_hash(entry) for entry in leaves_of(members)]
    assert split_hashes(members["tile/0/000"]) == hashes[:256]
    assert Checkpoint.parse(Note.parse(members["checkpoint"].decode()).text).root == root_of(hashes)
