"""Long work that someone waits for, and how far it has come."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "long_works",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(60), nullable=False),
        sa.Column("person_id", sa.Integer),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("moved_at", MOMENT, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("whole", sa.Integer, nullable=False),
        sa.Column("told", sa.JSON, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("failure", sa.JSON),
        sa.CheckConstraint("done >= 0 AND done <= whole", name=op.f("ck_long_works_part_of_whole")),
        sa.CheckConstraint("failure IS NULL OR ended_at IS NOT NULL", name=op.f("ck_long_works_failed_and_over")),
        sa.PrimaryKeyConstraint("id", name="pk_long_works"),
        sa.UniqueConstraint("key", name="uq_long_works_key"),
    )
    for column in ("subject", "person_id", "ended_at"):
        op.create_index(f"ix_long_works_{column}", "long_works", [column])
    unfinished = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_long_works_unfinished",
        "long_works",
        ["subject"],
        unique=True,
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_table("long_works")
