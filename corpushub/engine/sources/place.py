"""Where sources are looked for, and which folders they may lie in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from corpushub.base.errors import Forbidden, Invalid, NotFound
from corpushub.base.settings import Settings
from corpushub.domain.build import Progress, silent
from corpushub.domain.recipe import SourceRef
from corpushub.engine.cache import Cache
from corpushub.engine.sources.files import Limits


@dataclass(frozen=True, slots=True)
class Place:
    """Where sources are found and kept: the recipe's folder, settings with allow-lists, the cache and the bounds.

    `rows`: for a preview, about how many rows of each source are read; 0 reads all. `progress` is told of what was read, `cancelled` asked
    whether to go on.
    """

    base: Path
    settings: Settings
    cache: Cache
    limits: Limits = field(default_factory=Limits)
    rows: int = 0
    progress: Progress = silent
    cancelled: Callable[[], bool] = bool


def local_path(ref: SourceRef, place: Place) -> Path:
    """The file or folder a relative or absolute address names, inside the folders sources may lie in."""
    if not ref.address:
        raise Invalid("source.no_address", source=ref.name)
    path = (place.base / ref.address).resolve()
    roots = [place.base.resolve(), *(Path(root).resolve() for root in place.settings.source_roots.split(":") if root)]
    if not any(path.is_relative_to(root) for root in roots):
        raise Forbidden("source.outside", source=ref.name)
    if not path.exists():
        raise NotFound("source.missing", source=ref.name, name=path.name)
    return path
