"""Notices, and how people wish to be told."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)


def _person(table: str) -> sa.ForeignKey:
    return sa.ForeignKey("people.id", name=f"fk_{table}_person_id", ondelete="CASCADE")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, _person("notices"), nullable=False),
        sa.Column("news", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("read_at", MOMENT),
        sa.Column("letter", sa.String(30), nullable=False),
        sa.Column("lettered_at", MOMENT),
        sa.CheckConstraint("letter = 'daily' OR (letter = 'now') = (lettered_at IS NOT NULL)", name="queued_if_wished"),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
    )
    op.create_index("ix_notices_person_id", "notices", ["person_id", "id"])
    op.create_index("ix_notices_created_at", "notices", ["created_at"])
    for name, condition in (
        ("ix_notices_unread", sa.text("read_at IS NULL")),
        ("ix_notices_for_the_day", sa.text("letter = 'daily' AND lettered_at IS NULL")),
    ):
        op.create_index(name, "notices", ["person_id"], sqlite_where=condition, postgresql_where=condition)
    op.create_table(
        "topic_choices",
        sa.Column("person_id", sa.Integer, _person("topic_choices"), nullable=False),
        sa.Column("topic", sa.String(60), nullable=False),
        sa.Column("cadence", sa.String(30), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "topic", name="pk_topic_choices"),
    )
    op.create_table(
        "returned_addresses",
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("email", name="pk_returned_addresses"),
    )
    op.create_table(
        "calendar_feeds",
        sa.Column("person_id", sa.Integer, _person("calendar_feeds"), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("secret_locked", sa.String(300), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("person_id", name="pk_calendar_feeds"),
        sa.UniqueConstraint("secret_hash", name="uq_calendar_feeds_secret_hash"),
    )


def downgrade() -> None:
    """Take them away again."""
    for table in ("calendar_feeds", "returned_addresses", "topic_choices", "notices"):
        op.drop_table(table)
