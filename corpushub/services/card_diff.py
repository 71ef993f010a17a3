"""Compare two versions of a dataset by their folders: releases row by row, checked-in cards by their kept figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpushub.base.errors import NotFound
from corpushub.base.messages import Lang, text
from corpushub.domain.release import Change, next_version
from corpushub.services.cards import outline, read_kept
from corpushub.services.changes import Rows, change_between
from corpushub.services.rebuild import release_facts


@dataclass(frozen=True, slots=True)
class FolderDiff:
    """The change, what verdicts became, and the version it asks for."""

    old: str
    new: str
    change: Change
    gates: Mapping[str, tuple[str, str]]
    asks_for: str

    def to_json(self) -> dict[str, Any]:
        gates = {name: list(pair) for name, pair in self.gates.items()}
        return {"old": self.old, "new": self.new, "asks_for": self.asks_for, "gates": gates, "change": self.change.to_json()}


def compare_folders(old: Path, new: Path) -> FolderDiff:
    """Raises: NotFound("cards.no_folder") where a folder holds neither a card nor a release; Invalid("releases.key_missing")."""
    before, after = version_of(old), version_of(new)
    kept_old, kept_new = read_kept(old), read_kept(new)
    if kept_old is not None and kept_new is not None:
        change = outline(kept_old, kept_new.built, [(name, kind) for name, kind in kept_new.profile["schema"]])
    else:
        change = change_between(before, rows_of(old), rows_of(new), key_of(new))
    asks = before if change.same_data and before == after else str(next_version(before, change))
    return FolderDiff(before, after, change, gate_changes(old, new), asks)


def rows_of(folder: Path) -> Rows:
    files = {path.relative_to(folder).as_posix(): path for path in folder.glob("data/**/*.parquet")}
    _, facts = release_facts(folder)
    return Rows(files, facts["logical"])


def key_of(folder: Path) -> str:
    from corpushub.services.cards import read_recipe

    return read_recipe(folder / "provenance" / "recipe.yaml").contract.key


def version_of(folder: Path) -> str:
    for name in ("facts.json", "provenance/facts.json"):
        if (folder / name).is_file():
            return str(json.loads((folder / name).read_text("utf-8"))["version"])
    raise NotFound("cards.no_folder", folder=folder.name)


def gate_changes(old: Path, new: Path) -> dict[str, tuple[str, str]]:
    """Gates whose verdict changed."""
    before, after = statuses(old), statuses(new)
    return {name: (before.get(name, "absent"), status) for name, status in after.items() if before.get(name, "absent") != status}


def statuses(folder: Path) -> dict[str, str]:
    path = folder / "gates.json"
    return {row["gate"]: row["status"] for row in json.loads(path.read_text("utf-8"))["gates"]} if path.is_file() else {}


def to_markdown(found: FolderDiff, lang: Lang) -> str:
    """The difference as a comment on a pull request."""
    change = found.change
    lines = [f"### {found.old} → {found.new} ({text('card.version', lang)} ≥ {found.asks_for})", ""]
    lines += data_lines(change, lang)
    if found.gates:
        lines += [
            "",
            f"| {text('card.gate', lang)} | {text('card.before', lang)} | {text('card.after', lang)} |",
            "| --- | --- | --- |",
        ]
        lines += [f"| `{name}` | {old} | {new} |" for name, (old, new) in found.gates.items()]
    return "\n".join(lines)


def data_lines(change: Change, lang: Lang) -> list[str]:
    """What became of rows, columns and distributions."""
    if change.same_data:
        return [text("card.same_data", lang, previous=change.previous)]
    counts = [(f"card.rows_{name}", f"{getattr(change, name):,}") for name in ("added", "removed", "changed", "moved")]
    if change.uncounted:
        counts = []
    named = [
        (f"card.columns_{name}", ", ".join(getattr(change, f"columns_{name}")) or "–") for name in ("added", "removed", "retyped")
    ]
    lines = (
        [text("card.uncounted_line", lang, before=change.rows_before, after=change.rows_after), ""] if change.uncounted else []
    )
    lines += [f"| {text('card.change', lang)} | {text('card.count_n', lang)} |", "| --- | ---: |"]
    lines += [f"| {text(key, lang)} | {value} |" for key, value in (*counts, *named)]
    if change.drift:
        lines += ["", f"| {text('card.field', lang)} | {text('card.psi_n', lang)} |", "| --- | ---: |"]
        lines += [f"| `{column}` | {index} |" for column, index in sorted(change.drift.items())]
    return lines
