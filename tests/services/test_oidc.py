"""Signing in with a city's identity, against a provider that is really there."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey

from corpushub.base.errors import Forbidden, HubError, Unavailable
from corpushub.domain.parties import SYSTEM
from tests.kit.hub import SomeHub, some_hub
from tests.kit.oidc import CLIENT, SECRET, Provider, a_provider


@pytest.fixture(scope="module")
def provider() -> Generator[Provider]:
    with a_provider() as found:
        yield found


@pytest.fixture
def hub(tmp_path: Path, provider: Provider) -> SomeHub:
    provider.spoil, provider.signer, provider.subject = {}, None, "city-7788"
    provider.published, provider.odd_keys = {}, []
    made = some_hub(tmp_path, oidc_issuer=provider.issuer, oidc_client_id=CLIENT, oidc_client_secret=SECRET)
    made.hub.oidc.clock = real_clock  # the provider lives in the present
    made.hub.accounts.link_subject(SYSTEM, "developer", provider.issuer, "city-7788")
    return made


def real_clock() -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(time.time(), UTC)


def come_back(hub: SomeHub, *, then: str = "/zh/home/tasks") -> tuple[str, str, str]:
    """Begin, agree at the provider, and read what it sends back: state, code and the cookie's state."""
    begun = hub.oidc.begin(then)
    answer = httpx.get(begun.url, follow_redirects=False)
    assert answer.status_code == 303
    brought = parse_qs(urlsplit(answer.headers["location"]).query)
    return brought["state"][0], brought["code"][0], begun.state


def refused(hub: SomeHub) -> str:
    state, code, cookie = come_back(hub)
    with pytest.raises(Forbidden) as error:
        hub.oidc.finish(state, code, cookie=cookie)
    return error.value.code


def test_one_identity_is_one_person_and_needs_a_provider(hub: SomeHub) -> None:
    issuer = hub.settings.oidc_issuer
    hub.hub.accounts.link_subject(SYSTEM, "developer", f"{issuer}/", "city-7788")
    for person, named, code in (("operator", issuer, "account.subject_taken"), ("operator", "", "account.no_issuer")):
        with pytest.raises(HubError) as told:
            hub.hub.accounts.link_subject(SYSTEM, person, named, "city-7788")
        assert told.value.code == code
    state, brought, cookie = come_back(hub)
    assert hub.hub.accounts.actor_of_session(hub.oidc.finish(state, brought, cookie=cookie)[0]).person == "developer"


def test_a_linked_identity_opens_a_session_and_leads_back(hub: SomeHub) -> None:
    state, code, cookie = come_back(hub, then="/zh/data/catalog")
    secret, then = hub.oidc.finish(state, code, cookie=cookie)
    actor = hub.accounts.actor_of_session(secret)
    assert actor is not None
    assert (actor.person, then) == ("developer", "/zh/data/catalog")


def test_an_unknown_identity_gets_no_account(hub: SomeHub, provider: Provider) -> None:
    provider.subject = "somebody else"
    assert refused(hub) == "oidc.unknown_person"


def test_a_state_is_used_once(hub: SomeHub) -> None:
    state, code, cookie = come_back(hub)
    hub.oidc.finish(state, code, cookie=cookie)
    with pytest.raises(Forbidden):
        hub.oidc.finish(state, code, cookie=cookie)


def test_another_browser_cannot_finish_a_sign_in(hub: SomeHub) -> None:
    state, code, _ = come_back(hub)
    for cookie in ("", "another"):
        with pytest.raises(Forbidden) as error:
            hub.oidc.finish(state, code, cookie=cookie)
        assert error.value.code == "oidc.state"


@pytest.mark.parametrize(
    "spoil",
    [
        {"aud": "another client"},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"iss": "https://elsewhere.example"},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_us_now_is_refused(hub: SomeHub, provider: Provider, spoil: dict[str, Any]) -> None:
    provider.spoil = spoil
    assert refused(hub) == "oidc.token"


def test_a_token_signed_by_somebody_else_is_refused(hub: SomeHub, provider: Provider) -> None:
    provider.signer = RSAKey.generate_key(2048)
    assert refused(hub) == "oidc.token"


def test_a_key_the_issuer_has_changed_meanwhile_is_asked_for_at_once(hub: SomeHub, provider: Provider) -> None:
    """Whoever came first after the change was refused."""
    state, code, cookie = come_back(hub)
    hub.oidc.finish(state, code, cookie=cookie)
    provider.key = RSAKey.generate_key(2048, auto_kid=True)
    state, code, cookie = come_back(hub)
    assert hub.accounts.actor_of_session(hub.oidc.finish(state, code, cookie=cookie)[0])


@pytest.mark.parametrize(
    "odd",
    [
        {"kty": "EC", "crv": "SM2", "x": "a", "y": "b"},
        {"kty": "RSA"},
        {"kty": "SM9"},
        {"kty": "oct", "k": "YSBzZWNyZXQgb2Ygc29tZWJvZHkgZWxzZQ"},
        1,
    ],
    ids=str,
)
def test_a_key_we_cannot_read_hides_none_of_the_others(hub: SomeHub, provider: Provider, odd: Any) -> None:
    """One key on the curve SM2 among an issuer's keys, and nobody could sign in."""
    provider.odd_keys = [odd]
    state, code, cookie = come_back(hub)
    assert hub.accounts.actor_of_session(hub.oidc.finish(state, code, cookie=cookie)[0])


def test_an_issuer_that_takes_the_secret_in_the_form_only_gets_it_there(hub: SomeHub, provider: Provider) -> None:
    provider.published = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    state, code, cookie = come_back(hub)
    assert hub.accounts.actor_of_session(hub.oidc.finish(state, code, cookie=cookie)[0])


@pytest.mark.parametrize(
    "published", [{"jwks_uri": 1}, {"issuer": None}, {"token_endpoint": None}, {"jwks_uri": "http://[::1"}], ids=str
)
def test_an_issuer_that_says_nonsense_of_itself_counts_as_away(
    hub: SomeHub, provider: Provider, published: dict[str, Any]
) -> None:
    provider.published = published
    with pytest.raises(Unavailable, match=r"oidc\.unreachable"):
        hub.oidc.begin("/zh/")


def test_who_declines_at_the_issuer_is_told_so(hub: SomeHub) -> None:
    state, _, cookie = come_back(hub)
    with pytest.raises(Forbidden, match=r"oidc\.declined"):
        hub.oidc.finish(state, "", cookie=cookie)


def test_a_code_without_its_proof_is_worth_nothing(hub: SomeHub) -> None:
    one, other = come_back(hub), come_back(hub)
    with pytest.raises(Forbidden) as error:
        hub.oidc.finish(one[0], other[1], cookie=one[2])
    assert error.value.code == "oidc.token"


def test_a_provider_that_is_away_says_so(tmp_path: Path) -> None:
    away = some_hub(tmp_path, oidc_issuer="http://127.0.0.1:9", oidc_client_id=CLIENT)
    with pytest.raises(Unavailable) as error:
        away.oidc.begin("/zh/home/tasks")
    assert error.value.code == "oidc.unreachable"


def test_the_portal_leads_through_the_provider_and_back(hub: SomeHub) -> None:
    """The whole way in a browser's steps: our page, the provider, our callback, a cookie that opens the tasks."""
    from tests.kit.hub import serving

    with serving(hub, with_portal=True) as address, httpx.Client(base_url=address, follow_redirects=False, timeout=60) as browser:
        assert "/signin/oidc" in browser.get("/signin?next=/zh/data/catalog").text
        away = browser.get("/signin/oidc?next=/zh/data/catalog")
        assert away.status_code == 303
        back = httpx.get(away.headers["location"], follow_redirects=False).headers["location"]
        home = browser.get(back)
        assert home.status_code == 303
        assert home.headers["location"] == "/zh/data/catalog"
        assert browser.get("/zh/home/tasks").status_code == 200
        assert browser.get(back).status_code == 403
