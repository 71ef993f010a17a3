"""What curators and CI push: kept, but quarantined. A push moves what curators see and never what readers see.

* A commit may only name large objects this repository itself received: a digest learned elsewhere opens nothing.
* Pushes to one branch are serial: each applies to the head it finds, so parallel pushes never lose files.
* The same push again gives the same commit, because clients repeat a request whose answer got lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpushub.base.errors import Conflict, Invalid, NotFound, Problem
from corpushub.base.identity import Clock, iso, sha256
from corpushub.base.settings import Settings
from corpushub.domain.parties import Actor
from corpushub.domain.tree import Change, Entry, Tree, applied, entry_for, is_large, large_entry, path_problem
from corpushub.services.access import Access
from corpushub.services.repositories import Repositories
from corpushub.store.db import Database, Unit
from corpushub.store.incoming import Incoming
from corpushub.store.large_files import LargeFile, drop_large_files, large_files
from corpushub.store.objects import Objects
from corpushub.store.repos import HEADS, PULLS, TAGS, Repo
from corpushub.store.xet import ShardFile, content

_REF = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,118}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Asked:
    """A file a client is about to push."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Mode:
    """How a file should come: `large` by LFS or Xet, else inside the commit. `oid` is what the branch holds now, or ""."""

    path: str
    large: bool
    oid: str
    ignored: bool = False


@dataclass(slots=True)
class Push:
    """One commit as a client asks for it."""

    branch: str
    message: str
    parent: str = ""
    files: list[Entry] = field(default_factory=list)
    large: list[tuple[str, str, int | None]] = field(default_factory=list)  # path, sha256, size if stated
    deleted_files: list[str] = field(default_factory=list)
    deleted_folders: list[str] = field(default_factory=list)
    as_pull: bool = False


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a push."""

    commit: str
    pull: str = ""


class Contributions:
    def __init__(
        self,
        *,
        database: Database,
        objects: Objects,
        settings: Settings,
        clock: Clock,
        access: Access,
        repositories: Repositories,
    ) -> None:
        self.database = database
        self.objects = objects
        self.settings = settings
        self.clock = clock
        self.access = access
        self.repositories = repositories
        self.incoming = Incoming(settings.home / "uploads", objects)
        self.tagged: Callable[[Actor, str, str, str], None] | None = (
            None  # who is told of a new tag: actor, repository, tag, commit
        )

    # -- before a push ----------------------------------------------------------------------------------------------------

    def authorize(self, actor: Actor, repo_id: str) -> Repo:
        """The repository, if `actor` may push to it. Raises: NotFound, Forbidden."""
        repo = self.repositories.get(actor, repo_id)
        self.access.require_curator(actor, repo)
        return repo

    def preview(self, actor: Actor, repo_id: str, revision: str, files: Sequence[Asked]) -> list[Mode]:
        """How each file should come, and what the branch holds under its name now.

        Raises: Invalid("repo.change_invalid") naming unsafe paths; NotFound, Forbidden.
        """
        self.authorize(actor, repo_id)
        if problems := [Problem(code, path=file.path[:200]) for file in files if (code := path_problem(file.path))]:
            raise Invalid("repo.change_invalid", problems=problems)
        with self.database.read() as unit:
            head = unit.repos.resolve(repo_id, revision)
            if head is None and revision != "main":
                raise NotFound("repo.revision_unknown", revision=revision)
            tree = unit.repos.tree(head) if head else Tree.of(())
        found = []
        for file in files:
            large = is_large(file.path, file.size)
            known = tree.by_path.get(file.path)
            found.append(Mode(file.path, large, known.etag if known and known.lfs == large else ""))
        return found

    def missing(self, actor: Actor, repo_id: str, digests: Sequence[str]) -> set[str]:
        """Those objects this repository has not received yet."""
        self.authorize(actor, repo_id)
        with self.database.read() as unit:
            return set(digests) - set(unit.repos.received(repo_id, digests))

    def keep_small(self, path: str, data: bytes) -> Entry:
        """Keep a file that came inside a commit."""
        self.objects.put_bytes(data)
        return entry_for(path, data)

    def received(self, actor: Actor, repo_id: str, digest: str, size: int) -> None:
        """Note an object that came in and was checked."""
        with self.database.begin() as unit:
            unit.repos.receive(repo_id, digest, size, actor.person)

    def upload_name(self, actor: Actor, repo_id: str, digest: str) -> str:
        """The name parts of an upload are gathered under: nobody else's upload has it."""
        return sha256(f"{actor.person}\0{repo_id}\0{digest}".encode())

    def materialize(self, actor: Actor, repo_id: str, files: Iterable[ShardFile], scope: str) -> None:
        """Put the files of a Xet shard together from the xorbs received under `scope`.

        Raises: Invalid("upload.xorb_unknown" | "upload.shard_invalid" | "upload.hash_wrong" | …).
        """
        self.authorize(actor, repo_id)
        for file in files:
            if not file.sha256:
                raise Invalid("upload.shard_invalid", why="a file has no SHA-256")
            with self.database.read() as unit:
                if unit.repos.received(repo_id, [file.sha256]):
                    continue
            with self.incoming.receive(file.sha256, file.size) as receiver:
                for piece in content(file, self.xorb_folder(scope)):
                    receiver.write(piece)
                receiver.finish()
            self.received(actor, repo_id, file.sha256, file.size)

    def xorb_folder(self, scope: str) -> Path:
        folder = self.incoming.folder / "xorbs" / scope
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    # -- pushes -----------------------------------------------------------------------------------------------------------

    def push(self, actor: Actor, repo_id: str, push: Push) -> Pushed:
        """Commit a push to its branch, or as a pull request.

        Raises: Conflict("repo.parent_stale") with status 412 for clients; Invalid("repo.object_missing" | "repo.change_invalid"); NotFound.
        """
        self.authorize(actor, repo_id)
        with self.database.begin() as unit:
            kind, name = branch_of(push.branch)
            ref = unit.repos.ref(repo_id, kind, name)
            if ref is None and (kind, name) != (HEADS, "main"):
                raise NotFound("repo.revision_unknown", revision=push.branch)
            head = ref.target if ref else ""
            if push.parent and not head.startswith(push.parent.lower()):
                raise Conflict("repo.parent_stale", parent=push.parent, head=head or "-")
            tree = unit.repos.tree(head) if head else Tree.of(())
            put = (*push.files, *self._large(unit, repo_id, push, tree))
            entries = applied(tree, Change(put, tuple(push.deleted_files), tuple(push.deleted_folders)))
            author = actor.name or actor.person
            commit = unit.repos.commit(repo_id, entries, push.message, author, self.clock(), parent=head, released=False)
            pulled = self._land(unit, repo_id, push, (kind, name), commit)
            self._note(unit, actor, repo_id, commit, put)
        self.repositories.forget()
        return Pushed(commit, pulled)

    @staticmethod
    def _land(unit: Unit, repo_id: str, push: Push, ref: tuple[str, str], commit: str) -> str:
        kind, name = ref
        if push.as_pull or kind == PULLS:
            number = name if kind == PULLS else str(1 + sum(one.kind == PULLS for one in unit.repos.refs(repo_id)))
            unit.repos.set_pull(repo_id, number, commit)
            return number
        unit.repos.set_branch(repo_id, name, commit, released=False)
        return ""

    @staticmethod
    def _large(unit: Unit, repo_id: str, push: Push, tree: Tree) -> list[Entry]:
        """Entries of the large files. Raises: Invalid("repo.change_invalid") listing contents that were never received."""
        known = unit.repos.received(repo_id, {digest for _, digest, _ in push.large})
        known |= {entry.sha256: entry.size for entry in tree.entries}
        problems = []
        for path, digest, size in push.large:
            if digest not in known:
                problems.append(Problem("repo.object_missing", {"path": path[:200], "sha256": digest[:64]}))
            elif size is not None and size != known[digest]:
                problems.append(Problem("repo.object_size", {"path": path[:200], "actual": known[digest], "stated": size}))
        if problems:
            raise Invalid("repo.change_invalid", problems=problems)
        return [large_entry(path, digest, known[digest]) for path, digest, _ in push.large]

    def _note(self, unit: Unit, actor: Actor, repo_id: str, commit: str, put: Sequence[Entry]) -> None:
        """Keep the contribution for review: who pushed what; its scan is queued where jobs run."""
        value = {
            "repo": repo_id,
            "commit": commit,
            "by": actor.person,
            "org": actor.org,
            "at": iso(self.clock()),
            "files": [entry.path for entry in put][:1000],
            "bytes": sum(entry.size for entry in put),
            "state": "quarantined",
        }
        unit.documents.put("contribution", commit, value)

    def list(self, actor: Actor, repo_id: str = "", limit: int = 100) -> Sequence[dict[str, Any]]:
        """Contributions of the actor's organisation, newest first."""
        with self.database.read() as unit:
            found = [value for _, value in unit.documents.list("contribution")]
        mine = [value for value in found if value["org"] == actor.org and (not repo_id or value["repo"] == repo_id)]
        return sorted(mine, key=lambda value: str(value["at"]), reverse=True)[:limit]

    # -- refs -------------------------------------------------------------------------------------------------------------

    def create_branch(self, actor: Actor, repo_id: str, name: str, start: str = "main") -> None:
        """Raises: Invalid("repo.ref_invalid"), Conflict("repo.ref_exists"), NotFound("repo.revision_unknown")."""
        self._set_new(actor, repo_id, HEADS, name, start)

    def create_tag(self, actor: Actor, repo_id: str, name: str, start: str, message: str = "") -> None:
        """A tag curators see; readers see it when its release is approved. Raises: as `create_branch`."""
        self._set_new(actor, repo_id, TAGS, name, start, message)

    def _set_new(self, actor: Actor, repo_id: str, kind: str, name: str, start: str, message: str = "") -> None:
        self.authorize(actor, repo_id)
        if not is_ref_name(name):
            raise Invalid("repo.ref_invalid", ref=name[:120])
        with self.database.begin() as unit:
            if unit.repos.ref(repo_id, kind, name):
                raise Conflict("repo.ref_exists", ref=name)
            commit = unit.repos.resolve(repo_id, start)
            if commit is None:
                raise NotFound("repo.revision_unknown", revision=start)
            if kind == TAGS:
                unit.repos.set_tag(repo_id, name, commit, released=False, message=message)
            else:
                unit.repos.set_branch(repo_id, name, commit, released=False)
        self.repositories.forget()
        if kind == TAGS and self.tagged is not None:
            self.tagged(actor, repo_id, name, commit)

    def delete_ref(self, actor: Actor, repo_id: str, kind: str, name: str) -> None:
        """Raises: NotFound("repo.revision_unknown"), Conflict("repo.ref_released")."""
        self.authorize(actor, repo_id)
        with self.database.begin() as unit:
            if not unit.repos.delete_ref(repo_id, kind, name):
                raise NotFound("repo.revision_unknown", revision=name)
        self.repositories.forget()

    def squash(self, actor: Actor, repo_id: str, branch: str, message: str) -> str:
        """One commit without history holding what the branch holds; commits that tags name stay. Raises: NotFound."""
        self.authorize(actor, repo_id)
        with self.database.begin() as unit:
            ref = unit.repos.ref(repo_id, HEADS, branch)
            if ref is None:
                raise NotFound("repo.revision_unknown", revision=branch)
            entries = unit.repos.entries(ref.target)
            commit = unit.repos.commit(
                repo_id, entries, message, actor.name or actor.person, self.clock(), parent="", released=False
            )
            unit.repos.set_branch(repo_id, branch, commit, released=False)
        self.repositories.forget()
        return commit

    # -- large files ------------------------------------------------------------------------------------------------------

    def large_files(self, actor: Actor, repo_id: str) -> Sequence[LargeFile]:
        """What the repository received or a ref of it names. Raises: NotFound, Forbidden."""
        self.authorize(actor, repo_id)
        with self.database.read() as unit:
            return large_files(unit, repo_id)

    def drop_large_files(self, actor: Actor, repo_id: str, digests: Sequence[str], *, rewrite: bool) -> None:
        """Take back what was pushed and never released. Raises: Conflict("repo.object_released" | "repo.object_named"), NotFound, Forbidden."""
        self.authorize(actor, repo_id)
        with self.database.begin() as unit:
            drop_large_files(unit, repo_id, digests, actor.name or actor.person, rewrite=rewrite)
        self.repositories.forget()


def branch_of(word: str) -> tuple[str, str]:
    """Kind and name of the ref a push goes to. Raises: Invalid("repo.ref_invalid")."""
    if word.startswith("refs/"):
        kind, _, name = word.removeprefix("refs/").partition("/")
        if kind in {HEADS, PULLS} and name:
            return kind, name
        raise Invalid("repo.ref_invalid", ref=word[:120])
    return HEADS, word


def is_ref_name(name: str) -> bool:
    """Git's rules, narrowed to ASCII, and nothing that looks like a commit id or a full ref."""
    return bool(_REF.fullmatch(name)) and not (
        name.startswith("refs/") or ".." in name or "//" in name or name.endswith(".lock") or re.fullmatch(r"[0-9a-f]{40}", name)
    )


__all__ = ["Asked", "Contributions", "Mode", "Push", "Pushed"]
