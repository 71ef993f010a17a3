"""Look at what a build removed: the drop log, read lazily and bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.dataset as ds


def removed_rows(folder: Path, step: int | None, limit: int) -> list[dict[str, Any]]:
    """At most `limit` rows of the drop log in row order; none where nothing was dropped."""
    path = folder / "provenance" / "drops.parquet"
    if not path.exists():
        return []
    only = None if step is None else pc.field("step") == step
    table = ds.dataset(path, format="parquet").head(limit, filter=only)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
