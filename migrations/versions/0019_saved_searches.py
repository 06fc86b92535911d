"""Searches that people keep, and things that are new since they were told of such."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

MOMENT = sa.DateTime(timezone=True)


def key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    """A foreign key, named as the models name it; rows go with what they point to."""
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_{table}_{column}", ondelete="CASCADE")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "saved_searches",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("query", sa.String(1000), nullable=False),
        sa.Column("words", sa.String(200), nullable=False),
        sa.Column("category", sa.String(40)),
        sa.Column("district_id", sa.Integer),
        sa.Column("library_id", sa.Integer),
        sa.Column("free_of_charge", sa.Boolean, nullable=False),
        sa.Column("near", sa.String(100), nullable=False),
        sa.Column("latitude", sa.Double),
        sa.Column("longitude", sa.Double),
        sa.Column("within", sa.Integer),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.Column("kept_at", MOMENT, nullable=False),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name=op.f("ck_saved_searches_a_point")),
        key("saved_searches", "person_id", "people.id"),
        key("saved_searches", "district_id", "districts.id"),
        key("saved_searches", "library_id", "libraries.id"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_searches"),
        sa.UniqueConstraint("person_id", "query", name="uq_saved_searches_person_id_query"),
    )
    for column in ("district_id", "library_id", "kept_at"):
        op.create_index(f"ix_saved_searches_{column}", "saved_searches", [column])
    op.create_table(
        "newly_offered",
        sa.Column("item_id", sa.Integer, nullable=False),
        key("newly_offered", "item_id", "items.id"),
        sa.PrimaryKeyConstraint("item_id", name="pk_newly_offered"),
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("newly_offered")
    op.drop_table("saved_searches")
