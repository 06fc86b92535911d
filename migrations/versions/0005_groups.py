"""Clubs, associations and institutions; acting for them, and for a caller."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

MOMENT = sa.DateTime(timezone=True)


def key(table: str, column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    """A foreign key, named as the models name it."""
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_{table}_{column}", ondelete=ondelete)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "groups",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("name_en", sa.String(100)),
        sa.Column("sort", sa.String(30), nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("district_id", sa.Integer),
        sa.Column("founded_by_id", sa.Integer, nullable=False),
        sa.Column("founded_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT),
        sa.Column("hidden", sa.Boolean, nullable=False),
        sa.Column("asked_at", MOMENT),
        sa.Column("verified_at", MOMENT),
        sa.Column("verified_by_id", sa.Integer),
        sa.Column("verified_document", sa.String(30)),
        sa.Column("verified_until", sa.Date),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint(
            "(verified_at IS NULL) = (verified_by_id IS NULL) AND (verified_at IS NULL) = (verified_document IS NULL)"
            " AND (verified_at IS NULL) = (verified_until IS NULL)",
            name=op.f("ck_groups_verified_by_a_document"),
        ),
        key("groups", "district_id", "districts.id"),
        key("groups", "founded_by_id", "people.id"),
        key("groups", "verified_by_id", "people.id"),
        sa.PrimaryKeyConstraint("id", name="pk_groups"),
    )
    for column in ("district_id", "founded_by_id", "asked_at"):
        op.create_index(f"ix_groups_{column}", "groups", [column])
    op.create_table(
        "group_members",
        sa.Column("group_id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("role", sa.String(30), nullable=False),
        sa.Column("joined_at", MOMENT, nullable=False),
        key("group_members", "group_id", "groups.id", ondelete="CASCADE"),
        key("group_members", "person_id", "people.id"),
        sa.PrimaryKeyConstraint("group_id", "person_id", name="pk_group_members"),
    )
    op.create_index("ix_group_members_person_id", "group_members", ["person_id"])
    only_one("uq_group_members_contact", "group_members", ["group_id"], "role = 'contact'")
    op.create_table(
        "group_invitations",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("group_id", sa.Integer, nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("invited_by_id", sa.Integer, nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        key("group_invitations", "group_id", "groups.id", ondelete="CASCADE"),
        key("group_invitations", "invited_by_id", "people.id"),
        sa.PrimaryKeyConstraint("id", name="pk_group_invitations"),
    )
    for column in ("group_id", "email", "invited_by_id", "expires_at"):
        op.create_index(f"ix_group_invitations_{column}", "group_invitations", [column])
    op.create_table(
        "group_requests",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("group_id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("message", sa.String(500), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT),
        sa.Column("answered_by_id", sa.Integer),
        sa.Column("accepted", sa.Boolean),
        sa.Column("reason", sa.String(500), nullable=False),
        key("group_requests", "group_id", "groups.id", ondelete="CASCADE"),
        key("group_requests", "person_id", "people.id"),
        key("group_requests", "answered_by_id", "people.id"),
        sa.PrimaryKeyConstraint("id", name="pk_group_requests"),
    )
    for column in ("group_id", "person_id"):
        op.create_index(f"ix_group_requests_{column}", "group_requests", [column])
    only_one("uq_group_requests_waiting", "group_requests", ["group_id", "person_id"], "answered_at IS NULL")
    op.create_table(
        "callers",
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("phone", sa.String(30), nullable=False),
        key("callers", "person_id", "people.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("person_id", name="pk_callers"),
    )
    op.create_index("ix_callers_phone", "callers", ["phone"])
    op.create_table(
        "bookings_on_behalf",
        sa.Column("booking_id", sa.Integer, nullable=False),
        sa.Column("channel", sa.String(30)),
        sa.Column("group_id", sa.Integer),
        sa.Column("entered_by_id", sa.Integer),
        sa.CheckConstraint(
            "group_id IS NOT NULL OR entered_by_id IS NOT NULL", name=op.f("ck_bookings_on_behalf_someone_else")
        ),
        sa.CheckConstraint(
            "(entered_by_id IS NULL) = (channel IS NULL)", name=op.f("ck_bookings_on_behalf_came_by_a_channel")
        ),
        key("bookings_on_behalf", "booking_id", "bookings.id", ondelete="CASCADE"),
        key("bookings_on_behalf", "group_id", "groups.id"),
        key("bookings_on_behalf", "entered_by_id", "people.id"),
        sa.PrimaryKeyConstraint("booking_id", name="pk_bookings_on_behalf"),
    )
    op.create_index("ix_bookings_on_behalf_group_id", "bookings_on_behalf", ["group_id"])


def only_one(name: str, table: str, columns: list[str], where: str) -> None:
    """A unique index over some of the rows."""
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=True, sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    """Take them away again."""
    for table in ("bookings_on_behalf", "callers", "group_requests", "group_invitations", "group_members", "groups"):
        op.drop_table(table)
