"""The difference between two releases, computed from their Parquet files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpushub.base.errors import Invalid
from corpushub.base.messages import text
from corpushub.domain.release import Change, column_changes
from corpushub.engine.rowdiff import compare_rows, schema_of


@dataclass(frozen=True, slots=True)
class Rows:
    """One side: data files by release path, and the logical digest that tells at once whether anything differs."""

    files: Mapping[str, Path]
    logical_digest: str


def change_between(previous: str, before: Rows, after: Rows, key: str) -> Change:
    """Rows added, removed, changed and moved by `key`; nothing is read where the logical digests are equal.

    Raises: Invalid("releases.key_missing") where rows cannot be told apart.
    """
    old, new = schema_of(before.files), schema_of(after.files)
    keyed = key in dict(old) and key in dict(new)
    if not keyed and before.logical_digest != after.logical_digest:
        raise Invalid("releases.key_missing")
    same = before.logical_digest == after.logical_digest and old == new
    counts = compare_rows(before.files, after.files, key, skip_equal=same)
    columns: dict[str, Any] = dict(column_changes(old, new))
    return Change(
        previous=previous, rows_before=counts.before, rows_after=counts.after, added=counts.added, removed=counts.removed,
        changed=counts.changed, moved=counts.moved, **columns, drift=counts.drift, same_data=same and not counts.moved,
        examples=counts.examples,
    )  # fmt: skip


def summary_of(change: Change | None) -> str:
    """One line for the changelog, in both languages."""
    if change is None:
        return f"{text('card.first_version', 'zh')} {text('card.first_version', 'en')}"
    if change.same_data:
        return (
            f"{text('card.same_data', 'zh', previous=change.previous)} {text('card.same_data', 'en', previous=change.previous)}"
        )
    if change.uncounted:
        told = {"before": change.rows_before, "after": change.rows_after}
        return f"{text('card.uncounted_line', 'zh', **told)} {text('card.uncounted_line', 'en', **told)}"
    facts = {name: getattr(change, name) for name in ("added", "removed", "changed", "moved")}
    return f"{text('card.changes_line', 'zh', **facts)} {text('card.changes_line', 'en', **facts)}"
