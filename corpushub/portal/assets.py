"""Our own static files, addressed by content so that browsers may keep them for ever."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from corpushub.base.identity import sha256

TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
KEEP = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@cache
def content(name: str) -> bytes:
    return files("corpushub.portal").joinpath("static", name).read_bytes()


@cache
def address(name: str) -> str:
    """`/static/portal/<digest>/portal.css`."""
    return f"/static/portal/{sha256(content(name))[:12]}/{name}"


def known(name: str) -> bool:
    return "/" not in name and name.rpartition(".")[2] in TYPES and files("corpushub.portal").joinpath("static", name).is_file()
