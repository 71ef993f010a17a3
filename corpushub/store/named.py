"""What a sweep of the object store has to keep: every digest any row names."""

from __future__ import annotations

import re

import sqlalchemy as sa

from corpushub.store.db import Unit
from corpushub.store.tables import cases, documents

_SHA = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


def named_objects(unit: Unit) -> set[str]:
    """Digests in trees, received objects, documents (manifests of proposals among them) and cases. Whatever looks like a digest counts:
    one kept too many costs bytes, one too few a release. Reads every row once.
    """
    keep = unit.repos.named_objects()
    for column in (documents.c.value, cases.c.data):
        for text in unit.connection.execute(sa.select(sa.type_coerce(column, sa.Text))).scalars():
            keep.update(_SHA.findall(text or ""))
    return keep
