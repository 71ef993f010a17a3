"""Signing in: local accounts with argon2 passwords, sessions known by a digest only, sign-out everywhere.

Rules of this module:
- an unknown name costs as much time as a wrong password, and both get the same answer;
- five wrong passwords in a row close an account for fifteen minutes, and a name that nobody has just so;
- the cookie's secret is shown once; the database holds its SHA-256;
- roles are asked from the parties service at every request, so a seat that ends, ends at once (INV-18);
- who gives another person a password or identity could act as them, so that is a leaf of the ledger.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid
from corpushub.base.identity import Clock, iso, sha256, system_clock
from corpushub.base.settings import Settings
from corpushub.domain.parties import SYSTEM, Actor, Role
from corpushub.domain.workflow import Event
from corpushub.services.attempts import Attempts
from corpushub.store.accounts import Account, Session
from corpushub.store.db import Database, Unit

LEAST_LENGTH = 10
MOST_LENGTH = 200
MOST_FAILURES = 5
LOCK = timedelta(minutes=15)
MOST_UNKNOWN = 10_000
COOKIE = "corpushub_session"


class Accounts:
    """Who may come in, and who is in."""

    def __init__(
        self,
        *,
        database: Database,
        settings: Settings,
        parties: Any,
        attempts: Attempts | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self.database, self.settings, self.parties, self.clock = database, settings, parties, clock
        self.attempts = attempts or Attempts(database=database, clock=clock)
        self._unknown: dict[str, Account] = {}  # names tried that nobody has

    @cached_property
    def hasher(self) -> PasswordHasher:
        return PasswordHasher()

    @cached_property
    def nobody(self) -> str:
        """A hash that no password matches, so that an unknown name takes as long as a known one."""
        return self.hasher.hash(secrets.token_urlsafe(24))

    def set_password(self, actor: Actor, person: str, password: str, *, login: str = "") -> None:
        """Give `person` a password and end all sessions the person has; the login name is the person's id where none is stated.

        Raises: Invalid("account.password_short" | "account.password_long" | "account.login_taken"), Forbidden("account.not_yours").
        """
        if not (actor.person == person or actor.has(Role.ADMIN, Role.SYSTEM)):
            raise Forbidden("account.not_yours")
        check_password(password)
        hashed = self.hasher.hash(password)
        with self.database.begin() as unit:
            known = unit.accounts.get(person)
            name = (login or (known.login if known else person)).casefold()
            taken = unit.accounts.by_login(name)
            if taken and taken.person != person:
                raise Invalid("account.login_taken", login=name)
            unit.accounts.put(Account(person, name, hashed, known.subject if known else ""))
            unit.accounts.end_sessions(person)
            self._note(unit, actor, person, "password_given")

    def change_password(self, actor: Actor, old: str, new: str) -> None:
        """Change one's own password, proving the old one.

        Raises: Forbidden("account.wrong") and what `set_password` raises.
        """
        with self.database.read() as unit:
            known = unit.accounts.get(actor.person)
        if known is None or not self._matches(known.secret, old):
            raise Forbidden("account.wrong")
        self.set_password(actor, actor.person, new)

    def link_subject(self, actor: Actor, person: str, issuer: str, subject: str) -> None:
        """Let an identity of the OIDC provider sign in as `person`.

        Raises: Forbidden("account.not_yours"), Invalid("account.no_issuer") where the settings name no provider,
        Conflict("account.subject_taken").
        """
        if not actor.has(Role.ADMIN, Role.SYSTEM):
            raise Forbidden("account.not_yours")
        if not issuer:
            raise Invalid("account.no_issuer")
        identity = identity_of(issuer, subject)
        with self.database.begin() as unit:
            other = unit.accounts.by_subject(identity)
            if other and other.person != person:
                raise Conflict("account.subject_taken", person=other.person)
            known = unit.accounts.get(person) or Account(person, person.casefold(), "")
            unit.accounts.put(replace(known, subject=identity))
            self._note(unit, actor, person, "identity_linked")

    def _note(self, unit: Unit, actor: Actor, person: str, name: str) -> None:
        if actor.person == person or actor == SYSTEM:  # first set-up, before there is anybody
            return
        stream = f"person:{person}"
        version = unit.events.version_of(stream) + 1
        told = Event(stream, version, f"person.{name}", actor.person, actor.org, self.clock(), {}, "active", actor.on_behalf_of)
        unit.events.append(told)

    def sign_in(self, name: str, password: str, *, agent: str = "") -> str:
        """A session's secret for the right name and password.

        Raises: Forbidden("account.wrong" | "account.locked").
        """
        login = sha256(name.strip().casefold().encode())
        with self.database.read() as unit:
            known = unit.accounts.by_login(name.strip())
        account = known or self._unknown.get(login, Account("", login, ""))
        right = self._matches(account.secret, password)
        if account.locked_until > iso(self.clock()):
            self._note_attempt(account)
            raise Forbidden("account.locked", minutes=int(LOCK.total_seconds() // 60))
        if not known or not right:
            self._note_attempt(account)
            self._note_failure(account)
            raise Forbidden("account.wrong")
        return self.open_session(known.person, agent=agent, method="password")

    def _matches(self, hashed: str, password: str) -> bool:
        try:
            return self.hasher.verify(hashed or self.nobody, password[:MOST_LENGTH])
        except (VerificationError, InvalidHashError):
            return False

    def _note_attempt(self, tried: Account) -> None:
        with self.database.read() as unit:
            person = unit.parties.person(tried.person) if tried.person else None
        self.attempts.note_credential("account.wrong", org=person.org if person else "", person=tried.person)

    def _note_failure(self, tried: Account) -> None:
        if not tried.person:
            if len(self._unknown) >= MOST_UNKNOWN:
                self._unknown.pop(next(iter(self._unknown)))
            self._unknown[tried.login] = self._failed(self._unknown.get(tried.login, tried))
            return
        with self.database.begin() as unit:
            account = unit.accounts.get(tried.person)
            if account is not None:
                unit.accounts.put(self._failed(account))

    def _failed(self, account: Account) -> Account:
        count = account.failures + 1
        if count >= MOST_FAILURES:
            return replace(account, failures=0, locked_until=iso(self.clock() + LOCK))
        return replace(account, failures=count)  # what others locked while this attempt was looked at stays locked

    def open_session(self, person: str, *, agent: str = "", method: str) -> str:
        """A new session for a person whose identity is proven; returns the cookie's secret."""
        secret = secrets.token_urlsafe(32)
        now = self.clock()
        ends = iso(now + timedelta(hours=self.settings.session_hours))
        with self.database.begin() as unit:
            unit.accounts.sweep()
            account = unit.accounts.get(person)
            if account and (account.failures or account.locked_until):
                unit.accounts.put(replace(account, failures=0, locked_until=""))
            unit.accounts.add_session(Session(sha256(secret.encode()), person, iso(now), ends, agent[:200], method))
        return secret

    def actor_of_session(self, secret: str) -> Actor | None:
        """Who is behind a cookie; None when the session has ended or the person has left."""
        if not 20 <= len(secret) <= 100:
            return None
        with self.database.read() as unit:
            session = unit.accounts.session(sha256(secret.encode()))
        if session is None:
            return None
        try:
            actor: Actor = self.parties.actor_of(session.person)
        except HubError:
            return None
        return actor

    def sessions(self, actor: Actor) -> Sequence[Session]:
        """The actor's own sessions that have not ended."""
        with self.database.read() as unit:
            return unit.accounts.sessions(actor.person)

    def sign_out(self, secret: str) -> None:
        with self.database.begin() as unit:
            unit.accounts.end_session(sha256(secret.encode()))

    def sign_out_everywhere(self, actor: Actor, person: str = "") -> int:
        """End all sessions of the actor, or of `person` for an administrator; how many ended.

        Raises: Forbidden("account.not_yours").
        """
        if person and person != actor.person and not actor.has(Role.ADMIN, Role.SYSTEM):
            raise Forbidden("account.not_yours")
        with self.database.begin() as unit:
            return unit.accounts.end_sessions(person or actor.person)


def check_password(password: str) -> None:
    """Raises: Invalid("account.password_short" | "account.password_long")."""
    if len(password) < LEAST_LENGTH:
        raise Invalid("account.password_short", least=LEAST_LENGTH)
    if len(password) > MOST_LENGTH:
        raise Invalid("account.password_long", most=MOST_LENGTH)


def identity_of(issuer: str, subject: str) -> str:
    """What an account is found by: providers write their own address with and without a stroke at its end."""
    return f"{issuer.rstrip('/')} {subject}"
