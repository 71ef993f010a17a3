"""Names, digests, ids and the clock: the one place they come from, so that tests can fix them and outputs never depend on a host."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?")
_UNFIT = re.compile(r"[\x00\ud800-\udfff]")

Clock = Callable[[], datetime]
"""A function that returns the present moment in UTC."""


def system_clock() -> datetime:
    """The present moment, UTC, whole microseconds."""
    return datetime.now(UTC)


def fixed_clock(moment: datetime) -> Clock:
    """A clock that stands still, for tests and for rebuilding an old release."""
    return lambda: moment


def business_day(moment: datetime) -> date:
    """The civil date of `moment` in China, where terms and deadlines count in local days."""
    return moment.astimezone(BEIJING).date()


def iso(moment: datetime) -> str:
    """`2026-11-22T03:04:05.678901Z`: sorts as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def new_id(prefix: str = "", *, clock: Clock = system_clock) -> str:
    """A 26-character id (ULID layout) that sorts by time; `prefix` reads as `prefix-01J…`."""
    stamp = int(clock().timestamp() * 1000)
    number = (stamp << 80) | secrets.randbits(80)
    body = "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
    return f"{prefix}-{body}" if prefix else body


def canonical(value: object) -> bytes:
    """Canonical JSON (RFC 8785 for the values we use: no floats outside ±2^53 integers and shortest-form doubles), UTF-8, no spaces."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _no_number(word: str) -> float:
    raise ValueError(word)


_JSON = json.JSONDecoder(parse_constant=_no_number)  # Python's own reads NaN and Infinity, which nothing can say on


def json_of(data: bytes | bytearray) -> Any:
    """What JSON says. Raises: ValueError, also for text and numbers that are none (NUL, half of a surrogate pair, NaN); RecursionError."""
    told = data.decode("utf-8-sig")
    value = _JSON.decode(told)
    waiting = [value] if "\\u" in told else []  # only escapes can say what UTF-8 cannot
    while waiting:
        match waiting.pop():
            case str(word) if _UNFIT.search(word):
                raise ValueError(word)
            case list(items):
                waiting += items
            case dict(pairs):
                waiting += (*pairs, *pairs.values())
    return value


def sha256(data: bytes) -> str:
    """Lower-case hex SHA-256."""
    return hashlib.sha256(data).hexdigest()


def digest_of(value: object) -> str:
    """SHA-256 of the canonical JSON of `value`."""
    return sha256(canonical(value))


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, read once in 1 MiB pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def git_blob_sha1(data: bytes) -> str:
    """Object id git gives these bytes (the Hub protocol's `oid` of small files)."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def is_name(name: str) -> bool:
    """May `name` be one half of a repository id? ASCII letters, digits and `._-`, at most 96, no `..` or `--`."""
    return bool(_NAME.fullmatch(name)) and ".." not in name and "--" not in name and not name.endswith(".git")


def is_repo_id(name: str) -> bool:
    """`owner/name`, both halves names."""
    owner, slash, rest = name.partition("/")
    return bool(slash) and is_name(owner) and is_name(rest)


@dataclass(slots=True)
class Stopwatch:
    """Seconds since it was made, for progress and logs; never for anything that reaches an output."""

    started: float = 0.0

    def __post_init__(self) -> None:
        self.started = time.monotonic()

    def seconds(self) -> float:
        return time.monotonic() - self.started


def cpu_seconds() -> float:
    """What this process has cost so far, whatever else the machine is doing; never for anything that reaches an output."""
    return time.process_time()
