"""Public buildings say whom they know."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

MOMENT = sa.DateTime(timezone=True)
CHECKS = {
    "for_someone_else": "made_by_id <> person_id",
    "ended_by_someone": "ended_at IS NOT NULL OR ended_by_id IS NULL",
    "ended_for_a_reason": "ended_by_id IS NULL OR ended_by_id = person_id OR length(trim(reason)) > 0",
}


def key(column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    """A foreign key, named as the models name it."""
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_vouches_{column}", ondelete=ondelete)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "vouches",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("building_id", sa.Integer, nullable=False),
        sa.Column("made_by_id", sa.Integer),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("agreed_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("ended_by_id", sa.Integer),
        sa.Column("reason", sa.String(300), nullable=False),
        key("person_id", "people.id", ondelete="CASCADE"),
        key("building_id", "buildings.id"),
        key("made_by_id", "people.id"),
        key("ended_by_id", "people.id"),
        *(sa.CheckConstraint(text, name=op.f(f"ck_vouches_{name}")) for name, text in CHECKS.items()),
        sa.PrimaryKeyConstraint("id", name="pk_vouches"),
    )
    for column in ("building_id", "made_by_id", "ended_at", "ended_by_id"):
        op.create_index(f"ix_vouches_{column}", "vouches", [column])
    going_on = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_vouches_going_on", "vouches", ["person_id", "building_id"], unique=True,
        sqlite_where=going_on, postgresql_where=going_on,
    )  # fmt: skip


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("vouches")
