"""Signing in with a city's identity: OpenID Connect Core 1.0, authorization code with PKCE (RFC 7636).

Rules of this module:
- state, nonce and verifier are made here, kept ten minutes, used once; the browser proves it began by a cookie holding the state;
- the ID token is believed only with a signature of the issuer's published keys, our client id as audience, the nonce, and in time;
- an identity is known to us or refused: nobody gets an account by signing in elsewhere.

What only a sign-in needs (httpx, joserfc) is imported by it: every command loads this module.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from corpushub.base.errors import Forbidden, Unavailable
from corpushub.base.identity import Clock, Stopwatch, iso, sha256, system_clock
from corpushub.base.settings import Settings
from corpushub.services.accounts import Accounts, identity_of
from corpushub.services.parties import Parties
from corpushub.store.accounts import SignIn
from corpushub.store.db import Database

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

LIFE = timedelta(minutes=10)
KEPT_SECONDS = 600.0
TIMEOUT_SECONDS = 10.0
ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"]
SKEW_SECONDS = 60
log = logging.getLogger("corpushub.oidc")


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the browser, and the state it has to bring back (a cookie proves that it is the same browser)."""

    url: str
    state: str


@dataclass(slots=True)
class Known:
    """What the issuer published, and since when we know it."""

    endpoints: dict[str, Any]
    keys: KeySet
    since: Stopwatch


class Oidc:
    def __init__(  # what an identity has to be checked against
        self, *, database: Database, settings: Settings, accounts: Accounts, parties: Parties, clock: Clock = system_clock
    ) -> None:
        self.database, self.settings, self.accounts, self.parties, self.clock = database, settings, accounts, parties, clock
        self._known: Known | None = None

    @property
    def redirect_uri(self) -> str:
        return f"{self.settings.endpoint()}/signin/callback"

    def begin(self, then: str) -> Begun:
        """Start a sign-in that comes back to `then`. Raises: Unavailable("oidc.unreachable")."""
        endpoints = self._published().endpoints
        state, nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        row = SignIn(sha256(state.encode()), nonce, verifier, then[:500], iso(self.clock() + LIFE))
        with self.database.begin() as unit:
            unit.accounts.sweep()
            unit.accounts.start_sign_in(row)
        asked = {
            "response_type": "code",
            "client_id": self.settings.oidc_client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
        }
        join = "&" if "?" in endpoints["authorization_endpoint"] else "?"
        return Begun(f"{endpoints['authorization_endpoint']}{join}{urlencode(asked)}", state)

    def finish(self, state: str, code: str, *, cookie: str, agent: str = "") -> tuple[str, str]:
        """A session's secret and where the person wanted to go.

        Raises: Forbidden("oidc.state" | "oidc.declined" | "oidc.token" | "oidc.unknown_person"), Unavailable("oidc.unreachable").
        """
        if not state or not secrets.compare_digest(state, cookie):
            raise Forbidden("oidc.state")
        with self.database.begin() as unit:
            row = unit.accounts.take_sign_in(sha256(state.encode()))
        if row is None:
            raise Forbidden("oidc.state")
        if not code:
            raise Forbidden("oidc.declined")
        claims = self._claims(self._exchange(code, row.verifier), row.nonce)
        person = self._person(str(claims["iss"]), str(claims["sub"]))
        return self.accounts.open_session(person, agent=agent, method="oidc"), row.next

    def _exchange(self, code: str, verifier: str) -> str:
        """The ID token for an authorization code."""
        import httpx

        endpoints = self._published().endpoints
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri, "code_verifier": verifier}
        login = (self.settings.oidc_client_id, self.settings.oidc_client_secret)
        if "client_secret_basic" not in endpoints.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
            form |= dict(zip(("client_id", "client_secret"), login, strict=True))
        try:
            auth = None if "client_secret" in form else login
            answer = httpx.post(endpoints["token_endpoint"], data=form, auth=auth, timeout=TIMEOUT_SECONDS)
            token = answer.json()["id_token"] if answer.status_code == httpx.codes.OK else None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable("oidc.unreachable") from error
        except (ValueError, KeyError, TypeError):
            token = None
        if not isinstance(token, str):
            log.warning("no id token status=%s", answer.status_code)
            raise Forbidden("oidc.token")
        return token

    def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        """What the token says. Where it does not hold, the issuer is asked for its keys again, once: it may have changed them meanwhile."""
        try:
            return self._believed(token, nonce)
        except Forbidden:
            self._known = None
            return self._believed(token, nonce)

    def _believed(self, token: str, nonce: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError

        known = self._published()
        rules = jwt.JWTClaimsRegistry(
            now=int(self.clock().timestamp()),
            leeway=SKEW_SECONDS,
            iss={"essential": True, "value": known.endpoints["issuer"]},
            aud={"essential": True, "value": self.settings.oidc_client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims: dict[str, Any] = jwt.decode(token, known.keys, algorithms=ALGORITHMS).claims
            rules.validate(claims)
        except (JoseError, ValueError) as error:
            log.warning("id token refused why=%s", error)  # names the claim, not what stands in it
            raise Forbidden("oidc.token") from error
        if claims.get("azp") not in {None, self.settings.oidc_client_id}:
            log.warning("id token refused why=azp")
            raise Forbidden("oidc.token")
        return claims

    def _person(self, issuer: str, subject: str) -> str:
        with self.database.read() as unit:
            linked = unit.accounts.by_subject(identity_of(issuer, subject))
        if linked is not None:
            return linked.person
        person = self.parties.person_by_subject(subject)
        if person is None:
            raise Forbidden("oidc.unknown_person", subject=subject[:120])
        return person.id

    def _published(self) -> Known:
        """The issuer's endpoints and keys, asked at most every ten minutes. Raises: Unavailable("oidc.unreachable")."""
        if self._known is not None and self._known.since.seconds() < KEPT_SECONDS:
            return self._known
        import httpx

        issuer = self.settings.oidc_issuer.rstrip("/")
        try:
            found = httpx.get(f"{issuer}/.well-known/openid-configuration", timeout=TIMEOUT_SECONDS).raise_for_status().json()
            told = httpx.get(found["jwks_uri"], timeout=TIMEOUT_SECONDS).raise_for_status().json()
            complete = found["issuer"].rstrip("/") == issuer and found["authorization_endpoint"] and found["token_endpoint"]
            keys = readable(told["keys"])
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("issuer not understood why=%s", type(error).__name__)
            raise Unavailable("oidc.unreachable") from error
        if not complete or not keys.keys:
            log.warning("issuer not understood why=%s", "keys" if complete else "issuer")
            raise Unavailable("oidc.unreachable")
        self._known = known = Known(found, keys, Stopwatch())
        return known


def readable(keys: list[Any]) -> KeySet:
    """The keys we can read; others are passed over (RFC 7517, 5), for an issuer may publish one of an algorithm of its own beside them."""
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry, KeySet

    found = []
    for key in keys:
        with suppress(JoseError, ValueError, KeyError, TypeError):
            found.append(JWKRegistry.import_key(key))
    return KeySet(found)


def challenge(verifier: str) -> str:
    """S256 of RFC 7636."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
