"""Exports, erasure and who looked at what."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table of exports, and let what was answered, done and asked be found by its person."""
    op.create_table(
        "data_exports",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("asked_on", sa.Date, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(30), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("ready_at", MOMENT),
        sa.Column("until", MOMENT),
        sa.Column("size", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_data_exports"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_data_exports_person_id"),
        sa.UniqueConstraint("key", name="uq_data_exports_key"),
        sa.UniqueConstraint("person_id", "asked_on", name="uq_data_exports_person_id_asked_on"),
        sa.CheckConstraint("state <> 'ready' OR (ready_at IS NOT NULL AND until IS NOT NULL)", name="ready_until"),
    )
    unfinished = sa.text("state IN ('waiting', 'making')")
    op.create_index(
        "uq_data_exports_unfinished",
        "data_exports",
        ["person_id"],
        unique=True,
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
    op.create_index("ix_data_exports_state_until", "data_exports", ["state", "until"])
    op.add_column("people", sa.Column("erase_at", MOMENT))
    op.add_column("people", sa.Column("erased_at", MOMENT))
    op.create_index("ix_people_erase_at", "people", ["erase_at"])
    op.add_column("idempotency_keys", sa.Column("person_id", sa.Integer))
    op.create_index("ix_idempotency_keys_person_id", "idempotency_keys", ["person_id"])
    op.create_index("ix_audit_entries_actor_id", "audit_entries", ["actor_id"])


def downgrade() -> None:
    """Take them away again."""
    op.drop_index("ix_audit_entries_actor_id", "audit_entries")
    op.drop_index("ix_idempotency_keys_person_id", "idempotency_keys")
    op.drop_column("idempotency_keys", "person_id")
    op.drop_index("ix_people_erase_at", "people")
    op.drop_column("people", "erased_at")
    op.drop_column("people", "erase_at")
    op.drop_table("data_exports")
