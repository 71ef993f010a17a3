"""A small OpenID provider, served for real: discovery, keys, authorization with PKCE, tokens. It knows whoever it is told to know."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.kit.demo import free_port
from tests.kit.hub import running

CLIENT, SECRET = "corpushub", "a secret between us"


@dataclass
class Provider:
    """The provider's state; `spoil` changes the claims before they are signed, `key` may be exchanged for a stranger's."""

    issuer: str
    subject: str = "city-7788"
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, auto_kid=True))
    spoil: dict[str, Any] = field(default_factory=dict)
    signer: RSAKey | None = None
    grants: dict[str, dict[str, str]] = field(default_factory=dict)
    published: dict[str, Any] = field(default_factory=dict)  # instead of what it says of itself
    odd_keys: list[Any] = field(default_factory=list)  # beside its own

    def app(self) -> FastAPI:
        app = FastAPI()
        app.add_api_route("/.well-known/openid-configuration", self.configuration)
        app.add_api_route("/keys", self.keys)
        app.add_api_route("/authorize", self.authorize)
        app.add_api_route("/token", self.token, methods=["POST"])
        return app

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        } | self.published

    def keys(self) -> dict[str, Any]:
        return {"keys": [*self.odd_keys, self.key.as_dict(private=False)]}

    def authorize(self, request: Request) -> Response:
        """The person is already signed in here and agrees at once."""
        asked = dict(request.query_params)
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.grants[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 303)

    async def token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        basic = request.headers.get("authorization")
        in_form = f"{form.get('client_id')}:{form.get('client_secret')}"
        login = base64.b64decode(basic.removeprefix("Basic ")).decode() if basic else in_form
        asked = self.grants.pop(form["code"], None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if (
            asked is None
            or login != f"{CLIENT}:{SECRET}"
            or proof != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
        } | self.spoil
        signer = self.signer or self.key
        words = jwt.encode(
            {"alg": "RS256", "kid": self.key.kid}, {name: value for name, value in claims.items() if value is not None}, signer
        )
        return JSONResponse({"access_token": "unused", "token_type": "Bearer", "id_token": words})


@contextmanager
def a_provider() -> Generator[Provider]:
    port = free_port()
    provider = Provider(f"http://127.0.0.1:{port}")
    server = uvicorn.Server(uvicorn.Config(provider.app(), host="127.0.0.1", port=port, log_level="warning"))
    with running(server):
        yield provider
