"""Reports, decisions and appeals."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.add_column("people", sa.Column("suspended_until", MOMENT))
    op.add_column("spaces", sa.Column("hidden_at", MOMENT))


def downgrade() -> None:
    """Take them away again."""
    op.drop_column("spaces", "hidden_at")
    op.drop_column("people", "suspended_until")
