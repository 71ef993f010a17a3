"""Tables of the hub: repositories, commits, refs, received objects, tokens, deliveries, rows held."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from corpushub.store.tables import Json, metadata


class Touch(sa.FunctionElement[int]):
    """The number a changed repository gets: larger than any before it, so that what is held in memory asks for what came since.

    PostgreSQL: the transaction's id, because transactions end in another order than they began. SQLite, where one writes at a time:
    the last one and one more, never less than the microseconds of the time, so that deleting the newest gives no number twice.
    """

    inherit_cache = True
    type = sa.BigInteger()


class Mark(sa.FunctionElement[int]):
    """The number below which everything is seen by this transaction: that of the oldest one not ended yet."""

    inherit_cache = True
    type = sa.BigInteger()


@compiles(Touch, "sqlite")
def _(*_: object, **__: object) -> str:
    return "(SELECT max(coalesce(max(touched), 0) + 1, CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)) FROM repo)"


@compiles(Touch, "postgresql")
def _(*_: object, **__: object) -> str:
    return "pg_current_xact_id()::text::bigint"


@compiles(Mark, "sqlite")
def _(*_: object, **__: object) -> str:
    return "(SELECT coalesce(max(touched), 0) + 1 FROM repo)"


@compiles(Mark, "postgresql")
def _(*_: object, **__: object) -> str:
    return "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


repo = sa.Table(
    "repo",
    metadata,
    sa.Column("id", sa.String(200), primary_key=True),
    sa.Column("folded", sa.String(200), nullable=False, unique=True),  # lower case: names must not collide on case-blind disks
    sa.Column("org", sa.String(64), nullable=False),
    sa.Column("created_by", sa.String(64), nullable=False),
    sa.Column("created_at", sa.String(32), nullable=False),
    sa.Column("changed_at", sa.String(32), nullable=False, index=True),
    sa.Column("private", sa.Boolean, nullable=False),
    sa.Column("gated", sa.String(8), nullable=False),  # manual, auto, or empty for unconditional openness
    sa.Column("downloads", sa.Integer, nullable=False, server_default="0"),
    sa.Column("head", sa.String(40), nullable=False, server_default=""),  # released head of main; facts describe it
    sa.Column("facts_of", sa.String(40), nullable=False, server_default=""),
    sa.Column("facts", Json, nullable=False),
    sa.Column("words", sa.Text, nullable=False, server_default=""),  # folded text the search looks at
    sa.Column("touched", sa.BigInteger, nullable=False, server_default="0", default=Touch(), onupdate=Touch(), index=True),
    # Empty but for moments: what asks every second for heads not described yet must not read ten thousand rows.
    sa.Index("ix_repo_undescribed", "id", sqlite_where=sa.text("facts_of <> head"), postgresql_where=sa.text("facts_of <> head")),
)

repo_alias = sa.Table(
    "repo_alias",
    metadata,
    sa.Column("folded", sa.String(200), primary_key=True),
    sa.Column("repo", sa.String(200), nullable=False, index=True),
)

repo_commit = sa.Table(
    "repo_commit",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("repo", sa.String(200), nullable=False, index=True),
    sa.Column("parent", sa.String(40), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("author", sa.String(200), nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("files", sa.Integer, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("released", sa.Boolean, nullable=False),
)

repo_tree = sa.Table(
    "repo_tree",
    metadata,
    sa.Column("commit", sa.String(40), primary_key=True),
    sa.Column("entries", sa.LargeBinary, nullable=False),  # zlib of a JSON list; immutable, so a process may cache it for ever
)

repo_ref = sa.Table(
    "repo_ref",
    metadata,
    sa.Column("repo", sa.String(200), primary_key=True),
    sa.Column("kind", sa.String(8), primary_key=True),  # heads, tags, pr
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("target", sa.String(40), nullable=False),  # what curators see
    sa.Column("released", sa.String(40), nullable=False),  # what readers see; empty: nothing approved yet
    sa.Column("state", sa.String(16), nullable=False, server_default=""),  # quarantined, withdrawn
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("successor", sa.String(200), nullable=False, server_default=""),
    sa.Column("message", sa.Text, nullable=False, server_default=""),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Index("ix_repo_ref_released", "repo", "released"),
)

repo_object = sa.Table(
    "repo_object",
    metadata,
    sa.Column("repo", sa.String(200), primary_key=True),
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
)

token = sa.Table(
    "token",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.Column("person", sa.String(64), nullable=False, index=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("scopes", Json, nullable=False),
    sa.Column("purpose", sa.String(64), nullable=False),
    sa.Column("created_at", sa.String(32), nullable=False),
    sa.Column("expires_at", sa.String(32), nullable=False),
    sa.Column("revoked_at", sa.String(32), nullable=False, server_default=""),
    sa.Column("used_at", sa.String(32), nullable=False, server_default=""),
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("at", sa.String(32), nullable=False, index=True),
    sa.Column("repo", sa.String(200), nullable=False, index=True),
    sa.Column("commit", sa.String(40), nullable=False),
    sa.Column("path", sa.Text, nullable=False),  # empty where several files went out within one second
    sa.Column("files", sa.Integer, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("person", sa.String(64), nullable=False),
    sa.Column("org", sa.String(64), nullable=False, index=True),
    sa.Column("token", sa.String(40), nullable=False),
    sa.Column("entitlement", sa.String(64), nullable=False, index=True),
    sa.Column("purpose", sa.String(64), nullable=False),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("request", sa.String(64), nullable=False),
)

row_hold = sa.Table(
    "row_hold",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("entitlement", sa.String(64), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("until", sa.String(32), nullable=False),  # renewed while its process lives
)
