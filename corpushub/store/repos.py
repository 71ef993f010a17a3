"""Repositories of the hub: tag -> commit -> tree -> object. Commits and trees are immutable; refs move.

Two views of a ref: `target` is what curators pushed, `released` what an approval published. Readers only ever see the second, so a
contribution on `main` is quarantined by construction. `commit`, `set_tag` and `set_branch` publish unless told `released=False`.
"""

from __future__ import annotations

import json
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from corpushub.base.errors import Conflict, NotFound
from corpushub.base.identity import Clock, iso
from corpushub.domain.tree import Entry, Tree, commit_id, is_commit_id
from corpushub.store import hub_tables as t
from corpushub.store.tables import in_parts

__all__ = ["HEADS", "PULLS", "TAGS", "Commit", "Entry", "Query", "Ref", "Repo", "Repos", "Revision"]
HEADS, TAGS, PULLS = "heads", "tags", "pr"


@dataclass(frozen=True, slots=True)
class Repo:
    """A dataset series. `gated`: manual, auto, or "" for unconditional openness; `head` is the released head of main."""

    id: str
    org: str
    created_by: str
    created_at: str
    changed_at: str
    private: bool
    gated: str
    downloads: int = 0
    head: str = ""
    facts_of: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit without its tree."""

    id: str
    repo: str
    parent: str
    title: str
    message: str
    author: str
    at: str
    files: int
    bytes: int
    released: bool


@dataclass(frozen=True, slots=True)
class Ref:
    """`state` is "", quarantined or withdrawn; the last two carry `reason` and perhaps `successor` (a tag name)."""

    kind: str
    name: str
    target: str
    released: str
    state: str = ""
    reason: str = ""
    successor: str = ""

    @property
    def full(self) -> str:
        return f"refs/{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Revision:
    """What a revision word means: the commit, and the ref that named it (None for a commit id)."""

    commit: str
    ref: Ref | None
    stopped: Ref | None = None  # the quarantined or withdrawn tag that forbids delivery


@dataclass(frozen=True, slots=True)
class Query:
    """A search. `org` is the asker's, of which `only` these are its own to see (empty: all); `curates` shows those unreleased, too."""

    words: tuple[str, ...] = ()
    facets: tuple[str, ...] = ()
    owner: str = ""
    gated: bool | None = None
    sort: str = "lastModified"
    org: str = ""
    curates: bool = False
    only: tuple[str, ...] = ()
    offset: int = 0
    limit: int = 100


class Repos:
    """All of it inside one transaction."""

    def __init__(self, connection: sa.Connection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock

    # -- repositories -----------------------------------------------------------------------------------------------------

    def create(self, repo_id: str, *, org: str, by: str, private: bool = False, gated: str = "manual") -> Repo:
        """A new, empty repository. Raises: Conflict("repo.exists") also where the name differs from another by case only."""
        folded = repo_id.lower()
        taken = self.connection.execute(sa.select(t.repo.c.id).where(t.repo.c.folded == folded)).scalar_one_or_none()
        if taken is not None:
            raise Conflict("repo.exists", repo=taken)
        self.connection.execute(t.repo_alias.delete().where(t.repo_alias.c.folded == folded))
        now = iso(self.clock())
        row = {
            "id": repo_id,
            "org": org,
            "created_by": by,
            "created_at": now,
            "changed_at": now,
            "private": private,
            "gated": gated,
        }
        self.connection.execute(t.repo.insert().values(**row, folded=folded, facts={}, words=folded))
        return Repo(repo_id, org, by, now, now, private, gated)

    def ensure(self, repo_id: str, *, org: str, by: str, gated: str = "manual") -> Repo:
        """The repository, created where it is missing."""
        return self.get(repo_id) or self.create(repo_id, org=org, by=by, gated=gated)

    def get(self, repo_id: str) -> Repo | None:
        row = self.connection.execute(_ONE, {"of": repo_id}).one_or_none()
        return None if row is None else Repo(*row)

    def org_of(self, owner: str) -> str:
        """The organisation whose datasets stand under an owner's name already, or ""."""
        query = sa.select(t.repo.c.org).where(t.repo.c.folded.startswith(f"{owner.lower()}/", autoescape=True)).limit(1)
        return self.connection.execute(query).scalar_one_or_none() or ""

    def moved_to(self, repo_id: str) -> str | None:
        """The id a repository of this name (any case) has now, where that differs."""
        folded = repo_id.lower()
        query = sa.select(t.repo.c.id).where(t.repo.c.folded == folded)
        alias = sa.select(t.repo_alias.c.repo).where(t.repo_alias.c.folded == folded)
        found = self.connection.execute(query).scalar_one_or_none() or self.connection.execute(alias).scalar_one_or_none()
        return found if found != repo_id else None

    def stamp(self) -> tuple[int, int]:
        """How many repositories there are, and what `touched` is asked with to learn of everything that changes after this."""
        count, mark = self.connection.execute(_STAMP).one()
        return int(count), int(mark)

    def touched(self, since: int = 0) -> Sequence[tuple[Repo, str]]:
        """Repositories that changed since `stamp` said `since`, some perhaps again; each with the folded text a search looks at."""
        return [(Repo(*row[:-1]), row[-1]) for row in self.connection.execute(_TOUCHED, {"since": since})]

    def undescribed(self, limit: int = 50) -> Sequence[Repo]:
        """Repositories whose facts do not tell their released head yet."""
        return [Repo(*row) for row in self.connection.execute(_UNDESCRIBED, {"most": limit})]

    def describe(self, repo_id: str, commit: str, facts: Mapping[str, Any], words: str) -> None:
        """Keep what the card of `commit` says, for lists and searches."""
        self.update(repo_id, facts=dict(facts), facts_of=commit, words=f"{repo_id} {words}".lower())

    def update(self, repo_id: str, **values: Any) -> None:
        """Set columns of `repo`: private, gated, facts, facts_of, words."""
        if not values:
            return
        self.connection.execute(t.repo.update().where(t.repo.c.id == repo_id).values(**values))

    def count_downloads(self, counts: Mapping[str, int]) -> None:
        for repo_id, count in counts.items():
            self.connection.execute(t.repo.update().where(t.repo.c.id == repo_id).values(downloads=t.repo.c.downloads + count))

    def delete(self, repo_id: str) -> None:
        """Remove a repository nothing was ever released from. Raises: Conflict("repo.has_releases") otherwise."""
        released = sa.select(t.repo_ref.c.name).where(t.repo_ref.c.repo == repo_id, t.repo_ref.c.released != "")
        if self.connection.execute(released.limit(1)).first():
            raise Conflict("repo.has_releases", repo=repo_id)
        trees = sa.select(t.repo_commit.c.id).where(t.repo_commit.c.repo == repo_id)
        self.connection.execute(t.repo_tree.delete().where(t.repo_tree.c.commit.in_(trees)))
        for table in (t.repo_commit, t.repo_ref, t.repo_object, t.repo_alias):
            self.connection.execute(table.delete().where(table.c.repo == repo_id))
        self.connection.execute(t.repo.delete().where(t.repo.c.id == repo_id))

    def move(self, repo_id: str, to: str) -> None:
        """Rename; the old name stays an alias until somebody takes it. Raises: Conflict("repo.exists")."""
        folded = to.lower()
        other = sa.select(t.repo.c.id).where(t.repo.c.folded == folded, t.repo.c.id != repo_id)
        if self.connection.execute(other).first():
            raise Conflict("repo.exists", repo=to)
        self.connection.execute(t.repo_alias.delete().where(t.repo_alias.c.folded.in_([folded, repo_id.lower()])))
        self.connection.execute(t.repo.update().where(t.repo.c.id == repo_id).values(id=to, folded=folded))
        for table in (t.repo_commit, t.repo_ref, t.repo_object, t.repo_alias):
            self.connection.execute(table.update().where(table.c.repo == repo_id).values(repo=to))
        if folded != repo_id.lower():
            self.connection.execute(t.repo_alias.insert().values(folded=repo_id.lower(), repo=to))

    # -- commits ----------------------------------------------------------------------------------------------------------

    def commit(  # noqa: PLR0913 - a commit is these six facts
        self,
        repo_id: str,
        entries: Iterable[Entry],
        message: str,
        author: str,
        at: datetime,
        *,
        parent: str | None = None,
        released: bool = True,
    ) -> str:
        """Write a commit holding exactly `entries` and return its id (40 hex). `parent` defaults to the head of main.

        The same content on the same parent returns the existing head, so a repeated push is harmless.
        """
        if parent is None:
            head = self.ref(repo_id, HEADS, "main")
            parent = head.target if head else ""
        before = self.tree(parent).by_path if parent else {}
        ordered = sorted(entries, key=lambda entry: entry.path)
        if parent and not released and {e.path: e.etag for e in ordered} == {path: e.etag for path, e in before.items()}:
            return parent
        title, _, rest = message.strip().partition("\n")
        words = {"message": message, "author": author, "at": iso(at), "released": str(released)}
        made = commit_id(repo_id, parent, ordered, words)
        if self.get_commit(made) is None:
            same = {e.path: kept.commit for e in ordered if (kept := before.get(e.path)) and kept.etag == e.etag}
            rows = [[e.path, e.sha256, e.size, int(e.lfs), e.oid, same.get(e.path, made)] for e in ordered]
            packed = zlib.compress(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode(), 1)
            self.connection.execute(t.repo_tree.insert().values(commit=made, entries=packed))
            size = sum(entry.size for entry in ordered)
            row = Commit(made, repo_id, parent, title, rest.strip(), author, iso(at), len(rows), size, released)
            self.connection.execute(t.repo_commit.insert().values({name: getattr(row, name) for name in Commit.__slots__}))
        return made

    def get_commit(self, commit: str) -> Commit | None:
        row = self.connection.execute(_COMMIT, {"of": commit}).one_or_none()
        return None if row is None else Commit(*row)

    def history(self, commit: str, *, released_only: bool, limit: int = 0) -> Sequence[Commit]:
        """The commit and its ancestors, newest first."""
        found: list[Commit] = []
        while commit and (not limit or len(found) < limit):
            row = self.get_commit(commit)
            if row is None:
                break
            if row.released or not released_only:
                found.append(row)
            commit = row.parent
        return found

    def tree(self, commit: str) -> Tree:
        """The tree of a commit. Raises: NotFound("repo.revision_unknown")."""
        if known := _TREES.get(commit):
            return known
        packed = self.connection.execute(_TREE, {"of": commit}).scalar_one_or_none()
        if packed is None:
            raise NotFound("repo.revision_unknown", revision=commit)
        return _TREES.put(commit, _unpacked(packed))

    def entries(self, commit: str) -> tuple[Entry, ...]:
        return self.tree(commit).entries

    # -- refs -------------------------------------------------------------------------------------------------------------

    def ref(self, repo_id: str, kind: str, name: str) -> Ref | None:
        row = self.connection.execute(sa.select(*_REF).where(_is_ref(repo_id, kind, name))).one_or_none()
        return None if row is None else Ref(**row._mapping)

    def refs(self, repo_id: str) -> Sequence[Ref]:
        return [Ref(*row) for row in self.connection.execute(_REFS, {"of": repo_id})]

    def set_branch(self, repo_id: str, name: str, commit: str, *, released: bool = True) -> None:
        self._set(repo_id, HEADS, name, commit, released=released)
        if released and name == "main":
            self.connection.execute(t.repo.update().where(t.repo.c.id == repo_id).values(head=commit))

    def set_tag(self, repo_id: str, name: str, commit: str, *, released: bool = True, message: str = "") -> None:
        """Raises: Conflict("repo.tag_fixed") where a released tag would move: released means forever."""
        before = self.ref(repo_id, TAGS, name)
        if before and before.released and before.released != commit:
            raise Conflict("repo.tag_fixed", tag=name)
        self._set(repo_id, TAGS, name, commit, released=released)
        if message:
            self._update_ref(repo_id, TAGS, name, message=message)

    def set_pull(self, repo_id: str, number: str, commit: str) -> None:
        self._set(repo_id, PULLS, number, commit, released=False)

    def _set(self, repo_id: str, kind: str, name: str, commit: str, *, released: bool) -> None:
        now = iso(self.clock())
        seen = {"released": commit} if released else {}
        changed = self._update_ref(repo_id, kind, name, target=commit, at=now, **seen)
        if not changed:
            named = {"repo": repo_id, "kind": kind, "name": name}
            self.connection.execute(t.repo_ref.insert().values(**named, target=commit, released=seen.get("released", ""), at=now))
        self.connection.execute(t.repo.update().where(t.repo.c.id == repo_id).values(changed_at=now))

    def _update_ref(self, repo_id: str, kind: str, name: str, **values: Any) -> bool:
        return self.connection.execute(t.repo_ref.update().where(_is_ref(repo_id, kind, name)).values(**values)).rowcount > 0

    def delete_ref(self, repo_id: str, kind: str, name: str) -> bool:
        """Did an unreleased ref of that name exist? Raises: Conflict("repo.ref_released") for a released one."""
        before = self.ref(repo_id, kind, name)
        if before and before.released:
            raise Conflict("repo.ref_released", ref=before.full)
        return self.connection.execute(t.repo_ref.delete().where(_is_ref(repo_id, kind, name))).rowcount > 0

    def stop(self, repo_id: str, tag: str, *, state: str, reason: str, successor: str = "") -> None:
        """Quarantine or withdraw a released tag, or lift with state "". Main falls back to the newest tag still delivered.

        Raises: NotFound("repo.revision_unknown").
        """
        successor = f"v{successor}" if successor[:1].isdigit() else successor
        if not self._update_ref(repo_id, TAGS, tag, state=state, reason=reason, successor=successor):
            raise NotFound("repo.revision_unknown", revision=tag)
        query = (
            sa.select(t.repo_ref.c.released)
            .where(t.repo_ref.c.repo == repo_id, t.repo_ref.c.kind == TAGS, t.repo_ref.c.state == "", t.repo_ref.c.released != "")
            .order_by(t.repo_ref.c.at.desc(), t.repo_ref.c.name.desc())
        )
        head = self.connection.execute(query.limit(1)).scalar_one_or_none() or ""
        self._update_ref(repo_id, HEADS, "main", released=head)
        self.connection.execute(t.repo.update().where(t.repo.c.id == repo_id).values(head=head))

    def resolve(self, repo_id: str, revision: str) -> str | None:
        """The commit a curator means by `revision`: branch, tag, `refs/…`, or full or short commit id."""
        found = self.find(repo_id, revision)
        return found.commit if found else None

    def find(self, repo_id: str, revision: str, *, reader: bool = False) -> Revision | None:
        """What `revision` means to a curator, or to a reader who sees released commits only; short ids need 7 digits."""
        refs = self.refs(repo_id)
        tags = [ref for ref in refs if ref.kind == TAGS]
        for ref in _named(refs, revision):
            commit = ref.released if reader else ref.target
            if commit:
                return Revision(commit, ref, ref if ref.state else None)
            if ref.kind == HEADS and ref.name == "main" and (stopped := next((tag for tag in reversed(tags) if tag.state), None)):
                return Revision(stopped.released, ref, stopped)
        if not 7 <= len(revision) <= 40 or not is_commit_id(revision.ljust(40, "0")):
            return None
        where = t.repo_commit.c.id == revision if len(revision) == 40 else t.repo_commit.c.id.startswith(revision)
        rows = self.connection.execute(sa.select(t.repo_commit).where(t.repo_commit.c.repo == repo_id, where).limit(2)).all()
        if len(rows) != 1 or (reader and not rows[0].released):
            return None
        # A tag stops its commit, unless another live one delivers the same.
        delivering = [tag for tag in tags if tag.released == rows[0].id]
        live = any(not tag.state for tag in delivering)
        return Revision(rows[0].id, None, None if live else next(iter(delivering), None))

    # -- received objects -------------------------------------------------------------------------------------------------

    def receive(self, repo_id: str, sha256: str, size: int, by: str) -> None:
        """Remember that these bytes came in for this repository: only then may a commit of it name them."""
        known = sa.select(t.repo_object.c.size).where(t.repo_object.c.repo == repo_id, t.repo_object.c.sha256 == sha256)
        if self.connection.execute(known).first() is None:
            row = {"repo": repo_id, "sha256": sha256, "size": size, "by": by, "at": iso(self.clock())}
            self.connection.execute(t.repo_object.insert().values(**row))

    def received(self, repo_id: str, digests: Iterable[str]) -> dict[str, int]:
        """Sizes of those objects this repository has received."""
        query = sa.select(t.repo_object.c.sha256, t.repo_object.c.size).where(t.repo_object.c.repo == repo_id)
        parts = (self.connection.execute(query.where(t.repo_object.c.sha256.in_(part))) for part in in_parts(digests))
        return {row.sha256: row.size for part in parts for row in part}

    def named_objects(self) -> set[str]:
        """Every digest a tree or a received object names."""
        keep = set(self.connection.execute(sa.select(t.repo_object.c.sha256)).scalars())
        for row in self.connection.execute(sa.select(t.repo_tree.c.entries)):
            keep.update(item[1] for item in json.loads(zlib.decompress(row.entries)))
        return keep


_REPO = [t.repo.c[name] for name in Repo.__slots__]
_REF = [t.repo_ref.c[name] for name in Ref.__slots__]
# Built once: making a statement costs as much as running it.
_ONE = sa.select(*_REPO).where(t.repo.c.id == sa.bindparam("of"))
_STAMP = sa.select(sa.select(sa.func.count()).select_from(t.repo).scalar_subquery(), t.Mark())
_TOUCHED = sa.select(*_REPO, t.repo.c.words).where(t.repo.c.touched >= sa.bindparam("since"))
_UNDESCRIBED = sa.select(*_REPO).where(sa.text("facts_of <> head"), t.repo.c.head != "").limit(sa.bindparam("most"))
_COMMIT = sa.select(*(t.repo_commit.c[name] for name in Commit.__slots__)).where(t.repo_commit.c.id == sa.bindparam("of"))
_TREE = sa.select(t.repo_tree.c.entries).where(t.repo_tree.c.commit == sa.bindparam("of"))
_REFS = sa.select(*_REF).where(t.repo_ref.c.repo == sa.bindparam("of")).order_by(t.repo_ref.c.kind, t.repo_ref.c.name)


def _is_ref(repo_id: str, kind: str, name: str) -> sa.ColumnElement[bool]:
    ref = t.repo_ref.c
    return (ref.repo == repo_id) & (ref.kind == kind) & (ref.name == name)


def _named(refs: Sequence[Ref], revision: str) -> list[Ref]:
    """What `refs/kind/name`, or the name of a branch, else of a tag, may mean."""
    names = [revision] if revision.startswith("refs/") else [f"refs/{HEADS}/{revision}", f"refs/{TAGS}/{revision}"]
    by_name = {ref.full: ref for ref in refs}
    return [by_name[name] for name in names if name in by_name]


def _unpacked(packed: bytes) -> Tree:
    return Tree.of(
        Entry(path, sha, size, bool(lfs), oid, made) for path, sha, size, lfs, oid, made in json.loads(zlib.decompress(packed))
    )


class _Trees:
    """The trees last used, at most `limit` entries in all: immutable, so never stale."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.kept: OrderedDict[str, Tree] = OrderedDict()
        self.weight = 0
        self.lock = threading.Lock()

    def get(self, commit: str) -> Tree | None:
        with self.lock:
            if commit in self.kept:
                self.kept.move_to_end(commit)
            return self.kept.get(commit)

    def put(self, commit: str, tree: Tree) -> Tree:
        with self.lock:
            if commit not in self.kept:
                self.kept[commit] = tree
                self.weight += self._weight(tree)
            while len(self.kept) > 1 and self.weight > self.limit:
                self.weight -= self._weight(self.kept.popitem(last=False)[1])
        return tree

    @staticmethod
    def _weight(tree: Tree) -> int:
        return len(tree.entries) + 8  # a tree without files weighs something, too


_TREES = _Trees(limit=100_000)  # of some 500 bytes each
