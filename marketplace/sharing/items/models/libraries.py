"""What a library of things keeps beside its things: members, repairs, and what was seen when stock was taken."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.sharing.items.models.listing import ItemUnit, Library, UnitState


def _one(name: str, *columns: str, where: str) -> Index:
    """Of the rows that this is true of, one of each."""
    condition = sa.text(where)
    return Index(name, *columns, unique=True, sqlite_where=condition, postgresql_where=condition)


class LibraryMember(db.Base):
    """Someone who joined a library of things at its counter, and the card by which it knows them."""

    __tablename__ = "library_members"

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(ForeignKey("libraries.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    card: Mapped[str] = mapped_column(sa.String(40))
    since: Mapped[date] = mapped_column(default=clock.today)
    until: Mapped[date | None]
    """The last day of it; without one it goes on until it is ended."""
    added_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    ended_at: Mapped[datetime | None] = mapped_column(index=True)

    library: Mapped[Library] = relationship(lazy="raise")
    person: Mapped[Person] = relationship(lazy="raise", foreign_keys=[person_id])

    __table_args__ = (
        CheckConstraint("until >= since", name="in_order"),
        _one("uq_library_members_person_id", "library_id", "person_id", where="ended_at IS NULL"),
        _one("uq_library_members_card", "library_id", "card", where="ended_at IS NULL"),
    )

    @property
    def is_current(self) -> bool:
        """Whether it counts today."""
        return self.ended_at is None and (self.until is None or clock.today() <= self.until)


class RepairTicket(db.Base):
    """What is wrong with a piece; until it is closed the piece cannot be lent. One at a time."""

    __tablename__ = "repair_tickets"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("item_units.id"), index=True)
    problem: Mapped[str] = mapped_column(sa.String(500))
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    opened_at: Mapped[datetime] = mapped_column(default=clock.now)
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    closed_at: Mapped[datetime | None] = mapped_column(index=True)
    outcome: Mapped[UnitState | None]
    """Ready again, or gone for good."""

    unit: Mapped[ItemUnit] = relationship(lazy="raise")
    notes: Mapped[list["RepairNote"]] = relationship(lazy="raise", order_by="RepairNote.id")

    __table_args__ = (
        CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name="closed_with_an_outcome"),
        CheckConstraint("(closed_at IS NULL) = (closed_by_id IS NULL)", name="closed_by_someone"),
        CheckConstraint("outcome IN ('ready', 'gone')", name="ready_or_gone"),
        _one("uq_repair_tickets_open", "unit_id", where="closed_at IS NULL"),
    )

    @property
    def is_open(self) -> bool:
        """Whether it still waits for someone."""
        return self.closed_at is None


class RepairNote(db.Base):
    """What was done or found out about a repair."""

    __tablename__ = "repair_notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("repair_tickets.id", ondelete="CASCADE"), index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    at: Mapped[datetime] = mapped_column(default=clock.now)
    text: Mapped[str] = mapped_column(sa.String(1000))

    by: Mapped[Person] = relationship(lazy="raise")


class StockTake(db.Base):
    """A count of a library's pieces: what is there is scanned, what was not is missing. One at a time."""

    __tablename__ = "stock_takes"

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(ForeignKey("libraries.id", ondelete="CASCADE"), index=True)
    started_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    finished_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    finished_at: Mapped[datetime | None] = mapped_column(index=True)

    library: Mapped[Library] = relationship(lazy="raise")

    __table_args__ = (
        CheckConstraint("(finished_at IS NULL) = (finished_by_id IS NULL)", name="finished_by_someone"),
        _one("uq_stock_takes_going_on", "library_id", where="finished_at IS NULL"),
    )


class StockSeen(db.Base):
    """A code scanned while stock was taken; one that no piece of the city has is kept as it was read."""

    __tablename__ = "stock_seen"

    id: Mapped[int] = mapped_column(primary_key=True)
    stock_take_id: Mapped[int] = mapped_column(ForeignKey("stock_takes.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(sa.String(40))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("item_units.id"), index=True)
    seen_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    seen_at: Mapped[datetime] = mapped_column(default=clock.now)

    unit: Mapped[ItemUnit | None] = relationship(lazy="raise")

    __table_args__ = (sa.UniqueConstraint("stock_take_id", "code"),)
