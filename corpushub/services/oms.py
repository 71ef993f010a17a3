"""OpenSSF model-signing bundles: one signature over a whole release folder that tools outside this hub can check.

An extra (`pip install corpushub[oms]`). The bundle is `release.sig` beside the files; it covers every file but itself and the record of
approvals, which joins later. ECDSA signatures are randomised, so a bundle is the one file of a release that differs between two makings.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from corpushub.base.errors import Invalid, NotFound, Problem

BUNDLE = "release.sig"
LEFT_OUT = (BUNDLE, "provenance/approvals.json", ".cache", ".gitattributes")


def model_signing() -> Any:
    """The library.

    Raises: NotFound("verify.no_oms"), exit code 4.
    """
    if find_spec("model_signing") is None:
        raise NotFound("verify.no_oms")
    import model_signing

    return model_signing


def sign_folder(folder: Path, private_key: Path) -> Path:
    """Write `release.sig` with an elliptic-curve key (PEM).

    Raises: NotFound("verify.no_oms" | "verify.no_release"), Invalid("verify.oms_key").
    """
    library = model_signing()
    if not (folder / "SHA256SUMS").is_file():
        raise NotFound("verify.no_release", file="SHA256SUMS")
    hashing = library.hashing.Config().set_ignored_paths(paths=[folder / name for name in LEFT_OUT])
    try:
        signer = library.signing.Config().use_elliptic_key_signer(private_key=private_key)
    except (ValueError, TypeError, OSError):
        raise Invalid("verify.oms_key", file=private_key.name) from None
    signer.set_hashing_config(hashing).sign(folder, folder / BUNDLE)
    return folder / BUNDLE


def verify_bundle(folder: Path, public_key: Path) -> tuple[Problem, ...]:
    """Check `release.sig` with a public key (PEM); every file it covers must be unchanged.

    Raises: NotFound("verify.no_oms"), Invalid("verify.oms_key").
    """
    library = model_signing()
    if not (folder / BUNDLE).is_file():
        return (Problem("verify.missing", {}, file=BUNDLE),)
    try:
        verifier = library.verifying.Config().use_elliptic_key_verifier(public_key=public_key)
    except (ValueError, TypeError, OSError):
        raise Invalid("verify.oms_key", file=public_key.name) from None
    hashing = library.hashing.Config().set_ignored_paths(paths=[folder / name for name in LEFT_OUT])
    try:
        verifier.set_hashing_config(hashing).verify(folder, folder / BUNDLE)
    except (ValueError, KeyError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return (Problem("verify.oms", {"reason": reason.replace(str(folder), folder.name)[:200]}, file=BUNDLE),)
    return ()
