"""Double-entry accounts in whole units: what one account gives, another of the same unit gets.

One row of `ledger_movements` is one movement between two accounts, so nothing is ever unbalanced. The database carries
it out: a trigger takes the amount from the one balance and adds it to the other, checks refuse a balance below its
floor, and nothing else may change a balance or a movement (docs/decisions/0010-ledger.md).

A transaction that makes several movements first locks all their accounts with one `lock`, which cannot deadlock.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock, db
from marketplace.kernel.errors import Conflict
from marketplace.kernel.words import _l

MOST = 10**12
"""The most that moves at once: a million such movements still fit into a balance."""

HELD = "held"
"""The kind of an account in which something is put aside."""

FLOOR, KEY = "ck_ledger_accounts_floor", "uq_ledger_movements_key"


class NotEnough(Conflict):
    """The account would fall below the lowest balance it may have. `there` is what it could give."""

    message = _l("There is not enough in the account: {there}.")

    def __init__(self, there: int) -> None:
        super().__init__(there=there)
        self.there = there


class AlreadyMoved(Conflict):
    """The key stands for another movement."""

    message = _l("This was already settled, in another way.")


class Account(db.Base):
    """What someone or something has of one unit. Its owner is a subject, such as person:17, or the city.

    floor      the lowest balance; none for an account that stands for the world outside, which may owe any sum
    balance    changed by the database alone, as movements are written
    moved_id   the newest movement that the balance counts
    """

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        sa.UniqueConstraint("owner", "kind", "unit", name="uq_ledger_accounts_owner"),
        sa.UniqueConstraint("id", "unit", name="uq_ledger_accounts_unit"),  # what movements point to
        sa.CheckConstraint("balance >= floor", name="floor"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(sa.String(100))
    kind: Mapped[str] = mapped_column(sa.String(30))
    unit: Mapped[str] = mapped_column(sa.String(8))
    floor: Mapped[int | None] = mapped_column(sa.BigInteger)
    balance: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    moved_id: Mapped[int | None]
    opened_at: Mapped[datetime] = mapped_column(default=clock.now)

    @property
    def available(self) -> int | None:
        """What the account can give; None if there is no end to it."""
        return None if self.floor is None else self.balance - self.floor


class Movement(db.Base):
    """An amount that went from one account to another, why, and about what. Never changed: a mistake is moved back.

    key         of its own, so that what is sent twice moves once
    made_by_id  who had it made; nobody where a timed job did
    """

    __tablename__ = "ledger_movements"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["source_id", "unit"], ["ledger_accounts.id", "ledger_accounts.unit"], name="fk_ledger_movements_source_id"
        ),
        sa.ForeignKeyConstraint(
            ["target_id", "unit"], ["ledger_accounts.id", "ledger_accounts.unit"], name="fk_ledger_movements_target_id"
        ),
        sa.CheckConstraint("source_id <> target_id", name="two_accounts"),
        sa.CheckConstraint(  # SQLite would also take fractions and text
            f"amount BETWEEN 1 AND {MOST} AND amount = CAST(amount AS BIGINT)", name="whole_amount"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(index=True)
    target_id: Mapped[int] = mapped_column(index=True)
    unit: Mapped[str] = mapped_column(sa.String(8))
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    why: Mapped[str] = mapped_column(sa.String(30))
    subject: Mapped[str] = mapped_column(sa.String(100), index=True)
    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    made_by_id: Mapped[int | None]


_APPLY = """
  UPDATE ledger_accounts
  SET balance = balance + CASE id WHEN NEW.target_id THEN NEW.amount ELSE -NEW.amount END, moved_id = NEW.id
  WHERE id IN (NEW.source_id, NEW.target_id);"""
# A balance follows the newest movement that it does not yet count, or it stays what it is.
_NO_MOVEMENT = """NOT EXISTS (
    SELECT 1 FROM ledger_movements AS made
    WHERE made.id = NEW.moved_id AND made.id > coalesce(OLD.moved_id, 0) AND NEW.id = OLD.id AND (
      (made.source_id = NEW.id AND NEW.balance = OLD.balance - made.amount)
      OR (made.target_id = NEW.id AND NEW.balance = OLD.balance + made.amount)))"""

GUARDS = {
    "sqlite": (
        f"CREATE TRIGGER ledger_movements_carried_out AFTER INSERT ON ledger_movements BEGIN {_APPLY} END",
        "CREATE TRIGGER ledger_movements_no_update BEFORE UPDATE ON ledger_movements"
        " BEGIN SELECT RAISE(ABORT, 'ledger_movements_append_only'); END",
        "CREATE TRIGGER ledger_movements_no_delete BEFORE DELETE ON ledger_movements"
        " BEGIN SELECT RAISE(ABORT, 'ledger_movements_append_only'); END",
        # INSERT OR REPLACE deletes without the delete trigger
        "CREATE TRIGGER ledger_movements_no_replace BEFORE INSERT ON ledger_movements"
        " WHEN EXISTS (SELECT 1 FROM ledger_movements WHERE id = NEW.id)"
        " BEGIN SELECT RAISE(ABORT, 'ledger_movements_append_only'); END",
        "CREATE TRIGGER ledger_movements_once BEFORE INSERT ON ledger_movements"
        " WHEN EXISTS (SELECT 1 FROM ledger_movements WHERE key = NEW.key)"
        " BEGIN SELECT RAISE(ABORT, 'uq_ledger_movements_key'); END",  # as the constraint is called
        "CREATE TRIGGER ledger_accounts_opened BEFORE INSERT ON ledger_accounts"
        " WHEN NEW.balance <> 0 OR NEW.moved_id IS NOT NULL"
        " OR EXISTS (SELECT 1 FROM ledger_accounts WHERE id = NEW.id)"
        " BEGIN SELECT RAISE(ABORT, 'ledger_accounts_only_moved'); END",
        "CREATE TRIGGER ledger_accounts_moved BEFORE UPDATE OF id, balance, moved_id ON ledger_accounts"
        " WHEN (NEW.id <> OLD.id OR NEW.balance <> OLD.balance OR NEW.moved_id IS NOT OLD.moved_id)"
        f" AND {_NO_MOVEMENT}"
        " BEGIN SELECT RAISE(ABORT, 'ledger_accounts_only_moved'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION ledger_movements_carry_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" {_APPLY} RETURN NULL; END $$",
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
        f" IS DISTINCT FROM (OLD.id, OLD.balance, OLD.moved_id) AND {_NO_MOVEMENT}"
        " THEN RAISE EXCEPTION 'ledger_accounts_only_moved' USING ERRCODE = 'integrity_constraint_violation'; END IF;"
        " RETURN NEW; END $$",
        "CREATE TRIGGER ledger_accounts_only_moved BEFORE INSERT OR UPDATE ON ledger_accounts"
        " FOR EACH ROW EXECUTE FUNCTION ledger_accounts_only_moved()",
    ),
}
"""What carries movements out and keeps everything else from balances, by dialect: run after both tables are there."""

AFTER_DROP = tuple(
    f"DROP FUNCTION IF EXISTS {name}()"
    for name in ("ledger_movements_carry_out", "ledger_movements_append_only", "ledger_accounts_only_moved")
)

for _dialect, _ddl in GUARDS.items():
    for _statement in _ddl:
        event.listen(Movement.__table__, "after_create", sa.DDL(_statement).execute_if(dialect=_dialect))
for _statement in AFTER_DROP:
    event.listen(Account.__table__, "after_drop", sa.DDL(_statement).execute_if(dialect="postgresql"))


# --- accounts ---

_OPEN = sa.text(
    "INSERT INTO ledger_accounts (owner, kind, unit, floor, balance, opened_at)"
    " VALUES (:owner, :kind, :unit, :floor, 0, :now) ON CONFLICT (owner, kind, unit) DO NOTHING"
).bindparams(sa.bindparam("now", type_=db.UtcDateTime))


def open_account(owner: str, kind: str, unit: str, *, floor: int | None = 0) -> Account:
    """The account of this owner, kind and unit; made, with this lowest balance, if there is none yet."""
    found = account(owner, kind, unit)
    if found is None:
        named = {"owner": owner, "kind": kind, "unit": unit}
        db.session.execute(_OPEN, {**named, "floor": floor, "now": clock.now()})
        found = account(owner, kind, unit)
    assert found is not None  # noqa: S101 - whoever else opened it has committed by now
    return found


def account(owner: str, kind: str, unit: str) -> Account | None:
    """The account of this owner, kind and unit, if there is one."""
    named = (Account.owner == owner, Account.kind == kind, Account.unit == unit)
    return db.session.scalar(sa.select(Account).where(*named))


def lock(*accounts: Account) -> None:
    """Have the accounts stand still until the transaction ends, and read them anew; lowest id first: no deadlock."""
    ids = {one.id for one in accounts}
    rows = sa.select(Account).where(Account.id.in_(ids)).order_by(Account.id).with_for_update(key_share=True)
    db.session.scalars(rows, execution_options={"populate_existing": True}).all()


def set_floor(of: Account, floor: int) -> None:
    """Let the balance go down to here and no further. Raises NotEnough if it is lower already."""
    lock(of)
    if of.balance < floor:
        raise NotEnough(max(of.balance, 0))
    of.floor = floor
    db.session.flush()


# --- movements ---


def move(
    source: Account, target: Account, amount: int, *, why: str, subject: str, key: str, by: int | None
) -> Movement:
    """Move an amount. Done again with the same key, it changes nothing and gives the first movement back.

    Raises NotEnough, with what the source could give, or AlreadyMoved if the key stands for another movement.
    """
    if source.unit != target.unit or source.id == target.id:
        raise ValueError("an amount moves between two accounts of one unit")
    if not 0 < amount <= MOST:
        raise ValueError("an amount is a positive number of whole units")
    lock(source, target)
    made = Movement(
        source_id=source.id,
        target_id=target.id,
        unit=source.unit,
        amount=amount,
        why=why,
        subject=subject,
        key=key,
        made_by_id=by,
    )
    try:
        with db.session.begin_nested():
            db.session.add(made)
            db.session.flush()
    except IntegrityError as error:
        if db.violates(error, FLOOR):
            raise NotEnough(source.available or 0) from error
        if not db.violates(error, KEY):
            raise
        return _as_before(key, source, target, amount)
    lock(source, target)  # reads what the database made of the balances
    return made


def _as_before(key: str, source: Account, target: Account, amount: int) -> Movement:
    earlier = movement(key)
    if earlier is None or (earlier.source_id, earlier.target_id, earlier.amount) != (source.id, target.id, amount):
        raise AlreadyMoved
    return earlier


def movement(key: str) -> Movement | None:
    """The movement made with this key, if there is one."""
    return db.session.scalar(sa.select(Movement).where(Movement.key == key))


def hold(source: Account, amount: int, *, owner: str, why: str, subject: str, key: str, by: int | None) -> Account:
    """Put an amount aside, in an account of its owner's that only `release` empties. Raises NotEnough."""
    held = open_account(owner, HELD, source.unit)
    move(source, held, amount, why=why, subject=subject, key=key, by=by)
    return held


def release(held: Account, to: Account, amount: int, *, why: str, subject: str, key: str, by: int | None) -> Movement:
    """Give out some of what is held, or all of it. Raises NotEnough, with what is still held."""
    if held.kind != HELD:
        raise ValueError("only what is held can be released")
    return move(held, to, amount, why=why, subject=subject, key=key, by=by)


# --- statements ---


@dataclass(frozen=True, slots=True)
class Line:
    """A movement as one account sees it: how its balance changed, and to what."""

    movement: Movement
    change: int
    balance: int


def movements_of(of: Account) -> sa.Select[Movement]:
    """What went into and out of an account, the newest first."""
    either = sa.or_(Movement.source_id == of.id, Movement.target_id == of.id)
    return sa.select(Movement).where(either).order_by(Movement.id.desc())


def statement(of: Account, *, offset: int = 0, limit: int | None = None) -> Iterator[Line]:
    """The account's movements, the newest first, each with the balance after it; two statements, however many."""
    newer = movements_of(of).limit(offset).subquery()
    change = sa.case((newer.c.target_id == of.id, newer.c.amount), else_=-newer.c.amount)
    balance = of.balance - (db.session.scalar(sa.select(sa.func.sum(change))) or 0 if offset else 0)
    for made in db.session.scalars(movements_of(of).offset(offset).limit(limit)):
        line = Line(made, made.amount if made.target_id == of.id else -made.amount, int(balance))
        yield line
        balance -= line.change


# --- checking ---


@dataclass(frozen=True, slots=True)
class Problem:
    """An account that is not what its movements make it."""

    account_id: int
    what: str


def verify() -> list[Problem]:
    """Work every balance out again from all movements; one statement, in the database."""
    return [Problem(row.id, what) for row in db.session.execute(_worked_out()) if (what := _wrong(row))]


def _worked_out() -> sa.Select[*tuple[Any, ...]]:
    signed = sa.union_all(
        sa.select(Movement.id, Movement.target_id.label("account_id"), Movement.unit, Movement.amount.label("change")),
        sa.select(Movement.id, Movement.source_id, Movement.unit, -Movement.amount),
    ).subquery()
    sums = (
        sa.select(
            signed.c.account_id,
            sa.func.sum(signed.c.change).label("sum"),
            sa.func.max(signed.c.id).label("newest"),
            sa.func.min(signed.c.unit).label("lowest_unit"),
            sa.func.max(signed.c.unit).label("highest_unit"),
        )
        .group_by(signed.c.account_id)
        .subquery()
    )
    return (
        sa.select(Account.id, Account.unit, Account.balance, Account.floor, Account.moved_id, sums)
        .outerjoin(sums, sums.c.account_id == Account.id)
        .order_by(Account.id)
        .execution_options(yield_per=1000)
    )


def _wrong(row: Any) -> str | None:
    if row.balance != (row.sum or 0):
        return f"the balance is {row.balance}, its movements make {row.sum or 0}"
    if row.moved_id != row.newest:
        return f"the newest movement counted is {row.moved_id}, there is {row.newest}"
    if row.newest and not row.lowest_unit == row.highest_unit == row.unit:
        return f"movements of another unit than {row.unit}"
    if row.floor is not None and row.balance < row.floor:
        return f"the balance is {row.balance}, below {row.floor}"
    return None
