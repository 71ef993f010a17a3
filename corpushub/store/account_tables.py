"""Tables of local accounts, sessions and sign-ins under way. Secrets never stand here, only argon2 hashes and SHA-256 digests."""

from __future__ import annotations

import sqlalchemy as sa

from corpushub.store.tables import metadata

account = sa.Table(
    "account",
    metadata,
    sa.Column("person", sa.String(64), primary_key=True),
    sa.Column("login", sa.String(200), nullable=False, unique=True),  # lower case
    sa.Column("secret", sa.String(200), nullable=False),  # argon2id with its parameters; empty: no password, OIDC only
    sa.Column("subject", sa.String(400), nullable=True, unique=True),  # "issuer subject" of an OIDC identity
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("locked_until", sa.String(32), nullable=False, server_default=""),
    sa.Column("changed_at", sa.String(32), nullable=False),
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),  # SHA-256 of the cookie
    sa.Column("person", sa.String(64), nullable=False, index=True),
    sa.Column("created_at", sa.String(32), nullable=False),
    sa.Column("expires_at", sa.String(32), nullable=False, index=True),
    sa.Column("agent", sa.String(200), nullable=False),
    sa.Column("method", sa.String(16), nullable=False),  # password, oidc
)

sign_in = sa.Table(
    "sign_in",
    metadata,
    sa.Column("state", sa.String(64), primary_key=True),  # SHA-256 of the state handed to the identity provider
    sa.Column("nonce", sa.String(64), nullable=False),
    sa.Column("verifier", sa.String(128), nullable=False),  # PKCE
    sa.Column("next", sa.String(500), nullable=False),
    sa.Column("expires_at", sa.String(32), nullable=False, index=True),
)
