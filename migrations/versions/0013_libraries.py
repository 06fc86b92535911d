"""What a library of things keeps: its members, repairs, and stock-taking."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

MOMENT = sa.DateTime(timezone=True)
TABLES = ("stock_seen", "stock_takes", "repair_notes", "repair_tickets", "library_members")


def key(table: str, column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    """A foreign key, named as the models name it."""
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_{table}_{column}", ondelete=ondelete)


def only_one(name: str, table: str, columns: list[str], where: str) -> None:
    """A unique index over some of the rows."""
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=True, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "library_members",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("library_id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("card", sa.String(40), nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("until", sa.Date),
        sa.Column("added_by_id", sa.Integer, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.CheckConstraint("until >= since", name=op.f("ck_library_members_in_order")),
        key("library_members", "library_id", "libraries.id", ondelete="CASCADE"),
        key("library_members", "person_id", "people.id"),
        key("library_members", "added_by_id", "people.id"),
        sa.PrimaryKeyConstraint("id", name="pk_library_members"),
    )
    op.create_index("ix_library_members_person_id", "library_members", ["person_id"])
    op.create_index("ix_library_members_ended_at", "library_members", ["ended_at"])
    only_one("uq_library_members_person_id", "library_members", ["library_id", "person_id"], "ended_at IS NULL")
    only_one("uq_library_members_card", "library_members", ["library_id", "card"], "ended_at IS NULL")
    op.create_table(
        "repair_tickets",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("unit_id", sa.Integer, nullable=False),
        sa.Column("problem", sa.String(500), nullable=False),
        sa.Column("opened_by_id", sa.Integer, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closed_by_id", sa.Integer),
        sa.Column("closed_at", MOMENT),
        sa.Column("outcome", sa.String(30)),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (outcome IS NULL)", name=op.f("ck_repair_tickets_closed_with_an_outcome")
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by_id IS NULL)", name=op.f("ck_repair_tickets_closed_by_someone")
        ),
        sa.CheckConstraint("outcome IN ('ready', 'gone')", name=op.f("ck_repair_tickets_ready_or_gone")),
        key("repair_tickets", "unit_id", "item_units.id"),
        key("repair_tickets", "opened_by_id", "people.id"),
        key("repair_tickets", "closed_by_id", "people.id"),
        sa.PrimaryKeyConstraint("id", name="pk_repair_tickets"),
    )
    op.create_index("ix_repair_tickets_unit_id", "repair_tickets", ["unit_id"])
    op.create_index("ix_repair_tickets_closed_at", "repair_tickets", ["closed_at"])
    only_one("uq_repair_tickets_open", "repair_tickets", ["unit_id"], "closed_at IS NULL")
    op.create_table(
        "repair_notes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("ticket_id", sa.Integer, nullable=False),
        sa.Column("by_id", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("text", sa.String(1000), nullable=False),
        key("repair_notes", "ticket_id", "repair_tickets.id", ondelete="CASCADE"),
        key("repair_notes", "by_id", "people.id"),
        sa.PrimaryKeyConstraint("id", name="pk_repair_notes"),
    )
    op.create_index("ix_repair_notes_ticket_id", "repair_notes", ["ticket_id"])
    op.create_table(
        "stock_takes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("library_id", sa.Integer, nullable=False),
        sa.Column("started_by_id", sa.Integer, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_by_id", sa.Integer),
        sa.Column("finished_at", MOMENT),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (finished_by_id IS NULL)", name=op.f("ck_stock_takes_finished_by_someone")
        ),
        key("stock_takes", "library_id", "libraries.id", ondelete="CASCADE"),
        key("stock_takes", "started_by_id", "people.id"),
        key("stock_takes", "finished_by_id", "people.id"),
        sa.PrimaryKeyConstraint("id", name="pk_stock_takes"),
    )
    op.create_index("ix_stock_takes_library_id", "stock_takes", ["library_id"])
    op.create_index("ix_stock_takes_finished_at", "stock_takes", ["finished_at"])
    only_one("uq_stock_takes_going_on", "stock_takes", ["library_id"], "finished_at IS NULL")
    op.create_table(
        "stock_seen",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("stock_take_id", sa.Integer, nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("unit_id", sa.Integer),
        sa.Column("seen_by_id", sa.Integer, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.UniqueConstraint("stock_take_id", "code", name="uq_stock_seen_stock_take_id_code"),
        key("stock_seen", "stock_take_id", "stock_takes.id", ondelete="CASCADE"),
        key("stock_seen", "unit_id", "item_units.id"),
        key("stock_seen", "seen_by_id", "people.id"),
        sa.PrimaryKeyConstraint("id", name="pk_stock_seen"),
    )
    op.create_index("ix_stock_seen_unit_id", "stock_seen", ["unit_id"])


def downgrade() -> None:
    """Take them away again."""
    for table in TABLES:
        op.drop_table(table)
