"""Messages between two sides of a thing."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "conversations",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("last_id", sa.Integer, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
        sa.UniqueConstraint("subject", name="uq_conversations_subject"),
    )
    op.create_index("ix_conversations_last_at", "conversations", ["last_at"])
    op.create_table(
        "messages",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("conversation_id", sa.Integer, nullable=False),
        sa.Column("author_id", sa.Integer, nullable=False),
        sa.Column("side", sa.String(30), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("flags", sa.JSON, nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT),
        sa.Column("hidden", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="fk_messages_conversation_id"),
        sa.ForeignKeyConstraint(["author_id"], ["people.id"], name="fk_messages_author_id"),
        sa.CheckConstraint("deleted_at IS NULL OR text = ''", name="deleted_is_gone"),
    )
    op.create_index("ix_messages_conversation_id_id", "messages", ["conversation_id", "id"])
    op.create_index("ix_messages_author_id", "messages", ["author_id"])
    op.create_table(
        "seats",
        sa.Column("conversation_id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("side", sa.String(30), nullable=False),
        sa.Column("in_office", sa.Boolean, nullable=False),
        sa.Column("read_id", sa.Integer, nullable=False),
        sa.Column("told_id", sa.Integer),
        sa.PrimaryKeyConstraint("conversation_id", "person_id", name="pk_seats"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="fk_seats_conversation_id"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_seats_person_id"),
    )
    op.create_index("ix_seats_person_id", "seats", ["person_id"])
    op.create_table(
        "blocks",
        sa.Column("blocker_id", sa.Integer, nullable=False),
        sa.Column("blocked_id", sa.Integer, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("blocker_id", "blocked_id", name="pk_blocks"),
        sa.ForeignKeyConstraint(["blocker_id"], ["people.id"], name="fk_blocks_blocker_id"),
        sa.ForeignKeyConstraint(["blocked_id"], ["people.id"], name="fk_blocks_blocked_id"),
        sa.CheckConstraint("blocker_id <> blocked_id", name="of_someone_else"),
    )
    op.create_index("ix_blocks_blocked_id", "blocks", ["blocked_id"])


def downgrade() -> None:
    """Take them away again."""
    for table in ("blocks", "seats", "messages", "conversations"):
        op.drop_table(table)
