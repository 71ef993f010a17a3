"""Read another hub: its pages over HTTP, or as a file somebody carried. What is read is bounded; whether it is true is the reader's to check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from corpushub.base.errors import Forbidden, Invalid, Unavailable

MAX_BYTES = 64 << 20
SECONDS = 20


def read_file(path: Path) -> Any:
    """A page from a file. Raises: Invalid("federation.not_a_delta")."""
    if path.stat().st_size > MAX_BYTES:
        raise Invalid("federation.not_a_delta")
    return parsed(path.read_bytes())


def read_page(address: str, *, after: int, partner: str = "") -> Any:
    """The page of `address` that follows number `after`.

    Raises: Unavailable("federation.unreachable"), Invalid("federation.not_a_delta").
    """
    return parsed(fetch(f"{address.rstrip('/')}/v1/federation/delta?after={after}&partner={quote(partner)}"))


def fetch(address: str, allowed: str | None = None) -> bytes:
    """At most `MAX_BYTES` of `address`; `allowed` lists the hosts it may be (None: the caller chose it). Redirects are not followed.

    Raises: Forbidden("federation.host"), Unavailable("federation.unreachable"), Invalid("federation.not_a_delta").
    """
    import httpx  # here, because every command loads this module and few ask another hub

    host = (urlsplit(address).hostname or "").lower()
    if allowed is not None and host not in {name.strip().lower() for name in allowed.split(",") if name.strip()}:
        raise Forbidden("federation.host", host=host)
    try:
        with httpx.Client(timeout=SECONDS, follow_redirects=False) as client, client.stream("GET", address) as answer:
            if answer.status_code != httpx.codes.OK:
                raise Unavailable("federation.unreachable", host=host, reason=f"HTTP {answer.status_code}")
            pieces, size = [], 0
            for piece in answer.iter_bytes():
                size += len(piece)
                if size > MAX_BYTES:
                    raise Invalid("federation.not_a_delta")
                pieces.append(piece)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable("federation.unreachable", host=host, reason=type(error).__name__) from error
    return b"".join(pieces)


def parsed(data: bytes) -> Any:
    """Raises: Invalid("federation.not_a_delta")."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Invalid("federation.not_a_delta") from None
