"""Loans from the request to the return: who asked, what was promised for which days, and both hand-overs."""

import enum
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.civic.groups.models import Group, OnBehalf
from marketplace.kernel import clock, db
from marketplace.kernel.intervals import Interval
from marketplace.kernel.occupancy import Occupancy
from marketplace.kernel.references import new_reference
from marketplace.kernel.words import Text, _l
from marketplace.sharing.items.models.listing import Condition, DepositUnit, Item, ItemUnit


class LoanState(enum.Enum):
    """Where a loan stands."""

    REQUESTED = "requested"
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    OUT = "out"
    RETURNED = "returned"
    CLOSED = "closed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def words(self) -> Text:
        """The state as people read it."""
        return {
            "requested": _l("waiting for an answer"),
            "proposed": _l("other days proposed"),
            "accepted": _l("agreed"),
            "out": _l("on loan"),
            "returned": _l("returned"),
            "closed": _l("over"),
            "declined": _l("declined"),
            "withdrawn": _l("withdrawn"),
            "cancelled": _l("cancelled"),
            "expired": _l("not answered in time"),
        }[self.value]


ASKED = (LoanState.REQUESTED, LoanState.PROPOSED)
PROMISED = (LoanState.ACCEPTED, LoanState.OUT)
GOING_ON = (*ASKED, *PROMISED, LoanState.RETURNED)
BROUGHT_BACK = (LoanState.RETURNED, LoanState.CLOSED)


class Refusal(enum.Enum):
    """Why an owner declines: a short list, so that no reason is about who asks."""

    NEEDED = "needed"
    BROKEN = "broken"
    AWAY = "away"
    SHORT = "short"
    PURPOSE = "purpose"
    OTHER = "other"

    @property
    def words(self) -> Text:
        """The reason as the borrower reads it."""
        return {
            "needed": _l("The owner needs it then"),
            "broken": _l("It is broken or being repaired"),
            "away": _l("Nobody is there to hand it over"),
            "short": _l("The notice is too short"),
            "purpose": _l("It is not made for this purpose"),
            "other": _l("Another reason"),
        }[self.value]


class Loan(db.Base):
    """A thing asked for, and then promised, by its owner to a neighbour for some days, the last one included."""

    __tablename__ = "loans"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(sa.String(12), unique=True, default=new_reference)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id"))
    borrower_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    first_day: Mapped[date]
    last_day: Mapped[date]
    quantity: Mapped[int] = mapped_column(default=1)
    state: Mapped[LoanState] = mapped_column(default=LoanState.REQUESTED)
    message: Mapped[str] = mapped_column(sa.String(500), default="")
    other_first: Mapped[date | None]
    other_last: Mapped[date | None]
    """The days that the owner proposed instead."""
    refusal: Mapped[Refusal | None]
    reason: Mapped[str] = mapped_column(sa.String(500), default="")
    """What the owner or the borrower said to a no."""
    due_at: Mapped[datetime | None]
    """Until when someone has to answer: the owner a request, the borrower a proposal."""
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    fee: Mapped[int] = mapped_column(default=0)
    deposit: Mapped[int] = mapped_column(default=0)
    deposit_unit: Mapped[DepositUnit] = mapped_column(default=DepositUnit.MONEY, server_default="money")
    asked_at: Mapped[datetime] = mapped_column(default=clock.now)
    accepted_at: Mapped[datetime | None]
    out_at: Mapped[datetime | None]
    returned_at: Mapped[datetime | None] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    """When it came to whatever end."""
    longer_until: Mapped[date | None]
    """The last day that the borrower asks for instead, while it is out."""
    reminded: Mapped[int] = mapped_column(default=0)
    """How many reminders of the return were sent."""
    changed: Mapped[int] = mapped_column(default=0)
    """How often its days or state changed: the SEQUENCE of its calendar entry."""
    version: Mapped[int] = mapped_column(default=1)

    item: Mapped[Item] = relationship(lazy="raise")
    borrower: Mapped[Person] = relationship(lazy="raise", foreign_keys=[borrower_id])
    pieces: Mapped[list["LoanPiece"]] = relationship(lazy="raise", back_populates="loan", cascade="all, delete-orphan")
    handovers: Mapped[list["Handover"]] = relationship(lazy="raise", order_by="Handover.id", back_populates="loan")
    on_behalf: Mapped["LoanOnBehalf | None"] = relationship(lazy="raise", back_populates="loan")

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint("last_day >= first_day", name="in_order"),
        CheckConstraint("other_last >= other_first", name="proposal_in_order"),
        CheckConstraint("(state = 'proposed') <= (other_first IS NOT NULL)", name="proposal_has_days"),
        CheckConstraint("quantity > 0", name="some"),
        CheckConstraint("(state = 'declined') <= (refusal IS NOT NULL)", name="no_has_a_reason"),
        CheckConstraint("state NOT IN ('requested', 'proposed') OR due_at IS NOT NULL", name="answer_is_due"),
        Index("ix_loans_item_id_first_day", "item_id", "first_day"),
        Index("ix_loans_state_due_at", "state", "due_at"),
        Index("ix_loans_state_last_day", "state", "last_day"),
        Index(
            "uq_loans_asked",
            "item_id",
            "borrower_id",
            "first_day",
            unique=True,
            sqlite_where=sa.text("state IN ('requested', 'proposed')"),
            postgresql_where=sa.text("state IN ('requested', 'proposed')"),
        ),
    )

    @property
    def interval(self) -> Interval:
        """The whole days, by the city's clock."""
        return days(self.first_day, self.last_day)

    @property
    def when(self) -> Text:
        """Its days as people read them."""
        return when(self.first_day, self.last_day)

    @property
    def proposed(self) -> Text | None:
        """The days that the owner proposed instead, as people read them."""
        return when(self.other_first, self.other_last) if self.other_first and self.other_last else None

    @property
    def promised(self) -> int:
        """How much of the city's money the borrower promised as a deposit."""
        return self.deposit if self.deposit_unit is DepositUnit.MONEY else 0

    @property
    def held(self) -> int:
        """How many minutes of the borrower's time credits are put aside until it is over."""
        return self.deposit if self.deposit_unit is DepositUnit.TIME else 0

    @property
    def shown_deposit(self) -> str | None:
        """What was put down for it, as people read it."""
        return self.deposit_unit.show(self.deposit) if self.deposit else None

    @property
    def group(self) -> Group | None:
        """The group for which it was made; needs `on_behalf`."""
        return self.on_behalf.group if self.on_behalf else None

    @property
    def is_late(self) -> bool:
        """Whether it should have been back by now."""
        return self.state is LoanState.OUT and self.last_day < clock.today()


_OVER = "NEW.state IN ('closed', 'declined', 'withdrawn', 'cancelled', 'expired')"
_HELD = "EXISTS (SELECT 1 FROM deposits WHERE subject = 'loan:' || NEW.id AND unit = 'time' AND settled_at IS NULL{of})"
_STRAY = (
    f"({_OVER} AND {_HELD.format(of='')} OR NEW.state IN ('accepted', 'out', 'returned')"
    f" AND NEW.deposit_unit = 'time' AND NEW.deposit > 0 AND NOT {_HELD.format(of=' AND amount = NEW.deposit')})"
)
DEPOSIT_HELD = "loans_deposit_held"
GUARDS = {
    "sqlite": (
        f"CREATE TRIGGER {DEPOSIT_HELD} BEFORE UPDATE OF state, deposit, deposit_unit ON loans WHEN {_STRAY}"
        f" BEGIN SELECT RAISE(ABORT, '{DEPOSIT_HELD}'); END",
    ),
    "postgresql": (
        f"CREATE FUNCTION {DEPOSIT_HELD}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF {_STRAY} THEN RAISE EXCEPTION '{DEPOSIT_HELD}' USING ERRCODE = 'integrity_constraint_violation'; END IF;"
        " RETURN NEW; END $$",
        f"CREATE TRIGGER {DEPOSIT_HELD} BEFORE UPDATE OF state, deposit, deposit_unit ON loans"
        f" FOR EACH ROW EXECUTE FUNCTION {DEPOSIT_HELD}()",
    ),
}
"""No loan ends with its deposit still held, none is agreed without it, by dialect: run after the table is created."""

for _dialect, _ddl in GUARDS.items():
    for _statement in _ddl:
        event.listen(Loan.__table__, "after_create", sa.DDL(_statement).execute_if(dialect=_dialect))
event.listen(
    Loan.__table__, "after_drop", sa.DDL(f"DROP FUNCTION IF EXISTS {DEPOSIT_HELD}()").execute_if(dialect="postgresql")
)


def days(first: date, last: date) -> Interval:
    """From the beginning of one day to the end of another, by the city's clock: 23 or 25 hours where it is set."""
    return Interval(clock.at(first, 0), clock.at(last + timedelta(days=1), 0))


def when(first: date, last: date) -> Text:
    """Some days as people read them."""
    return Text("{first}", (("first", first),)) if first == last else _l("{first} to {last}", first=first, last=last)


class LoanOnBehalf(OnBehalf, db.Base):
    """In whose name a loan was made: for a group, or by a library for someone at its counter or telephone."""

    __tablename__ = "loans_on_behalf"

    loan_id: Mapped[int] = mapped_column(ForeignKey("loans.id", ondelete="CASCADE"), primary_key=True)

    loan: Mapped[Loan] = relationship(lazy="raise", back_populates="on_behalf")


class LoanPiece(db.Base):
    """A piece promised to a loan: what holds its days, and whether it is out of the house. No piece is out twice."""

    __tablename__ = "loan_pieces"

    loan_id: Mapped[int] = mapped_column(ForeignKey("loans.id", ondelete="CASCADE"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("item_units.id"), primary_key=True, index=True)
    occupancy_id: Mapped[int | None] = mapped_column(ForeignKey("occupancies.id", ondelete="SET NULL"), unique=True)
    is_out: Mapped[bool] = mapped_column(default=False)

    loan: Mapped[Loan] = relationship(lazy="raise", back_populates="pieces")
    unit: Mapped[ItemUnit] = relationship(lazy="raise")
    occupancy: Mapped[Occupancy | None] = relationship(lazy="raise")

    __table_args__ = (
        Index(
            "uq_loan_pieces_out",
            "unit_id",
            unique=True,
            sqlite_where=sa.text("is_out"),
            postgresql_where=sa.text("is_out"),
        ),
    )


class Way(enum.Enum):
    """Which way a thing changes hands."""

    OUT = "out"
    BACK = "back"


class Handover(db.Base):
    """A thing changing hands: one side says how it is and shows a code, the other enters it and agrees.

    Pictures of either side are uploads of the subject handover:<id>.
    """

    __tablename__ = "handovers"

    id: Mapped[int] = mapped_column(primary_key=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loans.id", ondelete="CASCADE"), index=True)
    way: Mapped[Way]
    given_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    condition: Mapped[Condition]
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    nonce: Mapped[str] = mapped_column(sa.String(32))
    """What the six digits that only the giver is shown are made of, together with the platform's secret."""
    tries: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    taken_at: Mapped[datetime | None]
    agreed: Mapped[bool | None]
    """Whether the taker found it as the giver said."""
    remark: Mapped[str] = mapped_column(sa.String(500), default="")

    loan: Mapped[Loan] = relationship(lazy="raise", back_populates="handovers")
    parts: Mapped[list["HandoverPart"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by="HandoverPart.id"
    )

    __table_args__ = (
        CheckConstraint("(taken_at IS NULL) = (taken_by_id IS NULL)", name="taken_by_someone"),
        CheckConstraint("taken_by_id <> given_by_id", name="two_people"),
        Index(
            "uq_handovers_taken",
            "loan_id",
            "way",
            unique=True,
            sqlite_where=sa.text("taken_at IS NOT NULL"),
            postgresql_where=sa.text("taken_at IS NOT NULL"),
        ),
    )


class HandoverPart(db.Base):
    """How many of an accessory came along; its name is kept as it was then."""

    __tablename__ = "handover_parts"

    id: Mapped[int] = mapped_column(primary_key=True)
    handover_id: Mapped[int] = mapped_column(ForeignKey("handovers.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    expected: Mapped[int]
    counted: Mapped[int]

    __table_args__ = (CheckConstraint("expected > 0 AND counted >= 0", name="counts"),)


class InLine(db.Base):
    """Someone who waits for an item that others have: first come, first asked."""

    __tablename__ = "item_queue"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    days: Mapped[int]
    joined_at: Mapped[datetime] = mapped_column(default=clock.now)
    offered_until: Mapped[datetime | None]
    """While the item is kept for them to ask for."""
    occupancy_id: Mapped[int | None] = mapped_column(ForeignKey("occupancies.id", ondelete="SET NULL"), unique=True)
    left_at: Mapped[datetime | None]

    item: Mapped[Item] = relationship(lazy="raise")
    person: Mapped[Person] = relationship(lazy="raise")
    occupancy: Mapped[Occupancy | None] = relationship(lazy="raise")

    __table_args__ = (
        CheckConstraint("days > 0", name="some_days"),
        Index("ix_item_queue_item_id_joined_at", "item_id", "joined_at"),
        Index(
            "uq_item_queue_waiting",
            "item_id",
            "person_id",
            unique=True,
            sqlite_where=sa.text("left_at IS NULL"),
            postgresql_where=sa.text("left_at IS NULL"),
        ),
    )
