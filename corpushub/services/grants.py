"""Short-lived grants that travel in a URL: for uploads and downloads by clients that send no Authorization header there.

A grant is a signed sentence (HMAC-SHA-256 under a key of this hub), bound to one purpose and to facts the receiver compares. It never
carries a token or secret, and what it allows is judged again when it is used.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from datetime import timedelta
from functools import cached_property
from typing import Any

from corpushub.base.errors import Forbidden
from corpushub.base.identity import Clock, canonical
from corpushub.store.db import Database

_KIND, _NAME = "secret", "url-grants"


class Grants:
    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock

    @cached_property
    def key(self) -> bytes:
        with self.database.begin() as unit:
            kept = unit.documents.get(_KIND, _NAME)
            if kept is None:
                kept = secrets.token_hex(32)
                unit.documents.put(_KIND, _NAME, kept)
        return bytes.fromhex(str(kept))

    def sign(self, purpose: str, facts: dict[str, Any], *, seconds: int) -> str:
        """URL-safe text that `open` accepts for `seconds`."""
        until = int((self.clock() + timedelta(seconds=seconds)).timestamp())
        body = base64.urlsafe_b64encode(canonical([purpose, until, facts])).rstrip(b"=")
        return f"{body.decode()}.{self._mac(body)}"

    def open(self, purpose: str, grant: str) -> dict[str, Any]:
        """The facts of a grant. Raises: Forbidden("upload.grant_invalid") for a forged, foreign or expired one."""
        body, _, mac = grant.partition(".")
        if not grant.isascii() or not hmac.compare_digest(self._mac(body.encode()), mac):
            raise Forbidden("upload.grant_invalid")
        stated, until, facts = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        if stated != purpose or until < self.clock().timestamp():
            raise Forbidden("upload.grant_invalid")
        found: dict[str, Any] = facts
        return found

    def _mac(self, body: bytes) -> str:
        return hmac.new(self.key, body, hashlib.sha256).hexdigest()
