"""Signing in: what a password, a cookie and a seat are worth, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest

from corpushub.base.errors import Forbidden, Invalid
from corpushub.base.settings import Settings
from corpushub.domain.parties import SYSTEM, Actor, Role
from corpushub.services.accounts import LOCK, MOST_FAILURES, Accounts
from corpushub.services.parties import Parties
from corpushub.store.db import Database

PASSWORD = "correct horse battery"
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


class Moving:
    """A clock that goes when told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def on(self, step: timedelta) -> None:
        self.now += step


@pytest.fixture
def clock() -> Moving:
    return Moving()


@pytest.fixture
def accounts(tmp_path: Path, clock: Callable[[], datetime]) -> Accounts:
    database = Database(str(tmp_path / "hub.db"), clock=clock)
    parties = Parties(database=database, clock=clock)
    org = {"id": "bureau", "credit_code": "11110000000000001C", "kind": "authority", "region": "110000", "name": {"zh": "数据局"}}
    from corpushub.domain.parties import credit_check

    org["credit_code"] = "11110000000000001" + credit_check("11110000000000001")
    people = [
        {"id": "li.wei", "org": "bureau", "name": "李伟", "roles": ["reviewer"]},
        {"id": "root", "org": "bureau", "name": "管理员", "roles": ["admin"]},
    ]
    parties.bootstrap(SYSTEM, orgs=[org], people=people)
    made = Accounts(database=database, settings=Settings(home=tmp_path), parties=parties, clock=clock)
    made.set_password(SYSTEM, "li.wei", PASSWORD)
    return made


def test_the_right_password_opens_a_session_for_the_person_and_their_seats(accounts: Accounts) -> None:
    actor = accounts.actor_of_session(accounts.sign_in("LI.Wei ", PASSWORD, agent="test"))
    assert actor is not None
    assert (actor.person, actor.org, actor.roles) == ("li.wei", "bureau", frozenset({Role.REVIEWER}))


@pytest.mark.parametrize(("name", "password"), [("li.wei", "wrong"), ("nobody", PASSWORD), ("", ""), ("li.wei", PASSWORD + " ")])
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(accounts: Accounts, name: str, password: str) -> None:
    with pytest.raises(Forbidden) as refused:
        accounts.sign_in(name, password)
    assert refused.value.code == "account.wrong"


def test_five_wrong_passwords_close_the_account_for_a_while_even_for_the_right_one(accounts: Accounts, clock: Moving) -> None:
    for _ in range(MOST_FAILURES):
        with pytest.raises(Forbidden):
            accounts.sign_in("li.wei", "wrong")
    with pytest.raises(Forbidden) as refused:
        accounts.sign_in("li.wei", PASSWORD)
    assert refused.value.code == "account.locked"
    clock.on(LOCK + timedelta(seconds=1))
    assert accounts.sign_in("li.wei", PASSWORD)


@pytest.mark.parametrize("name", ["li.wei", "nobody"])
def test_guesses_made_at_once_close_the_account_like_one_after_the_other(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """One guess beyond those that close it, still under way when it closed, opened it again: seven at a time could go on for ever."""
    together = Barrier(MOST_FAILURES + 1)
    real = accounts._matches

    def matches(hashed: str, password: str) -> bool:
        together.wait(10)  # all have read that the account is open
        return real(hashed, password)

    def guess(number: int) -> str:
        with pytest.raises(Forbidden) as refused:
            accounts.sign_in(name, f"guess {number}")
        return refused.value.code

    with monkeypatch.context() as patched, ThreadPoolExecutor(MOST_FAILURES + 1) as people:
        patched.setattr(accounts, "_matches", matches)
        assert set(people.map(guess, range(MOST_FAILURES + 1))) == {"account.wrong"}
    with pytest.raises(Forbidden, match=r"account\.locked"):
        accounts.sign_in(name, "correct horse battery")


def test_a_name_that_nobody_has_is_closed_like_an_account(accounts: Accounts, clock: Moving) -> None:
    def told(name: str) -> list[str]:
        codes = []
        for _ in range(MOST_FAILURES + 2):
            with pytest.raises(Forbidden) as refused:
                accounts.sign_in(name, "wrong")
            codes.append(refused.value.code)
        return codes

    assert told(" Nobody ") == told("li.wei") == ["account.wrong"] * MOST_FAILURES + ["account.locked"] * 2
    with pytest.raises(Forbidden, match=r"account\.locked"):
        accounts.sign_in("nobody", "wrong")
    clock.on(LOCK + timedelta(seconds=1))
    with pytest.raises(Forbidden, match=r"account\.wrong"):
        accounts.sign_in("nobody", "wrong")


def test_a_session_ends_by_itself(accounts: Accounts, clock: Moving) -> None:
    secret = accounts.sign_in("li.wei", PASSWORD)
    clock.on(timedelta(hours=accounts.settings.session_hours, seconds=1))
    assert accounts.actor_of_session(secret) is None


def test_signing_out_ends_one_session_and_everywhere_ends_all(accounts: Accounts) -> None:
    first, second, third = (accounts.sign_in("li.wei", PASSWORD) for _ in range(3))
    accounts.sign_out(first)
    assert accounts.actor_of_session(first) is None
    actor = accounts.actor_of_session(second)
    assert actor is not None
    assert accounts.sign_out_everywhere(actor) == 2
    assert accounts.actor_of_session(third) is None


def test_a_seat_that_ends_ends_at_once_in_running_sessions(accounts: Accounts) -> None:
    secret = accounts.sign_in("li.wei", PASSWORD)
    accounts.parties.unbind(SYSTEM, "li.wei", "reviewer")
    actor = accounts.actor_of_session(secret)
    assert actor is not None
    assert Role.REVIEWER not in actor.roles
    accounts.parties.depart(SYSTEM, "li.wei")
    assert accounts.actor_of_session(secret) is None


def test_a_new_password_ends_the_sessions_of_the_old_one(accounts: Accounts) -> None:
    secret = accounts.sign_in("li.wei", PASSWORD)
    actor = accounts.actor_of_session(secret)
    assert actor is not None
    with pytest.raises(Forbidden):
        accounts.change_password(actor, "not it", "another good password")
    accounts.change_password(actor, PASSWORD, "another good password")
    assert accounts.actor_of_session(secret) is None
    assert accounts.sign_in("li.wei", "another good password")


def test_nobody_sets_somebody_elses_password_but_an_administrator(accounts: Accounts) -> None:
    reviewer = Actor("li.wei", "bureau", frozenset({Role.REVIEWER}))
    with pytest.raises(Forbidden):
        accounts.set_password(reviewer, "root", PASSWORD)
    accounts.set_password(Actor("root", "bureau", frozenset({Role.ADMIN})), "li.wei", "given by the administrator")


@pytest.mark.parametrize(("password", "code"), [("short", "account.password_short"), ("x" * 201, "account.password_long")])
def test_passwords_have_a_length(accounts: Accounts, password: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        accounts.set_password(SYSTEM, "li.wei", password)
    assert refused.value.code == code


def test_a_login_name_belongs_to_one_person(accounts: Accounts) -> None:
    with pytest.raises(Invalid) as refused:
        accounts.set_password(SYSTEM, "root", PASSWORD, login="li.wei")
    assert refused.value.code == "account.login_taken"


def test_the_database_holds_neither_password_nor_cookie(accounts: Accounts, tmp_path: Path) -> None:
    secret = accounts.sign_in("li.wei", PASSWORD)
    accounts.database.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("hub.db*"))
    assert PASSWORD.encode() not in kept
    assert secret.encode() not in kept
