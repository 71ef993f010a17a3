"""Local accounts, sessions and sign-ins under way, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from corpushub.base.identity import Clock, iso
from corpushub.store import account_tables as t

# Built once: making a statement costs as much as running it, and every request with a cookie asks this one.
_LIVE = sa.select(t.session).where(t.session.c.digest == sa.bindparam("of"), t.session.c.expires_at > sa.bindparam("now"))


@dataclass(frozen=True, slots=True)
class Account:
    """How one person signs in. `secret` is an argon2 hash, `subject` the identity of an OIDC provider; either may be empty."""

    person: str
    login: str
    secret: str
    subject: str = ""
    failures: int = 0
    locked_until: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser, known by the digest of its cookie."""

    digest: str
    person: str
    created_at: str
    expires_at: str
    agent: str
    method: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in at an identity provider that has not come back yet."""

    state: str
    nonce: str
    verifier: str
    next: str
    expires_at: str


class AccountRows:
    """The repository `unit.accounts`."""

    def __init__(self, connection: sa.Connection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock

    def get(self, person: str) -> Account | None:
        return self._one(t.account.c.person == person)

    def by_login(self, login: str) -> Account | None:
        return self._one(t.account.c.login == login.casefold())

    def by_subject(self, subject: str) -> Account | None:
        return self._one(t.account.c.subject == subject)

    def _one(self, where: sa.ColumnElement[bool]) -> Account | None:
        row = self.connection.execute(sa.select(t.account).where(where)).one_or_none()
        if row is None:
            return None
        return Account(row.person, row.login, row.secret, row.subject or "", row.failures, row.locked_until)

    def put(self, account: Account) -> None:
        """Add or replace a person's account."""
        values = asdict(account) | {"subject": account.subject or None, "changed_at": iso(self.clock())}
        self.connection.execute(t.account.delete().where(t.account.c.person == account.person))
        self.connection.execute(t.account.insert().values(**values))

    def add_session(self, session: Session) -> None:
        self.connection.execute(t.session.insert().values(**asdict(session)))

    def session(self, digest: str) -> Session | None:
        """A session that has not ended."""
        row = self.connection.execute(_LIVE, {"of": digest, "now": iso(self.clock())}).one_or_none()
        return None if row is None else Session(**row._mapping)

    def sessions(self, person: str) -> Sequence[Session]:
        """Sessions of a person that have not ended, newest first."""
        where = (t.session.c.person == person) & (t.session.c.expires_at > iso(self.clock()))
        query = sa.select(t.session).where(where).order_by(t.session.c.created_at.desc(), t.session.c.digest)
        return [Session(**row._mapping) for row in self.connection.execute(query)]

    def end_session(self, digest: str) -> None:
        self.connection.execute(t.session.delete().where(t.session.c.digest == digest))

    def end_sessions(self, person: str) -> int:
        return self.connection.execute(t.session.delete().where(t.session.c.person == person)).rowcount

    def sweep(self) -> None:
        """Forget what has ended."""
        now = iso(self.clock())
        self.connection.execute(t.session.delete().where(t.session.c.expires_at <= now))
        self.connection.execute(t.sign_in.delete().where(t.sign_in.c.expires_at <= now))

    def start_sign_in(self, row: SignIn) -> None:
        self.connection.execute(t.sign_in.insert().values(**asdict(row)))

    def take_sign_in(self, state: str) -> SignIn | None:
        """The sign-in of this state, once: it is gone afterwards."""
        where = (t.sign_in.c.state == state) & (t.sign_in.c.expires_at > iso(self.clock()))
        row = self.connection.execute(sa.select(t.sign_in).where(where)).one_or_none()
        self.connection.execute(t.sign_in.delete().where(t.sign_in.c.state == state))
        return None if row is None else SignIn(**row._mapping)
