"""Changed repositories are numbered, so that lists held in memory learn what changed without reading everything."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("repo", sa.Column("touched", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index(op.f("ix_repo_touched"), "repo", ["touched"])


def downgrade() -> None:
    op.drop_index(op.f("ix_repo_touched"), "repo")
    op.drop_column("repo", "touched")
