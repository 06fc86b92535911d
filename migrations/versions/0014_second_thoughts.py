"""When letters were wished for again, when what was removed was deleted, and which jobs give way to others."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns."""
    op.add_column("topic_choices", sa.Column("resumed_at", MOMENT))
    op.add_column("moderation_decisions", sa.Column("wiped_at", MOMENT))
    op.add_column("jobs", sa.Column("bulk", sa.Boolean, nullable=False, server_default=sa.false()))
    index_due_jobs("bulk", "run_at", "id")


def index_due_jobs(*columns: str) -> None:
    """Have jobs that are due found in this order."""
    op.drop_index("ix_jobs_due", "jobs")
    alive = sa.text("dead_at IS NULL")
    op.create_index("ix_jobs_due", "jobs", list(columns), sqlite_where=alive, postgresql_where=alive)


def downgrade() -> None:
    """Take them away again."""
    index_due_jobs("run_at", "id")
    op.drop_column("jobs", "bulk")
    op.drop_column("moderation_decisions", "wiped_at")
    op.drop_column("topic_choices", "resumed_at")
