"""Read another hub: its pages over HTTP, or as a file somebody carried. What is read is bounded; whether it is true is the reader's to check."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from corpushub.base.errors import Forbidden, Invalid, Unavailable
from corpushub.base.identity import Stopwatch
from corpushub.domain.delta import MOST_BYTES, page_of

MAX_BYTES = 64 << 20  # of a whole catalog that is harvested
SECONDS = 20
LONGEST_SECONDS = 120  # for a whole answer: who sends a byte now and then would keep the clocks of this hub waiting


def read_file(path: Path) -> Any:
    """A page from a file. Raises: Invalid("federation.not_a_delta")."""
    if path.stat().st_size > MOST_BYTES:
        raise Invalid("federation.not_a_delta")
    return page_of(path.read_bytes())


def read_page(address: str, allowed: str, *, after: int, partner: str = "") -> Any:
    """The page of `address`, on one of the `allowed` hosts, that follows number `after`.

    Raises: Forbidden("federation.host"), Unavailable("federation.unreachable"), Invalid("federation.too_large" | "federation.not_a_delta").
    """
    found = fetch(f"{address.rstrip('/')}/v1/federation/delta?after={after}&partner={quote(partner)}", allowed, MOST_BYTES)
    return page_of(found)


def require_allowed(address: str, allowed: str) -> str:
    """The host of `address`, which has to be HTTP and on the comma separated list. Raises: Forbidden("federation.host")."""
    try:
        parts = urlsplit(address)
    except ValueError:
        raise Forbidden("federation.host", host=address[:80]) from None
    host = (parts.hostname or "").lower()
    if parts.scheme not in {"http", "https"} or host not in {name.strip().lower() for name in allowed.split(",") if name.strip()}:
        raise Forbidden("federation.host", host=host or address[:80])
    return host


def fetch(address: str, allowed: str, most: int = MAX_BYTES) -> bytes:
    """At most `most` bytes of `address`; `allowed` lists the hosts it may be. Redirects are not followed.

    Raises: Forbidden("federation.host"), Unavailable("federation.unreachable"), Invalid("federation.too_large").
    """
    import httpx  # here, because every command loads this module and few ask another hub

    host = require_allowed(address, allowed)
    watch = Stopwatch()
    try:
        with httpx.Client(timeout=SECONDS, follow_redirects=False) as client, client.stream("GET", address) as answer:
            if answer.status_code != httpx.codes.OK:
                raise Unavailable("federation.unreachable", host=host, reason=f"HTTP {answer.status_code}")
            pieces, size = [], 0
            for piece in answer.iter_bytes():
                size += len(piece)
                if size > most:
                    raise Invalid("federation.too_large", host=host, limit=most >> 20)
                if watch.seconds() > LONGEST_SECONDS:
                    raise Unavailable("federation.unreachable", host=host, reason=f"{LONGEST_SECONDS} s")
                pieces.append(piece)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable("federation.unreachable", host=host, reason=type(error).__name__) from error
    return b"".join(pieces)
