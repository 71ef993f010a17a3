"""Who may take what away: tokens, the decision on every delivery, and the record of it.

* A token's secret is shown once; only its SHA-256 is kept (256 random bits need no slow hash). It is looked up again at most
  `FRESH_SECONDS` after a revocation, here and in every other process.
* Default deny: without unconditional openness or an entitlement in force for the organisation, nothing is delivered.
* Deliveries are recorded behind the transfer, in batches; `close` writes what is left.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import quote

from corpushub.base.errors import Forbidden, HubError, Invalid, NotFound
from corpushub.base.identity import Clock, business_day, iso, new_id, sha256
from corpushub.base.messages import Lang, text
from corpushub.base.settings import Settings
from corpushub.domain.parties import ANONYMOUS, SYSTEM, Actor, Role
from corpushub.services.attempts import Attempts
from corpushub.services.delivery import FILE_CHANNELS, Ask, Permission, Taken, decide
from corpushub.services.grants import Grants
from corpushub.services.recorder import Recorder
from corpushub.services.row_limits import Hold, RowLimits
from corpushub.store.db import Database, Unit
from corpushub.store.repos import Repo
from corpushub.store.tokens import Delivery, Token

if TYPE_CHECKING:
    from corpushub.services.parties import Parties

SCOPES = ("read", "write", "request")
MAX_DAYS = 366
PREFIX = "chub_"
FRESH_SECONDS = 5.0
MAX_CACHED = 20_000
_NARROWING = re.compile(r"(repo|zone):\S+")


class Gated(Forbidden):
    """Delivery refused: not signed in, or no entitlement in force. `why` is the rule that said no."""

    def __init__(self, repo: str, url: str, why: HubError | None = None, *, anonymous: bool = False) -> None:
        super().__init__("repo.gated_anonymous" if anonymous else "repo.gated", repo=repo, url=url)
        self.why = why
        self.anonymous = anonymous
        self.url = url

    def sentence(self, lang: Lang, facts: Mapping[str, object]) -> str:
        why = self.why.explain(lang).rstrip(".。") if self.why else ""
        return text(self.code, lang, **facts, why=why)


K = TypeVar("K")
V = TypeVar("V")


class Fresh(Generic[K, V]):
    """Values believed for a few seconds: what makes a check on every request affordable."""

    def __init__(self, seconds: float = FRESH_SECONDS) -> None:
        self.seconds = seconds
        self.cleared = 0
        self.kept: dict[K, tuple[float, V]] = {}  # oldest first
        self._guard = Lock()

    def get(self, key: K) -> V | None:
        found = self.kept.get(key)
        return found[1] if found and found[0] > time.monotonic() else None

    def put(self, key: K, value: V) -> V:
        """Keep `value`, and let go what is believed no longer: it would fill memory with what nobody asks for again."""
        now = time.monotonic()
        with self._guard:
            if len(self.kept) >= MAX_CACHED:
                self.kept.clear()
            self.kept.pop(key, None)
            self.kept[key] = (now + self.seconds, value)
            for old in list(islice(self.kept, 2)):
                if self.kept[old][0] <= now < self.kept[key][0]:
                    del self.kept[old]
        return value

    def clear(self) -> None:
        with self._guard:
            self.kept.clear()
        self.cleared += 1


class Access:
    """Tokens, permissions and delivery records."""

    def __init__(self, *, database: Database, settings: Settings, clock: Clock, parties: Parties) -> None:
        self.database = database
        self.settings = settings
        self.clock = clock
        self.parties = parties
        self._actors: Fresh[str, tuple[Actor, Token] | None] = Fresh()
        self._tokens_by_id: Fresh[str, Token] = Fresh()
        self._permissions: Fresh[tuple[object, ...], Permission | HubError] = Fresh()
        self.grants = Grants(database, clock)
        self.attempts = Attempts(database=database, clock=clock)
        self._recorder = Recorder(database, clock)
        self._row_limits = RowLimits(self._recorder, self._with_rows, self._refused)

    # -- tokens -----------------------------------------------------------------------------------------------------------

    def issue_token(
        self, actor: Actor, *, name: str, scopes: Sequence[str] = ("read",), purpose: str = "", days: int = 90
    ) -> tuple[str, Token]:
        """A new secret, shown this once, and its record.

        Raises: Invalid("token.name_invalid" | "token.scope_invalid" | "token.days_invalid"), Forbidden("token.missing" | "token.by_token").
        """
        if actor.is_anonymous:
            raise Forbidden("token.missing")
        if actor.token:  # one that leaked would outlive its end, its purpose and its datasets
            raise Forbidden("token.by_token")
        if not 1 <= len(name.strip()) <= 80:
            raise Invalid("token.name_invalid")
        if not 1 <= days <= MAX_DAYS:
            raise Invalid("token.days_invalid", limit=MAX_DAYS)
        if unknown := [scope for scope in scopes if scope not in SCOPES and not _NARROWING.fullmatch(scope)]:
            raise Invalid("token.scope_invalid", scope=unknown[0], known=", ".join(SCOPES))
        secret = PREFIX + secrets.token_urlsafe(32)
        now = self.clock()
        token = Token(
            id=new_id("tok", clock=self.clock),
            person=actor.person,
            name=name.strip(),
            scopes=tuple(dict.fromkeys(scopes)),
            purpose=purpose,
            created_at=iso(now),
            expires_at=iso(now + timedelta(days=days)),
        )
        with self.database.begin() as unit:
            unit.tokens.add(token, sha256(secret.encode()))
        return secret, token

    def tokens(self, actor: Actor) -> Sequence[Token]:
        """The actor's own, newest first."""
        with self.database.read() as unit:
            return unit.tokens.of(actor.person)

    def revoke(self, actor: Actor, token_id: str) -> None:
        """End a token at once. Raises: NotFound("token.not_yours")."""
        with self.database.begin() as unit:
            token = unit.tokens.get(token_id)
            if token is None or (token.person != actor.person and not actor.has(Role.ADMIN, Role.SYSTEM)):
                raise NotFound("token.not_yours", token=token_id)
            unit.tokens.revoke(token_id)
        self._actors.clear()

    def known_actor(self, secret: str) -> Actor | None:
        """The actor of a token looked up moments ago; never touches the database."""
        found = self._actors.get(sha256(secret.encode()))
        return found[0] if found else None

    def actor_of_token(self, secret: str) -> Actor | None:
        """Who speaks, or None for an unknown, expired or revoked token."""
        found = self._token_of(secret)
        return found[0] if found else None

    def _token_of(self, secret: str) -> tuple[Actor, Token] | None:
        hashed = sha256(secret.encode())
        kept = self._actors.get(hashed)
        if kept and kept[1].expires_at > iso(self.clock()):
            return kept
        with self.database.read() as unit:
            token = unit.tokens.by_hash(hashed)
        if token is None or token.revoked_at:  # one that has run out is its owner's, who forgot
            self.attempts.note_credential("token.unknown", person=token.person if token else "")
            return None
        if token.expires_at <= iso(self.clock()):
            return None
        try:
            actor = self.parties.actor_of(token.person)
        except HubError:
            return None
        self._recorder.saw(token.id)
        found = (replace(actor, token=token.id, scopes=token.scopes), token)
        self._tokens_by_id.put(token.id, token)
        self._actors.put(hashed, found)
        return found

    def token_of(self, actor: Actor) -> Token | None:
        """The token that spoke, or None for a session."""
        if not actor.token:
            return None
        if (kept := self._tokens_by_id.get(actor.token)) is not None:
            return kept
        with self.database.read() as unit:
            token = unit.tokens.get(actor.token)
        return self._tokens_by_id.put(actor.token, token) if token else None

    def require_scope(self, actor: Actor, scope: str, repo_id: str = "") -> None:
        """Raises: Forbidden("token.missing" | "token.elsewhere" | "token.scope_missing") where what spoke does not allow it (`Actor.may`)."""
        if actor.is_anonymous:
            raise Forbidden("token.missing")
        require(actor, scope, repo_id)

    # -- decisions --------------------------------------------------------------------------------------------------------

    @staticmethod
    def is_curator(actor: Actor, repo: Repo) -> bool:
        """May the actor see what is not released yet? Nobody may by a token of a zone: it takes what was released, as its zone permits."""
        if actor == SYSTEM:
            return True
        return actor.org == repo.org and actor.has(Role.OPERATOR) and actor.opens(repo.id) and not actor.narrowed_to("zone")

    def require_curator(self, actor: Actor, repo: Repo) -> None:
        """Raises: Forbidden("token.missing" | "token.elsewhere" | "token.scope_missing" | "repo.write_forbidden")."""
        self.require_scope(actor, "write", repo.id)
        if not self.is_curator(actor, repo):
            raise Forbidden("repo.write_forbidden", org=repo.org, repo=repo.id)

    def request_url(self, repo_id: str) -> str:
        return f"{self.settings.endpoint()}/datasets/{repo_id}"

    def permit(
        self, actor: Actor, repo: Repo, *, channels: Sequence[str] = FILE_CHANNELS, versions: tuple[str, ...] | None = None
    ) -> Permission:
        """The permission under which `actor` may take data of `repo` (of a release: of these `versions`) now, by one of `channels`.

        Raises: Gated.
        """
        key = (actor.person, actor.org, actor.token, repo.id, repo.gated, tuple(channels), versions)
        found = self._permissions.get(key)
        if found is None:
            found = self._permissions.put(key, self._decide(Ask(actor, repo, self.token_of(actor), channels, versions)))
        if isinstance(found, HubError):
            raise self._refused(Ask(actor, repo, None), found)
        return found

    def hold(self, permission: Permission, most: int, least: int = 0, *, fixed: bool = False) -> Hold:
        """What a delivery of `most` rows (or as many as the right still covers, `least` or more) begins and ends with, so that what is refused
        has not left (article 6). It may fall under another right than `permission`, unless `fixed`. Beginning it raises: Gated.
        """
        return Hold(self._row_limits, permission, most, least or most, fixed)

    def _with_rows(self, unit: Unit, ask: Ask, held: Mapping[str, int]) -> tuple[Permission, int] | HubError:
        found = decide(unit, ask, business_day(self.clock()), held)
        case = unit.cases.get(found.entitlement) if isinstance(found, Permission) else None
        if isinstance(found, HubError) or case is None or not found.counted:
            return found if isinstance(found, HubError) else (found, ask.rows)
        taken = int(unit.deliveries.used(case.id)["rows"]) + held.get(case.id, 0)
        return found, int(case.data["max_rows"]) - taken

    def _refused(self, ask: Ask, why: HubError) -> Gated:
        self.attempts.note(ask.actor, ask.repo.id, why)
        return Gated(ask.repo.id, self.request_url(ask.repo.id), why, anonymous=ask.actor.is_anonymous)

    @property
    def epoch(self) -> int:
        """Grows whenever what is believed for seconds was dropped: what was made of it is worth nothing then."""
        return self._permissions.cleared + self._actors.cleared

    def forget(self) -> None:
        """Drop what is believed for seconds: after a grant or a revocation in this process."""
        self._actors.clear()
        self._permissions.clear()

    def _decide(self, ask: Ask) -> Permission | HubError:
        if self.is_curator(ask.actor, ask.repo):
            return Permission(purpose=ask.token.purpose if ask.token else "")
        try:
            require(ask.actor, "read", ask.repo.id)
        except HubError as error:
            return error
        with self.database.read() as unit:
            return decide(unit, ask, business_day(self.clock()))

    # -- links ------------------------------------------------------------------------------------------------------------

    def after(self, seconds: int) -> datetime:
        return self.clock() + timedelta(seconds=seconds)

    def sign_download(self, actor: Actor, repo_id: str, commit: str, path: str, *, seconds: int) -> str:
        """URL of one file for readers that send no credentials. It speaks for the actor, ends with the actor's token, and grants nothing new."""
        facts = {"person": actor.person, "token": actor.token, "file": f"{repo_id}/{commit}/{path}"}
        grant = self.grants.sign("download", facts, seconds=seconds)
        return f"{self.settings.endpoint()}/datasets/{repo_id}/resolve/{commit}/{quote(path)}?sig={grant}"

    def actor_of_link(self, grant: str, file: str) -> Actor:
        """Who a signed link speaks for. Raises: Forbidden("upload.grant_invalid") also when the token behind it has ended."""
        facts = self.grants.open("download", grant)
        if facts["file"] != file:
            raise Forbidden("upload.grant_invalid")
        return self.actor_behind(facts["person"], facts["token"])

    def actor_behind(self, person: str, token_id: str) -> Actor:
        """Who a link or pass speaks for now. Raises: Forbidden("upload.grant_invalid") when the token behind it has ended."""
        if not person:
            return ANONYMOUS
        if not token_id:
            return self.parties.actor_of(person)
        with self.database.read() as unit:
            token = unit.tokens.get(token_id)
        if token is None or token.revoked_at or token.expires_at <= iso(self.clock()):
            raise Forbidden("upload.grant_invalid")
        return replace(self.parties.actor_of(person), token=token_id, scopes=token.scopes)

    # -- deliveries -------------------------------------------------------------------------------------------------------

    def record_delivery(self, actor: Actor, taken: Taken, permission: Permission, *, request: str = "") -> None:
        """Note a delivery; written in the next batch, never in the way of the bytes."""
        self._recorder.add(actor, taken, permission, request)

    def flush(self) -> None:
        self._recorder.flush()

    def close(self) -> None:
        self._recorder.close()

    def deliveries(self, actor: Actor, *, repo: str = "", limit: int = 100) -> Sequence[Delivery]:
        """The newest: an auditor, authority or supervisor sees all, others those of their own organisation."""
        self.flush()
        everything = actor.has(Role.AUDITOR, Role.AUTHORITY, Role.SUPERVISOR, Role.SYSTEM)
        if actor.is_anonymous:
            raise Forbidden("token.missing")
        with self.database.read() as unit:
            return unit.deliveries.list(repo=repo, org="" if everything else actor.org, limit=limit)


def require(actor: Actor, scope: str, dataset: str = "") -> None:
    """Raises: Forbidden("token.elsewhere" | "token.scope_missing") where a token spoke that does not allow it (`Actor.may`)."""
    if actor.may(scope, dataset):
        return
    narrowed = actor.narrowed_to("repo") + actor.narrowed_to("zone")
    if scope in actor.scopes and narrowed:
        raise Forbidden("token.elsewhere", only=", ".join(narrowed))
    raise Forbidden("token.scope_missing", scope=scope)
