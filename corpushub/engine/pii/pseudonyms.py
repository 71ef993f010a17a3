"""Stand-ins for values, keyed: the same value gives the same stand-in under one key and tells nothing without it.

Rules: HMAC-SHA-256 with a key of its own per dataset and scope (`derive`); the entity is part of the message, so that equal digits of two
kinds do not meet; values are normalised first; a stand-in never is a valid identifier of its kind. Unkeyed hashes of numbers with eleven or
eighteen digits are counted back in minutes, so a missing key is refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable

import polars as pl

from corpushub.base.errors import Invalid
from corpushub.engine.pii.view import view

MIN_KEY_BYTES = 16
CHARS = 16  # base-32 characters of a pseudonym: 80 bits


def derive(secret: bytes, *scope: str) -> bytes:
    """The key of one scope (dataset, version ...) from the hub's secret.

    Raises: Invalid("pii.no_key") when the secret is shorter than 16 bytes.
    """
    if len(secret) < MIN_KEY_BYTES:
        raise Invalid("pii.no_key", least=MIN_KEY_BYTES)
    return hmac.digest(secret, b"\x1f".join(part.encode() for part in ("corpushub-pii", *scope)), "sha256")


def key_id(key: bytes) -> str:
    """A public name of a key for cards: eight hex digits that do not give the key away."""
    return hashlib.sha256(b"key-id\x1f" + key).hexdigest()[:8]


def canonical_value(value: str) -> str:
    """One spelling per value: full-width, invisible characters, spaces, dashes and case do not matter."""
    folded = view(value).text
    return "".join(char for char in folded if char.isalnum() or char == "@").upper()


def token(key: bytes, entity: str, value: str) -> bytes:
    """32 bytes that stand for `value`."""
    return hmac.digest(key, f"{entity}\x1f{canonical_value(value)}".encode(), "sha256")


def pseudonym(key: bytes, entity: str, value: str) -> str:
    """A readable pseudonym, `CN_MOBILE-7Q2M…`; upper case base 32."""
    return f"{entity}-{base64.b32encode(token(key, entity, value)).decode()[:CHARS]}"


def pseudonyms(column: pl.Series, key: bytes, entity: str) -> pl.Series:
    """A whole column at once: distinct values are keyed once and joined back. Nulls stay null."""
    distinct = column.drop_nulls().unique()
    if distinct.is_empty():
        return column
    values: Iterable[str] = distinct.cast(pl.String).to_list()
    mapped = pl.Series([pseudonym(key, entity, value) for value in values], dtype=pl.String)
    return column.replace_strict(distinct, mapped, default=None, return_dtype=pl.String)
