"""What goes wrong with loans, and how it is settled."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

MOMENT = sa.DateTime(timezone=True)
PEOPLE = ("borrower_id", "owner_id", "by_id", "answer_by_id", "mediator_id", "appealed_by_id", "second_id")
CHECKS = {
    "bounds": "deposit >= 0 AND most >= deposit",
    "sum_within_bounds": "amount >= 0 AND last_amount >= 0 AND amount <= most AND last_amount <= most",
    "closed": "(state IN ('settled', 'withdrawn', 'final')) = (closed_at IS NOT NULL)",
    "due_while_open": "(closed_at IS NULL) = (due_at IS NOT NULL)",
    "decided_by_someone": "(mediator_id IS NULL) = (decided_at IS NULL)",
    "decision_has_a_reason": "mediator_id IS NULL OR (remedy IS NOT NULL AND length(trim(reason)) > 0)",
    "by_a_person": "state NOT IN ('decided', 'appealed', 'final') OR mediator_id IS NOT NULL",
    "settled_as": "state <> 'settled' OR (remedy IS NOT NULL AND mediator_id IS NULL)",
    "mediator_apart": "mediator_id <> borrower_id AND mediator_id <> owner_id AND mediator_id <> by_id",
    "second_apart": "second_id <> borrower_id AND second_id <> owner_id AND second_id <> by_id",
    "another_mediator": "second_id <> mediator_id",
    "appeal_has_a_reason": (
        "second_id IS NULL OR (appealed_by_id IS NOT NULL AND last_remedy IS NOT NULL"
        " AND length(trim(last_reason)) > 0)"
    ),
    "appealed_by_someone": "(appealed_by_id IS NULL) = (appealed_at IS NULL)",
    "appealed_a_decision": "appealed_by_id IS NULL OR mediator_id IS NOT NULL",
    "appeal_answered": "state <> 'final' OR appealed_by_id IS NULL OR second_id IS NOT NULL",
}
OFFER_CHECKS = {
    "sum_not_negative": "amount >= 0",
    "sum_of_its_remedy": "(amount > 0) <= (remedy IN ('deposit', 'sum'))",
    "accepted_by_someone": "(accepted_by_id IS NULL) = (accepted_at IS NULL)",
    "two_people": "accepted_by_id <> by_id",
}


def key(table: str, column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    """A foreign key, named as the models name it."""
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_{table}_{column}", ondelete=ondelete)


def checks(table: str, conditions: dict[str, str]) -> list[sa.CheckConstraint]:
    """Conditions, named as the models name them."""
    return [sa.CheckConstraint(text, name=op.f(f"ck_{table}_{name}")) for name, text in conditions.items()]


def only_one(name: str, table: str, columns: list[str], where: str) -> None:
    """A unique index over some of the rows."""
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=True, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "loan_problems",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("loan_id", sa.Integer, nullable=False),
        sa.Column("borrower_id", sa.Integer, nullable=False),
        sa.Column("owner_id", sa.Integer),
        sa.Column("trouble", sa.String(30), nullable=False),
        sa.Column("state", sa.String(30), nullable=False),
        sa.Column("deposit", sa.Integer, nullable=False),
        sa.Column("most", sa.Integer, nullable=False),
        sa.Column("by_id", sa.Integer, nullable=False),
        sa.Column("by_borrower", sa.Boolean, nullable=False),
        sa.Column("words", sa.String(2000), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("answer_by_id", sa.Integer),
        sa.Column("answer", sa.String(2000), nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("mediator_id", sa.Integer),
        sa.Column("remedy", sa.String(30)),
        sa.Column("amount", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.Column("appealed_by_id", sa.Integer),
        sa.Column("appeal", sa.String(2000), nullable=False),
        sa.Column("appealed_at", MOMENT),
        sa.Column("second_id", sa.Integer),
        sa.Column("last_remedy", sa.String(30)),
        sa.Column("last_amount", sa.Integer, nullable=False),
        sa.Column("last_reason", sa.String(2000), nullable=False),
        sa.Column("closed_at", MOMENT),
        sa.Column("version", sa.Integer, nullable=False),
        key("loan_problems", "loan_id", "loans.id", ondelete="CASCADE"),
        *(key("loan_problems", column, "people.id") for column in PEOPLE),
        *checks("loan_problems", CHECKS),
        sa.PrimaryKeyConstraint("id", name="pk_loan_problems"),
    )
    for column in ("loan_id", "closed_at", *PEOPLE):
        op.create_index(f"ix_loan_problems_{column}", "loan_problems", [column])
    op.create_index("ix_loan_problems_state_due_at", "loan_problems", ["state", "due_at"])
    only_one("uq_loan_problems_open", "loan_problems", ["loan_id"], "closed_at IS NULL")
    op.create_table(
        "loan_problem_offers",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("problem_id", sa.Integer, nullable=False),
        sa.Column("by_id", sa.Integer, nullable=False),
        sa.Column("by_borrower", sa.Boolean, nullable=False),
        sa.Column("remedy", sa.String(30), nullable=False),
        sa.Column("amount", sa.Integer, nullable=False),
        sa.Column("words", sa.String(500), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("accepted_by_id", sa.Integer),
        sa.Column("accepted_at", MOMENT),
        key("loan_problem_offers", "problem_id", "loan_problems.id", ondelete="CASCADE"),
        key("loan_problem_offers", "by_id", "people.id"),
        key("loan_problem_offers", "accepted_by_id", "people.id"),
        *checks("loan_problem_offers", OFFER_CHECKS),
        sa.PrimaryKeyConstraint("id", name="pk_loan_problem_offers"),
    )
    for column in ("problem_id", "by_id", "accepted_by_id"):
        op.create_index(f"ix_loan_problem_offers_{column}", "loan_problem_offers", [column])
    only_one("uq_loan_problem_offers_accepted", "loan_problem_offers", ["problem_id"], "accepted_at IS NOT NULL")


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("loan_problem_offers")
    op.drop_table("loan_problems")
