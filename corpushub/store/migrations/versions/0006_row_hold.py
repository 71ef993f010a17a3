"""Rows held by who is about to take them stand in the database, so that several processes of one hub never promise the same."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "row_hold",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("entitlement", sa.String(64), nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("until", sa.String(32), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("row_hold")
