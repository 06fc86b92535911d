"""How loans went, in the words of both sides."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

MOMENT = sa.DateTime(timezone=True)
TABLE = "loan_reviews"
CHECKS = {
    "says_something": "length(trim(good)) + length(trim(bad)) > 0",
    "two_sides": "borrower_id <> owner_id",
    "author_borrows": (
        "NOT by_borrower OR ((author_id = borrower_id OR for_group) AND (owner_id IS NULL OR author_id <> owner_id))"
    ),
    "author_lends": "by_borrower OR (author_id <> borrower_id AND (owner_id IS NULL OR author_id = owner_id))",
    "opens_in_time": "opens_at <= closes_at",
    "written_while_sealed": "written_at <= opens_at AND written_at < closes_at",
    "replied_by_someone": (
        "(replied_at IS NULL) = (reply_by_id IS NULL) AND (replied_at IS NULL) = (length(trim(reply)) = 0)"
    ),
    "replied_once_open": "replied_at >= opens_at",
    "lender_replies": (
        "reply_by_id IS NULL OR NOT by_borrower"
        " OR (reply_by_id <> borrower_id AND (owner_id IS NULL OR reply_by_id = owner_id))"
    ),
    "borrower_replies": (
        "reply_by_id IS NULL OR by_borrower OR (reply_by_id <> author_id AND (reply_by_id = borrower_id OR for_group))"
    ),
}
REPLY_ONCE = "loan_reviews_reply_once"
REPLIED_AGAIN = (
    "OLD.replied_at IS NOT NULL AND (NEW.replied_at IS NULL OR NEW.replied_at <> OLD.replied_at"
    " OR (NEW.reply <> OLD.reply AND NEW.reply <> '–'))"
)
GUARDS = {
    "sqlite": (
        f"CREATE TRIGGER {REPLY_ONCE} BEFORE UPDATE ON loan_reviews WHEN {REPLIED_AGAIN}"
        f" BEGIN SELECT RAISE(ABORT, '{REPLY_ONCE}'); END",
    ),
    "postgresql": (
        f"CREATE FUNCTION {REPLY_ONCE}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF {REPLIED_AGAIN}"
        f" THEN RAISE EXCEPTION '{REPLY_ONCE}' USING ERRCODE = 'integrity_constraint_violation'; END IF;"
        " RETURN NEW; END $$",
        f"CREATE TRIGGER {REPLY_ONCE} BEFORE UPDATE ON loan_reviews FOR EACH ROW EXECUTE FUNCTION {REPLY_ONCE}()",
    ),
}


def key(column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    """A foreign key, named as the models name it."""
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_{TABLE}_{column}", ondelete=ondelete)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        TABLE,
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("loan_id", sa.Integer, nullable=False),
        sa.Column("by_borrower", sa.Boolean, nullable=False),
        sa.Column("author_id", sa.Integer, nullable=False),
        sa.Column("borrower_id", sa.Integer, nullable=False),
        sa.Column("owner_id", sa.Integer),
        sa.Column("for_group", sa.Boolean, nullable=False),
        sa.Column("good", sa.String(1000), nullable=False),
        sa.Column("bad", sa.String(1000), nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.Column("opens_at", MOMENT, nullable=False),
        sa.Column("closes_at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT),
        sa.Column("reply", sa.String(1000), nullable=False),
        sa.Column("reply_by_id", sa.Integer),
        sa.Column("replied_at", MOMENT),
        sa.Column("hidden_at", MOMENT),
        sa.Column("reply_hidden_at", MOMENT),
        key("loan_id", "loans.id", ondelete="CASCADE"),
        *(key(column, "people.id") for column in ("author_id", "borrower_id", "owner_id", "reply_by_id")),
        *(sa.CheckConstraint(text, name=op.f(f"ck_{TABLE}_{name}")) for name, text in CHECKS.items()),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        sa.UniqueConstraint("loan_id", "by_borrower", name=f"uq_{TABLE}_loan_id_by_borrower"),
    )
    for column in ("author_id", "owner_id", "reply_by_id"):
        op.create_index(f"ix_{TABLE}_{column}", TABLE, [column])
    op.create_index(f"ix_{TABLE}_borrower_id_opens_at", TABLE, ["borrower_id", "opens_at"])
    untold = sa.text("told_at IS NULL")
    op.create_index(f"ix_{TABLE}_untold", TABLE, ["opens_at"], sqlite_where=untold, postgresql_where=untold)
    for statement in GUARDS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Take it away again."""
    op.drop_table(TABLE)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP FUNCTION {REPLY_ONCE}()")
