"""Tables of the ledger. Leaves, tiles and checkpoints only grow: the database itself refuses to change or delete them (INV-14).

`ledger_head` is the one moving row: size, frontier and time of the last leaf. `ledger_salts` may lose rows: erasing a person's salts
makes the commitments in the leaves unreadable for ever while every proof stays valid (INV-15).
"""

from __future__ import annotations

import sqlalchemy as sa

from corpushub.store.tables import metadata

leaves = sa.Table(
    "ledger_leaves",
    metadata,
    sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("entry", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("subject", sa.String(300), nullable=False, index=True),  # stream@version of an event, to find its proof
)

tiles = sa.Table(
    "ledger_tiles",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
)

head = sa.Table(
    "ledger_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("frontier", sa.LargeBinary, nullable=False),
    sa.Column("logged_at", sa.String(32), nullable=False),
)

checkpoints = sa.Table(
    "ledger_checkpoints",
    metadata,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
)

cosignatures = sa.Table(
    "ledger_cosignatures",
    metadata,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("line", sa.String(400), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False, index=True),
)

witnesses = sa.Table(
    "ledger_witnesses",
    metadata,
    sa.Column("key", sa.String(400), primary_key=True),
    sa.Column("org", sa.String(200), nullable=False),
    sa.Column("since", sa.String(32), nullable=False),
)

anchors = sa.Table(
    "ledger_anchors",
    metadata,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(40), primary_key=True),
    sa.Column("at", sa.String(32), primary_key=True),
    sa.Column("receipt", sa.LargeBinary, nullable=False),
)

salts = sa.Table(
    "ledger_salts",
    metadata,
    sa.Column("commitment", sa.String(80), primary_key=True),
    sa.Column("subject", sa.String(200), nullable=False, index=True),
    sa.Column("salt", sa.LargeBinary, nullable=False),
)

APPEND_ONLY = (leaves, tiles, checkpoints, cosignatures, anchors)


def guard(table: sa.Table, connection: sa.Connection, **_: object) -> None:
    """Make the database refuse UPDATE, DELETE and TRUNCATE on `table`."""
    name = table.name
    if connection.dialect.name == "sqlite":
        for verb in ("update", "delete"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER IF NOT EXISTS {name}_no_{verb} BEFORE {verb.upper()} ON {name} "
                f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
            )
        return
    connection.exec_driver_sql(
        "CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"
    )
    for when, each in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        connection.exec_driver_sql(
            f"CREATE OR REPLACE TRIGGER {name}_no_{each.lower()}_change BEFORE {when} ON {name} "
            f"FOR EACH {each} EXECUTE FUNCTION ledger_append_only()"
        )


for _table in APPEND_ONLY:
    sa.event.listen(_table, "after_create", guard)
