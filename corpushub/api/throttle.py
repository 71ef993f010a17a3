"""How many requests one caller may make: a fixed window per caller and family of routes, told in the headers the Hub's clients read.

`ratelimit: "api";r=0;t=55` and `ratelimit-policy: "fixed window";"api";q=…;w=300` (draft-ietf-httpapi-ratelimit-headers): clients wait
`t` seconds and try again by themselves.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from corpushub.base.errors import HubError

MAX_CALLERS = 50_000


@dataclass(frozen=True, slots=True)
class Quotas:
    """Requests per window of `seconds`. A release of 10,000 files costs a reader about 20,000 `resolve` requests."""

    api: int = 120_000
    resolve: int = 400_000
    anonymous_api: int = 20_000
    anonymous_resolve: int = 60_000
    signin: int = 300  # passwords tried from one address, whatever the accounts: each costs a slow hash
    seconds: int = 300


class TooMany(HubError):
    """Come back in `seconds`."""

    status = 429

    def __init__(self, seconds: int, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        super().__init__("http.too_many", seconds=seconds)
        self.headers = headers


class Throttle:
    def __init__(self, quotas: Quotas | None = None) -> None:
        self.quotas = quotas or Quotas()
        self.window = 0
        self.counts: dict[tuple[str, str], int] = {}

    def spend(self, who: str, kind: str, *, signed_in: bool) -> tuple[tuple[bytes, bytes], ...]:
        """Count one request; gives the headers that say what is left (none while more than a tenth is). Raises: TooMany."""
        if kind == "signin":
            quota = self.quotas.signin
        else:
            kind = "resolve" if kind == "resolve" else "api"
            quota = getattr(self.quotas, kind if signed_in else f"anonymous_{kind}")
        now = time.monotonic()
        length = self.quotas.seconds
        window = int(now // length)
        if window != self.window or len(self.counts) > MAX_CALLERS:
            self.window, self.counts = window, {}
        used = self.counts[who, kind] = self.counts.get((who, kind), 0) + 1
        if used * 10 < quota * 9:
            return ()
        left, seconds = max(0, quota - used), int((window + 1) * length - now) + 1
        lines = (
            (b"ratelimit", f'"{kind}";r={left};t={seconds}'.encode()),
            (b"ratelimit-policy", f'"fixed window";"{kind}";q={quota};w={length}'.encode()),
        )
        if used > quota:
            raise TooMany(seconds, (*lines, (b"retry-after", str(seconds).encode())))
        return lines
