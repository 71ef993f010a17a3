from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from corpushub.base.errors import Invalid, NotFound
from corpushub.services import oms
from corpushub.services.verify import verify_folder
from tests.kit.released import OnDisk, a_key, on_disk


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("keys")
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "key.pem").write_bytes(pem)
    (folder / "key.pub").write_bytes(public)
    return folder / "key.pem", folder / "key.pub"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory, keys: tuple[Path, Path]) -> OnDisk:
    release = on_disk(tmp_path_factory.mktemp("release"))
    oms.sign_folder(release.folder, keys[0])
    return release


def test_a_signed_folder_verifies_and_stays_a_good_release(release: OnDisk, keys: tuple[Path, Path]) -> None:
    assert oms.verify_bundle(release.folder, keys[1]) == ()
    assert verify_folder(release.folder, (a_key().verifier,)) == ()


@pytest.mark.parametrize("path", ["README.md", "data/train-00000-of-00001.parquet", "SHA256SUMS"])
def test_one_changed_byte_breaks_the_bundle(release: OnDisk, keys: tuple[Path, Path], tmp_path: Path, path: str) -> None:
    copy = Path(shutil.copytree(release.folder, tmp_path / "copy"))
    content = bytearray((copy / path).read_bytes())
    content[50] ^= 1
    (copy / path).write_bytes(bytes(content))
    assert [problem.code for problem in oms.verify_bundle(copy, keys[1])] == ["verify.oms"]


def test_a_missing_bundle_a_wrong_key_and_a_missing_library_are_told(
    release: OnDisk, keys: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [problem.code for problem in oms.verify_bundle(tmp_path, keys[1])] == ["verify.missing"]
    (tmp_path / "bad.pem").write_text("no key")
    with pytest.raises(Invalid):
        oms.sign_folder(release.folder, tmp_path / "bad.pem")
    monkeypatch.setattr(oms, "find_spec", lambda _: None)
    with pytest.raises(NotFound) as refused:
        oms.verify_bundle(release.folder, keys[1])
    assert refused.value.exit_code == 4
