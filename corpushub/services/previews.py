"""Documents of a release that describe it: card, gates, reports, charts. They go to whoever may see the dataset; data never do."""

from __future__ import annotations

import json
from typing import Any

from corpushub.services.repositories import Repositories, Snapshot
from corpushub.store.objects import Objects

DESCRIBING = (
    "README.md",
    "CHANGELOG.md",
    "gates.json",
    "reports/",
    "cards/",
    "provenance/recipe.yaml",
    "provenance/sources.json",
)
MAX_DOCUMENT = 4 << 20


class Previews:
    """Reads releases for showing; writes nothing."""

    def __init__(self, *, repositories: Repositories, objects: Objects) -> None:
        self.repositories, self.objects = repositories, objects

    def document(self, snapshot: Snapshot, path: str) -> bytes | None:
        """A describing file of the release; None where it has none, or the file is data."""
        entry = snapshot.tree.by_path.get(path)
        if entry is None or not path.startswith(DESCRIBING) or entry.size > MAX_DOCUMENT:
            return None
        return self.objects.read(entry.sha256)

    def report(self, snapshot: Snapshot, path: str) -> Any:
        """A JSON document of the release, {} where it has none or it can't be read."""
        found = self.document(snapshot, path)
        try:
            return json.loads(found) if found else {}
        except ValueError:
            return {}
