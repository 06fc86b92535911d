"""Second factors and passkeys."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.add_column("person_sessions", sa.Column("proved_at", MOMENT))


def downgrade() -> None:
    """Take them away again."""
    op.drop_column("person_sessions", "proved_at")
