"""What stands behind movements of time credits and of the fund; the balances are in kernel/ledger."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db, ledger, money
from marketplace.kernel.words import Text, _l
from marketplace.kernel.writing import show_minutes

TIME = "time"
"""The unit of time credits: the minute. Any other unit is a currency (ISO 4217)."""

CITY = "city"
"""The owner of accounts that are the city's own."""


def show(amount: int, unit: str = TIME) -> str:
    """An amount of a unit as people read it: 1 hour 30 minutes, −20 minutes, ₩5,000."""
    sign = "\N{MINUS SIGN}" if amount < 0 else ""
    return sign + (show_minutes(abs(amount)) if unit == TIME else money.show(abs(amount)))


class Kind(StrEnum):
    """What an account is for. `ISSUE` stands for the world outside: what the city gives comes from there."""

    WALLET = "wallet"
    ISSUE = "issue"
    FUND = "fund"


class Why(StrEnum):
    """What a movement was for."""

    GRANTED = "granted"
    TAKEN_BACK = "taken_back"
    PAID = "paid"
    DEPOSITED = "deposited"
    RETURNED = "returned"
    KEPT = "kept"
    LEFT = "left"
    PAID_IN = "paid_in"
    PAID_OUT = "paid_out"

    @property
    def words(self) -> Text:
        """The same as people read it."""
        return {
            "granted": _l("Given by the city"),
            "taken_back": _l("Taken back by the city, given by mistake"),
            "paid": _l("Agreed between the two"),
            "deposited": _l("Deposit held"),
            "returned": _l("Deposit returned"),
            "kept": _l("Kept from a deposit"),
            "left": _l("Settled when the account was erased"),
            "paid_in": _l("Paid in"),
            "paid_out": _l("Paid out"),
        }[self.value]


class Grant(db.Base):
    """Time credits that staff gave to a resident, such as for hours helped, and what for."""

    __tablename__ = "credit_grants"
    __table_args__ = (sa.CheckConstraint(f"amount BETWEEN 1 AND {ledger.MOST}", name="can_move"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    reason: Mapped[str] = mapped_column(sa.String(300))
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    made_by_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    taken_back_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="raise", foreign_keys=[person_id])
    made_by: Mapped[Person] = relationship(lazy="raise", foreign_keys=[made_by_id])


_OPEN = sa.text("settled_at IS NULL")


class Deposit(db.Base):
    """What someone puts down for a thing such as a loan: time credits are held, the city's money is only promised.

    kept   how much of it the other side got in the end
    """

    __tablename__ = "deposits"
    __table_args__ = (
        sa.CheckConstraint(f"amount BETWEEN 1 AND {ledger.MOST}", name="can_move"),
        sa.CheckConstraint("(settled_at IS NULL) = (kept IS NULL)", name="settled_with_what_was_kept"),
        sa.CheckConstraint("kept BETWEEN 0 AND amount", name="kept_of_the_amount"),
        sa.Index(
            "uq_deposits_open", "subject", "person_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(sa.String(100))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    unit: Mapped[str] = mapped_column(sa.String(8))
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    kept: Mapped[int | None] = mapped_column(sa.BigInteger)
    settled_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="raise")

    @property
    def is_held(self) -> bool:
        """Whether the amount is really put aside, and not only promised."""
        return self.unit == TIME


_GOES_ON = sa.text("ended_at IS NULL")


class Overdraft(db.Base):
    """How far below zero someone may go: the city offers it, and it counts once the person has agreed."""

    __tablename__ = "overdrafts"
    __table_args__ = (
        sa.CheckConstraint("most > 0", name="some"),
        sa.Index(
            "uq_overdrafts_person_id", "person_id", unique=True, sqlite_where=_GOES_ON, postgresql_where=_GOES_ON
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    most: Mapped[int] = mapped_column(sa.BigInteger)
    offered_at: Mapped[datetime] = mapped_column(default=clock.now)
    offered_by_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    agreed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="raise", foreign_keys=[person_id])


class FundPayment(db.Base):
    """Money that came into the insurance fund or went out of it; a negative amount went out."""

    __tablename__ = "fund_payments"
    __table_args__ = (sa.CheckConstraint("amount <> 0", name="some"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    reason: Mapped[str] = mapped_column(sa.String(300))
    made_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    made_by_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))

    made_by: Mapped[Person] = relationship(lazy="raise")
