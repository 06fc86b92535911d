"""Things that neighbours and libraries of things lend, and every loan."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

MOMENT = sa.DateTime(timezone=True)
TABLES = (
    "item_queue", "handover_parts", "handovers", "loan_pieces", "loans_on_behalf", "loans",
    "item_accessories", "item_units", "items", "library_hours", "libraries", "pick_up_places",
)  # fmt: skip


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
        "pick_up_places",
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("cell", sa.BigInteger, nullable=False),
        sa.Column("district_id", sa.Integer),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        key("pick_up_places", "person_id", "people.id", ondelete="CASCADE"),
        key("pick_up_places", "district_id", "districts.id"),
        sa.PrimaryKeyConstraint("person_id", name="pk_pick_up_places"),
    )
    op.create_table(
        "libraries",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("name_en", sa.String(100)),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("building_id", sa.Integer, nullable=False),
        sa.Column("group_id", sa.Integer),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        key("libraries", "building_id", "buildings.id"),
        key("libraries", "group_id", "groups.id"),
        sa.PrimaryKeyConstraint("id", name="pk_libraries"),
    )
    op.create_index("ix_libraries_building_id", "libraries", ["building_id"])
    op.create_index("ix_libraries_group_id", "libraries", ["group_id"])
    op.create_table(
        "library_hours",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("library_id", sa.Integer, nullable=False),
        sa.Column("weekday", sa.Integer, nullable=False),
        sa.Column("opens", sa.Integer, nullable=False),
        sa.Column("closes", sa.Integer, nullable=False),
        sa.CheckConstraint("0 <= opens AND opens < closes AND closes <= 1440", name=op.f("ck_library_hours_in_order")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 7", name=op.f("ck_library_hours_weekday")),
        key("library_hours", "library_id", "libraries.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_library_hours"),
    )
    op.create_index("ix_library_hours_library_id", "library_hours", ["library_id"])
    op.create_table(
        "items",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("owner_id", sa.Integer),
        sa.Column("library_id", sa.Integer),
        sa.Column("title", sa.String(100), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("category", sa.String(40), nullable=False),
        sa.Column("condition", sa.String(30), nullable=False),
        sa.Column("value", sa.Integer),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("fee", sa.Integer, nullable=False),
        sa.Column("deposit", sa.Integer, nullable=False),
        sa.Column("longest_days", sa.Integer, nullable=False),
        sa.Column("notice_days", sa.Integer, nullable=False),
        sa.Column("horizon_days", sa.Integer, nullable=False),
        sa.Column("audience", sa.String(30), nullable=False),
        sa.Column("group_id", sa.Integer),
        sa.Column("trusts", sa.Boolean, nullable=False),
        sa.Column("pick_up_days", sa.Integer, nullable=False),
        sa.Column("pick_up_from", sa.Integer, nullable=False),
        sa.Column("pick_up_to", sa.Integer, nullable=False),
        sa.Column("pick_up_note", sa.String(300), nullable=False),
        sa.Column("cell", sa.BigInteger, nullable=False),
        sa.Column("district_id", sa.Integer),
        sa.Column("listed_at", MOMENT, nullable=False),
        sa.Column("paused_at", MOMENT),
        sa.Column("hidden_at", MOMENT),
        sa.Column("withdrawn_at", MOMENT),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint(
            "(audience = 'group') = (group_id IS NOT NULL)", name=op.f("ck_items_group_of_its_audience")
        ),
        sa.CheckConstraint(
            "0 <= pick_up_from AND pick_up_from < pick_up_to AND pick_up_to <= 1440", name=op.f("ck_items_in_order")
        ),
        sa.CheckConstraint("longest_days BETWEEN 1 AND 90", name=op.f("ck_items_longest")),
        sa.CheckConstraint("(owner_id IS NULL) <> (library_id IS NULL)", name=op.f("ck_items_one_owner")),
        sa.CheckConstraint("pick_up_days BETWEEN 1 AND 127", name=op.f("ck_items_some_day")),
        sa.CheckConstraint("value >= 0 AND fee >= 0 AND deposit >= 0", name=op.f("ck_items_sums_not_negative")),
        sa.CheckConstraint("notice_days >= 0 AND horizon_days >= notice_days", name=op.f("ck_items_window_in_order")),
        key("items", "owner_id", "people.id"),
        key("items", "library_id", "libraries.id"),
        key("items", "group_id", "groups.id"),
        key("items", "district_id", "districts.id"),
        sa.PrimaryKeyConstraint("id", name="pk_items"),
    )
    op.create_index("ix_items_category_cell", "items", ["category", "cell"])
    op.create_index("ix_items_cell", "items", ["cell"])
    op.create_index("ix_items_district_id", "items", ["district_id"])
    op.create_index("ix_items_group_id", "items", ["group_id"])
    op.create_index("ix_items_library_id", "items", ["library_id"])
    op.create_index("ix_items_owner_id", "items", ["owner_id"])
    op.create_table(
        "item_units",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("item_id", sa.Integer, nullable=False),
        sa.Column("resource_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("code", sa.String(40)),
        sa.Column("state", sa.String(30), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_item_units_counted_from_one")),
        sa.UniqueConstraint("code", name="uq_item_units_code"),
        sa.UniqueConstraint("item_id", "number", name="uq_item_units_item_id_number"),
        sa.UniqueConstraint("resource_id", name="uq_item_units_resource_id"),
        key("item_units", "item_id", "items.id"),
        key("item_units", "resource_id", "resources.id"),
        sa.PrimaryKeyConstraint("id", name="pk_item_units"),
    )
    op.create_table(
        "item_accessories",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("item_id", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.CheckConstraint("count > 0", name=op.f("ck_item_accessories_some")),
        key("item_accessories", "item_id", "items.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_item_accessories"),
    )
    op.create_index("ix_item_accessories_item_id", "item_accessories", ["item_id"])
    op.create_table(
        "loans",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("reference", sa.String(12), nullable=False),
        sa.Column("item_id", sa.Integer, nullable=False),
        sa.Column("borrower_id", sa.Integer, nullable=False),
        sa.Column("first_day", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("state", sa.String(30), nullable=False),
        sa.Column("message", sa.String(500), nullable=False),
        sa.Column("other_first", sa.Date),
        sa.Column("other_last", sa.Date),
        sa.Column("refusal", sa.String(30)),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("decided_by_id", sa.Integer),
        sa.Column("fee", sa.Integer, nullable=False),
        sa.Column("deposit", sa.Integer, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("accepted_at", MOMENT),
        sa.Column("out_at", MOMENT),
        sa.Column("returned_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("longer_until", sa.Date),
        sa.Column("reminded", sa.Integer, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint(
            "state NOT IN ('requested', 'proposed') OR due_at IS NOT NULL", name=op.f("ck_loans_answer_is_due")
        ),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_loans_in_order")),
        sa.CheckConstraint("(state = 'declined') <= (refusal IS NOT NULL)", name=op.f("ck_loans_no_has_a_reason")),
        sa.CheckConstraint(
            "(state = 'proposed') <= (other_first IS NOT NULL)", name=op.f("ck_loans_proposal_has_days")
        ),
        sa.CheckConstraint("other_last >= other_first", name=op.f("ck_loans_proposal_in_order")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_loans_some")),
        sa.UniqueConstraint("reference", name="uq_loans_reference"),
        key("loans", "item_id", "items.id"),
        key("loans", "borrower_id", "people.id"),
        key("loans", "decided_by_id", "people.id"),
        sa.PrimaryKeyConstraint("id", name="pk_loans"),
    )
    op.create_index("ix_loans_borrower_id", "loans", ["borrower_id"])
    op.create_index("ix_loans_item_id_first_day", "loans", ["item_id", "first_day"])
    op.create_index("ix_loans_state_due_at", "loans", ["state", "due_at"])
    op.create_index("ix_loans_state_last_day", "loans", ["state", "last_day"])
    only_one("uq_loans_asked", "loans", ["item_id", "borrower_id", "first_day"], "state IN ('requested', 'proposed')")
    op.create_table(
        "loans_on_behalf",
        sa.Column("loan_id", sa.Integer, nullable=False),
        sa.Column("channel", sa.String(30)),
        sa.Column("group_id", sa.Integer),
        sa.Column("entered_by_id", sa.Integer),
        sa.CheckConstraint(
            "(entered_by_id IS NULL) = (channel IS NULL)", name=op.f("ck_loans_on_behalf_came_by_a_channel")
        ),
        sa.CheckConstraint(
            "group_id IS NOT NULL OR entered_by_id IS NOT NULL", name=op.f("ck_loans_on_behalf_someone_else")
        ),
        key("loans_on_behalf", "loan_id", "loans.id", ondelete="CASCADE"),
        key("loans_on_behalf", "group_id", "groups.id"),
        key("loans_on_behalf", "entered_by_id", "people.id"),
        sa.PrimaryKeyConstraint("loan_id", name="pk_loans_on_behalf"),
    )
    op.create_index("ix_loans_on_behalf_group_id", "loans_on_behalf", ["group_id"])
    op.create_table(
        "loan_pieces",
        sa.Column("loan_id", sa.Integer, nullable=False),
        sa.Column("unit_id", sa.Integer, nullable=False),
        sa.Column("occupancy_id", sa.Integer),
        sa.Column("is_out", sa.Boolean, nullable=False),
        sa.UniqueConstraint("occupancy_id", name="uq_loan_pieces_occupancy_id"),
        key("loan_pieces", "loan_id", "loans.id", ondelete="CASCADE"),
        key("loan_pieces", "unit_id", "item_units.id"),
        key("loan_pieces", "occupancy_id", "occupancies.id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("loan_id", "unit_id", name="pk_loan_pieces"),
    )
    op.create_index("ix_loan_pieces_unit_id", "loan_pieces", ["unit_id"])
    only_one("uq_loan_pieces_out", "loan_pieces", ["unit_id"], "is_out")
    op.create_table(
        "handovers",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("loan_id", sa.Integer, nullable=False),
        sa.Column("way", sa.String(30), nullable=False),
        sa.Column("given_by_id", sa.Integer, nullable=False),
        sa.Column("condition", sa.String(30), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("nonce", sa.String(32), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("taken_by_id", sa.Integer),
        sa.Column("taken_at", MOMENT),
        sa.Column("agreed", sa.Boolean),
        sa.Column("remark", sa.String(500), nullable=False),
        sa.CheckConstraint("(taken_at IS NULL) = (taken_by_id IS NULL)", name=op.f("ck_handovers_taken_by_someone")),
        sa.CheckConstraint("taken_by_id <> given_by_id", name=op.f("ck_handovers_two_people")),
        key("handovers", "loan_id", "loans.id", ondelete="CASCADE"),
        key("handovers", "given_by_id", "people.id"),
        key("handovers", "taken_by_id", "people.id"),
        sa.PrimaryKeyConstraint("id", name="pk_handovers"),
    )
    op.create_index("ix_handovers_given_by_id", "handovers", ["given_by_id"])
    op.create_index("ix_handovers_loan_id", "handovers", ["loan_id"])
    op.create_index("ix_handovers_taken_by_id", "handovers", ["taken_by_id"])
    only_one("uq_handovers_taken", "handovers", ["loan_id", "way"], "taken_at IS NOT NULL")
    op.create_table(
        "handover_parts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("handover_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("expected", sa.Integer, nullable=False),
        sa.Column("counted", sa.Integer, nullable=False),
        sa.CheckConstraint("expected > 0 AND counted >= 0", name=op.f("ck_handover_parts_counts")),
        key("handover_parts", "handover_id", "handovers.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_handover_parts"),
    )
    op.create_index("ix_handover_parts_handover_id", "handover_parts", ["handover_id"])
    op.create_table(
        "item_queue",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("item_id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("days", sa.Integer, nullable=False),
        sa.Column("joined_at", MOMENT, nullable=False),
        sa.Column("offered_until", MOMENT),
        sa.Column("occupancy_id", sa.Integer),
        sa.Column("left_at", MOMENT),
        sa.CheckConstraint("days > 0", name=op.f("ck_item_queue_some_days")),
        sa.UniqueConstraint("occupancy_id", name="uq_item_queue_occupancy_id"),
        key("item_queue", "item_id", "items.id"),
        key("item_queue", "person_id", "people.id"),
        key("item_queue", "occupancy_id", "occupancies.id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_item_queue"),
    )
    op.create_index("ix_item_queue_item_id_joined_at", "item_queue", ["item_id", "joined_at"])
    op.create_index("ix_item_queue_person_id", "item_queue", ["person_id"])
    only_one("uq_item_queue_waiting", "item_queue", ["item_id", "person_id"], "left_at IS NULL")
    op.add_column("uploads", sa.Column("look", sa.BigInteger))


def downgrade() -> None:
    """Take them away again."""
    op.drop_column("uploads", "look")
    for table in TABLES:
        op.drop_table(table)
