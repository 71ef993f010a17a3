"""Heads whose facts are not told yet are found without reading every repository."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
_WAITING = sa.text("facts_of <> head")


def upgrade() -> None:
    op.create_index("ix_repo_undescribed", "repo", ["id"], sqlite_where=_WAITING, postgresql_where=_WAITING)


def downgrade() -> None:
    op.drop_index("ix_repo_undescribed", "repo")
