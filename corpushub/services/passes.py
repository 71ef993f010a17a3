"""Passes: the right to one release for one caller, as an address nginx serves by itself while the hub says so.

* A pass is an unguessable folder name. It is issued after the same decision as any delivery, for a token (or session, or nobody where
  the data are open) and a commit, and contains neither token nor person.
* What it rests on is looked at every few seconds; where anything changed it is judged again, and taken down when token, entitlement,
  authorization or release no longer hold. Where the hub stops looking, it ends within a minute by itself (see `store.pass_folder`).
* What nginx sent is read from its log and recorded like every delivery, added up for each pass; a line may be read twice after a crash,
  never not at all.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from threading import Event, Lock, Thread
from urllib.parse import quote

from corpushub.base.errors import HubError
from corpushub.base.identity import business_day, iso, system_clock
from corpushub.base.settings import Settings
from corpushub.domain.parties import Actor
from corpushub.services.access import FRESH_SECONDS, Access
from corpushub.services.delivery import Permission, Taken
from corpushub.services.repositories import Located, Repositories
from corpushub.services.viewer import Viewer
from corpushub.store.db import Database, Unit
from corpushub.store.objects import Objects
from corpushub.store.pass_folder import PassFolder, Sent
from corpushub.store.watch import Watch

LIFE_SECONDS = 6 * 3600
RESUME_SECONDS = 3600  # an address handed out now serves at least so long, because a client resumes with it
ROUND_SECONDS = 2.0
SETTLED_SECONDS = 2 * FRESH_SECONDS  # after a change nothing older than it is believed any more
TIDY_SECONDS = 600.0
_KIND, _MARKS = "pass", "pass-log"
log = logging.getLogger("corpushub.passes")


@dataclass(frozen=True, slots=True)
class Pass:
    """Who may take which commit until when (epoch seconds), and under which permission that was decided."""

    id: str
    person: str
    org: str
    token: str
    repo: str
    commit: str
    until: float
    entitlement: str
    purpose: str

    @property
    def actor(self) -> Actor:
        return Actor(self.person, self.org, frozenset(), token=self.token)

    @property
    def whose(self) -> tuple[str, str, str, str]:
        return self.person, self.token, self.repo, self.commit


class Passes:
    """Passes of one hub; nginx serves them under `settings.files_url`, where there is one."""

    def __init__(
        self,
        *,
        database: Database,
        objects: Objects,
        access: Access,
        repositories: Repositories,
        viewer: Viewer,
        settings: Settings,
    ) -> None:
        self.database = database
        self.access = access
        self.repositories = repositories
        self.viewer = viewer
        self.base = settings.files_url.rstrip("/")
        self.folder = PassFolder(settings.home / "nginx", objects)
        self._newest: dict[tuple[str, str, str, str], Pass] = {}  # what is handed out
        self._live: dict[str, Pass] = {}  # what is hung, an older one for its last hour beside the newest
        self._every: dict[str, Pass] = {}
        self._unfit: set[str] = set()
        self._bases_known: dict[str, tuple[object, float]] = {}  # what a pass was judged on, and since when that is so
        self._tidied = 0.0
        self._lock, self._reading = Lock(), Lock()
        self._wake = Event()
        self._thread: Thread | None = None

    # -- issuing ----------------------------------------------------------------------------------------------------------

    def at_hand(self, actor: Actor, located: Located) -> str | None:
        """The address of a file under a pass the caller has already; never touches database or disk."""
        kept = self._newest.get((actor.person, actor.token, located.snapshot.repo.id, located.snapshot.commit.id))
        if kept is None or kept.until - now() < RESUME_SECONDS:
            return None
        return self.address(kept, located.entry.path)

    def issue(self, actor: Actor, located: Located) -> str | None:
        """The address of a file the caller may take, under a new pass; None where this release can't be served so."""
        snapshot = located.snapshot
        if not self.base or (actor.person and not actor.token):
            return None  # a session ends when its person signs out, which nginx would not hear of
        if located.permission.counted:
            return None  # what nginx sends is known afterwards; rows are held before they leave
        with self._lock:
            if (known := self.at_hand(actor, located)) is not None:
                return known
            if snapshot.commit.id in self._unfit:
                return None
            if not self.folder.fill(snapshot.commit.id, snapshot.tree.entries):
                self._unfit.add(snapshot.commit.id)
                return None
            permission = located.permission
            words = (actor.person, actor.org, actor.token, snapshot.repo.id, snapshot.commit.id)
            made = Pass(secrets.token_hex(16), *words, now() + LIFE_SECONDS, permission.entitlement, permission.purpose)
            with self.database.begin() as unit:
                unit.documents.put(_KIND, made.id, asdict(made))
            self.folder.hang(made.id, made.commit, now())
            self._newest[made.whose] = self._live[made.id] = self._every[made.id] = made
        return self.address(made, located.entry.path)

    def address(self, one: Pass, path: str) -> str:
        return f"{self.base}/take/{one.id}/{quote(path)}"

    # -- judging and recording --------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Take up the passes of the last run, and look after all of them until `stop`."""
        if not self.base or self._thread is not None:
            return
        with self.database.read() as unit:
            kept = [Pass(**value) for _, value in unit.documents.list(_KIND)]
        self._every |= {one.id: one for one in kept}
        self._live |= {one.id: one for one in kept if one.until > now()}
        self._newest |= {one.whose: one for one in sorted(self._live.values(), key=attrgetter("until"))}
        self._thread = Thread(target=self._work, name="passes", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _work(self) -> None:
        while True:
            for duty in (self.renew, self.record):
                self._try(duty)
            if self._wake.wait(ROUND_SECONDS):
                self._try(self.record)
                return

    @staticmethod
    def _try(duty: Callable[[], object]) -> None:
        try:
            duty()
        except (HubError, OSError) as error:
            log.warning("passes pause code=%s", getattr(error, "code", type(error).__name__))
        except Exception:  # whatever it was, the next round begins: who takes what has to be known
            log.exception("passes pause")

    def renew(self) -> int:
        """Hang every pass that still holds, and take down what does not; gives how many hold."""
        moment = now()
        passes = list(self._live.values())
        bases = self._bases(passes)
        for one in passes:
            if one.until > moment and (self._is_settled(one, bases[one.id], moment) or self._holds(one)):
                self.folder.hang(one.id, one.commit, moment)
            else:
                self.folder.take_down(one.id, moment)
                self._live.pop(one.id, None)
                self._bases_known.pop(one.id, None)
                if self._newest.get(one.whose) == one:
                    self._newest.pop(one.whose)
        self.folder.clear(moment)
        if moment - self._tidied > TIDY_SECONDS:
            self._tidied = moment
            self._forget(moment)
        return len(self._live)

    def _bases(self, passes: Sequence[Pass]) -> dict[str, object]:
        """Pass -> what its judgement rests on."""
        with self.database.read() as unit:
            moment = unit.clock()
            # Seats, rights and releases change by events alone, and each event is a leaf of the ledger.
            everywhere = business_day(moment), unit.ledger.size()
            repos, tokens = Watch(unit.connection).standing(
                {one.repo for one in passes}, {one.token for one in passes}, iso(moment)
            )
        return {one.id: (everywhere, repos.get(one.repo), one.token in tokens) for one in passes}

    def _is_settled(self, one: Pass, basis: object, moment: float) -> bool:
        """Was it judged on this basis, and after whatever is believed from before it?"""
        known, since = self._bases_known.get(one.id, (None, moment))
        if known != basis:
            self._bases_known[one.id] = basis, moment
            return False
        return moment - since > SETTLED_SECONDS

    def _holds(self, one: Pass) -> bool:
        """Judged as a new request would be."""
        permission = self.repositories.holds(one.actor, one.repo, one.commit)
        return permission is not None and not permission.counted

    def _forget(self, moment: float) -> None:
        """Passes over for a day, under which nothing is sent any more, and the files of commits no pass opens."""
        with self.database.read() as unit:
            kept = [Pass(**value) for _, value in unit.documents.list(_KIND)]
        self.folder.keep_only([one.commit for one in kept if one.until > moment], moment)
        if over := [one.id for one in kept if one.until + 24 * 3600 < moment]:
            with self.database.begin() as unit:
                for pass_id in over:
                    unit.documents.delete(_KIND, pass_id)
            for pass_id in over:
                self._every.pop(pass_id, None)

    def record(self) -> None:
        """Record what nginx has sent since the last time."""
        while self._record_some():
            pass

    def _record_some(self) -> bool:
        """Record a piece of the log; was there any?"""
        with self._reading:
            with self.database.read() as unit:
                mark = unit.documents.get(_MARKS, "taken") or {}
                found, after = self.folder.sent(mark)
                for sent in found:
                    self._deliver(unit, sent)
            if after == mark:
                return False
            self.access.flush()
            with self.database.begin() as unit:
                unit.documents.put(_MARKS, "taken", after)
            return True

    def _deliver(self, unit: Unit, sent: Sent) -> None:
        one = self._every.get(sent.pass_id)
        if one is None:  # issued by another process of this hub
            kept = unit.documents.get(_KIND, sent.pass_id)
            if kept is None:
                return
            one = self._every[sent.pass_id] = Pass(**kept)
        rows = 0
        if sent.tables:
            entries = unit.repos.tree(one.commit).by_path
            asked = ((entries.get(path), count) for path, count in sent.tables.items())
            rows = sum(self.viewer.rows_in(entry) * count // entry.size for entry, count in asked if entry and entry.size)
        taken = Taken(one.repo, one.commit, sent.path, sent.bytes, rows=rows, files=sent.answers, downloads=sent.whole)
        self.access.record_delivery(one.actor, taken, Permission(one.entitlement, one.purpose), request=one.id)


def now() -> float:
    """The clock nginx has, too: windows are made of it."""
    return system_clock().timestamp()
