"""Every way to tamper with a downloaded release is named by `release verify`, with the file."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from corpushub.base.errors import NotFound
from corpushub.base.signing import SigningKey
from corpushub.domain.gates import Waiver
from corpushub.services.verify import keys_in, verify_folder
from tests.kit.released import CATALOG, DAY, OnDisk, a_key, on_disk

KEYS = (a_key().verifier,)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> OnDisk:
    return on_disk(tmp_path_factory.mktemp("release"))


@pytest.fixture
def copy(release: OnDisk, tmp_path: Path) -> Path:
    return Path(shutil.copytree(release.folder, tmp_path / "copy"))


def found(folder: Path) -> list[tuple[str, str]]:
    return [(problem.code, problem.file) for problem in verify_folder(folder, KEYS)]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def resum(folder: Path) -> None:
    """Make the sums fit again, as a careful forger would."""
    lines = [line.split("  ", 1)[1] for line in (folder / "SHA256SUMS").read_text().splitlines()]
    sums = [f"{hashlib.sha256((folder / path).read_bytes()).hexdigest()}  {path}\n" for path in lines]
    (folder / "SHA256SUMS").write_text("".join(sums))


def test_an_untouched_release_holds(release: OnDisk) -> None:
    assert found(release.folder) == []


def test_plain_sha256sum_agrees(release: OnDisk) -> None:
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=release.folder, check=True)


def test_one_changed_byte_is_named(copy: Path) -> None:
    path = copy / "data/train-00000-of-00001.parquet"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(bytes(content))
    assert ("verify.digest", "data/train-00000-of-00001.parquet") in found(copy)


def test_a_swapped_parquet_file_is_named_even_with_new_sums(copy: Path) -> None:
    path = copy / "data/test-00000-of-00001.parquet"
    pl.read_parquet(path).head(9).write_parquet(path)
    resum(copy)
    codes = {code for code, _ in found(copy)}
    assert {"verify.not_attested", "verify.rows", "verify.croissant"} <= codes


def test_a_missing_and_an_added_file_are_named(copy: Path) -> None:
    (copy / "LICENSE").unlink()
    (copy / "extra.txt").write_text("x")
    assert found(copy) == [("verify.missing", "LICENSE"), ("verify.unexpected", "extra.txt")]


def test_an_edited_count_in_the_card_is_named(copy: Path) -> None:
    edit(copy / "README.md", "num_examples: 50", "num_examples: 51")
    resum(copy)
    assert ("verify.rows", "README.md") in found(copy)


def test_an_edited_verdict_is_named(copy: Path) -> None:
    document = json.loads((copy / "gates.json").read_text("utf-8"))
    row = next(item for item in document["gates"] if item["status"] == "fail")
    row["status"] = "pass"
    (copy / "gates.json").write_text(json.dumps(document), "utf-8")
    resum(copy)
    assert ("gate.verdict_differs", "gates.json") in found(copy)


def test_another_key_does_not_verify(release: OnDisk) -> None:
    other = (SigningKey.generate("hub.example/ledger").verifier,)
    (problem,) = verify_folder(release.folder, other)
    assert problem.code == "verify.other_key"
    assert problem.facts == {"signer": KEYS[0].name, "given": "hub.example/ledger"}


def test_a_garbled_signature_is_no_matter_of_the_key(copy: Path) -> None:
    path = copy / "provenance/build.dsse.json"
    envelope = json.loads(path.read_text())
    envelope["signatures"][0]["sig"] = "AAAA" + envelope["signatures"][0]["sig"][4:]
    path.write_text(json.dumps(envelope))
    assert ("verify.signature", "provenance/build.dsse.json") in found(copy)


def test_without_a_key_nothing_counts_as_signed(release: OnDisk) -> None:
    assert [problem.code for problem in verify_folder(release.folder)] == ["verify.no_key"]


def test_an_expired_waiver_is_named_later(tmp_path: Path) -> None:
    signed = (
        Waiver("COM-01", "p1", "authority", "being answered", date(2026, 4, 1), "rel-1"),
        Waiver("COM-01", "p2", "reviewer", "agreed", date(2026, 5, 1), "rel-1"),
    )
    release = on_disk(tmp_path, measures={**CATALOG, "open_objections": 1}, waivers=signed)
    assert verify_folder(release.folder, KEYS, DAY) == ()
    assert "being answered" in release.text("README.md")
    late = verify_folder(release.folder, KEYS, date(2026, 4, 2))
    assert [(problem.code, problem.facts["gate"]) for problem in late] == [("gate.waiver_expired", "COM-01")]


@pytest.mark.parametrize("garble", [b"", b"{", b"\xff\xfe", b"[]"])
def test_garbage_never_crashes(copy: Path, garble: bytes) -> None:
    for name in ("README.md", "gates.json", "croissant.json", "provenance/build.dsse.json", "data/train-00000-of-00001.parquet"):
        (copy / name).write_bytes(garble)
    assert ("verify.signature", "provenance/build.dsse.json") in found(copy)


def test_a_folder_that_is_no_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        verify_folder(tmp_path)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from corpushub.cli.context import enter; from corpushub.cli.release import app; _, rest = enter(sys.argv[1:]); app(rest)"
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)


def test_verify_exits_0_for_a_good_release_and_1_for_a_bad_one(release: OnDisk, copy: Path, tmp_path: Path) -> None:
    key = tmp_path / "hub.vkey"
    key.write_text(f"{a_key().verifier}\n")
    assert keys_in(key) == KEYS
    assert run("verify", str(release.folder), "--pubkey", str(key)).returncode == 0
    edit(copy / "LICENSE", "yunzhou", "YUNZHOU")
    bad = run("verify", str(copy), "--pubkey", str(key), "--json")
    assert bad.returncode == 1
    assert json.loads(bad.stdout)["problems"] == [{"file": "LICENSE", "code": "verify.digest"}]
