"""Cases remember when their present state began, so that deadlines need no replay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("cases") as batch:
        batch.add_column(sa.Column("entered_at", sa.String(32), nullable=False, server_default=""))
    op.execute("UPDATE cases SET entered_at = updated_at WHERE entered_at = ''")


def downgrade() -> None:
    with op.batch_alter_table("cases") as batch:
        batch.drop_column("entered_at")
