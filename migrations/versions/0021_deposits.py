"""Deposits of loans in time credits, held until they are over, and what the insurance fund pays for problems."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

OVER = "NEW.state IN ('closed', 'declined', 'withdrawn', 'cancelled', 'expired')"
HELD = "EXISTS (SELECT 1 FROM deposits WHERE subject = 'loan:' || NEW.id AND unit = 'time' AND settled_at IS NULL{of})"
STRAY = (
    f"({OVER} AND {HELD.format(of='')} OR NEW.state IN ('accepted', 'out', 'returned')"
    f" AND NEW.deposit_unit = 'time' AND NEW.deposit > 0 AND NOT {HELD.format(of=' AND amount = NEW.deposit')})"
)
DEPOSIT_HELD = "loans_deposit_held"
GUARDS = {
    "sqlite": (
        f"CREATE TRIGGER {DEPOSIT_HELD} BEFORE UPDATE OF state, deposit, deposit_unit ON loans WHEN {STRAY}"
        f" BEGIN SELECT RAISE(ABORT, '{DEPOSIT_HELD}'); END",
    ),
    "postgresql": (
        f"CREATE FUNCTION {DEPOSIT_HELD}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF {STRAY} THEN RAISE EXCEPTION '{DEPOSIT_HELD}' USING ERRCODE = 'integrity_constraint_violation'; END IF;"
        " RETURN NEW; END $$",
        f"CREATE TRIGGER {DEPOSIT_HELD} BEFORE UPDATE OF state, deposit, deposit_unit ON loans"
        f" FOR EACH ROW EXECUTE FUNCTION {DEPOSIT_HELD}()",
    ),
}


def minutes(table: str, name: str, check: str, condition: str) -> None:
    """Add a column of minutes with what is true of it: SQLite takes a condition only along with a new column."""
    always = sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{check}"))
    op.add_column(table, sa.Column(name, sa.Integer, always, nullable=False, server_default="0"))


def upgrade() -> None:
    """Add the columns and the guard."""
    for table in ("items", "loans"):
        op.add_column(table, sa.Column("deposit_unit", sa.String(30), nullable=False, server_default="money"))
    minutes("loan_problems", "held", "held", "held >= 0")
    for last in ("", "last_"):
        kept = f"{last}minutes BETWEEN 0 AND CASE {last}remedy WHEN 'deposit' THEN held ELSE 0 END"
        minutes("loan_problems", f"{last}minutes", f"{last}minutes_held", kept)
    by_mediator = sa.CheckConstraint(
        "(paid_at IS NULL OR state = 'final' AND coalesce(last_remedy, remedy) = 'fund')"
        " AND (remedy <> 'fund' OR mediator_id IS NOT NULL)",
        name=op.f("ck_loan_problems_fund_by_a_mediator"),
    )
    op.add_column("loan_problems", sa.Column("paid_at", sa.DateTime(timezone=True), by_mediator))
    alone = "remedy <> 'fund' AND (minutes = 0 OR minutes > 0 AND amount = 0 AND remedy = 'deposit')"
    minutes("loan_problem_offers", "minutes", "between_the_two", alone)
    for statement in GUARDS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Take them away again."""
    op.execute(f"DROP TRIGGER {DEPOSIT_HELD}" + ("" if op.get_bind().dialect.name == "sqlite" else " ON loans"))
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP FUNCTION {DEPOSIT_HELD}()")
    op.drop_column("loan_problem_offers", "minutes")
    for column in ("paid_at", "last_minutes", "minutes", "held"):
        op.drop_column("loan_problems", column)
    for table in ("loans", "items"):
        op.drop_column(table, "deposit_unit")
