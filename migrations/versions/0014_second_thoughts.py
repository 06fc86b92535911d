"""When letters were wished for again, and when what moderators removed was deleted for good."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns."""
    op.add_column("topic_choices", sa.Column("resumed_at", MOMENT))
    op.add_column("moderation_decisions", sa.Column("wiped_at", MOMENT))


def downgrade() -> None:
    """Take them away again."""
    op.drop_column("moderation_decisions", "wiped_at")
    op.drop_column("topic_choices", "resumed_at")
