"""Accounts and movements between them, time credits, deposits, and the insurance fund."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

MOMENT = sa.DateTime(timezone=True)

APPLY = """
  UPDATE ledger_accounts
  SET balance = balance + CASE id WHEN NEW.target_id THEN NEW.amount ELSE -NEW.amount END, moved_id = NEW.id
  WHERE id IN (NEW.source_id, NEW.target_id);"""
NO_MOVEMENT = """NOT EXISTS (
    SELECT 1 FROM ledger_movements AS made
    WHERE made.id = NEW.moved_id AND made.id > coalesce(OLD.moved_id, 0) AND NEW.id = OLD.id AND (
      (made.source_id = NEW.id AND NEW.balance = OLD.balance - made.amount)
      OR (made.target_id = NEW.id AND NEW.balance = OLD.balance + made.amount)))"""

GUARDS = {
    "sqlite": (
        f"CREATE TRIGGER ledger_movements_carried_out AFTER INSERT ON ledger_movements BEGIN {APPLY} END",
        "CREATE TRIGGER ledger_movements_no_update BEFORE UPDATE ON ledger_movements"
        " BEGIN SELECT RAISE(ABORT, 'ledger_movements_append_only'); END",
        "CREATE TRIGGER ledger_movements_no_delete BEFORE DELETE ON ledger_movements"
        " BEGIN SELECT RAISE(ABORT, 'ledger_movements_append_only'); END",
        "CREATE TRIGGER ledger_movements_no_replace BEFORE INSERT ON ledger_movements"
        " WHEN EXISTS (SELECT 1 FROM ledger_movements WHERE id = NEW.id)"
        " BEGIN SELECT RAISE(ABORT, 'ledger_movements_append_only'); END",
        "CREATE TRIGGER ledger_movements_once BEFORE INSERT ON ledger_movements"
        " WHEN EXISTS (SELECT 1 FROM ledger_movements WHERE key = NEW.key)"
        " BEGIN SELECT RAISE(ABORT, 'uq_ledger_movements_key'); END",
        "CREATE TRIGGER ledger_accounts_opened BEFORE INSERT ON ledger_accounts"
        " WHEN NEW.balance <> 0 OR NEW.moved_id IS NOT NULL"
        " OR EXISTS (SELECT 1 FROM ledger_accounts WHERE id = NEW.id)"
        " BEGIN SELECT RAISE(ABORT, 'ledger_accounts_only_moved'); END",
        "CREATE TRIGGER ledger_accounts_moved BEFORE UPDATE OF id, balance, moved_id ON ledger_accounts"
        " WHEN (NEW.id <> OLD.id OR NEW.balance <> OLD.balance OR NEW.moved_id IS NOT OLD.moved_id)"
        f" AND {NO_MOVEMENT}"
        " BEGIN SELECT RAISE(ABORT, 'ledger_accounts_only_moved'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION ledger_movements_carry_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" {APPLY} RETURN NULL; END $$",
        "CREATE TRIGGER ledger_movements_carried_out AFTER INSERT ON ledger_movements"
        " FOR EACH ROW EXECUTE FUNCTION ledger_movements_carry_out()",
        "CREATE FUNCTION ledger_movements_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'ledger_movements_append_only' USING ERRCODE = 'integrity_constraint_violation';"
        " END $$",
        "CREATE TRIGGER ledger_movements_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_movements"
        " FOR EACH STATEMENT EXECUTE FUNCTION ledger_movements_append_only()",
        "CREATE FUNCTION ledger_accounts_only_moved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF TG_OP = 'INSERT' AND (NEW.balance <> 0 OR NEW.moved_id IS NOT NULL)"
        " OR TG_OP = 'UPDATE' AND (NEW.id, NEW.balance, NEW.moved_id)"
        f" IS DISTINCT FROM (OLD.id, OLD.balance, OLD.moved_id) AND {NO_MOVEMENT}"
        " THEN RAISE EXCEPTION 'ledger_accounts_only_moved' USING ERRCODE = 'integrity_constraint_violation'; END IF;"
        " RETURN NEW; END $$",
        "CREATE TRIGGER ledger_accounts_only_moved BEFORE INSERT OR UPDATE ON ledger_accounts"
        " FOR EACH ROW EXECUTE FUNCTION ledger_accounts_only_moved()",
    ),
}
FUNCTIONS = ("ledger_movements_carry_out", "ledger_movements_append_only", "ledger_accounts_only_moved")


def key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    """A foreign key, named as the models name it."""
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_{table}_{column}")


def one_open(name: str, table: str, columns: list[str], where: str) -> None:
    """A unique index over the rows that are not over."""
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=True, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    """Make the tables, and what carries movements out."""
    _ledger()
    for statement in GUARDS[op.get_bind().dialect.name]:
        op.execute(statement)
    _credits()


def _ledger() -> None:
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("unit", sa.String(8), nullable=False),
        sa.Column("floor", sa.BigInteger),
        sa.Column("balance", sa.BigInteger, nullable=False),
        sa.Column("moved_id", sa.Integer),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_accounts"),
        sa.UniqueConstraint("owner", "kind", "unit", name="uq_ledger_accounts_owner"),
        sa.UniqueConstraint("id", "unit", name="uq_ledger_accounts_unit"),
        sa.CheckConstraint("balance >= floor", name=op.f("ck_ledger_accounts_floor")),
    )
    account = ["ledger_accounts.id", "ledger_accounts.unit"]
    op.create_table(
        "ledger_movements",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("source_id", sa.Integer, nullable=False),
        sa.Column("target_id", sa.Integer, nullable=False),
        sa.Column("unit", sa.String(8), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("why", sa.String(30), nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("made_by_id", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_movements"),
        sa.UniqueConstraint("key", name="uq_ledger_movements_key"),
        sa.ForeignKeyConstraint(["source_id", "unit"], account, name="fk_ledger_movements_source_id"),
        sa.ForeignKeyConstraint(["target_id", "unit"], account, name="fk_ledger_movements_target_id"),
        sa.CheckConstraint("source_id <> target_id", name=op.f("ck_ledger_movements_two_accounts")),
        sa.CheckConstraint(
            "amount BETWEEN 1 AND 1000000000000 AND amount = CAST(amount AS BIGINT)",
            name=op.f("ck_ledger_movements_whole_amount"),
        ),
    )
    for column in ("source_id", "target_id", "subject"):
        op.create_index(f"ix_ledger_movements_{column}", "ledger_movements", [column])


def _credits() -> None:
    op.create_table(
        "credit_grants",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("made_by_id", sa.Integer, nullable=False),
        sa.Column("taken_back_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_credit_grants"),
        key("credit_grants", "person_id", "people.id"),
        key("credit_grants", "made_by_id", "people.id"),
        sa.CheckConstraint("amount BETWEEN 1 AND 1000000000000", name=op.f("ck_credit_grants_can_move")),
    )
    op.create_index("ix_credit_grants_person_id", "credit_grants", ["person_id"])
    op.create_index("ix_credit_grants_made_by_id", "credit_grants", ["made_by_id"])
    op.create_table(
        "deposits",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("unit", sa.String(8), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("kept", sa.BigInteger),
        sa.Column("settled_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_deposits"),
        key("deposits", "person_id", "people.id"),
        sa.CheckConstraint("amount BETWEEN 1 AND 1000000000000", name=op.f("ck_deposits_can_move")),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (kept IS NULL)", name=op.f("ck_deposits_settled_with_what_was_kept")
        ),
        sa.CheckConstraint("kept BETWEEN 0 AND amount", name=op.f("ck_deposits_kept_of_the_amount")),
    )
    op.create_index("ix_deposits_person_id", "deposits", ["person_id"])
    one_open("uq_deposits_open", "deposits", ["subject", "person_id"], "settled_at IS NULL")
    op.create_table(
        "overdrafts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("most", sa.BigInteger, nullable=False),
        sa.Column("offered_at", MOMENT, nullable=False),
        sa.Column("offered_by_id", sa.Integer, nullable=False),
        sa.Column("agreed_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_overdrafts"),
        key("overdrafts", "person_id", "people.id"),
        key("overdrafts", "offered_by_id", "people.id"),
        sa.CheckConstraint("most > 0", name=op.f("ck_overdrafts_some")),
    )
    one_open("uq_overdrafts_person_id", "overdrafts", ["person_id"], "ended_at IS NULL")
    op.create_table(
        "fund_payments",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("made_by_id", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fund_payments"),
        key("fund_payments", "made_by_id", "people.id"),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_fund_payments_some")),
    )
    op.create_index("ix_fund_payments_made_at", "fund_payments", ["made_at"])


def downgrade() -> None:
    """Take them away again."""
    for table in ("fund_payments", "overdrafts", "deposits", "credit_grants", "ledger_movements", "ledger_accounts"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for function in FUNCTIONS:
            op.execute(f"DROP FUNCTION {function}()")
