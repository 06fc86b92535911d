"""Rooms and things that are booked together, and who booked them."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

MOMENT = sa.DateTime(timezone=True)
PART_CHECKS = {
    "a_room_or_a_thing": "(space_id IS NULL) <> (item_id IS NULL)",
    "some": "quantity > 0",
    "a_room_once": "space_id IS NULL OR quantity = 1",
}


def key(table: str, column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    """A foreign key, named as the models name it."""
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_{table}_{column}", ondelete=ondelete)


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    """A condition, named as the models name it."""
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "kits",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("building_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("name_en", sa.String(100)),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("published", sa.Boolean, nullable=False),
        sa.Column("hidden_at", MOMENT),
        sa.Column("version", sa.Integer, nullable=False),
        key("kits", "building_id", "buildings.id"),
        sa.PrimaryKeyConstraint("id", name="pk_kits"),
    )
    op.create_index("ix_kits_building_id", "kits", ["building_id"])
    op.create_table(
        "kit_parts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("kit_id", sa.Integer, nullable=False),
        sa.Column("space_id", sa.Integer),
        sa.Column("item_id", sa.Integer),
        sa.Column("quantity", sa.Integer, nullable=False),
        key("kit_parts", "kit_id", "kits.id", ondelete="CASCADE"),
        key("kit_parts", "space_id", "spaces.id"),
        key("kit_parts", "item_id", "items.id"),
        *(check("kit_parts", name, condition) for name, condition in PART_CHECKS.items()),
        sa.UniqueConstraint("kit_id", "space_id", name="uq_kit_parts_kit_id_space_id"),
        sa.UniqueConstraint("kit_id", "item_id", name="uq_kit_parts_kit_id_item_id"),
        sa.PrimaryKeyConstraint("id", name="pk_kit_parts"),
    )
    for column in ("space_id", "item_id"):
        op.create_index(f"ix_kit_parts_{column}", "kit_parts", [column])
    op.create_table(
        "kit_bookings",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("reference", sa.String(12), nullable=False),
        sa.Column("kit_id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("first_day", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("version", sa.Integer, nullable=False),
        key("kit_bookings", "kit_id", "kits.id"),
        key("kit_bookings", "person_id", "people.id"),
        check("kit_bookings", "in_order", "last_day >= first_day"),
        sa.UniqueConstraint("reference", name="uq_kit_bookings_reference"),
        sa.PrimaryKeyConstraint("id", name="pk_kit_bookings"),
    )
    for column in ("kit_id", "person_id", "last_day"):
        op.create_index(f"ix_kit_bookings_{column}", "kit_bookings", [column])
    op.create_table(
        "kit_booking_parts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("kit_booking_id", sa.Integer, nullable=False),
        sa.Column("booking_id", sa.Integer),
        sa.Column("loan_id", sa.Integer),
        key("kit_booking_parts", "kit_booking_id", "kit_bookings.id", ondelete="CASCADE"),
        key("kit_booking_parts", "booking_id", "bookings.id", ondelete="CASCADE"),
        key("kit_booking_parts", "loan_id", "loans.id", ondelete="CASCADE"),
        check("kit_booking_parts", "a_booking_or_a_loan", "(booking_id IS NULL) <> (loan_id IS NULL)"),
        sa.UniqueConstraint("booking_id", name="uq_kit_booking_parts_booking_id"),
        sa.UniqueConstraint("loan_id", name="uq_kit_booking_parts_loan_id"),
        sa.PrimaryKeyConstraint("id", name="pk_kit_booking_parts"),
    )
    op.create_index("ix_kit_booking_parts_kit_booking_id", "kit_booking_parts", ["kit_booking_id"])


def downgrade() -> None:
    """Take them away again."""
    for table in ("kit_booking_parts", "kit_bookings", "kit_parts", "kits"):
        op.drop_table(table)
