"""The large files of one repository: what it received and what its refs name, and how what was pushed by mistake leaves it again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from corpushub.base.errors import Conflict
from corpushub.store import hub_tables as t
from corpushub.store.db import Unit
from corpushub.store.repos import HEADS, PULLS, Ref
from corpushub.store.tables import in_parts


@dataclass(frozen=True, slots=True)
class LargeFile:
    """One object under one path; `ref` is the first ref that has it there, "" where none has (then `path` is the digest)."""

    sha256: str
    size: int
    path: str
    at: str
    ref: str


def large_files(unit: Unit, repo_id: str) -> list[LargeFile]:
    """What the repository received or a ref of it names, sorted by path."""
    query = sa.select(t.repo_object).where(t.repo_object.c.repo == repo_id)
    received = {row.sha256: row for row in unit.connection.execute(query)}
    found: dict[tuple[str, str], LargeFile] = {}
    for ref in unit.repos.refs(repo_id):
        for name in {ref.target, ref.released} - {""}:
            commit = unit.repos.get_commit(name)
            for entry in unit.repos.entries(name):
                if entry.lfs and commit is not None:
                    at = received[entry.sha256].at if entry.sha256 in received else commit.at
                    file = LargeFile(entry.sha256, entry.size, entry.path, at, ref.full)
                    found.setdefault((entry.path, entry.sha256), file)
    named = {digest for _, digest in found}
    loose = [LargeFile(row.sha256, row.size, row.sha256, row.at, "") for row in received.values() if row.sha256 not in named]
    return sorted([*found.values(), *loose], key=lambda file: (file.path, file.sha256))


def drop_large_files(unit: Unit, repo_id: str, digests: Collection[str], by: str, *, rewrite: bool) -> None:
    """Make the repository forget objects. The bytes go with the next sweep, unless something else names them.

    With `rewrite` every unreleased commit that names one goes, too: a branch goes on without the files, a tag is removed.
    Raises: Conflict("repo.object_released" | "repo.object_named").
    """
    gone = set(digests)
    commits = sa.select(t.repo_commit.c.id, t.repo_commit.c.released).where(t.repo_commit.c.repo == repo_id)
    naming = {row.id: row.released for row in unit.connection.execute(commits).all() if gone & _named(unit, row.id)}
    if any(naming.values()):
        raise Conflict("repo.object_released", repo=repo_id)
    if naming and not rewrite:
        raise Conflict("repo.object_named", repo=repo_id)
    for ref in unit.repos.refs(repo_id):
        if ref.target in naming:
            _go_on_without(unit, repo_id, ref, gone, set(naming), by)
    for commit in naming:
        unit.connection.execute(t.repo_tree.delete().where(t.repo_tree.c.commit == commit))
        unit.connection.execute(t.repo_commit.delete().where(t.repo_commit.c.id == commit))
        unit.documents.delete("contribution", commit)
    held = t.repo_object.delete().where(t.repo_object.c.repo == repo_id)
    for part in in_parts(gone):
        unit.connection.execute(held.where(t.repo_object.c.sha256.in_(part)))


def _go_on_without(unit: Unit, repo_id: str, ref: Ref, gone: set[str], naming: set[str], by: str) -> None:
    if ref.kind not in {HEADS, PULLS}:
        unit.repos.delete_ref(repo_id, ref.kind, ref.name)
        return
    history = unit.repos.history(ref.target, released_only=False)
    parent = next((commit.id for commit in history if commit.id not in naming), "")
    kept = [entry for entry in unit.repos.entries(ref.target) if entry.sha256 not in gone]
    message = "Remove large files from history"
    made = unit.repos.commit(repo_id, kept, message, by, unit.repos.clock(), parent=parent, released=False)
    if ref.kind == HEADS:
        unit.repos.set_branch(repo_id, ref.name, made, released=False)
    else:
        unit.repos.set_pull(repo_id, ref.name, made)


def _named(unit: Unit, commit: str) -> set[str]:
    return {entry.sha256 for entry in unit.repos.entries(commit) if entry.lfs}
