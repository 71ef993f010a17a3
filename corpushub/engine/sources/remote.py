"""Sources at other places: HTTP(S) from allow-listed hosts and S3. Bytes are fetched once into the cache, bounded, and read like a local file."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from corpushub.base.errors import Forbidden, Invalid, NotFound, Unavailable
from corpushub.base.identity import sha256
from corpushub.base.s3 import s3_options
from corpushub.engine.sources.place import Place

PIECE = 1 << 20


def fetch(address: str, place: Place) -> Path:
    """A local copy of `address`; its validator (ETag or time) decides whether it is fetched again.

    Raises: Forbidden("source.host" | "source.own_store"), NotFound("source.missing"), Unavailable("source.unreachable").
    """
    if address.startswith("s3://"):
        return fetch_s3(address, place)
    return fetch_http(address, place)


def kept(place: Place, address: str, validator: str) -> tuple[Path, Path]:
    """(where a copy with this validator lies, a temporary name beside it)."""
    folder = place.cache.folder("fetched")
    name = PurePosixPath(urlsplit(address).path).name or "source"
    path = folder / f"{sha256(f'{address}|{validator}'.encode())[:32]}-{name[-80:]}"
    return path, path.with_name(f"{path.name}.part")


def fetch_http(address: str, place: Place) -> Path:
    import httpx

    allowed = {host.strip().lower() for host in place.settings.allowed_hosts.split(",") if host.strip()}
    host = (urlsplit(address).hostname or "").lower()
    if host not in allowed:
        raise Forbidden("source.host", host=host)
    try:
        # Redirects are not followed: one could lead to a host that nobody allowed.
        with httpx.Client(timeout=60, follow_redirects=False) as client, client.stream("GET", address) as answer:
            if answer.status_code == 404:
                raise NotFound("source.missing", source=host, name=PurePosixPath(urlsplit(address).path).name)
            if answer.status_code != 200:
                raise Unavailable("source.unreachable", host=host, reason=f"HTTP {answer.status_code}")
            validator = answer.headers.get("etag") or answer.headers.get("last-modified") or ""
            path, temporary = kept(place, address, validator)
            if validator and path.exists():
                return path
            copy_bounded(answer.iter_bytes(PIECE), temporary, place)
    except httpx.HTTPError as error:
        raise Unavailable("source.unreachable", host=host, reason=type(error).__name__) from error
    temporary.replace(path)
    return path


def copy_bounded(pieces: Any, temporary: Path, place: Place) -> None:
    size = 0
    with temporary.open("wb") as out:
        for piece in pieces:
            size += len(piece)
            if size > place.limits.max_archive_bytes:
                raise Invalid("source.archive_bytes", name=temporary.name, limit=place.limits.max_archive_bytes)
            out.write(piece)


def require_not_ours(address: str, place: Place) -> None:
    """The hub keeps every release in its store; a recipe that read there would get what its maker was never granted.

    Raises: Forbidden("source.own_store").
    """
    ours = place.settings.objects_url.rstrip("/")
    odd = not {"", ".", ".."}.isdisjoint(address.removeprefix("s3://").split("/"))
    if ours.startswith("s3://") and (
        f"{address}/".startswith(f"{ours}/") or (odd and urlsplit(address).netloc == urlsplit(ours).netloc)
    ):
        raise Forbidden("source.own_store")


def fetch_s3(address: str, place: Place) -> Path:
    import obstore
    from obstore.exceptions import BaseError
    from obstore.store import S3Store

    parts = urlsplit(address)
    require_not_ours(address, place)
    store: Any = S3Store.from_url(f"s3://{parts.netloc}", **s3_options(place.settings))
    key = parts.path.lstrip("/")
    try:
        answer = obstore.get(store, key)
        meta = answer.meta
        path, temporary = kept(place, address, str(meta.get("e_tag") or meta["last_modified"]))
        if path.exists():
            return path
        copy_bounded((bytes(piece) for piece in answer.stream(min_chunk_size=PIECE)), temporary, place)
    except FileNotFoundError:
        raise NotFound("source.missing", source=parts.netloc, name=PurePosixPath(key).name) from None
    except (BaseError, OSError) as error:
        raise Unavailable("source.unreachable", host=parts.netloc, reason=type(error).__name__) from error
    shutil.move(temporary, path)
    return path
