"""A release folder on disk, with the key that signed it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from corpushub.base.signing import SigningKey
from corpushub.services.card_facts import Inputs
from corpushub.services.release_folder import Folder, assemble
from tests.kit.cards import PUBLISHER, a_build, a_recipe, an_origin

DAY = date(2026, 3, 2)
CATALOG = {
    "authorized_columns": 1.0, "registered_sources": 1.0, "delegation_broken": 0, "forbidden_class_sources": 0, "open_attribute_conflicts": 0,
    "pii_basis_missing": 0, "interpreter_missing": 0, "licensed_sources": 1.0, "open_objections": 0, "ip_unresolved": 0,
}  # fmt: skip


def a_key(name: str = "hub.example") -> SigningKey:
    return SigningKey(name, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


@dataclass(frozen=True)
class OnDisk:
    folder: Path
    made: Folder
    key: SigningKey

    def text(self, path: str) -> str:
        return (self.folder / path).read_text("utf-8")


def inputs_for(folder: Path, **changes: Any) -> Inputs:
    recipe = a_recipe()
    built = a_build(folder, recipe=recipe)
    values: dict[str, Any] = {
        "recipe": recipe, "built": built, "folder": folder, "version": "1.0.0", "day": DAY, "origins": (an_origin(),), "publisher": PUBLISHER,
        "measures": CATALOG,
    }  # fmt: skip
    return Inputs(**{**values, **changes})


def on_disk(folder: Path, **changes: Any) -> OnDisk:
    """A release with every file written below `folder`/release."""
    key = a_key()
    made = assemble(inputs_for(folder / "build", **changes), key)
    made.write(folder / "release")
    return OnDisk(folder / "release", made, key)
