"""What the hub shows of its datasets: who may see which revision, what is in it, and how to find it.

A reader sees released commits only; a curator of the owning organisation sees what was pushed as well. A withdrawn or quarantined
release answers nobody but its curators, neither by tag nor by commit id: they have to find the fault, correct it and answer for it, and
what they take is recorded like any delivery.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid, NotFound
from corpushub.base.identity import Clock, business_day, is_repo_id
from corpushub.base.settings import Settings
from corpushub.domain.front_matter import CardHead, read_head
from corpushub.domain.parties import Actor, Role
from corpushub.domain.policy import Delivered, is_public
from corpushub.domain.tree import Entry, Tree, entry_for
from corpushub.services.access import Access, Fresh
from corpushub.services.delivery import FILE_CHANNELS, Permission, resources_of
from corpushub.services.directory import Directory
from corpushub.store.db import Database, Unit
from corpushub.store.objects import Objects
from corpushub.store.repos import HEADS, TAGS, Commit, Query, Ref, Repo, Revision

CARD = "README.md"
MAX_CARD_BYTES = 1 << 20
ATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"
REF_SECONDS = 1.0


class Moved(NotFound):
    """The repository has another name now; `to` is it."""

    def __init__(self, repo: str, to: str) -> None:
        super().__init__("repo.unknown", repo=repo)
        self.to = to


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A repository at one commit, as one actor may see it. `immutable`: asked by full commit id."""

    repo: Repo
    commit: Commit
    tree: Tree
    ref: Ref | None
    curator: bool
    immutable: bool
    versions: tuple[str, ...] = ()  # the tags that deliver this commit


@dataclass(frozen=True, slots=True)
class Located:
    """A file an actor may take, and under which permission."""

    snapshot: Snapshot
    entry: Entry
    permission: Permission


class Repositories:
    def __init__(self, *, database: Database, objects: Objects, settings: Settings, clock: Clock, access: Access) -> None:
        self.database = database
        self.objects = objects
        self.settings = settings
        self.clock = clock
        self.access = access
        self._snapshots: Fresh[tuple[object, ...], Snapshot] = Fresh(REF_SECONDS)
        self._heads: dict[str, CardHead] = {}
        self._described: Fresh[str, int] = Fresh(REF_SECONDS)
        self._directory = Directory()

    # -- seeing -----------------------------------------------------------------------------------------------------------

    def get(self, actor: Actor, repo_id: str) -> Repo:
        """Raises: NotFound("repo.unknown"), also where it exists but is not the actor's to see; Moved."""
        with self.database.read() as unit:
            return self._visible(unit, actor, repo_id)[0]

    def _visible(self, unit: Unit, actor: Actor, repo_id: str) -> tuple[Repo, bool]:
        repo = unit.repos.get(repo_id)
        if repo is None:
            to = unit.repos.moved_to(repo_id)
            if to is not None and self._may_see(unit, actor, to):  # where it is hidden its new name is, too
                raise Moved(repo_id, to)
            raise NotFound("repo.unknown", repo=repo_id)
        curator = self.access.is_curator(actor, repo)
        shown = bool(repo.head) or any(ref.released for ref in unit.repos.refs(repo_id))
        inside = actor.org == repo.org and actor.opens(repo_id)
        if not curator and (not shown or (repo.private and not inside)):
            raise NotFound("repo.unknown", repo=repo_id)
        return repo, curator

    def _may_see(self, unit: Unit, actor: Actor, repo_id: str) -> bool:
        try:
            self._visible(unit, actor, repo_id)
        except NotFound:
            return False
        return True

    def at(self, actor: Actor, repo_id: str, revision: str = "main") -> Snapshot:
        """The repository at a branch, tag, `refs/…` or commit id.

        Raises: NotFound("repo.unknown" | "repo.revision_unknown" | "repo.withdrawn" | "repo.quarantined"), Moved.
        """
        key = (repo_id, revision, self._view(actor, repo_id))
        if (kept := self._snapshots.get(key)) is not None:
            return kept
        with self.database.read() as unit:
            stops = self._stops_to_follow(unit, repo_id)
            if not stops:
                return self._snapshots.put(key, self._seen(unit, actor, repo_id, revision))
        with self.database.begin() as unit:
            for name, stop in stops.items():
                unit.repos.stop(repo_id, name, state=stop.state, reason=stop.reason, successor=stop.successor)
        self.forget()
        with self.database.read() as unit:
            return self._snapshots.put(key, self._seen(unit, actor, repo_id, revision))

    def _seen(self, unit: Unit, actor: Actor, repo_id: str, revision: str) -> Snapshot:
        repo, curator = self._visible(unit, actor, repo_id)
        found = unit.repos.find(repo_id, revision, reader=not curator)
        if found is None:
            raise NotFound("repo.revision_unknown", revision=revision)
        if found.stopped and not curator:
            raise _stopped(repo_id, revision, found)
        commit = unit.repos.get_commit(found.commit)
        assert commit is not None
        tags = tuple(one.name for one in unit.repos.refs(repo_id) if one.kind == TAGS and one.released == found.commit)
        return Snapshot(repo, commit, unit.repos.tree(found.commit), found.ref, curator, found.commit == revision, tags)

    @staticmethod
    def _stops_to_follow(unit: Unit, repo_id: str) -> dict[str, Stop]:
        """What was quarantined, withdrawn or lifted in the release cases and is not yet so in the tags."""
        wanted = stops_of(unit, repo_id)
        tags = {ref.name: ref.state for ref in unit.repos.refs(repo_id) if ref.kind == TAGS and ref.released} if wanted else {}
        return {name: stop for name, stop in wanted.items() if name in tags and tags[name] != stop.state}

    @staticmethod
    def _view(actor: Actor, repo_id: str) -> tuple[object, ...]:
        # Everybody without the operator's seat sees the same of an organisation's repositories, by every token that opens the same.
        return actor.org, actor.has(Role.OPERATOR), actor.has(Role.SYSTEM), actor.opens(repo_id), actor.narrowed_to("zone") != ()

    def known(self, actor: Actor, repo_id: str, revision: str) -> Snapshot | None:
        """The snapshot if it was asked for moments ago; never touches the database."""
        return self._snapshots.get((repo_id, revision, self._view(actor, repo_id)))

    def forget(self) -> None:
        """Drop what is believed for a second: after a write in this process."""
        self._snapshots.clear()
        self._described.clear()

    @property
    def epoch(self) -> int:
        """Grows with every `forget`."""
        return self._snapshots.cleared

    def refs(self, actor: Actor, repo_id: str) -> list[Ref]:
        """Branches and tags the actor may see, each with the commit it may see as `target`."""
        with self.database.read() as unit:
            _, curator = self._visible(unit, actor, repo_id)
            every = unit.repos.refs(repo_id)
        if curator:
            return list(every)
        return [replace(ref, target=ref.released) for ref in every if ref.released and not ref.state]

    def commits(self, actor: Actor, repo_id: str, revision: str) -> Sequence[Commit]:
        """History of a revision, newest first; readers see released commits only."""
        snapshot = self.at(actor, repo_id, revision)
        with self.database.read() as unit:
            return unit.repos.history(snapshot.commit.id, released_only=not snapshot.curator)

    def commit_titles(self, commits: Sequence[str]) -> dict[str, Commit]:
        with self.database.read() as unit:
            return {commit: found for commit in set(commits) if (found := unit.repos.get_commit(commit))}

    def locate(self, actor: Actor, repo_id: str, revision: str, path: str, *, channels: Sequence[str] = FILE_CHANNELS) -> Located:
        """A file the actor may take now. The gate is asked before the entry, so that a name's existence stays behind it.

        Raises: as `at`; Gated; NotFound("repo.entry_unknown") with the commit.
        """
        snapshot = self.at(actor, repo_id, revision)
        if is_card(path) and not snapshot.repo.private:
            permission = Permission()
        else:
            permission = self.permit(actor, snapshot, channels=channels)
        entry = snapshot.tree.by_path.get(path)
        if entry is None:
            raise NotFound("repo.entry_unknown", path=path[:200], revision=revision, commit=snapshot.commit.id)
        return Located(snapshot, entry, permission)

    def permit(self, actor: Actor, snapshot: Snapshot, *, channels: Sequence[str] = FILE_CHANNELS) -> Permission:
        """The permission under which `actor` may take data of this release now. Raises: Gated."""
        return self.access.permit(actor, snapshot.repo, channels=channels, versions=snapshot.versions)

    def holds(self, actor: Actor, repo_id: str, commit: str) -> Permission | None:
        """The permission under which the actor (the token, where one spoke) would get this commit's data, if it asked now."""
        try:
            today = self.access.actor_behind(actor.person, actor.token)
            return self.permit(today, self.at(today, repo_id, commit))
        except HubError:
            return None

    def search(self, actor: Actor, query: Query) -> Sequence[Repo]:
        """One page of the datasets the actor may see."""
        only = actor.narrowed_to("repo")
        org = actor.org if any(actor.opens(name) for name in only or ("any",)) else ""
        curates = actor.has(Role.OPERATOR) and not actor.narrowed_to("zone")
        asked = replace(query, org=org or "-", curates=curates, only=only)
        self.describe_new()
        with self.database.read() as unit:
            return self._directory.current(unit).page(asked)

    # -- facts of a card --------------------------------------------------------------------------------------------------

    def head_of(self, snapshot: Snapshot) -> CardHead:
        """What the card of this commit says about it."""
        return self.known_head(snapshot) or self._card(snapshot.commit.id, snapshot.tree)

    def known_head(self, snapshot: Snapshot) -> CardHead | None:
        """`head_of` where it is kept for lists, or was read before; never touches the objects."""
        facts = snapshot.repo.facts
        if snapshot.repo.facts_of == snapshot.commit.id:
            return CardHead(facts["card"], tuple(facts["tags"]), facts["title"], facts["summary"])
        return self._heads.get(snapshot.commit.id)

    def _card(self, commit: str, tree: Tree) -> CardHead:
        entry = tree.by_path.get(CARD)
        text = self.objects.read(entry.sha256, 0, MAX_CARD_BYTES).decode("utf-8", "replace") if entry else ""
        if len(self._heads) > 2000:
            self._heads.clear()
        self._heads[commit] = read_head(text)
        return self._heads[commit]

    def describe_new(self) -> None:
        """Bring the search facts of newly released heads up to date; looks at most once a second."""
        if self._described.get("") is not None:
            return
        self._described.put("", 1)
        with self.database.read() as unit:
            waiting = [(repo, unit.repos.tree(repo.head)) for repo in unit.repos.undescribed()]
        if not waiting:
            return
        described = [(repo, self._heads.get(repo.head) or self._card(repo.head, tree), tree) for repo, tree in waiting]
        with self.database.begin() as unit:
            for repo, head, tree in described:
                facts = {"card": head.data, "tags": head.tags, "title": head.title, "summary": head.summary, "bytes": tree.bytes}
                words = " ".join([head.title, head.summary, *map(str, _titles(head)), *(f"|{tag}|" for tag in head.tags)])
                unit.repos.describe(repo.id, repo.head, facts, words)
                if (gated := gated_by(unit, repo, business_day(self.clock()))) != repo.gated:
                    unit.repos.update(repo.id, gated=gated)

    # -- keeping ----------------------------------------------------------------------------------------------------------

    def create(self, actor: Actor, repo_id: str, *, private: bool = False, gated: str = "manual") -> Repo:
        """Raises: Invalid("repo.name_invalid"), Forbidden("repo.create_forbidden"), Conflict("repo.exists")."""
        self.access.require_scope(actor, "write", repo_id)
        if not is_repo_id(repo_id):
            raise Invalid("repo.name_invalid", repo=repo_id[:200])
        if not actor.has(Role.OPERATOR, Role.SYSTEM):
            raise Forbidden("repo.create_forbidden", org=actor.org)
        self.objects.put_bytes(ATTRIBUTES)
        with self.database.begin() as unit:
            self._require_namespace(unit, actor, repo_id)
            repo = unit.repos.create(repo_id, org=actor.org, by=actor.person, private=private, gated=gated)
            # Clients ask for the head of a repository they have just made, so there is one from the first moment.
            first = [entry_for(".gitattributes", ATTRIBUTES)]
            commit = unit.repos.commit(
                repo_id, first, "Create repository", actor.name or actor.person, self.clock(), released=False
            )
            unit.repos.set_branch(repo_id, "main", commit, released=False)
        self.forget()
        return repo

    @staticmethod
    def _require_namespace(unit: Unit, actor: Actor, repo_id: str) -> None:
        """Raises: Forbidden("repo.create_forbidden") where the name lies among another organisation's, or would bear its name."""
        space = repo_id.partition("/")[0]
        owner = unit.repos.org_of(space)
        if (owner and owner != actor.org) or (not owner and space != actor.org and unit.parties.org(space) is not None):
            raise Forbidden("repo.create_forbidden", org=actor.org)

    def delete(self, actor: Actor, repo_id: str) -> None:
        """Raises: NotFound, Forbidden, Conflict("repo.has_releases")."""
        with self.database.begin() as unit:
            self.access.require_curator(actor, self._visible(unit, actor, repo_id)[0])
            unit.repos.delete(repo_id)
        self.forget()

    def move(self, actor: Actor, repo_id: str, to: str) -> None:
        """Raises: Invalid("repo.name_invalid"), NotFound, Forbidden, Conflict("repo.exists" | "repo.on_record")."""
        if not is_repo_id(to):
            raise Invalid("repo.name_invalid", repo=to[:200])
        with self.database.begin() as unit:
            self.access.require_curator(actor, self._visible(unit, actor, repo_id)[0])
            self._require_namespace(unit, actor, to)
            self._require_off_record(unit, repo_id)
            unit.repos.move(repo_id, to)
        self.forget()

    @staticmethod
    def _require_off_record(unit: Unit, repo_id: str) -> None:
        """What a release names by it - who may take it, what stops it - finds a dataset by its name, and it leaves by withdrawal alone.

        Raises: Conflict("repo.on_record").
        """
        if unit.cases.list(flow="release", subject=repo_id, limit=1):
            raise Conflict("repo.on_record", repo=repo_id)

    def change(self, actor: Actor, repo_id: str, *, gated: str | None = None, private: bool | None = None) -> None:
        """Gate or hide a repository. Openness is never widened here: that is an attribute of the catalogue.

        Raises: NotFound, Forbidden("repo.write_forbidden" | "repo.openness"), Conflict("repo.on_record").
        """
        with self.database.begin() as unit:
            repo, _ = self._visible(unit, actor, repo_id)
            self.access.require_curator(actor, repo)
            if gated == "" and repo.gated:
                raise Forbidden("repo.openness", repo=repo_id)
            if private and not repo.private:
                self._require_off_record(unit, repo_id)
            values: dict[str, Any] = {"gated": gated, "private": private}
            unit.repos.update(repo_id, **{name: value for name, value in values.items() if value is not None})
        self.forget()
        self.access.forget()


@dataclass(frozen=True, slots=True)
class Stop:
    """What a release case says of its tag: `state` "" delivers."""

    state: str
    reason: str = ""
    successor: str = ""


def stops_of(unit: Unit, dataset: str) -> dict[str, Stop]:
    """Tag name -> what its release case says."""
    found = {}
    for case in unit.cases.list(flow="release", subject=dataset, states=("released", "superseded", "quarantined", "withdrawn")):
        state = case.state if case.state in {"quarantined", "withdrawn"} else ""
        stone = case.data.get("tombstone") or case.data
        reason = str(stone.get("reason", "")) if state else ""
        found[f"v{case.data['version']}"] = Stop(state, reason, str(stone.get("successor") or ""))
    return found


def gated_by(unit: Unit, repo: Repo, day: date) -> str:
    """What the catalogue says of a dataset: nothing to ask for where all entries of all its releases are open without condition."""
    resources = resources_of(unit, repo.id, ())
    if not resources:
        return repo.gated
    return "" if is_public(Delivered(repo.id, "released", resources), day) else repo.gated or "manual"


def is_card(path: str) -> bool:
    """Does the file only describe the data? Those are metadata, open to whoever may see the dataset."""
    return path in _CARD_FILES or (path.startswith("cards/") and path.endswith(".svg"))


def _titles(head: CardHead) -> list[Any]:
    title = head.data.get("title")
    return list(title.values()) if isinstance(title, dict) else [title] if title else []


def _stopped(repo_id: str, revision: str, found: Revision) -> NotFound:
    assert found.stopped is not None
    code = _STOPPED[found.stopped.state, bool(found.stopped.successor)]
    facts = {"repo": repo_id, "revision": revision, "reason": found.stopped.reason, "successor": found.stopped.successor}
    return NotFound(code, **facts)


_CARD_FILES = frozenset({CARD, "LICENSE", "CHANGELOG.md", "croissant.json", "dcat.ttl"})
_STOPPED = {
    ("withdrawn", False): "repo.withdrawn",
    ("withdrawn", True): "repo.withdrawn_use",
    ("quarantined", False): "repo.quarantined",
    ("quarantined", True): "repo.quarantined_use",
}

__all__ = ["CARD", "HEADS", "TAGS", "Located", "Moved", "Query", "Repositories", "Snapshot"]
