"""Pictures, recordings and documents."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)
WORD = sa.String(30)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "uploads",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("refusal", sa.String(40)),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("seconds", sa.Integer),
        sa.Column("subject", sa.String(100)),
        sa.Column("loose_since", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("(state = 'refused') = (refusal IS NOT NULL)", name="refused_for_a_reason"),
        sa.CheckConstraint("(subject IS NULL) = (loose_since IS NOT NULL)", name="loose_or_attached"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_uploads_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
        sa.UniqueConstraint("key", name="uq_uploads_key"),
    )
    for column in ("person_id", "subject", "loose_since"):
        op.create_index(f"ix_uploads_{column}", "uploads", [column])
    op.create_table(
        "upload_days",
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("files", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_upload_days_person_id"),
        sa.PrimaryKeyConstraint("person_id", "day", name="pk_upload_days"),
    )
    op.create_index("ix_upload_days_day", "upload_days", ["day"])


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("upload_days")
    op.drop_table("uploads")
