"""The wanted board: what neighbours look for, who agreed to be asked, and what is offered."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

MOMENT = sa.DateTime(timezone=True)
NOT_OFFERED = (
    "NOT EXISTS (SELECT 1 FROM items WHERE id = NEW.item_id"
    " AND paused_at IS NULL AND hidden_at IS NULL AND withdrawn_at IS NULL{lock})"
)
ONLY_OFFERED = "wanted_offers_only_offered"
GUARDS = {
    "sqlite": (
        f"CREATE TRIGGER {ONLY_OFFERED} BEFORE INSERT ON wanted_offers WHEN {NOT_OFFERED.format(lock='')}"
        f" BEGIN SELECT RAISE(ABORT, '{ONLY_OFFERED}'); END",
    ),
    "postgresql": (
        f"CREATE FUNCTION {ONLY_OFFERED}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF {NOT_OFFERED.format(lock=' FOR SHARE')}"
        f" THEN RAISE EXCEPTION '{ONLY_OFFERED}' USING ERRCODE = 'integrity_constraint_violation'; END IF;"
        " RETURN NEW; END $$",
        f"CREATE TRIGGER {ONLY_OFFERED} BEFORE INSERT ON wanted_offers FOR EACH ROW EXECUTE FUNCTION {ONLY_OFFERED}()",
    ),
}


def key(table: str, column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    """A foreign key, named as the models name it."""
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_{table}_{column}", ondelete=ondelete)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "wanted_posts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("title", sa.String(100), nullable=False),
        sa.Column("category", sa.String(40), nullable=False),
        sa.Column("first_day", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("description", sa.String(1000), nullable=False),
        sa.Column("district_id", sa.Integer),
        sa.Column("posted_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("ending", sa.String(30)),
        sa.Column("hidden_at", MOMENT),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_wanted_posts_in_order")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_wanted_posts_some")),
        sa.CheckConstraint("(ended_at IS NULL) = (ending IS NULL)", name=op.f("ck_wanted_posts_ends_for_a_reason")),
        key("wanted_posts", "person_id", "people.id", ondelete="CASCADE"),
        key("wanted_posts", "district_id", "districts.id"),
        sa.PrimaryKeyConstraint("id", name="pk_wanted_posts"),
    )
    for column in ("person_id", "category", "district_id", "ended_at"):
        op.create_index(f"ix_wanted_posts_{column}", "wanted_posts", [column])
    still_open = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_wanted_posts_open", "wanted_posts", ["last_day"], sqlite_where=still_open, postgresql_where=still_open
    )
    op.create_table(
        "wanted_offers",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("post_id", sa.Integer, nullable=False),
        sa.Column("item_id", sa.Integer, nullable=False),
        sa.Column("offered_at", MOMENT, nullable=False),
        key("wanted_offers", "post_id", "wanted_posts.id", ondelete="CASCADE"),
        key("wanted_offers", "item_id", "items.id"),
        sa.PrimaryKeyConstraint("id", name="pk_wanted_offers"),
        sa.UniqueConstraint("post_id", "item_id", name="uq_wanted_offers_post_id_item_id"),
    )
    op.create_index("ix_wanted_offers_item_id", "wanted_offers", ["item_id"])
    for statement in GUARDS[op.get_bind().dialect.name]:
        op.execute(statement)
    op.create_table(
        "ask_me",
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("within", sa.Integer, nullable=False),
        sa.Column("agreed_at", MOMENT, nullable=False),
        sa.CheckConstraint("within IN (1000, 2000, 5000)", name=op.f("ck_ask_me_a_distance")),
        key("ask_me", "person_id", "people.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("person_id", name="pk_ask_me"),
    )
    op.create_table(
        "wanted_asked",
        sa.Column("post_id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        key("wanted_asked", "post_id", "wanted_posts.id", ondelete="CASCADE"),
        key("wanted_asked", "person_id", "people.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("post_id", "person_id", name="pk_wanted_asked"),
    )
    op.create_index("ix_wanted_asked_person_id", "wanted_asked", ["person_id"])
    op.create_index("ix_wanted_asked_asked_at", "wanted_asked", ["asked_at"])


def downgrade() -> None:
    """Take them away again."""
    for table in ("wanted_asked", "ask_me", "wanted_offers", "wanted_posts"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP FUNCTION {ONLY_OFFERED}()")
