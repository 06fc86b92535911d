"""Home share: what either side says living together did for them."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"

MOMENT = sa.DateTime(timezone=True)
TABLE = "homeshare_outcomes"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        TABLE,
        sa.Column("match_id", sa.Integer, nullable=False),
        sa.Column("side", sa.String(30), nullable=False),
        sa.Column("invited_at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT),
        sa.Column("less_lonely", sa.Boolean),
        sa.Column("safer", sa.Boolean),
        sa.Column("recommends", sa.Boolean),
        sa.Column("saved", sa.Integer),
        sa.ForeignKeyConstraint(
            ["match_id"], ["homeshare_matches.id"], name=f"fk_{TABLE}_match_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint("saved BETWEEN 0 AND 10000000", name=op.f(f"ck_{TABLE}_saved_within_bounds")),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (less_lonely IS NULL AND safer IS NULL AND recommends IS NULL AND saved IS NULL)",
            name=op.f(f"ck_{TABLE}_answered"),
        ),
        sa.PrimaryKeyConstraint("match_id", "side", name=f"pk_{TABLE}"),
    )
    op.create_index(f"ix_{TABLE}_invited_at", TABLE, ["invited_at"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table(TABLE)
