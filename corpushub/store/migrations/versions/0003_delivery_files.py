"""A delivery adds up the files of one second, so it counts them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    inspector = sa.inspect(op.get_bind())
    if not inspector.has_table("delivery") or "files" in {column["name"] for column in inspector.get_columns("delivery")}:
        return  # created whole by what is imported now
    with op.batch_alter_table("delivery") as batch:
        batch.add_column(sa.Column("files", sa.Integer, nullable=False, server_default="1"))


def downgrade() -> None:
    with op.batch_alter_table("delivery") as batch:
        batch.drop_column("files")
