"""Every table the governance part keeps, on the one `metadata`. Times are ISO text (`identity.iso`), so that they sort the same everywhere.

`events` is append-only: a trigger refuses UPDATE and DELETE on both databases (INV-01). `cases`, `orgs`, `people`, `bindings`,
`resources` are folds of events, kept so that nothing has to be replayed to be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from corpushub.base.identity import canonical

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Json(TypeDecorator[Any]):
    """Canonical JSON as text: equal values are equal bytes on SQLite and PostgreSQL."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else canonical(value).decode()

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else json.loads(value)


def key(name: str, length: int = 200) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), primary_key=True)


def word(name: str, length: int = 200, *, index: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, server_default="", index=index)


def whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


AT_ONCE = 5_000
"""Names in one statement: SQLite takes 32,766 at most, PostgreSQL 65,535."""


def in_parts(names: Iterable[str]) -> Iterator[Sequence[str]]:
    """`names` in as many parts as statements are needed."""
    wanted = list(names)
    return (wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE))


def value(name: str) -> sa.Column[Any]:
    return sa.Column(name, Json, nullable=False, server_default="{}")


events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    word("stream"),
    sa.Column("version", sa.Integer, nullable=False),
    word("type", 80, index=True),
    word("actor"),
    word("on_behalf_of"),
    word("org", index=True),
    word("at", 32, index=True),
    word("state", 40),
    word("rules", 64),
    value("data"),
    sa.UniqueConstraint("stream", "version"),
    sqlite_autoincrement=True,
)

cases = sa.Table(
    "cases",
    metadata,
    key("id"),
    word("flow", 40),
    word("state", 40),
    sa.Column("version", sa.Integer, nullable=False),
    word("subject", 300, index=True),
    word("opened_by"),
    word("opened_org", index=True),
    word("opened_at", 32),
    word("updated_at", 32),
    word("entered_at", 32),
    word("wake_at", 32, index=True),
    word("wake_command", 40),
    value("data"),
    value("votes"),
    value("involved"),
    sa.Index("ix_cases_flow_state", "flow", "state", "id"),
)

orgs = sa.Table(
    "orgs",
    metadata,
    key("id"),
    sa.Column("credit_code", sa.String(18), nullable=False, unique=True),
    word("kind", 40),
    word("region", 12, index=True),
    word("state", 20),
    value("name"),
    value("data"),
)

people = sa.Table(
    "people",
    metadata,
    key("id"),
    word("org", index=True),
    word("name"),
    word("state", 20),
    word("oidc_subject", index=True),
    value("data"),
)

bindings = sa.Table(
    "bindings",
    metadata,
    key("id"),
    word("person", index=True),
    word("role", 40),
    word("scope"),
    word("valid_from", 10),
    word("valid_to", 10),
)

resources = sa.Table(
    "resources",
    metadata,
    key("id", 300),
    word("owner", index=True),
    word("kind", 40),
    word("domain", 80),
    word("region", 12),
    word("state", 20),
    sa.Column("version", sa.Integer, nullable=False),
    word("share_attribute", 20),
    word("open_attribute", 20),
    word("registration_code", 80, index=True),
    word("registration_to", 10),
    sa.Column("words", sa.Text, nullable=False, server_default=""),
    value("data"),
)

documents = sa.Table(
    "documents",
    metadata,
    key("kind", 40),
    key("id", 300),
    word("created_at", 32),
    word("updated_at", 32),
    value("value"),
)

outbox = sa.Table(
    "outbox",
    metadata,
    key("id"),
    word("topic", 80),
    word("recipient", index=True),
    word("case_id"),
    word("created_at", 32),
    word("sent_at", 32, index=True),
    word("seen_at", 32),
    whole("attempts"),
    value("payload"),
)

jobs = sa.Table(
    "jobs",
    metadata,
    key("id"),
    word("kind", 40),
    sa.Column("once", sa.String(200), unique=True, nullable=True),
    word("state", 20),
    word("run_at", 32),
    word("lease_owner"),
    word("lease_until", 32),
    whole("attempts"),
    word("created_by"),
    word("created_at", 32),
    word("finished_at", 32),
    value("payload"),
    value("progress"),
    value("result"),
    sa.Index("ix_jobs_state_run_at", "state", "run_at"),
)

_APPEND_ONLY = {
    "sqlite": tuple(
        f"CREATE TRIGGER IF NOT EXISTS events_no_{verb} BEFORE {verb.upper()} ON events "
        "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        for verb in ("update", "delete")
    ),
    "postgresql": (
        """CREATE OR REPLACE FUNCTION events_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$""",
        """CREATE OR REPLACE TRIGGER events_no_change BEFORE UPDATE OR DELETE ON events
        FOR EACH ROW EXECUTE FUNCTION events_append_only()""",
        """CREATE OR REPLACE TRIGGER events_no_truncate BEFORE TRUNCATE ON events
        FOR EACH STATEMENT EXECUTE FUNCTION events_append_only()""",
    ),
}


def guard_events(_: sa.Table, connection: sa.Connection, **__: object) -> None:
    """Make the database itself refuse to change or delete an event (INV-01)."""
    for statement in _APPEND_ONLY[connection.dialect.name]:
        connection.exec_driver_sql(statement)


sa.event.listen(events, "after_create", guard_events)
